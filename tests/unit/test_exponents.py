from typing import Any

import numpy as np
import pytest

from harness.laws.exponents import Curve, _estimate, best_size, compare_exponents, knee_size
from harness.laws.surface_cells import GridCell
from registry.errors import InvalidData

N = 300 * 2.0 ** np.arange(8)
NOISE = 0.02


def curve(coefficient: float, exponent: float, floor: float, seed: int) -> Curve:
    rng = np.random.default_rng(seed)
    error = (floor + coefficient * N**-exponent) * np.exp(NOISE * rng.normal(size=len(N)))
    return Curve(N, error, np.full(len(N), NOISE))


def test_families_that_share_an_exponent_are_not_told_apart():
    found = compare_exponents(
        {"mlp": curve(3, 0.35, 0.01, 0), "cnn": curve(5, 0.35, 0, 1), "rnn": curve(9, 0.35, 0.02, 2)}
    )

    assert not found.told_apart
    assert found.shared.value == pytest.approx(0.35, rel=0.1)
    assert all(difference.low < 0 < difference.high for difference in found.difference.values())
    assert all(own.low <= own.value <= own.high for own in found.free.values())


def test_families_that_do_not_share_an_exponent_are_told_apart():
    found = compare_exponents({"mlp": curve(3, 0.35, 0.01, 0), "cnn": curve(5, 0.6, 0, 1)})

    assert found.told_apart
    assert found.difference["cnn"].low > 0.1
    assert found.difference["mlp"].high < -0.1


def test_a_long_curve_is_thinned_before_it_is_compared():
    rng = np.random.default_rng(3)
    n = np.geomspace(100, 1e5, 5000)
    long = Curve(n, 3 * n**-0.35 * np.exp(0.1 * rng.normal(size=len(n))), np.full(len(n), 0.1))
    found = compare_exponents({"mlp": long, "cnn": curve(5, 0.35, 0, 1)}, n_draws=10)

    assert found.free["mlp"].value == pytest.approx(0.35, rel=0.05)
    assert not found.told_apart


def test_the_best_size_measured_grows_as_its_power_of_n_train():
    # too small is coarse, too large overfits: least error at params = n ** 0.5 * 10
    cells = [
        GridCell(n, tuple(0.1 * np.exp(0.1 * np.log(p / (10 * n**0.5)) ** 2 + d) for d in (-0.001, 0.001)), params=p)
        for n in (100, 1000, 10_000, 100_000)
        for p in 10 * 2.0 ** np.arange(2, 12)
    ]
    found = best_size(cells, n_draws=20)

    assert found.exponent.value == pytest.approx(0.5, abs=0.08)
    assert found.exponent.low <= found.exponent.value + 1e-9
    assert len(found.params) == 4


def bowls(sizes_of_n: tuple[int, ...], *, noise: float, seed: int) -> list[GridCell]:
    """Cells of one run each whose error is least at params = 2 * n ** 0.7, over params 30 to 1,920."""
    rng = np.random.default_rng(seed)
    return [
        GridCell(n, (least * np.exp(noise * rng.standard_normal()),), float(p))
        for n in sizes_of_n
        for p in 30 * 2.0 ** np.arange(7)
        for least in [0.02 + n**-0.5 + 0.02 * np.log(p / (2 * n**0.7)) ** 2]
    ]


def test_an_n_train_whose_best_size_is_an_end_does_not_count():
    found = best_size(bowls((100, 400, 1600, 6400, 25_600, 102_400), noise=0.0, seed=0))

    assert max(found.n_train) == 6400  # beyond, the best lies above 1,920
    assert found.exponent.low < 0.7 < found.exponent.high
    with pytest.raises(InvalidData, match="0 of 3 n_train have their best size between others"):
        best_size(bowls((102_400, 204_800, 409_600), noise=0.0, seed=0))


@pytest.mark.parametrize(("sizes_of_n", "noise"), [((100, 400, 1600, 6400), 0.03), ((100, 400, 1600, 6400), 0.1)])
def test_the_power_that_single_runs_show_lies_in_its_interval_as_often_as_said(sizes_of_n, noise):
    held = []
    for seed in range(30):
        try:
            found = best_size(bowls(sizes_of_n, noise=noise, seed=seed), n_draws=60)
        except InvalidData:
            continue  # too few best sizes between others
        held.append(found.exponent.low <= 0.7 <= found.exponent.high)

    assert len(held) >= 10
    assert np.mean(held) >= 0.85


def test_the_knee_of_a_law_grows_as_the_ratio_of_its_exponents():
    # the size term is a tenth of the data term where params ** -1 = .1 n ** -.5
    parameters = {
        "data_coefficient": 1.0,
        "data_exponent": 0.5,
        "size_coefficient": 1.0,
        "size_exponent": 1.0,
        "floor": 0.0,
    }
    law = {
        "variables": ["n_train", "params"],
        "forms": [{"form": "additive", "weight": 1.0, "parameters": parameters}],
        "draws": [[0, *parameters.values()]] * 3,
        "valid_range": {"n_train": [100, 10_000], "params": [10, 100_000]},
    }
    found = knee_size(law)

    assert found.exponent.value == pytest.approx(0.5, abs=0.02)
    assert found.coefficient.value == pytest.approx(10, rel=0.15)


def surface(draws: list[float], points: list[dict[str, float]] | None = None) -> dict[str, Any]:
    """A law whose knee grows as n_train ** .5, its draws with these coefficients of params."""
    parameters = {"data_coefficient": 1.0, "data_exponent": 0.5, "size_coefficient": 1.0, "size_exponent": 1.0}
    parameters["floor"] = 0.0
    return {
        "variables": ["n_train", "params"],
        "forms": [{"form": "additive", "weight": 1.0, "parameters": parameters}],
        "draws": [[0, 1.0, 0.5, coefficient, 1.0, 0.0] for coefficient in draws],
        "valid_range": {"n_train": [100, 10_000], "params": [10, 100_000]},
        "points": points or [],
    }


def test_a_knee_that_draws_do_not_have_is_none():
    assert knee_size(surface([1.0] * 8 + [1e9] * 2)).exponent.low <= 0.51
    with pytest.raises(InvalidData, match="7 of 10 draws of the law have their knee inside the sizes measured"):
        knee_size(surface([1.0] * 7 + [1e9] * 3))


def test_no_interval_leaves_out_its_estimate():
    estimate = _estimate(np.array([0.58, 0.61, 0.63, 0.65]))

    assert estimate.low == estimate.value == 0.58
    assert estimate.high == pytest.approx(0.648)


def test_where_n_train_and_params_rise_together_there_is_no_best_size():
    together = [{"n_train": 100 * 2.0**i, "params": 30 * 2.0**i * (1.1 if i % 2 else 1)} for i in range(8)]

    with pytest.raises(InvalidData, match="n_train and params rise together"):
        knee_size(surface([1.0] * 4, together))
    assert knee_size(surface([1.0] * 4, together + [{"n_train": 12_800, "params": 30}] * 4))


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InvalidData, match="exponents of 1 family cannot be compared"):
        compare_exponents({"mlp": curve(3, 0.35, 0.01, 0)})
    with pytest.raises(InvalidData, match="the curve of cnn has 3 points, expected at least 4"):
        compare_exponents({"mlp": curve(3, 0.4, 0, 0), "cnn": Curve(*(c[:3] for c in curve(3, 0.4, 0, 0)))})
    with pytest.raises(InvalidData, match="0 n_train have at least 3 params"):
        best_size([GridCell(100, (0.1,), params=10)])
