"""Images of characters: each a random font, turned, sheared, scaled, shifted, faint or strong, and noisy.

An image is decided by its seed and its number alone. Everything after the draws is integer arithmetic (fixed point), so
that images are the same to the bit on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, final

import numpy as np
from jaxtyping import Float64, Int32, Int64, UInt8

from harness.glyphs.fonts import MASK_SIDE, covers, mask

CHUNK: Final = 1024  # images drawn at once; always whole, so that an image does not depend on how many are asked for
# At scale 1 a character's longer side takes 3/4 of the image; its texture has 3/2 texels a pixel, so that bilinear
# sampling averages over about a pixel.
INK_SHARE: Final = 0.75
TEXELS_PER_PIXEL: Final = 1.5
FIRST_MARGIN, LAST_MARGIN = 1, 2  # empty texels around: what lies outside is clamped to them

# Ranges of the uniform draws, in the order drawn.
FONT: Final = (0.0, 1.0)
HALF_TURN: Final = (-0.1, 0.1)  # tangent of half the angle: 11 degrees either way
SHEAR: Final = (-0.15, 0.15)
SHRINK: Final = (0.85, 1.2)  # one over the scale
STRETCH: Final = (0.88, 1.13)  # of the height alone
SHIFT: Final = (-0.09, 0.09)  # of the side, right and down
BACKGROUND: Final = (0.0, 64.0)  # grey level of 256
CONTRAST: Final = (128.0, 191.0)  # ink's level above the background
NOISE: Final = (4.0, 16.0)  # standard deviation of a pixel, in levels
RANGES: Final = np.array([FONT, HALF_TURN, SHEAR, SHRINK, STRETCH, SHIFT, SHIFT, BACKGROUND, CONTRAST, NOISE]).T

POSITION_BITS: Final = 12  # of a texel
WEIGHT_BITS: Final = 7  # of a bilinear weight
BYTE_SUM_MEAN, BYTE_SUM_SD = 510, 147.8  # of the sum of four random bytes


@final
@dataclass(frozen=True, eq=False)
class Alphabet:
    """Characters in all their fonts, as textures for images of one side.

    Args:
        side: Height and width of the images.
        textures: One a character and font, ink 0 to 255.
        first: Row of each class's first texture; its fonts follow.
        n_fonts: Number of fonts of each class.
    """

    side: int
    textures: UInt8[np.ndarray, "glyphs texels texels"]
    first: Int64[np.ndarray, " classes"]
    n_fonts: Int64[np.ndarray, " classes"]


@cache
def alphabet(characters: str, fonts: tuple[str, ...], side: int) -> Alphabet:
    """Make the textures of ``characters``, class 0 the first, in those of ``fonts`` that have them."""
    pairs = [[(font, character) for font in fonts if covers(font, character)] for character in characters]
    n_fonts = np.array([len(found) for found in pairs], dtype=np.int64)
    texels = round(side * INK_SHARE * TEXELS_PER_PIXEL)
    textures = np.stack([_texture(font, character, texels) for found in pairs for font, character in found])
    margins = (FIRST_MARGIN, LAST_MARGIN)
    return Alphabet(side, np.pad(textures, ((0, 0), margins, margins)), np.cumsum(n_fonts) - n_fonts, n_fonts)


def _texture(font: str, character: str, texels: int) -> UInt8[np.ndarray, "texels texels"]:
    """Return the share of each texel that is ink, 255 being all, counted on whole points."""
    edges = np.arange(texels) * MASK_SIDE // texels
    ink = mask(font, character).astype(np.int64)
    covered = np.add.reduceat(np.add.reduceat(ink, edges, axis=0), edges, axis=1)
    sides = np.diff(edges, append=MASK_SIDE)
    share: UInt8[np.ndarray, "texels texels"] = (covered * 255 // np.outer(sides, sides)).astype(np.uint8)
    return share


def render(
    letters: Alphabet, n: int, seed: tuple[int, ...]
) -> tuple[UInt8[np.ndarray, "n side side"], Int64[np.ndarray, " n"]]:
    """Draw images 0 to ``n - 1`` of ``seed`` and their classes; classes take turns."""
    labels = np.arange(n, dtype=np.int64) % len(letters.first)
    images = np.empty((n, letters.side, letters.side), dtype=np.uint8)
    for start in range(0, n, CHUNK):
        chunk = np.arange(start, start + CHUNK) % len(letters.first)
        rng = np.random.default_rng((*seed, start // CHUNK))
        images[start : start + CHUNK] = _render_chunk(letters, chunk, rng)[: n - start]
    return images, labels


def _render_chunk(
    letters: Alphabet, labels: Int64[np.ndarray, " n"], rng: np.random.Generator
) -> UInt8[np.ndarray, "n side side"]:
    low, high = RANGES
    draws = low + (high - low) * rng.random((len(labels), len(low)))
    font, half_turn, shear, shrink, stretch, right, down, background, contrast, noise = draws.T
    glyph = letters.first[labels] + (font * letters.n_fonts[labels]).astype(np.int64)
    matrix = _inverse(half_turn, shear, shrink, stretch)
    ink = _sampled(letters, glyph, matrix, np.stack([right, down], axis=1))
    n, side = len(labels), letters.side
    faint = (ink * _whole(contrast * 2)[:, None, None]) >> 9
    grain = (_grain(rng, (n, side, side)) * _whole(noise * (256 / BYTE_SUM_SD))[:, None, None]) >> 8
    levels = faint + _whole(background)[:, None, None] + grain
    images: UInt8[np.ndarray, "n side side"] = np.clip(levels, 0, 255).astype(np.uint8)
    return images


def _inverse(
    half_turn: Float64[np.ndarray, " n"],
    shear: Float64[np.ndarray, " n"],
    shrink: Float64[np.ndarray, " n"],
    stretch: Float64[np.ndarray, " n"],
) -> Float64[np.ndarray, "n 2 2"]:
    """Return the matrices from pixels to texels: turn back, then shear and scale back."""
    cosine = (1 - half_turn**2) / (1 + half_turn**2)  # without trigonometry, whose last digit differs by machine
    sine = 2 * half_turn / (1 + half_turn**2)
    zoom = TEXELS_PER_PIXEL * shrink
    right = np.stack([cosine - shear * sine, sine + shear * cosine], axis=1)
    down = np.stack([-sine, cosine], axis=1) * stretch[:, None]
    return np.stack([right, down], axis=1) * zoom[:, None, None]


def _sampled(
    letters: Alphabet,
    glyph: Int64[np.ndarray, " n"],
    matrix: Float64[np.ndarray, "n 2 2"],
    shift: Float64[np.ndarray, "n 2"],
) -> Int32[np.ndarray, "n side side"]:
    """Return the ink under each pixel, 0 to 255, read bilinearly from the textures."""
    side, texels = letters.side, letters.textures.shape[1]
    centre = FIRST_MARGIN + (texels - FIRST_MARGIN - LAST_MARGIN) / 2 - 0.5  # texel i is centred at i
    offset = centre - (matrix * shift[:, None, :] * side).sum(axis=2)
    steps = _whole(matrix * (1 << (POSITION_BITS - 1)))  # half a pixel
    origin = _whole(offset * (1 << POSITION_BITS))
    places = np.arange(1 - side, side, 2, dtype=np.int32)  # half-pixels from the centre
    corner, weight = [], []
    for axis in (0, 1):
        along = steps[:, axis, 0, None] * places + origin[:, axis, None]
        position = along[:, None, :] + (steps[:, axis, 1, None] * places)[:, :, None]
        np.clip(position, 0, ((texels - 1) << POSITION_BITS) - 1, out=position)
        corner.append(position >> POSITION_BITS)
        weight.append((position & ((1 << POSITION_BITS) - 1)) >> (POSITION_BITS - WEIGHT_BITS))
    flat = letters.textures.reshape(-1)
    at = corner[1] * texels + corner[0] + (glyph * texels**2).astype(np.int32)[:, None, None]
    whole = np.int32(1 << WEIGHT_BITS)
    upper = flat[at] * (whole - weight[0]) + flat[at + 1] * weight[0]
    at += texels
    lower = flat[at] * (whole - weight[0]) + flat[at + 1] * weight[0]
    ink: Int32[np.ndarray, "n side side"] = (upper * (whole - weight[1]) + lower * weight[1]) >> (2 * WEIGHT_BITS)
    return ink


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> Int32[np.ndarray, "n side side"]:
    """Return near-normal noise of mean 0: the sum of four random bytes, less its mean."""
    words = rng.integers(1 << 32, size=shape, dtype=np.uint32)
    pairs = (words & 0x00FF00FF) + ((words >> 8) & 0x00FF00FF)
    grain: Int32[np.ndarray, "n side side"] = ((pairs & 0xFFFF) + (pairs >> 16)).astype(np.int32) - BYTE_SUM_MEAN
    return grain


def _whole(values: Float64[np.ndarray, "*shape"]) -> Int32[np.ndarray, "*shape"]:
    rounded: Int32[np.ndarray, "*shape"] = np.rint(values).astype(np.int32)
    return rounded
