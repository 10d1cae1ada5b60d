"""Numbers with a decimal comma, as much of Europe writes them: 1,5 and 1.234,5."""

from __future__ import annotations

import re
from typing import Final

DELIMITERS: Final = ";\t"  # beside which a comma is no delimiter
NUMBER: Final = re.compile(r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?", re.ASCII)
THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)


def is_number(cell: str) -> bool:
    """Say whether a cell may be a number with a decimal comma; a whole one has none."""
    return NUMBER.fullmatch(cell) is not None


def is_plain(cell: str) -> bool:
    """Say whether the comma of a number is a decimal one: 1,234 may as well be 1234 as the English write it."""
    return "," in cell and THOUSANDS.fullmatch(cell) is None


def with_point(cell: str) -> str:
    """Write a number with a decimal point, and nothing between thousands."""
    return cell.replace(".", "").replace(",", ".")
