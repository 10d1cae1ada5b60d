"""How sure a published figure is."""

from __future__ import annotations

import math

import pytest

from registry.prior import (
    SEED_SPREAD,
    SMALL_SPREAD,
    TEST_SPREAD,
    UNKNOWN_N_TEST,
    Z,
    published_bounds,
    seed_spread,
    size_of,
)


def test_an_accuracy_is_as_sure_as_its_seeds_and_its_test_items() -> None:
    low, high = published_bounds(0.8, "accuracy", "fraction", "higher", 50_000)
    sd = math.sqrt((SEED_SPREAD * 0.2) ** 2 + 0.2 * 0.8 / 50_000)

    assert (low, high) == (pytest.approx(0.8 - Z * sd, abs=1e-6), pytest.approx(0.8 + Z * sd, abs=1e-6))


def test_runs_that_err_independently_differ_by_less_than_the_prior_on_imagenet() -> None:
    error, n = 0.2, 50_000

    assert math.sqrt((1 - error) / (error * n)) < SEED_SPREAD


def test_fewer_test_items_make_it_less_sure_and_a_number_not_known_counts_as_few() -> None:
    few, many, unknown, assumed = (
        published_bounds(0.8, "accuracy", "fraction", "higher", n)[0] for n in (100, 10_000, None, UNKNOWN_N_TEST)
    )

    assert few < unknown == assumed < many


def test_f1_is_at_least_as_unsure_as_a_share_of_the_items() -> None:
    assert published_bounds(0.93, "f1", "fraction", "higher", 3454) == published_bounds(
        0.93, "accuracy", "fraction", "higher", 3454
    )


def test_runs_of_small_networks_differ_more_and_of_unknown_ones_as_of_large_ones() -> None:
    sizes = (100, 2500, 50_000, 5_000_000, 10**9, None)
    spreads = [seed_spread(size) for size in sizes]

    assert spreads == sorted(spreads, reverse=True)
    assert spreads[:2] == pytest.approx([SMALL_SPREAD] * 2)
    assert spreads[2] == pytest.approx(0.045, abs=5e-4)
    assert spreads[3:] == [SEED_SPREAD] * 3
    small, large = (published_bounds(0.8, "accuracy", "fraction", "higher", 50_000, n)[0] for n in (2500, 10**7))
    assert small < large


def test_weights_in_bytes_stand_for_params_that_nobody_states() -> None:
    assert size_of(7, 400, None) == 7
    assert size_of(None, 400, None) == size_of(None, None, 100) == 100
    assert size_of(None, None, None) is None


def test_an_error_in_pixels_is_its_own_error_form() -> None:
    low, high = published_bounds(2.0, "epe", "pixels", "lower", None)

    assert high - 2.0 == pytest.approx(2.0 - low)
    assert high == pytest.approx(2.0 * (1 + Z * math.hypot(SEED_SPREAD, TEST_SPREAD)))


def test_a_mean_precision_is_no_share_of_the_test_images() -> None:
    assert published_bounds(0.4, "map", "fraction", "higher", 5000) == published_bounds(
        0.4, "map", "fraction", "higher", None
    )


@pytest.mark.parametrize(("value", "end"), [(1.0, 1), (0.0, 0)])
def test_bounds_stay_within_the_unit_and_are_open_also_where_no_item_is_wrong(value: float, end: int) -> None:
    bounds = published_bounds(value, "accuracy", "fraction", "higher", 40)

    assert bounds[end] == value
    assert abs(bounds[1 - end] - value) > 0.01
