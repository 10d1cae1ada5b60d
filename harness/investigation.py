"""An investigation: one study, from the first training to everything a record says about it.

For each target, from easy to hard: a strategy searches on validation, and what it proposes is certified on the test
split; then the answer is bracketed from below and shrunk by pruning; then a law in n_train. All of it is one procedure:
what to train next as a function of what has been trained.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, Final, final

from harness import plugins
from harness.bracket import Answer
from harness.certify import SEEDS, Attempt, Bench, Tested, fresh_trials
from harness.clock import Clock
from harness.completion import NO_LAW, Completion, unbracketed
from harness.datasets.base import Dataset
from harness.families.base import Family
from harness.haste import StudyHaste
from harness.knee import find_knee
from harness.metrics import scored
from harness.posterior import Posterior
from harness.procedure import CUT, Procedure, together
from harness.search.base import History, Run, Setting, Strategy, Test
from harness.smallest import Found, Request, Result, Rounds, find_smallest
from harness.space import space_of
from harness.stage import Guess, Stage
from harness.study import Findings, Miss, Study
from harness.study_law import Law, fit_law
from harness.tasks.base import Task
from harness.trial import Outcome, Shape, Trial
from registry.answers import NO_KNEE, OUT_OF_TIME

FALLING: Final = 0.03  # validation error that falls by less than this as steps double has settled
TUNING_SEEDS: Final = 2
KNEE_PARTS: Final = 3  # of the time: up to two thirds of it for its reference, then search, certification, bracket
LOOKING_FOR_THE_KNEE: Final = Stage("looking for the knee")


@final
class Investigation:
    """One study under way; holds what has been trained so far.

    Args:
        study: The question.
        say: Called whenever a new stage begins.
        clock: Says what there is time for.
    """

    def __init__(self, study: Study, say: Callable[[Stage], None] = lambda _: None, clock: Clock | None = None) -> None:
        self.study = study
        self.say = say
        self.clock = clock or Clock()
        self.task: Task = scored(study.task, study.metric)
        self.dataset: Dataset = plugins.load("datasets", study.dataset)
        self.family: Family = plugins.load("families", study.family)
        self.strategy: Strategy = plugins.load("search", study.search)
        self.space = space_of(self.task, self.dataset, self.family)
        self.runs: list[Run] = []
        self._made: Counter[Setting] = Counter()

    def run(self) -> Procedure[Findings]:
        """Answer every target, then find the knee, as far as the study asks for them and there is time."""
        findings, certified = (yield from self._answer_targets()) if self.study.targets else (Findings(), [])
        completion = Completion(self, certified) if certified or findings.misses else None
        if completion is not None:
            yield from completion.run(later=KNEE_PARTS if self.study.knee else 0)
        knee = Findings()
        if self.study.knee:
            self.say(LOOKING_FOR_THE_KNEE)
            yield from self._find_knee(knee)
        if completion is not None:
            yield from completion.go_on()
            completion.add_to(findings)
            findings.notes += self._doubts(findings.answers)
        findings.notes += [_not_certified(guess) for guess in findings.unfinished]
        return replace(findings, knee=knee.knee, law=findings.law or knee.law, notes=findings.notes + knee.notes)

    def _answer_targets(self) -> Procedure[tuple[Findings, list[tuple[float, list[Attempt]]]]]:
        """Certify a shape for every target, from easy to hard; return each with its certifications."""
        findings = Findings()
        higher = self.task.metric.direction == "higher"
        certified: list[tuple[float, list[Attempt]]] = []
        for target in sorted(self.study.targets, reverse=not higher):
            if findings.misses:  # a fixed sequence ends at its first failure
                reason = f"the easier target {findings.misses[0].target:g} was missed"
                findings.misses.append(Miss(target, findings.misses[0].nearest, reason, []))
                continue
            if findings.unfinished:
                findings.unfinished.append(Guess(target))
                continue
            attempts: list[Attempt] = []
            found = yield from self.search(target, attempts)
            if found.certified is not None:
                certified.append((target, attempts))
                if found.is_cut:
                    early = "certified before its search had ended, for want of time"
                    findings.notes.append(f"target {target:g}: {early}; {self.guess(target, found)} then")
                continue
            miss: Any = CUT
            if not found.is_cut:
                [miss] = yield from together([self._miss(target, attempts, found.reason)], self.clock.fits)
            if miss is CUT:
                findings.unfinished.append(self.guess(target, found))
            else:
                findings.misses.append(miss)
        return findings, certified

    def guess(self, target: float, found: Found) -> Guess:
        """Say where the smallest shape may lie, after a search that was cut short."""
        last = next((one for one in reversed(found.proposals) if one.guess is not None), None)
        if last is not None:
            return Guess(target, last.guess, last.interval)
        expected = self.expected_smallest(target) if self.runs else None
        return Guess(target, None if expected is None else expected.shape)

    def params(self, shape: Shape) -> int:
        """Count the trainable scalars of a shape."""
        return self.space.params[shape]

    def order(self, shape: Shape) -> tuple[float, ...]:
        """Order shapes by what "smallest" means."""
        return self.space.order(shape)

    def bench(self, target: float) -> Bench:
        """Return where fresh runs for ``target`` are measured."""
        return Bench(self.task, target, self.study.seed)

    def trial(self, setting: Setting) -> Trial:
        """Return the run that a setting describes, with seed 0."""
        return Trial(
            dataset=self.study.dataset,
            family=self.study.family,
            shape=setting.shape,
            n_train=len(self.dataset.train()),
            seed=0,
            learning_rate=setting.learning_rate,
            weight_decay=0.0,
            steps=setting.steps,
            batch_size=self.dataset.batch_size,
            metric=self.study.metric,
        )

    def train(self, settings: Sequence[Setting]) -> Procedure[list[Run]]:
        """Train each setting with its next seed, as often as it stands there; validation alone is read."""
        runs = yield from self._train(settings)
        self._made.update(settings)
        self.runs += runs
        return runs

    def _train(self, settings: Sequence[Setting]) -> Procedure[list[Run]]:
        outcomes = yield self._next_runs(settings)
        return [Run(setting, _error(outcome)) for setting, outcome in zip(settings, outcomes, strict=True)]

    def _next_runs(self, settings: Sequence[Setting]) -> list[Trial]:
        """Return each setting's run with its next seed, as often as it stands there."""
        made, trials = Counter(self._made), []
        for setting in settings:
            trials.append(replace(self.trial(setting), seed=made[setting]))
            made[setting] += 1
        return trials

    def trials_of(self, requests: Sequence[Request], target: float) -> list[Trial]:
        """Return the trials that a search's requests stand for."""
        trials: list[Trial] = []
        for setting, n, attempt, start in requests:
            if attempt is None:
                trials += self._next_runs([setting] * n)
            else:
                trials += fresh_trials(self.trial(setting), "certify", start + n, self.study.seed, target)[start:]
        return trials

    def posterior(self, target: float, tests: Sequence[Tested] = ()) -> Posterior:
        """Return what the searches' trainings say of every setting, and ``tests`` beside them."""
        history = History(self.runs, [self._as_known(test) for test in tests])
        return Posterior(self.space, history, self.task.target_to_error(target))

    def _as_known(self, test: Tested) -> Test:
        """Return fresh runs as a strategy knows them; whether they certify says nothing about a setting's errors."""
        trial = test.trial
        val_errors = tuple(_error(outcome) for outcome in test.outcomes)
        test_errors = tuple(
            self.task.worst_error if one.test_error is None else one.test_error for one in test.outcomes
        )
        return Test(Setting(trial.shape, trial.learning_rate, trial.steps), val_errors, test_errors, certified=False)

    def tune(
        self, shapes: Iterable[Shape], steps: int, target: float, *, keep: bool = False
    ) -> Procedure[list[Setting]]:
        """Return the best rate of each shape at ``steps``: of three, around the one that all trainings point to.

        These runs are pooled with the search's only to ``keep`` them: what is done side by side must not depend on each
        other.
        """
        asked = list(shapes)
        posterior = self.posterior(target)
        grid = []
        for shape in asked:
            expected = posterior.mean([Setting(shape, rate, steps) for rate in self.space.rates])
            middle = min(max(int(expected.argmin()), 1), len(self.space.rates) - 2)
            grid.append([Setting(shape, rate, steps) for rate in self.space.rates[middle - 1 : middle + 2]])
        train = self.train if keep else self._train
        runs = yield from train([one for settings in grid for one in settings for _ in range(TUNING_SEEDS)])
        errors = History(runs).errors()
        return [min(settings, key=lambda one: (sum(errors[one]), one.learning_rate)) for settings in grid]

    def _find_knee(self, findings: Findings) -> Procedure[None]:
        """Add the knee, bracketed, to what was found; where it is all that is asked, a law, too.

        As far as there is time. It starts anew: no answer depends on what else was asked. A training that both need is
        made once all the same, since it is the same trial.
        """
        own = Investigation(replace(self.study, targets=()), self.say, self.clock)
        knee = findings.knee = yield from find_knee(own, findings.notes)
        if knee is None:
            findings.notes.append(f"{NO_KNEE}{OUT_OF_TIME}")
            return
        findings.notes += knee.notes
        if knee.answer is None:
            findings.notes.append(f"{NO_KNEE}{knee.reason}")
        else:
            findings.notes += [] if knee.is_bracketed else [unbracketed(knee.answer, "knee")]
            findings.notes += [f"knee: {doubt}" for doubt in own._doubts([knee.answer])]
        if not self.study.targets:
            own.space = self.space  # a law is not compared with the reference
            validation_target = knee.validation_target(self.task, self.dataset)
            [law] = yield from together([own.law(findings.notes, validation_target)], self.clock.fits)
            if law is CUT:
                findings.notes.append(NO_LAW)
            else:
                findings.law = law.values

    def law(self, notes: list[str], target: float | None = None) -> Procedure[Law]:
        """Fit validation error against n_train and params around one shape; none, with a note, if refused.

        The shape is the smallest that is expected to meet the hardest target, or else ``target``, on validation, or
        the best there: the test split has no say in it.
        """
        hardest = min(self.study.targets, key=self.task.target_to_error) if target is None else target
        chosen = self.expected_smallest(hardest) or self._expected_best(hardest)
        return (yield from fit_law(self, chosen, notes))

    def search(
        self, target: float, attempts: list[Attempt], known: History | None = None, strategy: Strategy | None = None
    ) -> Procedure[Found]:
        """Let the strategy search and certify for one target; what it certifies is appended to ``attempts``.

        Args:
            target: In the metric's unit.
            attempts: Empty.
            known: What the strategy knows at first: by default all runs so far. Its tests are no attempts.
            strategy: Instead of the study's own.
        """
        known = known or History(tuple(self.runs))
        error = self.task.target_to_error(target)
        rounds: Rounds = find_smallest(
            strategy or self.strategy,
            self.space,
            error,
            known,
            attempts=-len(known.tests),
            haste=StudyHaste(self, target) if self.clock.may_hurry else None,
            say=lambda proposal: self.say(Stage.of(target, proposal)),
        )
        bench, tests = self.bench(target), dict[int, Tested]()
        try:
            requests = next(rounds)
            while True:
                results: list[list[Result]] = []
                for request in requests:  # a certification is a round of its own
                    if request.attempt is not None:
                        results.append((yield from self._certify(bench, request, tests)))
                if not results:
                    settings = [request.setting for request in requests for _ in range(request.n)]
                    runs = iter((yield from self.train(settings)))
                    results = [[Result(next(runs).error) for _ in range(request.n)] for request in requests]
                requests = rounds.send(results)
        except StopIteration as end:
            found: Found = end.value
        made = found.history.tests[len(known.tests) :]
        attempts += [Attempt(tests[number], number, test.certified) for number, test in enumerate(made, start=1)]
        return found

    def _certify(self, bench: Bench, request: Request, tests: dict[int, Tested]) -> Procedure[list[Result]]:
        """Make ``request``'s fresh runs; those of its attempt so far are in ``tests``."""
        number = request.attempt or 1
        before = tests.get(number)
        have = len(before.trials) if before else 0
        test = yield from bench.measure(self.trial(request.setting), "certify", have + request.n, before)
        tests[number] = test
        return [
            Result(_error(o), self.task.worst_error if o.test_error is None else o.test_error)
            for o in test.outcomes[have:]
        ]

    def _miss(self, target: float, attempts: list[Attempt], reason: str) -> Procedure[Miss]:
        """Say which of the attempts came nearest; without any, the best by validation is measured once."""
        tests = [attempt.test for attempt in attempts]
        if not tests:
            best = self.trial(self._expected_best(target))
            tests = [(yield from self.bench(target).measure(best, "certify", SEEDS))]
        higher = self.task.metric.direction == "higher"
        nearest = (max if higher else min)(tests, key=lambda test: median(test.values))
        return Miss(target, nearest, reason, attempts)

    def expected_smallest(
        self, target: float, *, hidden: bool = False, most_steps: int | None = None
    ) -> Setting | None:
        """Return the smallest shape, at its best setting, that validation leads to expect to meet ``target``."""
        budgets = [steps for steps in self.space.steps if most_steps is None or steps <= most_steps]
        posterior, error = self.posterior(target), self.task.target_to_error(target)
        aim = posterior.target(error)
        for shape in self.space.shapes:
            if hidden and not shape.depth:
                continue
            settings = [Setting(shape, rate, steps) for steps in budgets for rate in self.space.rates]
            expected = posterior.mean(settings)
            if expected.min() <= aim:
                # the fewest steps that come near: more of them help by less than what counts as settled
                near = expected <= expected.min() + FALLING
                return settings[int(near.argmax())]
        return None

    def _expected_best(self, target: float) -> Setting:
        """Return the trained setting of which validation leads to expect least error."""
        tried = sorted({run.setting for run in self.runs})
        return tried[int(self.posterior(target).mean(tried).argmin())]

    def _doubts(self, answers: Sequence[Answer]) -> list[str]:
        """Say what might change an answer: training that had not settled, a bracket that is wide."""
        notes = []
        for answer in answers:
            trial = answer.test.trial
            here = Setting(trial.shape, trial.learning_rate, self.space.steps[-1])
            if trial.steps >= self.space.steps[-1] and trial.route == "scratch" and len(self.space.steps) > 1:
                errors = self.posterior(answer.target).mean([here, here._replace(steps=self.space.steps[-2])])
                if errors[0] < errors[1] + math.log(1 - FALLING):
                    said = f"validation error was still falling at the most steps, {trial.steps:,}"
                    notes.append(f"{trial.shape}: {said}")
            if trial.learning_rate in (self.space.rates[0], self.space.rates[-1]):
                notes.append(f"{trial.shape}: its learning rate, {trial.learning_rate:g}, is the edge of those tried")
        for answer in answers:
            notes += answer.doubts(self.task, self.params)
        return list(dict.fromkeys(notes))


def _not_certified(guess: Guess) -> str:
    return f"target {guess.target:g} not certified: the time was up; {guess}"


def _error(outcome: Outcome) -> float:
    return math.inf if outcome.val_error is None else outcome.val_error
