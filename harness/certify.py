"""Certify shapes on the test split with fresh seeds, and refute cheaper ones.

A shape meets a target when enough of its fresh runs do: 15 of 20 for the first shape that is tried, more for later
ones and for looks at more seeds, so that, per target and route, the chance that any attempt claims a shape that misses
is at most 5 % (:func:`registry.statistics.sequential_counts`). The test split decides whether a candidate is certified,
and so which is tried next; it never chooses a rate, a number of steps, a checkpoint or a seed: validation settles those
before.
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, final

from harness.procedure import Procedure
from harness.tasks.base import Task
from harness.trial import Outcome, Trial
from registry.statistics import LOOKS, decide, median_bounds, meets, sequential_counts

FEW, SEEDS, MOST_SEEDS = LOOKS
VALIDATION_SEEDS: Final = 5
CLEAR: Final = 2  # of 20 meeting the target: so few that 5 longer runs decide
LONGER: Final = 4  # a refuted shape is still refuted at this many times the steps


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
class Attempt:
    """One certification, failures included.

    Attributes:
        test: The fresh runs.
        number: Which attempt for its target and route it is, from 1: later ones need more seeds that meet it.
        certified: Whether the sequential test claims that the shape meets the target.
    """

    test: Tested
    number: int
    certified: bool


@final
@dataclass(frozen=True)
class Refutation:
    """A cheaper shape, measured at its settled steps and, where it misses there, at 4 x as many."""

    settled: Tested
    longer: Tested | None

    @property
    def tests(self) -> tuple[Tested, ...]:
        """The measurements, fewer steps first."""
        return (self.settled,) if self.longer is None else (self.settled, self.longer)

    def verdict(self, target: float, task: Task) -> Literal["refuted", "undecided"]:
        """Say refuted if both measurements were made and miss ``target``."""
        missed = self.longer is not None and all(test.verdict(target, task) == "misses" for test in self.tests)
        return "refuted" if missed else "undecided"


def fresh_trials(template: Trial, phase: str, n_seeds: int, study_seed: int, target: float | None) -> list[Trial]:
    """Return ``n_seeds`` runs of ``template`` whose seeds nothing else uses: drawn from what is run, why and for what.

    Fewer are the first of more. No target: they measure a knee's reference.
    """
    aim = "reference" if target is None else f"{target:.12g}"
    text = f"{study_seed}/{phase}/{aim}/{with_seed(replace(template, phase='', tested=False), 0).key}"
    base = int.from_bytes(hashlib.sha256(text.encode()).digest()[:5])
    return [with_seed(replace(template, phase=phase, tested=True), base + i) for i in range(n_seeds)]


def with_seed(trial: Trial, seed: int) -> Trial:
    """Return ``trial`` with another seed, what it is pruned from included."""
    parent = None if trial.pruned_from is None else with_seed(trial.pruned_from, seed)
    return replace(trial, seed=seed, pruned_from=parent)


@final
@dataclass(frozen=True)
class Bench:
    """Where fresh runs are measured: for one target of one study.

    Attributes:
        task: Says what meets.
        target: In the metric's unit.
        study_seed: Part of every fresh seed.
    """

    task: Task
    target: float
    study_seed: int

    def measure(self, template: Trial, phase: str, n_seeds: int, before: Tested | None = None) -> Procedure[Tested]:
        """Run ``template`` with ``n_seeds`` fresh seeds, ``before`` included; each reads the test split once."""
        trials = fresh_trials(template, phase, n_seeds, self.study_seed, self.target)
        have = len(before.trials) if before else 0
        outcomes = yield trials[have:]
        return tested(trials, [*(before.outcomes if before else ()), *outcomes], self.task)

    def validate(self, template: Trial, n_seeds: int = VALIDATION_SEEDS) -> Procedure[float]:
        """Return the median validation error of fresh runs; the test split is not read."""
        fresh = fresh_trials(template, "search", n_seeds, self.study_seed, self.target)
        outcomes = yield [replace(trial, tested=False) for trial in fresh]
        return statistics.median(self.task.worst_error if o.val_error is None else o.val_error for o in outcomes)

    def attempt(self, template: Trial, number: int) -> Procedure[Attempt]:
        """Certify ``template``: 5 fresh seeds, then 20, then 64, until the sequential test decides."""
        test: Tested | None = None
        for look in LOOKS:
            test = yield from self.measure(template, "certify", look, test)
            verdict = decide(test.n_meeting(self.target, self.task), look, number)
            if verdict != "go on":
                break
        assert test is not None  # noqa: S101 - there are looks
        return Attempt(test, number, verdict == "claim")

    def weigh(
        self,
        template: Trial,
        number: int,
        before: Tested | None = None,
        note: Callable[[Attempt], None] = lambda _: None,
    ) -> Procedure[Attempt]:
        """Measure a shape that is cheaper than the answer: it may meet the target after all.

        5 fresh seeds that all miss end it; else there are 20, or 64 where there were 20 ``before``.

        Args:
            template: The run.
            number: Which attempt it is, should it meet the target.
            before: 20 seeds that left it undecided.
            note: Told after every measurement what is known by then: the time may be up before the next.
        """
        counts, test = sequential_counts(number), before
        for look in (MOST_SEEDS,) if before else (FEW, SEEDS):
            test = yield from self.measure(template, "bracket", look, test)
            n_meeting = test.n_meeting(self.target, self.task)
            attempt = Attempt(test, number, n_meeting >= counts.get(look, look + 1))
            note(attempt)
            if not n_meeting:
                break
        return attempt

    def refute(self, settled: Tested, note: Callable[[Refutation], None] = lambda _: None) -> Procedure[Refutation]:
        """Measure what misses the target again, at 4 x the steps.

        5 seeds are enough where at most 2 of 20 met the target before and all 5 miss it (the same level of
        confidence); otherwise 20.

        Args:
            settled: Runs that miss the target.
            note: Told after every measurement, as above.
        """
        template = replace(settled.trials[0], steps=settled.trials[0].steps * LONGER)
        is_clear = settled.n_meeting(self.target, self.task) * SEEDS <= CLEAR * len(settled.trials)
        longer: Tested | None = None
        for look in (FEW, SEEDS) if is_clear else (SEEDS,):
            longer = yield from self.measure(template, "bracket", look, longer)
            refutation = Refutation(settled, longer)
            note(refutation)
            if longer.verdict(self.target, self.task) == "misses":
                break
        return refutation


def tested(trials: Sequence[Trial], outcomes: Sequence[Outcome], task: Task) -> Tested:
    """Collect runs and their outcomes."""
    errors = [task.worst_error if o.test_error is None else o.test_error for o in outcomes]
    return Tested(tuple(trials), tuple(outcomes), tuple(task.metric_from_error(e) for e in errors))
