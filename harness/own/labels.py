"""What is to be predicted: which column, and what its values mean."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64

from harness.own.columns import Categories, Column, Dropped, Numbers, quoted
from harness.own.csv_file import is_number
from harness.own.parts import FEWEST_A_CLASS
from harness.own.seen import MOSTLY, is_almost_number
from registry.errors import InvalidData, UsageError

PLAIN: Final = ("label", "target", "class", "y")  # one of these is the label where none is named
MOST_CLASSES: Final = 1_000
MANY_CLASSES: Final = 20  # more that are called by numbers may be targets
NUMBERS_HINT: Final = "a number is predicted with --task tabular-reg"
LARGEST_TARGET: Final = 1e100  # so that squares, and their sums, are finite
LEAST_SPREAD: Final = 1e-100  # so that squares are not 0
FARTHEST: Final = 1e15  # deviations of train from its mean: the squared error of a network is a finite float32
SHOWN: Final = 12  # columns that a message lists


def named(names: tuple[str, ...], asked: str | None, where: str, option: str = "--label") -> str:
    """Return the column that was asked for, or the one that is plainly the label.

    Raises:
        UsageError: If the column that was asked for is not there, or none was asked for and none is plain.
    """
    listed = f"columns: {', '.join(map(quoted, names[:SHOWN]))}{' ...' if len(names) > SHOWN else ''}"
    if asked is None:
        plain = [name for name in names if name.lower() in PLAIN]
        if len(plain) != 1:
            raise UsageError(f"which column of {where} is the label? Give {option} COLUMN", listed)
        return plain[0]
    if asked in names:
        return asked
    close = difflib.get_close_matches(asked, names, n=1)
    guess = f". Did you mean {quoted(close[0])}?" if close else ""
    raise UsageError(f"{where}: has no column {quoted(asked)} ({option}){guess}", "" if close else listed)


def classes_of(
    where: str, column: Column | Dropped, row: Callable[[int], int]
) -> tuple[Int64[np.ndarray, " n"], tuple[str, ...]]:
    """Return the class of each example and the classes' names, sorted (numbers by size).

    Args:
        where: The file, for messages.
        column: The label.
        row: Returns the number of an example's row.

    Raises:
        InvalidData: If a label is missing, there is one class only or a thousand, or a class has too few examples.
    """
    if not isinstance(column, Categories):  # a caller asks for names; what cannot be one is left out
        reason = column.reason if isinstance(column, Dropped) else "numbers"
        raise InvalidData(f"{where}: column {quoted(column.name)} is {reason}, expected labels to predict")
    if "" in column.names:
        first = int(np.argmax(column.codes == column.names.index("")))
        raise InvalidData(
            f"{where}, row {row(first)}: has no label in column {quoted(column.name)}, expected one in every row",
            "fill it in, or remove the row",
        )
    counts = np.bincount(column.codes, minlength=len(column.names))
    if len(counts) == 1:
        raise InvalidData(
            f"{where}: every label is {quoted(column.names[0])}, expected at least 2 classes",
            "with one class there is nothing to predict",
        )
    if len(counts) > MOST_CLASSES or len(counts) > len(column.codes) / 2:
        raise InvalidData(
            f"{where}: column {quoted(column.name)} has {len(counts):,} different labels in {len(column.codes):,} "
            f"rows, expected at most {MOST_CLASSES:,} and several rows of each",
            _way_out(column.names) or "is it the label?",
        )
    way_out = _way_out(column.names) if len(counts) > MANY_CLASSES else ""
    check_each(where, column.names, counts, lambda code: f", row {row(int(np.argmax(column.codes == code)))}", way_out)
    by_size = all(is_number(name) and not math.isnan(float(name)) for name in column.names)
    order = sorted(range(len(counts)), key=lambda i: (float(column.names[i]) if by_size else 0.0, column.names[i]))
    rank = np.empty(len(counts), dtype=np.int64)
    rank[order] = np.arange(len(counts))
    return rank[column.codes], tuple(column.names[i] for i in order)


def _way_out(names: tuple[str, ...]) -> str:
    """Say how labels that are numbers are predicted; empty where they are none."""
    if all(map(is_number, names)):
        return NUMBERS_HINT
    if sum(map(is_almost_number, names)) < MOSTLY * len(names):
        return ""
    odd = next(name for name in names if not is_number(name))
    return f"{NUMBERS_HINT}, if all are written as 1234.5 is, and not {quoted(odd)}"


def check_each(
    where: str, names: tuple[str, ...], counts: np.ndarray, place: Callable[[int], str], way_out: str = ""
) -> None:
    """Pass if every class has an example for each split.

    Raises:
        InvalidData: If one has not; says which, where ``place`` says that it is, and a further way out.
    """
    few = [code for code, n in enumerate(counts) if n < FEWEST_A_CLASS]
    if few:
        more = f" ({len(few) - 1:,} more {'class is' if len(few) == 2 else 'classes are'} as small)"
        first, others = few[0], more if len(few) > 1 else ""
        examples = f"{counts[first]} example{'' if counts[first] == 1 else 's'}"
        raise InvalidData(
            f"{where}{place(first)}: label {quoted(names[first])} has {examples}, expected at least "
            f"{FEWEST_A_CLASS}, one for each split{others}",
            f"add examples, remove it, or give it the label of a class like it{f'; {way_out}' if way_out else ''}",
        )


def targets_of(where: str, column: Column | Dropped, row: Callable[[int], int]) -> Float64[np.ndarray, " n"]:
    """Return the numbers to predict.

    Raises:
        InvalidData: If one is missing or too large, they are no numbers, or all are alike.
    """
    if isinstance(column, Dropped):
        raise InvalidData(f"{where}: column {quoted(column.name)} is {column.reason}, expected numbers to predict")
    if not isinstance(column, Numbers):
        raise InvalidData(
            f"{where}: column {quoted(column.name)} holds names, expected numbers to predict",
            "a name is predicted with --task tabular-cls",
        )
    missing = np.isnan(column.values)
    if missing.any():
        raise InvalidData(
            f"{where}, row {row(int(np.argmax(missing)))}: has no number in column {quoted(column.name)}, "
            "expected one in every row",
            "fill it in, or remove the row",
        )
    if column.values.min() == column.values.max():
        raise InvalidData(f"{where}: every target is {column.values[0]:g}, expected targets that differ")
    largest = int(np.argmax(np.abs(column.values)))
    if abs(column.values[largest]) > LARGEST_TARGET:
        raise InvalidData(
            f"{where}, row {row(largest)}: column {quoted(column.name)} holds {column.values[largest]:g}, expected "
            f"targets of at most {LARGEST_TARGET:g}",
            "give them in another unit, or predict their logarithm",
        )
    if np.ptp(column.values) < LEAST_SPREAD:
        raise InvalidData(
            f"{where}: the targets differ by {np.ptp(column.values):g} at most, expected {LEAST_SPREAD:g} or more",
            "give them in another unit",
        )
    return column.values


def check_scale(
    where: str, targets: Float64[np.ndarray, " n"], train: Int64[np.ndarray, " m"], row: Callable[[int], int]
) -> None:
    """Pass if targets are numbers of a moderate size once train has standardised them.

    Raises:
        InvalidData: If those to train on are all alike, or another is too far away from them.
    """
    mean, sd = float(targets[train].mean()), float(targets[train].std())
    if not sd > 0:
        raise InvalidData(
            f"{where}: every target to train on is {mean:g}, expected targets that differ",
            "nearly all rows have the same one: say which with --task tabular-cls",
        )
    off = np.abs(targets - mean) / sd
    farthest = int(np.argmax(off))
    if off[farthest] > FARTHEST:
        raise InvalidData(
            f"{where}, row {row(farthest)}: the target {targets[farthest]:g} is {off[farthest]:.0e} deviations away "
            f"from the mean of those to train on, expected at most {FARTHEST:.0e}",
            "correct it, or remove the row",
        )
