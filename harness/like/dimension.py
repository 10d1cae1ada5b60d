"""The intrinsic dimension of a cloud of points, from the distances to its two nearest neighbours."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float32

FEWEST: Final = 20  # distinct points
KEPT: Final = 0.9  # share of points: the largest ratios, which outliers make, are left out
AT_ONCE: Final = 500  # points whose distances are held at a time


def intrinsic_dimension(points: Float32[np.ndarray, "n inputs"]) -> float | None:
    """Return how many numbers it takes, locally, to say where a point is.

    Of a point whose nearest neighbours lie at r1 and r2, the ratio r2 / r1 follows a Pareto law with the dimension as
    exponent, however densely points lie there. Its empirical distribution is fitted by a line through the origin.

    Args:
        points: Rows; those that stand twice count once.

    Returns:
        The dimension; None of fewer than 20 distinct points, or where nearest neighbours all lie equally far.

    Source:
        Facco et al. 2017, doi:10.1038/s41598-017-11873-y (TwoNN; there: mu, d; the largest 10 % of ratios left out).
    """
    distinct = np.unique(points, axis=0).astype(np.float64)
    if len(distinct) < FEWEST:
        return None
    nearest = np.concatenate(
        [_two_nearest(distinct, start) for start in range(0, len(distinct), AT_ONCE)]
    )  # squares of r1 and r2
    ratios = np.sort(0.5 * np.log(nearest[:, 1] / nearest[:, 0]))[: int(KEPT * len(distinct))]
    rarer = -np.log1p(-np.arange(1, len(ratios) + 1) / len(distinct))
    square = float(ratios @ ratios)
    return float(ratios @ rarer) / square if square > 0 else None


def _two_nearest(points: np.ndarray, start: int) -> np.ndarray:
    """Return the squared distances of some points to their two nearest others, (some, 2)."""
    from scipy.spatial.distance import cdist

    squares = cdist(points[start : start + AT_ONCE], points, "sqeuclidean")
    squares[np.arange(len(squares)), start + np.arange(len(squares))] = np.inf
    return np.sort(np.partition(squares, 1, axis=1)[:, :2], axis=1)
