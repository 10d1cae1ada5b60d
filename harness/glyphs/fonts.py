"""The fonts that matplotlib brings along, by family, and their outlines as bitmaps.

Outlines are read in font units, which are whole numbers, and filled here rather than by FreeType: a bitmap then depends
on the font alone, not on the version of a rasteriser or on hinting. All arithmetic is basic, so exact on every machine.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64

# Upright, bold, slanted and both, where there are; no display, symbol, size or placeholder (.notdef) fonts.
FAMILIES: Final = {
    "dejavu": (
        *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
        *("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
        *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    ),
    "computer-modern": ("cmr10", "cmb10", "cmss10", "cmti10", "cmtt10"),
    "stix": ("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
}
# Beyond these, Computer Modern's files have other characters at a code than Unicode does.
ASCII_ONLY: Final = frozenset(FAMILIES["computer-modern"])
MASK_SIDE: Final = 144  # divisible by 18, 16, 12, 9 and 8: textures of most sides are whole-numbered averages
MOVE: Final = 1  # matplotlib's codes of a path: move, line, quadratic, cubic, close
DEGREES: Final = {MOVE: 0, 2: 1, 3: 2, 4: 3, 79: 0}
CURVE_STEPS: Final = 6  # straight pieces a curve is cut into


@cache
def covers(font: str, character: str) -> bool:
    """Say whether ``font`` draws ``character``."""
    return not (font in ASCII_ONLY and ord(character) > 127) and ord(character) in charmap(font)


@cache
def mask(font: str, character: str) -> Bool[np.ndarray, "side side"]:
    """Return which points of a square the ink covers, row 0 at the top.

    The ink's bounding box is centred; its longer side fills the square, so size and position tell nothing apart.
    """
    edges = _edges(font, character)
    if not len(edges):
        return np.zeros((MASK_SIDE, MASK_SIDE), dtype=bool)
    ends = edges.reshape(-1, 2)
    low, high = ends.min(axis=0), ends.max(axis=0)
    centre, side = (low + high) / 2, (high - low).max()
    turned = (edges - centre) * np.array([1.0, -1.0])  # a font's y points up
    return _filled(turned * (MASK_SIDE / side) + MASK_SIDE / 2)


def _filled(edges: Float64[np.ndarray, "n 2 2"]) -> Bool[np.ndarray, "side side"]:
    """Fill closed contours by the non-zero winding rule: along each row of points, from one crossing to the next."""
    (x, y), (x_end, y_end) = edges[:, 0].T, edges[:, 1].T
    rows = np.arange(MASK_SIDE) + 0.5
    crosses = (np.minimum(y, y_end)[:, None] <= rows) & (rows < np.maximum(y, y_end)[:, None])
    edge, row = np.nonzero(crosses)
    at = x[edge] + (rows[row] - y[edge]) * (x_end - x)[edge] / (y_end - y)[edge]
    order = np.lexsort((at, row))
    winding = np.cumsum(np.where(y_end > y, 1, -1)[edge][order])  # every row ends at 0, contours being closed
    column = np.clip(np.rint(at[order]), 0, MASK_SIDE).astype(np.int64)
    inside = np.flatnonzero(winding)
    steps = np.zeros((MASK_SIDE, MASK_SIDE + 1), dtype=np.int32)
    np.add.at(steps, (row[order][inside], column[inside]), 1)
    np.add.at(steps, (row[order][inside], column[inside + 1]), -1)
    return steps.cumsum(axis=1)[:, :-1] > 0


def _edges(font: str, character: str) -> Float64[np.ndarray, "n 2 2"]:
    """Return the straight pieces of a character's outline, each from (x, y) to (x, y)."""
    from matplotlib.ft2font import LoadFlags

    face = _face(font)
    face.load_char(ord(character), flags=LoadFlags.NO_SCALE)
    points, codes = face.get_path()
    kinds = codes.tolist()
    curves: dict[int, list[list[int]]] = {1: [], 2: [], 3: []}  # which points control each, by degree
    start = here = at = 0
    while at < len(kinds):
        degree = DEGREES[kinds[at]]
        if degree:
            curves[degree].append([here, *range(at, at + degree)])
            here = at + degree - 1
        else:  # a new contour begins, or this one ends: either way it is closed
            curves[1].append([here, start])
            start = here = at if kinds[at] == MOVE else start
        at += max(degree, 1)
    curves[1].append([here, start])
    pieces = [_straight(points[np.array(found)]) for found in curves.values() if found and len(points)]
    return np.concatenate([np.empty((0, 2, 2)), *pieces])


def _straight(controls: Float64[np.ndarray, "n points 2"]) -> Float64[np.ndarray, "m 2 2"]:
    """Cut Bezier curves into straight pieces, by de Casteljau's halving lines."""
    n, n_points = controls.shape[:2]
    steps = 1 if n_points == 2 else CURVE_STEPS
    t = (np.arange(steps + 1) / steps)[:, np.newaxis, np.newaxis, np.newaxis]
    level = np.broadcast_to(controls, (steps + 1, n, n_points, 2))
    while level.shape[2] > 1:
        level = (1 - t) * level[:, :, :-1] + t * level[:, :, 1:]
    bends = level[:, :, 0]
    return np.stack([bends[:-1], bends[1:]], axis=2).reshape(-1, 2, 2)


@cache
def charmap(font: str) -> dict[int, int]:
    """Return the glyph number of each character code that ``font`` has."""
    found: dict[int, int] = _face(font).get_charmap()
    return found


@cache
def _face(font: str) -> Any:
    import matplotlib
    from matplotlib.ft2font import FT2Font

    return FT2Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"))
