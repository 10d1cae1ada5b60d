"""Cells of our own grids, as laws are fitted to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from harness.fit import fit_surface
from harness.grid import Grid, GridCell
from harness.laws.surface_cells import GridCell as FittedCell


def scratch(grid: Grid) -> list[GridCell]:
    """Return the cells that were trained from scratch."""
    return [cell for cell in grid.cells if cell.parent_width is None]


def finite(cell: GridCell) -> tuple[float, ...]:
    """Return the errors of the runs that did not diverge."""
    return tuple(error for error in cell.errors if math.isfinite(error))


def mean_error(cell: GridCell) -> float:
    """Return the mean validation error of the runs that did not diverge."""
    return fmean(finite(cell))


def fit(grid: Grid, cells: Sequence[GridCell]) -> dict[str, Any]:
    """Fit a surface in n_train and params to some cells of a grid."""
    return fit_surface(
        [_fitted(cell) for cell in cells], chance=grid.facts["chance_error"], n_val=grid.facts["n_val"]
    )  # fmt: skip


def _fitted(cell: GridCell) -> FittedCell:
    return FittedCell(
        n_train=cell.n_train,
        errors=finite(cell),
        params=cell.params,
        width=cell.shape.width,
        depth=cell.shape.depth,
        cost=cell.run_flops,
        steps=cell.steps,
        capped=cell.capped,
        resolution=cell.shape.resolution,
        learning_rate=cell.learning_rate,
    )
