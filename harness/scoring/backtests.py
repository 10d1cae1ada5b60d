"""Back-tests inside the parts that laws are fitted to: what every constant of the fit and its intervals is chosen by.

No point that a file holds out is read: of each curve only what is fitted at its longest horizon is split again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64

from harness.laws.curve import fit_curve
from harness.laws.intervals import log_values, outside, spread
from harness.laws.points import points_of
from harness.scoring.read import HeldOut
from registry.errors import InvalidData

HORIZONS: Final = (2.0, 4.0)
SMALLEST: Final = 200  # n; most of LCDB's curves below it are no curves yet
LEVELS: Final = (80, 90)
DRIFTS: Final = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06)


class Backtest(NamedTuple):
    """How one law did on the later points of its own fit part, all in log error."""

    domain: str
    missed: Float64[np.ndarray, " later"]
    spread: Float64[np.ndarray, " later"]
    away: Float64[np.ndarray, " later"]
    noise: float


class Constants(NamedTuple):
    """What a drift needs of factors; ``width`` is the geometric mean half-width at 90 %, ``cover`` by domain."""

    drift: float
    factor80: float
    factor90: float
    width: float
    cover: dict[str, float]


def inner(curves: Sequence[HeldOut]) -> Iterator[HeldOut]:
    """Split each curve's fit part again, at its longest horizon alone: the last factor 2 and 4 of it are held out."""
    longest: dict[tuple[str, str, str], HeldOut] = {}
    for curve in curves:
        key = (curve.dataset, curve.domain, curve.name)
        if key not in longest or curve.horizon > longest[key].horizon:
            longest[key] = curve
    for curve in longest.values():
        for horizon in HORIZONS:
            fitted = curve.n <= curve.n[-1] / horizon * (1 + 1e-9)
            if not fitted.any() or curve.n[fitted][-1] < SMALLEST:
                continue
            yield curve._replace(
                horizon=horizon,
                n=curve.n[fitted],
                error=curve.error[fitted],
                stderr=None if curve.stderr is None else curve.stderr[fitted],
                later_n=curve.n[~fitted],
                later_error=curve.error[~fitted],
            )


def run(curves: Sequence[HeldOut]) -> list[Backtest]:
    """Fit every inner part and compare; parts that carry no law are left out."""
    found = []
    for curve in inner(curves):
        stderr = None if curve.stderr is None else curve.stderr.tolist()
        try:
            law = fit_curve(points_of(curve.n.tolist(), curve.error.tolist(), stderr), chance=curve.chance)
        except InvalidData:
            continue
        missed = np.abs(log_values(law, curve.later_n) - np.log(curve.later_error))
        scatter, away = spread(law, curve.later_n), outside(law, curve.later_n)
        found.append(Backtest(curve.domain, missed, scatter, away, float(law["interval"]["noise"])))
    return found


def constants(backtests: Sequence[Backtest], drift: float) -> Constants:
    """Return the factors that cover 80 and 90 % of what was missed; curves weigh alike."""
    domains = sorted({each.domain for each in backtests})
    weight = np.concatenate([np.full(len(each.missed), 1 / len(each.missed)) for each in backtests])
    scale = np.concatenate([np.sqrt(each.spread**2 + each.noise**2 + (drift * each.away) ** 2) for each in backtests])
    score = np.concatenate([each.missed for each in backtests]) / scale
    order = np.argsort(score)
    share = np.cumsum(weight[order]) / weight.sum()
    factor80, factor90 = (float(score[order][np.searchsorted(share, level / 100)]) for level in LEVELS)
    of = np.concatenate([np.full(len(each.missed), domains.index(each.domain)) for each in backtests])
    cover = {
        domain: float(weight[of == at] @ (score[of == at] <= factor90) / weight[of == at].sum())
        for at, domain in enumerate(domains)
    }
    width = factor90 * math.exp(float(weight @ np.log(scale) / weight.sum()))
    return Constants(drift, factor80, factor90, width, cover)
