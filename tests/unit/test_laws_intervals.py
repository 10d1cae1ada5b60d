"""The scale of doubt and the intervals that come of it."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from harness.laws.intervals import doubt, interval_fields, log_draws, log_values, outside, spread

N = np.array([10.0, 100.0, 1000.0, 4000.0])
LAW = {
    "forms": [
        {"form": "power-law", "weight": 0.25, "parameters": {"coefficient": 2.0, "exponent": 0.5, "floor": 0.0}},
        {
            "form": "shifted-power-law",
            "weight": 0.75,
            "parameters": {"coefficient": 2.0, "exponent": 0.5, "floor": 0.1, "shift": 5.0},
        },
    ],
    "draws": [[1, 2.2, 0.5, 0.1, 5.0], [0, 1.8, 0.5, 0.0]],
    "valid_range": {"n_train": [100, 1000]},
    "interval": {"factor80": 1.0, "factor90": 2.0, "noise": 0.03, "drift": 0.1, "run_sd": 0.04},
}


def test_the_value_is_the_weighted_average_of_the_logs() -> None:
    expected = 0.25 * np.log(2 * N**-0.5) + 0.75 * np.log(0.1 + 2 * (N + 5) ** -0.5)

    np.testing.assert_allclose(log_values(LAW, N), expected)


def test_draws_keep_their_order() -> None:
    drawn = log_draws(LAW, N)

    np.testing.assert_allclose(drawn[0], np.log(0.1 + 2.2 * (N + 5) ** -0.5))
    np.testing.assert_allclose(drawn[1], np.log(1.8 * N**-0.5))


def test_doubt_is_scatter_noise_and_distance_in_quadrature() -> None:
    scatter = np.sqrt(np.mean((log_draws(LAW, N) - log_values(LAW, N)) ** 2, axis=0))
    away = np.array([np.log(10), 0, 0, np.log(4)])
    found = doubt(LAW, N)

    np.testing.assert_allclose(outside(LAW, N), away)
    np.testing.assert_allclose(spread(LAW, N), scatter)
    np.testing.assert_allclose(found.scale, np.sqrt(scatter**2 + 0.03**2 + (0.1 * away) ** 2))
    np.testing.assert_allclose(found.half80, found.scale)
    np.testing.assert_allclose(found.half90, 2 * found.scale)


def test_a_law_without_draws_knows_no_interval() -> None:
    open_ended = copy.deepcopy(LAW) | {"draws": [], "interval": None}

    assert np.isinf(doubt(open_ended, N).half80).all()


def test_missed_backtests_count_as_noise() -> None:
    calm, missed = (interval_fields(0.02, 0.05, errors, 40) for errors in ([], [0.5, -0.5]))

    assert calm["noise"] == pytest.approx(0.02)
    assert missed["noise"] == pytest.approx(np.hypot(0.02, 0.1))
    assert missed["run_sd"] == 0.05
    assert missed["factor90"] > missed["factor80"] > 1


def test_few_points_are_trusted_less_far_from_them() -> None:
    few, many = (interval_fields(0.02, 0.05, [], count) for count in (6, 40))

    assert few["drift"] > many["drift"]
