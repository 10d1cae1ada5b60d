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

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, final

from harness import commented_csv
from harness.commented_csv import errors, number, whole, wrong
from harness.procedure import Procedure, together
from harness.trial import Shape, Trial
from harness.tuning import RATES, SEEDS, Settled, settle

GRIDS: Final = Path(__file__).parent / "compare" / "grids"  # those that are committed
COLUMNS: Final = (
    "n_train", "width", "depth", "resolution", "parent_width", "params", "flops", "learning_rate", "steps", "capped",
    "interior", "val_wrong", "run_flops", "cell_flops",
)  # fmt: skip
FINE_TUNING: Final = (0.25, 0.5, 1.0)  # rates of fine-tuning, as shares of the rate of training
BEHIND: Final = 1.1  # times the error of a cell with fewer examples
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
        rates: How many learning rates each cell tries first.
        seeds: How many seeds each.
    """

    sizes: tuple[int, ...]
    shapes: tuple[Shape, ...]
    first_steps: int
    most_steps: int
    shares: tuple[float, ...] = ()
    rates: int = RATES
    seeds: int = SEEDS

    def settle(self, template: Trial, so_far: dict[int, Settled] | None = None) -> Procedure[list[Settled]]:
        """Tune every cell, all of them in lockstep.

        Error may stand still for a doubling of steps and fall later. A cell with clearly more error than one of the
        same shape with fewer examples, which was trained for longer, is tuned again from as many steps on.

        Args:
            template: The run whose data set, family, batch size and weight decay all cells share; its learning rate is
                the middle of the first ones tried.
            so_far: Receives how each cell stands, by its place, from its first rates on.

        Returns:
            One result a cell, by n_train and then shape.
        """
        stands = {} if so_far is None else so_far
        starts = [_start(template, n, shape) for n in self.sizes for shape in self.shapes]
        found = yield from together(
            [self._settle(start, self.first_steps, partial(stands.__setitem__, i)) for i, start in enumerate(starts)]
        )
        behind = {i: steps for i, one in enumerate(found) if (steps := _steps_of_better(one, found)) > one.trial.steps}
        again = yield from together([self._settle(starts[i], steps, lambda _: None) for i, steps in behind.items()])
        for i, one in zip(behind, again, strict=True):
            found[i] = min(found[i], one, key=lambda each: each.error)
        return found

    def _settle(self, start: Trial, first_steps: int, so_far: Callable[[Settled], None]) -> Procedure[Settled]:
        return settle(
            start,
            first_steps=first_steps,
            most_steps=self.most_steps,
            rates=self.rates,
            seeds=self.seeds,
            so_far=so_far,
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
            for seed in range(self.seeds)
        ]
        outcomes = yield trials
        found, each = [], len(FINE_TUNING) * self.seeds
        for i, parent_cell in enumerate(starts):
            options = []
            for j in range(len(FINE_TUNING)):
                first = i * each + j * self.seeds
                errors = tuple(
                    math.inf if o.val_error is None else o.val_error for o in outcomes[first : first + self.seeds]
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
    rows = []
    for cell in grid.cells:
        shape = cell.shape
        sides = ["" if size is None else size for size in (shape.resolution, cell.parent_width)]
        counts = " ".join(wrong(error, grid.facts["n_val"]) for error in cell.errors)
        how = (cell.learning_rate, cell.steps, int(cell.capped), int(cell.interior), counts)
        cost = (f"{cell.run_flops:.6g}", f"{cell.cell_flops:.6g}")
        rows.append((cell.n_train, shape.width, shape.depth, *sides, cell.params, cell.flops, *how, *cost))
    commented_csv.write(path, grid.facts, COLUMNS, rows)


def read_grid(path: Path) -> Grid:
    """Read what :func:`write_grid` wrote.

    Raises:
        InvalidData: If the file is no grid, or a fact or a number is missing or makes no sense; says where.
    """
    facts, cells = commented_csv.read(path, "grid", COLUMNS, NEEDED, _cell)
    return Grid(facts, tuple(cells))


def _steps_of_better(one: Settled, among: Sequence[Settled]) -> int:
    """Return the most steps of the same shape with fewer examples and clearly less error; 0 where none has less."""
    return max(
        (
            other.trial.steps
            for other in among
            if other.shape == one.shape and other.trial.n_train < one.trial.n_train and one.error > BEHIND * other.error
        ),
        default=0,
    )


def _seeded(trial: Trial, seed: int) -> Trial:
    """Return what ``trial`` is pruned from, with another seed."""
    assert trial.pruned_from is not None  # noqa: S101 - only pruned trials come here
    return replace(trial.pruned_from, seed=seed)


def _start(template: Trial, n_train: int, shape: Shape) -> Trial:
    return replace(template, n_train=n_train, shape=shape)


def _cell(row: dict[str, str], facts: dict[str, Any]) -> GridCell:
    return GridCell(
        n_train=whole(row, "n_train"),
        shape=Shape(whole(row, "width"), whole(row, "depth"), whole(row, "resolution") if row["resolution"] else None),
        parent_width=whole(row, "parent_width") if row["parent_width"] else None,
        params=whole(row, "params"),
        flops=number(row, "flops"),
        learning_rate=number(row, "learning_rate"),
        steps=whole(row, "steps"),
        capped=bool(whole(row, "capped")),
        interior=bool(whole(row, "interior")),
        errors=tuple(errors(row, "val_wrong", facts["n_val"], math.inf)),
        run_flops=number(row, "run_flops"),
        cell_flops=number(row, "cell_flops"),
    )
