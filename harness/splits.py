"""Cut a table of examples into fixed splits, and scale it by what train alone says."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from jaxtyping import Float32, Float64, Int64, Num

from harness.datasets.base import Split, Splits

# First word of the seed of whatever is drawn from a formula: what the fixed splits hold is never drawn as fresh.
FIXED: Final = 0
FRESH: Final = 1


def stratified_splits(
    inputs: Num[np.ndarray, " n *input_shape"], labels: Int64[np.ndarray, " n"], *, n_val: int, n_test: int
) -> Splits:
    """Cut off ``n_test`` examples, then ``n_val`` of the rest; each part keeps the shares of the classes.

    Deterministic (random_state 0 both times), so the same rows fall into the same split for ever.
    Inputs become float32.
    """
    from sklearn.model_selection import train_test_split  # takes a second to import: only when data are loaded

    rows = np.arange(len(labels))
    rest, test = train_test_split(rows, test_size=n_test, stratify=labels, random_state=0)
    train, val = train_test_split(rest, test_size=n_val, stratify=labels[rest], random_state=0)
    return Splits(*(Split(inputs[part].astype(np.float32), labels[part]) for part in (train, val, test)))


def standardise(splits: Splits) -> Splits:
    """Shift and scale each feature by the mean and standard deviation (divisor n) of train.

    A feature that is constant in train becomes 0 there; elsewhere it is shifted and keeps its own scale.
    Sums are correctly rounded, so the result is the same to the bit on every machine.

    Args:
        splits: Tables, inputs of shape (n, features).
    """
    train: Float64[np.ndarray, " n features"] = splits.train.inputs.astype(np.float64)
    n = len(train)
    mean = np.array([math.fsum(column) / n for column in train.T])
    sd = np.array([math.sqrt(math.fsum(column) / n) for column in np.square(train - mean).T])
    constant = train.min(axis=0) == train.max(axis=0)
    mean[constant], sd[constant] = train[0, constant], 1.0

    def scaled(split: Split) -> Split:
        values: Float32[np.ndarray, " n features"] = ((split.inputs - mean) / sd).astype(np.float32)
        return Split(values, split.labels)

    return Splits(*(scaled(split) for split in splits))
