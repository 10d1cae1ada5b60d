"""What is refused, what is flagged, and what noise each point is given."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.laws.points import Point, curve_of, flags, points_of, resampled, thinned
from registry.errors import InvalidData

SIZES = (20, 50, 100, 200, 400, 1000)


def falling(**changed: object) -> list[Point]:
    return [Point(n, (0.05 + n**-0.5,), **changed) for n in SIZES]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("points", "wording"),
    [
        (points_of([10, 20, 40], [0.5, 0.4, 0.3]), r"needs at least 4 distinct n, got 3 \(10, 20, 40\)"),
        (points_of([10, 11, 12, 13], [0.5, 0.4, 0.3, 0.2]), "n spans 10 to 13, a factor 1.3; a law needs a factor 2"),
        (points_of([10, 20, 20, 40, 80], [0.5, 0.4, 0.41, 0.3, 0.2]), "n 20 comes in more than one point"),
        (points_of([10, 20, 40, 80], [0.5, math.nan, 0.3, 0.2]), "n 20 has error nan, expected a finite number"),
        (points_of([10, 20, 40, 80], [0.5, -0.1, 0.3, 0.2]), "n 20 has error -0.1, expected a finite number"),
        (points_of([0, 20, 40, 80], [0.5, 0.4, 0.3, 0.2]), "n 0 is not a number of examples or steps"),
        (points_of([10, 20, 40, 80], [0.5, 0.4, 0.3, 0.0]), "n 80 has no error in any seed and a power law never"),
        (points_of([10, 20, 40, 80], [0.5, 0.4, 0.3, 0.2], [0.1, -1, 0.1, 0.1]), "n 20 has stderr -1"),
        ([*falling()[1:], Point(20, ())], "n 20 has no errors, expected one a seed"),
        ([*falling()[1:], Point(20, (0.4,), n_items=0)], "n 20 has errors that are counts of 0 items"),
    ],
)
def test_points_that_carry_no_law_are_refused_with_the_reason(points: list[Point], wording: str) -> None:
    with pytest.raises(InvalidData, match=wording):
        curve_of(points)


def test_capped_points_are_left_out_and_counted_in_the_hint() -> None:
    points = [*falling()[:3], *(Point(n, (0.1,), capped=True) for n in (300, 500))]

    with pytest.raises(InvalidData) as refused:
        curve_of(points)
    assert refused.value.hint == "2 more hit the cap on steps: train them longer"


def test_the_same_point_twice_counts_once() -> None:
    assert curve_of([*falling(), *falling()]).n.tolist() == list(SIZES)


def test_no_error_at_all_is_a_count() -> None:
    curve = curve_of([*falling(n_items=99), Point(4000, (0.0, 0.0), n_items=99)])

    assert math.exp(curve.log_error[-1]) == pytest.approx(0.5 / 100)
    assert curve.noise[-1] > 1  # known to about a factor e, no better


def test_counts_of_few_items_are_known_less_well() -> None:
    few, many = (curve_of(falling(n_items=items)).noise for items in (100, 1_000_000))

    assert few[-1] == pytest.approx(math.hypot(many[-1], math.sqrt((1 / 0.0816 - 1) / 100)), rel=0.01)


def test_given_standard_errors_are_the_noise() -> None:
    error = [0.5, 0.4, 0.3, 0.2]
    curve = curve_of(points_of([10, 20, 40, 80], error, [0.05, 0.04, 0.03, 0.02]))

    np.testing.assert_allclose(curve.noise, 0.1, rtol=1e-3)


def test_a_standard_error_counts_where_it_is_given_and_seeds_where_they_are() -> None:
    told = [Point(n, (5 * n**-0.5,), stderr=0.2 * 5 * n**-0.5) for n in (100, 200, 400, 800)]
    curve = curve_of([*told, Point(1600, (0.12, 0.13))])

    assert curve.noise[:4] == pytest.approx(0.2, rel=1e-3)
    assert 0.01 < curve.noise[4] < 0.1


def test_a_count_of_none_at_the_end_does_not_hide_that_the_error_falls() -> None:
    points = [Point(50 * 2**i, (wrong / 200,), n_items=200) for i, wrong in enumerate((60, 31, 14, 8, 3, 0, 0))]

    assert flags(curve_of(points)) == []


def test_noise_between_seeds_is_pooled_and_shared_by_their_number() -> None:
    rng = np.random.default_rng(0)
    means = [0.05 + n**-0.5 for n in SIZES]
    few, many = (
        curve_of(
            [
                Point(n, tuple(mean * np.exp(0.1 * rng.standard_normal(seeds))))
                for n, mean in zip(SIZES, means, strict=True)
            ]
        )
        for seeds in (4, 100)
    )

    assert few.run_sd == pytest.approx(0.1, rel=0.4)
    assert many.run_sd == pytest.approx(0.1, rel=0.1)
    assert 2 < few.noise.mean() / many.noise.mean() < 5  # no mean is known better than 1 %


def test_scatter_of_single_points_tells_their_noise() -> None:
    n = np.geomspace(10, 1e5, 60)
    rng = np.random.default_rng(0)
    noisy = curve_of(points_of(n.tolist(), ((0.05 + n**-0.5) * np.exp(0.05 * rng.standard_normal(60))).tolist()))
    clean = curve_of(points_of(n.tolist(), (0.05 + n**-0.5).tolist()))

    assert noisy.noise[0] == pytest.approx(0.05, rel=0.4)
    assert clean.noise[0] < 0.003


def test_a_clean_falling_curve_has_no_flag() -> None:
    assert flags(curve_of(falling()), chance=1.0) == []


@pytest.mark.parametrize(
    ("points", "chance", "wording"),
    [
        (points_of(SIZES, [0.5, 0.4, 0.3, 0.2, 0.5, 0.1]), None, "error rises from 0.2 at n 200 to 0.5 at 400"),
        (points_of(SIZES, [0.5, 0.49, 0.5, 0.51, 0.5, 0.5]), None, "error does not fall by more than its noise"),
        (points_of([10, 15, 20, 30], [0.5, 0.4, 0.3, 0.2]), None, "n spans 10 to 30, less than a factor 4"),
        (points_of(SIZES, [1.2, 0.9, 0.7, 0.5, 0.4, 0.3]), 0.9, "error 1.2 lies above chance, 0.9"),
    ],
)
def test_what_speaks_against_a_curve_is_flagged(points: list[Point], chance: float | None, wording: str) -> None:
    steady = [Point(point.n, point.errors, stderr=0.01 * point.mean) for point in points]

    assert any(wording in reason for reason in flags(curve_of(steady), chance=chance))


def test_noise_of_many_points_is_not_called_a_rise() -> None:
    n = np.geomspace(10, 1e5, 100)
    rng = np.random.default_rng(1)
    error = (0.05 + n**-0.5) * np.exp(0.05 * rng.standard_normal(100))

    assert flags(curve_of(points_of(n.tolist(), error.tolist(), (0.05 * error).tolist()))) == []


def test_a_rise_in_a_very_long_curve_is_flagged() -> None:
    n = np.arange(100, 8100)
    error = n**-0.5 * np.where(n < 4000, 1.0, 3.0)
    (found,) = flags(curve_of(points_of(n.tolist(), error.tolist())))

    assert "error rises from" in found


def test_standard_errors_tell_nothing_of_one_run() -> None:
    error = [0.5, 0.4, 0.3, 0.2]

    assert curve_of(points_of([10, 20, 40, 80], error, [0.05, 0.04, 0.03, 0.02])).run_sd is None
    assert curve_of(points_of([10, 20, 40, 80], error)).run_sd is not None  # a run each, as far as anyone says


def test_draws_resample_seeds_where_there_are_three() -> None:
    seeds = (0.3, 0.3, 0.3)
    points = [Point(10, seeds), *(Point(n, (0.2 * (20 / n) ** 0.5,)) for n in SIZES)]
    drawn, counts = resampled(curve_of(points), 50, np.random.default_rng(0))

    np.testing.assert_allclose(drawn[:, 0], np.log(0.3))
    assert drawn[:, 1].std() > 0.005
    assert counts is None


def test_a_long_curve_is_thinned_to_averages_with_less_noise() -> None:
    n = np.geomspace(10, 1e5, 1000)
    rng = np.random.default_rng(0)
    curve = curve_of(points_of(n.tolist(), (n**-0.5 * np.exp(0.1 * rng.standard_normal(1000))).tolist()))
    short = thinned(curve, 50)

    assert len(short.n) == 50
    assert (np.diff(short.n) > 0).all()
    assert np.abs(short.log_error + 0.5 * np.log(short.n)).max() < 0.1
    assert short.noise.max() < curve.noise.min() / 3
    assert thinned(short, 50) is short
