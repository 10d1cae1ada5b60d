"""How noisy the points of a curve are: by their standard errors, else by seeds, else by how the points scatter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float64

if TYPE_CHECKING:
    from harness.laws.points import Point

PRIOR_DEGREES: Final = 4  # degrees of freedom that the pooled noise lends to each point
# assumption: relative noise of one run, where nothing tells
NOISE_OF_SINGLE_RUNS: Final = 0.03
# assumption: no mean of seeds is known better than this, relative; lucky agreement of few seeds must not rule the fit
LEAST_NOISE_OF_SEEDS: Final = 0.01
LEAST_NOISE: Final = 1e-4  # of a curve that is smooth to the eye of a fourth-degree polynomial
LEAST_NOISE_OF_STDERR: Final = 0.002
MOST_NOISE: Final = 0.2
ENOUGH_FOR_A_SMOOTH: Final = 6  # points from which their scatter about a polynomial says what the noise is


def noise_of(
    points: Sequence[Point], n: Float64[np.ndarray, " points"], log_error: Float64[np.ndarray, " points"]
) -> tuple[Float64[np.ndarray, " points"], float | None, bool]:
    """Return the standard error of each log mean, the standard deviation of the log error of one run, and ``told``.

    From its own standard error where a point has one, else from seeds, else from the scatter of the points, a run each,
    about a smooth curve. The variance of few seeds is drawn towards the pooled one: of 3 seeds alone it would make
    lucky points weigh too much. How many runs are behind a standard error nobody says, so it tells nothing of one run.
    """
    means, counts = np.exp(log_error), np.array([len(point.errors) for point in points])
    items = np.array([np.inf if point.totals is None else fmean(point.totals) for point in points])
    binomial = np.maximum(1 - means, 0) / means / items
    degrees = np.where(np.array([min(point.errors) > 0 for point in points]), counts - 1, 0)
    variance, pooled, run_sd = np.zeros(len(points)), 0.0, None
    if degrees.any():
        variance = np.array([(point.sd / point.mean) ** 2 for point in points])
        pooled = float(degrees @ variance) / float(degrees.sum())
        run_sd = math.sqrt(pooled)
    given = np.array([np.nan if point.stderr is None else point.stderr for point in points]) / means
    told = bool(degrees.any()) or not np.isnan(given).any()
    if degrees.any():
        moderated = (PRIOR_DEGREES * pooled + degrees * variance) / (PRIOR_DEGREES + degrees)
        noise = np.sqrt(moderated / counts + binomial + LEAST_NOISE_OF_SEEDS**2)
    else:
        noise = np.sqrt(scatter(np.log(n), log_error) ** 2 + binomial)
        if np.isnan(given).all():
            run_sd = float(np.median(noise[-max(1, len(noise) // 3) :]))
    if (known := given > 0).any():
        given = np.where(given == 0, np.median(given[known]), given)
    elif not np.isnan(given).any():
        given = np.full(len(points), NOISE_OF_SINGLE_RUNS)
    noise = np.where(given > 0, np.sqrt(given**2 + LEAST_NOISE_OF_STDERR**2), noise)
    return noise, run_sd, told


def scatter(x: Float64[np.ndarray, " points"], y: Float64[np.ndarray, " points"]) -> float:
    """Return the noise of single points: about a low polynomial, or about the line through both neighbours if less."""
    count = len(x)
    if count < ENOUGH_FOR_A_SMOOTH:
        return NOISE_OF_SINGLE_RUNS
    degree = min(4, count - 3)
    basis = np.polynomial.chebyshev.chebvander(2 * (x - x[0]) / (x[-1] - x[0]) - 1, degree)
    rest = y - basis @ np.linalg.lstsq(basis, y, rcond=None)[0]
    found = math.sqrt(float(rest @ rest) / (count - degree - 1))
    if count >= ENOUGH_FOR_A_SMOOTH + 2:
        share = (x[1:-1] - x[:-2]) / (x[2:] - x[:-2])
        rest = (y[1:-1] - (1 - share) * y[:-2] - share * y[2:]) / np.sqrt(1 + share**2 + (1 - share) ** 2)
        found = min(found, 1.4826 * float(np.median(np.abs(rest))))
    return min(max(found, LEAST_NOISE), MOST_NOISE)
