"""`guides bench`: train, shrink, measure and certify; write a guideline record."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import click

from harness import plugins
from registry import parse
from registry.errors import Interrupted, InvalidRecord, NoAnswer, UsageError
from registry.options import Reading, examples, quiet
from registry.roots import OWN_FOLDER
from registry.statistics import meets

if TYPE_CHECKING:
    from harness.executors.base import Running
    from harness.knee import Knee
    from harness.ledger import Ledger
    from harness.study import Findings, Investigation, Study
    from harness.trial import Outcome, Trial

RUNS: Final = ".runs"
PRELOAD: Final = ("harness.train",)


@click.command(
    "bench",
    short_help="Train, shrink, measure and certify: make a guideline.",
    epilog=examples(
        "guides bench --task image-cls --dataset digits --family mlp --target-acc 0.95",
        "guides bench --task tabular-cls --dataset wine --family mlp --target-acc 0.9,0.95 --resume",
    ),
)
@click.option("--task", required=True, metavar="TASK", help="Task category, for example image-cls.")
@click.option("--dataset", required=True, metavar="D", help="Data set, for example digits.")
@click.option("--family", required=True, metavar="F", help="Network family, for example mlp.")
@click.option(
    "--target-acc",
    "accuracies",
    multiple=True,
    type=Reading("accuracy", parse.accuracies),
    metavar="A",
    help="Accuracy as a fraction (repeatable, or commas).",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    type=Reading("target", parse.target),
    metavar="METRIC=VALUE",
    help="Any other metric (repeatable).",
)
@click.option("--knee", is_flag=True, help="Find the size beyond which width hardly helps, too: needs no target.")
@click.option("--search", default="pooled", show_default=True, metavar="S", help="Search strategy.")
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
    dataset: str,
    family: str,
    accuracies: tuple[list[float], ...],
    targets: tuple[parse.Target, ...],
    knee: bool,
    search: str,
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
    plugins.load("tasks", task)
    for seam, name in (("datasets", dataset), ("families", family), ("search", search), ("executors", executor)):
        if name not in plugins.names(seam):
            plugins.load(seam, name)  # raises, with the closest name
    asked = _targets(task, accuracies, targets, knee=knee)
    workers = workers or _cores()
    with plugins.load("executors", executor).open(workers, preload=PRELOAD) as running:
        from harness.study import Study

        study = Study(task, dataset, family, asked, search, seed, knee)
        _check(study)
        try:
            _bench(study, running, workers, Path(out), resume=resume, is_quiet=quiet)
        except KeyboardInterrupt:  # between rounds, or while the record is made
            raise Interrupted(
                f"interrupted: what was trained is recorded below {Path(out) / RUNS}",
                "run the same command with --resume to go on from there",
            ) from None


def _bench(study: Study, running: Running, workers: int, root: Path, *, resume: bool, is_quiet: bool) -> None:
    from harness.ledger import Ledger, configuration_hash
    from harness.procedure import drive
    from harness.study import Investigation
    from harness.sweep import run_round
    from harness.train import packs, run_pack

    folder = root / RUNS / configuration_hash(study.configuration())
    published = _Published(folder / "published.json")
    asked = study
    targets = tuple(sorted({*study.targets, *published.targets}))
    study = replace(study, targets=targets, knee=study.knee or published.knee)
    with Ledger.open(folder / "ledger.jsonl", study.configuration(), resume=resume) as ledger:
        if ledger.note:
            click.echo(ledger.note, err=True)
        known = len(ledger.results)
        run = partial(run_pack, weights=folder / "weights")
        with _progress(is_quiet) as (say, count):
            investigation = Investigation(study, say)

            def round_(trials: list[Trial]) -> list[Outcome]:
                return run_round(
                    trials, ledger=ledger, running=running, pack=partial(packs, workers=workers), run=run, on_done=count
                )

            findings = drive(investigation.run(), round_)
            if len(ledger.results) > known or not published.stands(root, study):
                say("exporting, measuring, writing the record")
                _publish(investigation, findings, ledger, folder, root, published)
    _report(investigation, findings, published.folder(root), asked)


class _Published:
    """What this question has published so far: a small file in its run folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            values = json.loads(path.read_bytes())
            self.targets = tuple(float(target) for target in values["targets"])
            self.knee = values["knee"] is True
            self._hash, self._place = str(values["record_hash"]), str(values["place"])
        except (OSError, ValueError, KeyError, TypeError):  # none yet, or half a file: the record is made again
            self.targets, self.knee, self._hash, self._place = (), False, "", ""

    def folder(self, root: Path) -> Path:
        """Return the record's folder."""
        return root / self._place

    def stands(self, root: Path, study: Study) -> bool:
        """Say whether the record is still there as written and answers all that ``study`` asks."""
        import hashlib

        try:
            found = hashlib.sha256((self.folder(root) / "guideline.json").read_bytes()).hexdigest()
        except OSError:
            return False
        return found == self._hash and set(study.targets) <= set(self.targets) and study.knee <= self.knee

    def write(self, place: Path, root: Path, record_hash: str, study: Study) -> None:
        """Note what was published."""
        self.targets, self.knee = study.targets, study.knee
        self._hash, self._place = record_hash, place.relative_to(root).as_posix()
        values = {"targets": self.targets, "knee": self.knee, "record_hash": record_hash, "place": self._place}
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(values) + "\n")
        temporary.replace(self._path)


def _publish(
    investigation: Investigation, findings: Findings, ledger: Ledger, folder: Path, root: Path, published: _Published
) -> None:
    from harness.publish import publication
    from registry.store import Store, record_hash
    from registry.validate import examine

    store, study = Store(root), investigation.study
    record_id = f"{study.task}/{study.dataset}/{study.family}"
    latest = store.next_version(record_id) - 1
    version = latest + 1 if f"{record_id}@{latest}" in store.released() else max(1, latest)
    made = publication(investigation, findings, ledger, folder / "weights", version=version, command=_command(study))
    faults = examine(made.record, made.files)
    if faults:
        raise InvalidRecord(f"the record breaks {len(faults)} of its own rules and is not written: {faults[0]}")
    place = store.replace(made.record, made.files)
    published.write(place, root, record_hash(made.record), study)


def _report(investigation: Investigation, findings: Findings, place: Path, asked: Study) -> None:
    """Print one line an answer; raise for what was asked now and is not certified."""
    task, metric = investigation.task, investigation.task.metric.name
    for answer in findings.answers:
        shape, test = answer.test.trial.shape, answer.test
        click.echo(
            f"{metric} {answer.target:g}: {shape}, {answer.test.trial.route}, {investigation.params(shape):,} params; "
            f"{test.n_meeting(answer.target, task)} of {len(test.trials)} fresh runs meet it"
        )
    misses = [miss for miss in findings.misses if miss.target in asked.targets]
    for miss in misses:
        test = miss.nearest
        click.echo(
            f"{metric} {miss.target:g}: not certified, {miss.reason}; the nearest is {test.trial.shape} with median "
            f"{median(test.values):.4f}, {test.n_meeting(miss.target, task)} of {len(test.trials)} fresh runs meet it"
        )
    missed = [f"{miss.target:g}" for miss in misses]
    if findings.knee is not None:
        click.echo(_knee_line(investigation, findings.knee))
        missed += ["the knee"] if asked.knee and findings.knee.answer is None else []
    click.echo(f"record: {place}")
    if missed:
        raise NoAnswer(
            f"not certified: {metric} " + ", ".join(missed),
            "the record holds what was certified; more data or another family may reach the rest",
        )


def _knee_line(investigation: Investigation, knee: Knee) -> str:
    task, reference = investigation.task, knee.reference
    best = f"1.1 x the error of {reference.trial.shape} (median {task.metric.name} {median(reference.values):.4f})"
    if knee.answer is None:
        return f"knee: not certified, {knee.reason}; it was held to {best}"
    test = knee.answer.test
    shape, n_meeting = test.trial.shape, test.n_meeting(knee.limit, task)
    size = f"{shape}, {investigation.params(shape):,} params"
    return f"knee: {size}; {n_meeting} of {len(test.trials)} fresh runs are within {best}"


def _targets(
    task: str, accuracies: tuple[list[float], ...], targets: tuple[parse.Target, ...], *, knee: bool = False
) -> tuple[float, ...]:
    """Return every target in the task's metric, checked."""
    found = plugins.load("tasks", task)
    metric = found.metric.name
    asked = [*targets, *(parse.Target("accuracy", value) for values in accuracies for value in values)]
    if not asked and not knee:
        raise UsageError("give a target with --target-acc A or --target METRIC=VALUE, or --knee")
    for target in asked:
        if target.metric != metric:
            raise UsageError(
                f"task {task} is scored by {metric}, not by {target.metric}", f"use --target {metric}=VALUE"
            )
        found.check_target(target.value)
    return tuple(sorted({target.value for target in asked}))


def _check(study: Study) -> None:
    """Refuse a data set of another task, a family that does not fit, or a target that needs no network."""
    data = plugins.load("datasets", study.dataset)
    if data.task != study.task:
        fitting = [n for n in plugins.names("datasets") if plugins.load("datasets", n).task == study.task]
        raise UsageError(
            f"data set {study.dataset} is for task {data.task}, not {study.task}",
            f"data sets of {study.task}: {', '.join(fitting)}",
        )
    families = {name: plugins.load("families", name) for name in plugins.names("families")}
    fitting = [n for n, f in families.items() if study.task in f.tasks and f.fits(data.input_shape)]
    if study.family not in fitting:
        raise UsageError(
            f"family {study.family} does not fit {study.task} on {study.dataset}",
            f"those that fit: {', '.join(fitting)}",
        )

    task = plugins.load("tasks", study.task)
    chance = task.chance(data)
    for target in study.targets:
        if meets(chance, target, task.metric.direction):
            raise UsageError(
                f"target {task.metric.name} {target:g} needs no network: on {study.dataset} the best constant answer "
                f"reaches {chance:.3f}"
            )


def _command(study: Study) -> str:
    """Return the command that makes this record, the same however it was called."""
    words = ["guides", "bench", "--task", study.task, "--dataset", study.dataset, "--family", study.family]
    metric = plugins.load("tasks", study.task).metric.name
    if study.targets and metric == "accuracy":
        words += ["--target-acc", ",".join(f"{target:.12g}" for target in study.targets)]
    else:
        words += [word for target in study.targets for word in ("--target", f"{metric}={target:.12g}")]
    words += ["--knee"] if study.knee else []
    words += ["--search", study.search, "--seed", str(study.seed)]
    return shlex.join(words)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


@contextmanager
def _progress(is_quiet: bool) -> Iterator[tuple[Callable[[str], None], Callable[[Trial, Outcome], None]]]:
    """Show what is being done and how many trainings have ended, on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (BarColumn(bar_width=12), TextColumn("{task.completed:,.0f} trainings"), TimeElapsedColumn())
    with Progress(
        *columns, TextColumn("{task.description}"), console=console, transient=True,
        disable=is_quiet or not console.is_terminal,
    ) as bar:  # fmt: skip
        line = bar.add_task("starting", total=None)
        yield (
            lambda words: bar.update(line, description=words),
            lambda _trial, _outcome: bar.advance(line),
        )
