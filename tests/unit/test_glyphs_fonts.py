from __future__ import annotations

import numpy as np
import pytest

from harness.glyphs.fonts import FAMILIES, MASK_SIDE, _filled, covers, mask


def square(low: float, high: float) -> list[list[list[float]]]:
    corners = [[low, low], [high, low], [high, high], [low, high]]
    return [[corners[i], corners[(i + 1) % 4]] for i in range(4)]


def backwards(edges: list[list[list[float]]]) -> list[list[list[float]]]:
    return [[end, start] for start, end in edges]


def test_a_square_is_filled_and_nothing_else() -> None:
    filled = _filled(np.array(square(10.0, 30.0)))

    assert filled[10:30, 10:30].all()
    assert filled.sum() == 20 * 20


def test_a_contour_the_other_way_round_is_a_hole() -> None:
    filled = _filled(np.array(square(10.0, 40.0) + backwards(square(20.0, 30.0))))

    assert filled.sum() == 30 * 30 - 10 * 10
    assert not filled[20:30, 20:30].any()


def test_contours_the_same_way_round_add_up() -> None:
    filled = _filled(np.array(square(10.0, 30.0) + square(20.0, 40.0)))

    assert filled.sum() == 2 * 20 * 20 - 10 * 10


@pytest.mark.parametrize("font", [font for fonts in FAMILIES.values() for font in fonts])
def test_each_font_draws_a_digit_that_fills_its_square(font: str) -> None:
    ink = mask(font, "8")
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))

    assert rows[0] == 0
    assert rows[-1] == MASK_SIDE - 1
    assert abs(columns[0] - (MASK_SIDE - 1 - columns[-1])) <= 1
    assert 0.1 < ink.mean() < 0.6


def test_an_o_has_a_hole_and_a_seven_points_up() -> None:
    ink = mask("DejaVuSans", "7")

    assert not mask("DejaVuSans", "o")[MASK_SIDE // 2, MASK_SIDE // 2]
    assert ink[:20].sum() > ink[-20:].sum()


def test_what_a_font_lacks_is_not_covered() -> None:
    assert covers("DejaVuSans", "Ж")
    assert not covers("cmtt10", "Ж")
    assert not covers("DejaVuSans", "龘")


def test_codes_with_other_characters_in_computer_modern_are_not_taken() -> None:
    assert not covers("cmr10", "¡")


def test_a_space_has_no_ink() -> None:
    assert not mask("DejaVuSans", " ").any()
