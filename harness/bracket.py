"""The bracket: what is cheaper than the answer is measured too, until the answer is known to be the smallest.

Per depth and resolution the largest cheaper shape; at the answer's own, further notches down while nothing is refuted.
One after the other, the most promising first: what meets becomes the answer, and fewer are cheaper than that. A shape
further down that promises more than all of these goes before them. What misses is refuted, with more steps, when
nothing is left that may become the answer. Where certified / refuted params stay above 1.25, shapes in between that
were left undecided get more seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

import numpy as np
from scipy.stats import norm

from harness.certify import MOST_SEEDS, Attempt, Refutation, Tested
from harness.posterior import Posterior
from harness.procedure import Procedure
from harness.search.base import Setting
from harness.tasks.base import Task
from harness.trial import Shape, Trial

if TYPE_CHECKING:
    from harness.investigation import Investigation

SHARP: Final = 1.25  # certified / refuted params to aim for
FLOPS_ALONE: Final = 0.01  # what a shape is worth that saves flops and no params, beside the logarithm of params saved
LIKELY: Final = 0.5  # least chance to meet of a shape further down


@final
@dataclass
class Answer:
    """The smallest certified shape of one route for one target."""

    target: float
    test: Tested
    attempts: list[Attempt]
    bracket: list[Refutation]

    def doubts(self, task: Task, params: Callable[[Shape], int]) -> list[str]:
        """Say how wide the bracket is, where it is wider than it should be; nothing where nothing is cheaper."""
        if not self.bracket:
            return []
        own = params(self.test.trial.shape)
        refuted = [found for found in self.bracket if found.verdict(self.target, task) == "refuted"]
        largest = max((params(found.settled.trial.shape) for found in refuted), default=0)
        if own <= SHARP * largest:
            return []
        against = f"the largest refuted shape has {largest:,}" if largest else "no smaller shape is refuted"
        return [f"target {self.target:g}, {self.test.trial.route}: {own:,} params, but {against}"]


@final
class Bracket:
    """The bracket of one certified answer under way.

    Args:
        study: The study it belongs to.
        target: In the metric's unit.
        attempts: Certifications so far, the answer's last; what is measured here joins them where it might have
            become the answer.
        cheaper: Runs of cheaper shapes, the largest first, where they do not follow from the space: pruned ones.
    """

    def __init__(
        self, study: Investigation, target: float, attempts: list[Attempt], cheaper: Sequence[Trial] | None = None
    ) -> None:
        self._study = study
        self._target = target
        self._attempts = attempts
        self._given = cheaper
        self._answer = attempts[-1].test
        self._bench = study.bench(target)
        self._known: dict[Shape, tuple[Trial, Attempt, Refutation]] = {}
        # a shape that has failed is never promoted: it may be refuted all the same
        self._failed = {attempt.test.trial.shape for attempt in attempts if not attempt.certified}

    def run(self) -> Procedure[Answer]:
        """Measure what is lacking, round by round."""
        while True:
            lacking = self._lacking()
            missing = self._missing()
            if lacking:
                [run] = yield from self._runs([self._most_promising(lacking)])
                yield from self._weigh(run)
            elif missing:
                yield from self._refute(missing[0])
            else:
                undecided = self._worth_more_seeds()
                if undecided is None:
                    break
                yield from self._weigh(undecided[0], before=undecided[2].settled)
        return self.answer()

    def answer(self) -> Answer:
        """Return the answer as it stands: with what has been measured so far."""
        order = self._study.order
        below = sorted((shape for shape in self._known if self._is_cheaper(shape)), key=order)
        return Answer(self._target, self._answer, self._attempts, [self._known[shape][2] for shape in below])

    def _runs(self, shapes: Sequence[Shape]) -> Procedure[list[Trial]]:
        if self._given is not None:
            return [run for run in self._given if run.shape in shapes]
        settings = yield from self._study.tune(shapes, self._answer.trial.steps, self._target)
        return [self._study.trial(setting) for setting in settings]

    def _most_promising(self, lacking: Sequence[Shape]) -> Shape:
        """Return the shape to measure next: what it may be expected to save, for what that costs.

        Its chance to meet, times the logarithm of what it saves, by the flops of its trainings and of one like the
        answer's, which stands for all else. The chance is that of one run, by all that the searches have trained and
        what fresh runs have shown of this target so far.

        Args:
            lacking: What has to be measured; other shapes that are cheaper may go before them.
        """
        if self._given is not None:
            return lacking[0]
        study, surface, trial = self._study, self._posterior(), self._answer.trial
        rates, needed = study.space.rates, set(lacking)
        shapes = [*lacking, *(one for one in self._untried() if one not in needed)]
        settings = [Setting(shape, rate, trial.steps) for shape in shapes for rate in rates]
        best = surface.mean(settings).reshape(len(shapes), len(rates)).argmin(axis=1)
        chosen = [settings[i * len(rates) + int(rate)] for i, rate in enumerate(best)]
        sd = np.sqrt(np.diag(surface.spread(chosen)) + surface.noise_sd(chosen) ** 2)
        aim = surface.target(study.task.target_to_error(self._target))
        chances = norm.cdf((aim - surface.mean(chosen)) / sd)
        chances[[shape in self._failed for shape in shapes]] = 0.0  # such a shape is never promoted
        saved = np.log([study.params(trial.shape) / study.params(shape) for shape in shapes])
        flops = np.array([study.space.flops[shape] for shape in shapes]) + study.space.flops[trial.shape]
        promise = chances * (saved + FLOPS_ALONE) / flops
        promise[[shape not in needed and chance < LIKELY for shape, chance in zip(shapes, chances, strict=True)]] = -1
        return shapes[int(promise.argmax())]

    def _posterior(self) -> Posterior:
        """Return what is known by now: validation says how a shape is best trained, fresh runs how likely it meets."""
        tests = [attempt.test for attempt in self._attempts]
        return self._study.posterior(self._target, tests)

    def _untried(self) -> list[Shape]:
        """Return the cheaper shapes of which nothing is known by fresh runs."""
        shapes = self._study.space.shapes
        return [one for one in shapes if self._is_cheaper(one) and one not in self._known and one not in self._failed]

    def _weigh(self, run: Trial, before: Tested | None = None) -> Procedure[None]:
        """Measure a run, or give it more seeds; if it meets and is cheaper it is the answer."""
        number = len(self._attempts) + 1 if before is None else self._known[run.shape][1].number

        def note(attempt: Attempt) -> None:
            promoted = attempt.certified and run.shape not in self._failed
            self._known[run.shape] = (run, attempt, Refutation(attempt.test, None))
            self._attempts[number - 1 : number] = [Attempt(attempt.test, number, promoted)]

        yield from self._bench.weigh(run, number, before, note)
        if self._attempts[number - 1].certified and self._is_cheaper(run.shape):
            self._answer = self._attempts[number - 1].test

    def _missing(self) -> list[Shape]:
        """Return the cheaper shapes that miss and are not refuted yet, the largest first."""
        study = self._study
        found = [
            shape
            for shape, (_, attempt, refutation) in self._known.items()
            if self._is_cheaper(shape) and self._is_open(attempt, refutation)
        ]
        return sorted(found, key=study.order, reverse=True)

    def _is_open(self, attempt: Attempt, refutation: Refutation) -> bool:
        misses = not attempt.certified and attempt.test.verdict(self._target, self._study.task) == "misses"
        return misses and refutation.longer is None

    def _refute(self, shape: Shape) -> Procedure[None]:
        run, attempt, _ = self._known[shape]

        def note(refutation: Refutation) -> None:
            self._known[shape] = (run, attempt, refutation)

        yield from self._bench.refute(attempt.test, note)

    def _lacking(self) -> list[Shape]:
        """Return the shapes that have to be measured next."""
        if self._given is not None:
            return self._next_down([run.shape for run in reversed(self._given)], own=True)
        own = self._answer.trial.shape
        lacking = []
        for key, shapes in self._study.space.ladders.items():
            lacking += self._next_down(shapes, own=key == (own.depth, own.resolution))
        return lacking

    def _next_down(self, ladder: Sequence[Shape], *, own: bool) -> list[Shape]:
        """Return the largest cheaper shape of a ladder that lacks, at the answer's own ladder after undecided ones."""
        for shape in reversed([shape for shape in ladder if self._is_cheaper(shape)]):
            if shape not in self._known:
                return [shape]
            _, attempt, refutation = self._known[shape]
            refuted = refutation.verdict(self._target, self._study.task) == "refuted"
            if refuted or not own or self._is_open(attempt, refutation):
                break
        return []

    def _worth_more_seeds(self) -> tuple[Trial, Attempt, Refutation] | None:
        """Return the smallest undecided shape between the largest refuted one and the answer, where they lie apart."""
        params, task = self._study.params, self._study.task
        cheaper = [found for shape, found in self._known.items() if self._is_cheaper(shape)]
        refuted = [found for found in cheaper if found[2].verdict(self._target, task) == "refuted"]
        largest = max((params(found[0].shape) for found in refuted), default=0)
        if params(self._answer.trial.shape) <= SHARP * largest:
            return None
        between = [
            found
            for found in cheaper
            if params(found[0].shape) > largest and found[2].settled.verdict(self._target, task) != "misses"
        ]
        # the smallest is the likeliest to be refuted; where more seeds did not decide it, they decide no other
        smallest = min(between, key=lambda found: self._study.order(found[0].shape), default=None)
        if smallest is None or len(smallest[2].settled.trials) >= MOST_SEEDS:
            return None
        return smallest

    def _is_cheaper(self, shape: Shape) -> bool:
        return self._study.order(shape) < self._study.order(self._answer.trial.shape)
