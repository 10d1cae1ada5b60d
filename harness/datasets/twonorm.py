"""Breiman's twonorm: two round normal clouds in 20 dimensions; the best rule is a plane."""

from __future__ import annotations

import math
from typing import Final, final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from harness.known_truth import KnownTruth

OFFSET: Final = 2 / math.sqrt(20)  # of each coordinate's mean from 0


@final
class Twonorm(KnownTruth):
    """20 features, 2 classes, 10,000 / 2,000 / 10,000: unit variance around (a, ..., a) and around (-a, ..., -a).

    a is 2 / sqrt(20).
    """

    name = "twonorm"
    source = "Breiman 1996, Bias, Variance, and Arcing Classifiers, TR 460, Statistics Department, UC Berkeley"
    input_shape = (20,)
    n_classes = 2

    def draw(
        self, labels: Int64[np.ndarray, " n"], rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, " n 20"], Int64[np.ndarray, " n"]]:
        """Draw points around each class's mean."""
        means = np.where(labels == 0, OFFSET, -OFFSET)[:, np.newaxis]
        return (means + rng.standard_normal((len(labels), 20))).astype(np.float32), labels

    def clean_posterior(self, inputs: Float32[np.ndarray, " n 20"]) -> Float64[np.ndarray, " n 2"]:
        """Return the logistic function of 2 a times the sum of the features, and the rest."""
        from scipy.special import expit

        margin = 2 * OFFSET * inputs.sum(axis=1, dtype=np.float64)
        return np.stack([expit(margin), expit(-margin)], axis=1)

    def clean_bayes_error(self) -> float:
        """Return Phi(-2), 0.0228: the means are 4 standard deviations apart."""
        return math.erfc(OFFSET * math.sqrt(20 / 2)) / 2


PLUGIN = Twonorm()
