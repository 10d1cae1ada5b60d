"""How often intervals hold what came: our own grids, their most examples or their largest networks held out.

What is held out is decided here by rule. A cell whose error was still falling at the most steps is not judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from harness.fit import Point, fit_curve
from harness.grid import Grid, GridCell
from harness.scoring import cells as given
from registry.errors import InvalidData
from registry.law import LEVELS, evaluate

RESAMPLES: Final = 2000
LARGEST: Final = 3  # one in so many widths, the largest, is held out of a surface


class Covered(NamedTuple):
    """Which of the points held out of one fit lay inside its intervals of the mean, as shares.

    ``half_width`` is the median of those of 90 %, ``missed`` that of |log predicted - log measured|.
    """

    grid: str
    law: Literal["curve", "surface"]
    held_out: str
    n_points: int
    cover80: float
    cover90: float
    half_width: float
    missed: float


def curves(grid: Grid, say: Callable[[str], None]) -> Iterator[Covered]:
    """Fit the curve of every width without its most examples, and predict those; say which are not judged, and why."""
    capped, refused = [], []
    for width in sorted({cell.shape.width for cell in given.scratch(grid)}):
        curve = sorted((c for c in given.scratch(grid) if c.shape.width == width), key=lambda cell: cell.n_train)
        points = [Point(c.n_train, given.finite(c), n_items=grid.facts["n_val"], capped=c.capped) for c in curve]
        if curve[-1].capped:
            capped.append(width)
            continue
        try:
            law = fit_curve(points[:-1], chance=grid.facts["chance_error"])
        except InvalidData as refusal:
            refused.append(f"width {width}: {refusal.message}")
            continue
        yield _covered(grid, "curve", f"width {width}, n_train {curve[-1].n_train:,}", law, curve[-1:])
    if capped:
        say(f"{grid.name}: curves not judged, their last cell still falling at the most steps: {len(capped)}")
    for reason in refused:
        say(f"{grid.name}: no curve with its last cell held out: {reason}")


def surfaces(grid: Grid) -> Iterator[Covered]:
    """Fit a surface without the most examples, and one without the largest third of widths; predict what is held out.

    Raises:
        InvalidData: If the rest cannot carry a law.
    """
    cells = given.scratch(grid)
    most = max(cell.n_train for cell in cells)
    widths = sorted({cell.shape.width for cell in cells})
    from_width = widths[-max(1, len(widths) // LARGEST)]
    for name, held in (
        (f"n_train {most:,}", [cell for cell in cells if cell.n_train == most]),
        (f"width {from_width} and more", [cell for cell in cells if cell.shape.width >= from_width]),
    ):
        law = given.fit(grid, [cell for cell in cells if cell not in held])
        judged = [cell for cell in held if not cell.capped]
        if judged:
            yield _covered(grid, "surface", name, law, judged)


def report(grids: Sequence[Grid], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Say how often the intervals hold, with the 2.5 % and 97.5 % points of a bootstrap over whole grids."""
    found: list[Covered] = []
    for grid in grids:
        found += curves(grid, say)
        try:
            found += surfaces(grid)
        except InvalidData as refusal:
            say(f"{grid.name}: no surfaces with cells held out: {refusal.message}")
    for law in ("curve", "surface"):
        of_law = [one for one in found if one.law == law]
        if of_law:
            told = ", ".join(_shares(of_law, level) for level in LEVELS)
            ratio = median(one.half_width for one in of_law) / median(one.missed for one in of_law)
            n_grids = len({one.grid for one in of_law})
            say(
                f"{law}s of our own, {len(of_law)} fits on {n_grids} grids, with cells held out: {told}; "
                f"half-width of 90 % over error, medians: {ratio:.1f}"
            )
    return [one._asdict() for one in found]


def _covered(
    grid: Grid,
    kind: Literal["curve", "surface"],
    name: str,
    law: dict[str, Any],
    cells: Sequence[GridCell],
) -> Covered:
    held: dict[int, list[bool]] = {level: [] for level in LEVELS}
    widths, missed = [], []
    for cell in cells:
        sizes = {"params": cell.params} if kind == "surface" else {}
        found, error = evaluate(law, cell.n_train, extrapolate=True, **sizes), given.mean_error(cell)
        assert found.mean is not None  # noqa: S101 - these laws have draws
        for level in LEVELS:
            held[level].append(found.mean[level].low <= error <= found.mean[level].high)
        widths.append(math.log(found.mean[90].high / found.mean[90].low) / 2)
        missed.append(abs(math.log(found.value / error)))
    cover80, cover90 = (sum(inside) / len(inside) for inside in held.values())
    return Covered(grid.name, kind, name, len(cells), cover80, cover90, median(widths), median(missed))


def _shares(fits: Sequence[Covered], level: int) -> str:
    names = sorted({one.grid for one in fits})
    of = [np.array([getattr(one, f"cover{level}") for one in fits if one.grid == name]) for name in names]
    drawn = np.random.default_rng(0).choice(len(of), size=(RESAMPLES, len(of)))
    sums, counts = np.array([each.sum() for each in of]), np.array([len(each) for each in of])
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), (2.5, 97.5))
    return f"{level} % interval holds {sums.sum() / counts.sum():.2f} ({low:.2f} to {high:.2f})"
