"""The rule that a record's figures are those of its runs: each one is found again in the trials file."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, final

from registry.answers import NO_BRACKET
from registry.errors import GuidesError
from registry.metrics import FURTHER, family_of
from registry.outcomes import TOLD, metric_of, unpack, worst_row
from registry.rules.classes import class_sizes
from registry.rules.record import ANSWERS_LIMIT, Problem, Record, aim
from registry.rules.runs import Run, Series, Trial, in_series
from registry.schema import (
    Attempt,
    BracketPoint,
    KneePoint,
    Law,
    LawPoint,
    MeasuredGuideline,
    MeasuredPoint,
    Shape,
    TestResult,
)
from registry.statistics import best_of_3, meets

# A shape that was to be refuted may turn out to meet the target: its bracketing runs are then an attempt, too.
_ATTEMPTING: Final = ("certify", "bracket")
# Begin notes on a law that time was short for: other runs may have tried more steps of a part of its grid
HASTY: Final = ("law: for want of time ", "law: the time was up ")


def evidence(record: Record) -> Iterator[Problem]:
    """Every frontier, knee, attempt, bracket, law and cost figure is that of runs in the trials file."""
    measured = record.measured
    if measured is None:
        return
    runs = record.runs
    if runs is None:
        return
    yield from _protocol(measured, runs)
    yield from _cost(measured, runs)
    yield from _bracketed(record, measured, runs)
    n_test = measured.question.dataset.n_test
    if n_test is None or record.n_answers() > ANSWERS_LIMIT or next(class_sizes(measured), None):  # R-OUTCOMES says so
        return
    archive = _Archive(measured, in_series(runs), n_test)
    for field, point in record.points():
        yield from archive.point(field, point)
    if measured.law is not None:
        yield from archive.law(measured.law)


def _protocol(measured: MeasuredGuideline, runs: Sequence[Run]) -> Iterator[Problem]:
    """All runs are of this record's data set, family and recipe, on no more examples than there are."""
    _, dataset, folder = measured.id.split("/")
    metric = measured.question.metric.name
    scored = metric if metric in FURTHER else None
    said = (
        ("question.dataset.id", dataset, {run.trial.dataset for run in runs}),
        ("id", family_of(folder, metric), {run.trial.family for run in runs}),
        ("question.metric.name", scored, {run.trial.metric for run in runs}),
        ("recipe.batch_size", measured.recipe.batch_size, {run.trial.batch_size for run in runs}),
    )
    for field, value, found in said:
        if found - {value}:
            yield Problem(field, f"is {value}, but runs have {', '.join(map(str, sorted(found - {value}, key=str)))}")
    most, n_train = max((run.trial.n_train for run in runs), default=0), measured.question.dataset.n_train
    if n_train is not None and most > n_train:
        yield Problem("question.dataset.n_train", f"is {n_train}, but a run trained on {most}")


def _cost(measured: MeasuredGuideline, runs: Sequence[Run]) -> Iterator[Problem]:
    cost = measured.cost
    if cost.n_trials != len(runs):
        yield Problem("cost.n_trials", f"is {cost.n_trials}, but there are {len(runs)} runs")
    flops = math.fsum(run.outcome.train_flops for run in runs)
    if not _same(cost.train_flops, flops):
        yield Problem("cost.train_flops", f"is {cost.train_flops:.9g}, but the runs sum to {flops:.9g}")
    seconds = math.fsum(run.outcome.wall_s for run in runs)
    if not math.isclose(cost.wall_s, seconds, abs_tol=1e-3):
        yield Problem("cost.wall_s", f"is {cost.wall_s:g}, but the runs sum to {seconds:.3f}")


def _bracketed(record: Record, measured: MeasuredGuideline, runs: Sequence[Run]) -> Iterator[Problem]:
    """An answer without a bracket is the smallest there is, or a note says that its bracket was left out.

    The smallest: no run is of a shape that is known to be cheaper. Of two shapes that differ by their width alone the
    narrower one is.
    """
    params: dict[Shape, int] = {}
    for _, point in record.points():
        params[point.shape] = point.params
        params |= {attempt.shape: attempt.params for attempt in point.attempts}
        params |= {cheaper.shape: cheaper.params for cheaper in point.bracket}
    shapes: dict[str, set[Shape]] = {}
    for run in runs:
        shapes.setdefault(run.trial.route, set()).add(run.trial.shape)
    for field, point in record.points():
        aim = "knee" if point.target is None else f"target {point.target:g}"
        left_out = f"{NO_BRACKET} {aim}, {point.route}:"
        if point.bracket or any(note.startswith(left_out) for note in measured.notes):
            continue
        for shape in sorted(shapes.get(point.route, ()), key=lambda one: (one.depth, one.width)):
            narrower = shape.width < point.shape.width and shape == point.shape.model_copy(
                update={"width": shape.width}
            )
            if narrower or (point.route == "scratch" and params.get(shape, point.params) < point.params):
                said = f"is empty, but runs have the cheaper shape of width {shape.width} and depth {shape.depth}"
                yield Problem(f"{field}.bracket", said)
                break


@final
class _Values(NamedTuple):
    """The test results of a series: each run's row of outcomes, and its metric."""

    rows: list[bytes]
    metrics: list[float]


@final
class _Archive:
    """The tested and the tuning runs of a record, to look its figures up in."""

    def __init__(self, measured: MeasuredGuideline, series: Sequence[Series], n_test: int) -> None:
        metric = measured.question.metric
        self._series = series
        self._known: dict[str, _Values] = {}
        self._n_test = n_test
        self._direction = metric.direction
        self._metric = metric.name
        self._sizes = measured.question.dataset.n_test_by_class or ()
        self._is_hasty = any(note.startswith(HASTY) for note in measured.notes)
        self._is_told = metric.name in TOLD  # another metric needs more than outcomes

    def point(self, field: str, point: MeasuredPoint) -> Iterator[Problem]:
        alike = [one for one in self._of(point, _ATTEMPTING) if _trained_as(one.trial, point)]
        found = self._best(alike, point.test)
        if found is None:
            kind = "route, shape, n_train, steps, learning rate and weight decay"
            yield Problem(field, f"no tested runs have its {kind}")
        else:
            yield from self._result(f"{field}.test", found, point.test)
            flops = {run.outcome.train_flops for run in found.runs if run.outcome.status == "ok"}
            if point.train_flops is not None and any(not _same(point.train_flops, one) for one in flops):
                listed = ", ".join(f"{one:.9g}" for one in sorted(flops))
                yield Problem(f"{field}.train_flops", f"is {point.train_flops:.9g}, but its runs took {listed}")
        for j, attempt in enumerate(point.attempts):
            yield from self._attempt(f"{field}.attempts.{j}", attempt, point)
        for j, cheaper in enumerate(point.bracket):
            yield from self._bracket(f"{field}.bracket.{j}", cheaper, point)
        if isinstance(point, KneePoint):
            yield from self._reference(f"{field}.reference", point, found)

    def law(self, law: Law) -> Iterator[Problem]:
        """Each point is the mean of one learning rate's tuning runs; one that is not capped was tried for longer.

        One that is capped was not, but where a note says that time was short.
        """
        for i, point in enumerate(law.points):
            shape = _shape_of(law, point)
            cells = [
                one
                for one in self._series
                if (one.trial.phase, one.trial.shape, one.trial.n_train) == ("tune", shape, point.n_train)
            ]
            errors = [
                _val_errors(one)
                for one in cells
                if one.trial.steps == point.steps and point.learning_rate in (None, one.trial.learning_rate)
            ]
            if not any(
                len(each) == point.n_seeds
                and _same(point.error, statistics.fmean(each))
                and (len(each) < 2 or _same(point.sd, statistics.stdev(each)))
                for each in errors
                if each
            ):
                yield Problem(f"law.points.{i}", "no tuning runs have its n_train, steps, n_seeds, error and sd")
            longer = any(one.trial.steps > point.steps for one in cells)
            if point.capped == longer and not (longer and self._is_hasty):
                said = "is true, but more" if point.capped else "is false, but no more"
                yield Problem(f"law.points.{i}.capped", f"{said} steps were tried")

    def _of(self, point: MeasuredPoint, phases: Sequence[str]) -> Iterator[Series]:
        """Yield the tested series of the point's route and n_train."""
        for one in self._series:
            trial = one.trial
            if trial.tested and trial.phase in phases and (trial.route, trial.n_train) == (point.route, point.n_train):
                yield one

    def _best(self, alike: Iterable[Series], test: TestResult) -> Series | None:
        """Return the series whose outcomes are those of ``test``, or else the longest; None where there is none."""
        alike = list(alike)
        exact = (one for one in alike if self._agrees(one, test))
        return next(exact, None) or max(alike, key=lambda one: len(one.runs), default=None)

    def _agrees(self, series: Series, test: TestResult) -> bool:
        try:
            return self._values(series).rows == unpack(test.outcomes, test.n_seeds, self._n_test, self._metric)
        except GuidesError:
            return False

    def _values(self, series: Series) -> _Values:
        """Return the test results of a series, unpacked once however many figures rest on them."""
        first = series.runs[0].key
        if first not in self._known:
            worst, n_test, metric = worst_row(self._n_test, self._metric), self._n_test, self._metric
            packed = [run.outcome.test_outcomes for run in series.runs]
            rows = [worst if text is None else unpack(text, 1, n_test, metric)[0] for text in packed]
            self._known[first] = _Values(rows, [metric_of(row, n_test, metric, self._sizes) for row in rows])
        return self._known[first]

    def _result(self, field: str, series: Series, test: TestResult) -> Iterator[Problem]:
        """Compare a ``test`` group with its runs: all of one sequence of seeds."""
        runs = series.runs
        if len(runs) != test.n_seeds:
            yield Problem(f"{field}.n_seeds", f"is {test.n_seeds}, but there are {len(runs)} such runs")
            return
        diverged = sum(run.outcome.status != "ok" for run in runs)
        if test.n_diverged != diverged:
            yield Problem(f"{field}.n_diverged", f"is {test.n_diverged}, but {diverged} of its runs diverged")
        try:
            values = self._values(series)
            rows, metrics = values.rows[: len(runs)], values.metrics[: len(runs)]
            said = unpack(test.outcomes, test.n_seeds, self._n_test, self._metric)
            best = best_of_3(metrics, [run.outcome.val_error for run in runs])
        except GuidesError as error:
            yield Problem(f"{field}.outcomes", error.message)
            return
        if rows != said:
            yield Problem(f"{field}.outcomes", "are not those of its runs")
        elif self._is_told and not _same(test.best_of_3, best):
            yield Problem(f"{field}.best_of_3", f"is {test.best_of_3:.6g}, but its runs give {best:.6g}")

    def _attempt(self, field: str, attempt: Attempt, point: MeasuredPoint) -> Iterator[Problem]:
        wanted = (attempt.shape, attempt.steps, attempt.learning_rate)
        alike = [
            one
            for one in self._of(point, _ATTEMPTING)
            if (one.trial.shape, one.trial.steps, one.trial.learning_rate) == wanted
        ]
        counts = {len(one.runs) for one in alike}
        if attempt.n_seeds not in counts:
            there = " or ".join(map(str, sorted(counts))) or "no"
            yield Problem(f"{field}.n_seeds", f"is {attempt.n_seeds}, but there are {there} such runs")
        elif self._is_told and (target := aim(point)) is not None:
            meeting = {self._n_meeting(one, target) for one in alike if len(one.runs) == attempt.n_seeds}
            if attempt.n_meeting not in meeting:
                there = " or ".join(map(str, sorted(meeting)))
                yield Problem(f"{field}.n_meeting", f"is {attempt.n_meeting}, but {there} of its runs meet the target")

    def _reference(self, field: str, point: KneePoint, certified: Series | None) -> Iterator[Problem]:
        """A knee's reference was tried on validation before, and measured by runs that certify nothing."""
        reference = point.reference
        wanted = (point.n_train, "scratch", reference.shape, reference.steps, reference.learning_rate)
        alike = [
            one
            for one in self._series
            if (one.trial.n_train, one.trial.route, one.trial.shape, one.trial.steps, one.trial.learning_rate) == wanted
        ]
        if not any(not one.trial.tested for one in alike):
            yield Problem(field, "no runs that read validation alone have its shape, n_train, steps and learning rate")
        tested = [one for one in alike if one.trial.tested and one.trial.phase == "certify"]
        found = self._best([one for one in tested if one is not certified], reference.test)
        if found is None:
            yield Problem(
                field, "no tested runs but those of the knee have its shape, n_train, steps and learning rate"
            )
        else:
            yield from self._result(f"{field}.test", found, reference.test)

    def _n_meeting(self, series: Series, target: float) -> int:
        try:
            return sum(meets(value, target, self._direction) for value in self._values(series).metrics)
        except GuidesError:  # damaged outcomes meet nothing: the answer that rests on them is found out by itself
            return 0

    def _bracket(self, field: str, cheaper: BracketPoint, point: MeasuredPoint) -> Iterator[Problem]:
        settled, *longer = cheaper.steps_tried
        alike = [
            one
            for one in self._of(point, ("bracket",))
            if (one.trial.shape, one.trial.steps) == (cheaper.shape, settled)
        ]
        found = self._best(alike, cheaper.test)
        if found is None:
            yield Problem(field, f"no bracketing runs have its shape and {settled} steps")
            return
        yield from self._result(f"{field}.test", found, cheaper.test)
        if cheaper.test_longer is None or not longer:
            return
        also = self._best(
            [one for one in self._series if one.trial == found.trial.model_copy(update={"steps": longer[0]})],
            cheaper.test_longer,
        )
        if also is None:
            yield Problem(f"{field}.test_longer", f"no bracketing runs have its shape and {longer[0]} steps")
        else:
            yield from self._result(f"{field}.test_longer", also, cheaper.test_longer)


def _trained_as(trial: Trial, point: MeasuredPoint) -> bool:
    """Say whether ``trial`` describes how the point was trained."""
    parent = None if trial.pruned_from is None else trial.pruned_from.shape
    return (trial.shape, parent, trial.steps, trial.learning_rate, trial.weight_decay) == (
        point.shape,
        point.pruned_from,
        point.steps,
        point.learning_rate,
        point.weight_decay,
    )


def _shape_of(law: Law, point: LawPoint) -> Shape | None:
    """Return the shape of a cell: its own where it says one, or else the law's."""
    if point.width is None or point.depth is None:
        return law.shape
    return Shape(width=point.width, depth=point.depth, resolution=point.resolution)


def _val_errors(series: Series) -> list[float]:
    return [run.outcome.val_error for run in series.runs if run.outcome.val_error is not None]


def _same(said: float, derived: float) -> bool:
    return math.isclose(said, derived, rel_tol=1e-9, abs_tol=1e-9)
