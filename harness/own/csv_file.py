"""Rows of a CSV file, one after the other: UTF-8, with names in the first row, every row as long as that one."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from registry.errors import InvalidData
from registry.loader import shown
from registry.wording import counted

DELIMITERS: Final = ",;\t|"
QUOTED: Final = re.compile(rf'(^|[{DELIMITERS}])"[^"]*(?:""[^"]*)*(?:"|$)')  # a cell, or its first line
SAID: Final = re.compile(rf'"?sep=([{DELIMITERS}])"?', re.IGNORECASE)
MOST_COLUMNS: Final = 10_000
LONGEST_LINE: Final = 64 * 2**20  # bytes
LONGEST_CELL: Final = 16 * 2**20
NO_CSV: Final = (  # what files that are none begin with, what they are, what to do
    (b"PAR1", "is a Parquet file", "a table may be one if its name ends in .parquet; texts are read from CSV alone"),
    (b"PK\x03\x04", "is an archive, as Excel's workbooks are", "save the sheet as CSV, UTF-8"),
    (b"\x1f\x8b", "is compressed", "unpack it"),
    (b"\xff\xfe", "is in UTF-16", "save the file as CSV, UTF-8"),
    (b"\xfe\xff", "is in UTF-16", "save the file as CSV, UTF-8"),
)


@contextmanager
def opened(path: Path) -> Iterator[tuple[list[str], Iterator[tuple[int, list[str]]]]]:
    """Open a file; give the names of its columns and an iterator over (row, cells), the header being row 1.

    The delimiter is the one of comma, semicolon, tab and bar that stands most often outside quotes in the header, or
    what a first line such as ``sep=;`` says. Empty lines are skipped, and counted: a row has the number that a person
    sees beside it. Of several columns without a name only the first of all columns is one: the others have to be empty.

    Raises:
        InvalidData: Here or while rows are read: if the file is missing, empty, not UTF-8 or too wide, has no names, or
            a row has more or fewer cells than the header; names file and row.
    """
    limit = csv.field_size_limit(LONGEST_CELL)
    try:
        with _bytes_of(path) as file:
            delimiter, is_said = _delimiter(path, file)
            file.seek(0)
            rows = _rows(path, file, delimiter)
            if is_said:
                next(rows)
            row, header = next(rows, (1, []))
            blank = _unnamed(header)
            names = _without(header, blank)
            _check_names(path, row, names)
            yield names, _even(path, rows, len(header), blank)
    finally:
        csv.field_size_limit(limit)


def delimiter_of(path: Path) -> str:
    """Return what stands between the cells of a file.

    Raises:
        InvalidData: If it is missing, or does not begin with text in UTF-8.
    """
    with _bytes_of(path) as file:
        return _delimiter(path, file)[0]


def _delimiter(path: Path, file: BinaryIO) -> tuple[str, bool]:
    """Return the delimiter, and whether the first line that is not empty does nothing but say it, as Excel's does."""
    first = next((line for line in _lines(path, file) if line.strip()), "")
    said = SAID.fullmatch(first.rstrip("\r\n"))
    return (said[1], True) if said else (max(DELIMITERS, key=QUOTED.sub(r"\1", first).count), False)


@contextmanager
def _bytes_of(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidData(f"{path}: cannot be read: {error.strerror}") from None
    with file:
        yield file


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        if len(raw) == LONGEST_LINE:
            raise InvalidData(f"{path}, line {number}: is longer than {LONGEST_LINE // 2**20} MB")
        if number == 1:
            _check_kind(path, raw)
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidData(
                f"{path}, line {number}: not UTF-8: byte {raw[error.start]:#04x} at position {error.start + 1}",
                "save the file as UTF-8",
            ) from None
        if "\0" in line:
            raise InvalidData(f"{path}, line {number}: holds a zero byte, expected text", "save the file as CSV, UTF-8")
        yield line


def _check_kind(path: Path, beginning: bytes) -> None:
    for known, what, hint in NO_CSV:
        if beginning.startswith(known):
            raise InvalidData(f"{path}: {what}, expected CSV", hint)


def _rows(path: Path, file: BinaryIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_lines(path, file), delimiter=delimiter, strict=True)
    row = 0
    try:
        for cells in reader:
            row += 1
            if cells and not (len(cells) == 1 and cells[0].isspace()):
                yield row, cells
    except csv.Error as error:
        if "new-line character" in str(error):
            raise InvalidData(
                f"{path}, row {row + 1}: holds a carriage return that ends no line, expected line feeds between rows",
                "save the file with the line ends of Unix or Windows; those of old Macs are not read",
            ) from None
        raise InvalidData(f"{path}, row {row + 1}: not CSV: {error}") from None


def _check_names(path: Path, row: int, header: list[str]) -> None:
    if not header:
        raise InvalidData(f"{path}: is empty, expected a row of column names and rows below it")
    if len(header) > MOST_COLUMNS:
        raise InvalidData(
            f"{path}, row {row}: holds {len(header):,} columns, expected at most {MOST_COLUMNS:,}",
            "keep the columns that matter; a table on its side has to be turned",
        )
    names = [name.strip() for name in header]
    if len(names) > 1 and all(map(is_number, names)):
        raise InvalidData(
            f"{path}, row {row}: holds numbers alone, expected the names of the columns", "add a row of names on top"
        )
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise InvalidData(f"{path}, row {row}: two columns are called '{shown(twice[0])}', expected different names")


def _unnamed(header: list[str]) -> frozenset[int]:
    """Return which of several columns without a name are none; the first of all columns may number the rows."""
    blank = frozenset(i for i, name in enumerate(header) if not name.strip())
    return blank - {0} if len(blank) > 1 else frozenset()


def _without(cells: list[str], blank: frozenset[int]) -> list[str]:
    return [cell for i, cell in enumerate(cells) if i not in blank] if blank else cells


def _even(
    path: Path, rows: Iterator[tuple[int, list[str]]], n: int, blank: frozenset[int]
) -> Iterator[tuple[int, list[str]]]:
    for row, cells in rows:
        if len(cells) != n:
            raise InvalidData(
                f"{path}, row {row}: has {counted(len(cells), 'cell')}, expected {n:,} as in the first row"
            )
        held = min((i for i in blank if cells[i].strip()), default=None)
        if held is not None:
            raise InvalidData(
                f"{path}, row {row}: holds '{shown(cells[held], 40)}' in cell {held + 1}, whose column has no name, "
                "expected an empty one",
                "name the column in the first row, or empty the cell",
            )
        yield row, _without(cells, blank)


def is_number(cell: str) -> bool:
    """Say whether a cell holds a number; infinite ones, too, but none with ``_``."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
