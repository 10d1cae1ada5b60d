"""Classification problems whose best possible error is known: data sets drawn from a formula, any number of examples.

They are what claims are scored against: a floor, an interval, "meets the target" can be compared with the truth.
Labels can be noisy: a known share is replaced by another class, and the best possible error follows in closed form.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Final, final

import numpy as np
from jaxtyping import Float32, Float64, Int64

from harness.datasets.base import Dataset, Split, Splits, Varied
from harness.splits import FIXED, FRESH
from registry.errors import UsageError

SPLIT_SIZES: Final = (10_000, 2_000, 10_000)
NOISE: Final = 2  # first word of the seed of label noise, as FIXED and FRESH are of examples


class KnownTruth(Dataset, Varied, ABC):
    """A classification problem whose posterior can be computed; all classes are equally frequent.

    Args:
        noise: Percentage of labels, in every split, that are replaced by one of the other classes, each as likely.

    Raises:
        UsageError: If ``noise`` is negative or so high that a label says nothing or the opposite.
    """

    task = "tabular-cls"
    licence = "CC0-1.0"
    group = None
    n_classes: int

    def __init__(self, noise: int = 0) -> None:
        most = (99 * (self.n_classes - 1)) // self.n_classes
        if not 0 <= noise <= most:
            raise UsageError(
                f"label noise of {noise} % is not possible with {self.n_classes} classes", f"expected 0 to {most}"
            )
        self.noise = noise / 100
        if noise:
            self.name = f"{type(self).name}-noise{noise}"

    @abstractmethod
    def draw(
        self, labels: Int64[np.ndarray, " n"], rng: np.random.Generator
    ) -> tuple[Float32[np.ndarray, " n features"], Int64[np.ndarray, " n"]]:
        """Draw one example a label; return the inputs and the labels they have before noise.

        Args:
            labels: Classes drawn evenly, what most problems start from.
            rng: The only source of chance.
        """

    @abstractmethod
    def clean_posterior(self, inputs: Float32[np.ndarray, " n features"]) -> Float64[np.ndarray, " n classes"]:
        """Return each class's probability before label noise, given the inputs."""

    @abstractmethod
    def clean_bayes_error(self) -> float:
        """Return the error of the best rule there is, before label noise."""

    @final
    def load(self) -> Splits:
        """Draw the fixed splits: 10,000 / 2,000 / 10,000 examples."""
        return Splits(*(self._drawn(n, (FIXED, part)) for part, n in enumerate(SPLIT_SIZES)))

    @final
    def sample(self, n: int, seed: int) -> Split:
        """Draw ``n`` fresh examples, independent of the splits, on their scale."""
        return self._drawn(n, (FRESH, seed))

    @final
    def bayes_error(self) -> float:
        """Return the error of the best rule there is: E (1 - r K / (K - 1)) + r.

        E is that error without noise, r the share of replaced labels, K the number of classes. A label is kept with
        probability 1 - r and is any other class with r / (K - 1), so the posterior is an affine function, the same for
        all classes, of the one without noise.
        """
        return self.clean_bayes_error() * self._kept + self.noise

    @final
    def posterior(self, inputs: Float32[np.ndarray, " n features"]) -> Float64[np.ndarray, " n classes"]:
        """Return the probability of each label, noise included, given the inputs."""
        return self.clean_posterior(inputs) * self._kept + self.noise / (self.n_classes - 1)

    @final
    def bayes_predict(self, inputs: Float32[np.ndarray, " n features"]) -> Int64[np.ndarray, " n"]:
        """Return the most probable class of each row."""
        classes: Int64[np.ndarray, " n"] = self.posterior(inputs).argmax(axis=1)
        return classes

    @final
    def variant(self, suffix: str) -> KnownTruth:
        """Return this problem with label noise: ``noise10`` replaces 10 % of the labels. Inputs stay the same.

        Raises:
            UsageError: If the suffix is anything else.
        """
        found = re.fullmatch(r"noise([1-9][0-9]?)", suffix)
        if not found:
            raise UsageError(
                f"{type(self).name} has no variant '{suffix}'",
                f"expected {type(self).name}-noise<percent>, such as {type(self).name}-noise10",
            )
        return type(self)(int(found[1]))

    @property
    def _kept(self) -> float:
        return 1 - self.noise * self.n_classes / (self.n_classes - 1)

    def _drawn(self, n: int, seed: tuple[int, int]) -> Split:
        rng = np.random.default_rng(seed)
        inputs, labels = self.draw(rng.integers(self.n_classes, size=n, dtype=np.int64), rng)
        # Drawn whatever the share: with less noise fewer of the same labels are replaced, by the same classes.
        noise = np.random.default_rng((NOISE, *seed))
        replaced = noise.random(n) < self.noise
        other = (labels + noise.integers(1, self.n_classes, size=n)) % self.n_classes
        return Split(inputs, np.where(replaced, other, labels))
