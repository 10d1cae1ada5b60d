"""How long trainings take, as far as it follows from a few packs; nothing here is timed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.executors.base import Running
from harness.pace import FEW_STEPS, MORE_STEPS, MOST_APART, PRIOR_S, Pace, probe
from harness.plugins import load
from harness.stack import checkpoints
from harness.train import flops
from harness.trial import Shape, Trial

SMALL, MIDDLING = Shape(0, 0), Shape(64, 2)
WINE = Trial("wine", "mlp", SMALL, 90, 0, 0.01, 0.0, 1000, 32)
START_S, STEP_S, FLOP_S = 0.25, 0.001, 1e-8


LOADING_S = 3.0
N_VAL = len(load("datasets", "wine").val())


def forward_flops(trial: Trial) -> float:
    """Three forward passes a step, and validation at each checkpoint."""
    examples = 3 * trial.steps * trial.batch_size + len(checkpoints(trial.steps, trial.batch_size, N_VAL)) * N_VAL
    return examples * flops("mlp", "wine", trial.shape)


class Told(Running):
    """An executor whose packs take as long as the test says, the first of a shape longer: it loads the data."""

    def __init__(self, n_workers: int, times: float = 1.0) -> None:
        self.n_workers = n_workers
        self.times = times
        self.asked: list[Sequence[Trial]] = []

    def map(self, function: Any, packs: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        seen = {pack[0].shape for pack in self.asked}
        self.asked += packs
        for position, pack in enumerate(packs):
            first = pack[0]
            loading = 0.0 if first.shape in seen else LOADING_S
            taken = START_S + first.steps * STEP_S + FLOP_S * len(pack) * forward_flops(first)
            yield position, loading + self.times * taken


def seeds(trial: Trial, n: int) -> list[Trial]:
    return [replace(trial, seed=seed) for seed in range(n)]


@pytest.mark.parametrize("workers", [1, 3])
def test_probe_finds_what_packs_take(workers: int) -> None:
    running = Told(workers)
    pace = probe(WINE, (SMALL, MIDDLING), running, workers)

    assert pace.flop_s == pytest.approx(FLOP_S)
    assert pace.start_s == pytest.approx(START_S)
    assert pace.step_s == pytest.approx(STEP_S)
    assert len(running.asked) == 5 * workers
    assert {trial.steps for pack in running.asked for trial in pack} == {FEW_STEPS, MORE_STEPS}
    assert not any(trial.tested for pack in running.asked for trial in pack)


def test_where_a_few_steps_take_long_few_more_are_timed() -> None:
    times = 10.0 / START_S
    running = Told(1, times)
    pace = probe(WINE, (SMALL, MIDDLING), running, 1)

    assert pace.flop_s == pytest.approx(times * FLOP_S)
    assert pace.start_s == pytest.approx(times * START_S)
    assert {trial.steps for pack in running.asked for trial in pack} == {FEW_STEPS, 2 * FEW_STEPS}


def test_error_in_the_probe_is_not_swallowed() -> None:
    class Failing(Told):
        def map(self, function: Any, packs: Sequence[Any]) -> Iterator[tuple[int, Any]]:
            yield 0, OSError("no space")

    with pytest.raises(OSError, match="no space"):
        probe(WINE, (SMALL, MIDDLING), Failing(1), 1)


def test_nothing_takes_no_time() -> None:
    assert Pace(1.0, 1.0, 1.0).seconds([]) == 0


def test_a_pack_of_more_members_takes_longer_only_by_their_arithmetic() -> None:
    pace = Pace(START_S, STEP_S, 0.0)

    assert pace.seconds(seeds(WINE, 40)) == pace.seconds(seeds(WINE, 8)) == START_S + 1000 * STEP_S


def test_workers_share_the_packs_of_a_round() -> None:
    trials = [*seeds(WINE, 8), *seeds(replace(WINE, steps=2000), 8)]
    alone, shared = (Pace(0.0, STEP_S, 0.0, workers).seconds(trials) for workers in (1, 2))

    # in one pack while it is alone: members that end sooner leave it
    assert alone == pytest.approx(2000 * STEP_S)
    assert shared < 2 * alone


def test_what_a_network_is_pruned_from_is_paid_for_too() -> None:
    pruned = replace(WINE, route="pruned", pruned_from=replace(WINE, shape=MIDDLING, steps=4000))

    assert Pace(0.0, STEP_S, 0.0).seconds([pruned]) == pytest.approx(5000 * STEP_S)


def test_rounds_that_take_longer_than_expected_correct_the_pace() -> None:
    pace = Pace(0.0, STEP_S, 0.0)
    expected = pace.seconds(seeds(WINE, 8))
    pace.learn(seeds(replace(WINE, steps=98_000), 8), 298.0)

    overall = (298 + PRIOR_S) / (98 + PRIOR_S)
    assert pace.seconds(seeds(WINE, 8)) == pytest.approx(expected * (298 + PRIOR_S * overall) / (98 + PRIOR_S))


@pytest.mark.parametrize("workers", [1, 3])
def test_a_part_that_is_slower_than_measured_is_corrected_by_the_rounds_in_which_it_weighs(workers: int) -> None:
    pace, true = Pace(0.0, STEP_S, FLOP_S, workers), Pace(0.0, STEP_S, 5 * FLOP_S, workers)
    n = 150 * workers  # several packs
    small, middling, wide = (seeds(replace(WINE, shape=shape), n) for shape in (SMALL, MIDDLING, Shape(256, 2)))
    before = pace.seconds(wide)
    taken = [(trials, true.seconds(trials)) for trials in (small, middling, wide)]
    for _ in range(5):
        for trials, seconds in taken:
            pace.learn(trials, seconds)

    assert true.seconds(wide) / before > 4
    assert pace.seconds(wide) == pytest.approx(true.seconds(wide), rel=0.02)
    assert pace.seconds(small) == pytest.approx(true.seconds(small), rel=0.1)  # by one factor it would be 3 times that


def test_a_part_that_takes_nothing_is_still_foreseen_and_the_others_are_right() -> None:
    pace, true = Pace(2.0, STEP_S, 0.0), Pace(0.0, 2 * STEP_S, 0.0)
    few, many = seeds(replace(WINE, steps=250), 8), seeds(replace(WINE, steps=8000), 8)
    taken = [(trials, true.seconds(trials)) for trials in (few, many)]
    for _ in range(90):
        for trials, seconds in taken:
            pace.learn(trials, seconds)
    start = pace.seconds(seeds(replace(WINE, steps=1), 8))
    overall = 90 * (0.5 + 16) / (90 * (2.25 + 10))

    assert start == pytest.approx(2.0 * overall / MOST_APART, rel=0.1)
    assert pace.seconds(many) == pytest.approx(true.seconds(many), rel=0.05)


def test_a_round_of_nothing_teaches_nothing() -> None:
    pace = Pace(START_S, STEP_S, FLOP_S)
    pace.learn([], 5.0)

    assert pace.seconds(seeds(WINE, 8)) == Pace(START_S, STEP_S, FLOP_S).seconds(seeds(WINE, 8))
