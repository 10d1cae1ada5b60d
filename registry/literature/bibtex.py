"""Read the part of BibTeX that references need: entries of fields in braces, quotes, or bare numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

LONGEST: Final = 480  # characters of a reference line: a record's line has 500
_ENTRY: Final = re.compile(r"@(\w+)\s*\{\s*([^\s,{}]+)\s*,")
_FIELD: Final = re.compile(r"\s*([A-Za-z][\w-]*)\s*=\s*")
_BARE: Final = re.compile(r"\w+")
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9:_-]*", re.IGNORECASE)


def references(text: str) -> dict[str, str]:
    """Return a readable line for each entry: ``Tan & Le 2019, EfficientNet: ..., arXiv:1905.11946 [tan2019]``.

    Text between entries is a comment, as BibTeX has it.

    Raises:
        ValueError: With the line, if an entry cannot be read, stands twice, or has no title.
    """
    found: dict[str, str] = {}
    position = 0
    while (at := text.find("@", position)) >= 0:
        line = text.count("\n", 0, at) + 1
        start = _ENTRY.match(text, at)
        if start is None or not _KEY.fullmatch(start[2]):
            shown = " ".join(text[at : at + 30].split())
            raise ValueError(f"line {line}: {shown!a} begins no entry, expected @misc{{key,")
        key = start[2]
        if key in found:
            raise ValueError(f"line {line}: '{key}' stands twice")
        fields, position = _fields(text, start.end(), key, line)
        found[key] = _readable(key, fields, line)
    return found


def _fields(text: str, position: int, key: str, line: int) -> tuple[dict[str, str], int]:
    """Return the fields of an entry, and where it ends."""
    fields: dict[str, str] = {}
    while True:
        after = re.compile(r"[\s,]*").match(text, position)
        position = after.end() if after else position
        if text[position : position + 1] == "}":
            return fields, position + 1
        name = _FIELD.match(text, position)
        if name is None:
            raise ValueError(f"line {line}: '{key}' is not closed, or a field of it is not 'name = {{text}}'")
        value, position = _value(text, name.end(), key, line)
        fields[name[1].lower()] = " ".join(value.split())


def _value(text: str, position: int, key: str, line: int) -> tuple[str, int]:
    """Return one value without its quotes or outer braces, and where it ends."""
    first = text[position : position + 1]
    if first == "{":
        depth = 0
        for i in range(position, len(text)):
            depth += {"{": 1, "}": -1}.get(text[i], 0)
            if depth == 0:
                return text[position + 1 : i].replace("{", "").replace("}", ""), i + 1
    elif first == '"' and (end := text.find('"', position + 1)) > 0:
        return text[position + 1 : end].replace("{", "").replace("}", ""), end + 1
    elif bare := _BARE.match(text, position):
        return bare[0], bare.end()
    raise ValueError(f"line {line}: a value of '{key}' is not closed")


def _readable(key: str, fields: Mapping[str, str], line: int) -> str:
    if not fields.get("title"):
        raise ValueError(f"line {line}: '{key}' has no title")
    arxiv = fields["eprint"] if fields.get("archiveprefix", "").lower() == "arxiv" else ""
    place = f"arXiv:{arxiv}" if arxiv else fields.get("doi") or fields.get("url") or ""
    if not place:
        raise ValueError(f"line {line}: '{key}' has no eprint, doi or url: where is it to be read?")
    who = " ".join(part for part in (_authors(fields.get("author", "")), fields.get("year", "")) if part)
    said = ", ".join(part for part in (who, fields["title"], place) if part)
    reference = f"{said} [{key}]"
    if len(reference) > LONGEST or not reference.isascii() or not reference.isprintable():
        raise ValueError(f"line {line}: '{key}' is longer than {LONGEST} characters, or not plain ASCII")
    return reference


def _authors(field: str) -> str:
    """Return ``Vaswani et al.``, ``Tan & Le``, or nothing."""
    names = [name.strip() for name in field.split(" and ") if name.strip()]
    last = [name.partition(",")[0] if "," in name else name.split()[-1] for name in names]
    return " & ".join(last) if len(last) < 3 else f"{last[0]} et al."
