"""Whether a curve's points say that there is a floor at all: the best laws with one and without one, held together.

Neither has a prior. What members believe of floors serves extrapolation and is no evidence that there is one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float64
from scipy.stats import chi2, f

from harness.laws import members
from harness.laws.points import Curve

LEVEL: Final = 0.9  # two-sided; a floor is on one side of none, so that none is rejected in 5 % where it is true
N_POWER: Final = 3  # parameters of a power law with a floor


def has_floor(curve: Curve) -> bool:
    """Say whether the points reject every law without a floor: a power law and, where they carry one, a shifted one.

    Twice the difference of the best losses with and without a floor is held against chi-squared of one degree, in units
    of the points' noise and of what the better law misses beyond it; against F, whose tails are heavier, where the
    scatter of the points is all that tells their noise.

    Not among the laws rejected is one whose exponent falls at a break: over two decades it looks like a floor.
    """
    x = np.log(curve.n / curve.n[-1])
    free = [member for member in members.FREELY if len(member.centre) < len(x)]
    return all(_gain(member, x, curve) > _limit(curve, len(member.centre)) for member in free[:1] + free[-1:])


def _gain(member: members.Member, x: Float64[np.ndarray, " points"], curve: Curve) -> float:
    with_floor, without = (
        members.fit([member], x, curve.log_error, curve.noise, None, floor=floor).log_error(x)[0] - curve.log_error
        for floor in (True, False)
    )
    spare = max(1, len(x) - len(member.centre))
    missed = float(np.sum(with_floor**2)) / spare
    variance = curve.noise**2 + max(0.0, missed - float(np.mean(curve.noise**2)))
    return 2 * float(np.sum(np.sqrt(1 + without**2 / variance) - np.sqrt(1 + with_floor**2 / variance)))


def _limit(curve: Curve, n_parameters: int) -> float:
    return float(chi2.ppf(LEVEL, 1) if curve.told else f.ppf(LEVEL, 1, max(1, len(curve.n) - n_parameters)))
