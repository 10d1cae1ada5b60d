"""Tables of real trainings: every cell of a design trained with many seeds, to replay search strategies on.

A table is a CSV file, one row a cell (shape, learning rate, steps), behind one comment line with what all cells share::

    # {"dataset": "digits", "family": "mlp", "n_val": 200, "n_test": 597, "seeds": 40, ...}
    width,depth,resolution,params,flops,learning_rate,steps,val_wrong,test_wrong
    8,1,,610,1184.0,0.01,500,31 28 33 ...,88 79 93 ...

``val_wrong`` and ``test_wrong`` count wrong answers, one number a seed in the order of seeds; ``-`` is a run that
diverged. The test column says what a certification would read; replays keep it from the strategies.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, final

import numpy as np
from jaxtyping import Float64

from harness import fields
from harness.search.base import Setting
from harness.trial import Outcome, Shape, Trial
from registry.errors import InvalidData
from registry.loader import shown

Number = TypeVar("Number", int, float)

TABLES: Final = Path(__file__).parent / "compare" / "tables"  # those that are committed
COLUMNS: Final = (
    "width", "depth", "resolution", "params", "flops", "learning_rate", "steps", "val_wrong", "test_wrong",
)  # fmt: skip
DIVERGED: Final = "-"
NEEDED: Final = {"dataset", "family", "n_val", "n_test", "chance_error", "batch_size", "seeds"}  # of the facts


@final
@dataclass(frozen=True)
class Design:
    """What a table holds: every shape at every learning rate and number of steps, with ``seeds`` runs each.

    Args:
        widths: Per depth its widths, ascending.
        rates: Learning rates, ascending.
        steps: Step budgets, ascending.
        seeds: Runs a cell.
        resolutions: Input sides; (None,) where the task has none.
    """

    widths: dict[int, tuple[int, ...]]
    rates: tuple[float, ...]
    steps: tuple[int, ...]
    seeds: int
    resolutions: tuple[int | None, ...] = (None,)

    def shapes(self) -> list[Shape]:
        """Return every shape, by resolution, depth and width."""
        return [
            Shape(width, depth, resolution)
            for resolution in self.resolutions
            for depth, widths in self.widths.items()
            for width in widths
        ]

    def trials(self, dataset: str, family: str, n_train: int, batch_size: int) -> list[Trial]:
        """Return every run, those of a cell side by side."""
        return [
            Trial(dataset, family, shape, n_train, seed, rate, 0.0, steps, batch_size, tested=True)
            for shape in self.shapes()
            for steps in self.steps
            for rate in self.rates
            for seed in range(self.seeds)
        ]


@final
@dataclass(frozen=True, eq=False)
class Table:
    """Real trainings by cell.

    Attributes:
        facts: What all cells share: data set, family, sizes of the splits ...
        params: Trainable scalars of each shape.
        flops: Forward flops of one example of each shape.
        rows: Position of each cell in the arrays.
        val_errors: Validation error, (cells, seeds); infinite where the run diverged.
        test_errors: Test error, (cells, seeds); 1 where the run diverged.
    """

    facts: dict[str, Any]
    params: dict[Shape, int]
    flops: dict[Shape, float]
    rows: dict[Setting, int]
    val_errors: Float64[np.ndarray, " cells seeds"]
    test_errors: Float64[np.ndarray, " cells seeds"]

    @property
    def name(self) -> str:
        """``dataset/family``."""
        return f"{self.facts['dataset']}/{self.facts['family']}"

    def train_flops(self, setting: Setting) -> float:
        """Return the flops of one run: 3 x forward x examples seen."""
        return 3 * self.flops[setting.shape] * setting.steps * float(self.facts["batch_size"])


def write_table(
    path: Path,
    facts: dict[str, Any],
    results: Sequence[tuple[Trial, Outcome]],
    params: dict[Shape, int],
    flops: dict[Shape, float],
) -> None:
    """Write the runs of a design, in the order of :meth:`Design.trials`, as a table."""
    cells: dict[Setting, list[tuple[str, str]]] = {}
    for trial, outcome in results:
        setting = Setting(trial.shape, trial.learning_rate, trial.steps)
        wrong = (DIVERGED, DIVERGED)
        if outcome.val_error is not None and outcome.test_error is not None:
            wrong = (
                str(round(outcome.val_error * facts["n_val"])),
                str(round(outcome.test_error * facts["n_test"])),
            )
        cells.setdefault(setting, []).append(wrong)
    text = io.StringIO()
    text.write(f"# {json.dumps(facts, sort_keys=True)}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (shape, rate, steps), runs in cells.items():
        side = "" if shape.resolution is None else shape.resolution
        writer.writerow(
            [shape.width, shape.depth, side, params[shape], flops[shape], rate, steps]
            + [" ".join(column) for column in zip(*runs, strict=True)]
        )
    path.write_text(text.getvalue(), encoding="utf-8")


def read_table(path: Path) -> Table:
    """Read what :func:`write_table` wrote.

    Raises:
        InvalidData: If the file is no table, a fact or a number is missing or makes no sense, or its cells have
            different numbers of seeds; says where.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidData(f"{path} is no table of trainings: it is not UTF-8 text") from error
    if len(lines) < 3 or not lines[0].startswith("# {"):
        raise InvalidData(f"{path} is no table of trainings: its first line is no '# {{...}}' with what cells share")
    try:
        facts = _facts(lines[0][2:])
    except ValueError as error:
        raise InvalidData(f"{path}, line 1: {error}") from error
    reader = csv.DictReader(lines[1:])
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InvalidData(f"{path} has columns {reader.fieldnames}, expected {', '.join(COLUMNS)}")
    params: dict[Shape, int] = {}
    flops: dict[Shape, float] = {}
    rows: dict[Setting, int] = {}
    val, test = [], []
    for row in reader:
        try:
            setting, n_params, forward = _cell(row)
            if setting in rows:
                raise ValueError(f"{setting.shape}, rate {setting.learning_rate:g}, {setting.steps} steps stands twice")
            val.append(_errors(row, "val_wrong", facts["n_val"], np.inf))
            test.append(_errors(row, "test_wrong", facts["n_test"], 1.0))
        except ValueError as error:
            raise InvalidData(f"{path}, line {1 + reader.line_num}: {error}") from error
        rows[setting] = len(rows)
        params[setting.shape], flops[setting.shape] = n_params, forward
    if len({len(errors) for errors in [*val, *test]}) != 1:
        raise InvalidData(f"{path}: cells have different numbers of seeds")
    return Table(facts, params, flops, rows, np.array(val), np.array(test))


def _facts(text: str) -> dict[str, Any]:
    """Return what all cells share; what replays need is there and in range."""
    try:
        facts: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"what cells share is no JSON object: {error}") from error
    if missing := NEEDED - facts.keys():
        raise ValueError(f"facts.{min(missing)} is missing")
    for key in ("dataset", "family"):
        fields.text(facts, key, "facts")
    for key in ("n_val", "n_test", "batch_size", "seeds"):
        fields.whole(facts, key, "facts", least=1)
    fields.fraction(facts, "chance_error", "facts")
    return facts


def _cell(row: dict[str, str]) -> tuple[Setting, int, float]:
    """Return a row's setting, params and flops."""
    if None in row or None in row.values():
        raise ValueError(f"the row has another number of columns than {len(COLUMNS)}")
    shape = Shape.from_json(
        {
            "width": _number(row, "width", int),
            "depth": _number(row, "depth", int),
            "resolution": _number(row, "resolution", int) if row["resolution"] else None,
        }
    )
    setting = Setting(shape, _number(row, "learning_rate", float), _number(row, "steps", int))
    return setting, _number(row, "params", int), _number(row, "flops", float)


def _number(row: dict[str, str], column: str, kind: type[Number]) -> Number:
    try:
        number = kind(row[column])
    except ValueError:
        number = kind(-1)
    if not 0 <= number < math.inf:
        expected = "a whole number" if kind is int else "a finite number"
        raise ValueError(f"{column} is {shown(row[column])}, expected {expected} of at least 0")
    return number


def _errors(row: dict[str, str], column: str, n_items: int, diverged: float) -> list[float]:
    errors = []
    for count in row[column].split():
        if count != DIVERGED and not (count.isdecimal() and int(count) <= n_items):
            expected = f"counts of wrong answers from 0 to {n_items}, or {DIVERGED}"
            raise ValueError(f"{column} holds {shown(count)}, expected {expected}")
        errors.append(diverged if count == DIVERGED else int(count) / n_items)
    return errors
