"""Methods without a network, to stand beside every answer: what a network has to beat, by metric, bytes and flops.

Each method is fitted on train and chooses its settings on validation; the test split is read once a method, at the end.
Ties go to the simpler setting. Single-threaded: the sets are small and the cores busy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
from jaxtyping import Float32, Int64

from harness.datasets.base import Dataset, Split
from registry.errors import UnknownName

if TYPE_CHECKING:
    from harness.tasks.base import Task

Predict = Callable[[Float32[np.ndarray, " n features"]], Int64[np.ndarray, " n"]]

INVERSE_PENALTIES: Final = (0.01, 0.1, 1.0, 10.0, 100.0)
NEIGHBOURS: Final = (1, 3, 5)
TREE_LEAVES: Final = (3, 7, 31)
TREE_LEAF_SIZES: Final = (20, 5)
TREE_ROUNDS: Final = 100


@final
@dataclass(frozen=True)
class Fitted:
    """A fitted method: rows in, classes out; ``n_bytes`` to store it, ``flops`` of one prediction or None."""

    predict: Predict
    n_bytes: int
    flops: float | None


def run_baselines(task: Task, dataset: Dataset) -> list[dict[str, Any]]:
    """Fit every method that ``task`` names and return them as the ``baselines`` of a record.

    Returns:
        One dict a method with ``name``, ``metric`` (on the test split), ``bytes`` and ``flops``, in the task's order.

    Raises:
        UnknownName: If the task names a method that is not here.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return [_run(name, task, dataset) for name in task.baselines(dataset)]


def _run(name: str, task: Task, dataset: Dataset) -> dict[str, Any]:
    if name not in METHODS:
        raise UnknownName("baseline", name, METHODS)
    fitted = METHODS[name](_as_table(dataset.train()), _as_table(dataset.val()))
    test = _as_table(dataset.test())
    error = task.error_from_outcomes((fitted.predict(test.inputs) == test.labels)[np.newaxis])[0]
    return {
        "name": name,
        "metric": task.metric_from_error(float(error)),
        "bytes": fitted.n_bytes,
        "flops": fitted.flops,
    }


def _as_table(split: Split) -> Split:
    return Split(split.inputs.reshape(len(split), -1), split.labels)


def _accuracy(predict: Predict, split: Split) -> float:
    return float(np.mean(predict(split.inputs) == split.labels))


def fit_majority(train: Split, val: Split) -> Fitted:
    """Answer the most frequent class of train: one stored label, no arithmetic."""
    majority = np.bincount(train.labels).argmax()
    return Fitted(lambda rows: np.full(len(rows), majority, dtype=np.int64), n_bytes=8, flops=0.0)


def fit_linear(train: Split, val: Split) -> Fitted:
    """Fit logistic regression, its penalty chosen on validation: float32 weights, 2 flops a weight (biases 0)."""
    from sklearn.linear_model import LogisticRegression

    models = [LogisticRegression(C=c, max_iter=5000).fit(train.inputs, train.labels) for c in INVERSE_PENALTIES]
    best = max(models, key=lambda model: _accuracy(model.predict, val))  # the first of equals: the strongest penalty
    return Fitted(best.predict, n_bytes=4 * (best.coef_.size + best.intercept_.size), flops=2.0 * best.coef_.size)


def fit_nearest_neighbour(train: Split, val: Split) -> Fitted:
    """Answer the class of the nearest training row: nothing to choose."""
    return _fit_neighbours(train, n_neighbours=1)


def fit_nearest_neighbours(train: Split, val: Split) -> Fitted:
    """Let the nearest 1, 3 or 5 training rows vote, their number chosen on validation."""
    candidates = [_fit_neighbours(train, n_neighbours) for n_neighbours in NEIGHBOURS]
    return max(candidates, key=lambda fitted: _accuracy(fitted.predict, val))  # the first of equals: the fewest


def _fit_neighbours(train: Split, n_neighbours: int) -> Fitted:
    """Store train as it is (float32 rows, int64 labels): 3 flops a stored number (subtract, multiply, add)."""
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(n_neighbours, algorithm="brute").fit(train.inputs, train.labels)
    return Fitted(model.predict, n_bytes=train.inputs.nbytes + train.labels.nbytes, flops=3.0 * train.inputs.size)


def fit_boosted_trees(train: Split, val: Split) -> Fitted:
    """Boost histogram trees; leaves, leaf size and number of rounds chosen on validation.

    Bytes are those of the node tables of the rounds kept. A prediction is comparisons, not arithmetic: flops None.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    best_score, best_rounds, best_settings = -1.0, 0, {}
    for leaf_size in TREE_LEAF_SIZES:
        for leaves in TREE_LEAVES:
            settings = {"max_leaf_nodes": leaves, "min_samples_leaf": leaf_size, "random_state": 0}
            model = HistGradientBoostingClassifier(max_iter=TREE_ROUNDS, early_stopping=False, **settings)
            model.fit(train.inputs, train.labels)
            scores = [float(np.mean(staged == val.labels)) for staged in model.staged_predict(val.inputs)]
            if max(scores) > best_score:
                best_score, best_rounds, best_settings = max(scores), int(np.argmax(scores)) + 1, settings
    model = HistGradientBoostingClassifier(max_iter=best_rounds, early_stopping=False, **best_settings)
    model.fit(train.inputs, train.labels)
    # assumption: scikit-learn has no public count of nodes; a test counts them by hand on a tree of one cut
    n_bytes = sum(tree.nodes.nbytes for trees in model._predictors for tree in trees)
    return Fitted(model.predict, n_bytes=n_bytes, flops=None)


METHODS: Final[dict[str, Callable[[Split, Split], Fitted]]] = {
    "majority": fit_majority,
    "linear": fit_linear,
    "1-nearest-neighbour": fit_nearest_neighbour,
    "nearest-neighbours": fit_nearest_neighbours,
    "boosted-trees": fit_boosted_trees,
}
