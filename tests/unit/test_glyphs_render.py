from __future__ import annotations

import numpy as np
import pytest

from harness.glyphs import render as module
from harness.glyphs.fonts import MASK_SIDE, mask
from harness.glyphs.render import CHUNK, Alphabet, alphabet, render

FIXED = {"font": 0.5, "half_turn": 0, "shear": 0, "shrink": 1, "stretch": 1, "right": 0, "down": 0}
PLAIN = FIXED | {"background": 0, "contrast": 255, "noise": 0}


@pytest.fixture
def letters() -> Alphabet:
    return alphabet("0123456789", ("DejaVuSans", "cmr10"), 16)


def drawn(monkeypatch: pytest.MonkeyPatch, character: str, side: int = 16, **changed: float) -> np.ndarray:
    """Draw one character with every range narrowed to one value; pixels from 0 to 1."""
    values = np.array(list((PLAIN | changed).values()), dtype=np.float64)
    monkeypatch.setattr(module, "RANGES", np.stack([values, values]))
    images, _ = render(alphabet(character, ("DejaVuSans",), side), 1, (0,))
    return images[0] / 255.0


def centre(image: np.ndarray) -> tuple[float, float]:
    """Return the ink's centre, (right, down), in shares of the side from the middle."""
    places = (np.arange(len(image)) + 0.5) / len(image) - 0.5
    return float((image * places).sum() / image.sum()), float((image * places[:, np.newaxis]).sum() / image.sum())


@pytest.mark.parametrize("side", [8, 16, 32, 64])
def test_undistorted_a_character_is_its_outline_at_three_quarters_of_the_side(
    monkeypatch: pytest.MonkeyPatch, side: int
) -> None:
    image = drawn(monkeypatch, "4", side)
    ink = mask("DejaVuSans", "4")
    small = ink.reshape(side * 3 // 4, MASK_SIDE * 4 // (side * 3), side * 3 // 4, -1).mean(axis=(1, 3))
    expected = np.pad(small, side // 8)

    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.93
    assert image.mean() == pytest.approx(expected.mean(), rel=0.06)


def test_an_image_is_decided_by_its_seed_and_number_alone(letters: Alphabet) -> None:
    few, many = render(letters, 7, (0, 3)), render(letters, 2 * CHUNK + 5, (0, 3))

    assert np.array_equal(few[0], many[0][:7])
    assert np.array_equal(few[1], many[1][:7])
    assert len(many[0]) == 2 * CHUNK + 5
    assert not np.array_equal(many[0][:5], many[0][CHUNK : CHUNK + 5])
    assert not np.array_equal(few[0], render(letters, 7, (0, 4))[0])


def test_classes_take_turns(letters: Alphabet) -> None:
    assert np.array_equal(render(letters, 25, (0,))[1], np.arange(25) % 10)


def test_the_same_image_is_drawn_on_every_machine(letters: Alphabet) -> None:
    images, _ = render(letters, 2, (0, 0))

    assert images[1, 4:12:3].tolist() == [
        [17, 31, 30, 99, 103, 75, 173, 102, 24, 48, 41, 27, 46, 38, 21, 31],
        [38, 30, 22, 41, 44, 42, 168, 159, 50, 42, 33, 49, 37, 41, 27, 26],
        [25, 29, 44, 36, 40, 26, 135, 187, 52, 36, 33, 33, 49, 35, 31, 44],
    ]


def test_shifts_go_right_and_down_by_shares_of_the_side(monkeypatch: pytest.MonkeyPatch) -> None:
    at = centre(drawn(monkeypatch, "8"))
    right, down = centre(drawn(monkeypatch, "8", right=0.1)), centre(drawn(monkeypatch, "8", down=0.05))

    assert np.subtract(right, at) == pytest.approx([0.1, 0], abs=0.01)
    assert np.subtract(down, at) == pytest.approx([0, 0.05], abs=0.01)


def test_shrinking_and_stretching_change_the_area_of_the_ink(monkeypatch: pytest.MonkeyPatch) -> None:
    area = drawn(monkeypatch, "8").mean()

    assert drawn(monkeypatch, "8", shrink=1.25).mean() == pytest.approx(area / 1.25**2, rel=0.05)
    assert drawn(monkeypatch, "8", stretch=1.25).mean() == pytest.approx(area / 1.25, rel=0.05)


def test_turning_keeps_the_area_and_turns_by_the_angle(monkeypatch: pytest.MonkeyPatch) -> None:
    upright, turned = (drawn(monkeypatch, "|", 32, half_turn=value) for value in (0.0, 0.2))
    places = np.arange(32) - 15.5
    heavy = turned.sum(axis=1) > 0.5
    columns = (turned * places).sum(axis=1)[heavy] / turned.sum(axis=1)[heavy]
    slope = np.polyfit(places[heavy], columns, 1)[0]

    assert turned.mean() == pytest.approx(upright.mean(), rel=0.05)
    assert abs(slope) == pytest.approx(np.tan(2 * np.arctan(0.2)), rel=0.05)


def test_shearing_slants_and_keeps_the_area(monkeypatch: pytest.MonkeyPatch) -> None:
    upright, slanted = (drawn(monkeypatch, "|", 32, shear=value) for value in (0.0, 0.25))
    places = np.arange(32) - 15.5
    heavy = slanted.sum(axis=1) > 0.5
    columns = (slanted * places).sum(axis=1)[heavy] / slanted.sum(axis=1)[heavy]

    assert slanted.mean() == pytest.approx(upright.mean(), rel=0.05)
    assert abs(np.polyfit(places[heavy], columns, 1)[0]) == pytest.approx(0.25, rel=0.05)


def test_background_contrast_and_noise_are_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    faint = drawn(monkeypatch, "8", background=50, contrast=100) * 255
    noisy = drawn(monkeypatch, "|", 64, background=120, contrast=0, noise=10) * 255

    assert faint.min() == 50
    assert faint.max() == pytest.approx(150, abs=5)
    assert noisy.std() == pytest.approx(10, rel=0.05)
    assert noisy.mean() == pytest.approx(120, abs=1)


def test_what_leaves_the_image_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    away = drawn(monkeypatch, "8", right=2.0, down=-2.0)

    assert away.max() == 0


def test_each_font_that_has_a_character_draws_it_as_often() -> None:
    letters = alphabet("AЖ", ("DejaVuSans", "DejaVuSerif", "cmr10"), 16)

    assert letters.n_fonts.tolist() == [3, 2]
    assert letters.first.tolist() == [0, 3]
    assert len(letters.textures) == 5
