"""Answer what the nearest training examples were."""

from __future__ import annotations

from typing import Final

from harness.baselines.base import Fitted, capped, is_regression, score
from harness.datasets.base import Split

NEIGHBOURS: Final = (1, 3, 5)
MOST_NUMBERS: Final = 2**24  # rows x features; glyphs, 20,000 x 256, are below it


def fit_nearest_neighbour(train: Split, val: Split) -> Fitted:
    """Answer the class or target of the nearest training row: nothing to choose. Rows as below."""
    return _fit(_seen(train), n_neighbours=1)


def fit_nearest_neighbours(train: Split, val: Split) -> Fitted:
    """Let the nearest 1, 3 or 5 training rows vote, or take their mean; their number chosen on validation.

    At most 2^24 stored numbers: beyond, a part of train is seen.
    """
    seen = _seen(train)
    candidates = [_fit(seen, n_neighbours) for n_neighbours in NEIGHBOURS]
    return max(candidates, key=lambda fitted: score(fitted.predict, val.inputs, val))  # the first of equals: the fewest


def _seen(train: Split) -> Split:
    return capped(train, MOST_NUMBERS // train.inputs.shape[1])


def _fit(seen: Split, n_neighbours: int) -> Fitted:
    """Store train as it is (float32 rows, labels as they are): 3 flops a stored number (subtract, multiply, add)."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    kind = KNeighborsRegressor if is_regression(seen) else KNeighborsClassifier
    model = kind(n_neighbours, algorithm="brute").fit(seen.inputs, seen.labels)
    return Fitted(seen.inputs.nbytes + seen.labels.nbytes, 3.0 * seen.inputs.size, model.predict)
