"""Laws are evaluated, inverted and compared as their formulas say, far out too; what cannot be is refused."""

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from harness.fit import GridCell, Point, fit_curve, fit_surface
from harness.laws.intervals import doubt
from harness.laws.surface_law import half_width, logs_of, mean_log_error
from registry.errors import InvalidRecord, NoAnswer, OutsideRange, UsageError
from registry.law import FORMS, Law, compare, data_needed, evaluate
from tests.laws import CURVES, INTERVAL, SURFACES, stored


def m4(n, coefficient, exponent, floor, chance, alpha):
    def above(error):
        return (error - floor) / (chance - error) ** alpha - coefficient * n**-exponent

    return brentq(above, floor, chance * (1 - 1e-15), xtol=1e-16, rtol=1e-14)


def envelope(n, params, *parameters):
    *raw, chance, transition = parameters
    return chance * additive(n, params, *raw) / np.hypot(additive(n, params, *raw), transition)


def additive(n, params, a, alpha, b, beta, floor):
    return floor + a * n**-alpha + b * params**-beta


def ratio(total, floor, chance):
    return floor + (chance - floor) * total / (chance - floor + total)


def mean(terms, mix):
    return sum(term ** (1 / mix) for term in terms) ** mix


FORMULAS = {
    "power-law": lambda n, a, alpha, floor: floor + a * n**-alpha,
    "shifted-power-law": lambda n, a, alpha, floor, shift: floor + a * (n + shift) ** -alpha,
    "m4": m4,
    "broken-power-law": lambda n, a, alpha, floor, second, at, sharp: (
        floor + a * n**-alpha * (1 + (n / at) ** (1 / sharp)) ** (-second * sharp)
    ),
    "additive": additive,
    "envelope": envelope,
    "saturating": lambda n, params, *p: ratio(additive(n, params, *p[:4], 0.0), *p[4:]),
    "saturating-mean": lambda n, params, a, alpha, b, beta, floor, mix, chance: ratio(
        mean([a * n**-alpha, b * params**-beta], mix), floor, chance
    ),
    "product": lambda n, params, a, alpha, beta, floor: floor + a * n**-alpha * params**-beta,
    "power-mean": lambda n, params, a, alpha, b, beta, floor, mix: (
        floor + mean([a * n**-alpha, b * params**-beta], mix)
    ),
    "crossed": lambda n, params, a, alpha, cross, b, beta, floor: (
        floor + a * n**-alpha * params**-cross + b * params**-beta
    ),
    "additive-block": lambda n, width, depth, a, alpha, b, beta, gamma, floor: (
        floor + a * n**-alpha + b * width**-beta * depth**-gamma
    ),
    "product-shape": lambda n, width, depth, a, alpha, beta, gamma, floor: (
        floor + a * n**-alpha * width**-beta * depth**-gamma
    ),
    "power-mean-shape": lambda n, width, depth, a, alpha, b, beta, c, gamma, floor, mix: (
        floor + mean([a * n**-alpha, b * width**-beta, c * depth**-gamma], mix)
    ),
    "additive-shape": lambda n, width, depth, a, alpha, b, beta, c, gamma, floor: (
        floor + a * n**-alpha + b * width**-beta + c * depth**-gamma
    ),
}
SIZES = {
    name: {"width": 12, "depth": 3} if name.endswith(("-shape", "-block")) else {"params": 700} for name in SURFACES
}
DATA = [20.0, 137.0, 2000.0]


def by_formula(name, n, parameters):
    return FORMULAS[name](n, *SIZES.get(name, {}).values(), *parameters)


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    return fit_curve(
        [
            Point(n, tuple((0.02 + 2 * n**-0.5) * np.exp(0.05 * rng.standard_normal(5))))
            for n in (20, 50, 100, 200, 400, 1000)
        ]
    )


def test_curve_and_its_interval_are_those_of_the_fitter(fitted):
    n = np.array([20.0, 137.0, 1000.0, 30_000.0])
    twin = doubt(fitted, n)
    found = [evaluate(fitted, each, extrapolate=True) for each in n]

    assert [one.value for one in found] == pytest.approx(np.exp(twin.value), rel=1e-9)
    assert [one.high for one in found] == pytest.approx(np.exp(twin.value + twin.half90), rel=1e-9)
    assert [one.mean[80].low for one in found] == pytest.approx(np.exp(twin.value - twin.half80), rel=1e-9)


def test_surface_and_its_interval_are_those_of_the_fitter():
    rng = np.random.default_rng(0)
    law = fit_surface(
        [
            GridCell(n, tuple((0.02 + 2 * n**-0.5 + p**-0.5) * np.exp(0.05 * rng.standard_normal(3))), params=p)
            for n in (50, 200, 800, 3200)
            for p in (100, 400, 1600)
        ],
        chance=0.9,
    )
    at = [(50.0, 100.0), (3200.0, 400.0), (20_000.0, 6400.0)]
    logs = logs_of(law, dict(zip(("n_train", "params"), np.array(at).T, strict=True)))
    found = [evaluate(law, n, params=params, extrapolate=True) for n, params in at]
    value = mean_log_error(law, logs)

    assert [one.value for one in found] == pytest.approx(np.exp(value), rel=1e-9)
    assert [one.high for one in found] == pytest.approx(np.exp(value + half_width(law, logs, level=90)), rel=1e-9)


def test_every_form_has_a_formula_here():
    assert set(FORMULAS) == set(FORMS) == {*CURVES, *SURFACES}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("n", DATA)
def test_each_form_is_its_formula(name, n):
    law = stored(name)
    value = evaluate(law, n, **SIZES.get(name, {})).value

    assert value == pytest.approx(by_formula(name, n, {**CURVES, **SURFACES}[name]), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 1e-6, 0.3, 1.0, 3.0])
@pytest.mark.parametrize("n", [10.0, 1e4, 1e12])
def test_m4_solves_its_equation_for_any_alpha(alpha, n):
    law = stored("m4", n_draws=0)
    law["forms"][0]["parameters"]["alpha"] = alpha
    error = evaluate(law, n, extrapolate=True).value

    assert (error - 0.02) / (0.9 - error if alpha else 1.0) ** alpha == pytest.approx(2 * n**-0.5, rel=1e-6, abs=1e-15)
    assert alpha == 0 or error < 0.9


@pytest.mark.parametrize("members", [("power-law", "m4", "broken-power-law"), ("additive", "envelope")])
def test_members_are_averaged_in_the_log(members):
    weights = (0.5, 0.3, 0.2) if len(members) == 3 else (0.7, 0.3)
    law = stored(*members)
    for form, weight in zip(law["forms"], weights, strict=True):
        form["weight"] = weight
    values = [by_formula(name, 137.0, {**CURVES, **SURFACES}[name]) for name in members]

    assert evaluate(law, 137.0, **SIZES.get(members[0], {})).value == pytest.approx(
        math.exp(sum(weight * math.log(value) for weight, value in zip(weights, values, strict=True))), rel=1e-9
    )


@pytest.mark.parametrize("members", [("power-law", "m4"), ("additive", "envelope"), ("additive-shape",)])
@pytest.mark.parametrize("n", [137.0, 8000.0])
def test_intervals_are_factor_times_scatter_noise_and_drift(members, n):
    law = stored(*members)
    centre = math.log(evaluate(law, n, extrapolate=True, **SIZES.get(members[0], {})).value)
    draws = [math.log(by_formula(members[k], n, draw)) for k, *draw in law["draws"]]
    outside = max(math.log(n / 2000), 0.0)
    doubt = math.sqrt(np.mean((np.array(draws) - centre) ** 2) + 0.02**2 + (0.1 * outside) ** 2)
    prediction = evaluate(law, n, extrapolate=True, **SIZES.get(members[0], {}))

    for level, factor in ((80, 1.5), (90, 2.0)):
        of_run = math.hypot(factor * doubt, norm.ppf(0.5 + level / 200) * 0.08)
        assert prediction.mean[level] == pytest.approx(
            (math.exp(centre - factor * doubt), math.exp(centre + factor * doubt)), rel=1e-9
        )
        assert prediction.run[level] == pytest.approx((math.exp(centre - of_run), math.exp(centre + of_run)), rel=1e-9)
    assert prediction.outside == pytest.approx(outside)
    assert (prediction.low, prediction.high) == prediction.mean[90]


def test_a_law_that_is_not_calibrated_has_the_scatter_of_its_draws_taken_for_normal():
    draws = np.array([2.0, 0.5, 0.02]) * np.exp(0.1 * np.random.default_rng(0).standard_normal((50, 3)))
    older = {**stored("power-law"), "draws": draws.tolist()}
    del older["variables"], older["interval"]
    prediction = evaluate(older, 137)
    spread = np.sqrt(np.mean((np.log(draws[:, 2] + draws[:, 0] * 137 ** -draws[:, 1]) - np.log(prediction.value)) ** 2))

    assert prediction.mean[90] == pytest.approx(prediction.value * np.exp([-1.6448536 * spread, 1.6448536 * spread]))
    assert prediction.run is None
    assert not Law(older).calibration.known


def test_without_draws_the_interval_is_open():
    law = stored(n_draws=0)
    prediction = evaluate(law, 100)

    assert (prediction.mean, prediction.run, prediction.low, prediction.high) == (None, None, None, None)
    assert data_needed(law, 0.22)[1:] == (None, None)
    assert compare(law, {"n_train": 100}, {"n_train": 200})[1:] == (None, None)
    assert not compare(law, {"n_train": 100}, {"n_train": 200}).is_decided


def test_a_law_that_does_not_know_the_spread_of_runs_has_no_interval_for_one():
    law = stored(interval={**INTERVAL, "run_sd": None})

    assert evaluate(law, 100).run is None
    assert evaluate(law, 100).mean is not None


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("n", [1.0, 1e15, 1e30])
def test_curves_are_finite_from_one_example_to_1e30(name, n):
    prediction = evaluate(stored(name), n, extrapolate=True)

    assert 0.019 < prediction.value < 3
    assert 0 < prediction.low < prediction.value < prediction.high < math.inf


@pytest.mark.parametrize("name", ["power-law", "shifted-power-law", "broken-power-law", "m4"])
def test_a_coefficient_of_e_to_the_300_is_no_larger_than_others(name):
    law = stored(name, n_draws=0)
    law["forms"][0]["parameters"] |= {"coefficient": math.exp(300), "exponent": 5.0, "floor": 0.0}
    if name == "broken-power-law":
        law["forms"][0]["parameters"]["second"] = 0.0
    value = evaluate(law, 1e30, extrapolate=True).value
    expected = math.exp(300 - 5 * math.log(1e30))

    assert value == pytest.approx(expected * (0.9**0.7 if name == "m4" else 1.0), rel=1e-9)


def test_a_sharp_break_far_away_is_no_break():
    law = stored("broken-power-law", n_draws=0)
    law["forms"][0]["parameters"] |= {"break": 1e25, "sharpness": 1e-9}

    assert evaluate(law, 100).value == pytest.approx(0.02 + 2 * 100**-0.2, rel=1e-12)


def test_a_second_exponent_below_0_flattens_the_curve():
    law = stored("broken-power-law", n_draws=0)
    law["forms"][0]["parameters"]["second"] = -0.2

    assert evaluate(law, 1e25, extrapolate=True).value == pytest.approx(evaluate(law, 1e20, extrapolate=True).value)


@pytest.mark.parametrize("members", [("power-law",), ("m4", "shifted-power-law"), ("additive",), ("additive-shape",)])
def test_data_needed_is_where_curve_and_interval_get_to_the_error(members):
    law, sizes = stored(*members), SIZES.get(members[0], {})
    error = evaluate(law, 300, **sizes).value
    bounds = data_needed(law, error, **sizes)

    assert bounds.value == pytest.approx(300, rel=1e-9)
    assert evaluate(law, bounds.low, extrapolate=True, **sizes).low == pytest.approx(error, rel=1e-9)
    assert evaluate(law, bounds.high, extrapolate=True, **sizes).high == pytest.approx(error, rel=1e-9)
    assert bounds.low < bounds.value < bounds.high
    narrow = data_needed(law, error, level=80, **sizes)
    assert bounds.low < narrow.low < narrow.value < narrow.high < bounds.high


def test_data_needed_is_open_where_the_upper_end_never_gets_there():
    law = stored(interval={**INTERVAL, "drift": 0.2})  # doubt grows faster than the curve falls
    bounds = data_needed(law, 0.03, extrapolate=True)

    assert bounds.high is None
    assert bounds.low < bounds.value == pytest.approx(40_000)


def test_the_upper_end_may_get_there_before_it_turns():
    law = stored(interval={**INTERVAL, "drift": 0.06})
    bounds = data_needed(law, 0.065, extrapolate=True)
    later = evaluate(law, 1e12, extrapolate=True)

    assert later.high > 0.065
    assert evaluate(law, bounds.high, extrapolate=True).high == pytest.approx(0.065, rel=1e-9)


def test_a_lower_end_that_is_there_with_one_example_says_so():
    law = stored(n_draws=4, interval={**INTERVAL, "noise": 3.0})

    assert data_needed(law, 0.22).low == 1


def test_draws_without_scatter_and_noise_make_an_interval_of_no_width():
    law = stored(interval={**INTERVAL, "noise": 0.0}, draws=[[0, 2.0, 0.5, 0.02]] * 3)

    assert data_needed(law, 0.22) == pytest.approx((100, 100, 100))


@pytest.mark.parametrize("n_train", [19, 2001])
def test_outside_its_range_it_refuses_unless_told(n_train):
    with pytest.raises(OutsideRange) as caught:
        evaluate(stored(), n_train)

    assert caught.value.message == (
        f"n_train {n_train:,} lies outside the range 20 to 2,000 that the law was fitted on"
    )
    assert "--extrapolate" in caught.value.hint
    assert evaluate(stored(), n_train, extrapolate=True).value == pytest.approx(0.02 + 2 * n_train**-0.5)


def test_a_size_outside_its_range_is_refused_too():
    with pytest.raises(OutsideRange, match=r"^params 9,000 lies outside the range 50 to 5,000 that"):
        evaluate(stored("additive"), 100, params=9000)
    with pytest.raises(OutsideRange, match=r"^depth 9 lies outside the range 1 to 4 that"):
        data_needed(stored("additive-shape"), 0.3, depth=9)


def test_data_beyond_its_range_are_refused_unless_told():
    with pytest.raises(OutsideRange) as caught:
        data_needed(stored(), 0.04)

    assert caught.value.message == (
        "error 0.04 needs about 10,000 training examples, outside the range 20 to 2,000 that the law was fitted on"
    )
    assert data_needed(stored(), 0.04, extrapolate=True).value == pytest.approx(10_000)


@pytest.mark.parametrize("n_train", [20, 2000])
def test_the_ends_of_the_range_are_inside(n_train):
    error = evaluate(stored(), n_train).value

    assert data_needed(stored(), error).value == pytest.approx(n_train)
    assert evaluate(stored(), n_train).outside == 0


def test_a_size_left_open_is_the_best_in_the_range():
    assert evaluate(stored("additive"), 100).value == evaluate(stored("additive"), 100, params=5000).value
    assert (
        evaluate(stored("additive-shape"), 100, depth=2).value
        == evaluate(stored("additive-shape"), 100, depth=2, width=64).value
    )


@pytest.mark.parametrize("error", [0.02, 0.01])
def test_an_error_at_or_below_the_floor_has_no_answer(error):
    with pytest.raises(NoAnswer) as caught:
        data_needed(stored(), error, extrapolate=True)

    assert caught.value.message == f"no n_train up to 1e+30 reaches error {error:g}; the law levels off at 0.02"
    assert caught.value.hint.startswith("more data alone will not do")


def test_an_error_that_takes_more_than_any_number_of_examples_has_no_answer():
    law = stored(n_draws=0)
    law["forms"][0]["parameters"] |= {"exponent": 0.05, "floor": 0.0}

    with pytest.raises(NoAnswer, match="no n_train up to 1e\\+30 reaches error 1e-05"):
        data_needed(law, 1e-5, extrapolate=True)


def test_an_error_above_the_whole_law_needs_one_example():
    assert data_needed(stored(), 5.0, extrapolate=True)[:2] == (1, 1)


def test_a_law_in_steps_is_asked_for_steps():
    law = stored(variables=["steps"], valid_range={"steps": [100, 10_000]})

    assert evaluate(law, 400).value == pytest.approx(0.12)
    with pytest.raises(OutsideRange, match=r"error 0\.03 needs about 40,000 optimiser steps, outside the range 100 to"):
        data_needed(law, 0.03)


def test_a_comparison_is_paired_draw_by_draw():
    law = stored("additive")
    before, after = {"n_train": 200, "params": 700}, {"n_train": 200, "params": 1400}
    draws = np.array(law["draws"])[:, 1:]
    gains = [
        math.log(additive(200, 1400, *draw) / additive(200, 700, *draw))
        - math.log(additive(200, 1400, *SURFACES["additive"]) / additive(200, 700, *SURFACES["additive"]))
        for draw in draws
    ]
    found = compare(law, before, after)

    assert found.ratio == pytest.approx(evaluate(law, **after).value / evaluate(law, **before).value)
    assert math.log(found.high / found.ratio) == pytest.approx(2.0 * math.sqrt(np.mean(np.square(gains))), rel=1e-9)
    assert math.log(found.ratio / found.low) == pytest.approx(2.0 * math.sqrt(np.mean(np.square(gains))), rel=1e-9)
    assert found.high < evaluate(law, **after).high / evaluate(law, **before).low
    assert found.is_decided


def test_a_comparison_across_the_end_of_the_range_counts_the_drift_between():
    law = stored(draws=[[0, 2.0, 0.5, 0.02]] * 5)
    inside = compare(law, {"n_train": 200}, {"n_train": 2000})
    across = compare(law, {"n_train": 2000}, {"n_train": 8000}, extrapolate=True)
    beyond = compare(law, {"n_train": 8000}, {"n_train": 8000}, extrapolate=True)

    assert inside.high == pytest.approx(inside.ratio)
    assert math.log(across.high / across.ratio) == pytest.approx(2.0 * 0.1 * math.log(4), rel=1e-9)
    assert beyond == pytest.approx((1.0, 1.0, 1.0))
    assert not beyond.is_decided
    with pytest.raises(OutsideRange):
        compare(law, {"n_train": 2000}, {"n_train": 8000})


def test_drift_along_one_variable_is_not_made_up_for_by_drift_along_another():
    law = stored("additive", draws=[[0, 2.0, 0.5, 3.0, 0.6, 0.01]] * 5)
    (_, most), (_, largest) = (law["valid_range"][name] for name in law["variables"])
    further = {"n_train": 4 * most, "params": largest}
    larger = {"n_train": most, "params": 4 * largest}
    found = compare(law, further, larger, extrapolate=True)

    assert math.log(found.high / found.ratio) == pytest.approx(2.0 * 0.1 * 2 * math.log(4), rel=1e-9)


def test_a_comparison_names_what_a_point_lacks():
    with pytest.raises(UsageError, match="a point of this law has n_train, params, params is missing"):
        compare(stored("additive"), {"n_train": 100}, {"n_train": 100, "params": 700})


@pytest.mark.parametrize("n_train", [0, -5, math.nan, math.inf])
def test_an_impossible_n_train_is_refused(n_train):
    with pytest.raises(UsageError, match="is not a number of training examples, expected at least 1"):
        evaluate(stored(), n_train, extrapolate=True)


@pytest.mark.parametrize("error", [0.0, -0.1, math.nan, math.inf])
def test_an_impossible_error_is_refused(error):
    with pytest.raises(UsageError, match="cannot be reached by data, expected a number above 0"):
        data_needed(stored(), error, extrapolate=True)


def test_a_size_that_the_law_knows_nothing_of_is_refused():
    with pytest.raises(UsageError, match="this law is in n_train: it knows nothing of params"):
        evaluate(stored(), 100, params=700)
    with pytest.raises(UsageError, match="params 0 is not a number of parameters, expected at least 1"):
        evaluate(stored("additive"), 100, params=0)


def changed(*path, value, name="power-law"):
    law = stored(name)
    inner = law
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return law


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (changed("forms", 0, "form", value="m5"), "a law of m5 cannot be evaluated, expected power-law, shifted-power"),
        (changed("forms", 0, "weight", value=0.5), "a law's weights sum to 0.5, expected shares that sum to 1"),
        (changed("forms", 0, "parameters", value={"slope": 1}), "a power-law has slope, expected coefficient, expon"),
        (changed("forms", 0, "parameters", "exponent", value=0.0), "a power-law has exponent 0, expected a number abo"),
        (changed("forms", 0, "parameters", "exponent", value=1001.0), "a power-law has exponent 1001, expected at mo"),
        (changed("forms", 0, "parameters", "floor", value=-0.1), "a power-law has floor -0.1, expected a number from"),
        (changed("forms", 0, "parameters", "floor", value=math.inf), "a power-law has floor inf, expected a finite"),
        (changed("forms", 0, "parameters", "chance", value=0.01, name="m4"), "a m4 has a chance at or below the floor"),
        (
            changed("forms", 0, "parameters", "second", value=-0.3, name="broken-power-law"),
            "a broken-power-law has a second exponent below minus the first",
        ),
        (changed("forms", 0, "parameters", value={}, name="additive"), "a additive has , expected data_coefficient"),
        ({**stored("additive"), "forms": stored()["forms"]}, "a law of power-law has 2 variables, expected 1"),
        (changed("variables", value=["luck"]), "a law in luck cannot be evaluated, expected n_train or steps, then"),
        ({**stored("additive"), "variables": ["params", "n_train"]}, "a law in params, n_train cannot be evaluated"),
        ({**stored("additive"), "variables": ["n_train", "steps"]}, "a law in n_train, steps cannot be evaluated, exp"),
        (
            {**stored("additive-shape"), "variables": ["n_train", "depth", "width"]},
            "a law in n_train, depth, width cannot be evaluated, expected",
        ),
        (changed("draws", 3, value=[1, 2.0, 0.5, 0.02]), "draw 3 is of form 1, expected 0 to 0"),
        (changed("draws", 3, value=[0, 2.0, 0.5, 0.0, 0.1]), "draw 3 has 5 numbers, expected the form's position and"),
        (changed("draws", 3, value=[0, 2.0, -0.5, 0.0]), "draw 3 of a power-law has exponent -0.5, expected a number"),
        (changed("draws", value=[[0, 2.0, 0.5, 0.0]] * 201), "a law has 201 draws, expected at most 200"),
        (changed("interval", "drift", value=-1.0), "an interval has drift -1, expected a finite number from 0 up"),
        (changed("interval", "factor90", value=None), "the law cannot be read: TypeError"),
        (changed("valid_range", "n_train", value=[100, 20]), "a law's range of n_train is 100 to 20, expected two"),
        (changed("valid_range", value={}), "a law has no range of n_train, expected one for"),
        (changed("forms", value=[]), "a law's weights sum to 0"),
        (changed("draws", value=[[]]), "the law cannot be read: ValueError"),
        ({}, "the law cannot be read: KeyError"),
    ],
)
def test_a_law_that_cannot_be_evaluated_is_refused(law, message):
    with pytest.raises(InvalidRecord) as caught:
        evaluate(law, 100)

    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("alpha", [5e-324, 1e-200, 1000.0])
def test_m4_stays_between_floor_and_chance_whatever_alpha(alpha):
    law = stored("m4", n_draws=0)
    law["forms"][0]["parameters"] |= {"alpha": alpha, "coefficient": 1e200}

    assert 0.02 < evaluate(law, 20).value <= 0.9 * (1 + 1e-12)


def test_draws_with_and_without_the_position_of_their_form_are_the_same():
    law = stored()
    bare = {**law, "draws": [draw[1:] for draw in law["draws"]]}

    assert evaluate(law, 100) == evaluate(bare, 100)


def test_it_imports_the_standard_library_alone():
    probe = (
        "import sys; before = set(sys.modules); import registry.law; "
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert found.stdout.split() == ["registry"]


@pytest.mark.parametrize("n", [1.0, 3.0, 5.0])
def test_no_value_and_no_end_of_an_interval_exceeds_chance(n):
    free, law = (evaluate(stored(chance=chance), n, extrapolate=True) for chance in (None, 0.9))

    assert free.high > 0.9
    assert law.value == min(free.value, 0.9)
    for kept, wide in ((law.mean, free.mean), (law.run, free.run)):
        for level in (80, 90):
            assert kept[level] == (min(wide[level].low, 0.9), 0.9 if wide[level].high > 0.9 else wide[level].high)
            assert 0 <= kept[level].low <= law.value <= kept[level].high


def test_where_nothing_nears_chance_it_changes_nothing():
    assert evaluate(stored(chance=0.9), 500) == evaluate(stored(), 500)
    assert data_needed(stored(chance=0.9), 0.1) == data_needed(stored(), 0.1)


@pytest.mark.parametrize("error", [0.9, 0.95, 5.0])
def test_what_a_constant_answer_reaches_takes_one_example(error):
    law = stored(chance=0.9)

    assert data_needed(law, error, extrapolate=True) == (1, 1, 1)
    assert data_needed(stored(chance=0.9, n_draws=0), error, extrapolate=True) == (1, None, None)
    assert data_needed(law, 0.899, extrapolate=True).value > 4


def test_below_chance_the_inverse_is_that_of_the_curve():
    bounds = data_needed(stored(chance=0.9), 0.85, extrapolate=True)

    assert bounds == data_needed(stored(), 0.85, extrapolate=True)
    assert evaluate(stored(chance=0.9), bounds.high, extrapolate=True).high == pytest.approx(0.85)


def test_two_points_at_chance_are_equal():
    law = stored(chance=0.9)
    found = compare(law, {"n_train": 1}, {"n_train": 2}, extrapolate=True)
    down = compare(law, {"n_train": 2}, {"n_train": 500}, extrapolate=True)

    assert (found.ratio, found.is_decided) == (1.0, False)
    assert down.ratio == pytest.approx(evaluate(law, 500).value / 0.9)


@pytest.mark.parametrize("chance", [-0.1, math.inf, math.nan])
def test_a_chance_that_cannot_be_is_refused(chance):
    with pytest.raises(InvalidRecord, match=r"a law has chance .*, expected a finite error from 0 up"):
        evaluate(stored(chance=chance), 100)


def test_a_chance_of_0_bounds_nothing():
    assert evaluate(stored(chance=0.0), 100) == evaluate(stored(), 100)
