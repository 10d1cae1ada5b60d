"""The metric that a question is asked in: its task's own, or another that fits the task.

Balanced accuracy fits every task of classes: the mean over classes of the share of their examples that are right, so
that a rare class counts as much as a frequent one. It is what networks are chosen by, on validation, and certified by,
on test. What training minimises stays the plain mean of the cross-entropy, and methods without a network are fitted as
for accuracy: what differs is how all of them are scored.
"""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float32, Float64

from harness import plugins
from harness.datasets.base import Dataset
from harness.tasks.base import AccuracyTask, Metric, Outcomes, Task, constant_answer, refusal
from registry.errors import UsageError
from registry.metrics import BALANCED
from registry.outcomes import balanced_accuracy


def fitting(task: str) -> tuple[str, ...]:
    """Return the metrics that questions of a task can be asked in, its own first."""
    own: Task = plugins.load("tasks", task)
    return (own.metric.name, BALANCED) if isinstance(own, AccuracyTask) else (own.metric.name,)


def scored(task: str, metric: str | None = None) -> Task:
    """Return a task that is scored by ``metric``; None for its own.

    Raises:
        UnknownName: If there is no such task.
        UsageError: If the metric does not fit it; names those that do.
    """
    own: Task = plugins.load("tasks", task)
    if metric in (None, own.metric.name):
        return own
    if metric in fitting(task):
        return BalancedTask(own)
    known = fitting(task)
    raise UsageError(
        f"task {task} is scored by {' or '.join(known)}, not by {metric}",
        f"use {' or '.join(f'--target {name}=VALUE' for name in known)}",
    )


def class_sizes(labels: np.ndarray, n_classes: int | None = None) -> list[int]:
    """Return how many of the labels are of each class."""
    sizes: list[int] = np.bincount(labels, minlength=n_classes or 0).tolist()
    return sizes


def gaps(dataset: Dataset) -> list[str]:
    """Say which classes balanced accuracy leaves out, as validation or test has no example of them."""
    found = []
    for name, split in (("validation", dataset.val()), ("test", dataset.test())):
        sizes = class_sizes(split.labels, dataset.n_classes)
        if missing := sizes.count(0):
            found.append(
                f"{name} has no example of {missing} of {len(sizes)} classes: balanced accuracy there is the mean "
                "over the others"
            )
    return found


@final
class BalancedTask(Task):
    """A task of classes, scored by balanced accuracy.

    Args:
        plain: The same task, scored by accuracy.
    """

    metric = Metric(name=BALANCED, unit="fraction", direction="higher")
    worst_error = 1.0
    counts = False  # an item of a rare class weighs more than one of a frequent class

    def __init__(self, plain: Task) -> None:
        self._plain = plain
        self.name = plain.name

    def chance(self, dataset: Dataset) -> float:
        """Return the metric of the class that is most frequent in train: 1 / classes, where test has it."""
        return constant_answer(self, dataset)

    def outcomes(self, outputs: Float32[np.ndarray, " seeds items *outputs"], labels: np.ndarray) -> Outcomes:
        """Return whether each item's largest output is that of its class."""
        return self._plain.outcomes(outputs, labels)

    def error_from_outcomes(self, outcomes: Outcomes, labels: np.ndarray) -> Float64[np.ndarray, " seeds"]:
        """Return the mean over classes of the share of each that is wrong; classes without items are left out."""
        sizes = class_sizes(labels)
        right = [class_sizes(labels[row], len(sizes)) for row in outcomes]
        return np.array([round(1 - balanced_accuracy(one, sizes), 12) for one in right])

    def weights(self, labels: np.ndarray) -> Float64[np.ndarray, " items"]:
        """Return 1 / (classes x items of its class) for each item; classes without items are none."""
        _, position, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        return 1 / (len(sizes) * sizes[position].astype(np.float64))

    def n_items(self, labels: np.ndarray) -> int:
        """Return how many items of even classes would leave the error as uncertain as these.

        The error's variance is the sum over C classes of p (1 - p) / (C**2 n), with p the error of each and n its
        items: at one p that of C**2 / sum(1 / n) items.
        """
        return max(1, round(1 / float((self.weights(labels) ** 2).sum())))

    def encode(self, outcomes: Outcomes, labels: np.ndarray) -> str:
        """Return bits, sorted by class."""
        return self._plain.encode(outcomes[:, _by_class(labels)], labels)

    def decode(self, text: str | None, labels: np.ndarray) -> Outcomes:
        """Return bits in test order; of None, all wrong."""
        outcomes = self._plain.decode(text, labels)
        found = np.empty_like(outcomes)
        found[:, _by_class(labels)] = outcomes
        return found

    def target_to_error(self, target: float) -> float:
        """Return 1 - target to 12 decimals."""
        return self._plain.target_to_error(target)

    def metric_from_error(self, error: float) -> float:
        """Return 1 - error to 12 decimals."""
        return self._plain.metric_from_error(error)

    def check_target(self, value: float) -> None:
        """Pass if ``value`` is a fraction strictly between 0 and 1.

        Raises:
            UsageError: If it is not; a percentage is recognised.
        """
        if not 0 < value < 1:
            hint = "a balanced accuracy is the mean over classes of the share of each that is right, such as 0.85"
            raise refusal(f"target {BALANCED} {value:.12g} is not a fraction in (0, 1)", value, hint)

    def baselines(self, dataset: Dataset) -> tuple[str, ...]:
        """Return the methods that stand beside accuracy, too."""
        return self._plain.baselines(dataset)


def _by_class(labels: np.ndarray) -> np.ndarray:
    """Return the positions of items sorted by class, in test order within one."""
    return np.argsort(labels, kind="stable")
