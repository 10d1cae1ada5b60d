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
from jaxtyping import Bool, Float, Float32, Float64

from harness.datasets.base import Dataset
from registry.errors import UsageError
from registry.outcomes import MOST_LOSS, block_sizes, decode_bits, encode_bits, encode_losses, losses, mean_loss, unpack

Outcomes = Bool[np.ndarray, " seeds items"] | Float[np.ndarray, " seeds items"]


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
        worst_error: What a run that diverged counts with.
        counts: Whether the error is the share of items that are wrong, each as much as any other.
    """

    name: str
    metric: Metric
    worst_error: float
    counts: bool = False

    @abstractmethod
    def chance(self, dataset: Dataset) -> float:
        """Return the metric, on the test split, of the best constant answer as chosen on train."""

    @abstractmethod
    def outcomes(self, outputs: Float32[np.ndarray, " seeds items *outputs"], labels: np.ndarray) -> Outcomes:
        """Return what networks make of each item: right or wrong, or a loss as float16.

        Args:
            outputs: Of each network, one a seed.
            labels: Of each item, (items,) or (items, length).
        """

    @abstractmethod
    def error_from_outcomes(self, outcomes: Outcomes, labels: np.ndarray) -> Float64[np.ndarray, " seeds"]:
        """Return the error of each seed from its outcomes and each item's label."""

    @abstractmethod
    def weights(self, labels: np.ndarray) -> Float64[np.ndarray, " items"] | None:
        """Return what each item counts in the error, 1 in all; None where all count the same."""

    @abstractmethod
    def n_items(self, labels: np.ndarray) -> int:
        """Return how many items that count the same would tell the error as well as these do."""

    @abstractmethod
    def encode(self, outcomes: Outcomes, labels: np.ndarray) -> str:
        """Return outcomes as a record keeps them (:mod:`registry.outcomes`)."""

    @abstractmethod
    def decode(self, text: str | None, labels: np.ndarray) -> Outcomes:
        """Return what :meth:`encode` made of one seed's outcomes; of None, those of a run that diverged."""

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
    worst_error = 1.0
    counts = True

    @final
    def outcomes(self, outputs: Float32[np.ndarray, " seeds items *outputs"], labels: np.ndarray) -> Outcomes:
        """Return whether each item's largest output is that of its class."""
        right: Outcomes = outputs.argmax(axis=2) == labels
        return right

    @final
    def encode(self, outcomes: Outcomes, labels: np.ndarray) -> str:
        """Return bits."""
        return encode_bits(outcomes.tolist())

    @final
    def decode(self, text: str | None, labels: np.ndarray) -> Outcomes:
        """Return bits; of None, all wrong."""
        n = len(labels)
        return np.zeros((1, n), dtype=bool) if text is None else np.array(decode_bits(text, 1, n))

    @final
    def chance(self, dataset: Dataset) -> float:
        """Return the share, in test, of the class that is most frequent in train (the lowest such class)."""
        return constant_answer(self, dataset)

    @final
    def error_from_outcomes(self, outcomes: Outcomes, labels: np.ndarray) -> Float64[np.ndarray, " seeds"]:
        """Return the share of wrong items of each seed."""
        wrong: Float64[np.ndarray, " seeds"] = (~outcomes).sum(axis=1) / outcomes.shape[1]
        return wrong

    @final
    def weights(self, labels: np.ndarray) -> None:
        """Return None: all items count the same."""

    @final
    def n_items(self, labels: np.ndarray) -> int:
        """Return the number of items."""
        return len(labels)

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
        if not 0 < value < 1:
            hint = "an accuracy is the share of test examples that are right, such as 0.95"
            raise refusal(f"target accuracy {value:.12g} is not a fraction in (0, 1)", value, hint)


class LossTask(Task, ABC):
    """A task scored by a mean loss over items: what such tasks have in common. Nothing here is overridden."""

    @final
    def error_from_outcomes(self, outcomes: Outcomes, labels: np.ndarray) -> Float64[np.ndarray, " seeds"]:
        """Return the mean loss of each seed, to 12 decimals: of what :meth:`encode` keeps."""
        return np.array([mean_loss(row, outcomes.shape[1]) for row in _kept(outcomes)])

    @final
    def weights(self, labels: np.ndarray) -> None:
        """Return None: all items count the same."""

    @final
    def n_items(self, labels: np.ndarray) -> int:
        """Return the number of items."""
        return len(labels)

    @final
    def encode(self, outcomes: Outcomes, labels: np.ndarray) -> str:
        """Return losses, those of many items as means of blocks."""
        return encode_losses(_kept(outcomes))

    @final
    def decode(self, text: str | None, labels: np.ndarray) -> Outcomes:
        """Return losses, of many items one a block; of None, the worst."""
        n_items = len(labels)
        if text is None:
            return np.full((1, len(block_sizes(n_items))), self.worst_error, dtype=np.float16)
        [row] = unpack(text, 1, n_items, self.metric.name)
        return np.array([losses(row)], dtype=np.float16)


def constant_answer(task: Task, dataset: Dataset) -> float:
    """Return the metric, on test, of answering the class that is most frequent in train (the lowest such class)."""
    majority = np.bincount(dataset.train().labels, minlength=dataset.n_classes or 0).argmax()
    labels = dataset.test().labels
    return task.metric_from_error(float(task.error_from_outcomes((labels == majority)[np.newaxis], labels)[0]))


def refusal(problem: str, value: float, hint: str) -> UsageError:
    """Return what refuses a target that lies between 0 and 1 if it is possible: a percentage is recognised."""
    if math.isfinite(value) and 10 <= value < 100:
        return UsageError(f"{problem}; did you mean {value / 100:.12g}?")
    return UsageError(problem, hint)


def bounded(found: np.ndarray) -> Outcomes:
    """Return losses as outcomes: what is larger than a record can keep (or no number) at the largest it can."""
    outcomes: Outcomes = np.minimum(np.nan_to_num(found, nan=MOST_LOSS, posinf=MOST_LOSS), MOST_LOSS)
    return outcomes


def _kept(outcomes: Outcomes) -> list[list[float]]:
    """Return what a record keeps of losses, (seeds, items): their means over blocks, in float16."""
    sizes = np.array(block_sizes(outcomes.shape[1]))
    sums = np.add.reduceat(bounded(outcomes).astype(np.float64), np.cumsum(sizes) - sizes, axis=1)
    kept: list[list[float]] = (sums / sizes).astype(np.float16).astype(np.float64).tolist()
    return kept
