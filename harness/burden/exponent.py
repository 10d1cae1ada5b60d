"""How error falls with training compute: a straight line in logarithms, and what halving the error costs.

log error = a + b log compute, by least squares over trainings; k = -1 / b, so that compute grows as (1 / error) ** k.
That is right where trainings differ in the error they make of the same compute, and nothing else. Where they differ in
the compute they take for the same error, or in how well it is known, regressing log compute on log error is: k x R2.
Where they differ in both, k lies between.

Source:
    Thompson, Greenewald, Lee & Manso 2020, The Computational Limits of Deep Learning, arXiv:2007.05558.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float64
from scipy import stats

from harness.burden.points import Training
from registry.errors import NoAnswer

LEAST: Final = 10  # trainings an exponent takes
LEAST_FRONTIER: Final = 5  # of them on the frontier
LEAST_R2: Final = 0.3  # below, compute explains so little that halving by it is no forecast
LEAST_SOURCES: Final = 5  # to resample them
DRAWS: Final = 2000
OUTSIDE: Final = 0.05  # share of draws beyond either end
COSTLIEST: Final = 1e30  # times the compute: beyond, an end is open
# source: Thompson et al. 2021, Deep Learning's Diminishing Returns, IEEE Spectrum 58(10): compute grows with at least
# the fourth power of the improvement in theory, with at least the ninth in practice.
THEORY: Final = 4.0
ARTICLE: Final = 9.0


class Interval(NamedTuple):
    """A value with the ends of its 90 % interval; None where an end is open."""

    value: float
    low: float | None
    high: float | None


class Ends(NamedTuple):
    """The ends of a 90 % interval; None where one is open."""

    low: float | None
    high: float | None


@final
@dataclass(frozen=True)
class Fit:
    """The line through some trainings.

    Attributes:
        n: Trainings.
        n_sources: Sources that they are from.
        level: Log error at a compute of 1.
        slope: Of log error over log compute.
        r2: Share of the variance of log error that the line explains.
        exponent: k; None where error does not fall.
        by_source: Ends of k where sources are drawn instead of trainings; None below ``LEAST_SOURCES``.
        inverse: k by regressing log compute on log error; None likewise.
    """

    n: int
    n_sources: int
    level: float
    slope: float
    r2: float
    exponent: Interval | None
    by_source: Ends | None
    inverse: Interval | None

    @property
    def halving(self) -> Interval | None:
        """Return the factor in compute that halves the error; None where :attr:`silence` says why not."""
        if self.exponent is None or self.silence:
            return None
        low, high = (_cost(end) for end in self.exponent[1:])
        value = _cost(self.exponent.value)
        return None if value is None else Interval(value, low, high)

    @property
    def silence(self) -> str:
        """Say why there is no word on what halving the error takes; empty where there is one."""
        if self.exponent is None:
            return "error does not fall with compute here"
        if self.r2 < LEAST_R2:
            return f"compute explains {self.r2:.0%} of the variance of log error, less than {LEAST_R2:.0%}"
        return "" if _cost(self.exponent.value) else f"it would take more than {COSTLIEST:g} x the compute"


def fit(trainings: Sequence[Training], *, frontier: bool = False) -> Fit:
    """Fit the line, with intervals by bootstrap.

    Args:
        trainings: At least ``LEAST``.
        frontier: Fit only those that none with as little compute beats. Each draw is of all trainings, with a frontier
            of its own; R2 is high by selection.

    Raises:
        NoAnswer: If there are too few, on the frontier too few, or if all have the same compute.
    """
    if len(trainings) < LEAST:
        raise NoAnswer(f"an exponent takes {LEAST} trainings, got {len(trainings)}")
    x, y = (np.log([getattr(one, name) for one in trainings]) for name in ("train_flops", "error"))
    sources = _numbered([one.citation for one in trainings])
    chosen = frontier_of(x, y, np.ones((1, len(x)), dtype=bool))[0] if frontier else np.ones(len(x), dtype=bool)
    if chosen.sum() < LEAST_FRONTIER:
        raise NoAnswer(f"a frontier takes {LEAST_FRONTIER} trainings, got {chosen.sum()}")
    if np.ptp(x[chosen]) == 0 or np.ptp(y[chosen]) == 0:
        raise NoAnswer("every training has the same compute, or the same error")
    one = _line(x, y, chosen[None].astype(float))
    many = _line(x, y, _weights(x, y, by_point(len(x)), frontier=frontier))
    n_sources = len(set(sources[chosen]))
    by_source = _weights(x, y, by_point(int(sources.max()) + 1)[:, sources], frontier=frontier)
    slope, inverse = float(one.slope[0]), float(one.inverse[0])
    turned = (max(0.0, float(end)) for end in np.quantile(-many.inverse, levels(len(x))))
    return Fit(
        n=int(chosen.sum()),
        n_sources=n_sources,
        level=float(one.level[0]),
        slope=slope,
        r2=float(one.r2[0]),
        exponent=Interval(-1 / slope, *_exponents(many.slope, len(x))) if slope < 0 else None,
        by_source=_exponents(slopes(x, y, by_source), n_sources) if n_sources >= LEAST_SOURCES else None,
        inverse=Interval(-inverse, *turned) if slope < 0 else None,
    )


def by_point(n: int) -> Float64[np.ndarray, "draws n"]:
    """Return how often each of ``n`` is drawn, with replacement, in ``DRAWS`` draws; the same every time."""
    drawn = (np.random.default_rng(0).random((DRAWS, n)) * n).astype(np.int64)
    times = np.zeros((DRAWS, n))
    np.add.at(times, (np.arange(DRAWS)[:, None], drawn), 1)
    return times


def levels(n: int) -> tuple[float, float]:
    """Return the quantiles of draws that are the ends of a 90 % interval of a slope through ``n`` drawn units.

    Those of a plain bootstrap cover too little where ``n`` is small; these are moved out as Student's t is wider than
    the normal distribution, and as a sample varies less than what it is from.

    Source:
        Hesterberg 2015, What Teachers Should Know About the Bootstrap, arXiv:1411.5279 (expanded percentile interval),
        with the n - 2 degrees of freedom of a slope.
    """
    low = float(stats.norm.cdf(math.sqrt(n / (n - 2)) * stats.t.ppf(OUTSIDE, n - 2)))
    return low, 1 - low


def frontier_of(
    x: Float64[np.ndarray, " n"], y: Float64[np.ndarray, " n"], there: Bool[np.ndarray, "draws n"]
) -> Bool[np.ndarray, "draws n"]:
    """Say which points, of those that are there, none with a smaller or equal ``x`` matches or beats in ``y``.

    Lower is better; of equal ones the first counts.
    """
    order = np.lexsort((y, x))
    values = np.where(there[:, order], y[order], np.inf)
    before = np.minimum.accumulate(values, axis=1)
    before = np.concatenate([np.full((len(there), 1), np.inf), before[:, :-1]], axis=1)
    found = np.empty_like(there)
    found[:, order] = values < before
    return found


def slopes(
    x: Float64[np.ndarray, " n"], y: Float64[np.ndarray, " n"], weights: Float64[np.ndarray, "draws n"]
) -> Float64[np.ndarray, " draws"]:
    """Return the slope of ``y`` over ``x`` by weighted least squares; 0 where all ``x`` are equal."""
    return _line(x, y, weights).slope


class _Lines(NamedTuple):
    level: Float64[np.ndarray, " draws"]
    slope: Float64[np.ndarray, " draws"]
    inverse: Float64[np.ndarray, " draws"]
    r2: Float64[np.ndarray, " draws"]


def _line(
    x: Float64[np.ndarray, " n"], y: Float64[np.ndarray, " n"], weights: Float64[np.ndarray, "draws n"]
) -> _Lines:
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    from_x, from_y = x - mean_x[:, None], y - mean_y[:, None]
    xx, xy, yy = ((weights * part).sum(axis=1) / total for part in (from_x * from_x, from_x * from_y, from_y * from_y))
    tiny = 1e-12
    slope = np.divide(xy, xx, out=np.zeros_like(xy), where=xx > tiny)
    inverse = np.divide(xy, yy, out=np.zeros_like(xy), where=yy > tiny)
    return _Lines(mean_y - slope * mean_x, slope, inverse, slope * inverse)


def _weights(
    x: Float64[np.ndarray, " n"], y: Float64[np.ndarray, " n"], drawn: Float64[np.ndarray, "draws n"], *, frontier: bool
) -> Float64[np.ndarray, "draws n"]:
    return frontier_of(x, y, drawn > 0).astype(np.float64) if frontier else drawn


def _exponents(found: Float64[np.ndarray, " draws"], n: int) -> Ends:
    """Return the ends of k: those of the slope, turned; a slope that may be flat leaves the upper one open."""
    steep, flat = (float(end) for end in np.quantile(found, levels(n)))
    return Ends(-1 / steep if steep < 0 else None, -1 / flat if flat < 0 else None)


def _cost(exponent: float | None) -> float | None:
    return None if exponent is None or exponent > np.log2(COSTLIEST) else 2.0**exponent


def _numbered(names: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)
