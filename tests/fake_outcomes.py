"""Outcomes without training: a response surface over shape, examples, steps, rate and seed, to drive studies with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from harness.procedure import Procedure, ResultT, drive
from harness.trial import Outcome, Trial

DIVERGED = Outcome(status="diverged", reason="loss or weights stopped being finite")


def outcome(trial: Trial, val_error: float, test_error: float | None = None) -> Outcome:
    """An outcome with these errors; its loss ranks like its error."""
    if not math.isfinite(val_error):
        return DIVERGED
    return Outcome(
        status="ok",
        val_error=val_error,
        val_loss=val_error,
        best_step=trial.steps,
        test_error=(val_error if test_error is None else test_error) if trial.tested else None,
    )


@dataclass
class Surface:
    """An error for every trial: falls with width, examples and steps, has a best rate, and noise that the key decides.

    Attributes:
        error: Error of a trial run at the best rate for ever, without noise.
        best_rate: Errors rise by half for a factor 2 away from it.
        slowness: Relative error that 1,000 steps leave; 4,000 leave a quarter of it.
        noise: Relative standard deviation between seeds.
        test: Test error of a trial from its noiseless error; by default that with noise of its own.
        asked: Every round so far.
    """

    error: Callable[[Trial], float]
    best_rate: float = 0.01
    slowness: float = 0.05
    noise: float = 0.01
    test: Callable[[Trial, float], float] | None = None
    asked: list[list[Trial]] = field(default_factory=list)

    def __call__(self, trials: list[Trial]) -> list[Outcome]:
        self.asked.append(list(trials))
        return [self.run(trial) for trial in trials]

    def run(self, trial: Trial) -> Outcome:
        off = math.log2(trial.learning_rate / self.best_rate)
        clean = self.error(trial) * (1 + self.slowness * 1000 / trial.steps) * (1 + 0.5 * abs(off))
        if not math.isfinite(clean):
            return DIVERGED
        draw = Random(trial.key)  # noqa: S311  # noise, not secrets
        val, test = (clean * math.exp(self.noise * draw.gauss(0, 1)) for _ in range(2))
        if self.test is not None:
            test = self.test(trial, clean)
        return outcome(trial, min(val, 1.0), min(test, 1.0))

    def drive(self, procedure: Procedure[ResultT]) -> ResultT:
        """Run a procedure on this surface."""
        return drive(procedure, self)

    @property
    def trials(self) -> list[Trial]:
        """Every trial asked for, once, in order."""
        return list({trial.key: trial for round_ in self.asked for trial in round_}.values())


def of_phase(trials: Sequence[Trial], *phases: str) -> list[Trial]:
    """The trials run for one of these reasons."""
    return [trial for trial in trials if trial.phase in phases]
