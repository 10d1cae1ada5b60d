"""`python -m harness survey`: tune every cell of a grid of training examples and shapes, and write the grid."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import click

from harness import plugins
from harness.grid import Design, Grid, GridCell, write_grid
from harness.trial import Outcome, Shape, Trial
from registry.errors import UnknownName

BATCH: Final = 32
MIDDLE_RATE: Final = 0.01


def _mlps(*widths: int, resolution: int | None = None, depth: int = 1) -> tuple[Shape, ...]:
    return tuple(Shape(width, depth, resolution) for width in widths)


_FINE: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64)
DESIGNS: Final[Mapping[str, Design]] = {
    "glyphs-n100000/mlp": Design(
        (300, 1_000, 3_000, 10_000, 30_000, 100_000), _mlps(4, 8, 16, 32, 64, 128, resolution=16), 1_000, 128_000
    ),
    "glyphs/mlp": Design(
        (1_000, 4_000, 16_000), _mlps(16, 32, 64, resolution=8), 1_000, 32_000, (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.125)
    ),
    "digits/mlp": Design((50, 100, 200, 400, 800), _mlps(*_FINE), 500, 16_000),
    "waveform/mlp": Design((100, 300, 1_000, 3_000, 10_000), _mlps(*_FINE), 500, 16_000),
    "ringnorm/mlp": Design((100, 300, 1_000, 3_000, 10_000), _mlps(*_FINE), 500, 16_000),
    "hastie-10-2/mlp": Design((100, 300, 1_000, 3_000, 10_000), _mlps(*_FINE), 500, 16_000),
}


@click.command("survey")
@click.argument("design", metavar="DATASET/FAMILY")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the grid.")
def survey(design: str, out: Path) -> None:
    """Tune every cell of a design in this process and write its grid; an interrupted run goes on where it was."""
    from harness.executors.inline import InlineRunning
    from harness.ledger import Ledger
    from harness.procedure import drive
    from harness.sweep import run_round
    from harness.train import flops, packs, run_pack, train_flops

    if design not in DESIGNS:
        raise UnknownName("design", design, DESIGNS)
    name, family = design.split("/")
    data, networks = plugins.load("datasets", name), plugins.load("families", family)
    task, plan = plugins.load("tasks", data.task), DESIGNS[design]
    out.mkdir(parents=True, exist_ok=True)
    stem = design.replace("/", "-")
    template = Trial(name, family, plan.shapes[0], plan.sizes[0], 0, MIDDLE_RATE, 0.0, plan.first_steps, BATCH)
    cell_flops: dict[tuple[int, Shape, Shape | None], float] = defaultdict(float)
    started, wall_s, n_trials = time.monotonic(), 0.0, 0
    with Ledger.open(out / f".{stem}.jsonl", {"grid": design, "dataset_sha256": data.sha256()}, resume=True) as ledger:

        def round_(trials: list[Trial]) -> list[Outcome]:
            nonlocal wall_s, n_trials
            outcomes = run_round(
                trials, ledger=ledger, running=InlineRunning(), pack=partial(packs, workers=1), run=run_pack
            )
            for trial, outcome in zip(trials, outcomes, strict=True):
                cell_flops[_cell(trial)] += outcome.train_flops
                wall_s += outcome.wall_s
            n_trials += len(trials)
            most = max(trial.steps for trial in trials)
            said = f"{n_trials:,} trainings, up to {most:,} steps, {time.monotonic() - started:.0f} s"
            click.echo(f"{design}: {said}", err=True)
            return outcomes

        found = drive(plan.settle(template), round_)
        if plan.shares:
            found += drive(plan.prune(found), round_)
    cells = []
    for one in found:
        own, shape = one.trial, one.trial.shape
        forward = flops(family, name, shape)
        cells.append(
            GridCell(
                n_train=own.n_train,
                shape=shape,
                parent_width=own.pruned_from.shape.width if own.pruned_from else None,
                params=networks.params(data.at(shape.resolution).input_shape, data.n_outputs, shape),
                flops=forward,
                learning_rate=own.learning_rate,
                steps=own.steps,
                capped=one.capped,
                interior=one.interior,
                errors=one.val_errors,
                run_flops=train_flops(own),
                cell_flops=cell_flops[_cell(own)],
            )
        )
    facts = {
        "dataset": name,
        "family": family,
        "dataset_sha256": data.sha256(),
        "n_val": len(data.val()),
        "chance_error": round(task.target_to_error(task.chance(data)), 12),
        "batch_size": BATCH,
        "n_trials": n_trials,
        "wall_s": round(wall_s),
    }
    write_grid(out / f"{stem}.csv", Grid(facts, tuple(cells)))
    click.echo(f"{out / stem}.csv: {len(cells):,} cells, {n_trials:,} trainings, {facts['wall_s']:,} s of training")


def _cell(trial: Trial) -> tuple[int, Shape, Shape | None]:
    return trial.n_train, trial.shape, trial.pruned_from.shape if trial.pruned_from else None
