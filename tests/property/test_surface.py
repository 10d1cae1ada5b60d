import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.laws.surface import fit_surface
from harness.laws.surface_cells import GridCell, table
from harness.laws.surface_forms import FORMULAS
from harness.laws.surface_law import draw_log_errors, logs_of, mean_log_error
from harness.laws.surface_members import fit_member

N = (300, 1000, 3000, 10_000)
PARAMS = (500, 2000, 8000, 32_000)


@st.composite
def truths(draw):
    """Two terms that both matter on the grid, and a floor below every error."""
    alpha, beta = draw(st.floats(0.2, 0.8)), draw(st.floats(0.2, 0.8))
    at_n, at_params = draw(st.floats(0.1, 0.4)), draw(st.floats(0.05, 0.3))
    floor = draw(st.sampled_from([0.0, 0.02, 0.05]))
    return at_n * 300**alpha, alpha, at_params * 500**beta, beta, floor


def grid(truth, *, noise=0.0, scale=1.0):
    a, alpha, b, beta, floor = truth
    rng = np.random.default_rng(0)
    return [
        GridCell(n * scale, ((floor + a * n**-alpha + b * p**-beta) * np.exp(noise * rng.normal()),), params=p)
        for n in N
        for p in PARAMS
    ]


@settings(max_examples=10, deadline=None)
@given(truths())
def test_a_surface_recovers_itself_from_clean_cells(truth):
    member = fit_member(FORMULAS["additive"], table(grid(truth), ("n_train", "params")), np.inf)
    logs = np.log([[3e4], [1e5]])
    a, alpha, b, beta, floor = truth

    expected = floor + a * 3e4**-alpha + b * 1e5**-beta
    np.testing.assert_allclose(np.exp(member.log_error(logs, np.inf)), expected, rtol=0.05)


@settings(max_examples=10, deadline=None)
@given(truths(), st.sampled_from(["additive", "saturating", "power-mean", "crossed", "product"]))
def test_a_thousand_times_the_examples_changes_the_data_coefficient_alone(truth, name):
    found = []
    for scale in (1.0, 1000.0):
        data = table(grid(truth, noise=0.03, scale=scale), ("n_train", "params"))
        member = fit_member(FORMULAS[name], data, 0.9)
        values = member.form.parameters(member.theta[np.newaxis], member.centre, 0.9)[0]
        found.append(dict(zip(member.form.keys, values, strict=True)))
    small, large = found
    expected = {
        key: value * 1000.0 ** small["data_exponent"] if key in ("data_coefficient", "coefficient") else value
        for key, value in small.items()
    }

    assert large == {key: pytest.approx(value, rel=1e-5, abs=1e-9) for key, value in expected.items()}


@pytest.fixture(scope="module")
def law():
    truth = (0.3 * 300**0.4, 0.4, 0.2 * 500**0.5, 0.5, 0.02)
    return fit_surface(grid(truth, noise=0.05), chance=0.9, n_draws=40)


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 1e8), st.floats(1, 1e8), st.floats(1, 100))
def test_a_law_and_its_draws_fall_or_stay_level_in_every_variable(law, n, params, factor):
    at, more_data, larger = logs_of(law, {"n_train": [n, n * factor, n], "params": [params, params, params * factor]}).T

    for evaluate in (mean_log_error, draw_log_errors):
        assert (evaluate(law, more_data[:, np.newaxis]) <= evaluate(law, at[:, np.newaxis]) + 1e-12).all()
        assert (evaluate(law, larger[:, np.newaxis]) <= evaluate(law, at[:, np.newaxis]) + 1e-12).all()
