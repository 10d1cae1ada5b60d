"""Linear models: of numbers, of symbols one-hot, of the runs of characters in a text."""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8

from harness.baselines.base import Fitted, capped, is_regression, is_symbols, n_classes, score
from harness.datasets.base import Split

INVERSE_PENALTIES: Final = (0.01, 0.1, 1.0, 10.0, 100.0)
FEW_PENALTIES: Final = (0.1, 1.0, 10.0)  # of symbols, where one fit takes ten seconds
RIDGE_PENALTIES: Final = (100.0, 10.0, 1.0, 0.1, 0.01)
MOST_PRODUCTS: Final = 2**27  # rows x stored numbers a row x classes; glyphs, 20,000 x 256 x 26, are below it
MOST_PRODUCTS_BRIEFLY: Final = 2**29  # of numbers that are not sparse, for 50 steps
FEWEST_A_CLASS: Final = 10
STEPS, FEW_STEPS = 5_000, 50
LONGEST_RUN: Final = 3  # characters
HASHED: Final = 2**16  # runs of characters are told apart by a hash of so many values
DECAYS: Final = (1e-3, 1e-4, 1e-5)
PASSES: Final = 5


def fit_linear(train: Split, val: Split) -> Fitted:
    """Fit logistic regression, or ridge regression of targets, its penalty chosen on validation.

    Float32 weights; 2 flops a weight (biases 0). Symbols are taken one-hot, 1 flop, an addition, a class and symbol;
    three penalties, 50 steps. At most 2^27 products of rows, numbers a row and classes, yet 10 rows a class: beyond, a
    part of train is seen. Numbers beyond are fitted for 50 steps too, on a part with at most 2^29 such products.
    """
    if is_regression(train):
        return _fit_ridge(train, val)
    if is_symbols(train):
        return _fit_one_hot(_seen(train, MOST_PRODUCTS), val)
    steps = STEPS if _seen(train, MOST_PRODUCTS) is train else FEW_STEPS
    seen = _seen(train, MOST_PRODUCTS_BRIEFLY)
    models = [_logistic(penalty, steps, seen.inputs, seen.labels) for penalty in INVERSE_PENALTIES]
    # the first of equals: the strongest penalty
    best = max(models, key=lambda model: score(model.predict, val.inputs, val))
    return Fitted(4 * (best.coef_.size + best.intercept_.size), 2.0 * best.coef_.size, best.predict)


def fit_character_runs(train: Split, val: Split) -> Fitted:
    """Fit a linear model of which runs of 1 to 3 symbols occur, wherever they do, hashed to 65,536 values.

    Logistic regression one class against the rest, averaged stochastic gradient, 5 passes, its decay chosen on
    validation; at most as many rows as :func:`fit_linear` sees. Float32 weights; 1 flop, an addition, a class and run
    that occurs, as many as there are on average in validation.
    """
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    seen = _seen(train, MOST_PRODUCTS)
    counter = HashingVectorizer(
        analyzer="char", ngram_range=(1, LONGEST_RUN), n_features=HASHED, alternate_sign=False, norm=None, binary=True,
        lowercase=False, dtype=np.float32,
    )  # fmt: skip
    rows, chosen_on = counter.transform(_texts(seen.inputs)), counter.transform(_texts(val.inputs))
    models = [
        SGDClassifier(loss="log_loss", alpha=decay, max_iter=PASSES, tol=None, average=True, random_state=0)
        for decay in DECAYS
    ]
    best = max((model.fit(rows, seen.labels) for model in models), key=lambda m: score(m.predict, chosen_on, val))
    flops = chosen_on.nnz / len(val) * best.coef_.shape[0]
    return Fitted(
        4 * (best.coef_.size + best.intercept_.size),
        float(flops),
        lambda inputs: best.predict(counter.transform(_texts(inputs))),
    )


def _fit_ridge(train: Split, val: Split) -> Fitted:
    from sklearn.linear_model import Ridge

    seen = capped(train, MOST_PRODUCTS // train.inputs.shape[1])
    inputs, targets = seen.inputs.astype(np.float64), seen.labels.astype(np.float64)
    models = [Ridge(alpha=penalty).fit(inputs, targets) for penalty in RIDGE_PENALTIES]
    best = max(models, key=lambda model: score(model.predict, val.inputs, val))
    return Fitted(4 * (best.coef_.size + 1), 2.0 * best.coef_.size, best.predict)


def _fit_one_hot(seen: Split, val: Split) -> Fitted:
    n_symbols, length = int(seen.inputs.max()) + 1, seen.inputs.shape[1]
    rows = _one_hot(seen.inputs, n_symbols)
    models = [_logistic(penalty, FEW_STEPS, rows, seen.labels) for penalty in FEW_PENALTIES]
    chosen_on = _one_hot(val.inputs, n_symbols)
    best = max(models, key=lambda model: score(model.predict, chosen_on, val))
    return Fitted(
        4 * (best.coef_.size + best.intercept_.size),
        float(length * best.coef_.shape[0]),
        lambda inputs: best.predict(_one_hot(inputs, n_symbols)),
    )


def _logistic(inverse_penalty: float, steps: int, rows: Any, labels: np.ndarray) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        if steps < STEPS:  # meant to stop early
            warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=inverse_penalty, max_iter=steps).fit(rows, labels)


def _seen(train: Split, most: int) -> Split:
    classes = n_classes(train)
    return capped(train, most // (train.inputs.shape[1] * classes), FEWEST_A_CLASS * classes)


def _one_hot(inputs: UInt8[np.ndarray, "n length"], n_symbols: int) -> Any:
    """Return a sparse matrix, a column a place and symbol; a symbol that was never seen has none."""
    from scipy.sparse import csr_matrix

    n, length = inputs.shape
    known = inputs < n_symbols
    columns = inputs.astype(np.int32) + np.arange(length, dtype=np.int32) * n_symbols
    starts = np.concatenate([[0], known.sum(axis=1).cumsum()])
    ones = np.ones(int(starts[-1]), dtype=np.float32)
    return csr_matrix((ones, columns[known], starts), shape=(n, length * n_symbols))


def _texts(inputs: UInt8[np.ndarray, "n length"]) -> list[str]:
    """Return one string a row, one character a symbol: which characters does not matter, as long as none is a space."""
    raised = inputs.astype(np.uint32) + 0x100  # beyond white space, which the vectoriser would join
    return [row.tobytes().decode("utf-32-le") for row in raised]
