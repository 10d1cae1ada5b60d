"""Split a table into rows, so that what is wrong with one row is not the end of the others."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import Final

ROWS: Final = 5000  # in one file
_MARK: Final = b"\xef\xbb\xbf"  # what some editors write before the text: it says UTF-8, and nothing else


def text_of(raw: bytes) -> str:
    """Return bytes as text; one that is no UTF-8 becomes a character that no cell may hold."""
    return raw.removeprefix(_MARK).decode("utf-8", "surrogateescape")


def split(text: str) -> list[tuple[int, list[str] | str]]:
    """Return (number of its first line, cells) of every row, blank ones included.

    Where a row cannot be split, what is wrong with it stands in the place of its cells, and the next line begins a row.
    A quote that is not closed runs on until another row's quote: a row over several lines with another number of cells
    than the header is taken for one.

    Raises:
        ValueError: If there are too many lines or none, or the first one cannot be split.
    """
    lines = list(io.StringIO(text, newline=""))
    if not lines:
        raise ValueError("is empty, expected a line with the names of the columns")
    if len(lines) > ROWS:
        raise ValueError(f"has {len(lines)} lines, expected at most {ROWS}")
    found: list[tuple[int, list[str] | str]] = []
    at = 0
    while at < len(lines):
        reader = csv.reader(islice(lines, at, None), strict=True)
        n_lines = 1
        cells: list[str] | str
        try:
            cells = next(reader)
            if reader.line_num > 1 and found and len(cells) != len(found[0][1]):
                cells = "a quote is not closed"
            else:
                n_lines = reader.line_num
        except csv.Error as error:
            cells = str(error)
        if not found and isinstance(cells, str):
            raise ValueError(f"line 1: {cells}")
        found.append((at + 1, cells))
        at += n_lines
    return found
