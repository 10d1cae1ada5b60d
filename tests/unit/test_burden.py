"""How error falls with training compute, and compute with the years: known laws are found again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.burden.answer import burden
from harness.burden.exponent import Fit, fit, frontier_of
from harness.burden.halving import progress
from harness.burden.points import Collection, error_form, gather, main_metric, metrics
from registry.errors import NoAnswer
from tests.published_points import Point, point, power_law, record

ACCURACY = {"name": "accuracy", "unit": "fraction", "direction": "higher", "chance": None}
FILLED = {"precision": "float32", "resolution": None, "input_shape": None, "metrics": {}}


def collection(*groups: list[Point], metric: str = "accuracy") -> Collection:
    """Gather records, one for each group of points, all asking accuracy."""
    made = [record([FILLED | one for one in points], f"family-{i}") for i, points in enumerate(groups)]
    return gather(made, {**ACCURACY, "name": metric})


def fitted(points: list[Point], **options: Any) -> Fit:
    return fit(collection(points).as_trained, **options)


def test_an_exact_power_law_gives_its_exponent_by_both_regressions() -> None:
    found = fitted(power_law(12, 6.0, noise=0))

    assert found.exponent is not None
    assert found.exponent == pytest.approx((6, 6, 6))
    assert found.inverse == pytest.approx((6, 6, 6))
    assert found.r2 == pytest.approx(1)
    assert found.halving == pytest.approx((64, 64, 64))


def test_intervals_hold_the_exponent_about_as_often_as_they_say() -> None:
    ends = [found.exponent for seed in range(60) if (found := fitted(power_law(30, 5.0, noise=0.2, seed=seed)))]
    held = sum(one is not None and (one.low or 0) <= 5 <= (one.high or math.inf) for one in ends)

    assert 48 <= held <= 59  # of 60 at 90 %


def test_drawing_sources_widens_an_interval_where_sources_disagree() -> None:
    rng = np.random.default_rng(1)
    points = []
    for source in range(8):
        worse = math.exp(0.3 * rng.standard_normal())
        for i in range(8):
            at = source + i / 8
            name, error = f"{source} {i}", 0.3 * 2.0 ** (-at / 4) * worse
            points.append(point(name, error, 1e17 * 2.0**at, citation=f"{source}"))
    found = fitted(points)

    assert found.n_sources == 8
    assert found.exponent is not None
    assert found.by_source is not None
    assert found.by_source.low is not None
    assert found.exponent.low is not None
    assert found.by_source.low < found.exponent.low < 4


def test_few_sources_are_not_drawn() -> None:
    assert fitted(power_law(12, 6.0, citation="one table")).by_source is None


def test_under_10_trainings_there_is_no_exponent() -> None:
    assert fitted(power_law(10, 4.0)).n == 10
    with pytest.raises(NoAnswer, match="an exponent takes 10 trainings, got 9"):
        fitted(power_law(9, 4.0))


def test_where_compute_explains_little_nothing_is_said_of_halving() -> None:
    found = fitted(power_law(40, 40.0, noise=0.5))

    assert found.r2 < 0.3
    assert found.halving is None
    assert found.silence == f"compute explains {found.r2:.0%} of the variance of log error, less than 30%"


def test_an_error_that_rises_with_compute_has_no_exponent() -> None:
    points = [point(f"net {i}", 0.1 * 1.05**i, 1e17 * 2.0**i) for i in range(12)]
    found = fitted(points)

    assert found.exponent is None
    assert found.silence == "error does not fall with compute here"


def test_a_slope_that_may_be_flat_leaves_the_upper_end_open() -> None:
    found = fitted(power_law(12, 60.0, noise=0.3, seed=1))

    assert found.exponent is not None
    assert found.exponent.low is not None
    assert found.exponent.high is None


def test_a_frontier_is_what_nothing_as_cheap_beats() -> None:
    x, y = np.array([1.0, 2.0, 3.0, 3.0, 4.0]), np.array([5.0, 6.0, 4.0, 3.0, 3.0])

    assert frontier_of(x, y, np.ones((1, 5), dtype=bool)).tolist() == [[True, False, False, True, False]]
    assert frontier_of(x, y, np.array([[False, True, True, False, True]])).tolist() == [
        [False, True, True, False, True]
    ]


def test_the_frontier_finds_the_law_below_worse_trainings() -> None:
    best = power_law(12, 5.0, noise=0.01)
    worse = [
        FILLED | point(f"worse {i}", min(0.95, (1 - one["value"]) * 1.5), one["train_flops"])
        for i, one in enumerate(best)
    ]
    found = fitted(best + worse, frontier=True)

    assert found.n == 12
    assert found.exponent is not None
    assert found.exponent.value == pytest.approx(5, rel=0.05)


def test_a_frontier_of_too_few_is_said_to_be_missing_and_the_rest_stands() -> None:
    points = power_law(11, 5.0, noise=0.01)
    best = [point("best and cheapest", 0.001, 1e14)]
    found = burden(collection(points + best), "image-cls on blobs")

    assert found.all_points.n == 12
    assert not isinstance(found.frontier, Fit)
    assert found.frontier.why == "a frontier takes 5 trainings, got 1"


def test_where_all_points_say_nothing_of_halving_the_frontier_does_not_either() -> None:
    best = power_law(8, 6.0, noise=0.01)
    worse = [point(f"worse {i}", 0.9 - 0.01 * (i % 3), 1e15 * 2.0**i) for i in range(16)]
    found = burden(collection(best + worse), "image-cls on blobs")

    assert found.all_points.r2 < 0.3
    assert isinstance(found.frontier, Fit)
    assert found.frontier.halving is not None
    assert found.halving(found.frontier) is None


def test_pruned_and_int8_networks_have_exponents_of_their_own() -> None:
    points = power_law(12, 6.0)
    pruned = [{**one, "name": f"pruned {one['name']}", "route": "pruned"} for one in power_law(12, 4.0, noise=0)]
    int8 = [{**one, "precision": "int8-mixed"} for one in power_law(11, 5.0)[:9]]
    found = burden(collection(points, pruned, int8), "image-cls on blobs")
    least = found.variants["pruned"]

    assert found.all_points.n == 12
    assert isinstance(least, Fit)
    assert least.exponent is not None
    assert least.exponent.value == pytest.approx(4)
    assert not isinstance(found.variants["int8"], Fit)
    assert found.variants["int8"].why == "an exponent takes 10 trainings, got 9"


def test_a_training_told_of_twice_counts_once_with_the_better_account() -> None:
    rough = point("ResNet 50", 0.25, 9e18, train_flops_source="hardware-x-time")
    stated = point("resnet-50", 0.24, 1e19)
    found = collection([rough], [stated])

    assert [(one.name, one.train_flops) for one in found.trainings] == [("resnet-50", 1e19)]
    assert (found.n_figures, found.n_repeats) == (2, 1)


def test_one_training_tested_at_several_resolutions_counts_with_its_best_figure() -> None:
    sides = [point(f"net at {side}", error, 1e19, resolution=side) for side, error in ((224, 0.2), (288, 0.19))]
    trained_anew = point("net at 384", 0.17, 3e19, resolution=384)
    found = collection([*sides, trained_anew])

    assert [one.error for one in found.trainings] == pytest.approx([0.19, 0.17])


def test_names_that_differ_by_a_dot_are_two_networks() -> None:
    assert len(collection([point("net 1.6GF", 0.2, 1e18), point("net 16GF", 0.19, 1e19)]).trainings) == 2


def test_what_has_no_compute_or_no_error_is_counted_and_not_fitted() -> None:
    found = collection([point("no compute", 0.2, None), point("perfect", 0.0, 1e18), point("fine", 0.1, 1e18)])

    assert [one.name for one in found.trainings] == ["fine"]
    assert (found.n_figures, found.n_perfect, found.n_repeats) == (3, 1, 0)


def test_further_figures_of_a_point_count_in_their_own_metric() -> None:
    both = FILLED | point("net", 0.2, 1e18, metrics={"accuracy-top-5": 0.95, "epe": 0.3})

    assert sorted(metrics([record([both])])) == ["accuracy", "accuracy-top-5"]
    [one] = collection([both], metric="accuracy-top-5").trainings
    assert one.error == pytest.approx(0.05)


def test_the_metric_that_is_meant_and_its_error_are_said() -> None:
    assert main_metric({"em", "f1"}) == "f1"
    assert main_metric({"zeta", "eta"}) == "eta"
    assert error_form({"name": "bleu", "direction": "higher"}) == "1 - bleu"
    assert error_form({"name": "epe", "direction": "lower"}) == "epe"


def halving(months: float, exponent: float = 6.0, noise: float = 0.0) -> list[Point]:
    """Return trainings, five a year from 2010 on, whose compute for one error halves in so many months."""
    rng = np.random.default_rng(3)
    points = []
    for year in range(2010, 2018):
        for i in range(5):
            compute = 1e17 * 4.0**i
            log_error = math.log(0.3) - (i * math.log(4) + (year - 2010) * 12 / months * math.log(2)) / exponent
            error = math.exp(log_error + noise * rng.standard_normal())
            points.append(point(f"net {year} {i}", error, compute, year=year))
    return points


def test_all_trainings_together_give_back_the_halving_time() -> None:
    exact, noisy = (progress(collection(halving(14, noise=noise)).as_trained).trend for noise in (0, 0.05))

    assert exact == pytest.approx((14, 14, 14))
    assert noisy is not None
    assert (noisy.low or 0) < 14 < (noisy.high or math.inf)


def test_the_least_compute_so_far_gives_back_the_halving_time() -> None:
    points = [
        point(f"net {year}", 0.2, 1e18 * 2.0 ** (-(year - 2010) * 12 / 16), year=year) for year in range(2010, 2020)
    ]
    dearer = [point(f"dear {year}", 0.2 - 0.001 * (year - 2009), 1e19, year=year) for year in range(2011, 2020)]
    level = progress(collection(points + dearer).as_trained).levels[0]

    assert level.what == "that of net 2010, 2010"
    assert [one.name for one in level.records] == [f"net {year}" for year in range(2010, 2020)]
    assert level.months is not None
    assert level.months.value == pytest.approx(16)
    assert (level.months.low or 0) <= 16 <= (level.months.high or math.inf)


def test_a_level_that_nothing_reaches_with_less_has_no_halving_time() -> None:
    points = [point(f"net {i}", 0.3 - 0.01 * i, 1e17 * 2.0**i, year=2010 + i // 2) for i in range(16)]
    level = progress(collection(points).as_trained).levels[0]

    assert len(level.records) == 1
    assert level.months is None


def test_without_a_trend_in_years_compute_and_years_are_not_told_apart() -> None:
    points = [point(f"net {i}", 0.4 * 0.9**i, 1e17 * 2.0**i, year=2005 + i) for i in range(16)]

    assert progress(collection(points).as_trained).trend is None


def test_a_halving_time_takes_15_trainings_with_a_year() -> None:
    dated = halving(14)[:14]
    undated = [point(f"undated {i}", 0.2, 1e18 + i) for i in range(5)]

    with pytest.raises(NoAnswer, match="takes 15 trainings with their year, and two years, got 14 in 3 years"):
        progress(collection(dated + undated).as_trained)


def test_where_errors_hardly_differ_nothing_is_said_of_halving() -> None:
    narrow = [point(f"net {i}", 0.5 - 0.01 * i, 10.0 ** (16 + i / 3), citation=f"A{i}") for i in range(15)]
    found = burden(collection(narrow), "narrow")

    assert found.span < 2
    assert found.all_points.halving is not None
    assert found.halving(found.all_points) is None
    assert found.silence == "errors here span a factor of 1.4"
