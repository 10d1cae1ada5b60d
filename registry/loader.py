"""Read JSON that strangers wrote: bounded, strict, and with no link followed.

Standard library only, so that the lookup path may use it. Every refusal is a :class:`~registry.errors.BrokenRule`
that names the file, the field and the rule.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from typing import TYPE_CHECKING, Any, Final, final

from registry.errors import BrokenRule

if TYPE_CHECKING:  # the lookup path need not import pathlib
    from pathlib import Path

JSON_LIMIT: Final = 1_000_000  # bytes
DEPTH_LIMIT: Final = 32
LARGEST_INT: Final = 2**53 - 1  # what an IEEE double, and so RFC 8785, writes exactly

# A string (an unterminated one runs to the end, so that the scan stays linear) or a bracket.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)

# Invisible, yet letters or marks to Unicode: joiners, Hangul fillers, Khmer vowels, variation selectors.
_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


@final
class _Refused:
    """Stands in the parsed tree for a value that may not be there, until the walk knows its path."""

    def __init__(self, reason: str, key: str = "") -> None:
        self.reason = reason
        self.key = key


def read_json(path: Path, *, root: Path | None = None) -> dict[str, Any]:
    """Read the JSON object in the file ``path``.

    Args:
        path: The file, at most 1 MB.
        root: A folder above it; no folder between the two may be a link. The root itself may.

    Raises:
        BrokenRule: If the file cannot be read, is a link, or :func:`parse_json` refuses what it holds.
    """
    return parse_json(read_bytes(path, JSON_LIMIT, root=root), str(path))


def read_bytes(path: Path, limit: int, *, root: Path | None = None) -> bytes:
    """Read the regular file ``path`` of at most ``limit`` bytes, following no link.

    Args:
        path: The file.
        limit: Most bytes it may hold.
        root: A folder above it; no folder between the two may be a link. The root itself may.

    Raises:
        BrokenRule: R-FILES if it is missing, unreadable, a link or no regular file; R-SIZE if it is too large.
    """
    where = str(path)
    if root is not None:
        refuse_links(path.parent, root)
    # O_NONBLOCK: opening a named pipe must not wait for its writer. Windows (lookup only) has neither flag.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if stat.S_ISLNK(os.lstat(path).st_mode):
            raise _linked(where)
        descriptor = os.open(path, flags)
    except OSError as error:
        raise _linked(where) if error.errno == errno.ELOOP else _unreadable(where, error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BrokenRule(where, "", "R-FILES", "is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        try:
            data = file.read(limit + 1)
        except OSError as error:
            raise _unreadable(where, error) from None
    if len(data) > limit:
        raise BrokenRule(where, "", "R-SIZE", f"is larger than {limit:,} bytes")
    return data


def refuse_links(folder: Path, root: Path) -> None:
    """Refuse a folder that is, or is reached through, a link below ``root``.

    Raises:
        BrokenRule: R-FILES if there is a link between the two, or ``folder`` does not lie below ``root``.
    """
    try:
        parts = folder.relative_to(root).parts
    except ValueError:
        raise BrokenRule(str(folder), "", "R-FILES", f"is outside {root}") from None
    step = root
    for part in parts:
        step = step / part
        if part == ".." or step.is_symlink():
            raise _linked(str(step))


def parse_json(data: bytes, where: str) -> dict[str, Any]:
    """Parse one JSON object from bytes, refusing whatever two readers could understand differently.

    Strict UTF-8 without a byte order mark, at most 1 MB and 32 levels deep, no key twice, no NaN or number beyond
    a double, text in NFC without control, bidirectional or invisible characters. Integers lie within +-(2**53 - 1);
    beyond, only the canonical form of a double is read, as that double.

    Args:
        data: The bytes.
        where: What to call their source in errors.

    Raises:
        BrokenRule: R-SIZE, R-JSON, R-TEXT or R-RANGE, with the path of the offending field.
    """
    if not isinstance(data, bytes):
        raise TypeError(f"parse_json takes bytes, got {type(data).__name__}")
    if len(data) > JSON_LIMIT:
        raise BrokenRule(where, "", "R-SIZE", f"is larger than {JSON_LIMIT:,} bytes")
    if data.startswith(b"\xef\xbb\xbf"):
        raise BrokenRule(where, "", "R-JSON", "starts with a byte order mark, expected plain UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BrokenRule(where, "", "R-JSON", f"is not UTF-8 at byte {error.start}") from None
    if _too_deep(text):
        raise BrokenRule(where, "", "R-JSON", f"is nested more than {DEPTH_LIMIT} levels deep")
    try:
        values = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=lambda name: _Refused(f"{name} is not a number JSON knows, expected a finite one"),
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise BrokenRule(where, "", "R-JSON", f"is not JSON at {place}: {error.msg}") from None
    _walk(values, where, "")
    if not isinstance(values, dict):
        raise BrokenRule(where, "", "R-JSON", "is not an object, expected {...} at the top")
    return values


def text_fault(text: str) -> str | None:
    """Say what is wrong with ``text`` as a record's text, or return None: there is no fault to name.

    Text is in Unicode normal form C and has no control, bidirectional, surrogate, unassigned or invisible character.
    """
    if text.isascii() and text.isprintable():
        return None
    import unicodedata  # loads a shared library: only for the few records that need it

    for character in text:
        visible = character.isprintable() or unicodedata.category(character) == "Zs"
        if not visible or _INVISIBLE.match(character):
            return f"has the character U+{ord(character):04X}, expected no control, bidirectional or invisible one"
    if not unicodedata.is_normalized("NFC", text):
        return "is not in Unicode normal form C"
    return None


def shown(text: str, limit: int = 80) -> str:
    """Return ``text`` printable and of at most ``limit`` characters, so that a hostile name cannot steer a terminal."""
    safe = text if text.isprintable() else ascii(text)[1:-1]
    return safe if len(safe) <= limit else f"{safe[: limit - 3]}..."


def _too_deep(text: str) -> bool:
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        first = text[token.start()]
        depth += (first in "[{") - (first in "]}")
        if depth > DEPTH_LIMIT:
            return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Refused:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            return _Refused("stands twice in one object", key)
        values[key] = value
    return values


def _integer(digits: str) -> int | float | _Refused:
    if len(digits) <= len(str(-LARGEST_INT)) and abs(int(digits)) <= LARGEST_INT:
        return int(digits)
    if len(digits) <= len("-100000000000000000000"):  # RFC 8785 writes doubles below 1e21 without an exponent
        from decimal import Decimal  # rare: a double above 2**53

        number = float(digits)
        if digits == f"{Decimal(repr(number)):f}".removesuffix(".0"):
            return number
    return _Refused(f"{shown(digits)} is beyond +-(2**53 - 1)")


def _number(digits: str) -> float | _Refused:
    number = float(digits)
    return number if math.isfinite(number) else _Refused(f"{shown(digits)} is beyond what a double holds")


def _walk(value: Any, where: str, field: str) -> None:
    """Raise at the first refused value or text; the depth is bounded before this runs."""
    if isinstance(value, str):
        if fault := text_fault(value):
            raise BrokenRule(where, field, "R-TEXT", f"the text {fault}")
    elif isinstance(value, dict):
        for key, part in value.items():
            inside = f"{field}.{shown(key)}" if field else shown(key)
            if fault := text_fault(key):
                raise BrokenRule(where, inside, "R-TEXT", f"the key {fault}")
            _walk(part, where, inside)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            _walk(part, where, f"{field}.{position}" if field else str(position))
    elif isinstance(value, _Refused):
        place = ".".join(part for part in (field, shown(value.key)) if part)
        raise BrokenRule(where, place, "R-JSON", value.reason)


def _linked(where: str) -> BrokenRule:
    return BrokenRule(where, "", "R-FILES", "is a link, expected a plain file or folder")


def _unreadable(where: str, error: OSError) -> BrokenRule:
    return BrokenRule(where, "", "R-FILES", f"cannot be read: {error.strerror}")
