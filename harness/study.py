"""A study: one question, from the first training to everything a record says about it.

For each target, from easy to hard: search on validation, certify on the test split from the cheapest candidate up,
bracket from below, shrink by pruning; then a law in n_train at the largest certified shape. All of it is one procedure:
what to train next as a function of what has been trained.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Final, final

from harness import plugins
from harness.certify import Refutation, Tested, measure, refute, validate
from harness.datasets.base import Dataset
from harness.families.base import Family
from harness.fit import Cell, fit_power_law
from harness.procedure import Procedure, together
from harness.search.base import Space, Strategy
from harness.tasks.base import Task
from harness.trial import Shape, Trial
from harness.tuning import FIRST_RATE, MOST_STEPS, Settled, settle
from registry.errors import InvalidData

BATCH: Final = 32
MOST_ATTEMPTS: Final = 40
SHARP: Final = 1.5  # certified / refuted params: go on down while the nearest refuted shape is farther
NOTCHES_DOWN: Final = 4
PARENT_WIDTHS: Final = 4  # a pruned network starts from one this many times as wide
LAW_CELLS: Final = 7


@final
@dataclass(frozen=True)
class Study:
    """The question and how it is answered; ``targets`` in the metric's unit."""

    task: str
    dataset: str
    family: str
    targets: tuple[float, ...]
    search: str = "bisect"
    seed: int = 0

    def configuration(self) -> dict[str, Any]:
        """Return what decides the trials, the targets apart: one ledger serves all targets of a question."""
        return {
            "protocol": 1,
            "task": self.task,
            "dataset": self.dataset,
            "dataset_sha256": plugins.load("datasets", self.dataset).sha256(),
            "family": self.family,
            "search": self.search,
            "seed": self.seed,
            "batch_size": BATCH,
        }


@final
@dataclass
class Attempt:
    """One certification, failures included.

    Attributes:
        test: The fresh runs.
        certified: Whether they are the claim.
        repeat: Whether they meet the target but are no claim yet: what passes after a failure is measured once more.
    """

    test: Tested
    certified: bool
    repeat: bool = False


@final
@dataclass
class Answer:
    """The smallest certified shape of one route for one target."""

    target: float
    test: Tested
    attempts: list[Attempt]
    bracket: list[Refutation]


@final
@dataclass
class Miss:
    """A target nothing was certified for: the nearest that was measured, and why it was left there."""

    target: float
    nearest: Tested
    reason: str
    attempts: list[Attempt]


@final
@dataclass
class Findings:
    """Everything a study found."""

    answers: list[Answer] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    law: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)


@final
class Investigation:
    """One study under way; holds what has been settled so far.

    Args:
        study: The question.
        say: Called with a few words whenever a new phase begins.
    """

    def __init__(self, study: Study, say: Callable[[str], None] = lambda _: None) -> None:
        self.study = study
        self.say = say
        self.task: Task = plugins.load("tasks", study.task)
        self.dataset: Dataset = plugins.load("datasets", study.dataset)
        self.family: Family = plugins.load("families", study.family)
        self.strategy: Strategy = plugins.load("search", study.search)
        self.space = Space({depth: self.family.ladder(depth) for depth in self.family.depths})
        self.settled: dict[Shape, Settled] = {}

    def run(self) -> Procedure[Findings]:
        """Certify a shape for every target, from easy to hard; then bracket and shrink them all and fit the law.

        What comes after certification shares its rounds: the more there is to train at once, the busier the workers.
        """
        findings = Findings()
        higher = self.task.metric.direction == "higher"
        certified: list[tuple[float, Tested, list[Attempt]]] = []
        for target in sorted(self.study.targets, reverse=not higher):
            if findings.misses:  # a fixed sequence ends at its first failure
                reason = f"the easier target {findings.misses[0].target:g} was missed"
                findings.misses.append(Miss(target, findings.misses[0].nearest, reason, []))
                continue
            attempts: list[Attempt] = []
            test = yield from self._certify(target, attempts)
            if test is None:
                findings.misses.append(self._miss(target, attempts))
            else:
                certified.append((target, test, attempts))
        self.say("bracketing, pruning, fitting the law")
        results = yield from together(
            [
                *[self.bracket(*found) for found in certified],
                *[self.prune(target) for target, _, _ in certified],
                self.law(findings.notes),
            ]
        )
        findings.law = results.pop()
        scratch, pruned = results[: len(certified)], results[len(certified) :]
        for first, second in zip(scratch, pruned, strict=True):
            findings.answers += [first] if second is None else [first, second]
            if second is None or self._order(second.test.trial.shape) >= self._order(first.test.trial.shape):
                findings.notes.append(f"target {first.target:g}: pruning certified nothing smaller than from scratch")
        findings.notes += self._doubts(findings.answers)
        return findings

    def params(self, shape: Shape) -> int:
        """Count the trainable scalars of a shape."""
        return self.family.params(self.dataset.input_shape, self.dataset.n_classes, shape)

    def settle(self, shapes: Iterable[Shape]) -> Procedure[None]:
        """Settle rate and steps of each shape that is not settled yet."""
        missing = sorted({s for s in shapes if s not in self.settled})
        found = yield from together([settle(self._template(shape)) for shape in missing])
        self.settled.update(zip(missing, found, strict=True))

    def bracket(self, target: float, answer: Tested, attempts: list[Attempt]) -> Procedure[Answer]:
        """Refute what is cheaper than ``answer``; what meets the target instead, twice, becomes the answer.

        Never a shape that has failed for this target, and never by 4 x the steps: those only leave it undecided.
        """
        known: dict[Shape, Refutation] = {}
        refused = {attempt.test.trial.shape for attempt in attempts if not attempt.certified and not attempt.repeat}
        while True:
            lacking = self._lacking(answer, target, known)
            yield from self.settle(lacking)
            found = yield from together([self._refute(self.settled[shape].trial, target) for shape in lacking])
            known.update(zip(lacking, found, strict=True))
            tests = [found.settled for shape, found in known.items() if shape not in refused]
            met = [test for test in tests if test.verdict(target, self.task) == "meets"]
            cheaper = [test for test in met if self._order(test.trial.shape) < self._order(answer.trial.shape)]
            if cheaper:
                promising = min(cheaper, key=lambda test: self._order(test.trial.shape))
                confirmed = yield from self._confirm(promising, target, attempts)
                if confirmed is None:
                    refused.add(promising.trial.shape)
                else:
                    answer = confirmed
            elif not self._lacking(answer, target, known):
                below = [s for s in known if self._order(s) < self._order(answer.trial.shape)]
                return Answer(target, answer, attempts, [known[s] for s in sorted(below, key=self._order)])

    def prune(self, target: float) -> Procedure[Answer | None]:
        """Find and certify the smallest pruned shape; None if there is none.

        Tried at the depth of the cheapest hidden-layer shape that meets the target on validation, from that width down;
        the large network is 4 x as wide.
        """
        error = self.task.target_to_error(target)
        promising = [s for s, found in self.settled.items() if s.depth and found.error <= error]
        if not promising:
            return None
        widest = min(promising, key=self._order)
        ladder = self.family.ladder(widest.depth)
        parent = Shape(next((w for w in ladder if w >= PARENT_WIDTHS * widest.width), ladder[-1]), widest.depth)
        shapes = [Shape(w, widest.depth) for w in ladder if w <= widest.width]
        hopeful = yield from self._hopeful(shapes, parent, error)
        attempts: list[Attempt] = []
        for i in range(hopeful, len(shapes)):
            yield from self.settle([parent, shapes[i]])
            test = yield from self._attempt(self._pruned(shapes[i], parent), target, attempts)
            if test is not None:
                return (yield from self._bracket_pruned(target, test, attempts, shapes[:i], parent))
        return None

    def _hopeful(self, shapes: Sequence[Shape], parent: Shape, error: float) -> Procedure[int]:
        """Return the position of the narrowest shape that meets ``error`` on validation when pruned, or their number.

        Walks down a few notches at a time, until the narrowest of them misses.
        """
        first = low = len(shapes)
        while low > 0:
            low, few = max(0, low - NOTCHES_DOWN), shapes[max(0, low - NOTCHES_DOWN) : low]
            yield from self.settle([parent, *few])
            errors = yield from together([validate(self._pruned(s, parent), self.study.seed) for s in few])
            first = next((low + i for i, found in enumerate(errors) if found <= error), first)
            if errors[0] > error:
                break
        return first

    def _bracket_pruned(
        self, target: float, answer: Tested, attempts: list[Attempt], narrower: Sequence[Shape], parent: Shape
    ) -> Procedure[Answer]:
        """Refute the next notches down, while none is refuted and params are within a factor 1.5."""
        bracket: list[Refutation] = []
        refused = {attempt.test.trial.shape for attempt in attempts if not attempt.certified and not attempt.repeat}
        for shape in reversed(narrower):
            if bracket and self.params(answer.trial.shape) > SHARP * self.params(shape):
                break
            yield from self.settle([shape])
            found = yield from self._refute(self._pruned(shape, parent), target)
            met = shape not in refused and found.settled.verdict(target, self.task) == "meets"
            confirmed = (yield from self._confirm(found.settled, target, attempts)) if met else None
            if confirmed is not None:
                answer, bracket = confirmed, []
                continue
            bracket.append(found)
            if found.verdict(target, self.task) == "refuted":
                break
        return Answer(target, answer, attempts, bracket[::-1])

    def law(self, notes: list[str]) -> Procedure[dict[str, Any] | None]:
        """Fit validation error against n_train at one shape; None, with a note, if refused.

        The shape is the cheapest that meets the hardest target on validation, or else the best there: the test split
        has no say in it.
        """
        error = min(self.task.target_to_error(target) for target in self.study.targets)
        meeting = [found for found in self.settled.values() if found.error <= error]
        chosen = (
            min(meeting, key=lambda found: self._order(found.shape))
            if meeting
            else min(self.settled.values(), key=lambda found: (found.error, self._order(found.shape)))
        )
        template = chosen.trial
        n_full = len(self.dataset.train())
        least = max(10, 2 * self.dataset.n_classes)
        sizes = sorted({round(least * (n_full / least) ** (i / (LAW_CELLS - 1))) for i in range(LAW_CELLS)})
        starts = [
            replace(self._template(template.shape), n_train=n, learning_rate=template.learning_rate) for n in sizes
        ]
        found = yield from together([settle(start) for start in starts])
        cells = [Cell(n, s.val_errors, s.trial.steps, s.capped) for n, s in zip(sizes, found, strict=True)]
        try:
            fitted = fit_power_law(cells, seed=self.study.seed, n_val=len(self.dataset.val()))
        except InvalidData as refusal:
            notes.append(f"no law: {refusal.message}")
            return None
        return {
            **fitted,
            "shape": {"width": template.shape.width, "depth": template.shape.depth, "resolution": None},
            "examples_seen_rule": "steps x batch, with steps doubled until validation error improves by less than 3 %",
        }

    def _doubts(self, answers: Sequence[Answer]) -> list[str]:
        """Say what might change an answer: training that had not settled, a bracket that is wide."""
        notes = []
        for shape in sorted({answer.test.trial.shape for answer in answers}, key=self._order):
            found = self.settled[shape]
            if found.capped:
                notes.append(f"{shape}: validation error was still falling at the most steps, {found.trial.steps:,}")
            if not found.interior:
                notes.append(
                    f"{shape}: the best learning rate, {found.trial.learning_rate:g}, is the edge of those tried"
                )
        below = {found.settled.trial.shape for answer in answers for found in answer.bracket}
        if capped := sum(self.settled[shape].capped for shape in below):
            notes.append(f"{capped} of {len(below)} bracketing shapes were still improving at the most steps")
        for answer in answers:
            params = self.params(answer.test.trial.shape)
            refuted = [r for r in answer.bracket if r.verdict(answer.target, self.task) == "refuted"]
            largest = max((self.params(r.settled.trial.shape) for r in refuted), default=0)
            if params > SHARP * largest:
                against = f"the largest refuted shape has {largest:,}" if largest else "no smaller shape is refuted"
                notes.append(f"target {answer.target:g}, {answer.test.trial.route}: {params:,} params, but {against}")
        return notes

    def _template(self, shape: Shape) -> Trial:
        near = min(self.settled, key=lambda s: (s.depth != shape.depth, abs(s.width - shape.width)), default=None)
        return Trial(
            dataset=self.study.dataset,
            family=self.study.family,
            shape=shape,
            n_train=len(self.dataset.train()),
            seed=0,
            learning_rate=self.settled[near].trial.learning_rate if near else FIRST_RATE,
            weight_decay=0.0,
            steps=1,
            batch_size=BATCH,
        )

    def _pruned(self, shape: Shape, parent: Shape) -> Trial:
        """Return the run that fine-tunes what is pruned to ``shape``: at full rate, up to 2 x as long."""
        own = self.settled[shape].trial
        steps = max(own.steps, min(own.steps * 2, MOST_STEPS))
        return replace(own, route="pruned", steps=steps, pruned_from=self.settled[parent].trial)

    def _search(self, target: float, error: float, failed: Container[Shape]) -> Procedure[None]:
        """Let the strategy settle shapes until it is done; nothing dearer than what looks promising is tried."""
        while True:
            errors = {s: math.inf if s in failed else found.error for s, found in self.settled.items()}
            promising = [self._order(s) for s, e in errors.items() if e <= error]
            space = self.space.below(min(promising), self._order) if promising else self.space
            shapes = self.strategy.propose(space, errors, error)
            if not shapes:
                return
            self.say(f"target {target:g}: searching, " + "; ".join(map(str, shapes[:4])))
            yield from self.settle(shapes)

    def _certify(self, target: float, attempts: list[Attempt]) -> Procedure[Tested | None]:
        """Certify the cheapest promising shape; where it fails, search on and give its next notch a chance too."""
        error = self.task.target_to_error(target)
        failed: set[Shape] = set()
        raised: set[Shape] = set()  # next notches up of what failed: certified whatever validation says
        while len(attempts) < MOST_ATTEMPTS:
            yield from self._search(target, error, failed)
            yield from self.settle(raised)
            promising = {s for s, found in self.settled.items() if found.error <= error} | raised
            shape = min(promising - failed, key=self._order, default=None)
            hopeless = shape is None
            if shape is None:  # validation promises nothing (more): say once how near its best comes
                if attempts:
                    return None
                shape = min(self.settled, key=lambda s: (self.settled[s].error, self._order(s)))
            self.say(f"target {target:g}: certifying {shape}")
            test = yield from self._attempt(self.settled[shape].trial, target, attempts)
            if test is not None or hopeless:
                return test
            failed.add(shape)
            wider = [w for w in self.family.ladder(shape.depth) if w > shape.width]
            raised.update(Shape(w, shape.depth) for w in wider[:1])
        return None

    def _attempt(self, template: Trial, target: float, attempts: list[Attempt]) -> Procedure[Tested | None]:
        """Certify one shape with fresh runs; None if that fails. After a failure a pass has to be repeated."""
        test = yield from measure(template, "certify", self.task, self.study.seed)
        met = test.verdict(target, self.task) == "meets"
        if met and attempts:
            return (yield from self._confirm(test, target, attempts))
        attempts.append(Attempt(test, certified=met))
        return test if met else None

    def _confirm(self, passed: Tested, target: float, attempts: list[Attempt]) -> Procedure[Tested | None]:
        """Measure what has passed once more, with fresh seeds, and claim that; None if it fails.

        A shape at the edge of a target passes by luck in 1 of 48 tries. With many tries one such pass is likely, two in
        a row are not; and the second measurement, unlike the first, was not picked for being high.
        """
        attempts.append(Attempt(passed, certified=False, repeat=True))
        test = yield from measure(passed.trial, "confirm", self.task, self.study.seed)
        met = test.verdict(target, self.task) == "meets"
        attempts.append(Attempt(test, certified=met))
        return test if met else None

    def _miss(self, target: float, attempts: list[Attempt]) -> Miss:
        """Say which of the attempts came nearest and why there was no other."""
        higher = self.task.metric.direction == "higher"
        tests = [attempt.test for attempt in attempts]
        nearest = (max if higher else min)(tests, key=lambda test: median(test.values))
        error = self.task.target_to_error(target)
        if len(attempts) >= MOST_ATTEMPTS:
            reason = f"stopped after {MOST_ATTEMPTS} certifications"
        elif any(found.error <= error for found in self.settled.values()):
            reason = "every shape that meets it on validation misses it on the test split"
        else:
            reason = "no shape of the ladder meets it on validation"
        return Miss(target, nearest, reason, attempts)

    def _lacking(self, answer: Tested, target: float, bracket: dict[Shape, Refutation]) -> list[Shape]:
        """Return the shapes the bracket still lacks: the largest cheaper one of each depth, and further notches down.

        At the answer's depth it goes on down while nothing is refuted and params are within a factor 1.5.
        """
        certified = self._order(answer.trial.shape)
        lacking = []
        for depth in self.family.depths:
            shapes = [Shape(width, depth) for width in self.family.ladder(depth)]
            cheaper = [shape for shape in shapes if self._order(shape) < certified]
            for shape in reversed(cheaper):
                if shape not in bracket:
                    lacking.append(shape)
                    break
                refuted = bracket[shape].verdict(target, self.task) == "refuted"
                sharp = self.params(answer.trial.shape) <= SHARP * self.params(shape)
                if refuted or depth != answer.trial.shape.depth or not sharp:
                    break
        return lacking

    def _refute(self, template: Trial, target: float) -> Procedure[Refutation]:
        return refute(template, self.task, target, self.study.seed)

    def _order(self, shape: Shape) -> tuple[int, int, int]:
        """Order shapes by params, then depth, then width."""
        return (self.params(shape), shape.depth, shape.width)
