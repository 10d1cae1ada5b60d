"""Read a person's own learning curves: a CSV file with a size, a result and perhaps more, one run or mean a row.

Columns, in any order:

* the size: ``n`` or ``n_train`` (training examples), or ``steps``;
* the result: ``error`` or ``accuracy`` (fractions), or ``loss``; or counts, ``wrong`` of ``total``;
* if there are any: ``params``, or ``width`` and ``depth`` of the network; ``stderr`` of the result; ``seed``, where a
  row is one of several runs; ``curve``, a name, where the file holds several curves.

What other columns hold is not read, and the file says so.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, final

from registry.errors import InvalidData
from registry.loader import shown

Result = Literal["error", "accuracy", "loss"]
SIZES: Final = ("n", "n_train", "steps")
RESULTS: Final = ("error", "accuracy", "loss", "wrong")
SHAPES: Final = ("params", "width", "depth")
OTHERS: Final = ("total", "stderr", "seed", "curve")
LARGEST_FILE: Final = 20_000_000  # bytes


@final
@dataclass(frozen=True)
class Observation:
    """One row: a run, or the mean of runs.

    Args:
        size: Training examples or steps, above 0.
        error: The result in its lower-is-better form: 1 - accuracy, or the loss.
        stderr: Standard error of that; None where the file says none.
        total: Examples that ``error`` was counted on; None where it was not counted.
        params: Trainable scalars; None where the file does not say.
        width: Units or channels; None where the file does not say.
        depth: Hidden layers or blocks; None where the file does not say.
        seed: The run's; None where rows are no single runs.
    """

    size: float
    error: float
    stderr: float | None = None
    total: int | None = None
    params: float | None = None
    width: float | None = None
    depth: float | None = None
    seed: str | None = None


@final
@dataclass(frozen=True)
class CurveFile:
    """What a file holds.

    Args:
        variable: What the sizes count.
        result: What the file calls the result; counts are errors.
        curves: Rows of each curve by its name, in the order of the file; one unnamed curve is called "".
        unread: Columns that mean nothing here.
    """

    variable: Literal["n_train", "steps"]
    result: Result
    curves: Mapping[str, tuple[Observation, ...]]
    unread: tuple[str, ...]

    def shapes(self, name: str) -> tuple[str, ...]:
        """Return which of params, width and depth every row of a curve has, and that differ between its rows."""
        values = {size: {getattr(row, size) for row in self.curves[name]} for size in SHAPES}
        return tuple(size for size, found in values.items() if None not in found and len(found) > 1)

    def error(self, value: float) -> float:
        """Turn a value of the result into an error, or back."""
        return 1 - value if self.result == "accuracy" else value


def read_curves(path: Path) -> CurveFile:
    """Read a file of points.

    Raises:
        InvalidData: If it cannot be read, lacks a column, names two for one thing, or holds a number that cannot be;
            says in which line.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InvalidData(f"{path} has {path.stat().st_size:,} bytes, expected at most {LARGEST_FILE:,}")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidData(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidData(f"{path} is not UTF-8 text: byte {error.start} cannot be read") from error
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = [name.strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    size, result = _columns(path, columns)
    curves: dict[str, list[Observation]] = {}
    try:
        for row in reader:
            try:
                if None in row or None in row.values():
                    raise ValueError(f"the row has another number of columns than {len(columns)}")
                curves.setdefault(row.get("curve", "").strip(), []).append(_observation(row, size, result))
            except ValueError as error:
                raise InvalidData(f"{path}, line {reader.line_num}: {error}") from error
    except csv.Error as error:
        raise InvalidData(f"{path}, line {reader.line_num}: {error}") from error
    if not curves:
        raise InvalidData(f"{path} holds no points, only a first line")
    known = {*SIZES, *RESULTS, *SHAPES, *OTHERS}
    return CurveFile(
        variable="steps" if size == "steps" else "n_train",
        result="accuracy" if result == "accuracy" else "loss" if result == "loss" else "error",
        curves={name: tuple(rows) for name, rows in curves.items()},
        unread=tuple(name for name in columns if name not in known),
    )


def _columns(path: Path, columns: Sequence[str]) -> tuple[str, str]:
    """Return the columns of size and result."""
    if not columns:
        raise InvalidData(f"{path} is empty, expected a first line that names the columns")
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise InvalidData(f"{path} has two columns called '{twice[0]}'")
    found = []
    for what, names in (("size", SIZES), ("result", RESULTS)):
        present = [name for name in columns if name in names]
        if len(present) != 1:
            has = " and ".join(present) if present else f"none among {', '.join(columns)}"
            hint = f"leave out all but one of {', '.join(present)}" if present else ""
            if len(columns) == 1 and any(mark in columns[0] for mark in ";\t"):
                hint = "separate the columns by commas"
            raise InvalidData(f"{path} needs one column of the {what} ({', '.join(names)}), got {has}", hint)
        found += present
    if (found[1] == "wrong") != ("total" in columns):
        raise InvalidData(f"{path}: counts take two columns, 'wrong' and 'total'")
    return found[0], found[1]


def _observation(row: Mapping[str, str], size: str, result: str) -> Observation:
    """Read one row; raises ValueError."""
    at = _number(row, size)
    if at <= 0:
        raise ValueError(f"{size} is {at:g}, expected a number above 0")
    total = None
    if result == "wrong":
        total = _whole(row, "total")
        error = _whole(row, "wrong") / total if total else math.nan
        if not 0 <= error <= 1:
            raise ValueError(f"wrong is {row['wrong']} of {row['total']}, expected at most the total, and that above 0")
    else:
        error = _number(row, result)
        if result != "loss" and not 0 <= error <= 1:
            percent = f"; {error / 100:g} if it is a percentage" if 1 < error <= 100 else ""
            raise ValueError(f"{result} is {error:g}, expected a fraction in [0, 1]{percent}")
        if result == "loss" and error < 0:
            raise ValueError(f"loss is {error:g}, expected a number from 0 up")
        error = 1 - error if result == "accuracy" else error
    stderr = _number(row, "stderr") if row.get("stderr") else None
    if stderr is not None and stderr < 0:
        raise ValueError(f"stderr is {stderr:g}, expected a number from 0 up")
    shape = {name: _number(row, name) if row.get(name) else None for name in SHAPES}
    for name, value in shape.items():
        if value is not None and value < (0 if name == "depth" else 1):
            raise ValueError(f"{name} is {value:g}, expected at least {0 if name == 'depth' else 1}")
    return Observation(at, error, stderr, total, seed=row.get("seed") or None, **shape)


def _number(row: Mapping[str, str], column: str) -> float:
    text = row[column].strip().replace("_", "")
    if not text:
        raise ValueError(f"{column} is missing, expected a number")
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{column} is {shown(text)}, expected a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{column} is {text}, expected a finite number")
    return number


def _whole(row: Mapping[str, str], column: str) -> int:
    number = _number(row, column)
    if number < 0 or number != round(number):
        raise ValueError(f"{column} is {number:g}, expected a whole number from 0 up")
    return round(number)
