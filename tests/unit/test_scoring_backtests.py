"""Back-tests: no point held out is read, and the factors cover what was missed."""

from __future__ import annotations

import numpy as np
import pytest

from harness.laws.points import Point
from harness.scoring import backtests
from harness.scoring.backtests import Backtest, constants, inner, run
from harness.scoring.read import HeldOut

N = np.geomspace(100, 6400, 24)


def held_out(horizon: float) -> HeldOut:
    """A curve whose held-out part is not to be read."""
    fitted = N[-1] / horizon >= N
    unread = np.full(int((~fitted).sum()), np.nan)
    return HeldOut("d", "IC", "a", horizon, N[fitted], 0.1 + N[fitted] ** -0.5, None, N[~fitted], unread, 1.0, 1.0)


def test_only_the_part_fitted_at_the_longest_horizon_is_split_again() -> None:
    near, far = inner([held_out(2.0), held_out(4.0)])

    assert max(near.later_n) <= N[-1] / 4
    assert (near.horizon, far.horizon) == (2.0, 4.0)
    assert near.n[-1] <= N[-1] / 8
    assert far.n[-1] <= N[-1] / 16


def test_parts_that_carry_no_law_are_left_out() -> None:
    (found,) = run([held_out(1.0)._replace(n=N[8:], error=0.1 + N[8:] ** -0.5)])[:1]

    assert found.missed.max() < 0.1
    assert run([held_out(1.0)._replace(n=N[-3:], error=0.1 + N[-3:] ** -0.5)]) == []


def test_few_points_have_seeds_of_their_own() -> None:
    curve = held_out(1.0)._replace(n=N, error=0.1 + N**-0.5, stderr=np.full(len(N), 0.002))
    seen: list[list[Point]] = []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backtests, "_run", lambda _curve, points: [seen.append(points)][1:])
        assert backtests.run([curve], few=(5,)) == []
    assert [len(points) for points in seen] == [5, 5]  # at either horizon
    assert {len(point.errors) for point in seen[0]} == {3}
    assert backtests.run([curve._replace(stderr=None)], few=(5,)) == []


def test_factors_cover_their_share_and_drift_takes_some_of_their_work() -> None:
    rng = np.random.default_rng(0)
    away = np.full(50, 1.0)
    found = [Backtest("IC", np.abs(rng.normal(0, 0.1, 50)), np.full(50, 0.05), away, 0.0) for _ in range(100)]
    none, some = constants(found, 0.0), constants(found, 0.05)

    assert none.factor90 == pytest.approx(1.645 * 2, rel=0.05)
    assert none.factor80 == pytest.approx(1.282 * 2, rel=0.05)
    assert none.cover["IC"] == pytest.approx(0.9, abs=0.01)
    assert some.factor90 == pytest.approx(none.factor90 / 2**0.5, rel=1e-6)
    assert some.width == pytest.approx(none.width, rel=1e-6)
