import math
import subprocess
import sys

import numpy as np
import pytest

from harness.fit import Cell, fit_power_law
from registry.errors import InvalidRecord, NoAnswer, OutsideRange, UsageError
from registry.law import data_needed, evaluate


def power_law(coefficient=2.0, exponent=0.5, floor=0.02, draws=(), n_train=(20, 1000)):
    return {
        "forms": [
            {
                "form": "power-law",
                "weight": 1.0,
                "parameters": {"coefficient": coefficient, "exponent": exponent, "floor": floor},
            }
        ],
        "draws": [list(draw) for draw in draws],
        "valid_range": {"n_train": list(n_train)},
    }


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    return fit_power_law(
        [
            Cell(n, tuple((0.02 + 2 * n**-0.5) * np.exp(0.05 * rng.standard_normal(5))), 1000, False)
            for n in (20, 50, 100, 200, 400, 1000)
        ]
    )


@pytest.mark.parametrize("n_train", [20, 137, 1000])
def test_it_equals_the_fitters_numbers(fitted, n_train):
    best = fitted["forms"][0]["parameters"]
    draws = np.array(fitted["draws"])
    errors = draws[:, 2] + draws[:, 0] * n_train ** -draws[:, 1]
    prediction = evaluate(fitted, n_train)

    assert prediction.value == pytest.approx(
        best["floor"] + best["coefficient"] * n_train ** -best["exponent"], rel=1e-9
    )
    assert (prediction.low, prediction.high) == pytest.approx(np.percentile(errors, (5, 95)), rel=1e-9)
    assert prediction.low < prediction.value < prediction.high


def test_it_evaluates_a_law_by_hand():
    assert evaluate(power_law(), 100).value == pytest.approx(0.22, rel=1e-12)


def test_data_needed_has_the_percentiles_of_the_draws(fitted):
    draws = np.array(fitted["draws"])
    needed = (draws[:, 0] / (0.2 - draws[:, 2])) ** (1 / draws[:, 1])
    bounds = data_needed(fitted, 0.2)

    assert (bounds.low, bounds.high) == pytest.approx(np.percentile(needed, (5, 95)), rel=1e-9)
    assert bounds.low < bounds.value < bounds.high


def test_without_draws_the_interval_is_open():
    assert evaluate(power_law(), 100)[1:] == (None, None)
    assert data_needed(power_law(), 0.22)[1:] == (None, None)


def test_the_interval_is_open_above_where_some_draws_level_off_too_early():
    draws = [(2.0, 0.5, 0.02)] * 90 + [(2.0, 0.5, 0.3)] * 10
    bounds = data_needed(power_law(draws=draws), 0.22)

    assert bounds.value == pytest.approx(100)
    assert bounds.low == pytest.approx(100)
    assert bounds.high is None


def test_the_interval_stays_closed_where_few_draws_level_off_too_early():
    draws = [(2.0, 0.5, 0.02)] * 97 + [(2.0, 0.5, 0.3)] * 3

    assert data_needed(power_law(draws=draws), 0.22).high == pytest.approx(100)


@pytest.mark.parametrize("n_train", [19, 1001])
def test_outside_its_range_it_refuses_unless_told(n_train):
    with pytest.raises(OutsideRange) as caught:
        evaluate(power_law(), n_train)

    assert caught.value.message == (
        f"n_train {n_train:,} lies outside the range 20 to 1,000 that the law was fitted on"
    )
    assert "--extrapolate" in caught.value.hint
    assert evaluate(power_law(), n_train, extrapolate=True).value == pytest.approx(0.02 + 2 * n_train**-0.5)


def test_data_beyond_its_range_are_refused_unless_told():
    with pytest.raises(OutsideRange) as caught:
        data_needed(power_law(), 0.04)

    assert caught.value.message == (
        "error 0.04 needs about 10,000 training examples, outside the range 20 to 1,000 that the law was fitted on"
    )
    assert data_needed(power_law(), 0.04, extrapolate=True).value == pytest.approx(10_000)


@pytest.mark.parametrize("n_train", [20, 1000])
def test_the_ends_of_the_range_are_inside(n_train):
    error = evaluate(power_law(), n_train).value

    assert data_needed(power_law(), error).value == pytest.approx(n_train)


@pytest.mark.parametrize("error", [0.02, 0.01])
def test_an_error_at_or_below_the_floor_has_no_answer(error):
    with pytest.raises(NoAnswer) as caught:
        data_needed(power_law(), error, extrapolate=True)

    assert caught.value.message == f"no n_train up to 1e+30 reaches error {error:g}; the law levels off at 0.02"
    assert caught.value.hint.startswith("more data alone will not do")


def test_an_error_that_takes_more_than_any_number_of_examples_has_no_answer():
    with pytest.raises(NoAnswer, match="no n_train up to 1e\\+30 reaches error 1e-05"):
        data_needed(power_law(exponent=0.05, floor=0.0), 1e-5, extrapolate=True)


def test_an_error_above_the_whole_law_needs_one_example():
    assert data_needed(power_law(), 5.0, extrapolate=True).value == 1


@pytest.mark.parametrize("n_train", [0, -5, math.nan, math.inf])
def test_an_impossible_n_train_is_refused(n_train):
    with pytest.raises(UsageError, match="is not a number of training examples, expected at least 1"):
        evaluate(power_law(), n_train, extrapolate=True)


@pytest.mark.parametrize("error", [0.0, -0.1, math.nan, math.inf])
def test_an_impossible_error_is_refused(error):
    with pytest.raises(UsageError, match="cannot be reached by data, expected a number above 0"):
        data_needed(power_law(), error, extrapolate=True)


def test_a_form_of_a_newer_version_is_refused():
    law = power_law()
    law["forms"].append({"form": "m4", "weight": 0.5, "parameters": {}})

    with pytest.raises(InvalidRecord, match="a law of power-law \\+ m4 cannot be evaluated, expected one power-law"):
        evaluate(law, 100)


def test_unknown_parameters_are_refused():
    law = power_law()
    law["forms"][0]["parameters"]["slope"] = 1.0

    with pytest.raises(InvalidRecord, match="a power-law has coefficient, exponent, floor, slope, expected"):
        evaluate(law, 100)


@pytest.mark.parametrize("draw", [(0.0, 0.5, 0.0), (1.0, 0.0, 0.0), (1.0, -0.5, 0.0), (1.0, 0.5, -0.1), (1.0, 0.5)])
def test_a_law_that_does_not_fall_is_refused(draw):
    with pytest.raises(InvalidRecord, match="does not fall"):
        evaluate(power_law(draws=[draw]), 100)


def test_it_imports_the_standard_library_alone():
    probe = (
        "import sys; before = set(sys.modules); import registry.law; "
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert found.stdout.split() == ["registry"]
