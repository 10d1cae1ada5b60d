from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from harness.glyphs.fonts import MASK_SIDE, covers, mask
from harness.glyphs.lookalikes import LEAST_SHARE, SIDE, WIDEST_FONTS, alike, candidates, choose, classes, pictures


@pytest.mark.parametrize(
    ("one", "other"),
    ["0O", "0o", "1l", "lI", "cC", "zZ", "AΑ", "aа", "oο", "pр", "1i", "EΕ"],
)
def test_look_alikes_are_found(one: str, other: str) -> None:
    assert alike(pictures(one), pictures(other))


@pytest.mark.parametrize(("one", "other"), ["01", "38", "mw", "AB", "xk", "69", "bd"])
def test_what_differs_is_told_apart(one: str, other: str) -> None:
    assert not alike(pictures(one), pictures(other))


def test_the_classes_that_are_kept_are_those_that_the_rule_chooses() -> None:
    assert choose(41) == classes()[:41]


def test_the_rule_passes_over_look_alikes_of_what_it_has_chosen() -> None:
    chosen = choose(41)
    ascii_ = [character for character in candidates() if ord(character) < 128]
    passed = [character for character in ascii_ if character not in chosen and character < chosen[-1]]
    taken = np.concatenate([pictures(character) for character in chosen])

    assert chosen.startswith("0123456789a")
    assert passed
    assert all(alike(taken, pictures(character)) for character in passed)


def test_there_are_a_thousand_different_classes_drawn_by_the_widest_fonts() -> None:
    assert len(set(classes())) == len(classes()) == 1000
    assert all(covers(font, character) for character in classes() for font in WIDEST_FONTS)


def test_no_class_is_another_with_an_accent_or_a_mark_or_nothing_at_all() -> None:
    assert not [c for c in classes() if unicodedata.decomposition(c)]
    assert {unicodedata.category(c)[0] for c in classes()} == {"L", "N", "S"}


def test_no_two_of_all_classes_look_alike_in_the_widest_font() -> None:
    part = MASK_SIDE // SIDE
    masks = np.array([mask("DejaVuSans", character) for character in classes()])
    ink = masks.reshape(-1, SIDE, part, SIDE, part).sum(axis=(2, 4)).reshape(-1, SIDE**2).astype(np.float64)
    size = (ink**2).sum(axis=1)[:, np.newaxis] + (ink**2).sum(axis=1)
    apart = size - 2 * ink @ ink.T
    close = np.argwhere(np.triu(LEAST_SHARE * apart < size, k=1))

    assert close.tolist() == []
