"""Ten normal features; the class is whether their squared length is above its median. The best rule never errs."""

from __future__ import annotations

from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from harness.known_truth import KnownTruth

MEDIAN: Final = 9.34  # of chi-squared with 10 degrees of freedom, as the book rounds it


@final
class Hastie102(KnownTruth):
    """10 standard normal features, 10,000 / 2,000 / 10,000; class 1 outside the sphere of squared radius 9.34."""

    name = "hastie-10-2"
    source = "Hastie, Tibshirani & Friedman 2009, The Elements of Statistical Learning, 2nd ed., equation 10.2"
    input_shape = (10,)
    n_classes = 2

    def draw(
        self, labels: Int64[np.ndarray, " n"], rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, " n 10"], Int64[np.ndarray, " n"]]:
        """Draw points and classify them; the labels given are not needed."""
        points = rng.standard_normal((len(labels), 10)).astype(np.float32)
        return points, _outside(points).astype(np.int64)

    def clean_posterior(self, inputs: Float32[np.ndarray, " n 10"]) -> Float64[np.ndarray, " n 2"]:
        """Return 1 for the class of each point, 0 for the other."""
        outside = _outside(inputs)
        return np.stack([~outside, outside], axis=1).astype(np.float64)

    def clean_bayes_error(self) -> float:
        """Return 0: the class is a function of the features."""
        return 0.0


def _outside(points: Float32[np.ndarray, " n 10"]) -> Bool[np.ndarray, " n"]:
    outside: Bool[np.ndarray, " n"] = (points.astype(np.float64) ** 2).sum(axis=1) > MEDIAN
    return outside


PLUGIN = Hastie102()
