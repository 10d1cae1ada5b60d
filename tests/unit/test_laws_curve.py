"""Fitting the law of a curve: what comes out, from many points and from few, and what it predicts."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from harness.laws.curve import MOST_DRAWS, fit_curve
from harness.laws.intervals import doubt, log_values
from harness.laws.points import Point, points_of
from registry.errors import InvalidData

FEW = (30, 100, 300, 1000, 3000, 10_000)
MANY = np.geomspace(30, 10_000, 40).round()
FIELDS = {
    "variables",
    "forms",
    "draws",
    "interval",
    "valid_range",
    "points",
    "backtest_error",
    "width_floor",
    "irreducible_error",
    "regions",
    "chance",
}


def seeds(n: float, *, floor: float = 0.03, noise: float = 0.05, count: int = 3, seed: int = 0) -> tuple[float, ...]:
    """Errors of a power law, one a seed."""
    rng = np.random.default_rng([seed, int(n)])
    return tuple((floor + 2 * n**-0.5) * np.exp(noise * rng.standard_normal(count)))


def few(**changed: float) -> list[Point]:
    return [Point(n, seeds(n, **changed)) for n in FEW]  # type: ignore[arg-type]


def predict(law: dict[str, object], n: float) -> float:
    return math.exp(log_values(law, np.array([n], dtype=np.float64))[0])


def test_a_law_has_the_fields_of_a_record_and_is_json() -> None:
    law = fit_curve(few(), chance=0.9)

    assert set(law) == FIELDS
    assert law["variables"] == ["n_train"]
    assert law["valid_range"] == {"n_train": [30, 10_000]}
    assert sum(form["weight"] for form in law["forms"]) == pytest.approx(1)
    assert {form["form"] for form in law["forms"]} >= {"power-law", "shifted-power-law", "m4"}
    assert len(law["draws"]) == MOST_DRAWS
    assert [point["n_seeds"] for point in law["points"]] == [3] * len(FEW)
    assert json.loads(json.dumps(law, allow_nan=False)) == law


def test_a_draw_is_its_form_and_the_parameters_in_key_order() -> None:
    law = fit_curve(few(), n_draws=20)

    for draw in law["draws"]:
        assert len(draw) == 1 + len(law["forms"][draw[0]]["parameters"])
    assert sorted(draw[0] for draw in law["draws"]) == [draw[0] for draw in law["draws"]]


def test_the_same_seed_gives_the_same_draws() -> None:
    assert fit_curve(few(), seed=3, n_draws=20) == fit_curve(few(), seed=3, n_draws=20)
    assert fit_curve(few(), seed=3, n_draws=20)["draws"] != fit_curve(few(), seed=4, n_draws=20)["draws"]


@pytest.mark.parametrize("count", [4, 5, 6, 7])
def test_few_points_get_no_form_with_as_many_parameters(count: int) -> None:
    n = np.geomspace(30, 10_000, count)
    law = fit_curve([Point(each, seeds(each)) for each in n.tolist()])

    assert max(len(form["parameters"]) for form in law["forms"]) < count
    assert predict(law, 20_000) == pytest.approx(0.03 + 2 * 20_000**-0.5, rel=0.25)


def test_steps_are_a_variable_too() -> None:
    law = fit_curve(few(), variable="steps", n_draws=0)

    assert law["variables"] == ["steps"]
    assert law["points"][0]["steps"] == 30


def test_one_wild_point_does_not_carry_the_fit_away() -> None:
    error = 0.03 + 2 * MANY**-0.5
    error[20] *= 2
    law = fit_curve(points_of(MANY.tolist(), error.tolist()), n_draws=0)

    assert predict(law, 20_000) == pytest.approx(0.03 + 2 * 20_000**-0.5, rel=0.02)


def test_points_with_larger_standard_errors_count_less() -> None:
    error = (0.03 + 2 * MANY**-0.5) * np.where(np.arange(40) % 2, 1.0, 1.15)
    stderr = error * np.where(np.arange(40) % 2, 0.005, 0.2)
    law = fit_curve(points_of(MANY.tolist(), error.tolist(), stderr.tolist()), n_draws=0)

    assert predict(law, 20_000) == pytest.approx(0.03 + 2 * 20_000**-0.5, rel=0.03)


def test_no_draws_leave_every_interval_open() -> None:
    law = fit_curve(few(), n_draws=0)

    assert law["interval"] is None
    assert np.isinf(doubt(law, np.array([1000.0])).half90).all()
    assert law["irreducible_error"]["low"] is None
    assert law["irreducible_error"]["high"] is None


def test_five_noisy_points_do_not_locate_a_floor() -> None:
    law = fit_curve([Point(n, seeds(n, floor=0.0, noise=0.1)) for n in FEW[:5]])

    assert law["irreducible_error"]["low"] is None


def test_a_floor_far_below_the_smallest_error_of_a_clean_long_curve_is_located() -> None:
    n = np.geomspace(10, 1e6, 60)
    bound = fit_curve(points_of(n.tolist(), (0.05 + 2 * n**-0.5).tolist()))["irreducible_error"]

    assert bound["low"] < 0.05001
    assert bound["high"] > 0.04999
    assert bound["value"] == pytest.approx(0.05, rel=0.05)


def test_noise_of_runs_widens_the_interval_and_is_told() -> None:
    quiet, loud = fit_curve(few(noise=0.02)), fit_curve(few(noise=0.2))
    n = np.array([20_000.0])

    assert loud["interval"]["run_sd"] > 3 * quiet["interval"]["run_sd"]
    assert doubt(loud, n).half90[0] > 2 * doubt(quiet, n).half90[0]


def test_one_run_is_unknown_where_only_means_are_known() -> None:
    error = 0.03 + 2 * MANY**-0.5
    law = fit_curve(points_of(MANY.tolist(), error.tolist(), (0.02 * error).tolist()), n_draws=20)

    assert law["interval"]["run_sd"] is None
    assert doubt(law, np.array([20_000.0])).half90[0] > 0


def test_m4_stays_below_chance() -> None:
    error = 0.9 - 0.4 / (1 + (2000 / MANY) ** 1.5)
    law = fit_curve(points_of(MANY.tolist(), error.tolist()), chance=0.9, n_draws=0)
    found = [form for form in law["forms"] if form["form"] == "m4"]

    assert all(0 < m4["parameters"]["chance"] < 0.91 for m4 in found)


def test_a_long_curve_of_many_points_is_fitted_as_well() -> None:
    n = np.geomspace(30, 10_000, 800)
    law = fit_curve(points_of(n.tolist(), (0.03 + 2 * n**-0.5).tolist()), n_draws=0)

    assert predict(law, 20_000) == pytest.approx(0.03 + 2 * 20_000**-0.5, rel=0.01)
    assert len(law["points"]) == 800


def test_points_that_hit_their_cap_are_kept_and_not_fitted() -> None:
    points = [Point(n, seeds(n), n_items=1000, steps=500, capped=n == 30) for n in FEW]
    law = fit_curve(points, n_draws=0)

    assert law["valid_range"]["n_train"] == [100, 10_000]
    assert law["points"][0]["capped"]


def test_points_that_carry_no_law_are_refused() -> None:
    with pytest.raises(InvalidData, match="at least 4 distinct n"):
        fit_curve(few()[:3])
