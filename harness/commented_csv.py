"""CSV files behind one comment line of JSON, ``# {...}``, with what all rows share: tables and grids of trainings.

Wrong answers stand as counts, one a seed, separated by blanks; ``-`` is a run that diverged.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from harness import fields
from registry.errors import InvalidData
from registry.loader import shown

RowT = TypeVar("RowT")
DIVERGED: Final = "-"
TEXTS: Final = ("dataset", "family")


def write(path: Path, facts: dict[str, Any], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write facts and rows; the folder must exist."""
    text = io.StringIO()
    text.write(f"# {json.dumps(facts, sort_keys=True)}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def read(
    path: Path,
    kind: str,
    columns: Sequence[str],
    needed: Collection[str],
    row_of: Callable[[dict[str, str], dict[str, Any]], RowT],
) -> tuple[dict[str, Any], list[RowT]]:
    """Read what :func:`write` wrote.

    Args:
        path: The file.
        kind: What it should be, for messages: ``table of trainings``.
        columns: Those it has.
        needed: Facts that must be there: ``dataset`` and ``family`` are texts, ``chance_error`` is a fraction, all
            others are whole numbers from 1.
        row_of: Makes a row's value from its texts and the facts; raises ValueError.

    Returns:
        The facts, and a value a row.

    Raises:
        InvalidData: If the file is no such file, or a fact or a row makes no sense; says where.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidData(f"{path} is no {kind}: it is not UTF-8 text") from error
    if len(lines) < 3 or not lines[0].startswith("# {"):
        raise InvalidData(f"{path} is no {kind}: its first line is no '# {{...}}' with what cells share")
    try:
        facts = _facts(lines[0][2:], needed)
    except ValueError as error:
        raise InvalidData(f"{path}, line 1: {error}") from error
    reader = csv.DictReader(lines[1:])
    if tuple(reader.fieldnames or ()) != tuple(columns):
        raise InvalidData(f"{path} has columns {reader.fieldnames}, expected {', '.join(columns)}")
    found = []
    for row in reader:
        try:
            if None in row or None in row.values():
                raise ValueError(f"the row has another number of columns than {len(columns)}")
            found.append(row_of(row, facts))
        except ValueError as error:
            raise InvalidData(f"{path}, line {1 + reader.line_num}: {error}") from error
    return facts, found


def whole(row: dict[str, str], column: str) -> int:
    """Return a whole number from 0 up; raises ValueError."""
    if not row[column].isdecimal():
        raise ValueError(f"{column} is {shown(row[column])}, expected a whole number of at least 0")
    return int(row[column])


def number(row: dict[str, str], column: str) -> float:
    """Return a finite number from 0 up; raises ValueError."""
    try:
        value = float(row[column])
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise ValueError(f"{column} is {shown(row[column])}, expected a finite number of at least 0")
    return value


def errors(row: dict[str, str], column: str, n_items: int, diverged: float) -> list[float]:
    """Return the shares that counts of wrong answers are of ``n_items``; raises ValueError."""
    found = []
    for count in row[column].split():
        if count != DIVERGED and not (count.isdecimal() and int(count) <= n_items):
            expected = f"counts of wrong answers from 0 to {n_items}, or {DIVERGED}"
            raise ValueError(f"{column} holds {shown(count)}, expected {expected}")
        found.append(diverged if count == DIVERGED else int(count) / n_items)
    if not found:
        raise ValueError(f"{column} is empty, expected one count a seed")
    return found


def wrong(error: float | None, n_items: int) -> str:
    """Return the count of wrong answers that an error is; None and infinity are runs that diverged."""
    return DIVERGED if error is None or not math.isfinite(error) else str(round(error * n_items))


def _facts(text: str, needed: Collection[str]) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"what cells share is no JSON object: {error}") from error
    for key in sorted(needed):
        if key not in facts:
            raise ValueError(f"facts.{key} is missing")
        if key in TEXTS:
            fields.text(facts, key, "facts")
        elif key == "chance_error":
            fields.fraction(facts, key, "facts")
        else:
            fields.whole(facts, key, "facts", least=1)
    return facts
