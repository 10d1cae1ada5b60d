"""Every method by name, and a run of those that a task asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from harness.baselines.base import Baseline
from harness.baselines.constants import fit_majority, fit_mean
from harness.baselines.language import fit_lzma, fit_n_gram, fit_unigram
from harness.baselines.linear import fit_character_runs, fit_linear
from harness.baselines.neighbours import fit_nearest_neighbour, fit_nearest_neighbours
from harness.baselines.trees import fit_boosted_trees
from harness.datasets.base import Dataset, Split
from registry.errors import UnknownName

if TYPE_CHECKING:
    from harness.tasks.base import Task


def run_baselines(task: Task, dataset: Dataset, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Fit every method that ``task`` names, or these of them, and return them as the ``baselines`` of a record.

    Returns:
        One dict a method with ``name``, ``metric`` (on the test split), ``bytes`` and ``flops``, in the task's order.

    Raises:
        UnknownName: If the task names a method that is not here.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return [_run(name, task, dataset) for name in names or task.baselines(dataset)]


def _run(name: str, task: Task, dataset: Dataset) -> dict[str, Any]:
    if name not in METHODS:
        raise UnknownName("baseline", name, METHODS)
    fitted = METHODS[name](_as_table(dataset.train()), _as_table(dataset.val()))
    test = _as_table(dataset.test())
    error = task.error_from_outcomes(fitted.outcomes(test)[np.newaxis], test.labels)[0]
    return {
        "name": name,
        "metric": task.metric_from_error(float(error)),
        "bytes": fitted.n_bytes,
        "flops": fitted.flops,
    }


def _as_table(split: Split) -> Split:
    return Split(split.inputs.reshape(len(split), -1), split.labels)


METHODS: Final[dict[str, Callable[[Split, Split], Baseline]]] = {
    "majority": fit_majority,
    "mean": fit_mean,
    "unigram": fit_unigram,
    "linear": fit_linear,
    "character-runs": fit_character_runs,
    "1-nearest-neighbour": fit_nearest_neighbour,
    "nearest-neighbours": fit_nearest_neighbours,
    "boosted-trees": fit_boosted_trees,
    "n-gram": fit_n_gram,
    "lzma": fit_lzma,
}
