"""Regression problems whose best possible error is known: Friedman's three, with normal noise of a chosen size.

Made by scikit-learn's ``make_friedman1``, ``2`` and ``3``. One size of noise each makes the data sets.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Final, final

import numpy as np
from jaxtyping import Float32, Float64

from harness.datasets.base import Dataset, Split, Splits
from registry.errors import UsageError

SPLIT_SIZES: Final = (10_000, 2_000, 2_000)
NODES: Final = 32  # of the quadrature, an axis
RANGES: Final = (
    (0.0, 100.0),
    (40 * math.pi, 560 * math.pi),
    (0.0, 1.0),
    (1.0, 11.0),
)  # of the inputs of functions 2 and 3


@final
@dataclass(frozen=True)
class Friedman:
    """One of Friedman's functions of random inputs, plus noise.

    Args:
        number: 1 (10 inputs, 5 of them without effect), 2 or 3 (4 inputs each).
        noise_sd: Standard deviation of the noise, in the unit of the targets.

    Raises:
        UsageError: If there is no such function, or the noise is negative.

    Source:
        Friedman 1991, doi:10.1214/aos/1176347963; Breiman 1996, doi:10.1007/BF00058655.
    """

    number: int
    noise_sd: float

    def __post_init__(self) -> None:
        if self.number not in (1, 2, 3):
            raise UsageError(f"there is no Friedman function {self.number}", "expected 1, 2 or 3")
        if not 0 <= self.noise_sd < math.inf:
            raise UsageError(f"noise of standard deviation {self.noise_sd:g} is not possible", "expected 0 or more")

    @property
    def n_features(self) -> int:
        """Number of inputs."""
        return 10 if self.number == 1 else 4

    def sample(self, n: int, seed: int) -> Split:
        """Draw ``n`` examples: float32 inputs (n, features), float32 targets (n,)."""
        from sklearn import datasets

        make = {1: datasets.make_friedman1, 2: datasets.make_friedman2, 3: datasets.make_friedman3}[self.number]
        inputs, targets = make(n_samples=n, noise=self.noise_sd, random_state=seed)
        return Split(inputs.astype(np.float32), targets.astype(np.float32))

    def predict(self, inputs: Float64[np.ndarray, " n features"]) -> Float64[np.ndarray, " n"]:
        """Return the function's value, the best prediction there is."""
        x = inputs.T
        if self.number == 1:
            waves = 10 * np.sin(math.pi * x[0] * x[1])
            values = waves + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]
        else:
            reactance = x[1] * x[2] - 1 / (x[1] * x[3])
            values = np.hypot(x[0], reactance) if self.number == 2 else np.arctan(reactance / x[0])
        best: Float64[np.ndarray, " n"] = values
        return best

    @property
    def ranges(self) -> tuple[tuple[float, float], ...]:
        """Lowest and highest value of each input, which is uniform between them."""
        return ((0.0, 1.0),) * self.n_features if self.number == 1 else RANGES

    @property
    def noise_variance(self) -> float:
        """Expected squared error of the best prediction."""
        return self.noise_sd**2

    @cached_property
    def signal_variance(self) -> float:
        """Variance of the function over its inputs, to about 1e-4 of it: by Gauss-Legendre quadrature."""
        if (
            self.number == 1
        ):  # a sum over separate inputs: the square's variance is 400 / 180, the lines' 100 / 12, 25 / 12
            return (
                _variance(lambda x: 10 * np.sin(math.pi * x[:, 0] * x[:, 1]), ((0.0, 1.0), (0.0, 1.0)))
                + 400 / 180
                + 125 / 12
            )
        return _variance(self.predict, RANGES)

    @property
    def bayes_error(self) -> float:
        """Normalised squared error of the best prediction: noise variance over the variance of targets."""
        return self.noise_variance / (self.signal_variance + self.noise_variance)


class KnownRegression(Dataset, ABC):
    """One of Friedman's problems as a data set, 10,000 / 2,000 / 2,000: inputs of mean 0 and variance 1 by formula.

    Attributes:
        problem: Which function, and how much noise.
    """

    task = "tabular-reg"
    source = "Friedman 1991, Multivariate Adaptive Regression Splines, doi:10.1214/aos/1176347963"
    licence = "CC0-1.0"
    group = None
    n_classes = None
    problem: Friedman

    @final
    def load(self) -> Splits:
        """Draw the fixed splits; targets in the function's own unit."""
        return Splits(*(self._scaled(self.problem.sample(n, seed)) for seed, n in enumerate(SPLIT_SIZES)))

    @final
    def bayes_error(self) -> float:
        """Return the squared error of the best prediction over the variance of targets."""
        return self.problem.bayes_error

    def _scaled(self, split: Split) -> Split:
        low, high = np.array(self.problem.ranges).T
        inputs: Float32[np.ndarray, " n features"] = (
            (split.inputs - (low + high) / 2) / ((high - low) / math.sqrt(12))
        ).astype(np.float32)
        return Split(inputs, split.labels)


def _variance(
    function: Callable[[Float64[np.ndarray, " n features"]], Float64[np.ndarray, " n"]],
    ranges: tuple[tuple[float, float], ...],
) -> float:
    """Return the variance of a function of independent inputs, each uniform in its range."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    axes = [low + (high - low) * (nodes + 1) / 2 for low, high in ranges]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(ranges))
    share = reduce(np.multiply.outer, [weights / 2] * len(ranges)).ravel()
    values = function(points)
    mean = float(share @ values)
    return float(share @ (values - mean) ** 2)
