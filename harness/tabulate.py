"""`python -m harness tabulate`: train a whole design and write its table, the ground truth that searches replay on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import click

from harness import plugins
from harness.tables import Design, write_table
from harness.trial import Outcome, Trial
from registry.errors import UnknownName

_MLP: Final = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48, 64, 128)
_WIDE: Final = (4, 8, 12, 16, 24, 32, 64)
_FEW: Final = (1, 2, 3, 4, 6, 8, 16, 32, 64)
_RATES: Final = (0.0025, 0.005, 0.01, 0.02, 0.04)
BATCH: Final = 32
# Ladders are thinned, so that all tables together cost less than three hours on one core.
DESIGNS: Final[Mapping[str, Design]] = {
    "digits/mlp": Design({0: (0,), 1: _MLP, 2: _MLP}, _RATES, (500, 1500, 4500), 40),
    "glyphs/mlp": Design(
        {0: (0,), 1: _WIDE, 2: (8, 16, 32, 64)}, (0.0025, 0.005, 0.01), (800, 2400), 40, resolutions=(8, 16)
    ),
    "glyphs/cnn": Design(
        {1: (2, 4, 8, 16, 32), 2: (2, 4, 6, 8, 12, 16)}, (0.005, 0.01, 0.02), (300, 1200), 16, resolutions=(8,)
    ),
    "waveform/mlp": Design({0: (0,), 1: _FEW, 2: _FEW}, _RATES, (500, 1500, 4500), 40),
}


@click.command("tabulate")
@click.argument("design", metavar="DATASET/FAMILY")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the table.")
def tabulate(design: str, out: Path) -> None:
    """Train every cell of a design in this process and write its table; an interrupted run goes on where it was."""
    from harness.executors.inline import InlineRunning
    from harness.ledger import Ledger
    from harness.sweep import run_round
    from harness.train import flops, packs, run_pack

    if design not in DESIGNS:
        raise UnknownName("design", design, DESIGNS)
    dataset, family = design.split("/")
    data, networks = plugins.load("datasets", dataset), plugins.load("families", family)
    task = plugins.load("tasks", data.task)
    trials = DESIGNS[design].trials(dataset, family, len(data.train()), BATCH)
    out.mkdir(parents=True, exist_ok=True)
    stem = design.replace("/", "-")
    configuration = {"design": design, "dataset_sha256": data.sha256(), "batch_size": BATCH}
    started, done = time.monotonic(), 0

    def count(_trial: Trial, _outcome: Outcome) -> None:
        nonlocal done
        done += 1
        if done % 1000 == 0:
            click.echo(f"{design}: {done:,} of {len(trials):,} in {time.monotonic() - started:.0f} s", err=True)

    with Ledger.open(out / f".{stem}.jsonl", configuration, resume=True) as ledger:
        outcomes = run_round(
            trials, ledger=ledger, running=InlineRunning(), pack=partial(packs, workers=1), run=run_pack, on_done=count
        )
    shapes = DESIGNS[design].shapes()
    facts = {
        "dataset": dataset,
        "family": family,
        "dataset_sha256": data.sha256(),
        "n_train": len(data.train()),
        "n_val": len(data.val()),
        "n_test": len(data.test()),
        "chance_error": round(task.target_to_error(task.chance(data)), 12),
        "batch_size": BATCH,
        "seeds": DESIGNS[design].seeds,
        "wall_s": round(sum(outcome.wall_s for outcome in outcomes)),
    }
    params = {s: networks.params(data.at(s.resolution).input_shape, data.n_outputs, s) for s in shapes}
    forward = {s: flops(family, dataset, s) for s in shapes}
    write_table(out / f"{stem}.csv", facts, list(zip(trials, outcomes, strict=True)), params, forward)
    click.echo(f"{out / stem}.csv: {len(trials):,} trainings, {facts['wall_s']:,} s of training")
