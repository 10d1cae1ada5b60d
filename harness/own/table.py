"""From typed columns to splits: label, groups, what is left out, what each column becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float64, Int64

from harness.datasets.base import Split, Splits
from harness.own import checks, labels
from harness.own.columns import (
    Categories,
    Column,
    Dropped,
    Encoded,
    encode,
    is_called_id,
    name_hashes,
    quoted,
    quoted_list,
    row_hashes,
    useless,
)
from harness.own.parts import Parts, by_content, by_group, check_count
from harness.own.prepared import Facts, Prepared
from registry.errors import InvalidData

REGRESSION: Final = "tabular-reg"
ROUNDED: Final = 1e-6  # deviations of the targets; those of a date in seconds are not to be rounded to minutes
TEXTS: Final = ("text: ", "a different value in nearly every row")  # as a column of them is left out
MOST_CELLS: Final = 200_000_000
MOST_INPUTS: Final = 10_000


@final
@dataclass(frozen=True, eq=False)
class Table:
    """Typed columns of one file.

    Args:
        where: The file, for messages.
        n: Number of rows.
        columns: All, in the file's order; those that cannot be used say why.
        rows: Number of each row as a person counts them; None where they count from 1.
        notes: What was read otherwise than written, one line each.
        warnings: What may have been meant otherwise.
    """

    where: str
    n: int
    columns: list[Column | Dropped]
    rows: Int64[np.ndarray, " n"] | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def row(self, position: int) -> int:
        """Return the number of a row as a person counts them."""
        return position + 1 if self.rows is None else int(self.rows[position])

    def column(self, name: str) -> Column | Dropped:
        """Return the column of this name; there is one."""
        return next(column for column in self.columns if column.name == name)


def check_size(where: object, n: int, n_columns: int) -> None:
    """Pass if a table is neither empty nor too large to be held.

    Raises:
        InvalidData: If it is.
    """
    if not n:
        raise InvalidData(f"{where}: holds no rows below the names of its columns, expected examples")
    if n * n_columns > MOST_CELLS:
        raise InvalidData(
            f"{where}: holds {n:,} rows of {n_columns:,} columns, expected at most {MOST_CELLS:,} cells",
            "keep the columns that matter, or a part of the rows",
        )


def prepare(table: Table, task: str, label: str, group: str | None = None) -> Prepared:
    """Make splits of a table.

    Args:
        table: Its columns; those of label and group among them.
        task: ``tabular-cls`` or ``tabular-reg``.
        label: The column to predict.
        group: A column whose values are kept apart by the splits; no input.

    Raises:
        InvalidData: If there is too little of something; names the row where there is one.
    """
    check_count(table.n, table.where, "rows")
    right, classes = _right(table, task, label)
    rest = [column for column in table.columns if column.name not in (label, group)]
    useful, dropped = _sorted_out(rest)
    if not useful:
        hint = "; ".join([*map(str, dropped[:1]), *_called_texts(dropped, task)])
        raise InvalidData(f"{table.where}: no column is left to predict {quoted(label)} from", hint)
    parts = _parts(table, useful, label, group, right if classes else None)
    encoded = [encode(column, parts.train) for column in useful]
    width = sum(one.inputs.shape[1] for one in encoded)
    check_width(table, width)
    inputs = np.concatenate([one.inputs for one in encoded], axis=1)
    held = right if classes else _held(table, right, parts)
    splits = Splits(*(Split(inputs[part], held[part]) for part in parts))
    notes = [_read(table, useful, encoded), *table.notes, *map(str, dropped), *_called_id(useful)]
    notes += [*_changed(useful, encoded), sizes(splits, "rows")]
    notes += [f"{quoted(label)} has {checks.balance(right, classes) if classes else checks.spread(right)}"]
    warnings = [*table.warnings, *(checks.skew(right) if classes else [])]
    warnings += checks.giveaways(useful, right, label, has_groups=group is not None)
    facts = Facts(
        task, (width,), len(classes) or None, group="a column of the data" if group else None,
        notes=tuple(notes), warnings=(*warnings, *checks.repeats(splits)),
    )  # fmt: skip
    return Prepared(facts, splits)


def check_width(table: Table, width: int) -> None:
    """Pass if the inputs are not too many.

    Raises:
        InvalidData: If they are.
    """
    if width > MOST_INPUTS or width * table.n > MOST_CELLS:
        raise InvalidData(
            f"{table.where}: its columns become {width:,} inputs a row in {table.n:,} rows, expected at most "
            f"{MOST_INPUTS:,} inputs and {MOST_CELLS:,} numbers in all",
            "leave out columns of many categories, or a part of the rows",
        )


def sizes(splits: Splits, what: str) -> str:
    """Say how many examples each split has."""
    train, val, test = map(len, splits)
    return f"{train:,} {what} to train on, {val:,} to validate, {test:,} to test"


def _right(table: Table, task: str, label: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return what is to be predicted, and the names of the classes; none where they are numbers."""
    column = table.column(label)
    if task == REGRESSION:
        return labels.targets_of(table.where, column, table.row), ()
    return labels.classes_of(table.where, column, table.row)


def _held(table: Table, targets: Float64[np.ndarray, " n"], parts: Parts) -> np.ndarray:
    """Return targets in their own unit: as float32 where that is as exact as a network's answers, else as they are."""
    labels.check_scale(table.where, targets, parts.train, table.row)
    with np.errstate(over="ignore"):  # what becomes infinite is not exact
        short = targets.astype(np.float32)
    is_exact = np.abs(short - targets).max() <= ROUNDED * targets[parts.train].std()
    return short if is_exact else targets


def _sorted_out(columns: list[Column | Dropped]) -> tuple[list[Column], list[Dropped]]:
    useful: list[Column] = []
    dropped: list[Dropped] = []
    for column in columns:
        out = column if isinstance(column, Dropped) else useless(column)
        if out is not None:
            dropped.append(out)
        elif not isinstance(column, Dropped):
            useful.append(column)
    return useful, dropped


def _parts(
    table: Table, useful: list[Column], label: str, group: str | None, classes: Int64[np.ndarray, " n"] | None
) -> Parts:
    if group is None:
        answers = table.column(label)
        known = [*useful, *([] if isinstance(answers, Dropped) else [answers])]
        return by_content(row_hashes(known, table.n), classes)
    owners = table.column(group)
    if not isinstance(owners, Categories):
        reason = owners.reason if isinstance(owners, Dropped) else "numbers"
        raise InvalidData(f"{table.where}: column {quoted(group)} (--group) is {reason}, expected names of groups")
    return by_group(owners.codes, name_hashes(owners.names), classes, table.where)


def _read(table: Table, useful: list[Column], encoded: list[Encoded]) -> str:
    n_categories = sum(isinstance(column, Categories) for column in useful)
    width = sum(one.inputs.shape[1] for one in encoded)
    return (
        f"{table.n:,} rows; {len(useful) - n_categories:,} columns of numbers and {n_categories:,} of categories "
        f"become {width:,} inputs"
    )


def _called_texts(dropped: list[Dropped], task: str) -> list[str]:
    """Say what reads texts, where some were left out and classes are to be predicted."""
    has_texts = any(column.reason.startswith(TEXTS) for column in dropped)
    return ["texts are read with --task text-cls"] if has_texts and task != REGRESSION else []


def _called_id(useful: list[Column]) -> list[str]:
    """Say which inputs are called as if they numbered the rows, and do not."""
    named = [column.name for column in useful if is_called_id(column.name)]
    if not named:
        return []
    which = "repeats: it is an input" if len(named) == 1 else "repeat: they are inputs"
    return [f"{quoted_list(named)} {which} as any other; if it says whose a row is, give it to --group or remove it"]


def _changed(useful: list[Column], encoded: list[Encoded]) -> list[str]:
    """Say what was filled in and pooled, and what is no help."""
    filled = [(column.name, one.n_missing) for column, one in zip(useful, encoded, strict=True) if one.n_missing]
    pooled = [(column.name, one.n_pooled) for column, one in zip(useful, encoded, strict=True) if one.n_pooled]
    words = (
        (filled, "values are missing in", "numbers become the median of train, and an input says so"),
        (pooled, "cells of rarer categories share an input in", ""),
    )
    flat = [column.name for column, one in zip(useful, encoded, strict=True) if one.is_flat]
    alike = [f"numbers to train on are all alike, and become 0, in {quoted_list(flat)}"] if flat else []
    return alike + [
        f"{sum(n for _, n in found):,} {what} {quoted_list([name for name, _ in found])}{f': {how}' if how else ''}"
        for found, what, how in words
        if found
    ]
