"""The knee: the smallest shape whose error is within 1.1 x the width floor, a size that needs no target.

The width floor, the error that is left however wide a network of this family is, is estimated by a reference: the wide
end of every ladder is trained and tuned on validation, and the setting with least error there is measured once, with
fresh seeds, on the test split. From its median error follows a limit, and the limit is a target like any other: the
same search, the same certification, the same bracket.

Where time is short the reference is looked for with fewer steps, and so is the knee: a network that had more of them
might come within the limit by these alone. What is refuted has four times its own, as everywhere.

The limit is as uncertain as the reference's median; the record keeps the runs and so its interval. That a network is
within the limit is claimed with the confidence of every certification, since no run serves both.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, final

from harness.bracket import Answer, Bracket
from harness.certify import SEEDS, Attempt, Tested, fresh_trials, tested
from harness.datasets.base import Dataset
from harness.procedure import CUT, Procedure, together
from harness.reference import IN_VAIN, REDUCED, Reference, find_reference
from harness.search.base import History, Test, median_error
from harness.stage import Stage
from harness.tasks.base import Task
from harness.trial import Outcome, Shape, Trial
from registry.statistics import KNEE, knee_limit, meets

if TYPE_CHECKING:
    from harness.investigation import Investigation

HELD: Final = "knee: held to "


@final
@dataclass
class Knee:
    """What came of looking for the knee.

    Attributes:
        reference: Fresh runs of the network that stands for the widest.
        limit: What the knee is held to, in the metric's unit.
        notes: What a reader should know before trusting the limit.
        attempts: Certifications.
        answer: The knee; None where nothing was certified.
        is_bracketed: Whether there was time for all of the bracket.
        reason: Why nothing was certified.
    """

    reference: Tested
    limit: float
    notes: list[str]
    attempts: list[Attempt] = field(default_factory=list)
    answer: Answer | None = None
    is_bracketed: bool = True
    reason: str = ""

    def validation_target(self, task: Task, dataset: Dataset) -> float:
        """Return the limit that follows from the reference's errors on validation, where the test split has no say."""
        middle = task.metric_from_error(min(median_error(_val_errors(self.reference.outcomes)), task.worst_error))
        return knee_limit(middle, task.metric.direction, _items(task, len(dataset.val())))


def find_knee(study: Investigation, notes: list[str]) -> Procedure[Knee | None]:
    """Measure the reference; then search, certify and bracket the smallest shape within 1.1 x its error.

    The search is for shapes cheaper than the reference. Of it the strategy knows the fresh runs, which tell how
    validation and test split differ, but not the trainings of the wide ends: they would count as effort spent on the
    small ones. Where nothing cheaper is certified the reference's own setting is tried, with fresh seeds; but where
    wider ones were left out for want of time there is no knee then, which may be anywhere above.

    Args:
        study: Its targets do not matter; what it has trained before counts for the reference and the bracket. Its clock
            never shortens what the limit follows from: the reference is measured whole or not at all. Afterwards its
            space has no more steps than the reference was looked for with.
        notes: Where there is no knee for want of time, receives what it was held to: runs for that limit are on record.

    Returns:
        The knee; None where the time was up before it was known whether there is one.
    """
    [measured] = yield from together([_measure_reference(study)], study.clock.fits)
    if measured is CUT:
        notes += _earlier(study)
        return None
    chosen, trials, outcomes = measured
    setting, task, data = chosen.setting, study.task, study.dataset
    study.space = replace(study.space, steps=chosen.steps)
    reference = tested(trials, outcomes, task)
    middle = statistics.median(reference.values)
    n_items = _items(task, len(data.test()))
    limit = knee_limit(middle, task.metric.direction, n_items)
    held = _held_to(limit, middle, setting.shape, task)
    if study.clock.is_limited and study.clock.taken(REDUCED):
        study.clock.take(held)
    said = [held, *_earlier(study, held)]
    knee = Knee(reference, limit, [*said, *chosen.notes])
    if n_items is not None:
        knee.notes += too_coarse(task.target_to_error(middle) * n_items, n_items)
    if meets(task.chance(data), limit, task.metric.direction):
        knee.reason = "the best constant answer is within the limit: no network learns here"
        return knee
    met = Test(setting, _val_errors(outcomes), tuple(map(task.target_to_error, reference.values)), certified=True)
    found = yield from study.search(limit, knee.attempts, History(tests=(met,)))
    certified = found.certified is not None
    if found.is_cut and not certified:
        notes += said
        return None
    if found.is_cut:
        early = "certified before its search had ended, for want of time"
        knee.notes.append(f"knee: {early}; {study.guess(limit, found)} then")
    if not certified and chosen.reduced:
        study.clock.take(f"{IN_VAIN}{chosen.reduced}")
        notes += [*said, "knee: nothing cheaper than its reference is within the limit, and a wider one was not tried"]
        return None
    if not certified and all(attempt.test.trial.shape != setting.shape for attempt in knee.attempts):
        own = study.bench(limit).attempt(trials[0], len(knee.attempts) + 1)
        [attempt] = yield from together([own], study.clock.fits)
        if attempt is CUT:
            notes += said
            return None
        knee.attempts.append(attempt)
        certified = attempt.certified
    if not certified:
        knee.reason = "not enough fresh runs are within the limit, of the reference's shape neither"
        return knee
    study.say(Stage("knee: bracketing"))
    bracket = Bracket(study, limit, knee.attempts)
    [whole] = yield from together([bracket.run()], study.clock.fits)
    knee.answer, knee.is_bracketed = bracket.answer(), whole is not CUT
    knee.notes += _overtaken(knee, task)
    return knee


def _measure_reference(study: Investigation) -> Procedure[tuple[Reference, list[Trial], list[Outcome]]]:
    """Find the reference; return it, its fresh runs and what came of them."""
    chosen = yield from find_reference(study)
    trials = fresh_trials(study.trial(chosen.setting), "certify", SEEDS, study.study.seed, None)
    outcomes = yield trials
    return chosen, trials, outcomes


def _val_errors(outcomes: Iterable[Outcome]) -> tuple[float, ...]:
    return tuple(math.inf if o.val_error is None else o.val_error for o in outcomes)


def _overtaken(knee: Knee, task: Task) -> list[str]:
    """Say which certified shape has less test error than the reference, if one has: the floor was put too high."""
    tests = [attempt.test for attempt in knee.attempts if attempt.certified]
    best = min(tests, key=lambda test: task.target_to_error(statistics.median(test.values)))
    middle = statistics.median(best.values)
    if meets(statistics.median(knee.reference.values), middle, task.metric.direction):
        return []
    return [
        f"knee: {best.trial.shape} has less test error than its reference (median {middle:.6g}), which validation did "
        "not foresee: the width floor is lower, and the knee of a better reference may be larger"
    ]


def _earlier(study: Investigation, held: str = "") -> list[str]:
    """Say what earlier runs, with less time and so another reference, held the knee to: their runs are on record."""
    others = [turn for turn in study.clock.taken(HELD) if turn != held]
    return [f"knee: earlier, with less time, held to {turn.removeprefix(HELD)}" for turn in others]


def _held_to(limit: float, middle: float, shape: Shape, task: Task) -> str:
    side = "at least" if task.metric.direction == "higher" else "at most"
    return (
        f"{HELD}{task.metric.name} {side} {limit:.12g}, {KNEE:g} x the error of {shape} (median {middle:.6g}), "
        "the best by validation of all widths that were tried"
    )


def too_coarse(n_wrong: float, n_items: int) -> list[str]:
    """Say where the test split is too small to tell 1.1 x from 1 x: no more items wrong than the reference has."""
    if math.floor(KNEE * (n_wrong + 0.5) * n_items / (n_items + 1)) > math.floor(n_wrong):
        return []
    return [
        f"knee: its reference has {n_wrong:g} of {n_items:,} test items wrong (median run), so {KNEE:g} x that is no "
        "whole item more: the knee is as good as the reference, as far as these items can tell"
    ]


def _items(task: Task, n: int) -> int | None:
    """Return ``n`` where the error is a share of items: then a median counts whole items, and 0 wrong is not 0."""
    return n if task.counts else None
