"""What the cells of columns look like, and so what each column is: numbers, written this way or that, or names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, final

from harness.own import commas
from harness.own.columns import MISSING, Categories, Column, Dropped, Numbers, quoted, quoted_list
from harness.own.csv_file import is_number
from registry.errors import InvalidData

MOST_DISTINCT: Final = 1_000  # values of a column of categories; more are text
FEW_DISTINCT: Final = 20  # so few values are categories even if nearly all are numbers: 0, 1, 2, 3+
NEARLY_ALL: Final = 0.95  # of the cells; then the others are taken for mistakes
MOSTLY: Final = 0.5  # and from here on, if they are few words, or numbers written otherwise
FEW_WORDS: Final = 3  # such as - and n.a.; more of them are codes, as 85123A among 85123
PLACEHOLDERS: Final = frozenset({"n.a.", "n.d.", "unknown", "missing"})
ALMOST: Final = re.compile(  # a number with a sign, a unit or gaps: $57,392 or <0.01 or 37% or 12 km
    r"[^\w\s]{0,2}\s?([1-9]\d{0,2}([,.'’\s]\d{3}){1,2}|\d+)([.,]\d+)?(\s?[^\w\s]{1,2}|\s?[a-zµ]{2,3}|\s[a-z]/[a-z])?"
)
PADDED: Final = re.compile(r"0\d+")


@final
@dataclass
class _Reading:
    """How many cells are numbers, read in one way, and what the others hold."""

    numbers: int = 0
    first: tuple[int, str] | None = None  # row and cell that is none
    words: set[str] = field(default_factory=set)  # different ones, until they are many

    def miss(self, row: int, cell: str) -> None:
        self.first = self.first or (row, cell)
        if len(self.words) <= FEW_WORDS:
            self.words.add(cell)


@final
@dataclass
class Seen:
    """What a column's cells looked like."""

    n: int = 0  # that are not missing
    alike: int = 0  # numbers, and what is almost one
    plain: int = 0  # numbers whose comma is a decimal one
    with_comma: int = 0  # numbers that may have a decimal comma
    with_point: int = 0  # numbers that may have points between thousands
    infinite: int = 0  # row of the first
    is_padded: bool = False  # as 007 is
    distinct: set[str] = field(default_factory=set)
    by_point: _Reading = field(default_factory=_Reading)
    by_comma: _Reading = field(default_factory=_Reading)

    def take(self, row: int, cell: str, *, has_commas: bool) -> None:
        """Look at a cell; ``has_commas`` says whether its numbers may have decimal commas."""
        if cell.lower() in MISSING:
            return
        self.n += 1
        self.is_padded = self.is_padded or PADDED.fullmatch(cell) is not None
        if len(self.distinct) <= MOST_DISTINCT:
            self.distinct.add(cell)
        if is_number(cell):
            self.alike += 1
            self.by_point.numbers += 1
            self._check_finite(row, cell)
        else:
            self.alike += ALMOST.fullmatch(cell) is not None
            self.by_point.miss(row, cell)
        if has_commas and commas.is_number(cell):
            self.by_comma.numbers += 1
            self.plain += commas.is_plain(cell)
            self.with_comma += "," in cell
            self.with_point += "." in cell
            if "," in cell:
                self._check_finite(row, commas.with_point(cell))
        elif has_commas:
            self.by_comma.miss(row, cell)

    def _check_finite(self, row: int, cell: str) -> None:
        if not self.infinite and math.isinf(float(cell)):
            self.infinite = row

    @property
    def is_best_as_text(self) -> bool:
        """Whether what is declared to be text should stay so."""
        is_number = self.by_point.first is None and not self.infinite
        return not is_number or self.is_padded or len(self.distinct) <= FEW_DISTINCT

    @property
    def is_with_commas(self) -> bool:
        """Whether every number is written with a decimal comma, one of them plainly."""
        return self.plain > 0 and self.by_comma.numbers == self.n

    def reading(self, *, are_commas_used: bool) -> _Reading:
        """Return the better reading, where another column has decimal commas or none has."""
        if self.plain:
            return self.by_comma if self.by_comma.numbers >= self.by_point.numbers else self.by_point
        enough = (NEARLY_ALL if len(self.distinct) > FEW_DISTINCT else 1) * self.n
        misses = self.n - self.by_comma.numbers
        if not are_commas_used or self.with_comma + self.with_point <= misses or self.by_comma.numbers < enough:
            return self.by_point
        return self.by_comma


@final
@dataclass(frozen=True)
class Kinds:
    """What columns are, which of them are written with commas, and what is to be said of that."""

    of: dict[str, type[Column] | Dropped]
    with_commas: frozenset[str]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def is_almost_number(cell: str) -> bool:
    """Say whether a cell holds a number, or what a person takes for one."""
    return is_number(cell) or ALMOST.fullmatch(cell) is not None


def with_commas(seen: Mapping[str, Seen]) -> frozenset[str]:
    """Return the columns of numbers that are written as 1.234,5 is.

    One that has decimal commas speaks for its neighbours: 1.250 beside it is a thousand and more.
    """
    used = _are_commas_used(seen.values())
    chosen = ((name, one, one.reading(are_commas_used=used)) for name, one in seen.items())
    return frozenset(name for name, one, found in chosen if found is one.by_comma and found.first is None)


def _are_commas_used(seen: Iterable[Seen]) -> bool:
    """Say whether a column has decimal commas; not one of few values: 1,2 and 2,5 may be lists."""
    return any(one.is_with_commas and len(one.distinct) > FEW_DISTINCT for one in seen)


def kinds(where: object, seen: Mapping[str, Seen], target: str | None = None, *, are_names: bool = False) -> Kinds:
    """Decide what columns are.

    Args:
        where: The file, for messages.
        seen: What their cells looked like.
        target: The one whose numbers are to be predicted.
        are_names: Whether columns are declared to hold text: but the target they are numbers only if all their cells
            are, none of them as 007 is written, and more than few are different.

    Raises:
        InvalidData: If a number is infinite, or something else stands where a number belongs; names the row.
    """
    used = _are_commas_used(seen.values())
    found: dict[str, type[Column] | Dropped] = {}
    warnings = []
    for name, one in seen.items():
        reading = one.reading(are_commas_used=used)
        is_declared = are_names and name != target
        if reading.first is not None and not is_declared:
            _check_numbers(where, name, one, reading, is_target=name == target)
        if reading.first is not None or (is_declared and one.is_best_as_text):
            if reading.first is not None and len(one.distinct) > FEW_DISTINCT and one.alike >= MOSTLY * one.n:
                row, cell = reading.first
                warnings.append(
                    f"column {quoted(name)} is not read as numbers, though {one.alike:,} of {one.n:,} cells look like "
                    f"some: row {row} holds {quoted(cell)}. If it is one of numbers, write them as 1234.5 and leave "
                    "empty what is missing"
                )
            found[name] = names(name, len(one.distinct))
        elif one.infinite:
            raise InvalidData(
                f"{where}, row {one.infinite}: column {quoted(name)} holds an infinite number, expected finite ones",
                "correct it, or leave the cell empty if it is missing",
            )
        else:
            found[name] = Numbers
    written = with_commas(seen)
    decimal = sorted(name for name in written if seen[name].with_comma)
    thousands = sorted(written.difference(decimal))
    said = (("decimal commas", decimal), ("points between thousands", thousands))
    notes = tuple(f"{what} are read as such in {quoted_list(names)}" for what, names in said if names)
    return Kinds(found, written, notes, tuple(warnings))


def names(name: str, n: int) -> type[Column] | Dropped:
    """Say what becomes of a column of names of which so many are different."""
    if n <= MOST_DISTINCT:
        return Categories
    return Dropped(name, f"text: more than {MOST_DISTINCT:,} different values")


def _check_numbers(where: object, name: str, seen: Seen, reading: _Reading, *, is_target: bool) -> None:
    """Pass if a column in which a cell is no number is meant to be none of numbers."""
    share, is_almost = reading.numbers / seen.n, seen.alike >= NEARLY_ALL * seen.n
    are_fillers = (is_almost or len(reading.words) <= FEW_WORDS) and all(map(_is_no_name, reading.words))
    is_meant = len(seen.distinct) > FEW_DISTINCT and (share >= NEARLY_ALL or (share >= MOSTLY and are_fillers))
    if reading.first is None or not (is_meant or is_target):
        return
    row, cell = reading.first
    form = " such as 1.234,5" if reading is seen.by_comma else ""
    others = f" as in {reading.numbers:,} other rows" if is_meant else ""
    if not is_target:
        hint = "correct such cells, or leave them empty if they are missing; if all are names, put a letter before each"
    elif seen.alike >= MOSTLY * seen.n:
        hint = "write such cells as 1234.5, or remove their rows"
    else:
        hint = "a name is predicted with --task tabular-cls"
    raise InvalidData(
        f"{where}, row {row}: column {quoted(name)} holds {quoted(cell)}, expected a number{form}{others}", hint
    )


def _is_no_name(cell: str) -> bool:
    """Say whether a cell among numbers stands for a missing one, or is one written otherwise."""
    return cell.lower() in PLACEHOLDERS or not any(map(str.isalpha, cell))


def as_written(cell: str, *, has_commas: bool) -> str:
    """Return a cell as ``float`` reads it: with a decimal point, and empty where it is missing."""
    if cell.lower() in MISSING:
        return ""
    return commas.with_point(cell) if has_commas else cell
