"""Columns of a table: what kind each is, and how it becomes numbers a network reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, UInt64

from harness.own.parts import hash_of, mixed
from registry.loader import shown

MISSING: Final = frozenset({"", "?", "na", "n/a", "nan", "null", "none"})
RARE_SHARE: Final = 0.005  # of train; categories rarer than this, or seen fewer times than that, are pooled
RARE_COUNT: Final = 10
MOST_CATEGORIES: Final = 64  # inputs of one column, the pool not counted
NAMED: Final = 3  # columns that a note lists
ID_NAMES: Final = ("id", "index", "row", "uuid", "guid", "unnamed: 0", "")


@final
@dataclass(frozen=True, eq=False)
class Numbers:
    """A column of numbers; NaN where one is missing."""

    name: str
    values: Float64[np.ndarray, " n"]


@final
@dataclass(frozen=True, eq=False)
class Categories:
    """A column of categories: positions in ``names``, which are sorted; the empty name is where one is missing."""

    name: str
    codes: Int64[np.ndarray, " n"]
    names: tuple[str, ...]


def categories(name: str, codes: Sequence[int] | np.ndarray, known: Mapping[str, int]) -> Categories:
    """Return a column whose names are sorted, whatever came first.

    Args:
        name: Of the column.
        codes: Of the rows, as names were met.
        known: The code of each name, from 0.
    """
    names = tuple(sorted(known))
    place = np.empty(len(names), dtype=np.int64)
    place[[known[one] for one in names]] = np.arange(len(names))
    return Categories(name, place[np.asarray(codes, dtype=np.int64)], names)


@final
@dataclass(frozen=True)
class Dropped:
    """A column that is left out, and why, in words that follow its name."""

    name: str
    reason: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"left out: {quoted(self.name)}, {self.reason}"


Column = Numbers | Categories


def quoted(name: str) -> str:
    """Return a stranger's text, printable, short and quoted."""
    return f"'{shown(name, 40)}'"


def quoted_list(names: Sequence[str]) -> str:
    """Return the first three of some names, quoted, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(quoted(name) for name in names[:NAMED])}{more}"


def is_called_id(name: str) -> bool:
    """Say whether a column is called as one that numbers the rows."""
    name = name.strip().lower()
    return name in ID_NAMES or name.endswith(("_id", " id"))


def row_hashes(columns: list[Column], n: int) -> UInt64[np.ndarray, " n"]:
    """Hash each row by what its cells hold."""
    found: UInt64[np.ndarray, " n"] = np.zeros(n, dtype=np.uint64)
    for position, column in enumerate(columns):
        if isinstance(column, Numbers):
            # + 0.0: minus zero is zero; every NaN is written alike
            values = np.where(np.isnan(column.values), np.nan, column.values + 0.0).view(np.uint64)
        else:
            values = name_hashes(column.names)[column.codes]
        found = mixed(found ^ mixed(values, position), 0)
    return found


def name_hashes(names: tuple[str, ...]) -> UInt64[np.ndarray, " names"]:
    """Hash each name."""
    return np.array([hash_of(name.encode()) for name in names], dtype=np.uint64)


def useless(column: Column) -> Dropped | None:
    """Return why a column cannot help: every value is alike, or every row has its own."""
    if isinstance(column, Categories):
        if len(column.names) == 1:
            return Dropped(column.name, "the same in every row")
        if len(column.names) > len(column.codes) / 2:
            return Dropped(column.name, "a different value in nearly every row")
        return None
    there = column.values[~np.isnan(column.values)]
    if not len(there):
        return Dropped(column.name, "no value in any row")
    n, low, high = len(column.values), there.min(), there.max()
    if low == high and len(there) == n:
        return Dropped(column.name, "the same in every row")
    whole = len(there) == n and bool((there == np.floor(there)).all()) and len(np.unique(there)) == n
    if whole and (high - low == n - 1 or is_called_id(column.name)):
        return Dropped(column.name, "a number of its own for every row")
    return None


@final
@dataclass(frozen=True, eq=False)
class Encoded:
    """What a column becomes: its inputs, how many rows its pool has, and whether its numbers are alike in train."""

    inputs: Float32[np.ndarray, " n inputs"]
    n_missing: int
    n_pooled: int
    is_flat: bool = False


def encode(column: Column, train: Int64[np.ndarray, " n_train"]) -> Encoded:
    """Turn a column into inputs by what train alone says.

    A number becomes one input, standardised; where some are missing in train they are its median, and a second input
    says so; where all are alike in train it is 0. Two categories become one input, 0 or 1; more become one each, of
    which a row has one at 1. Those that are rare in train share one. A category that train has not counts as rare;
    where none is, it is 0 in all, or halfway.
    """
    if isinstance(column, Numbers):
        return _numbers(column, train)
    return _categories(column, train)


def _numbers(column: Numbers, train: Int64[np.ndarray, " n_train"]) -> Encoded:
    missing: Bool[np.ndarray, " n"] = np.isnan(column.values)
    there = column.values[train][~missing[train]]
    filled = np.where(missing, float(np.median(there)) if len(there) else 0.0, column.values)
    inputs = [_standardised(filled, train)]
    if 0 < np.count_nonzero(missing[train]) < len(train):
        inputs.append(missing.astype(np.float32))
    return Encoded(np.stack(inputs, axis=1), int(missing.sum()), 0, is_flat=not inputs[0].any())


def _standardised(values: Float64[np.ndarray, " n"], train: Int64[np.ndarray, " n_train"]) -> Float32[np.ndarray, " n"]:
    """Shift and scale by train; sums are correctly rounded, so that every machine finds the same."""
    known = values[train]
    largest = max(float(np.abs(known).max()), np.finfo(np.float64).tiny)
    mean = math.fsum(known / largest) / len(known) * largest  # scaled: a sum of huge numbers stays finite
    sd = math.sqrt(math.fsum(np.square((known - mean) / largest)) / len(known)) * largest
    if not sd > 0:  # nothing is known of what others mean: no weight is trained
        return np.zeros(len(values), dtype=np.float32)
    scaled = (values - mean) / sd
    limit = float(np.finfo(np.float32).max)
    found: Float32[np.ndarray, " n"] = np.clip(scaled, -limit, limit).astype(np.float32)
    return found


def _categories(column: Categories, train: Int64[np.ndarray, " n_train"]) -> Encoded:
    counts = np.bincount(column.codes[train], minlength=len(column.names))
    frequent = np.flatnonzero(counts >= min(RARE_COUNT, max(1, RARE_SHARE * len(train))))
    kept = np.sort(frequent[np.argsort(-counts[frequent], kind="stable")][:MOST_CATEGORIES])
    rare = np.setdiff1d(np.flatnonzero(counts), kept)
    n_kept, has_pool = len(kept), len(rare) > 0
    place = np.full(len(column.names), n_kept)  # a category that is not kept: behind the others
    place[kept] = np.arange(n_kept)
    placed = place[column.codes]
    n_pooled = int((placed == n_kept).sum()) if has_pool else 0
    n_missing = int((column.codes == column.names.index("")).sum()) if "" in column.names else 0
    if n_kept + has_pool == 2:
        return Encoded(np.array((0, 1, 0.5), dtype=np.float32)[placed][:, np.newaxis], n_missing, n_pooled)
    inputs: Float32[np.ndarray, " n inputs"] = (
        placed[:, np.newaxis] == np.arange(n_kept + has_pool)[np.newaxis]
    ).astype(np.float32)
    return Encoded(inputs, n_missing, n_pooled)
