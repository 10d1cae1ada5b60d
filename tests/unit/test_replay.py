"""Replays on a small made-up table whose truth is known."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest

from harness.plugins import load
from harness.replay import Replay, space_of, truth_of
from harness.search.base import Setting
from harness.smallest import Request
from harness.tables import Table
from harness.trial import Shape

pytestmark = pytest.mark.whole_study

WIDTHS: Final = (1, 2, 3, 4, 6, 8, 12, 16)
RATES: Final = (0.005, 0.01, 0.02)
STEPS: Final = (100, 200)
SEEDS: Final = 40
FIRST, SECOND = slice(0, 20), slice(20, 40)


def table(noise: float = 0.0) -> Table:
    """Errors are 0.6 / width at the middle rate and most steps; the test split is harder by 0.01."""
    settings = [Setting(Shape(width, 1), rate, steps) for width in WIDTHS for rate in RATES for steps in STEPS]
    draw = np.random.default_rng(0)
    clean = np.array(
        [0.6 / s.shape.width * (1 + 0.3 * (s.learning_rate != 0.01)) * (1 + 0.2 * (s.steps == 100)) for s in settings]
    )
    val = clean[:, None] * np.exp(noise * draw.standard_normal((len(settings), SEEDS)))
    facts = {"dataset": "made-up", "family": "mlp", "n_val": 400, "n_test": 1000, "chance_error": 0.9, "batch_size": 32}
    params = {Shape(width, 1): 10 * width for width in WIDTHS}
    flops = {shape: 2.0 * n for shape, n in params.items()}
    return Table(facts, params, flops, {s: i for i, s in enumerate(settings)}, val, val + 0.01)


def test_space_is_what_the_table_covers() -> None:
    space = space_of(table())

    assert [shape.width for shape in space.shapes] == list(WIDTHS)
    assert (space.rates, space.steps) == (RATES, STEPS)
    assert (space.n_val, space.n_test, space.chance_error) == (400, 1000, 0.9)


@pytest.mark.parametrize(("target", "width"), [(0.11, 6), (0.109, 8), (0.61, 1), (0.02, None)])
def test_truth_is_the_smallest_shape_whose_median_meets_at_its_best_setting(target: float, width: int | None) -> None:
    found = truth_of(table(), FIRST).smallest(space_of(table()), target + 1e-9)

    assert found == (None if width is None else Shape(width, 1))


def test_truth_chooses_settings_by_validation() -> None:
    made = table()
    made.test_errors[made.rows[Setting(Shape(4, 1), 0.02, 100)]] = 0.0  # lucky on the test split alone

    assert truth_of(made, FIRST).median[Shape(4, 1)] == pytest.approx(0.16)


def test_truth_has_an_interval_and_the_halves_differ() -> None:
    made = table(noise=0.2)
    first, second = truth_of(made, FIRST), truth_of(made, SECOND)
    space = space_of(made)
    may, surely = first.interval(space, 0.11)
    smallest = first.smallest(space, 0.11)

    assert first.median != second.median
    assert may is not None
    assert smallest is not None
    assert surely is not None
    assert may.width <= smallest.width <= surely.width
    assert all(low <= first.median[shape] <= high for shape, (low, high) in first.bounds.items())


def test_replay_counts_what_it_spends_and_shows_test_errors_to_certifications_alone() -> None:
    made = table()
    replay = Replay(made, FIRST, 0)
    setting = Setting(Shape(4, 1), 0.01, 200)
    searched = replay.answer(Request(setting, 3))
    certified = replay.answer(Request(setting, 5, attempt=1))

    assert [one.test_error for one in searched] == [None] * 3
    assert [one.test_error for one in certified] == pytest.approx([0.16] * 5)
    assert replay.train_flops == 8 * made.train_flops(setting)
    assert replay.certify_flops == 5 * made.train_flops(setting)


def test_replay_draws_from_its_half_alone() -> None:
    made = table()
    made.val_errors[:, FIRST] = 0.7
    drawn = Replay(made, SECOND, 0).answer(Request(Setting(Shape(1, 1), 0.01, 200), 200))

    assert {one.val_error for one in drawn} == {0.6}


def test_replays_of_one_number_are_the_same_and_of_others_are_not() -> None:
    made = table(noise=0.3)
    request = Request(Setting(Shape(4, 1), 0.01, 200), 10)
    first, same, other = (Replay(made, FIRST, number).answer(request) for number in (0, 0, 1))

    assert first == same
    assert first != other


@pytest.mark.parametrize("name", ["bisect", "grid", "pooled"])
def test_a_search_on_a_table_without_noise_certifies_the_smallest_shape(name: str) -> None:
    made = table()
    replay = Replay(made, SECOND, 0)
    found = replay.run(load("search", name), space_of(made), 0.115)

    assert found.certified is not None
    assert found.certified.shape == Shape(6, 1)
    assert 0 < replay.certify_flops < replay.train_flops
    asked = [request for requests in replay.rounds for request in requests]
    assert replay.train_flops == pytest.approx(sum(one.n * made.train_flops(one.setting) for one in asked))


def test_a_target_out_of_reach_ends_with_a_reason() -> None:
    made = table()
    found = Replay(made, SECOND, 0).run(load("search", "bisect"), space_of(made), 0.01)

    assert found.certified is None
    assert found.reason == "no shape of the space is likely to meet it"
