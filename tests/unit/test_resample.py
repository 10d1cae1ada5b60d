from __future__ import annotations

import numpy as np
import pytest

from harness.resample import area_average


def test_whole_parts_are_plain_means() -> None:
    images = np.arange(2 * 16, dtype=np.float32).reshape(2, 1, 4, 4)

    assert np.array_equal(area_average(images, 2), images.reshape(2, 1, 2, 2, 2, 2).mean(axis=(3, 5)))


def test_cut_pixels_count_by_area() -> None:
    images = np.array([[[[1, 2, 4], [0, 0, 0], [0, 0, 0]]]], dtype=np.float32)

    # two new pixels cover 3/2 old ones each: 1 and half of 2, half of 2 and 4, of 9/4 in all
    assert area_average(images, 2)[0, 0] == pytest.approx(np.array([[2, 5], [0, 0]]) / 2.25)


@pytest.mark.parametrize("side", [5, 8, 12, 16])
def test_the_mean_of_an_image_stays(side: int) -> None:
    images = np.random.default_rng(0).integers(256, size=(3, 1, 16, 16)).astype(np.float32) / 256

    assert area_average(images, side).shape == (3, 1, side, side)
    assert area_average(images, side).mean(axis=(1, 2, 3)) == pytest.approx(images.mean(axis=(1, 2, 3)), abs=1e-6)


@pytest.mark.parametrize("side", [8, 12])
def test_pixels_in_steps_of_a_power_of_two_are_averaged_exactly(side: int) -> None:
    levels = np.random.default_rng(0).integers(256, size=(3, 1, 16, 16))
    exact = area_average((levels / 256).astype(np.float32), side) * (256 * 16)

    assert np.array_equal(exact, np.round(exact))
