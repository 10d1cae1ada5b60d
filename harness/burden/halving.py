"""How fast the compute for one and the same error falls over the years.

Two ways. One error is fixed, and the least compute that had reached it so far is followed from year to year: a straight
line through the logarithms of the records. And all trainings together: log error over log compute and year. Only
finished trainings count: one that ended far below the error had reached it with less than its record says.

Source:
    Hernandez & Brown 2020, Measuring the Algorithmic Efficiency of Neural Networks, arXiv:2005.04305 (there: the error
    of AlexNet, 44 x less compute in 7 years, a halving every 16 months); Thompson et al. 2020, arXiv:2007.05558, for
    the year beside compute (there for ImageNet: 3 years are worth 10 x the compute).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float64

from harness.burden.exponent import Interval, by_point, frontier_of, levels, slopes
from harness.burden.points import Training
from registry.errors import NoAnswer

LEAST: Final = 15  # trainings with a year
LEAST_RECORDS: Final = 3
LEAST_SURE: Final = 0.95  # share of draws in which error falls with compute: else years have no measure


@final
@dataclass(frozen=True)
class Level:
    """The compute that one error took over the years.

    Attributes:
        what: Which error this is, in words.
        error: The error.
        records: The trainings that each reached it with less compute than any before, by year.
        months: In which the compute halves; None where there are too few records, or they do not fall.
    """

    what: str
    error: float
    records: tuple[Training, ...]
    months: Interval | None


class Progress(NamedTuple):
    """Halving times of compute at equal error.

    Args:
        n: Trainings with a year.
        first: First year.
        last: Last year.
        levels: By the least compute so far, for some errors.
        trend: Months by all trainings together; None where they do not tell years from compute.
    """

    n: int
    first: int
    last: int
    levels: tuple[Level, ...]
    trend: Interval | None


def progress(trainings: Sequence[Training]) -> Progress:
    """Return how fast compute falls at equal error: that of the first year's best training, and the median error.

    Args:
        trainings: Those without a year do not count.

    Raises:
        NoAnswer: If fewer than ``LEAST`` have a year, or all have the same.
    """
    dated = [one for one in trainings if one.year is not None]
    years = [one.year for one in dated if one.year is not None]
    if len(dated) < LEAST or len(set(years)) < 2:
        found = f"{len(dated)} in {len(set(years))} years"
        raise NoAnswer(f"a halving time takes {LEAST} trainings with their year, and two years, got {found}")
    first = min((one for one in dated if one.year == min(years)), key=lambda one: one.error)
    median = sorted(one.error for one in dated)[len(dated) // 2]
    levels = [_level(f"that of {first.name}, {first.year}", first.error, dated)]
    if median != first.error:
        levels.append(_level("the median of all", median, dated))
    return Progress(len(dated), min(years), max(years), tuple(levels), _trend(dated))


def _level(what: str, error: float, dated: Sequence[Training]) -> Level:
    """Follow the least compute so far; draws are of all trainings that reach the error."""
    reaching = [one for one in dated if one.error <= error * (1 + 1e-9)]
    year, compute = _years(reaching), np.log2([one.train_flops for one in reaching])
    is_record = frontier_of(year, compute, np.ones((1, len(year)), dtype=bool))
    records = sorted(
        (one for one, kept in zip(reaching, is_record[0], strict=True) if kept), key=lambda one: one.year or 0
    )
    months = None
    if len(records) >= LEAST_RECORDS:
        drawn = frontier_of(year, compute, by_point(len(year)) > 0)
        rates = -slopes(year, compute, drawn.astype(np.float64))
        months = _months(float(-slopes(year, compute, is_record.astype(np.float64))[0]), rates, len(year))
    return Level(what, error, tuple(records), months)


def _trend(dated: Sequence[Training]) -> Interval | None:
    """Regress log error on log2 compute and year; a year is worth the ratio of their slopes in halvings."""
    x, t = np.log2([one.train_flops for one in dated]), _years(dated)
    y = np.log([one.error for one in dated])
    by_compute, by_year = _plane(x, t, y, np.ones((1, len(x))))
    if by_compute[0] >= 0 or by_year[0] >= 0:
        return None
    draws = _plane(x, t, y, by_point(len(x)))
    falls = draws[0] < 0
    if falls.mean() < LEAST_SURE:
        return None
    return _months(float(by_year[0] / by_compute[0]), draws[1][falls] / draws[0][falls], len(x))


def _plane(
    x: Float64[np.ndarray, " n"],
    t: Float64[np.ndarray, " n"],
    y: Float64[np.ndarray, " n"],
    weights: Float64[np.ndarray, "draws n"],
) -> tuple[Float64[np.ndarray, " draws"], Float64[np.ndarray, " draws"]]:
    """Return the slopes of ``y`` in ``x`` and in ``t`` by weighted least squares; 0 where they cannot be told apart."""
    total = weights.sum(axis=1, keepdims=True)
    from_x, from_t, from_y = (one - (weights @ one)[:, None] / total for one in (x, t, y))
    xx, tt, xt, xy, ty = (
        (weights * one * other).sum(axis=1)
        for one, other in (
            (from_x, from_x), (from_t, from_t), (from_x, from_t), (from_x, from_y), (from_t, from_y),
        )
    )  # fmt: skip
    determinant = xx * tt - xt * xt
    sound = determinant > 1e-9 * xx * tt
    parts = (xy * tt - ty * xt, ty * xx - xy * xt)
    in_x, in_t = (np.divide(part, determinant, out=np.zeros_like(part), where=sound) for part in parts)
    return in_x, in_t


def _months(rate: float, rates: Float64[np.ndarray, " draws"], n: int) -> Interval | None:
    """Turn halvings a year, and those of draws from ``n`` trainings, into months; a rate that may be 0: open end."""
    if rate <= 0:
        return None
    slow, fast = (float(end) for end in np.quantile(rates, levels(n)))
    return Interval(12 / rate, 12 / fast if fast > 0 else None, 12 / slow if slow > 0 else None)


def _years(trainings: Sequence[Training]) -> Float64[np.ndarray, " n"]:
    return np.array([math.nan if one.year is None else one.year for one in trainings], dtype=np.float64)
