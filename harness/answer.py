"""What a study found, one line an answer, and how a command ends that was not answered whole."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from harness.own.beside import Point
from registry.errors import Inconclusive, NoAnswer

if TYPE_CHECKING:
    from harness.investigation import Investigation
    from harness.knee import Knee
    from harness.own.aloud import Aloud
    from harness.study import Findings, Study


def tell(investigation: Investigation, findings: Findings, place: Path, asked: Study, aloud: Aloud | None) -> None:
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
    if findings.knee is not None:
        click.echo(_knee_line(investigation, findings.knee))
    if findings.settled or findings.knee is not None:
        click.echo(f"record: {place}")
    if aloud is not None and (said := aloud.last_line(points_of(investigation, findings))):
        click.echo(said)
    unfinished = [guess for guess in findings.unfinished if guess.target in asked.targets]
    if unfinished or (asked.knee and findings.knee is None):
        words = (
            [f"{metric} {', '.join(f'{guess.target:g}' for guess in unfinished)} not certified"] if unfinished else []
        )
        words += [str(findings.unfinished[0])] if unfinished else ["no knee"]
        raise Inconclusive(
            f"not enough time: {'; '.join(words)}",
            "run the same command with --resume and more --minutes to go on from there",
        )
    missed = [f"{miss.target:g}" for miss in misses]
    missed += ["the knee"] if asked.knee and findings.knee is not None and findings.knee.answer is None else []
    if missed:
        raise NoAnswer(
            f"not certified: {metric} " + ", ".join(missed),
            "the record holds what was certified; more data or another family may reach the rest",
        )


def points_of(investigation: Investigation, findings: Findings) -> list[Point]:
    """Return every network that was certified, the knee's among them."""
    knee = [findings.knee.answer] if findings.knee is not None and findings.knee.answer is not None else []
    tests = [answer.test for answer in (*findings.answers, *knee)]
    shapes = [test.trial.shape for test in tests]
    return [
        Point(median(test.values), investigation.params(shape), str(shape))
        for test, shape in zip(tests, shapes, strict=True)
    ]


def _knee_line(investigation: Investigation, knee: Knee) -> str:
    task, reference = investigation.task, knee.reference
    best = f"1.1 x the error of {reference.trial.shape} (median {task.metric.name} {median(reference.values):.4f})"
    if knee.answer is None:
        return f"knee: not certified, {knee.reason}; it was held to {best}"
    test = knee.answer.test
    shape, n_meeting = test.trial.shape, test.n_meeting(knee.limit, task)
    size = f"{shape}, {investigation.params(shape):,} params"
    return f"knee: {size}; {n_meeting} of {len(test.trials)} fresh runs are within {best}"
