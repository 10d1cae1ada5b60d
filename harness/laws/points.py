"""What a curve is fitted to: measured points, checked, in logs, each with its noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float64

from harness.laws.counts import (
    Counts,
    Items,
    added,
    counts_of,
    dispersion,
    draw_counts,
    fault,
    log_share,
    pooled,
    totals_of,
)
from harness.laws.noise import LEAST_NOISE, LEAST_NOISE_OF_SEEDS, noise_of, scatter
from registry.errors import InvalidData

FEWEST_SIZES: Final = 4  # a power law has 3 parameters
SMALLEST_SPAN: Final = 2  # largest n over smallest
TREND_Z: Final = 3.5  # standard errors before a rise counts as one
MOST_POINTS: Final = 96  # a longer curve is thinned: neighbours are averaged


@final
@dataclass(frozen=True)
class Point:
    """What was measured at one n.

    Args:
        n: Number of training examples, or of steps; at least 1.
        errors: One error a seed, in the task's error form; or one mean, where only that is known.
        stderr: Standard error of the mean of ``errors``, where somebody else worked it out.
        n_items: How many validation examples the errors count wrong answers of, one number or one a seed; None where
            they are no counts.
        steps: Optimiser steps of each run.
        capped: Whether steps hit their cap before the error settled; such a point is kept, not fitted.
    """

    n: int | float
    errors: tuple[int | float, ...]
    stderr: int | float | None = None
    n_items: Items = None
    steps: int | None = None
    capped: bool = False

    @property
    def mean(self) -> float:
        """The mean error, of seeds that count by their items; of no error at all in a count, 0.5 / (n_items + 1)."""
        mean, totals = pooled(self.errors, self.n_items), self.totals
        return 0.5 / (fmean(totals) + 1) if mean == 0 and totals else mean

    @property
    def totals(self) -> tuple[int, ...] | None:
        """The items that each error is a share of; None where they are no counts."""
        return totals_of(len(self.errors), self.n_items)

    @property
    def sd(self) -> float:
        """The standard deviation between seeds, 0 for one seed."""
        return float(np.std(self.errors, ddof=1)) if len(self.errors) > 1 else 0.0


class Curve(NamedTuple):
    """Points in logs, n ascending; ``noise`` is the standard error of the log of each mean.

    ``run_sd`` is the standard deviation of the log error of one run; None where neither seeds nor single runs tell, as
    with means whose standard errors alone are known. ``told`` says whether seeds or standard errors gave the noise,
    rather than the scatter of the points. ``counts`` is what the errors count, None where no point is a count.
    """

    points: tuple[Point, ...]
    n: Float64[np.ndarray, " points"]
    log_error: Float64[np.ndarray, " points"]
    noise: Float64[np.ndarray, " points"]
    run_sd: float | None
    told: bool
    counts: Counts | None = None


def points_of(
    n: Sequence[int | float], error: Sequence[int | float], stderr: Sequence[int | float] | None = None
) -> list[Point]:
    """Return one point a mean error."""
    given: Sequence[int | float | None] = [None] * len(n) if stderr is None else stderr
    return [
        Point(float(each), (float(mean),), None if sd is None else float(sd))
        for each, mean, sd in zip(n, error, given, strict=True)
    ]


def curve_of(points: Sequence[Point]) -> Curve:
    """Check points and return the curve they make.

    Args:
        points: In any order. Those that hit their cap are left out; the same point twice counts once.

    Raises:
        InvalidData: If fewer than 4 distinct n, a span below a factor 2, two different points at one n, an n below 1,
            an error that is not a finite number from 0 up, or an error of 0 that is no count.
    """
    for point in points:
        _check(point)
    settled = sorted({point for point in points if not point.capped}, key=lambda point: point.n)
    for n, same in groupby(settled, key=lambda point: point.n):
        if len(list(same)) > 1:
            raise InvalidData(
                f"n {n:,.12g} comes in more than one point, expected one with all its seeds",
                "give one n all its errors, or fit one curve at a time",
            )
    sizes = [point.n for point in settled]
    if len(sizes) < FEWEST_SIZES:
        listed = f" ({', '.join(f'{n:,.12g}' for n in sizes)})" if sizes else ""
        n_capped = len(points) - len(settled)
        raise InvalidData(
            f"a law with 3 parameters needs at least {FEWEST_SIZES} distinct n, got {len(sizes)}{listed}",
            f"{n_capped} more hit the cap on steps: train them longer" if n_capped else "",
        )
    if sizes[-1] < SMALLEST_SPAN * sizes[0]:
        raise InvalidData(
            f"n spans {sizes[0]:,.12g} to {sizes[-1]:,.12g}, a factor {sizes[-1] / sizes[0]:.3g}; "
            f"a law needs a factor {SMALLEST_SPAN} or more"
        )
    n, log_error = np.array(sizes, dtype=np.float64), np.log([point.mean for point in settled])
    items = [None if point.stderr is not None else point.n_items for point in settled]
    counts = counts_of([point.errors for point in settled], items)
    curve = Curve(tuple(settled), n, log_error, *noise_of(settled, n, log_error))
    return curve if counts is None else _counted(curve, counts)


def flags(curve: Curve, *, chance: float | None = None) -> list[str]:
    """Return why the law of a curve should not be trusted, one line a reason; empty where nothing speaks against it.

    A long curve is thinned as for its fit, for what rises or does not fall.
    """
    found = []
    log_error, noise, n = curve.log_error, curve.noise, curve.n
    short = thinned(curve, MOST_POINTS)
    rise = (short.log_error[np.newaxis] - short.log_error[:, np.newaxis]) / np.hypot(
        short.noise[np.newaxis], short.noise[:, np.newaxis]
    )
    later = np.triu(rise, 1)
    i, j = np.unravel_index(int(np.argmax(later)), later.shape)
    # the largest of many differences is expected to be large: each pair shares 1 % with all others
    limit = max(TREND_Z, math.sqrt(2 * math.log(len(short.n) ** 2 / 2 / 0.01)))
    if later[i, j] > limit:
        low, high = math.exp(short.log_error[i]), math.exp(short.log_error[j])
        found.append(
            f"error rises from {low:.4g} at n {short.n[i]:,.12g} to {high:.4g} at "
            f"{short.n[j]:,.12g}, {later[i, j]:.1f} standard errors: no law rises"
        )
    fall = float(short.log_error[0] - short.log_error[-1]) / math.hypot(short.noise[0], short.noise[-1])
    # a count of none at the end says little by itself: any two points may show that the error falls
    if fall < TREND_Z and -float(later.min()) < limit:
        found.append(f"error does not fall by more than its noise between n {n[0]:,.12g} and {n[-1]:,.12g}")
    if n[-1] < 4 * n[0]:
        found.append(f"n spans {n[0]:,.12g} to {n[-1]:,.12g}, less than a factor 4")
    if chance is not None and math.exp(float(log_error.max())) > chance * (1 + 2 * float(noise[log_error.argmax()])):
        found.append(f"error {math.exp(float(log_error.max())):.4g} lies above chance, {chance:.4g}")
    return found


def point_fields(points: Sequence[Point], variable: str) -> list[dict[str, Any]]:
    """Return points as a record holds them, n ascending."""
    return [
        {
            "error": point.mean,
            "sd": point.sd,
            "n_seeds": len(point.errors),
            "steps": point.steps,
            "capped": point.capped,
            variable: int(point.n) if float(point.n).is_integer() else point.n,
        }
        for point in sorted(points, key=lambda point: point.n)
    ]


def resampled(
    curve: Curve, n_draws: int, generator: np.random.Generator
) -> tuple[Float64[np.ndarray, " draws points"], Counts | None]:
    """Return log mean errors drawn again: from the seeds of a point where there are 3, from its noise otherwise.

    Counts are drawn alike; the log errors of these are the logs of the counts drawn.
    """
    drawn = curve.log_error + curve.noise * generator.standard_normal((n_draws, len(curve.n)))
    for at, point in enumerate(curve.points):
        if len(point.errors) >= 3 and min(point.errors) > 0:
            seeds, totals = np.asarray(point.errors), point.totals
            which = generator.choice(len(seeds), size=(n_draws, len(seeds)))
            uneven = np.asarray(totals)[which] if totals and len(set(totals)) > 1 else None
            drawn[:, at] = np.log(np.average(seeds[which], axis=1, weights=uneven))
    if curve.counts is None:
        return drawn, None
    counts = draw_counts(curve.counts, curve.noise, n_draws, generator)
    for at, point in enumerate(curve.points):
        if len(point.errors) >= 3 and min(point.errors) > 0 and point.n_items:
            counts.wrong[:, at] = np.exp(drawn[:, at]) * curve.counts.items[at]
    return np.where(np.isfinite(counts.items), log_share(counts), drawn), counts


def thinned(curve: Curve, most: int) -> Curve:
    """Return at most about ``most`` points: neighbours in log n averaged, noise less accordingly; counts are added."""
    if len(curve.n) <= most:
        return curve
    log_n = np.log(curve.n)
    bins = np.minimum(((log_n - log_n[0]) / (log_n[-1] - log_n[0]) * most).astype(int), most - 1)
    kept = np.unique(bins)
    weight = 1 / curve.noise**2
    total = np.array([weight[bins == each].sum() for each in kept])

    def mean(values: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " kept"]:
        averaged: Float64[np.ndarray, " kept"] = (
            np.asarray([(weight * values)[bins == each].sum() for each in kept]) / total
        )
        return averaged

    n, log_error, noise = np.exp(mean(log_n)), mean(curve.log_error), np.maximum(total**-0.5, LEAST_NOISE)
    counts = None
    if curve.counts is not None:
        counts, of_counts = added(curve.counts, curve.noise, [np.flatnonzero(bins == each) for each in kept])
        counted = np.isfinite(counts.items)
        log_error = np.where(counted, log_share(counts), log_error)
        noise = np.where(counted, np.maximum(of_counts, LEAST_NOISE), noise)
    points = tuple(Point(float(at), (float(np.exp(value)),)) for at, value in zip(n, log_error, strict=True))
    return curve._replace(points=points, n=n, log_error=log_error, noise=noise, counts=counts)


def _counted(curve: Curve, counts: Counts) -> Curve:
    """Return a curve some of whose points are counts: what these say of their own noise, and of that of one run."""
    counted = np.isfinite(counts.items)
    varies = dispersion(
        counts,
        [point.errors for point in curve.points],
        scatter(np.log(curve.n), curve.log_error),
        LEAST_NOISE_OF_SEEDS,
    )
    run_sd = curve.run_sd
    if counted.all():
        run_sd = float(np.sqrt(np.median(varies.of_run[-max(1, len(counted) // 3) :])))
    return curve._replace(
        log_error=np.where(counted, log_share(counts), curve.log_error),
        noise=np.where(counted, np.sqrt(varies.of_mean), curve.noise),
        run_sd=run_sd,
        counts=counts,
    )


def _check(point: Point) -> None:
    if not (math.isfinite(point.n) and point.n >= 1):
        raise InvalidData(f"n {point.n:g} is not a number of examples or steps, expected at least 1")
    if not point.errors:
        raise InvalidData(f"n {point.n:,.12g} has no errors, expected one a seed")
    for error in point.errors:
        if not (math.isfinite(error) and error >= 0):
            raise InvalidData(f"n {point.n:,.12g} has error {error:g}, expected a finite number from 0 up")
    if point.stderr is not None and not (math.isfinite(point.stderr) and point.stderr >= 0):
        raise InvalidData(f"n {point.n:,.12g} has stderr {point.stderr:g}, expected a finite number from 0 up")
    if wrong := fault(len(point.errors), point.n_items):
        raise InvalidData(f"n {point.n:,.12g} has {wrong}")
    if not any(point.errors) and point.n_items is None:
        raise InvalidData(
            f"n {point.n:,.12g} has no error in any seed and a power law never gets to 0",
            "say how many validation examples there were: 0 is then fitted as a count",
        )
