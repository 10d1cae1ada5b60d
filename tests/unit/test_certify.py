"""Certification and refutation, driven by made-up test results instead of trainings."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from harness import certify
from harness.certify import Refutation, fresh_trials, measure, refute, validate
from harness.plugins import load
from harness.procedure import drive
from harness.tasks.base import Metric, Task
from harness.trial import Outcome, Shape, Trial
from harness.tuning import SEEDS as TUNING_SEEDS
from tests.fake_outcomes import DIVERGED, outcome
from tests.toy_pack import toy_trial

TASK: Task = load("tasks", "tabular-cls")
TARGET = 0.9
TEMPLATE = toy_trial(seed=0)


class LowerIsBetter:
    """A task whose metric is its error: only what certification asks of one."""

    metric = Metric(name="bits", unit="bits-per-byte", direction="lower")

    def metric_from_error(self, error: float) -> float:
        return error


def lower_task() -> Any:
    return LowerIsBetter()


class Runner:
    """Gives the i-th run of a round the i-th of the errors that belong to its steps."""

    def __init__(self, errors: Callable[[int, int], float | None]) -> None:
        self.errors = errors
        self.rounds: list[list[Trial]] = []

    def __call__(self, trials: list[Trial]) -> list[Outcome]:
        self.rounds.append(trials)
        errors = [self.errors(trial.steps, i) for i, trial in enumerate(trials)]
        return [
            DIVERGED if error is None else outcome(trial, error) for trial, error in zip(trials, errors, strict=True)
        ]


def first_meet(n: int) -> Callable[[int, int], float]:
    """The first ``n`` runs reach 0.95, the rest 0.85."""
    return lambda _steps, i: 0.05 if i < n else 0.15


@pytest.mark.parametrize(("n", "verdict"), [(20, "meets"), (15, "meets"), (14, "undecided"), (6, "undecided")])
def test_15_of_20_fresh_runs_certify(n: int, verdict: str) -> None:
    test = drive(measure(TEMPLATE, "certify", TASK, 0), Runner(first_meet(n)))

    assert len(test.trials) == 20
    assert test.n_meeting(TARGET, TASK) == n
    assert test.verdict(TARGET, TASK) == verdict


@pytest.mark.parametrize(("n", "verdict"), [(5, "misses"), (0, "misses"), (6, "undecided")])
def test_15_of_20_fresh_runs_below_the_target_refute(n: int, verdict: str) -> None:
    test = drive(measure(TEMPLATE, "bracket", TASK, 0), Runner(first_meet(n)))

    assert test.verdict(TARGET, TASK) == verdict


def test_target_is_met_by_equality() -> None:
    test = drive(measure(TEMPLATE, "certify", TASK, 0), Runner(lambda _steps, _i: 10 / 100))

    assert test.verdict(0.9, TASK) == "meets"
    assert test.verdict(0.9000001, TASK) == "misses"


@pytest.mark.parametrize(("n", "verdict"), [(15, "meets"), (14, "undecided"), (6, "undecided"), (5, "misses")])
def test_verdict_where_lower_is_better(n: int, verdict: str) -> None:
    test = drive(measure(TEMPLATE, "certify", lower_task(), 0), Runner(first_meet(n)))

    assert test.n_meeting(0.1, lower_task()) == n
    assert test.verdict(0.1, lower_task()) == verdict


@pytest.mark.parametrize(("diverged", "verdict"), [(5, "meets"), (6, "undecided"), (15, "misses")])
def test_diverged_run_counts_as_the_worst(diverged: int, verdict: str) -> None:
    runner = Runner(lambda _steps, i: None if i < diverged else 0.01)
    test = drive(measure(TEMPLATE, "certify", TASK, 0), runner)

    assert test.values[:diverged] == (0.0,) * diverged
    assert test.verdict(TARGET, TASK) == verdict


def test_tested_keeps_runs_outcomes_and_values_in_order() -> None:
    trials = fresh_trials(TEMPLATE, "certify", 5, 0)
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
    trials = fresh_trials(TEMPLATE, "certify", 20, 3)

    assert len(seeds(trials)) == 20
    for trial in trials:
        assert replace(trial, seed=0, phase="search", tested=False) == TEMPLATE
        assert (trial.phase, trial.tested) == ("certify", True)


def test_fresh_seeds_are_shared_by_no_other_question() -> None:
    pruned = replace(TEMPLATE, route="pruned", pruned_from=replace(TEMPLATE, shape=Shape(16, 1)))
    templates = [TEMPLATE, pruned, replace(TEMPLATE, steps=400), replace(TEMPLATE, learning_rate=0.02)]
    templates += [replace(TEMPLATE, shape=Shape(width, depth)) for width in range(5, 30) for depth in (1, 2)]
    drawn = [
        seeds(fresh_trials(template, phase, 20, study_seed))
        for template in templates
        for phase in ("search", "certify", "bracket")
        for study_seed in (0, 1)
    ]

    assert len(set.union(*drawn)) == 20 * len(drawn)
    assert not set.union(*drawn) & set(range(TUNING_SEEDS))


def test_fresh_seeds_do_not_depend_on_the_seed_or_phase_of_the_template() -> None:
    other = replace(TEMPLATE, seed=2, phase="tune", tested=True)

    assert fresh_trials(TEMPLATE, "certify", 20, 0) == fresh_trials(other, "certify", 20, 0)


def test_fewer_fresh_runs_are_the_first_of_more() -> None:
    assert fresh_trials(TEMPLATE, "bracket", 5, 0) == fresh_trials(TEMPLATE, "bracket", 20, 0)[:5]


def test_what_a_network_is_pruned_from_takes_the_fresh_seed_too() -> None:
    pruned = replace(TEMPLATE, route="pruned", pruned_from=replace(TEMPLATE, shape=Shape(16, 1), phase="tune"))

    for trial in fresh_trials(pruned, "certify", 20, 0):
        assert trial.pruned_from is not None
        assert trial.pruned_from.seed == trial.seed
        assert not trial.pruned_from.tested


def test_validation_of_fresh_runs_reads_no_test_split_and_gives_their_median() -> None:
    errors: list[float | None] = [0.3, None, 0.1, 0.2, 0.5]
    runner = Runner(lambda _steps, i: errors[i])
    found = drive(validate(TEMPLATE, 0), runner)

    assert found == 0.3
    assert [len(trials) for trials in runner.rounds] == [5]
    assert not any(trial.tested for trial in runner.rounds[0])
    assert seeds(runner.rounds[0]).isdisjoint(seeds(fresh_trials(TEMPLATE, "certify", 20, 0)))


# --- refutation: 20 seeds, then 5 at 4 x the steps, made up to 20 where 5 do not decide


def refutation(errors: Callable[[int, int], float | None]) -> tuple[Refutation, list[tuple[int, int]]]:
    """Refute; return what came of it and (steps, runs) of each round."""
    runner = Runner(errors)
    found = drive(refute(TEMPLATE, TASK, TARGET, 0), runner)
    return found, [(trials[0].steps, len(trials)) for trials in runner.rounds]


def test_clear_miss_is_refuted_with_5_longer_runs() -> None:
    found, rounds = refutation(lambda _steps, _i: 0.2)

    assert rounds == [(100, 20), (400, 5)]
    assert found.verdict(TARGET, TASK) == "refuted"
    assert [len(test.values) for test in found.tests] == [20, 5]


@pytest.mark.parametrize("meeting", [0, 2])
def test_5_longer_runs_suffice_where_at_most_2_of_20_met(meeting: int) -> None:
    found, rounds = refutation(lambda steps, i: 0.05 if steps == 100 and i < meeting else 0.2)

    assert rounds == [(100, 20), (400, 5)]
    assert found.verdict(TARGET, TASK) == "refuted"


def test_3_of_20_meeting_takes_20_longer_runs_at_once() -> None:
    found, rounds = refutation(lambda steps, i: 0.05 if steps == 100 and i < 3 else 0.2)

    assert rounds == [(100, 20), (400, 20)]
    assert found.verdict(TARGET, TASK) == "refuted"


def test_one_of_5_longer_runs_meeting_takes_20() -> None:
    found, rounds = refutation(lambda steps, i: 0.05 if steps == 400 and i == 3 else 0.2)

    assert rounds == [(100, 20), (400, 5), (400, 20)]
    assert len(found.longer.values) == 20
    assert found.verdict(TARGET, TASK) == "refuted"


@pytest.mark.parametrize(("longer_meeting", "verdict"), [(5, "refuted"), (6, "undecided"), (20, "undecided")])
def test_shape_that_more_steps_help_is_not_refuted(longer_meeting: int, verdict: str) -> None:
    found, _ = refutation(lambda steps, i: 0.05 if steps == 400 and i < longer_meeting else 0.2)

    assert found.verdict(TARGET, TASK) == verdict


def test_shape_that_misses_only_with_more_steps_is_not_refuted() -> None:
    found, _ = refutation(lambda steps, i: 0.05 if steps == 100 and i < 10 else 0.2)

    assert found.settled.verdict(TARGET, TASK) == "undecided"
    assert found.longer.verdict(TARGET, TASK) == "misses"
    assert found.verdict(TARGET, TASK) == "undecided"


def test_runs_at_more_steps_have_seeds_of_their_own() -> None:
    found, _ = refutation(lambda _steps, _i: 0.2)

    assert {trial.phase for test in found.tests for trial in test.trials} == {"bracket"}
    assert seeds(list(found.settled.trials)).isdisjoint(seeds(list(found.longer.trials)))
    assert seeds(list(found.settled.trials)).isdisjoint(seeds(fresh_trials(TEMPLATE, "certify", 20, 0)))


@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_both_directions_are_mirrored(direction: Literal["higher", "lower"]) -> None:
    sign = 1 if direction == "higher" else -1
    task: Any = SimpleNamespace(metric=Metric(name="r2", unit="r2", direction=direction))
    meeting = certify.Tested((), (), tuple(sign * (0.95 if i < 15 else 0.1) for i in range(20)))
    missing = certify.Tested((), (), tuple(sign * (0.95 if i < 5 else 0.1) for i in range(20)))

    assert meeting.verdict(sign * TARGET, task) == "meets"
    assert missing.verdict(sign * TARGET, task) == "misses"


def test_protocol_is_as_the_design_says() -> None:
    assert (certify.SEEDS, certify.FEW_SEEDS, certify.LONGER) == (20, 5, 4)
