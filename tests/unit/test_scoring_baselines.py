"""M4 and BNSL recover what they describe, and M4 gives the errors that its authors' code gave."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from harness.laws.forms import evaluate
from harness.scoring import baselines
from harness.scoring.baselines import fit_bnsl, fit_m4
from harness.scoring.read import read_baselines, read_curves

N = np.geomspace(1e3, 1e6, 40)
LATER = np.array([1.5e6, 2e6])


def test_m4_recovers_its_own_curve() -> None:
    truth = np.array([[200.0, 0.6, 0.1, 1.0, 0.7]])
    (found,) = fit_m4([(N, np.exp(evaluate("m4", truth, N)[0]))], [1.0], [1.0])

    np.testing.assert_allclose(found.error(LATER), np.exp(evaluate("m4", truth, LATER)[0]), rtol=0.01)


def test_curves_fitted_together_are_fitted_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "ITERATIONS", 20)
    curves = [(N[:30], 0.1 + 2 * N[:30] ** -0.3), (N, 0.2 + 3 * N**-0.4)]
    together = fit_m4(curves, [1.0, 1.0], [1.0, 1.0])
    alone = [fit_m4([curve], [1.0], [1.0])[0] for curve in curves]

    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6)


def test_chance_stays_below_its_bound_and_the_floor_below_every_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "ITERATIONS", 20)
    error = 0.3 + 0.6 / (1 + (N / 3e4) ** 0.8)
    (found,) = fit_m4([(N, error)], [1.0], [1.0])

    assert error.max() < found.chance <= 1.001
    assert found.floor <= error.min() - 1e-3


def test_bnsl_recovers_a_break() -> None:
    truth = np.array([[2.0, 0.05, 0.02, 0.5, 3e4, 0.5]])
    found = fit_bnsl(N, np.exp(evaluate("broken-power-law", truth, N)[0]))

    np.testing.assert_allclose(found.error(LATER), np.exp(evaluate("broken-power-law", truth, LATER)[0]), rtol=0.02)


def test_m4_gives_the_published_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = os.environ.get("GUIDES_SCALING_DATA")
    if folder is None:
        pytest.skip("GUIDES_SCALING_DATA is not set: no published curves to check M4 on")
    path = Path(folder, "learning_curves.csv")
    known = read_baselines(path)
    curves = read_curves(path)[10:14]
    monkeypatch.setattr(baselines, "ITERATIONS", 600)  # enough for these four
    fits = fit_m4(
        [(curve.n, curve.error) for curve in curves],
        [curve.err_0 for curve in curves],
        [curve.chance for curve in curves],
    )
    missed = [
        float(np.sqrt(np.mean(np.log(fitted.error(curve.later_n) / curve.later_error) ** 2)))
        for fitted, curve in zip(fits, curves, strict=True)
    ]

    assert missed == pytest.approx([known[curve.name]["m4"] for curve in curves], rel=0.05)
