"""Grids of converged cells: validation error over numbers of training examples and shapes, what laws are fitted to.

Every cell is tuned by itself, learning rate and steps, by validation alone (:mod:`harness.tuning`); each seed draws its
own nested subset of train. A grid is a CSV file, one row a cell, behind one comment line with what all cells share::

    # {"dataset": "glyphs-n100000", "family": "mlp", "n_val": 20000, "chance_error": 0.9615, ...}
    n_train,width,depth,resolution,parent_width,params,flops,learning_rate,steps,capped,interior,val_wrong,...
    1000,8,1,16,,2290,4512.0,0.01,4000,0,1,7341 7290 7402,1.7e+09,1.9e+11

``val_wrong`` counts wrong answers, one number a seed; ``-`` is a run that diverged. ``run_flops`` is one run at the
settled rate and steps, ``cell_flops`` all that was trained to settle the cell. A cell with a ``parent_width`` was
pruned from the settled network of that width and fine-tuned as long again.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

from harness import fields
from harness.procedure import Procedure, together
from harness.trial import Shape, Trial
from harness.tuning import SEEDS, Settled, settle
from registry.errors import InvalidData
from registry.loader import shown

GRIDS: Final = Path(__file__).parent / "compare" / "grids"  # those that are committed
COLUMNS: Final = (
    "n_train", "width", "depth", "resolution", "parent_width", "params", "flops", "learning_rate", "steps", "capped",
    "interior", "val_wrong", "run_flops", "cell_flops",
)  # fmt: skip
DIVERGED: Final = "-"
FINE_TUNING: Final = (0.25, 0.5, 1.0)  # rates of fine-tuning, as shares of the rate of training
NEEDED: Final = ("dataset", "family", "n_val", "chance_error")  # of the facts


@final
@dataclass(frozen=True)
class Design:
    """Which cells a grid holds: every number of examples with every shape.

    Args:
        sizes: Numbers of training examples, ascending.
        shapes: Shapes.
        first_steps: Steps that tuning begins with.
        most_steps: Steps beyond which a cell counts as capped.
        shares: Shares of its width that each settled network is pruned to; none for a grid without pruning.
    """

    sizes: tuple[int, ...]
    shapes: tuple[Shape, ...]
    first_steps: int
    most_steps: int
    shares: tuple[float, ...] = ()

    def settle(self, template: Trial) -> Procedure[list[Settled]]:
        """Tune every cell, all of them in lockstep.

        Args:
            template: The run whose data set, family, batch size and weight decay all cells share; its learning rate is
                the middle of the first ones tried.

        Returns:
            One result a cell, by n_train and then shape.
        """
        return together(
            [
                settle(_start(template, n, shape), first_steps=self.first_steps, most_steps=self.most_steps)
                for n in self.sizes
                for shape in self.shapes
            ]
        )

    def prune(self, parents: Sequence[Settled]) -> Procedure[list[Settled]]:
        """Prune every settled network to each share of its width, and fine-tune at the best of three rates.

        Each seed prunes the network of its own seed. Fine-tuning takes as many steps as the parent did.

        Returns:
            One result a parent and share, in that order; ``trial.pruned_from`` is the parent.
        """
        starts = []
        for parent in parents:
            widths = dict.fromkeys(max(1, round(parent.shape.width * share)) for share in self.shares)
            for width in widths:
                shape = replace(parent.shape, width=width)
                starts.append(replace(parent.trial, shape=shape, route="pruned", pruned_from=parent.trial))
        trials = [
            replace(start, learning_rate=start.learning_rate * share, seed=seed, pruned_from=_seeded(start, seed))
            for start in starts
            for share in FINE_TUNING
            for seed in range(SEEDS)
        ]
        outcomes = yield trials
        found, each = [], len(FINE_TUNING) * SEEDS
        for i, parent_cell in enumerate(starts):
            options = []
            for j in range(len(FINE_TUNING)):
                first = i * each + j * SEEDS
                errors = tuple(
                    math.inf if o.val_error is None else o.val_error for o in outcomes[first : first + SEEDS]
                )
                options.append((sum(errors), trials[first], errors))
            _, trial, errors = min(options, key=lambda option: option[0])
            interior = trial.learning_rate == parent_cell.learning_rate * FINE_TUNING[1]
            found.append(Settled(trial, errors, capped=False, interior=interior))
        return found


@final
@dataclass(frozen=True)
class GridCell:
    """One cell; errors are validation errors, one a seed, infinite where the run diverged.

    ``parent_width`` is None for a network trained from scratch.
    """

    n_train: int
    shape: Shape
    parent_width: int | None
    params: int
    flops: float
    learning_rate: float
    steps: int
    capped: bool
    interior: bool
    errors: tuple[float, ...]
    run_flops: float
    cell_flops: float


@final
@dataclass(frozen=True)
class Grid:
    """Cells of one data set and family; ``facts`` is what they share."""

    facts: dict[str, Any]
    cells: tuple[GridCell, ...]

    @property
    def name(self) -> str:
        """``dataset/family``."""
        return f"{self.facts['dataset']}/{self.facts['family']}"


def write_grid(path: Path, grid: Grid) -> None:
    """Write a grid; the folder must exist."""
    text = io.StringIO()
    text.write(f"# {json.dumps(grid.facts, sort_keys=True)}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell in grid.cells:
        shape, n_val = cell.shape, grid.facts["n_val"]
        wrong = [str(round(error * n_val)) if math.isfinite(error) else DIVERGED for error in cell.errors]
        side = "" if shape.resolution is None else shape.resolution
        parent = "" if cell.parent_width is None else cell.parent_width
        what = (cell.n_train, shape.width, shape.depth, side, parent, cell.params, cell.flops)
        how = (cell.learning_rate, cell.steps, int(cell.capped), int(cell.interior))
        writer.writerow([*what, *how, " ".join(wrong), f"{cell.run_flops:.6g}", f"{cell.cell_flops:.6g}"])
    path.write_text(text.getvalue(), encoding="utf-8")


def read_grid(path: Path) -> Grid:
    """Read what :func:`write_grid` wrote.

    Raises:
        InvalidData: If the file is no grid, or a fact or a number is missing or makes no sense; says where.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidData(f"{path} is no grid: it is not UTF-8 text") from error
    if len(lines) < 3 or not lines[0].startswith("# {"):
        raise InvalidData(f"{path} is no grid: its first line is no '# {{...}}' with what cells share")
    try:
        facts = _facts(lines[0][2:])
    except ValueError as error:
        raise InvalidData(f"{path}, line 1: {error}") from error
    reader = csv.DictReader(lines[1:])
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InvalidData(f"{path} has columns {reader.fieldnames}, expected {', '.join(COLUMNS)}")
    cells = []
    for row in reader:
        try:
            cells.append(_cell(row, facts["n_val"]))
        except ValueError as error:
            raise InvalidData(f"{path}, line {1 + reader.line_num}: {error}") from error
    return Grid(facts, tuple(cells))


def _seeded(trial: Trial, seed: int) -> Trial:
    """Return what ``trial`` is pruned from, with another seed."""
    assert trial.pruned_from is not None  # noqa: S101 - only pruned trials come here
    return replace(trial.pruned_from, seed=seed)


def _start(template: Trial, n_train: int, shape: Shape) -> Trial:
    return replace(template, n_train=n_train, shape=shape)


def _facts(text: str) -> dict[str, Any]:
    """Return what all cells share, checked."""
    try:
        facts: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"what cells share is no JSON object: {error}") from error
    for key in NEEDED:
        if key not in facts:
            raise ValueError(f"facts.{key} is missing")
    fields.text(facts, "dataset", "facts")
    fields.text(facts, "family", "facts")
    fields.whole(facts, "n_val", "facts", least=1)
    fields.fraction(facts, "chance_error", "facts")
    return facts


def _cell(row: dict[str, str], n_val: int) -> GridCell:
    if None in row or None in row.values():
        raise ValueError(f"the row has another number of columns than {len(COLUMNS)}")
    side = _number(row, "resolution") if row["resolution"] else None
    shape = Shape(_whole(row, "width"), _whole(row, "depth"), None if side is None else int(side))
    return GridCell(
        n_train=_whole(row, "n_train"),
        shape=shape,
        parent_width=_whole(row, "parent_width") if row["parent_width"] else None,
        params=_whole(row, "params"),
        flops=_number(row, "flops"),
        learning_rate=_number(row, "learning_rate"),
        steps=_whole(row, "steps"),
        capped=bool(_whole(row, "capped")),
        interior=bool(_whole(row, "interior")),
        errors=_errors(row["val_wrong"], n_val),
        run_flops=_number(row, "run_flops"),
        cell_flops=_number(row, "cell_flops"),
    )


def _whole(row: dict[str, str], column: str) -> int:
    if not row[column].isdecimal():
        raise ValueError(f"{column} is {shown(row[column])}, expected a whole number of at least 0")
    return int(row[column])


def _number(row: dict[str, str], column: str) -> float:
    try:
        number = float(row[column])
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:
        raise ValueError(f"{column} is {shown(row[column])}, expected a finite number of at least 0")
    return number


def _errors(text: str, n_val: int) -> tuple[float, ...]:
    counts: Sequence[str] = text.split()
    for count in counts:
        if count != DIVERGED and not (count.isdecimal() and int(count) <= n_val):
            expected = f"counts of wrong answers from 0 to {n_val}, or {DIVERGED}"
            raise ValueError(f"val_wrong holds {shown(count)}, expected {expected}")
    if not counts:
        raise ValueError("val_wrong is empty, expected one count a seed")
    return tuple(math.inf if count == DIVERGED else int(count) / n_val for count in counts)
