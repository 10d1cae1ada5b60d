"""Errors that are counts of wrong answers: their likelihood, their noise, and how they may have come out instead.

A count is binomial, and varies more (or less) from seed to seed than that: its deviance is divided by what its variance
is of a binomial one (quasi-likelihood, McCullagh and Nelder 1989, section 4.5). The signed root of a deviance behaves
like a normal residual however small the count, and needs no logarithm of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

WHOLE: Final = 0.01  # how far a count that went through a share of 32 bits may be from a whole number
HALF: Final = 0.5  # of a wrong answer, for none; DESIGN section 2
PRIOR_DEGREES: Final = 4  # degrees of freedom that the pooled dispersion lends to each point, and the binomial to it
NEAR: Final = 0.01  # below it g(u) is summed as a series
FLAT: Final = 1e-6  # a residual of so little is 0, where its slope is known

Items = int | tuple[int, ...] | None  # items that errors are shares of: of every seed, or one number a seed


class Counts(NamedTuple):
    """Wrong answers of all seeds of each point together; NaN where a point is no count.

    ``wrong`` has a row a draw where counts are drawn again. ``sd`` is what binomial counting alone leaves open of the
    log error, ``n_runs`` how many seeds each point has: where these read different numbers of items, how many of one
    number its mean is worth. ``per_run`` is how many times as large the variance by counting of one run is, on average.
    """

    wrong: Float64[np.ndarray, "*draws points"]
    items: Float64[np.ndarray, " points"]
    sd: Float64[np.ndarray, " points"]
    n_runs: Float64[np.ndarray, " points"]
    per_run: Float64[np.ndarray, " points"]

    def part(self, chosen: slice | np.ndarray) -> Counts:
        """Return the points ``chosen``."""
        return Counts(self.wrong[..., chosen], *(each[chosen] for each in self[1:]))


class Dispersion(NamedTuple):
    """Variance of the log error of one run and of each point's mean; NaN where a point is no count."""

    of_run: Float64[np.ndarray, " points"]
    of_mean: Float64[np.ndarray, " points"]


def totals_of(n_seeds: int, n_items: Items) -> tuple[int, ...] | None:
    """Return the items of each seed; None where nobody says."""
    return (n_items,) * n_seeds if isinstance(n_items, int) else n_items


def fault(n_seeds: int, n_items: Items) -> str | None:
    """Return what is wrong with numbers of items, as what a point has; None where nothing is."""
    totals = totals_of(n_seeds, n_items)
    if totals is None:
        return None
    if len(totals) != n_seeds:
        return f"{len(totals)} totals of {n_seeds} errors, expected one a seed"
    few = [items for items in totals if items < 1]
    return f"errors that are counts of {few[0]} items, expected at least 1" if few else None


def pooled(errors: Sequence[float], n_items: Items) -> float:
    """Return the mean error; of seeds that read different numbers of items, all their wrong answers over all items."""
    if isinstance(n_items, tuple) and len(set(n_items)) > 1:
        return math.fsum(error * each for error, each in zip(errors, n_items, strict=True)) / sum(n_items)
    return math.fsum(errors) / len(errors)


def counts_of(errors: Sequence[Sequence[float]], n_items: Sequence[Items]) -> Counts | None:
    """Return what errors count, or None where they are shares of another kind: no whole numbers of wrong answers.

    Args:
        errors: One error a seed, of each point.
        n_items: How many items the errors of each point are shares of, one number or one a seed; None where nobody
            says.
    """
    wrong, items = np.full(len(errors), np.nan), np.full(len(errors), np.nan)
    runs = np.array([len(seeds) for seeds in errors], dtype=np.float64)
    per_run = runs.copy()
    for at, (seeds, given) in enumerate(zip(errors, n_items, strict=True)):
        totals = totals_of(len(seeds), given)
        if totals is None:
            continue
        each = np.asarray(totals, dtype=np.float64)
        answers = np.asarray(seeds, dtype=np.float64) * each
        if (np.abs(answers - answers.round()) > WHOLE).any() or (answers.round() > each).any():
            return None
        wrong[at], items[at] = answers.round().sum(), each.sum()
        if len(set(totals)) > 1:
            runs[at], per_run[at] = each.sum() ** 2 / (each @ each), each.sum() * np.mean(1 / each)
    if np.isnan(items).all():
        return None
    return _counts(wrong, items, runs, per_run)


def log_share(counts: Counts) -> Float64[np.ndarray, "*draws points"]:
    """Return the log of the share of wrong answers, half an answer for none."""
    return np.asarray(
        np.log(np.maximum(counts.wrong, HALF) / np.where(counts.wrong > 0, counts.items, counts.items + 1))
    )


def dispersion(counts: Counts, errors: Sequence[Sequence[float]], scatter: float, least: float) -> Dispersion:
    """Return how much counts vary: as binomial ones, and by as much more or less as seeds (or else scatter) tell.

    The variance between seeds beyond a binomial one is one share of the error for all points; each point's own seeds
    then count by their number against what all say. Seeds that read the same items may vary less than binomially.

    Args:
        counts: Of ``errors``.
        errors: One a seed, of each point.
        scatter: Standard deviation of single points about a smooth curve, in log error; asked where no point has two
            seeds.
        least: No mean is known better than this, relative.
    """
    n_seeds = np.array([len(seeds) for seeds in errors])
    binomial = counts.sd**2 * counts.per_run
    degrees = np.where(np.isfinite(counts.items), n_seeds - 1, 0)
    if not degrees.any():
        beyond = max(scatter**2 - float(np.nanmean(binomial)), least**2)
        return Dispersion(binomial + beyond, binomial + beyond)
    mean = np.exp(log_share(counts))
    sd = np.array([np.std(seeds, ddof=1) if len(seeds) > 1 else 0.0 for seeds in errors])
    relative = (sd / mean) ** 2
    told = degrees > 0
    extra = _beyond(relative[told], binomial[told], degrees[told])
    ratio = np.where(told, relative / (binomial + extra), 1.0)
    pooled = 1.0
    if extra == 0:
        pooled = (PRIOR_DEGREES + float(degrees[told] @ ratio[told])) / (PRIOR_DEGREES + degrees.sum())
    own = (PRIOR_DEGREES * pooled + degrees * ratio) / (PRIOR_DEGREES + degrees)
    uneven = counts.per_run / counts.n_runs  # 1 where all seeds of a point read as many items
    of_mean = own * (binomial + extra * uneven) / counts.per_run
    return Dispersion(pooled * (binomial + extra), of_mean + least**2)


def deviance(
    log_error: Float64[np.ndarray, " problems points"], counts: Counts
) -> tuple[Float64[np.ndarray, " problems points"], Float64[np.ndarray, " problems points"]]:
    """Return the signed root of the binomial deviance of counts, and its slope by the log error.

    Both are in units of counting alone: for many wrong answers they are the difference of logs over ``counts.sd``, and
    its inverse. Beyond all items but half a one the root goes on as a straight line.
    """
    wrong, items = counts.wrong, counts.items
    at = np.minimum(log_error, np.log1p(-HALF / (items + 1)))
    expected = items * np.exp(at)
    some, others = np.where(wrong > 0, wrong, 1.0), np.where(wrong < items, items - wrong, 1.0)
    up, down = at + np.log(items / some), np.log((items - expected) / others)
    # D / 2 = k log(k / m) + (T - k) log((T - k) / (T - m)) = k g(log m / k) + (T - k) g(log (T - m) / (T - k))
    half = np.where(wrong > 0, some * _g(np.minimum(up, 700.0)), expected)
    half = half + np.where(wrong < items, others * _g(down), items - expected)
    missed = np.where(wrong > 0, some * np.expm1(np.minimum(up, 700.0)), expected)
    residual = np.sign(missed) * np.sqrt(2 * half)
    flat = np.abs(residual) < FLAT
    slope = np.where(flat, np.sqrt(expected), missed / np.where(flat, 1.0, residual))
    right = 1 - expected / items
    slope = slope / np.where(flat, np.sqrt(right), right)
    return residual + slope * (log_error - at), slope


def draw_counts(
    counts: Counts, noise: Float64[np.ndarray, " points"], n_draws: int, generator: np.random.Generator
) -> Counts:
    """Return counts as they may be instead, by what was counted and its noise: a gamma distribution of its mean."""
    shape = 1 / noise**2
    drawn = (counts.wrong + HALF) * generator.gamma(shape, 1 / shape, size=(n_draws, len(shape)))
    return counts._replace(wrong=np.minimum(drawn, counts.items))


def added(
    counts: Counts, noise: Float64[np.ndarray, " points"], groups: Sequence[np.ndarray]
) -> tuple[Counts, Float64[np.ndarray, " groups"]]:
    """Return the counts of groups of points, each group one, and their noise; no count where one of a group is none."""
    wrong, items = (np.array([values[group].sum() for group in groups]) for values in (counts.wrong, counts.items))
    at = counts.wrong + HALF
    variance = np.array([((at * noise)[group] ** 2).sum() / at[group].sum() ** 2 for group in groups])
    runs = np.array([counts.n_runs[group].mean() for group in groups])
    return _counts(wrong, items, runs, runs), np.sqrt(variance)


def _counts(
    wrong: Float64[np.ndarray, " points"],
    items: Float64[np.ndarray, " points"],
    runs: Float64[np.ndarray, " points"],
    per_run: Float64[np.ndarray, " points"],
) -> Counts:
    share = (wrong + HALF) / (items + 1)
    return Counts(wrong, items, np.sqrt((1 - share) / share / items), runs, per_run)


def _beyond(
    relative: Float64[np.ndarray, " points"], binomial: Float64[np.ndarray, " points"], degrees: np.ndarray
) -> float:
    """Return the variance beyond binomial that makes seeds vary as they do, by halving; 0 if they vary less."""
    low, high = 0.0, float(relative.max()) + 1e-12
    for _ in range(60):
        middle = (low + high) / 2
        if degrees @ (relative / (binomial + middle)) > degrees.sum():
            low = middle
        else:
            high = middle
    return low if low > 1e-9 else 0.0


def _g(u: Float64[np.ndarray, ...]) -> Float64[np.ndarray, ...]:
    """Return exp(u) - 1 - u, to all digits near 0 too."""
    series = u**2 * (0.5 + u * (1 / 6 + u * (1 / 24 + u * (1 / 120 + u / 720))))
    near: Bool[np.ndarray, ...] = np.abs(u) < NEAR
    return np.asarray(np.where(near, series, np.expm1(u) - u))
