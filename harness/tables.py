"""Tables of real trainings: every cell of a design trained with many seeds, to replay search strategies on.

A table is a CSV file, one row a cell (shape, learning rate, steps), behind one comment line with what all cells share::

    # {"dataset": "digits", "family": "mlp", "n_val": 200, "n_test": 597, "seeds": 40, ...}
    width,depth,resolution,params,flops,learning_rate,steps,val_wrong,test_wrong
    8,1,,610,1184.0,0.01,500,31 28 33 ...,88 79 93 ...

``val_wrong`` and ``test_wrong`` count wrong answers, one number a seed in the order of seeds; ``-`` is a run that
diverged. The test column says what a certification would read; replays keep it from the strategies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float64

from harness import commented_csv
from harness.commented_csv import DIVERGED, errors, number, whole, wrong
from harness.search.base import Setting
from harness.trial import Outcome, Shape, Trial
from registry.errors import InvalidData

TABLES: Final = Path(__file__).parent / "compare" / "tables"  # those that are committed
COLUMNS: Final = (
    "width", "depth", "resolution", "params", "flops", "learning_rate", "steps", "val_wrong", "test_wrong",
)  # fmt: skip
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
        pair = (wrong(outcome.val_error, facts["n_val"]), wrong(outcome.test_error, facts["n_test"]))
        cells.setdefault(setting, []).append((DIVERGED, DIVERGED) if DIVERGED in pair else pair)
    rows = []
    for (shape, rate, steps), runs in cells.items():
        side = "" if shape.resolution is None else shape.resolution
        what = (shape.width, shape.depth, side, params[shape], flops[shape], rate, steps)
        rows.append((*what, *(" ".join(column) for column in zip(*runs, strict=True))))
    commented_csv.write(path, facts, COLUMNS, rows)


def read_table(path: Path) -> Table:
    """Read what :func:`write_table` wrote.

    Raises:
        InvalidData: If the file is no table, a fact or a number is missing or makes no sense, or its cells have
            different numbers of seeds; says where.
    """
    params: dict[Shape, int] = {}
    flops: dict[Shape, float] = {}
    rows: dict[Setting, int] = {}

    def cell(row: dict[str, str], facts: dict[str, Any]) -> tuple[list[float], list[float]]:
        shape = Shape.from_json(
            {
                "width": whole(row, "width"),
                "depth": whole(row, "depth"),
                "resolution": whole(row, "resolution") if row["resolution"] else None,
            }
        )
        setting = Setting(shape, number(row, "learning_rate"), whole(row, "steps"))
        if setting in rows:
            raise ValueError(f"{shape}, rate {setting.learning_rate:g}, {setting.steps} steps stands twice")
        rows[setting] = len(rows)
        params[shape], flops[shape] = whole(row, "params"), number(row, "flops")
        return errors(row, "val_wrong", facts["n_val"], np.inf), errors(row, "test_wrong", facts["n_test"], 1.0)

    facts, pairs = commented_csv.read(path, "table of trainings", COLUMNS, NEEDED, cell)
    val, test = map(list, zip(*pairs, strict=True))
    if len({len(found) for found in [*val, *test]}) != 1:
        raise InvalidData(f"{path}: cells have different numbers of seeds")
    return Table(facts, params, flops, rows, np.array(val), np.array(test))
