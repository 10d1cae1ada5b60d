"""The batch solver: as low as scipy's, each problem on its own, beliefs and bounds kept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from harness.laws.descend import Belief, descend
from harness.laws.forms import FORMS

FORM = FORMS["power-law"]
X = np.linspace(-5, 0, 12)


def problem(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A start and a noisy curve."""
    rng = np.random.default_rng(seed)
    truth = np.array([[rng.uniform(-2, 0), rng.uniform(-2, 0.3), rng.uniform(-3, 1)]])
    start = np.array([[0.0, -1.0, -1.0]])
    return start, FORM.linearise(truth, X)[0] + 0.05 * rng.standard_normal((1, len(X)))


def belief(count: int, spread: float = 1e3) -> Belief:
    return Belief(np.tile([0.0, -1.0, -2.0], (count, 1)), np.tile([0.0, 1 / spread, 1 / spread], (count, 1)))


@pytest.mark.parametrize("seed", range(8))
def test_no_lower_loss_is_found_by_scipy(seed: int) -> None:
    start, log_error = problem(seed)
    precision = np.full_like(log_error, 1 / 0.05)
    theirs = least_squares(
        lambda theta: (FORM.linearise(theta[np.newaxis], X)[0] - log_error)[0] / 0.05,
        start[0],
        bounds=(FORM.lower, FORM.upper),
        loss="soft_l1",
    )
    _, loss = descend(FORM, start, X, log_error, precision, belief(1, spread=1e6), steps=300)

    # scipy's soft-L1 counts the same residuals
    assert loss[0] <= theirs.cost * (1 + 1e-4) + 1e-6


def test_problems_of_a_batch_do_not_touch_each_other() -> None:
    problems = [problem(seed) for seed in range(5)]
    starts, logs = (np.concatenate(each) for each in zip(*problems, strict=True))
    precision = np.full_like(logs, 1 / 0.05)
    together, _ = descend(FORM, starts, X, logs, precision, belief(5))
    alone = [descend(FORM, starts[[i]], X, logs[[i]], precision[[i]], belief(1))[0][0] for i in range(5)]

    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


def test_a_firm_belief_holds_a_coordinate() -> None:
    start, log_error = problem(0)
    found, _ = descend(FORM, start, X, log_error, np.full_like(log_error, 1.0), belief(1, spread=1e-4))

    np.testing.assert_allclose(found[0, 1:], [-1.0, -2.0], atol=1e-3)


def test_a_point_of_no_precision_counts_for_nothing() -> None:
    start, log_error = problem(1)
    precision = np.full_like(log_error, 20.0)
    precision[0, 3] = 0.0
    wild = log_error.copy()
    wild[0, 3] += 5.0

    np.testing.assert_allclose(
        descend(FORM, start, X, log_error, precision, belief(1))[0],
        descend(FORM, start, X, wild, precision, belief(1))[0],
    )


def test_no_coordinate_leaves_the_box() -> None:
    start, log_error = problem(2)
    rising = log_error[:, ::-1].copy()
    found, _ = descend(FORM, start, X, rising, np.full_like(log_error, 100.0), belief(1))

    assert (found[0] >= np.array(FORM.lower)).all()
    assert (found[0] <= np.array(FORM.upper)).all()
