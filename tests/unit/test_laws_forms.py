"""The forms of a curve: their formulas, their derivatives, and the way from fitted coordinates to stored parameters."""

from __future__ import annotations

import numpy as np
import pytest

from harness.laws.forms import FORMS, PARAMETERS, evaluate, stored

X = np.linspace(-6, 1, 15)
LOG_LARGEST = 10.0
N = np.exp(X + LOG_LARGEST)
EVERY_FORM = pytest.mark.parametrize("name", list(FORMS))


def some_theta(name: str) -> np.ndarray:
    form = FORMS[name]
    lower, upper = np.maximum(form.lower, -3), np.minimum(form.upper, 2)
    return np.random.default_rng(0).uniform(lower, upper, (40, len(lower)))


@EVERY_FORM
def test_derivatives_are_those_of_the_value(name: str) -> None:
    theta, linearise = some_theta(name), FORMS[name].linearise
    _, slopes = linearise(theta, X)

    for at in range(theta.shape[1]):
        step = np.zeros(theta.shape[1])
        step[at] = 1e-6
        numeric = (linearise(theta + step, X)[0] - linearise(theta - step, X)[0]) / 2e-6
        np.testing.assert_allclose(slopes[:, :, at], numeric, atol=1e-6)


@EVERY_FORM
def test_stored_parameters_give_the_fitted_values(name: str) -> None:
    theta = some_theta(name)
    parameters = stored(name, theta, LOG_LARGEST)

    assert parameters.shape == (40, len(PARAMETERS[name]))
    np.testing.assert_allclose(evaluate(name, parameters, N), FORMS[name].linearise(theta, X)[0], atol=1e-9)


@EVERY_FORM
def test_every_law_in_the_box_falls(name: str) -> None:
    value, _ = FORMS[name].linearise(some_theta(name), X)

    assert (np.diff(value, axis=1) <= 1e-12).all()


def test_values_follow_the_formulas() -> None:
    n = np.array([10.0, 1000.0])
    power = evaluate("power-law", np.array([[2.0, 0.5, 0.1]]), n)[0]
    shifted = evaluate("shifted-power-law", np.array([[2.0, 0.5, 0.1, 40.0]]), n)[0]
    broken = evaluate("broken-power-law", np.array([[2.0, 0.5, 0.1, 0.3, 100.0, 0.7]]), n)[0]

    np.testing.assert_allclose(np.exp(power), 0.1 + 2 * n**-0.5)
    np.testing.assert_allclose(np.exp(shifted), 0.1 + 2 * (n + 40) ** -0.5)
    np.testing.assert_allclose(np.exp(broken), 0.1 + 2 * n**-0.5 * (1 + (n / 100) ** (1 / 0.7)) ** (-0.3 * 0.7))


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_m4_solves_its_equation(alpha: float) -> None:
    n = np.geomspace(1e4, 1e9, 19)
    error = np.exp(evaluate("m4", np.array([[50.0, 0.4, 0.05, 0.9, alpha]]), n)[0])

    assert (error > 0.05).all()
    assert (error < 0.9).all()
    np.testing.assert_allclose(
        np.log(error - 0.05) - alpha * np.log(0.9 - error), np.log(50) - 0.4 * np.log(n), atol=1e-6
    )


def test_a_floor_too_low_to_matter_is_stored_as_none() -> None:
    theta = np.array([[0.0, -1.0, -15.0]])

    assert stored("power-law", theta, LOG_LARGEST)[0, 2] == 0
