"""How a learning rate moves over a run: computed once for the whole run, so that no step computes it again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, final, get_args

import numpy as np
from jaxtyping import Float64

from registry.errors import UsageError

Form = Literal["cosine", "linear", "constant"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)


@final
@dataclass(frozen=True)
class Schedule:
    """The share of the peak rate at each step: a linear warm-up, then ``form``.

    Args:
        form: ``cosine`` and ``linear`` fall from 1 towards 0, which they would reach one step after the last;
            ``constant`` stays at 1.
        warmup: Share of the run, in [0, 1), over which the rate climbs; its first step is not 0.

    Raises:
        UsageError: If the form is unknown or the warm-up is no such share.

    Source:
        Cosine: Loshchilov & Hutter 2017, arXiv:1608.03983; warm-up: Goyal et al. 2017, arXiv:1706.02677.
    """

    form: Form = "cosine"
    warmup: float = 0.0

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise UsageError(f"unknown schedule '{self.form}'", f"expected one of {', '.join(FORMS)}")
        if not 0 <= self.warmup < 1:
            raise UsageError(f"warmup {self.warmup:g} is not a share of the run", "expected 0 to below 1")

    def shares(self, steps: int) -> Float64[np.ndarray, " steps"]:
        """Return the share of the peak rate at every step of a run of ``steps``; read-only."""
        return _shares(self, steps)


@lru_cache(maxsize=256)  # members of a pack share schedules, and packs of a study do too
def _shares(schedule: Schedule, steps: int) -> np.ndarray:
    climb = math.floor(schedule.warmup * steps)
    fall = steps - climb
    rising = [(t + 1) / (climb + 1) for t in range(climb)]
    # math and not numpy: one libm gives the same last digit whatever the vector length
    match schedule.form:
        case "cosine":
            falling = [0.5 * (1 + math.cos(math.pi * t / fall)) for t in range(fall)]
        case "linear":
            falling = [1 - t / fall for t in range(fall)]
        case "constant":
            falling = [1.0] * fall
    shares = np.array(rising + falling)
    shares.flags.writeable = False
    return shares
