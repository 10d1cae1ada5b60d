"""Laws of any curve: they recover what made the points, doubt grows with distance, no law rises, n's unit is free."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.laws.curve import fit_curve
from harness.laws.intervals import doubt, log_values
from harness.laws.points import points_of

N = np.geomspace(50, 20_000, 24).round()
LATER = np.array([4e4, 8e4])
LAWS = st.tuples(st.floats(0.5, 4), st.floats(0.15, 0.9), st.floats(0, 0.1))


def errors(law: tuple[float, float, float], n: np.ndarray) -> np.ndarray:
    coefficient, exponent, floor = law
    return np.asarray(floor + coefficient * n**-exponent)


def fitted(n: np.ndarray, error: np.ndarray, **options: Any) -> dict[str, Any]:
    return fit_curve(points_of(n.tolist(), error.tolist()), **options)


@settings(max_examples=4)
@given(LAWS)
def test_a_clean_law_recovers_itself(law: tuple[float, float, float]) -> None:
    predicted = np.exp(log_values(fitted(N, errors(law, N), n_draws=0), LATER))

    assert predicted == pytest.approx(errors(law, LATER), rel=0.01)


def test_nine_tenths_intervals_hold_most_laws_and_are_no_wider_than_useful() -> None:
    rng = np.random.default_rng(0)
    covered, wide = [], []
    for _ in range(16):
        law = (rng.uniform(0.5, 4), rng.uniform(0.15, 0.9), rng.uniform(0, 0.1))
        found = doubt(fitted(N, errors(law, N) * np.exp(0.02 * rng.standard_normal(len(N))), n_draws=60), LATER)
        covered.append(np.abs(found.value - np.log(errors(law, LATER))) <= found.half90)
        wide.append(found.half90)

    assert np.mean(covered) >= 0.75
    assert np.median(wide) < 0.15


@settings(max_examples=3)
@given(LAWS, st.integers(0, 1000))
def test_intervals_widen_with_distance_and_laws_fall(law: tuple[float, float, float], seed: int) -> None:
    noise = np.exp(0.03 * np.random.default_rng(seed).standard_normal(len(N)))
    found = doubt(fitted(N, errors(law, N) * noise), np.geomspace(N[-1], 1e3 * N[-1], 12))

    assert (np.diff(found.scale) > 0).all()
    assert (np.diff(found.value) <= 0).all()


@settings(max_examples=3)
@given(LAWS)
def test_a_thousandfold_n_changes_coefficients_alone(law: tuple[float, float, float]) -> None:
    small, large = (fitted(scale * N, errors(law, N), n_draws=0) for scale in (1, 1000))

    for ours, theirs in zip(small["forms"], large["forms"], strict=True):
        own, other = ours["parameters"], theirs["parameters"]
        assert other["exponent"] == pytest.approx(own["exponent"], rel=1e-4)
        assert other["floor"] == pytest.approx(own["floor"], rel=1e-3, abs=1e-6)
        for lengths in ("shift", "break"):  # of n, so they go with it
            if lengths in own:
                assert other[lengths] == pytest.approx(1000 * own[lengths], rel=1e-2)
    np.testing.assert_allclose(log_values(small, LATER), log_values(large, 1000 * LATER), atol=1e-6)
