"""What a fitted method is, and how much of train one gets to see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from jaxtyping import Bool, Float64

from harness.datasets.base import Split

DRAWN: Final = 0  # the seed of the rows that are seen where not all are


@dataclass(frozen=True)
class Baseline(ABC):
    """A fitted method: ``n_bytes`` to store it, ``flops`` of one prediction or None."""

    n_bytes: int
    flops: float | None

    @abstractmethod
    def outcomes(self, split: Split) -> Bool[np.ndarray, " n"] | Float64[np.ndarray, " n"]:
        """Return of each example whether the answer is right, or its loss, whichever the task counts."""


@final
@dataclass(frozen=True)
class Fitted(Baseline):
    """A method that answers: examples in, classes out, or targets."""

    predict: Callable[[np.ndarray], np.ndarray]

    def outcomes(self, split: Split) -> Bool[np.ndarray, " n"] | Float64[np.ndarray, " n"]:
        """Return which classes are right, or the squared error of each target."""
        answers = self.predict(split.inputs)
        if is_regression(split):
            errors: Float64[np.ndarray, " n"] = np.square(answers.astype(np.float64) - split.labels)
            return errors
        right: Bool[np.ndarray, " n"] = answers == split.labels
        return right


@final
@dataclass(frozen=True)
class LanguageModel(Baseline):
    """A method that gives what follows a probability: windows in, bits per symbol of each out."""

    bits: Callable[[Split], Float64[np.ndarray, " n"]]

    def outcomes(self, split: Split) -> Float64[np.ndarray, " n"]:
        """Return the bits per symbol of each window."""
        return self.bits(split)


def is_regression(split: Split) -> bool:
    """Return whether labels are targets."""
    return bool(split.labels.dtype == np.float32)


def is_symbols(split: Split) -> bool:
    """Return whether inputs are symbols."""
    return bool(split.inputs.dtype == np.uint8)


def n_classes(train: Split) -> int:
    """Return the number of classes, 1 where labels are targets."""
    return 1 if is_regression(train) else int(train.labels.max()) + 1


def capped(train: Split, most: int, fewest: int = 0) -> Split:
    """Return a part of train: rows drawn with one fixed seed, in their order; train itself where it is small enough.

    A class that the draw would miss is there once, as far as there is room: of one class alone nothing can be learnt.

    Args:
        train: The examples.
        most: How many rows at most.
        fewest: How many rows at least, whatever ``most`` says.
    """
    n = max(most, fewest)
    if n >= len(train):
        return train
    order = np.random.default_rng(DRAWN).permutation(len(train))
    if train.labels.dtype == np.int64 and train.labels.ndim == 1:
        first = np.sort(np.unique(train.labels[order], return_index=True)[1])
        order = np.concatenate([order[first], np.delete(order, first)])  # what is drawn anyway stays the same
    rows = np.sort(order[:n])
    return Split(train.inputs[rows], train.labels[rows])


def score(predict: Callable[[Any], np.ndarray], inputs: Any, split: Split) -> float:
    """Return the share of right answers, or minus the mean squared error: higher is better."""
    return score_of(predict(inputs), split)


def score_of(answers: np.ndarray, split: Split) -> float:
    """Return the score of answers to a split: see :func:`score`."""
    if is_regression(split):
        return -float(np.mean(np.square(answers.astype(np.float64) - split.labels)))
    return float(np.mean(answers == split.labels))
