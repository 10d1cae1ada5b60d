"""A CSV file as typed columns, in two passes: one finds out what each column is, one reads it.

Memory is bounded by the numbers that come out: the file itself is never held.
"""

from __future__ import annotations

import math
from array import array
from pathlib import Path

import numpy as np

from harness.own import commas, csv_file
from harness.own.columns import Categories, Column, Dropped, Numbers, categories
from harness.own.seen import Kinds, Seen, as_written, kinds
from harness.own.table import Table, check_size


def read(path: Path, as_text: tuple[str, ...] = (), target: str | None = None) -> Table:
    """Read a CSV file.

    Where semicolons or tabs part the cells, a column of numbers with decimal commas is one of numbers.

    Args:
        path: The file.
        as_text: Columns whose values are names, even where they look like numbers, or like nothing but an empty cell.
        target: A column whose values have to be numbers.

    Raises:
        InvalidData: If the file cannot be read, or a number is infinite or no number among numbers; names the row.
    """
    has_commas = csv_file.delimiter_of(path) in commas.DELIMITERS
    with csv_file.opened(path) as (names, rows):
        header = [name.strip() for name in names]
        seen, numbers = {name: Seen() for name in header if name not in as_text}, array("q")
        places = [(i, seen[name]) for i, name in enumerate(header) if name in seen]
        for row, cells in rows:
            numbers.append(row)
            for i, one in places:
                one.take(row, cells[i].strip(), has_commas=has_commas)
    check_size(path, len(numbers), len(header))
    found = kinds(path, seen, target)
    columns = _columns(path, header, found)
    return Table(str(path), len(numbers), columns, np.frombuffer(numbers, dtype=np.int64), found.notes, found.warnings)


def _columns(path: Path, header: list[str], found: Kinds) -> list[Column | Dropped]:
    """Read all columns; of those that are not among what was found, the cells are names as they stand."""
    kept = [i for i, name in enumerate(header) if not isinstance(found.of.get(name), Dropped)]
    numbers = {i: array("d") for i in kept if found.of.get(header[i]) is Numbers}
    codes = {i: array("q") for i in kept if i not in numbers}
    known: dict[int, dict[str, int]] = {i: {} for i in codes}
    has_commas = [name in found.with_commas for name in header]
    with csv_file.opened(path) as (_, rows):
        for _, cells in rows:
            for i in kept:
                cell = cells[i].strip()
                if header[i] in found.of:
                    cell = as_written(cell, has_commas=has_commas[i])
                if i in numbers:
                    numbers[i].append(float(cell) if cell else math.nan)
                else:
                    codes[i].append(known[i].setdefault(cell, len(known[i])))
    columns: list[Column | Dropped] = []
    for i, name in enumerate(header):
        kind = found.of.get(name, Categories)
        if isinstance(kind, Dropped):
            columns.append(kind)
        elif kind is Numbers:
            columns.append(Numbers(name, np.frombuffer(numbers[i], dtype=np.float64)))
        else:
            columns.append(categories(name, np.frombuffer(codes[i], dtype=np.int64), known[i]))
    return columns
