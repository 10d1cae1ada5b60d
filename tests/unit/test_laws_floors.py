"""What a curve's points say of a floor, with none in truth and with one."""

from __future__ import annotations

import numpy as np
import pytest

from harness.laws.curve import fit_curve
from harness.laws.floors import has_floor
from harness.laws.points import Point, curve_of, points_of


def drawn(at: int, floor: float, *, seeds: int = 1, known: bool = False) -> list[Point]:
    """A power law of 5 to 9 points with 1 to 6 % noise between runs."""
    rng = np.random.default_rng([at, seeds])
    n = np.geomspace(100, 10_000, int(rng.integers(5, 10))).round()
    noise = rng.uniform(0.01, 0.06)
    mean = floor + 3 * n ** -rng.uniform(0.2, 0.8)
    errors = mean[:, np.newaxis] * np.exp(noise * rng.standard_normal((len(n), seeds)))
    if known:
        return points_of(n.tolist(), errors[:, 0].tolist(), (noise * mean).tolist())
    return [Point(size, tuple(each)) for size, each in zip(n.tolist(), errors.tolist(), strict=True)]


@pytest.mark.parametrize(("seeds", "known"), [(1, False), (1, True), (3, False)])
def test_no_floor_is_seldom_called_one(seeds: int, known: bool) -> None:
    called = [has_floor(curve_of(drawn(at, 0.0, seeds=seeds, known=known))) for at in range(40)]

    assert np.mean(called) <= 0.15


@pytest.mark.parametrize(("seeds", "known"), [(1, True), (3, False)])
def test_a_floor_above_the_noise_is_mostly_seen(seeds: int, known: bool) -> None:
    seen = [has_floor(curve_of(drawn(at, 0.1, seeds=seeds, known=known))) for at in range(20)]

    assert np.mean(seen) >= 0.5


def test_the_interval_of_a_law_holds_no_floor_where_there_is_none() -> None:
    laws = [fit_curve(drawn(at, 0.0, seeds=3), n_draws=20) for at in range(20)]

    assert np.mean([law["irreducible_error"]["low"] is None for law in laws]) >= 0.85


def test_a_plateau_at_small_n_is_no_floor() -> None:
    n = np.geomspace(10, 100_000, 40)

    assert not has_floor(curve_of(points_of(n.tolist(), (2 * (n + 300) ** -0.5).tolist())))
