"""Tasks say what is measured: the metric, its error form, chance, the methods beside them.

Contract, tested for every file of this folder:

* the error form is lower-is-better, and :meth:`Task.metric_from_error` undoes :meth:`Task.target_to_error`;
* ``error <= target_to_error(target)`` is exact: 90 right of 100 meet a target of 0.9, whatever floats say of 1 - 0.9;
* chance is the metric of the best constant answer, chosen on train, on the test split;
* an impossible target is refused in one line that says what is expected.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Bool, Float64

from harness.datasets.base import Dataset
from registry.errors import UsageError


@final
@dataclass(frozen=True)
class Metric:
    """The number a target is stated in; ``direction`` says which way is better."""

    name: str
    unit: Literal["fraction", "r2", "bits-per-byte"]
    direction: Literal["higher", "lower"]


class Task(ABC):
    """A category of tasks.

    Attributes:
        name: File name in kebab-case.
        metric: What targets are stated in.
    """

    name: str
    metric: Metric

    @abstractmethod
    def chance(self, dataset: Dataset) -> float:
        """Return the metric, on the test split, of the best constant answer as chosen on train."""

    @abstractmethod
    def error_from_outcomes(self, correct: Bool[np.ndarray, " seeds items"]) -> Float64[np.ndarray, " seeds"]:
        """Return the error of each seed from which of its items are right."""

    @abstractmethod
    def target_to_error(self, target: float) -> float:
        """Return the largest error that meets ``target``, a checked value of the metric."""

    @abstractmethod
    def metric_from_error(self, error: float) -> float:
        """Return the metric that belongs to ``error``."""

    @abstractmethod
    def check_target(self, value: float) -> None:
        """Pass if ``value`` is a possible target.

        Raises:
            UsageError: If it is not; says what was expected and, where that is plain, what was meant.
        """

    @abstractmethod
    def baselines(self, dataset: Dataset) -> tuple[str, ...]:
        """Return the names of the methods, without a network, to stand beside every answer."""


class AccuracyTask(Task, ABC):
    """A classification task scored by accuracy: what such tasks have in common. Nothing here is overridden."""

    metric = Metric(name="accuracy", unit="fraction", direction="higher")

    @final
    def chance(self, dataset: Dataset) -> float:
        """Return the share, in test, of the class that is most frequent in train (the lowest such class)."""
        majority = np.bincount(dataset.train().labels, minlength=dataset.n_classes or 0).argmax()
        right = dataset.test().labels == majority
        return self.metric_from_error(float(self.error_from_outcomes(right[np.newaxis])[0]))

    @final
    def error_from_outcomes(self, correct: Bool[np.ndarray, " seeds items"]) -> Float64[np.ndarray, " seeds"]:
        """Return the share of wrong items of each seed."""
        wrong: Float64[np.ndarray, " seeds"] = (~correct).sum(axis=1) / correct.shape[1]
        return wrong

    @final
    def target_to_error(self, target: float) -> float:
        """Return 1 - target to 12 decimals: the double that k / n gives where they are equal."""
        return round(1 - target, 12)

    @final
    def metric_from_error(self, error: float) -> float:
        """Return 1 - error to 12 decimals: the double that k / n gives where they are equal."""
        return round(1 - error, 12)

    @final
    def check_target(self, value: float) -> None:
        """Pass if ``value`` is a fraction strictly between 0 and 1.

        Raises:
            UsageError: If it is not; a percentage is recognised.
        """
        if 0 < value < 1:
            return
        percent = math.isfinite(value) and 10 <= value < 100
        meant = f"; did you mean {value / 100:.12g}?" if percent else ""
        hint = "" if percent else "an accuracy is the share of test examples that are right, such as 0.95"
        raise UsageError(f"target accuracy {value:.12g} is not a fraction in (0, 1){meant}", hint)
