"""A CSV file as typed columns, in two passes: one finds out what each column is, one reads it.

Memory is bounded by the numbers that come out: the file itself is never held.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import numpy as np

from harness.own import commas, csv_file
from harness.own.columns import MISSING, Categories, Column, Dropped, Numbers, categories, quoted, quoted_list
from harness.own.csv_file import is_number
from harness.own.table import Table, check_size
from registry.errors import InvalidData

MOST_DISTINCT: Final = 1_000  # values of a column of categories; more are text
FEW_DISTINCT: Final = 20  # so few values are categories even if nearly all are numbers: 0, 1, 2, 3+
NEARLY_ALL: Final = 0.95  # of the cells; then the others are taken for mistakes


@final
@dataclass
class _Seen:
    """What a column's cells looked like."""

    numbers: int = 0
    texts: int = 0
    commas: int = 0  # numbers that may have a decimal comma
    plain: int = 0  # and those that must
    infinite: int = 0  # row of the first
    first_text: tuple[int, str] = (0, "")
    distinct: set[str] = field(default_factory=set)

    def take(self, row: int, cell: str, *, has_commas: bool) -> None:
        if cell.lower() in MISSING:
            return
        if has_commas and commas.is_number(cell):
            self.commas += 1
            self.plain += commas.is_plain(cell)
        if len(self.distinct) <= MOST_DISTINCT:
            self.distinct.add(cell)
        if is_number(cell):
            self.numbers += 1
            if not self.infinite and math.isinf(float(cell)):
                self.infinite = row
        else:
            self.texts += 1
            self.first_text = self.first_text if self.texts > 1 else (row, cell)

    @property
    def is_with_commas(self) -> bool:
        """Whether every number of the column is written with a decimal comma."""
        return self.plain > 0 and self.commas == self.numbers + self.texts


def read(path: Path, as_text: tuple[str, ...] = ()) -> Table:
    """Read a CSV file.

    Where semicolons or tabs part the cells, a column of numbers with decimal commas is one of numbers.

    Args:
        path: The file.
        as_text: Columns whose values are names, even where they look like numbers, or like nothing but an empty cell.

    Raises:
        InvalidData: If the file cannot be read, or a number is infinite or no number among numbers; names the row.
    """
    has_commas = csv_file.delimiter_of(path) in commas.DELIMITERS
    with csv_file.opened(path) as (names, rows):
        header = [name.strip() for name in names]
        seen, numbers = [_Seen() for _ in header], array("q")
        for row, cells in rows:
            numbers.append(row)
            for one, cell in zip(seen, cells, strict=True):
                one.take(row, cell.strip(), has_commas=has_commas)
    check_size(path, len(numbers), len(header))
    kinds = [_kind(path, name, one, forced=name in as_text) for name, one in zip(header, seen, strict=True)]
    comma = {name for name, one in zip(header, seen, strict=True) if one.is_with_commas and name not in as_text}
    columns = _columns(path, header, kinds, as_text, comma)
    notes = (f"decimal commas are read as such in {quoted_list(sorted(comma))}",) if comma else ()
    return Table(str(path), len(numbers), columns, np.frombuffer(numbers, dtype=np.int64), notes)


def _kind(path: Path, name: str, seen: _Seen, *, forced: bool) -> type[Column] | Dropped:
    if forced:
        return Categories
    if seen.is_with_commas:
        return Numbers
    if not seen.texts:
        if seen.infinite:
            raise InvalidData(
                f"{path}, row {seen.infinite}: column {quoted(name)} holds an infinite number, expected finite ones",
                "correct it, or leave the cell empty if it is missing",
            )
        return Numbers
    if len(seen.distinct) > FEW_DISTINCT and seen.numbers >= NEARLY_ALL * (seen.numbers + seen.texts):
        row, cell = seen.first_text
        raise InvalidData(
            f"{path}, row {row}: column {quoted(name)} holds {quoted(cell)}, "
            f"expected a number as in {seen.numbers:,} other rows",
            "correct it, or leave the cell empty if it is missing",
        )
    if len(seen.distinct) > MOST_DISTINCT:
        return Dropped(name, f"text: more than {MOST_DISTINCT:,} different values")
    return Categories


def _columns(
    path: Path, header: list[str], kinds: list[type[Column] | Dropped], as_text: tuple[str, ...], comma: set[str]
) -> list[Column | Dropped]:
    kept = [i for i, kind in enumerate(kinds) if not isinstance(kind, Dropped)]
    numbers = {i: array("d") for i in kept if kinds[i] is Numbers}
    codes = {i: array("q") for i in kept if kinds[i] is Categories}
    known: dict[int, dict[str, int]] = {i: {} for i in codes}
    with csv_file.opened(path) as (_, rows):
        for _, cells in rows:
            for i in kept:
                cell = cells[i].strip()
                if cell.lower() in MISSING and header[i] not in as_text:
                    cell = ""
                if i in numbers and header[i] in comma:
                    cell = commas.with_point(cell)
                if i in numbers:
                    numbers[i].append(float(cell) if cell else math.nan)
                else:
                    codes[i].append(known[i].setdefault(cell, len(known[i])))
    found: list[Column | Dropped] = []
    for i, kind in enumerate(kinds):
        if isinstance(kind, Dropped):
            found.append(kind)
        elif kind is Numbers:
            found.append(Numbers(header[i], np.frombuffer(numbers[i], dtype=np.float64)))
        else:
            found.append(categories(header[i], np.frombuffer(codes[i], dtype=np.int64), known[i]))
    return found
