"""Which characters can be classes: no two that look alike at a low resolution, in any pair of fonts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float64

from harness.glyphs.fonts import FAMILIES, MASK_SIDE, charmap, covers, mask

SIDE: Final = 8  # of the pictures that are compared: accents and dots that vanish there tell nothing apart
# Two pictures look alike where |a - b|^2 < (|a|^2 + |b|^2) / LEAST_SHARE: 0 and o, 1 and l and I, C and c.
LEAST_SHARE: Final = 20
DIGITS: Final = "0123456789"
LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
FONTS: Final = tuple(font for fonts in FAMILIES.values() for font in fonts)
# Characters outside ASCII are taken from these two, and drawn in whichever of all fonts have them.
WIDEST_FONTS: Final = ("DejaVuSans", "DejaVuSans-Bold")
LETTERS_AND_NUMBERS: Final = frozenset({"Ll", "Lu", "Lt", "Lo", "Nd", "Nl", "No"})
SYMBOLS: Final = frozenset({"Sm", "So", "Sc"})


@cache
def classes() -> str:
    """Return the 1,000 characters that :func:`choose` finds in a minute, in its order, as kept beside this file.

    Kept, because a class must not move when Unicode or a font gains a character.
    """
    codes = Path(__file__).with_name("classes.txt").read_text(encoding="ascii").split()
    return "".join(chr(int(code, 16)) for code in codes)


def candidates() -> Iterator[str]:
    """Yield characters in the order they are asked: digits, Latin lower case, upper case, others by code point.

    Of the others first letters and numbers, then symbols; none that Unicode defines as another with an accent or in
    another form (their decomposition), no modifiers, and only what both of DejaVu's widest fonts draw.
    """
    yield from DIGITS + LOWER + LOWER.upper()
    shared = sorted(set.intersection(*(set(charmap(font)) for font in WIDEST_FONTS)))
    others = [chr(code) for code in shared if code > 127 and not unicodedata.decomposition(chr(code))]
    yield from (other for other in others if unicodedata.category(other) in LETTERS_AND_NUMBERS)
    yield from (other for other in others if unicodedata.category(other) in SYMBOLS)


def choose(n: int) -> str:
    """Return the first ``n`` candidates that look like none chosen before: fewer classes are the first of more.

    Raises:
        ValueError: If there are fewer.
    """
    chosen: list[str] = []
    taken = np.empty((0, SIDE**2))
    for character in candidates():
        found = pictures(character)
        if len(found) and not alike(taken, found):
            chosen.append(character)
            taken = np.concatenate([taken, found])
        if len(chosen) == n:
            return "".join(chosen)
    raise ValueError(f"{len(chosen)} characters tell each other apart, expected at least {n}")


def alike(some: Float64[np.ndarray, "n pixels"], others: Float64[np.ndarray, "m pixels"]) -> bool:
    """Say whether any of ``some`` looks like any of ``others``. Pixels are whole numbers, so this is exact."""
    size = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)
    apart = size - 2 * some @ others.T
    return bool((LEAST_SHARE * apart < size).any())


@cache
def pictures(character: str) -> Float64[np.ndarray, "fonts pixels"]:
    """Return a character in each font that has it and puts ink there, ``SIDE`` pixels wide: points covered a pixel."""
    part = MASK_SIDE // SIDE
    masks = [mask(font, character) for font in FONTS if covers(font, character)]
    counts = [ink.reshape(SIDE, part, SIDE, part).sum(axis=(1, 3)).ravel() for ink in masks if ink.any()]
    return np.array(counts, dtype=np.float64).reshape(-1, SIDE**2)
