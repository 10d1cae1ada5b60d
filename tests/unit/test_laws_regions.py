"""Where the regions of a curve meet, and when that is unseen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.laws.regions import irreducible, locate


def law(*laws: tuple[float, float, float, float], low: float = 10, high: float = 1e8) -> dict[str, Any]:
    """A shifted power law; the others are its draws."""
    keys = ("coefficient", "exponent", "floor", "shift")
    parameters = dict(zip(keys, laws[0], strict=True))
    return {
        "variables": ["n_train"],
        "forms": [{"form": "shifted-power-law", "weight": 1.0, "parameters": parameters}],
        "draws": [[0, *each] for each in laws[1:]],
        "valid_range": {"n_train": [low, high]},
    }


def test_both_borders_of_a_curve_with_three_regions_are_found() -> None:
    found = locate(law((2.0, 0.5, 1e-3, 100.0), *[(2.0, 0.5, 1e-3, shift) for shift in np.geomspace(50, 200, 21)]))

    # of shift / n and of floor / power term, the slope is half at 1
    assert found["small_data_end"]["value"] == pytest.approx(100, rel=0.2)
    assert found["small_data_end"]["low"] == pytest.approx(53, rel=0.2)
    assert found["small_data_end"]["high"] == pytest.approx(187, rel=0.2)
    assert found["irreducible_start"]["value"] == pytest.approx(4e6, rel=0.5)


def test_borders_of_a_surface_are_those_at_its_largest_size() -> None:
    parameters = {"data_coefficient": 2.0, "data_exponent": 0.5, "size_coefficient": 1.0, "size_exponent": 0.5}
    draws = [[0, 2.0, 0.5, size, 0.5, 1e-3] for size in np.linspace(0.8, 1.2, 21)]
    surface = {
        "variables": ["n_train", "params"],
        "forms": [{"form": "additive", "weight": 1.0, "parameters": {**parameters, "floor": 1e-3}}],
        "draws": draws,
        "valid_range": {"n_train": [10, 1e8], "params": [10, 1e4]},
    }
    found = locate(surface)

    # 2 / sqrt(n) has fallen to what size and floor leave, 1e-2 + 1e-3
    assert found["irreducible_start"] is not None
    assert found["irreducible_start"]["value"] == pytest.approx((2 / 0.011) ** 2, rel=0.3)
    assert found["small_data_end"] is None
    wider = locate({**surface, "valid_range": {"n_train": [10, 1e8], "params": [10, 1e6]}})
    assert wider["irreducible_start"] is not None
    assert wider["irreducible_start"]["value"] == pytest.approx((2 / 0.002) ** 2, rel=0.3)


def test_borders_outside_the_points_are_unseen() -> None:
    straight = (2.0, 0.5, 0.0, 0.0)

    assert locate(law(straight, straight)) == {"small_data_end": None, "irreducible_start": None}


def test_a_border_that_most_draws_do_not_see_is_unseen() -> None:
    bent, straight = (2.0, 0.5, 1e-3, 100.0), (2.0, 0.5, 0.0, 0.0)

    assert locate(law(bent, bent, straight, straight))["irreducible_start"] is None


def test_a_border_that_some_draws_do_not_see_is_open_on_its_side() -> None:
    bent, straight = (2.0, 0.5, 1e-3, 100.0), (2.0, 0.5, 0.0, 0.0)
    found = locate(law(bent, bent, bent, bent, straight))

    assert found["irreducible_start"]["high"] is None
    assert found["small_data_end"]["low"] is None


def test_a_floor_is_bounded_by_its_draws() -> None:
    floors = np.linspace(0.009, 0.011, 21)
    bound = irreducible(law((2.0, 0.5, 0.01, 0.0), *[(2.0, 0.5, floor, 0.0) for floor in floors], high=1e6))

    assert bound == pytest.approx({"value": 0.01, "low": 0.0091, "high": 0.0109})


def test_a_floor_that_may_be_none_or_all_of_the_error_is_open() -> None:
    end = 2 * 1e8**-0.5
    draws = [(2.0, 0.5, 0.0, 0.0), (1e-9, 0.5, end, 0.0)] * 10

    assert irreducible(law((2.0, 0.5, end / 2, 0.0), *draws))["low"] is None
    assert irreducible(law((1.0, 0.5, end / 2, 0.0), *draws))["high"] is None
