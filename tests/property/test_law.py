"""What holds for every law: inversion, order, widening, in data and in size."""

import contextlib
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import GuidesError, NoAnswer
from registry.law import FORMS, compare, data_needed, evaluate

ROUNDING = 1 + 1e-12  # a few units in the last place
SIZES = st.floats(2, 1e6)
FACTORS = st.floats(1, 10)
VARIABLES = {1: ["n_train"], 2: ["n_train", "params"], 3: ["n_train", "width", "depth"]}
VALUES = {
    "coefficient": st.floats(0.1, 100),
    "exponent": st.floats(0.05, 2),
    "floor": st.floats(0, 0.5),
    "shift": st.floats(0, 1000),
    "chance": st.floats(0.6, 1),
    "alpha": st.one_of(st.just(0.0), st.floats(0.01, 3)),
    "second": st.floats(0, 1),
    "break": st.floats(1, 1e6),
    "sharpness": st.floats(0.05, 3),
    "transition": st.floats(0.05, 3),
    "mix": st.floats(0.05, 3),
}


def parameters(name):
    return st.tuples(*(VALUES[key.rpartition("_")[2]] for key in FORMS[name].parameters))


@st.composite
def laws(draw, drift=True):
    n_variables = draw(st.sampled_from([1, 1, 2, 3]))
    names = draw(
        st.lists(st.sampled_from([k for k, f in FORMS.items() if f.n_variables == n_variables]), min_size=1, max_size=2)
    )
    members = [draw(parameters(name)) for name in names]
    draws = draw(st.lists(st.sampled_from(range(len(names))), max_size=5))
    variables = VARIABLES[n_variables]
    return {
        "variables": variables,
        "forms": [
            {"form": name, "weight": 1 / len(names), "parameters": dict(zip(FORMS[name].parameters, each, strict=True))}
            for name, each in zip(names, members, strict=True)
        ],
        "draws": [[k, *draw(parameters(names[k]))] for k in draws],
        "interval": {
            "factor80": 1.4,
            "factor90": draw(st.floats(1.4, 4)),
            "noise": draw(st.floats(0, 0.1)),
            "drift": draw(st.floats(0, 0.3)) if drift else 0.0,
            "run_sd": draw(st.floats(0, 0.2)),
        },
        "valid_range": {name: [1, 1_000_000] for name in variables},
    }


@given(law=laws(), n_train=SIZES)
def test_data_needed_inverts_evaluate(law, n_train):
    error = evaluate(law, n_train).value
    needed = data_needed(law, error, extrapolate=True).value

    assert evaluate(law, needed, extrapolate=True).value == pytest.approx(error, rel=1e-9)


@given(law=laws(), n_train=SIZES)
def test_the_ends_of_data_needed_are_where_the_ends_of_the_interval_are(law, n_train):
    error = evaluate(law, n_train).value
    bounds = data_needed(law, error, extrapolate=True)

    assert (bounds.low is None) == (not law["draws"])
    if bounds.low is not None:
        assert 1 <= bounds.low <= bounds.value * ROUNDING
        assert bounds.low == 1 or evaluate(law, bounds.low, extrapolate=True).low == pytest.approx(error, rel=1e-8)
    if bounds.high is not None:
        assert bounds.high >= bounds.value / ROUNDING
        assert evaluate(law, bounds.high, extrapolate=True).high <= error * (1 + 1e-8)


@given(law=laws(), n_train=SIZES, factor=FACTORS)
def test_more_data_never_predicts_more_error(law, n_train, factor):
    before, after = evaluate(law, n_train), evaluate(law, n_train * factor, extrapolate=True)

    assert after.value <= before.value * ROUNDING


@given(law=laws(), n_train=SIZES, size=SIZES, factor=FACTORS, which=st.integers(1, 2))
def test_a_larger_network_never_predicts_more_error(law, n_train, size, factor, which):
    variables = law["variables"]
    if which < len(variables):
        before = evaluate(law, n_train, **{variables[which]: size})
        after = evaluate(law, n_train, extrapolate=True, **{variables[which]: size * factor})

        assert after.value <= before.value * ROUNDING


@given(law=laws(), n_train=SIZES, factor=st.floats(1.001, 2))
def test_less_error_never_needs_less_data(law, n_train, factor):
    error = evaluate(law, n_train).value
    harder = data_needed(law, error, extrapolate=True)
    easier = data_needed(law, error * factor, extrapolate=True)

    assert easier.value <= harder.value * (1 + 1e-9)


@given(law=laws(), n_train=SIZES)
def test_intervals_enclose_the_value_and_one_another(law, n_train):
    prediction = evaluate(law, n_train)

    assert (prediction.mean is None) == (not law["draws"])
    if prediction.mean is not None:
        assert prediction.mean[90].low <= prediction.mean[80].low * ROUNDING
        assert prediction.mean[80].low <= prediction.value * ROUNDING <= prediction.mean[80].high * ROUNDING**2
        assert prediction.mean[80].high <= prediction.mean[90].high * ROUNDING
        assert prediction.run[90].low <= prediction.mean[90].low * ROUNDING
        assert prediction.mean[90].high <= prediction.run[90].high * ROUNDING


@given(law=laws(), distance=st.floats(1, 100), factor=st.floats(1.01, 100))
def test_intervals_widen_with_the_distance_by_at_least_the_drift(law, distance, factor):
    law["draws"] = [[0, *(law["forms"][0]["parameters"].values())]] * 2  # what scatter does outside is its own affair
    law["forms"] = [{**law["forms"][0], "weight": 1.0}]
    near, far = (evaluate(law, 1e6 * d, extrapolate=True) for d in (distance, distance * factor))
    widths = [math.log(each.high / each.low) for each in (near, far)]

    assert widths[1] >= widths[0] - 1e-9
    if law["interval"]["drift"] > 1e-3:
        assert widths[1] > widths[0]


@given(law=laws(drift=False), n_train=SIZES, other=SIZES)
def test_a_comparison_is_the_same_both_ways(law, n_train, other):
    points = [dict(zip(law["variables"], (n, 50.0, 50.0), strict=False)) for n in (n_train, other)]
    there, back = compare(law, *points), compare(law, *reversed(points))

    assert there.ratio * back.ratio == pytest.approx(1)
    if there.low is not None:
        assert there.low * back.high == pytest.approx(1)


@given(law=laws(), share=st.floats(0.01, 0.99))
def test_below_the_limit_there_is_no_answer(law, share):
    least = evaluate(law, 1e30, extrapolate=True).value

    with pytest.raises(NoAnswer):
        data_needed(law, least * share, extrapolate=True)


@given(law=laws(), n_train=SIZES, scale=st.floats(1.5, 1000))
def test_a_law_in_thousands_differs_in_its_coefficients_alone(law, n_train, scale):
    scaled = {**law, "forms": [dict(form) for form in law["forms"]], "draws": []}
    for form in scaled["forms"]:
        values = dict(form["parameters"])
        exponent = values.get("exponent", values.get("data_exponent"))
        for key in ("coefficient", "data_coefficient"):
            if key in values:
                values[key] *= scale**exponent
        for key in ("shift", "break"):
            if key in values:
                values[key] *= scale
        form["parameters"] = values

    assert evaluate(scaled, n_train * scale, extrapolate=True).value == pytest.approx(
        evaluate(law, n_train).value, rel=1e-9
    )


ODD = st.one_of(st.sampled_from([0.0, 1.0, 5e-324, 1e-200, 1e200, -1e200, 1e30]), st.floats(-1e3, 1e3))


@st.composite
def odd_laws(draw):
    """Laws that follow the schema and nothing else."""
    name = draw(st.sampled_from(list(FORMS)))
    keys = FORMS[name].parameters
    sets = draw(
        st.lists(st.tuples(*(ODD.map(abs) if draw(st.booleans()) else ODD for _ in keys)), min_size=1, max_size=4)
    )
    variables = VARIABLES[FORMS[name].n_variables]
    return {
        "variables": variables,
        "forms": [{"form": name, "weight": 1.0, "parameters": dict(zip(keys, sets[0], strict=True))}],
        "draws": [[0, *values] for values in sets[1:]],
        "interval": {
            key: draw(ODD.map(lambda value: min(abs(value), 1e30)))
            for key in ("factor80", "factor90", "noise", "drift", "run_sd")
        },
        "valid_range": {variable: [1, draw(st.integers(1, 2**53 - 1))] for variable in variables},
    }


@settings(max_examples=400)
@given(law=odd_laws(), n_train=st.floats(1, 1e30), error=st.floats(1e-300, 10))
def test_whatever_a_record_says_a_law_answers_in_numbers_or_is_refused(law, n_train, error):
    answers = []
    for ask in (
        lambda: evaluate(law, n_train, extrapolate=True),
        lambda: data_needed(law, error, extrapolate=True),
        lambda: compare(law, *(dict.fromkeys(law["variables"], n) for n in (n_train, 1.0)), extrapolate=True),
    ):
        with contextlib.suppress(GuidesError):
            answers.append(ask())

    json.dumps(answers, allow_nan=False)


@given(law=laws(), n_train=SIZES, chance=st.floats(0.05, 1))
def test_with_chance_nothing_exceeds_it_and_the_inverse_still_gets_there(law, n_train, chance):
    capped = {**law, "chance": chance}
    prediction = evaluate(capped, n_train)
    ends = [end for each in (prediction.mean or {}, prediction.run or {}) for one in each.values() for end in one]

    assert all(0 <= number <= chance for number in (prediction.value, *ends))
    needed = data_needed(capped, prediction.value, extrapolate=True)
    assert evaluate(capped, needed.value, extrapolate=True).value == pytest.approx(prediction.value, rel=1e-9)
    assert data_needed(capped, chance, extrapolate=True).value == 1
