"""What a person should know of their data before they believe a result: balance, repeats, columns that give it away."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from functools import partial
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64

from harness.datasets.base import Splits
from harness.own.columns import Categories, Column, Numbers, quoted

SHOWN: Final = 5  # classes that are named
SKEWED: Final = 0.9
MOSTLY_THERE: Final = 0.5  # of the rows: with fewer, chance alone may look perfect
FEWEST_DIGITS, MOST_DIGITS = 6, 17
OFTEN: Final = 0.05  # of train: with fewer, coarse columns alone repeat
UNDECIDED: Final = 0.005  # of all examples
PERFECT: Final = 1 - 1e-6  # of a correlation: rounding hides nothing
CHANCE: Final = 1e-6  # that rows of the same number have the same answer, too
ROWS_A_CODE: Final = 4  # on average: fewer may be rows that stand several times


def balance(labels: Int64[np.ndarray, " n"], names: tuple[str, ...]) -> str:
    """Say how many classes there are and how often each occurs, the most frequent first."""
    counts = np.bincount(labels, minlength=len(names))
    order = np.argsort(-counts, kind="stable")[:SHOWN]
    shares = ", ".join(f"{quoted(names[i])} {_share(int(counts[i]), len(labels))}" for i in order)
    rest = f" ... the rarest {_share(int(counts.min()), len(labels), 2)}" if len(names) > SHOWN else ""
    return f"{len(names):,} classes: {shares}{rest}"


def skew(labels: Int64[np.ndarray, " n"]) -> list[str]:
    """Warn where one class is nearly all there is."""
    most = int(np.bincount(labels).max())
    if most / len(labels) < SKEWED:
        return []
    return [
        f"one class is nearly all there is, {_share(most, len(labels))}: answering it always is as accurate as that; "
        "--target balanced-accuracy=VALUE counts every class the same"
    ]


def _share(n: int, total: int, digits: int = 1) -> str:
    """Return a share in per cent, and as counts where that would be none or all of them and is not."""
    said = f"{n / total:.{digits}%}"
    is_lost = 0 < n < total and said in (f"{0:.{digits}%}", f"{1:.{digits}%}")
    return f"{n:,} of {total:,}" if is_lost else said


def spread(targets: Float64[np.ndarray, " n"]) -> str:
    """Say what is to be predicted, in as many digits as tell the targets apart."""
    sd = float(targets.std())
    digits = min(MOST_DIGITS, FEWEST_DIGITS + max(0, math.ceil(math.log10(np.abs(targets).max() / sd))))
    low, high, mean = (f"{value:.{digits}g}" for value in (targets.min(), targets.max(), targets.mean()))
    return f"targets from {low} to {high}, mean {mean}, deviation {sd:g}"


def repeats(splits: Splits) -> list[str]:
    """Warn where test has inputs of train or validation, where train repeats its own, and of inputs of two classes."""
    train, val, test = ([_digest(row) for row in split.inputs] for split in splits)
    known = {*train, *val}
    warnings = []
    if n := sum(one in known for one in test):
        warnings.append(
            f"{n:,} of {len(test):,} test examples ({n / len(test):.1%}) have the same inputs as one in "
            "train or validation: what is claimed of test is too good by what was learnt by heart"
        )
    answers = (label.tobytes() for label in splits.train.labels)
    again = len(train) - len({*zip(train, answers, strict=True)})
    if again > OFTEN * len(train):
        warnings.append(
            f"{again:,} of {len(train):,} training examples ({again / len(train):.1%}) have the inputs and "
            "the answer of an earlier one: if they are copies there is less to learn from than so many examples say"
        )
    if splits.train.labels.dtype == np.int64 and splits.train.labels.ndim == 1:
        labels = np.concatenate([split.labels for split in splits])
        warnings += _contradictions([*train, *val, *test], labels)
    return warnings


def _contradictions(inputs: list[bytes], labels: Int64[np.ndarray, " n"]) -> list[str]:
    """Warn where the same inputs have several classes: nothing can be right on all of them."""
    classes: dict[bytes, Counter[int]] = {}
    for one, label in zip(inputs, labels.tolist(), strict=True):
        classes.setdefault(one, Counter())[label] += 1
    wrong = sum(found.total() - max(found.values()) for found in classes.values())
    if wrong <= UNDECIDED * len(inputs):
        return []
    n = sum(found.total() for found in classes.values() if len(found) > 1)
    return [
        f"{n:,} of {len(inputs):,} examples ({n / len(inputs):.1%}) have the same inputs as others of another class: "
        f"whatever is learnt, at most {1 - wrong / len(inputs):.1%} of all can be right"
    ]


def _digest(row: np.ndarray) -> bytes:
    return hashlib.blake2b(row.tobytes(), digest_size=16).digest()


def giveaways(
    columns: list[Column],
    right: Int64[np.ndarray, " n"] | Float64[np.ndarray, " n"],
    label: str,
    *,
    has_groups: bool = False,
) -> list[str]:
    """Warn of each column that predicts the label perfectly all by itself: by its values, or by which are missing.

    Where rows belong together, numbers that repeat are no codes: those of a group may be the same in all its rows.
    """
    return [
        f"column {quoted(column.name)} {how}: would it be known when you ask? Else remove it"
        for column in columns
        if (how := _how(column, right, quoted(label), has_groups=has_groups))
    ]


def _how(column: Column, right: np.ndarray, label: str, *, has_groups: bool) -> str:
    """Say how a column gives the label away; empty where it does not."""
    alone = f"alone predicts {label} perfectly"
    gives_away = partial(_follows if right.dtype == np.float64 else _tells, has_groups=has_groups)
    missing = _missing(column)
    if not missing.any():
        return alone if gives_away(column, right) else ""
    if gives_away(Categories(column.name, missing.astype(np.int64), ("", "missing")), right):
        return f"predicts {label} perfectly by where it is empty"
    if gives_away(column, right):
        return alone
    there = ~missing
    if there.mean() < MOSTLY_THERE or len(np.unique(right[there])) < 2:
        return ""
    return f"{alone} where it is not empty" if gives_away(_part(column, there), right[there]) else ""


def _missing(column: Column) -> Bool[np.ndarray, " n"]:
    found: Bool[np.ndarray, " n"] = (
        np.isnan(column.values) if isinstance(column, Numbers) else np.array(column.names)[column.codes] == ""
    )
    return found


def _part(column: Column, rows: Bool[np.ndarray, " n"]) -> Column:
    if isinstance(column, Numbers):
        return Numbers(column.name, column.values[rows])
    return Categories(column.name, column.codes[rows], column.names)


def _tells(column: Column, labels: Int64[np.ndarray, " n"], *, has_groups: bool) -> bool:
    """Say whether each value has one class; of numbers, those that repeat, or each of as many ranges as classes.

    Numbers that are missing are one more value, below or above all others.
    """
    if isinstance(column, Categories):
        return _decides(column.codes, labels)
    fewest = len(np.unique(labels)) - 1
    ranks = np.unique(column.values, return_inverse=True)[1].astype(np.float64)  # a NaN comes last
    low = np.where(np.isnan(column.values), -1.0, ranks)
    if fewest in (_changes(ranks, labels), _changes(low, labels)):
        return True
    return not has_groups and _is_code(column.values, labels)


def _changes(values: Float64[np.ndarray, " n"], labels: Int64[np.ndarray, " n"]) -> int:
    """Count how often the class changes along the sorted values; where one value has two classes, without end."""
    order = np.lexsort((labels, values))
    change: Bool[np.ndarray, " m"] = np.diff(labels[order]) != 0
    if bool((change & (np.diff(values[order]) == 0)).any()):
        return len(labels)
    return int(change.sum())


def _decides(codes: Int64[np.ndarray, " n"], right: np.ndarray) -> bool:
    """Say whether rows of the same code have the same answer."""
    order = np.argsort(codes, kind="stable")
    return not bool(((np.diff(codes[order]) == 0) & (np.diff(right[order]) != 0)).any())


def _is_code(values: Float64[np.ndarray, " n"], right: np.ndarray) -> bool:
    """Say whether each number has one answer, and enough of them repeat that this is no chance."""
    codes, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    again = counts[codes] > 1
    if again.sum() < max(MOSTLY_THERE * len(codes), ROWS_A_CODE * np.count_nonzero(counts > 1)) or not _decides(
        codes, right
    ):
        return False
    shares = np.unique(right[again], return_counts=True)[1] / again.sum()
    n_same = again.sum() - np.count_nonzero(counts > 1)
    return bool(np.square(shares).sum() ** n_same < CHANCE)


def _follows(column: Column, targets: Float64[np.ndarray, " n"], *, has_groups: bool) -> bool:
    """Say whether the targets are a straight or a monotone function of a number, or any function of few values."""
    if isinstance(column, Categories):
        return _decides(column.codes, targets)
    values = column.values
    if not has_groups and _is_code(values, targets):
        return True
    if np.isnan(values).any() or values.min() == values.max():
        return False
    pairs = ((_moderate(values), _moderate(targets)), (_ranks(values), _ranks(targets)))
    with np.errstate(invalid="ignore", divide="ignore"):  # of numbers too close to be told apart by their squares
        return any(abs(float(np.corrcoef(one, other)[0, 1])) > PERFECT for one, other in pairs)


def _ranks(values: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Return the place of each number among all, equal ones in the middle of theirs."""
    codes, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    found: Float64[np.ndarray, " n"] = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    return found


def _moderate(values: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Divide numbers by the largest, so that their squares are finite."""
    found: Float64[np.ndarray, " n"] = values / np.abs(values).max()
    return found
