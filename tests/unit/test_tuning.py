"""Settling rate and steps, driven by made-up errors instead of trainings."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from harness import tuning
from harness.procedure import drive
from harness.trial import Outcome, Trial
from harness.tuning import RATES, SEEDS, Settled, settle
from tests.fake_outcomes import Surface, outcome
from tests.toy_pack import toy_trial

START = toy_trial(seed=7, learning_rate=0.01)
GRID = [0.0025, 0.005, 0.01, 0.02, 0.04]


def run(error: Callable[[Trial], float], **options: int) -> tuple[Settled, list[list[Trial]]]:
    """Settle on ``error``; return what was settled and the rounds that were asked for."""
    rounds: list[list[Trial]] = []

    def run_round(trials: list[Trial]) -> list[Outcome]:
        rounds.append(trials)
        return [outcome(trial, error(trial)) for trial in trials]

    return drive(settle(START, **options), run_round), rounds


def off(trial: Trial, best: float) -> float:
    """How many factors of 2 a rate is from the best one."""
    return abs(math.log2(trial.learning_rate / best))


def rates(trials: list[Trial]) -> list[float]:
    return sorted({trial.learning_rate for trial in trials})


def test_interior_optimum_needs_one_grid_and_one_look_at_twice_the_steps() -> None:
    settled, rounds = run(lambda trial: 0.1 + 0.01 * off(trial, 0.01), first_steps=100, most_steps=800)

    assert [rates(trials) for trials in rounds] == [GRID, [0.005, 0.01, 0.02]]
    assert [len(trials) for trials in rounds] == [RATES * SEEDS, 3 * SEEDS]
    assert [{trial.steps for trial in trials} for trials in rounds] == [{100}, {200}]
    assert settled.trial.learning_rate == 0.01
    assert settled.trial.steps == 100
    assert settled.interior
    assert not settled.capped


def test_rates_are_a_factor_2_apart_around_the_first() -> None:
    _, rounds = run(lambda _: 0.1)
    tried = rates(rounds[0])

    assert len(tried) == 5
    assert [high / low for low, high in pairwise(tried)] == [2.0] * 4
    assert tried[2] == START.learning_rate


def test_every_rate_is_tried_with_the_same_seeds_and_tuning_reads_no_test_split() -> None:
    _, rounds = run(lambda trial: 0.1 + 0.01 * off(trial, 0.01))

    for trials in rounds:
        assert [trial.seed for trial in trials] == [0, 1, 2] * len(rates(trials))
        assert {(trial.phase, trial.tested) for trial in trials} == {("tune", False)}


@pytest.mark.parametrize(
    ("best", "added"),
    [(0.08, [[0.08, 0.16]]), (0.16, [[0.08, 0.16], [0.32, 0.64]]), (0.00125, [[0.000625, 0.00125]])],
    ids=["above", "far-above", "below"],
)
def test_optimum_at_an_edge_extends_the_grid_until_it_is_interior(best: float, added: list[list[float]]) -> None:
    settled, rounds = run(lambda trial: 0.1 + 0.01 * off(trial, best))

    assert [rates(trials) for trials in rounds[1 : 1 + len(added)]] == added
    assert settled.trial.learning_rate == best
    assert settled.interior


def test_extension_ends_and_says_that_the_optimum_is_not_interior() -> None:
    settled, rounds = run(lambda trial: 0.1 + 0.01 * off(trial, 1000.0))

    assert [rates(trials) for trials in rounds[1:4]] == [[0.08, 0.16], [0.32, 0.64], [1.28, 2.56]]
    assert settled.trial.learning_rate == 2.56
    assert not settled.interior


def test_optimum_that_moves_with_steps_is_followed() -> None:
    def error(trial: Trial) -> float:
        return 0.1 * (100 / trial.steps) + 0.001 * off(trial, 1.0 / trial.steps)

    settled, _ = run(error, first_steps=100, most_steps=800)

    assert settled.trial.steps == 800
    assert settled.trial.learning_rate == pytest.approx(1 / 800, rel=0.4)
    assert settled.interior


@pytest.mark.parametrize(
    ("gains", "steps"),
    [([0.031, 0.0], 200), ([0.029], 100), ([0.2, 0.1, 0.029], 400), ([-0.1], 100)],
    ids=["a-little-more", "a-little-less", "later", "worse"],
)
def test_doubling_stops_once_it_gains_less_than_3_percent(gains: list[float], steps: int) -> None:
    def error(trial: Trial) -> float:
        doublings = round(math.log2(trial.steps / 100))
        return 0.5 * math.prod(1 - gain for gain in gains[:doublings]) + 0.01 * off(trial, 0.01) ** 0

    def flat(trial: Trial) -> float:
        return error(trial) - 0.01 + 1e-6 * off(trial, 0.01)

    settled, _ = run(flat, first_steps=100, most_steps=6400)

    assert settled.trial.steps == steps
    assert not settled.capped


def test_the_settled_steps_are_the_fewer_of_two_that_do_as_well() -> None:
    settled, rounds = run(lambda trial: 0.1 + 0.001 * off(trial, 0.01), first_steps=50, most_steps=1600)

    assert settled.trial.steps == 50
    assert max(trial.steps for trials in rounds for trial in trials) == 100


@pytest.mark.parametrize("most_steps", [800, 1599])
def test_cap_is_flagged_while_error_still_falls(most_steps: int) -> None:
    settled, _ = run(lambda trial: 10 / trial.steps, first_steps=100, most_steps=most_steps)

    assert settled.trial.steps == 800
    assert settled.capped


def test_diverged_rate_never_wins() -> None:
    def error(trial: Trial) -> float:
        return math.inf if trial.learning_rate > 0.01 else 0.5 - trial.learning_rate

    settled, _ = run(error)

    assert settled.trial.learning_rate == 0.01
    assert settled.interior


def test_rate_of_which_one_seed_diverged_never_wins() -> None:
    def error(trial: Trial) -> float:
        if trial.learning_rate == 0.02:
            return math.inf if trial.seed == 1 else 0.01
        return 0.3 + 0.01 * off(trial, 0.02)

    settled, _ = run(error)

    assert settled.trial.learning_rate in (0.01, 0.04)
    assert settled.val_errors == (0.31, 0.31, 0.31)


def test_where_all_rates_diverge_lower_ones_are_tried_and_the_error_is_infinite() -> None:
    settled, rounds = run(lambda _: math.inf)

    assert [rates(trials) for trials in rounds[1:4]] == [
        [GRID[0] / 2 ** (2 * i), GRID[0] / 2 ** (2 * i - 1)] for i in (1, 2, 3)
    ]
    assert settled.error == math.inf
    assert not settled.interior


def test_ties_in_error_go_to_the_lower_loss() -> None:
    def run_round(trials: list[Trial]) -> list[Outcome]:
        return [
            Outcome(status="ok", val_error=0.1, val_loss=0.2 + 0.01 * off(trial, 0.005), best_step=1)
            for trial in trials
        ]

    settled = drive(settle(START), run_round)

    assert settled.trial.learning_rate == 0.005


def test_error_is_the_median_and_the_rate_is_chosen_by_the_mean_over_seeds() -> None:
    def error(trial: Trial) -> float:
        good = {0: 0.1, 1: 0.4, 2: 0.15}[trial.seed]
        return good if trial.learning_rate == 0.01 else 0.25

    settled, _ = run(error)

    assert settled.trial.learning_rate == 0.01
    assert settled.val_errors == (0.1, 0.4, 0.15)
    assert settled.error == 0.15


def test_settled_run_keeps_everything_but_rate_and_steps() -> None:
    settled, rounds = run(lambda trial: 0.1 + 0.01 * off(trial, 0.02))
    values = settled.trial.to_json()
    start = START.to_json()

    assert {key for key in values if values[key] != start[key]} == {"learning_rate", "steps", "seed"}
    assert settled.trial.seed == 0
    assert settled.shape == START.shape
    assert settled.trial.steps in {trial.steps for trial in rounds[0]}


def test_how_a_run_stands_is_known_from_the_first_rates_on() -> None:
    stands: list[Settled] = []
    seen: list[tuple[float, int, bool]] = []

    def run_round(trials: list[Trial]) -> list[Outcome]:
        seen.extend((one.trial.learning_rate, one.trial.steps, one.interior) for one in stands[-1:])
        return [outcome(trial, 0.1 + 0.01 * off(trial, 0.08)) for trial in trials]

    drive(settle(START, first_steps=100, most_steps=200, so_far=stands.append), run_round)

    assert seen == [(0.04, 100, False), (0.08, 100, True)]
    assert not stands[-1].capped


def test_replay_asks_for_the_same_trials() -> None:
    def asked() -> list[list[str]]:
        surface = Surface(lambda _: 0.1, best_rate=0.05, slowness=0.5, noise=0.1)
        surface.drive(settle(START, first_steps=100, most_steps=1600))
        return [[trial.key for trial in trials] for trials in surface.asked]

    first = asked()

    assert len(first) > 3
    assert asked() == first


def test_no_trial_is_asked_for_twice() -> None:
    surface = Surface(lambda _: 0.1, best_rate=0.08, slowness=2.0)
    surface.drive(settle(START))
    keys = [trial.key for trials in surface.asked for trial in trials]

    assert len(keys) == len(set(keys))


def test_protocol_is_as_the_design_says() -> None:
    assert tuning.RATES >= 5
    assert tuning.SETTLED_BELOW == 0.03
