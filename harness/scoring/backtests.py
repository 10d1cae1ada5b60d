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
from harness.laws.points import Point, points_of
from harness.scoring.read import HeldOut
from registry.errors import InvalidData

HORIZONS: Final = (2.0, 4.0)
SMALLEST: Final = 200  # n; most of LCDB's curves below it are no curves yet
LEVELS: Final = (80, 90)
DRIFTS: Final = (0.0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08)
FEW: Final = (5, 6, 7)
SEEDS: Final = 3
SPLITS: Final = 25  # that LCDB's means and standard errors are of
_LEAST_ERROR: Final = 1e-3


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


def run(curves: Sequence[HeldOut], few: Sequence[int] = ()) -> list[Backtest]:
    """Fit every inner part and compare; parts that carry no law are left out.

    Args:
        curves: Whose fit parts are split again.
        few: Instead of all points, fit this many, of 3 seeds each, as a study of one's own has them; a back-test for
            each number. Curves without standard errors, from which the seeds are drawn, are left out.
    """
    generator, found = np.random.default_rng(0), []
    for curve in inner(curves):
        for count in few or (0,):
            if count and (curve.stderr is None or len(curve.n) < 2 * count):
                continue
            points = _few(curve, count, generator) if count else _all(curve)
            found += _run(curve, points)
    return found


def _all(curve: HeldOut) -> list[Point]:
    stderr = None if curve.stderr is None else curve.stderr.tolist()
    return points_of(curve.n.tolist(), curve.error.tolist(), stderr)


def _few(curve: HeldOut, count: int, generator: np.random.Generator) -> list[Point]:
    """Return points at even distances in log n, each of 3 runs drawn about the mean that LCDB's 25 splits give."""
    wanted = np.geomspace(curve.n[0], curve.n[-1], count)
    nearest = np.unique([int(np.argmin(np.abs(np.log(curve.n / each)))) for each in wanted])
    points = []
    for at in nearest.tolist():
        sd = 0.0 if curve.stderr is None else float(curve.stderr[at]) * SPLITS**0.5
        seeds = curve.error[at] + sd * generator.standard_normal(SEEDS)
        points.append(Point(float(curve.n[at]), tuple(np.maximum(seeds, _LEAST_ERROR).tolist())))
    return points


def _run(curve: HeldOut, points: list[Point]) -> list[Backtest]:
    try:
        law = fit_curve(points, chance=curve.chance)
    except InvalidData:
        return []
    missed = np.abs(log_values(law, curve.later_n) - np.log(curve.later_error))
    scatter, away = spread(law, curve.later_n), outside(law, curve.later_n)
    return [Backtest(curve.domain, missed, scatter, away, float(law["interval"]["noise"]))]


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
