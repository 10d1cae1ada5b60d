"""`python -m harness knees`: measure the knee of every data set that `guides like` compares with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, final

import click

from harness import plugins
from harness.like.climb import WIDTHS
from harness.like.ladder import name_of
from registry.errors import UnknownName

BATCH: Final = 32
FAMILY: Final = "mlp"
DEPTH: Final = 1
MOST: Final = 5_000  # training examples


@final
@dataclass(frozen=True)
class Design:
    """One ladder.

    Args:
        dataset: Name of the data set.
        resolution: Side of its pictures; None for its own, or where it has none.
        subset: Training examples, a subset drawn by each seed; None for all, but 5,000 at most.
        seeds: Seeds that tuning looks at: more where validation is small.
        fresh: Seeds that then say how good a width is.
        most_steps: Steps beyond which they are not doubled.
        widths: The widths.
    """

    dataset: str
    resolution: int | None = None
    subset: int | None = None
    seeds: int = 2
    fresh: int = 5
    most_steps: int = 8_000
    widths: tuple[int, ...] = WIDTHS

    @property
    def name(self) -> str:
        """What its ladder is called."""
        return name_of(self.dataset, self.resolution, self.subset)


_KNOWN_TRUTH: Final = ("waveform", "twonorm", "ringnorm", "hastie-10-2")
_GLYPHS: Final = (10, 26, 100)  # classes
_SYMBOLS: Final = ("next-token-sympy-1-14", "cloze-sympy-1-14")
_FEWER: Final = (1, *WIDTHS[1::2])
# the cheap ones first
_ALL: Final = (
    Design("wine", seeds=3, fresh=11),
    Design("breast-cancer", seeds=3, fresh=11),
    Design("digits", seeds=3, fresh=11),
    *(Design(name, most_steps=16_000) for name in _KNOWN_TRUTH),
    *(Design(f"glyphs-c{classes}", 8, seeds=1) for classes in _GLYPHS),
    *(Design(name, subset=500, most_steps=16_000) for name in _KNOWN_TRUTH),
    *(Design(f"glyphs-c{classes}", 16, seeds=1) for classes in _GLYPHS),
    *(Design(name, subset=20_000, seeds=1, most_steps=4_000, widths=_FEWER) for name in _SYMBOLS),
    *(Design(f"glyphs-c{classes}-px32", seeds=1) for classes in _GLYPHS),
)
DESIGNS: Final[Mapping[str, Design]] = {one.name: one for one in _ALL}


@click.command("knees")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the ladders.")
@click.option("--resume", is_flag=True, help="Go on with what earlier runs have trained.")
def knees(names: tuple[str, ...], out: Path, resume: bool) -> None:
    """Train mlps of depth 1 and widths 1 to 256 on each data set, and write a ladder a data set, the cheap ones first.

    NAME is a data set, with -at-SIDE for the side of its pictures, -of-N for fewer examples; without any all are
    measured.
    """
    for name in names:
        if name not in DESIGNS:
            raise UnknownName("ladder", name, DESIGNS)
    out.mkdir(parents=True, exist_ok=True)
    for name in names or DESIGNS:
        _measure(name, out, resume=resume)


def _measure(name: str, out: Path, *, resume: bool) -> None:
    from harness.executors.inline import InlineRunning
    from harness.ledger import Ledger
    from harness.like.climb import Settled, climb, template
    from harness.like.descriptors import describe
    from harness.like.ladder import Ladder, Rung, write_ladder
    from harness.procedure import drive
    from harness.sweep import run_round
    from harness.train import flops, packs, run_pack
    from harness.trial import Outcome, Trial

    design = DESIGNS[name]
    data, family = plugins.load("datasets", design.dataset), plugins.load("families", FAMILY)
    seen = data.at(design.resolution)
    task = plugins.load("tasks", data.task)
    n_train = min(design.subset or MOST, len(data.train()))
    started, wall_s, n_trials = time.monotonic(), 0.0, 0
    configuration = {"ladder": name, "dataset_sha256": data.sha256()}
    with Ledger.open(out / f".{name}.jsonl", configuration, resume=resume) as ledger:

        def round_(trials: list[Trial]) -> list[Outcome]:
            nonlocal wall_s, n_trials
            outcomes = run_round(
                trials, ledger=ledger, running=InlineRunning(), pack=partial(packs, workers=1), run=run_pack
            )
            wall_s += sum(outcome.wall_s for outcome in outcomes)
            n_trials += len(trials)
            said = f"{n_trials:,} trainings, {max(t.steps for t in trials):,} steps, {time.monotonic() - started:.0f} s"
            click.echo(f"{name}: {said}", err=True)
            return outcomes

        start = template(design.dataset, FAMILY, DEPTH, design.resolution, n_train, BATCH)
        found = drive(
            climb(start, design.widths, seeds=design.seeds, fresh=design.fresh, most_steps=design.most_steps), round_
        )

    def rung(one: Settled) -> Rung:
        trial, shape = one.trial, one.trial.shape
        params = family.params(seen.input_shape, seen.n_outputs, shape)
        forward = flops(FAMILY, design.dataset, shape)
        return Rung(shape.width, params, forward, trial.learning_rate, trial.steps, one.capped, one.errors)

    facts = {
        "dataset": design.dataset,
        "family": FAMILY,
        "depth": DEPTH,
        "resolution": design.resolution,
        "subset": design.subset,
        "dataset_sha256": data.sha256(),
        "n_train": n_train,
        "n_val": len(data.val()),
        "chance_error": round(task.target_to_error(task.chance(data)), 12),
        "batch_size": BATCH,
        "tuning_seeds": design.seeds,
        "n_trials": n_trials,
        "wall_s": round(wall_s),
    }
    ladder = Ladder(facts, describe(seen, n_train), tuple(map(rung, found)))
    write_ladder(out / f"{name}.csv", ladder)
    knee = ladder.knee()
    click.echo(
        f"{out / name}.csv: knee at width {knee.rung.width}, {knee.rung.params:,} params, error {knee.rung.error:.4f} "
        f"beside a floor of {knee.floor:.4f}; {n_trials:,} trainings, {facts['wall_s']:,} s of training"
    )
