"""Certification and refutation, driven by made-up test results instead of trainings."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from harness import certify
from harness.certify import Attempt, Bench, Refutation, fresh_trials
from harness.plugins import load
from harness.procedure import Procedure, drive
from harness.tasks.base import Metric, Task
from harness.trial import Outcome, Shape, Trial
from harness.tuning import SEEDS as TUNING_SEEDS
from tests.fake_outcomes import DIVERGED, outcome
from tests.toy_pack import toy_trial

TASK: Task = load("tasks", "tabular-cls")
TARGET = 0.9
TEMPLATE = toy_trial(seed=0)
BENCH = Bench(TASK, TARGET, study_seed=0)


class LowerIsBetter:
    """A task whose metric is its error: only what certification asks of one."""

    metric = Metric(name="bits", unit="bits-per-byte", direction="lower")

    def metric_from_error(self, error: float) -> float:
        return error


def lower_task() -> Any:
    return LowerIsBetter()


class Runner:
    """Gives the i-th run of as many steps the i-th of the errors that belong to them."""

    def __init__(self, errors: Callable[[int, int], float | None]) -> None:
        self.errors = errors
        self.rounds: list[list[Trial]] = []
        self.made: Counter[int] = Counter()

    def __call__(self, trials: list[Trial]) -> list[Outcome]:
        self.rounds.append(trials)
        errors = []
        for trial in trials:
            errors.append(self.errors(trial.steps, self.made[trial.steps]))
            self.made[trial.steps] += 1
        return [
            DIVERGED if error is None else outcome(trial, error) for trial, error in zip(trials, errors, strict=True)
        ]


def first_meet(n: int) -> Callable[[int, int], float]:
    """The first ``n`` runs reach 0.95, the rest 0.85."""
    return lambda _steps, i: 0.05 if i < n else 0.15


@pytest.mark.parametrize(("n", "verdict"), [(20, "meets"), (15, "meets"), (14, "undecided"), (6, "undecided")])
def test_15_of_20_fresh_runs_certify(n: int, verdict: str) -> None:
    test = drive(BENCH.measure(TEMPLATE, "certify", 20), Runner(first_meet(n)))

    assert len(test.trials) == 20
    assert test.n_meeting(TARGET, TASK) == n
    assert test.verdict(TARGET, TASK) == verdict


@pytest.mark.parametrize(("n", "verdict"), [(5, "misses"), (0, "misses"), (6, "undecided")])
def test_15_of_20_fresh_runs_below_the_target_refute(n: int, verdict: str) -> None:
    test = drive(BENCH.measure(TEMPLATE, "bracket", 20), Runner(first_meet(n)))

    assert test.verdict(TARGET, TASK) == verdict


def test_target_is_met_by_equality() -> None:
    test = drive(BENCH.measure(TEMPLATE, "certify", 20), Runner(lambda _steps, _i: 10 / 100))

    assert test.verdict(0.9, TASK) == "meets"
    assert test.verdict(0.9000001, TASK) == "misses"


@pytest.mark.parametrize(("n", "verdict"), [(15, "meets"), (14, "undecided"), (6, "undecided"), (5, "misses")])
def test_verdict_where_lower_is_better(n: int, verdict: str) -> None:
    test = drive(Bench(lower_task(), 0.1, 0).measure(TEMPLATE, "certify", 20), Runner(first_meet(n)))

    assert test.n_meeting(0.1, lower_task()) == n
    assert test.verdict(0.1, lower_task()) == verdict


@pytest.mark.parametrize(("diverged", "verdict"), [(5, "meets"), (6, "undecided"), (15, "misses")])
def test_diverged_run_counts_as_the_worst(diverged: int, verdict: str) -> None:
    runner = Runner(lambda _steps, i: None if i < diverged else 0.01)
    test = drive(BENCH.measure(TEMPLATE, "certify", 20), runner)

    assert test.values[:diverged] == (0.0,) * diverged
    assert test.verdict(TARGET, TASK) == verdict


def test_tested_keeps_runs_outcomes_and_values_in_order() -> None:
    trials = fresh_trials(TEMPLATE, "certify", 5, 0, TARGET)
    outcomes = [outcome(trial, 0.5, test_error=i / 10) for i, trial in enumerate(trials)]
    test = certify.tested(trials, outcomes, TASK)

    assert test.trials == tuple(trials)
    assert test.outcomes == tuple(outcomes)
    assert test.values == (1.0, 0.9, 0.8, 0.7, 0.6)
    assert test.trial is trials[0]


def test_median_claim_is_wrong_in_at_most_5_percent_of_cases() -> None:
    draw = random.Random(1)  # noqa: S311  # errors, not secrets
    wrong = 0
    for _ in range(4000):
        errors = [draw.gauss(0, 1) for _ in range(20)]
        values = tuple(0.9 - 1e-9 + 0.01 * error for error in errors)  # the median run just misses
        wrong += certify.Tested((), (), values).verdict(TARGET, TASK) == "meets"

    assert 0.01 < wrong / 4000 <= 0.03  # 15 of 20 fair coins: 2.07 %


# --- seeds


def seeds(trials: list[Trial]) -> set[int]:
    return {trial.seed for trial in trials}


def test_fresh_runs_are_the_template_but_for_seed_phase_and_the_test_split() -> None:
    trials = fresh_trials(TEMPLATE, "certify", 20, 3, TARGET)

    assert len(seeds(trials)) == 20
    for trial in trials:
        assert replace(trial, seed=0, phase="search", tested=False) == TEMPLATE
        assert (trial.phase, trial.tested) == ("certify", True)


def test_fresh_seeds_are_shared_by_no_other_question() -> None:
    pruned = replace(TEMPLATE, route="pruned", pruned_from=replace(TEMPLATE, shape=Shape(16, 1)))
    templates = [TEMPLATE, pruned, replace(TEMPLATE, steps=400), replace(TEMPLATE, learning_rate=0.02)]
    templates += [replace(TEMPLATE, shape=Shape(width, depth)) for width in range(5, 30) for depth in (1, 2)]
    drawn = [
        seeds(fresh_trials(template, phase, 64, study_seed, target))
        for template in templates
        for phase in ("search", "certify", "bracket")
        for study_seed, target in ((0, TARGET), (1, TARGET), (0, 0.95))
    ]

    assert len(set.union(*drawn)) == 64 * len(drawn)
    assert not set.union(*drawn) & set(range(TUNING_SEEDS))


def test_fresh_seeds_do_not_depend_on_the_seed_or_phase_of_the_template() -> None:
    other = replace(TEMPLATE, seed=2, phase="tune", tested=True)

    assert fresh_trials(TEMPLATE, "certify", 20, 0, TARGET) == fresh_trials(other, "certify", 20, 0, TARGET)


def test_fewer_fresh_runs_are_the_first_of_more() -> None:
    assert fresh_trials(TEMPLATE, "bracket", 5, 0, TARGET) == fresh_trials(TEMPLATE, "bracket", 64, 0, TARGET)[:5]


def test_what_a_network_is_pruned_from_takes_the_fresh_seed_too() -> None:
    pruned = replace(TEMPLATE, route="pruned", pruned_from=replace(TEMPLATE, shape=Shape(16, 1), phase="tune"))

    for trial in fresh_trials(pruned, "certify", 20, 0, TARGET):
        assert trial.pruned_from is not None
        assert trial.pruned_from.seed == trial.seed
        assert not trial.pruned_from.tested


def test_validation_of_fresh_runs_reads_no_test_split_and_gives_their_median() -> None:
    errors: list[float | None] = [0.3, None, 0.1, 0.2, 0.5]
    runner = Runner(lambda _steps, i: errors[i])
    found = drive(BENCH.validate(TEMPLATE), runner)

    assert found == 0.3
    assert [len(trials) for trials in runner.rounds] == [5]
    assert not any(trial.tested for trial in runner.rounds[0])
    assert seeds(runner.rounds[0]).isdisjoint(seeds(fresh_trials(TEMPLATE, "certify", 20, 0, TARGET)))


def test_more_seeds_are_added_to_those_there_are() -> None:
    runner = Runner(first_meet(7))
    few = drive(BENCH.measure(TEMPLATE, "bracket", 5), runner)
    more = drive(BENCH.measure(TEMPLATE, "bracket", 20, few), runner)

    assert [len(trials) for trials in runner.rounds] == [5, 15]
    assert more.trials[:5] == few.trials
    assert more.values[:5] == few.values
    assert more.n_meeting(TARGET, TASK) == 7
    assert list(more.trials) == fresh_trials(TEMPLATE, "bracket", 20, 0, TARGET)


# --- an attempt: 5 seeds, then 20, then 64, until the sequential test decides


def attempt(errors: Callable[[int, int], float | None], number: int = 1) -> tuple[Attempt, list[int]]:
    """Certify; return what came of it and how many runs each round had."""
    runner = Runner(errors)
    found = drive(BENCH.attempt(TEMPLATE, number), runner)
    return found, [len(trials) for trials in runner.rounds]


@pytest.mark.parametrize(
    ("number", "meeting", "rounds", "certified"),
    [
        (1, 1, [5], False),
        (1, 2, [5, 15], False),
        (1, 12, [5, 15], False),
        (1, 13, [5, 15, 44], False),
        (1, 14, [5, 15, 44], False),
        (1, 15, [5, 15], True),
        (1, 20, [5, 15], True),
        (2, 15, [5, 15, 44], False),
        (2, 16, [5, 15], True),
        (5, 17, [5, 15, 44], False),
        (5, 18, [5, 15], True),
    ],
)
def test_attempt_ends_as_soon_as_it_is_decided(number: int, meeting: int, rounds: list[int], certified: bool) -> None:
    found, made = attempt(first_meet(meeting), number)

    assert made == rounds
    assert found.certified == certified
    assert found.number == number
    assert len(found.test.trials) == sum(rounds)
    assert found.test.n_meeting(TARGET, TASK) == min(meeting, sum(rounds))


@pytest.mark.parametrize(("number", "needed"), [(1, 42), (2, 44), (3, 44)])
@pytest.mark.parametrize("lacking", [0, 1])
def test_a_close_case_is_decided_by_64_seeds(number: int, needed: int, lacking: int) -> None:
    """The first 20 seeds have 13 that meet the target, which decides nothing."""

    def error(_steps: int, i: int) -> float:
        return 0.05 if i < 13 or 20 <= i < 20 + needed - lacking - 13 else 0.15

    found, made = attempt(error, number)

    assert made == [5, 15, 44]
    assert found.test.n_meeting(TARGET, TASK) == needed - lacking
    assert found.certified == (not lacking)


def test_attempts_read_the_test_split_in_the_phase_of_certification() -> None:
    found, _ = attempt(first_meet(20))

    assert {(trial.phase, trial.tested) for trial in found.test.trials} == {("certify", True)}
    assert list(found.test.trials) == fresh_trials(TEMPLATE, "certify", 20, 0, TARGET)


def test_where_all_runs_diverge_an_attempt_is_hopeless() -> None:
    found, made = attempt(lambda _steps, _i: None)

    assert (made, found.certified) == ([5], False)
    assert found.test.values == (0.0,) * 5


# --- a cheaper shape: 5 seeds, then 20; what misses is measured at 4 x the steps


def weighed(
    errors: Callable[[int, int], float | None], number: int = 3
) -> tuple[Attempt, Refutation, list[tuple[int, int]]]:
    """Weigh; return what came of it and (steps, runs) of each round."""
    runner = Runner(errors)
    found, refutation = drive(weigh(number), runner)
    return found, refutation, [(trials[0].steps, len(trials)) for trials in runner.rounds]


def weigh(number: int, before: certify.Tested | None = None) -> Procedure[tuple[Attempt, Refutation]]:
    """Weigh a shape, and refute it where it misses, as a bracket does."""
    attempt = yield from BENCH.weigh(TEMPLATE, number, before)
    if attempt.certified or attempt.test.verdict(TARGET, TASK) != "misses":
        return attempt, Refutation(attempt.test, None)
    return attempt, (yield from BENCH.refute(attempt.test))


def test_clear_miss_is_refuted_with_5_runs_and_5_longer_ones() -> None:
    found, below, rounds = weighed(lambda _steps, _i: 0.2)

    assert rounds == [(100, 5), (400, 5)]
    assert below.verdict(TARGET, TASK) == "refuted"
    assert [len(test.values) for test in below.tests] == [5, 5]
    assert (found.number, found.certified) == (3, False)
    assert found.test is below.settled


@pytest.mark.parametrize("meeting", [1, 2])
def test_5_longer_runs_suffice_where_at_most_2_of_20_met(meeting: int) -> None:
    _, below, rounds = weighed(lambda steps, i: 0.05 if steps == 100 and i < meeting else 0.2)

    assert rounds == [(100, 5), (100, 15), (400, 5)]
    assert below.verdict(TARGET, TASK) == "refuted"


@pytest.mark.parametrize("meeting", [3, 5])
def test_3_to_5_of_20_meeting_take_20_longer_runs_at_once(meeting: int) -> None:
    _, below, rounds = weighed(lambda steps, i: 0.05 if steps == 100 and i < meeting else 0.2)

    assert rounds == [(100, 5), (100, 15), (400, 20)]
    assert below.verdict(TARGET, TASK) == "refuted"


def test_one_of_5_longer_runs_meeting_takes_20() -> None:
    _, below, rounds = weighed(lambda steps, i: 0.05 if steps == 400 and i == 3 else 0.2)

    assert rounds == [(100, 5), (400, 5), (400, 15)]
    assert below.longer is not None
    assert len(below.longer.values) == 20
    assert below.verdict(TARGET, TASK) == "refuted"


@pytest.mark.parametrize(("longer_meeting", "verdict"), [(5, "refuted"), (6, "undecided"), (20, "undecided")])
def test_shape_that_more_steps_help_is_not_refuted(longer_meeting: int, verdict: str) -> None:
    _, below, _ = weighed(lambda steps, i: 0.05 if steps == 400 and i < longer_meeting else 0.2)

    assert below.verdict(TARGET, TASK) == verdict


@pytest.mark.parametrize("meeting", [6, 10, 16])
def test_shape_that_does_not_miss_is_undecided_and_not_measured_for_longer(meeting: int) -> None:
    found, below, rounds = weighed(lambda _steps, i: 0.05 if i < meeting else 0.2)  # attempt 3 needs 17 of 20

    assert rounds == [(100, 5), (100, 15)]
    assert below.longer is None
    assert below.verdict(TARGET, TASK) == "undecided"
    assert not found.certified


@pytest.mark.parametrize(("number", "needed"), [(1, 15), (2, 16), (3, 17)])
def test_shape_that_meets_is_certified_as_the_attempt_that_it_is(number: int, needed: int) -> None:
    at, _, rounds = weighed(first_meet(needed), number)
    short, _, _ = weighed(first_meet(needed - 1), number)

    assert at.certified
    assert not short.certified
    assert rounds == [(100, 5), (100, 15)]


@pytest.mark.parametrize(
    ("meeting", "verdict", "certified"), [(20, "refuted", False), (32, "undecided", False), (44, "undecided", True)]
)
def test_44_more_seeds_decide_what_20_left_undecided(meeting: int, verdict: str, certified: bool) -> None:
    def error(steps: int, i: int) -> float:
        return 0.05 if steps == 100 and (i < 10 or 20 <= i < 10 + meeting) else 0.2

    runner = Runner(error)
    first, before = drive(weigh(2), runner)
    second, after = drive(weigh(2, before.settled), runner)

    assert (first.certified, before.verdict(TARGET, TASK)) == (False, "undecided")
    assert [len(trials) for trials in runner.rounds][:3] == [5, 15, 44]
    assert after.settled.n_meeting(TARGET, TASK) == meeting
    assert after.settled.trials[:20] == before.settled.trials
    assert (second.certified, after.verdict(TARGET, TASK)) == (certified, verdict)


def test_runs_at_more_steps_have_seeds_of_their_own() -> None:
    _, below, _ = weighed(lambda _steps, _i: 0.2)
    assert below.longer is not None

    assert {trial.phase for test in below.tests for trial in test.trials} == {"bracket"}
    assert seeds(list(below.settled.trials)).isdisjoint(seeds(list(below.longer.trials)))
    assert seeds(list(below.settled.trials)).isdisjoint(seeds(fresh_trials(TEMPLATE, "certify", 64, 0, TARGET)))


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_both_directions_are_mirrored(direction: Literal["higher", "lower"]) -> None:
    sign = 1 if direction == "higher" else -1
    task: Any = SimpleNamespace(metric=Metric(name="r2", unit="r2", direction=direction))
    meeting = certify.Tested((), (), tuple(sign * (0.95 if i < 15 else 0.1) for i in range(20)))
    missing = certify.Tested((), (), tuple(sign * (0.95 if i < 5 else 0.1) for i in range(20)))

    assert meeting.verdict(sign * TARGET, task) == "meets"
    assert missing.verdict(sign * TARGET, task) == "misses"


def test_protocol_is_as_the_design_says() -> None:
    assert (certify.FEW, certify.SEEDS, certify.MOST_SEEDS, certify.LONGER) == (5, 20, 64, 4)
