"""`guides bench`: train, shrink, measure and certify; write a guideline record."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from harness import plugins
from harness.own.place import FOLDER, found_in
from harness.place import RUNS
from harness.question import check, check_data, one_metric
from registry import parse
from registry.errors import Interrupted, InvalidRecord, UsageError
from registry.options import Reading, as_json, examples, print_json, quiet
from registry.options import targets as target_options
from registry.roots import OWN_FOLDER

if TYPE_CHECKING:
    from harness.executors.base import Running
    from harness.investigation import Investigation
    from harness.ledger import Ledger
    from harness.noted import Published
    from harness.own.aloud import Aloud
    from harness.pace import Pace
    from harness.place import Place
    from harness.plan import Plan
    from harness.study import Findings, Study
    from harness.trial import Outcome, Trial

PRELOAD: Final = ("harness.train",)
PLAN_SHARE: Final = 10  # of one's own data, a plan gets a tenth of the time that is left


@click.command(
    "bench",
    short_help="Train, shrink, measure and certify: make a guideline.",
    epilog=examples(
        "guides bench --task image-cls --dataset digits --family mlp --target-acc 0.95 --minutes 5",
        "guides bench --task tabular-cls --data FILE.csv --label COLUMN --knee --minutes 10",
    ),
)
@click.option("--task", required=True, metavar="TASK", help="Task category, for example image-cls.")
@click.option("--dataset", metavar="D", help="Data set, for example digits.")
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="PATH", help="Your own file or folder, instead of a data set."
)
@click.option("--label", metavar="COL", help="With --data: the column to predict.")
@click.option("--group", metavar="COL", help="With --data: a column that train and test must not share values of.")
@click.option("--family", metavar="F", help="Network family, for example mlp; with --data one that fits is chosen.")
@target_options
@click.option("--knee", is_flag=True, help="Find the size beyond which width hardly helps, too: needs no target.")
@click.option("--metric", metavar="M", help="What --knee is asked in, where no target says: balanced-accuracy.")
@click.option(
    "--search",
    default="pooled",
    show_default=True,
    metavar="S",
    help=f"Search strategy: {', '.join(plugins.names('search'))}.",
)
@click.option(
    "--minutes",
    type=Reading("minutes", parse.number),
    metavar="M",
    help="Answer within M minutes, as well as can be.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan and the minutes it may take; train nothing.")
@as_json
@click.option("--executor", default="processes", show_default=True, metavar="E", help="Where packs of trainings run.")
@click.option("--workers", type=click.IntRange(1, 1024), metavar="N", help="Worker processes [default: the cores].")
@click.option(
    "--out", default=OWN_FOLDER, show_default=True, metavar="DIR", help="Root folder that receives the record."
)
@click.option("--resume", is_flag=True, help="Go on with what earlier runs of this question have trained.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), metavar="N", help="Study seed."
)
@quiet
def COMMAND(  # the name cli.py looks for
    task: str,
    dataset: str | None,
    data: Path | None,
    label: str | None,
    group: str | None,
    family: str | None,
    accuracies: tuple[list[float], ...],
    targets: tuple[parse.Target, ...],
    knee: bool,
    metric: str | None,
    search: str,
    minutes: float | None,
    dry_run: bool,
    json_: bool,
    executor: str,
    workers: int | None,
    out: str,
    resume: bool,
    seed: int,
    quiet: bool,
) -> None:
    """Find the smallest certified network for each target, from scratch and pruned, and the knee; write the record.

    Everything trained is kept in DIR/.runs: another target of the same question reuses it.
    """
    end = math.inf if minutes is None else time.monotonic() + 60 * minutes
    if dry_run and minutes is not None:
        raise UsageError("give --minutes or --dry-run, not both")
    if json_ and not dry_run:
        raise UsageError("--json prints a plan: it needs --dry-run")
    plugins.load("tasks", task)
    for seam, name in (("datasets", dataset), ("families", family), ("search", search), ("executors", executor)):
        if name is not None and name not in plugins.names(seam):
            plugins.load(seam, name)  # raises, with the closest name
    check_data(dataset, data, label, group, family)
    from harness.executors.base import cores

    metric = one_metric(task, accuracies, targets, metric)
    asked = _targets(task, accuracies, targets, metric=metric, knee=knee)
    workers = workers or cores()
    prepared = Path(out) / RUNS / FOLDER
    with found_in(prepared), plugins.load("executors", executor).open(workers, preload=PRELOAD) as running:
        from harness.place import Place
        from harness.study import Study

        aloud = None
        if data is not None:
            aloud = _aloud(task, data, label, group, metric, is_quiet=quiet)
            dataset = aloud.read(prepared)
        try:
            if aloud is not None:
                family = family or aloud.family(dataset or "")
            study = Study(task, dataset or "", family or "", asked, search, seed, knee, metric)  # never empty
            check(study)
        except UsageError:
            if aloud is not None:
                aloud.forget(prepared)
            raise
        place = Place.of(study, Path(out), resume=resume)
        try:
            if dry_run:
                _plan(study, running, workers, place, is_json=json_)
            else:
                _bench(study, running, workers, place, aloud, end=end, is_quiet=quiet)
        except KeyboardInterrupt:  # between rounds, or while the record is made
            raise Interrupted(
                f"interrupted: what was trained is recorded below {Path(out) / RUNS}",
                "run the same command with --resume to go on from there",
            ) from None


def _aloud(task: str, data: Path, label: str | None, group: str | None, metric: str | None, *, is_quiet: bool) -> Aloud:
    from harness.own.aloud import Aloud
    from harness.own.read import Own

    return Aloud(Own(task, data, label, group), is_quiet=is_quiet, metric=metric)


def _plan(study: Study, running: Running, workers: int, place: Place, *, is_json: bool) -> None:
    from harness import plan

    made = _planned(study, _pace(study, running, workers), workers, place)
    if is_json:
        print_json("bench", plan.values(made))
    else:
        click.echo("\n".join(plan.lines(made)))


def _planned(study: Study, pace: Pace, workers: int, place: Place, seconds: float = math.inf) -> Plan:
    """Plan a study; without its phases if they are not foreseen in so many seconds."""
    from harness import plan
    from harness.clock import Turns
    from harness.ledger import Ledger
    from harness.own.beside import OutOfTime, within

    study = _with_published(study, place.published())
    known: dict[str, Outcome] = {}
    if place.ledger.exists():
        with Ledger.open(place.ledger, study.configuration(), resume=place.resume) as ledger:
            known = dict(ledger.results)
    try:
        with within(seconds):
            return plan.plan(study, known, pace.seconds, Turns(place.turns), workers)
    except OutOfTime:
        return plan.outline(study, known, pace.seconds, workers)


def _prepare_aloud(study: Study, running: Running, workers: int, place: Place, aloud: Aloud, end: float) -> Pace:
    """Say what a person's own data ask of a network, and how long that may take; return the pace it goes at."""
    from harness import plan

    aloud.compare(plugins.load("datasets", study.dataset), running, (end - time.monotonic()) / 60)
    pace = _pace_within(study, running, workers, end)
    if math.isinf(pace.start_s):
        aloud.plan([], 0.0)
    else:
        made = _planned(study, pace, workers, place, (end - time.monotonic()) / PLAN_SHARE)
        aloud.plan(plan.lines(made), end - time.monotonic())
    return pace


def _pace_within(study: Study, running: Running, workers: int, end: float) -> Pace:
    """Measure the pace; if the time is up before, any training takes too long, and what is on record answers."""
    from harness.own.beside import OutOfTime, within
    from harness.pace import Pace

    try:
        with within(end - time.monotonic()):
            return _pace(study, running, workers)
    except OutOfTime:
        return Pace(start_s=math.inf, step_s=0.0, flop_s=0.0)


def _bench(
    study: Study, running: Running, workers: int, place: Place, aloud: Aloud | None, *, end: float, is_quiet: bool
) -> None:
    from harness.answer import tell
    from harness.clock import Clock, Turns
    from harness.investigation import Investigation
    from harness.ledger import Ledger
    from harness.procedure import drive
    from harness.progress import progress_line
    from harness.stage import Stage
    from harness.sweep import run_round
    from harness.train import packs, run_pack

    pace = None if aloud is None else _prepare_aloud(study, running, workers, place, aloud, end)
    published = place.published()
    asked = study
    study = _with_published(study, published)
    with Ledger.open(place.ledger, study.configuration(), resume=place.resume) as ledger:
        if ledger.note:
            click.echo(ledger.note, err=True)
        known = len(ledger.results)
        run = partial(run_pack, weights=place.folder / "weights")
        if pace is None and math.isfinite(end):
            pace = _pace_within(study, running, workers, end)

        def missing(trials: Sequence[Trial]) -> list[Trial]:
            return list({trial.key: trial for trial in trials if trial.key not in ledger.results}.values())

        def price(trials: Sequence[Trial]) -> float:
            return 0.0 if pace is None else pace.seconds(missing(trials))

        clock = Clock(end - time.monotonic(), price, Turns(place.turns))
        with progress_line(clock, is_quiet=is_quiet) as line:
            investigation = Investigation(study, line.show, clock)

            def round_(trials: list[Trial]) -> list[Outcome]:
                new, started = missing(trials), time.monotonic()
                outcomes = run_round(
                    trials, ledger=ledger, running=running, pack=partial(packs, workers=workers), run=run,
                    on_done=line.count_training,
                )  # fmt: skip
                if pace is not None and new:
                    pace.learn(new, time.monotonic() - started)
                line.count_round()
                return outcomes

            findings = drive(investigation.run(), round_)
            has_knee = findings.knee is not None
            stands = published.stands(place.root, findings.settled, knee=has_knee)
            if (findings.settled or has_knee) and (len(ledger.results) > known or not stands):
                line.show(Stage("exporting, measuring, writing the record"))
                baselines = None
                if aloud is not None:
                    baselines = aloud.baselines()
                    findings.notes += aloud.notes()
                _publish(investigation, findings, ledger, place, published, baselines)
    tell(investigation, findings, published.folder(place.root), asked, aloud)


def _with_published(study: Study, published: Published) -> Study:
    """Ask for what is published, too: a record is written whole."""
    targets = tuple(sorted({*study.targets, *published.targets}))
    return replace(study, targets=targets, knee=study.knee or published.knee)


def _pace(study: Study, running: Running, workers: int) -> Pace:
    """Measure how long trainings of the question take, on a small and a middling shape."""
    from harness.investigation import Investigation
    from harness.pace import probe
    from harness.search.base import Setting

    investigation = Investigation(study)
    space = investigation.space
    ranked = sorted(space.shapes, key=lambda shape: space.flops[shape])
    shapes = (ranked[0], ranked[len(ranked) // 2])
    template = investigation.trial(Setting(shapes[0], space.rates[0], space.steps[0]))
    return probe(template, shapes, running, workers)


def _publish(
    investigation: Investigation,
    findings: Findings,
    ledger: Ledger,
    place: Place,
    published: Published,
    baselines: list[dict[str, Any]] | None,
) -> None:
    from harness.publish import publication, record_id
    from registry.store import Store, record_hash
    from registry.validate import examine

    store, study, weights = Store(place.root), investigation.study, place.folder / "weights"
    own = record_id(study)
    latest = store.next_version(own) - 1
    version = latest + 1 if f"{own}@{latest}" in store.released() else max(1, latest)
    command = _command(replace(study, targets=findings.settled, knee=findings.knee is not None))
    made = publication(investigation, findings, ledger, weights, version=version, command=command, baselines=baselines)
    faults = examine(made.record, made.files)
    if faults:
        raise InvalidRecord(f"the record breaks {len(faults)} of its own rules and is not written: {faults[0]}")
    written = store.replace(made.record, made.files)
    knee = findings.knee is not None
    published.write(written, place.root, record_hash(made.record), findings.settled, knee=knee)


def _targets(
    task: str,
    accuracies: tuple[list[float], ...],
    targets: tuple[parse.Target, ...],
    *,
    metric: str | None = None,
    knee: bool = False,
) -> tuple[float, ...]:
    """Return every target, checked; all are in one metric."""
    from harness.metrics import scored

    asked = [*(target.value for target in targets), *(value for values in accuracies for value in values)]
    if not asked and not knee:
        raise UsageError("give a target with --target-acc A or --target METRIC=VALUE, or --knee")
    for value in asked:
        scored(task, metric).check_target(value)
    return tuple(sorted(set(asked)))


def _command(study: Study) -> str:
    """Return the command that makes this record, the same however it was called."""
    from harness.metrics import scored

    data = plugins.load("datasets", study.dataset)
    source = ["--data", "PATH"] if data.private else ["--dataset", study.dataset]
    words = ["guides", "bench", "--task", study.task, *source, "--family", study.family]
    metric = scored(study.task, study.metric).metric.name
    if study.targets and metric == "accuracy":
        words += ["--target-acc", ",".join(f"{target:.12g}" for target in study.targets)]
    else:
        words += [word for target in study.targets for word in ("--target", f"{metric}={target:.12g}")]
    words += ["--knee"] if study.knee else []
    words += ["--metric", study.metric] if study.metric is not None and not study.targets else []
    words += ["--search", study.search, "--seed", str(study.seed)]
    return shlex.join(words)
