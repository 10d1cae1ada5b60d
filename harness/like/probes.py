"""Cheap methods without a network: their errors tell what kind of data these are, in seconds."""

from __future__ import annotations

import warnings
from typing import Any, Final, NamedTuple

import numpy as np

from harness.baselines.base import is_regression, is_symbols, n_classes
from harness.datasets.base import Dataset, Split

MOST_ROWS: Final = 5_000  # of train
MOST_VAL: Final = 2_000
MOST_PRODUCTS: Final = 2**27  # rows x inputs x classes
FEWEST_A_CLASS: Final = 5  # rows, whatever the products
FEWEST_STEPS, MOST_STEPS = 5, 50  # of logistic regression
TREES: Final = 2_000  # in all: of many classes few rounds
FEWEST_ROUNDS, MOST_ROUNDS = 5, 50
LEAVES: Final = 8
PENALTY: Final = 20.0  # of leaves; measured: without it 85 % of glyphs of 26 classes are wrong instead of 32 %
FEATURES: Final = 64  # inputs that trees look at: of more, a seeded choice
DRAWN: Final = 0  # the seed of what is left out


class Errors(NamedTuple):
    """Validation errors of the probes: shares of wrong answers, or squared errors over the targets' variance.

    Attributes:
        linear: Of logistic or ridge regression.
        neighbour: Of the answer of the nearest row.
        trees: Of boosted trees.
        n_rows: Rows of train that the probes saw.
        n_val: Rows of validation that they were asked.
    """

    linear: float
    neighbour: float
    trees: float
    n_rows: int
    n_val: int


def probe(data: Dataset, n_train: int) -> Errors:
    """Fit each probe to a part of train, with one setting each, and return its error on a part of validation.

    Where other classes are so rare that the part has one alone, each probe answers that.

    Args:
        data: Classes or targets to predict, one an example.
        n_train: Examples that networks would see; at most 5,000 of them are looked at, fewer of wide examples of many
            classes.
    """
    from threadpoolctl import threadpool_limits

    whole = data.train()
    classes, inputs = data.n_classes or 1, int(np.prod(data.input_shape))
    most = max(FEWEST_A_CLASS * classes, min(MOST_ROWS, MOST_PRODUCTS // (inputs * classes)))
    rows = data.subset(min(n_train, most, len(whole)), seed=DRAWN)
    train, val = _flat(whole, rows), _flat(data.val(), _some(len(data.val()), MOST_VAL))
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # logistic regression is meant to stop early
        is_one_class = not is_regression(train) and len(np.unique(train.labels)) == 1
        fits = (_constant,) * 3 if is_one_class else (_linear, _neighbour, _trees)
        linear, neighbour, trees = (_error(fit(train), val) for fit in fits)
        return Errors(linear, neighbour, trees, len(train), len(val))


def _some(n: int, most: int) -> np.ndarray:
    return np.sort(np.random.default_rng(DRAWN).permutation(n)[:most])


def _flat(split: Split, rows: np.ndarray) -> Split:
    return Split(split.inputs[rows].reshape(len(rows), -1), split.labels[rows])


def _constant(train: Split) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier().fit(train.inputs, train.labels)


def _linear(train: Split) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    first = OneHotEncoder(handle_unknown="ignore") if is_symbols(train) else StandardScaler()
    products = train.inputs.size * n_classes(train)
    steps = max(FEWEST_STEPS, min(MOST_STEPS, MOST_STEPS * MOST_PRODUCTS // products))
    last = Ridge() if is_regression(train) else LogisticRegression(max_iter=steps)
    return make_pipeline(first, last).fit(train.inputs, train.labels)


def _neighbour(train: Split) -> Any:
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    kind = KNeighborsRegressor if is_regression(train) else KNeighborsClassifier
    metric = "hamming" if is_symbols(train) else "euclidean"
    return kind(1, algorithm="brute", metric=metric).fit(train.inputs, train.labels)


def _trees(train: Split) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    chosen = _some(train.inputs.shape[1], FEATURES)
    rounds = max(FEWEST_ROUNDS, min(MOST_ROUNDS, TREES // n_classes(train)))
    kind = HistGradientBoostingRegressor if is_regression(train) else HistGradientBoostingClassifier
    model = kind(
        max_iter=rounds, max_leaf_nodes=LEAVES, learning_rate=0.3, early_stopping=False, random_state=DRAWN,
        categorical_features=np.arange(len(chosen)) if is_symbols(train) else None,
        l2_regularization=PENALTY,
    )  # fmt: skip
    return make_pipeline(FunctionTransformer(lambda inputs: inputs[:, chosen]), model).fit(train.inputs, train.labels)


def _error(model: Any, val: Split) -> float:
    answers = model.predict(val.inputs)
    if is_regression(val):
        return float(np.mean(np.square(answers.astype(np.float64) - val.labels)))
    return float(np.mean(answers != val.labels))
