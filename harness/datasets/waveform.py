"""Breiman's waveforms: 21 noisy points of a random mixture of two of three triangles; which two is the class."""

from __future__ import annotations

import math
from functools import cache
from typing import Final, final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from harness.known_truth import KnownTruth

# The triangles h1, h2, h3 (Breiman et al. 1984, section 2.6.2), rows, at the points 1 to 21.
POINTS: Final = np.arange(1, 22)
TRIANGLES: Final = np.maximum(6.0 - np.abs(POINTS - np.array([[11], [15], [7]])), 0.0)
PAIRS: Final = np.array([[0, 1], [0, 2], [1, 2]])  # the two triangles each class mixes
# Mean and standard deviation of each point over all classes: 1 of noise, and moments of u h + (1 - u) h', u uniform.
MEAN: Final = TRIANGLES.sum(axis=0) / 3
FIRST, SECOND = TRIANGLES[PAIRS[:, 0]], TRIANGLES[PAIRS[:, 1]]
SD: Final = np.sqrt(1 + (FIRST**2 + FIRST * SECOND + SECOND**2).sum(axis=0) / 9 - MEAN**2)


@final
class Waveform(KnownTruth):
    """21 features, 10,000 / 2,000 / 10,000, each scaled by its known mean and standard deviation; 3 classes.

    Mixing weights are uniform in [0, 1], the noise of each point is standard normal.
    """

    name = "waveform"
    source = "Breiman, Friedman, Olshen & Stone 1984, Classification and Regression Trees, section 2.6.2"
    input_shape = (21,)
    n_classes = 3

    def draw(
        self, labels: Int64[np.ndarray, " n"], rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, " n 21"], Int64[np.ndarray, " n"]]:
        """Mix the two triangles of each class and add noise."""
        share = rng.random((len(labels), 1))
        clean = share * FIRST[labels] + (1 - share) * SECOND[labels]
        waves = clean + rng.standard_normal(clean.shape)
        return ((waves - MEAN) / SD).astype(np.float32), labels

    def clean_posterior(self, inputs: Float32[np.ndarray, " n 21"]) -> Float64[np.ndarray, " n 3"]:
        """Return the exact posterior: the density of each class is an integral over the mixing weight, closed form."""
        from scipy.special import softmax

        posterior: Float64[np.ndarray, " n 3"] = softmax(_log_density(inputs * SD + MEAN, TRIANGLES), axis=1)
        return posterior

    def clean_bayes_error(self) -> float:
        """Return 0.1329, by quadrature over the plane of the triangles; the error of the sum is below 1e-5."""
        return _bayes_error()


@cache
def _bayes_error(step: float = 0.05, margin: float = 6.0) -> float:
    """Integrate the largest of the three densities over the plane through the triangles.

    What lies outside that plane is noise with the same density in every class. The means of a class fill a side of the
    triangle with corners h1, h2, h3; beyond ``margin`` standard deviations around it there is nothing (below 1e-8).
    """
    edges = (TRIANGLES[1:] - TRIANGLES[0]).T
    plane, corners = np.linalg.qr(edges)  # orthonormal axes in columns; coordinates of h2 and h3, h1 being the origin
    corners = np.hstack([np.zeros((2, 1)), corners]).T
    axes = [
        np.arange(low - margin, high + margin, step) for low, high in zip(corners.min(0), corners.max(0), strict=True)
    ]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, plane.shape[1])
    densities = np.exp(_log_density(grid, corners)) / (2 * math.pi)
    return 1 - float(densities.max(axis=1).sum()) * step**2 / 3


def _log_density(
    points: Float64[np.ndarray, " n axes"], corners: Float64[np.ndarray, " 3 axes"]
) -> Float64[np.ndarray, " n 3"]:
    """Return the log density of points in each class, up to one constant: (2 pi)^(axes / 2).

    For y from one corner, d the way to the other and u the share of it, the integral of exp(-|y - u d|^2 / 2) over
    u in [0, 1] is the Gaussian across d times the probability that a normal around the foot of y lies in [0, 1].
    """
    from scipy.special import log_ndtr

    columns = []
    for one, other in PAIRS:
        way = corners[one] - corners[other]
        length = math.sqrt(way @ way)
        offsets = points - corners[other]
        foot = offsets @ way / length
        across = (offsets**2).sum(axis=1) - foot**2
        # Phi(b) - Phi(a) for a = -foot, b = length - foot, from whichever tail keeps the digits
        low, high = -foot, length - foot
        low, high = np.where(low > 0, -high, low), np.where(low > 0, -low, high)
        inside = log_ndtr(high) + np.log1p(-np.exp(log_ndtr(low) - log_ndtr(high)))
        columns.append(-across / 2 + inside + math.log(math.sqrt(2 * math.pi) / length))
    return np.stack(columns, axis=1)


PLUGIN = Waveform()
