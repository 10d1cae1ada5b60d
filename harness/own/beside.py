"""Methods without a network, timed, before a network is trained on a person's own data: what it has to beat."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast, final

import numpy as np

from harness import plugins
from harness.baselines import run_baselines
from harness.baselines.base import capped
from harness.datasets.base import Dataset, Split, Splits
from harness.metrics import scored
from harness.tasks.base import Metric, Task

if TYPE_CHECKING:
    from harness.executors.base import Running

MOST_ROWS: Final = 10_000  # of train that a method sees here; a record's own baselines see all
FEWEST_ROWS: Final = 1_000
MOST_NUMBERS: Final = 2_000_000  # rows times inputs; where time is short, of the fewest rows, too
NUMBERS_A_MINUTE: Final = 200_000  # and where time is short: the slowest method then takes about an eighth of it
CONSTANT: Final = ("majority", "mean", "unigram")
CHEAPEST_FIRST: Final = (*CONSTANT, "linear", "1-nearest-neighbour", "nearest-neighbours", "character-runs", "n-gram")
LEAST_S: Final = 1.0  # that a constant answer is given, however late
LIBRARIES: Final[Mapping[str, tuple[str, ...]]] = {  # what a method imports when it is first fitted
    "linear": ("sklearn.linear_model", "scipy.sparse"),
    "character-runs": ("sklearn.linear_model", "sklearn.feature_extraction.text"),
    "1-nearest-neighbour": ("sklearn.neighbors",),
    "nearest-neighbours": ("sklearn.neighbors",),
    "boosted-trees": ("sklearn.ensemble",),
    "lzma": ("lzma",),
}


class OutOfTime(Exception):
    """A method was not done in time."""


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
class Skipped:
    """A method that there was no time for."""

    name: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.name} is skipped: it would take longer than methods without a network are given here"


@final
@dataclass(frozen=True)
class Failed:
    """A method that could not be fitted."""

    name: str
    why: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.name} could not be fitted: {self.why}"


Found = Method | Skipped | Failed


@final
@dataclass(frozen=True)
class Point:
    """A network that was certified: its median metric on test, its size."""

    metric: float
    params: int
    shape: str


def n_rows(n_train: int, n_inputs: int, minutes: float = math.inf) -> int:
    """Return how many of ``n_train`` examples a method sees, where an answer is due within some minutes."""
    numbers = min(MOST_NUMBERS, NUMBERS_A_MINUTE * max(0.0, minutes))
    fewest = FEWEST_ROWS if math.isinf(minutes) else min(FEWEST_ROWS, MOST_NUMBERS // n_inputs)
    return min(n_train, MOST_ROWS, max(fewest, int(numbers / n_inputs)))


def methods(
    task: Task, data: Dataset, n: int, running: Running, names: Sequence[str], until: float = math.inf
) -> Iterator[Found]:
    """Fit methods on all workers, the cheapest first, and yield each as it is done, or why there is none.

    Args:
        task: The task.
        data: The data set; a worker loads it by its name.
        n: How many training examples; of more a part that one seed draws.
        running: The executor.
        names: The methods.
        until: When they have to be done, in seconds since 1970: those that are not are skipped.
    """
    names = sorted(names, key=lambda name: (*CHEAPEST_FIRST, name).index(name))
    for position, result in running.map(
        partial(timed, task.name, data.name, n, until=until, metric=task.metric.name), names
    ):
        if isinstance(result, OutOfTime):
            yield Skipped(names[position])
        elif isinstance(result, Exception):
            yield Failed(names[position], str(result).partition("\n")[0])
        else:
            yield result


def timed(task: str, data: str, n: int, name: str, until: float = math.inf, metric: str | None = None) -> Method:
    """Fit and test one method; runs in a worker.

    Raises:
        OutOfTime: If it is not done in time.
    """
    found = plugins.load("datasets", data)
    part = _Part(found, n) if n < len(found.train()) else found
    part.train()  # to load data is not a method's work
    for library in ("threadpoolctl", *LIBRARIES.get(name, ())):  # nor is to import what it is written in
        import_module(library)
    with within(max(until - time.time(), LEAST_S if name in CONSTANT else 0.0)):
        started = time.perf_counter()
        [baseline] = run_baselines(cast("Task", _Only(scored(task, metric), name)), part)
        seconds = time.perf_counter() - started
    return Method(name, baseline["metric"], seconds, baseline["bytes"], baseline["flops"])


def comparison(
    found: Sequence[Method], points: Sequence[Point], metric: Metric, part: str = "", lacking: Sequence[str] = ()
) -> str:
    """Compare the networks that were certified with the best method, in a line; empty where there is no method.

    Args:
        found: The methods.
        points: The networks.
        metric: What both are measured in.
        part: On how many examples methods were fitted; empty where on all.
        lacking: Which methods are not among them, and why.
    """
    if not found:
        return ""
    sign = 1 if metric.direction == "higher" else -1
    best = max(found, key=lambda method: (sign * method.metric, -method.seconds))
    return "; ".join([f"{best}{part}", _beside(sign * best.metric, points, sign), *lacking])


def _beside(least: float, points: Sequence[Point], sign: int) -> str:
    """Say which network is as good, where ``sign`` times its metric has to be at least so much."""
    as_good = [point for point in points if sign * point.metric >= least]
    if not points:
        return "no network is certified yet"
    if not as_good:
        nearest = max(points, key=lambda point: sign * point.metric)
        return (
            f"no network certified here does: the nearest has a median of {nearest.metric:.4f} "
            f"and {nearest.params:,} params ({nearest.shape})"
        )
    smallest = min(as_good, key=lambda point: point.params)
    return (
        f"the smallest network certified here whose median run does has {smallest.params:,} params ({smallest.shape})"
    )


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Break the block off after so many seconds, by a signal; beside the main thread there are none, and no limit.

    Raises:
        OutOfTime: If they are over.
    """
    if seconds <= 0:
        raise OutOfTime
    if math.isinf(seconds) or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, LEAST_S)  # and again: a library may swallow an exception
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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
        """Return a part of train that has every class; targets in their own unit."""
        whole = self._whole
        mean, sd = whole.target_scale() or (0.0, 1.0)

        def own_unit(split: Split) -> Split:
            if whole.n_classes is not None:
                return split
            return Split(split.inputs, split.labels.astype(np.float64) * sd + mean)

        return Splits(*map(own_unit, (capped(whole.train(), self._n), whole.val(), whole.test())))
