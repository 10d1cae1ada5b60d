"""Methods without a network, timed, before a network is trained on a person's own data: what it has to beat."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast, final

import numpy as np

from harness import plugins
from harness.baselines import run_baselines
from harness.datasets.base import Dataset, Split, Splits
from harness.tasks.base import Metric, Task

if TYPE_CHECKING:
    from harness.executors.base import Running

MOST_ROWS: Final = 10_000  # of train that a method sees here; a record's own baselines see all
FEWEST_ROWS: Final = 1_000
MOST_NUMBERS: Final = 2_000_000  # rows times inputs
NUMBERS_A_MINUTE: Final = 200_000  # and where time is short: the slowest method then takes about an eighth of it


@final
@dataclass(frozen=True)
class Method:
    """A method without a network, as a record keeps it, and the seconds that fitting and testing it took."""

    name: str
    metric: float
    seconds: float
    n_bytes: int = 0
    flops: float | None = None

    def values(self) -> dict[str, Any]:
        """Return what a record keeps."""
        return {"name": self.name, "metric": self.metric, "bytes": self.n_bytes, "flops": self.flops}

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.name} reaches {self.metric:.4f} in {self.seconds:.1f} s"


@final
@dataclass(frozen=True)
class Point:
    """A network that was certified: its median metric on test, its size."""

    metric: float
    params: int
    shape: str


def n_rows(n_train: int, n_inputs: int, minutes: float = math.inf) -> int:
    """Return how many of ``n_train`` examples a method sees, where an answer is due within some minutes."""
    numbers = min(MOST_NUMBERS, NUMBERS_A_MINUTE * minutes)
    return min(n_train, MOST_ROWS, max(FEWEST_ROWS, int(numbers / n_inputs)))


def methods(task: Task, data: Dataset, n: int, running: Running) -> Iterator[Method | str]:
    """Fit every method that the task names, on all workers, and yield each as it is done, or why there is none.

    Args:
        task: The task.
        data: The data set; a worker loads it by its name.
        n: How many training examples, of more those that seed 0 draws.
        running: The executor.
    """
    names = task.baselines(data)
    for position, result in running.map(partial(timed, task.name, data.name, n), names):
        if isinstance(result, Exception):
            yield f"{names[position]} could not be fitted: {str(result).partition(chr(10))[0]}"
        else:
            yield result


def timed(task: str, data: str, n: int, name: str) -> Method:
    """Fit and test one method; runs in a worker."""
    found = plugins.load("datasets", data)
    part = _Part(found, n) if n < len(found.train()) else found
    part.train()  # to load data is not a method's work
    started = time.perf_counter()
    [baseline] = run_baselines(cast("Task", _Only(plugins.load("tasks", task), name)), part)
    seconds = time.perf_counter() - started
    return Method(name, baseline["metric"], seconds, baseline["bytes"], baseline["flops"])


def comparison(found: Sequence[Method], points: Sequence[Point], metric: Metric) -> str:
    """Compare the networks that were certified with the best method, in a line; empty where there is no method."""
    if not found:
        return ""
    sign = 1 if metric.direction == "higher" else -1
    best = max(found, key=lambda method: (sign * method.metric, -method.seconds))
    as_good = [point for point in points if sign * point.metric >= sign * best.metric]
    if not points:
        return f"{best}; no network is certified yet"
    if not as_good:
        nearest = max(points, key=lambda point: sign * point.metric)
        return (
            f"{best}; no network certified here does: the nearest has a median of {nearest.metric:.4f} "
            f"and {nearest.params:,} params ({nearest.shape})"
        )
    smallest = min(as_good, key=lambda point: point.params)
    return f"{best}; the smallest network certified here that does has {smallest.params:,} params ({smallest.shape})"


@final
class _Only:
    """A task that names one method, and is in all else the task it is made of."""

    def __init__(self, task: Task, method: str) -> None:
        self._task, self._method = task, method

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)

    def baselines(self, dataset: Dataset) -> tuple[str, ...]:
        """Return the one method."""
        return (self._method,)


@final
class _Part(Dataset):
    """A data set with fewer examples to train on."""

    def __init__(self, whole: Dataset, n: int) -> None:
        self._whole, self._n = whole, n
        self.name, self.task, self.group = whole.name, whole.task, whole.group
        self.source, self.licence = whole.source, whole.licence
        self.input_shape, self.n_classes = whole.input_shape, whole.n_classes
        self.symbols, self.per_position = whole.symbols, whole.per_position

    def load(self) -> Splits:
        """Return the examples that seed 0 draws; targets in their own unit."""
        whole = self._whole
        rows = np.sort(whole.subset(self._n, seed=0))
        mean, sd = whole.target_scale() or (0.0, 1.0)

        def own_unit(split: Split) -> Split:
            if whole.n_classes is not None:
                return split
            return Split(split.inputs, split.labels.astype(np.float64) * sd + mean)

        train = Split(whole.train().inputs[rows], whole.train().labels[rows])
        return Splits(*map(own_unit, (train, whole.val(), whole.test())))
