"""Certify shapes on the test split with fresh seeds, and bracket the answer from below.

A shape meets a target when 15 of its 20 fresh runs do: then the median run does, with 95 % confidence (exact sign
test). The test split decides whether a candidate is certified, and so which is tried next; it never chooses a rate, a
number of steps, a checkpoint or a seed: validation settles those before.
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, final

from harness.procedure import Procedure
from harness.tasks.base import Task
from harness.trial import Outcome, Trial
from registry.statistics import median_bounds, meets

SEEDS: Final = 20
VALIDATION_SEEDS: Final = 5
FEW_SEEDS: Final = 5
CLEAR: Final = 2  # of 20 meeting the target: so few that 5 longer runs decide
LONGER: Final = 4  # a refuted shape is still refuted at this many times the steps
WORST: Final = 1.0  # the error a diverged run counts with


@final
@dataclass(frozen=True)
class Tested:
    """Fresh runs of one shape with their test results.

    Attributes:
        trials: The runs, one a seed.
        outcomes: What came of each, in the same order.
        values: Test metric of each; a diverged run counts with its worst value.
    """

    trials: tuple[Trial, ...]
    outcomes: tuple[Outcome, ...]
    values: tuple[float, ...]

    @property
    def trial(self) -> Trial:
        """The first run: shape, rate and steps are the same in all."""
        return self.trials[0]

    def n_meeting(self, target: float, task: Task) -> int:
        """Count the runs that meet ``target``."""
        return sum(meets(value, target, task.metric.direction) for value in self.values)

    def verdict(self, target: float, task: Task) -> Literal["meets", "misses", "undecided"]:
        """Say whether the median fresh run meets ``target``, misses it, or neither with 95 % confidence."""
        low, high = median_bounds(self.values)
        worst, best = (low, high) if task.metric.direction == "higher" else (high, low)
        if meets(worst, target, task.metric.direction):
            return "meets"
        return "undecided" if meets(best, target, task.metric.direction) else "misses"


@final
@dataclass(frozen=True)
class Refutation:
    """A cheaper shape, measured at its settled steps and at 4 x as many."""

    settled: Tested
    longer: Tested

    @property
    def tests(self) -> tuple[Tested, Tested]:
        """Both measurements, fewer steps first."""
        return (self.settled, self.longer)

    def verdict(self, target: float, task: Task) -> Literal["refuted", "undecided"]:
        """Say refuted if both measurements miss ``target``."""
        missed = all(test.verdict(target, task) == "misses" for test in self.tests)
        return "refuted" if missed else "undecided"


def fresh_trials(template: Trial, phase: str, n_seeds: int, study_seed: int) -> list[Trial]:
    """Return ``n_seeds`` runs of ``template`` whose seeds nothing else uses: drawn from what is run and why."""
    text = f"{study_seed}/{phase}/{with_seed(replace(template, phase='', tested=False), 0).key}"
    base = int.from_bytes(hashlib.sha256(text.encode()).digest()[:5])
    return [with_seed(replace(template, phase=phase, tested=True), base + i) for i in range(n_seeds)]


def with_seed(trial: Trial, seed: int) -> Trial:
    """Return ``trial`` with another seed, what it is pruned from included."""
    parent = None if trial.pruned_from is None else with_seed(trial.pruned_from, seed)
    return replace(trial, seed=seed, pruned_from=parent)


def measure(template: Trial, phase: str, task: Task, study_seed: int, n_seeds: int = SEEDS) -> Procedure[Tested]:
    """Run ``template`` with fresh seeds and read the test split once for each."""
    trials = fresh_trials(template, phase, n_seeds, study_seed)
    outcomes = yield trials
    return tested(trials, outcomes, task)


def validate(template: Trial, study_seed: int, n_seeds: int = VALIDATION_SEEDS) -> Procedure[float]:
    """Return the median validation error of fresh runs; the test split is not read."""
    trials = [replace(t, tested=False) for t in fresh_trials(template, "search", n_seeds, study_seed)]
    outcomes = yield trials
    return statistics.median(WORST if o.val_error is None else o.val_error for o in outcomes)


def tested(trials: Sequence[Trial], outcomes: Sequence[Outcome], task: Task) -> Tested:
    """Collect runs and their outcomes."""
    errors = [WORST if o.test_error is None else o.test_error for o in outcomes]
    return Tested(tuple(trials), tuple(outcomes), tuple(task.metric_from_error(e) for e in errors))


def refute(template: Trial, task: Task, target: float, study_seed: int) -> Procedure[Refutation]:
    """Measure a cheaper shape at its settled steps and then at 4 x as many, each with seeds of its own.

    At 4 x the steps 5 seeds are enough where at most 2 of 20 met the target before and all 5 miss it (the same level
    of confidence); otherwise they are made up to 20.
    """
    settled = yield from measure(template, "bracket", task, study_seed)
    longer = replace(template, steps=template.steps * LONGER)
    if settled.n_meeting(target, task) <= CLEAR:
        few = yield from measure(longer, "bracket", task, study_seed, FEW_SEEDS)
        if few.verdict(target, task) == "misses":
            return Refutation(settled, few)
    full = yield from measure(longer, "bracket", task, study_seed)
    return Refutation(settled, full)
