"""Grids of converged cells: their design, their pruned part, their file."""

import math
from pathlib import Path

import pytest

from harness.grid import COLUMNS, Design, Grid, GridCell, read_grid, write_grid
from harness.procedure import drive
from harness.trial import Outcome, Shape, Trial
from registry.errors import InvalidData

TEMPLATE = Trial("wine", "mlp", Shape(1, 1), 10, 0, 0.01, 0.0, 100, 32)
DESIGN = Design((50, 100), (Shape(2, 1), Shape(8, 1)), 100, 400, shares=(1.0, 0.5, 0.1, 0.05))
FACTS = {"dataset": "wine", "family": "mlp", "n_val": 200, "chance_error": 0.6}
CELL = GridCell(50, Shape(8, 1, 16), None, 2290, 4512.0, 0.02, 400, True, False, (0.25, math.inf), 1.5e9, 2.5e11)


def outcome(trial: Trial) -> Outcome:
    """Fall with width and n, best at a rate of 0.02 from scratch and 0.01 in fine-tuning; settled from the start."""
    best = 0.02 if trial.route == "scratch" else 0.01
    error = 0.1 + 1 / trial.shape.width / 10 + 1 / trial.n_train + 0.01 * abs(math.log2(trial.learning_rate / best))
    return Outcome("ok", val_error=error + 0.001 * trial.seed, val_loss=error, best_step=1)


def answered(design: Design) -> tuple[list, list[list[Trial]]]:
    rounds: list[list[Trial]] = []

    def run(trials: list[Trial]) -> list[Outcome]:
        rounds.append(trials)
        return [outcome(trial) for trial in trials]

    settled = drive(design.settle(TEMPLATE), run)
    rounds.clear()
    return [settled, drive(design.prune(settled), run)], rounds


def test_every_number_of_examples_is_tuned_with_every_shape() -> None:
    (settled, _), _ = answered(DESIGN)

    assert [(one.trial.n_train, one.shape.width) for one in settled] == [(50, 2), (50, 8), (100, 2), (100, 8)]
    assert {one.trial.learning_rate for one in settled} == {0.02}


def test_pruned_cells_come_from_the_settled_network_of_the_same_seed() -> None:
    (settled, pruned), [trials] = answered(DESIGN)

    assert all(trial.pruned_from is not None and trial.pruned_from.seed == trial.seed for trial in trials)
    assert [(one.trial.pruned_from.shape.width, one.shape.width) for one in pruned[:5]] == [
        (2, 2),
        (2, 1),
        (8, 8),
        (8, 4),
        (8, 1),
    ]
    assert {one.trial.learning_rate for one in pruned} == {0.01}
    assert all(one.interior for one in pruned)
    assert pruned[0].trial.pruned_from == settled[0].trial
    assert len(set(pruned[0].val_errors)) == 3


def test_grid_is_read_as_it_was_written(tmp_path: Path) -> None:
    grid = Grid(FACTS, (CELL, GridCell(50, Shape(2, 1), 8, 22, 40.0, 0.01, 100, False, True, (0.3,), 1e6, 1e7)))
    write_grid(tmp_path / "grid.csv", grid)

    assert read_grid(tmp_path / "grid.csv") == grid
    assert grid.name == "wine/mlp"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.02", "fast", "line 3: learning_rate is fast, expected a finite number of at least 0"),
        (",400,", ",-4,", "line 3: steps is -4, expected a whole number of at least 0"),
        ("50 -", "201 -", "line 3: val_wrong holds 201, expected counts of wrong answers from 0 to 200, or -"),
        ("50 -", "", "line 3: val_wrong is empty, expected one count a seed"),
        ('"n_val": 200', '"n_val": 0', "line 1: facts.n_val is 0"),
        (', "family": "mlp"', "", "line 1: facts.family is missing"),
        ("n_train,", "n,", "has columns"),
        ("# ", "", "is no grid: its first line"),
        ("400,1,0,50 -,1.5e+09,2.5e+11", "400,1,0,50 -,1.5e+09", "line 3: the row has another number of columns"),
    ],
)
def test_a_damaged_grid_is_refused_with_the_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "grid.csv"
    write_grid(path, Grid(FACTS, (CELL,)))
    text = path.read_text()
    path.write_text(text.replace(old, new, 1))

    assert old in text
    with pytest.raises(InvalidData, match=r"grid\.csv") as caught:
        read_grid(path)
    assert message in caught.value.message


def test_columns_are_those_of_the_docstring() -> None:
    import harness.grid

    assert ",".join(COLUMNS).startswith(harness.grid.__doc__.split("\n    ")[2].removesuffix("..."))  # type: ignore[union-attr]


@pytest.mark.parametrize("helps", [True, False])
def test_a_cell_that_stood_still_early_is_trained_as_long_as_one_with_fewer_examples(helps: bool) -> None:
    """At 50 examples error falls up to 8,000 steps; at 100 it stands still up to 2,000, and falls at 8,000 or never."""

    def error(trial: Trial) -> float:
        if trial.n_train == 50:
            return 0.1 + 400 / min(trial.steps, 8000)
        return 0.05 if helps and trial.steps >= 8000 else 0.4

    def run(trials: list[Trial]) -> list[Outcome]:
        return [Outcome("ok", val_error=error(one), val_loss=error(one), best_step=1) for one in trials]

    design = Design(sizes=(50, 100), shapes=(Shape(2, 1),), first_steps=1000, most_steps=16_000)
    few, many = drive(design.settle(TEMPLATE), run)

    assert few.trial.steps == 8000
    assert (many.trial.steps, many.error) == ((8000, 0.05) if helps else (1000, 0.4))
