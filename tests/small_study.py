"""A real record in a few seconds: digits, one linear and one pruned network, short trainings, everything else as ever.

Its claims are true of its own runs, so whatever is derived again from its data, networks and runs must agree.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from harness import plugins
from harness.bracket import Answer
from harness.fit import Point, fit_curve
from harness.investigation import Investigation
from harness.ledger import Ledger
from harness.procedure import Procedure, drive
from harness.publish import Publication, publication
from harness.study import Findings, Study
from harness.sweep import run_round
from harness.train import packs, run_pack
from harness.trial import Outcome, Shape, Trial

TARGET = 0.7
STEPS = 80
SIZES = (20, 60, 180, 500, 1000)
LINEAR = Trial("digits", "mlp", Shape(0, 0), 1000, 0, learning_rate=0.02, weight_decay=0.0, steps=STEPS, batch_size=32)


def small_publication(folder: Path) -> Publication:
    """Make the record; its ledger and weights are written below ``folder``."""
    study = Study("image-cls", "digits", "mlp", (TARGET,))
    investigation = Investigation(study)
    with (
        plugins.load("executors", "inline").open(1) as running,
        Ledger.open(folder / "ledger.jsonl", study.configuration(), resume=False) as ledger,
    ):

        def run(trials: list[Trial]) -> list[Outcome]:
            one = partial(run_pack, weights=folder / "weights")
            return run_round(trials, ledger=ledger, running=running, pack=packs, run=one)

        findings = drive(_findings(investigation), run)
        return publication(
            investigation, findings, ledger, folder / "weights", version=1, command="made by tests/small_study.py"
        )


def _findings(investigation: Investigation) -> Procedure[Findings]:
    pruned = replace(LINEAR, shape=Shape(6, 1), route="pruned", pruned_from=replace(LINEAR, shape=Shape(16, 1)))
    answers = []
    bench = investigation.bench(TARGET)
    for template, narrower in ((LINEAR, Shape(2, 1)), (pruned, Shape(1, 1))):
        attempt = yield from bench.attempt(template, 1)
        failed = yield from bench.weigh(replace(template, shape=narrower), 2)
        below = yield from bench.refute(failed.test)
        answers.append(Answer(TARGET, attempt.test, [attempt, failed], [below]))
    points, n_val = [], len(investigation.dataset.val())
    for n_train in SIZES:
        runs = [replace(LINEAR, n_train=n_train, seed=seed, phase="tune") for seed in range(3)]
        outcomes = yield runs
        yield [replace(run, steps=2 * STEPS) for run in runs]  # as if these had been no better
        errors = tuple(o.val_error for o in outcomes if o.val_error is not None)
        points.append(Point(n_train, errors, n_items=n_val, steps=STEPS))
    law = fit_curve(points, seed=0)
    shape = {"width": 0, "depth": 0, "resolution": None}
    return Findings(answers, law={**law, "shape": shape, "examples_seen_rule": "steps x batch"})
