import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.law import data_needed, evaluate

ROUNDING = 1 + 1e-12  # a few units in the last place
coefficients = st.floats(0.1, 100)
exponents = st.floats(0.05, 2)
floors = st.floats(0, 0.5)
sizes = st.floats(2, 1e6)
draws = st.lists(st.tuples(coefficients, exponents, floors), max_size=20)


@st.composite
def laws(draw):
    names = ("coefficient", "exponent", "floor")
    values = (draw(coefficients), draw(exponents), draw(floors))
    return {
        "forms": [{"form": "power-law", "weight": 1.0, "parameters": dict(zip(names, values, strict=True))}],
        "draws": [list(values) for values in draw(draws)],
        "valid_range": {"n_train": [1, 1_000_000]},
    }


@given(law=laws(), n_train=sizes)
def test_data_needed_inverts_evaluate(law, n_train):
    error = evaluate(law, n_train).value
    needed = data_needed(law, error, extrapolate=True).value

    assert evaluate(law, needed, extrapolate=True).value == pytest.approx(error, rel=1e-9)


@given(law=laws(), n_train=sizes, factor=st.floats(1, 10))
def test_more_data_never_predicts_more_error(law, n_train, factor):
    before, after = evaluate(law, n_train), evaluate(law, n_train * factor, extrapolate=True)

    assert after.value <= before.value * ROUNDING
    if before.low is not None:
        assert after.low <= before.low * ROUNDING
        assert after.high <= before.high * ROUNDING


@given(law=laws(), n_train=sizes, factor=st.floats(1.001, 2))
def test_less_error_never_needs_less_data(law, n_train, factor):
    error = evaluate(law, n_train).value
    harder = data_needed(law, error, extrapolate=True)
    easier = data_needed(law, error * factor, extrapolate=True)

    assert easier.value <= harder.value * ROUNDING
    assert easier.low is None or harder.low is None or easier.low <= harder.low * ROUNDING
    assert harder.high is None or easier.high <= harder.high * ROUNDING


@given(law=laws(), n_train=sizes)
def test_low_is_never_above_high(law, n_train):
    prediction = evaluate(law, n_train)

    assert (prediction.low is None) == (prediction.high is None) == (not law["draws"])
    assert prediction.low is None or prediction.low <= prediction.high * ROUNDING
