"""Score laws on our own grids: cells far from those that were fitted, pruned networks, smallest shapes.

The grids are real trainings, tuned and converged cell by cell (`python -m harness survey`). What is held out is decided
here by rule, before anything is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any, Final, NamedTuple

from harness.fit import fit_surface
from harness.grid import GRIDS, Grid, GridCell, read_grid
from harness.laws.surface_cells import GridCell as FittedCell
from registry.errors import InvalidData
from registry.law import evaluate

FAR: Final = (
    # fitted up to (examples, width), predicted at
    ((10_000, 64), (100_000, 128)),
    ((3_000, 32), (100_000, 128)),
)
LEVELS: Final = (0.2, 0.4, 0.6, 0.8)  # targets, as shares of the way from the widest's log error to the narrowest's
FEWEST_SIZES: Final = 3  # numbers of examples below the one that is predicted


class Far(NamedTuple):
    """A cell predicted from small ones: errors, what each took to train, and the ends of the 90 % interval."""

    grid: str
    fitted_to: tuple[int, int]
    at: tuple[int, int]
    n_cells: int
    predicted: float
    actual: float
    low: float
    high: float
    flops_ratio: float

    @property
    def divergence(self) -> float:
        """(predicted - actual) / actual."""
        return self.predicted / self.actual - 1


class Case(NamedTuple):
    """The smallest shape for a target, predicted from fewer examples and measured; params, None where none meets it."""

    grid: str
    n_train: int
    target_error: float
    predicted: int | None
    measured: int

    @property
    def factor(self) -> float:
        """Return how far apart the two are, at least 1."""
        if self.predicted is None:
            return math.inf
        return max(self.predicted / self.measured, self.measured / self.predicted)


def grids(folder: Path = GRIDS) -> list[Grid]:
    """Return every committed grid."""
    return [read_grid(path) for path in sorted(folder.glob("*.csv"))]


def far(grid: Grid) -> Iterator[Far]:
    """Predict the far cells of a grid that has them."""
    scratch = [cell for cell in grid.cells if cell.parent_width is None]
    for fitted_to, at in FAR:
        held = next((cell for cell in scratch if (cell.n_train, cell.shape.width) == at), None)
        near = [cell for cell in scratch if cell.n_train <= fitted_to[0] and cell.shape.width <= fitted_to[1]]
        if held is None or not near:
            continue
        law = fit(grid, near)
        found = evaluate(law, held.n_train, params=held.params, extrapolate=True)
        yield Far(
            grid.name, fitted_to, at, len(near), found.value, mean_error(held), found.low or 0.0,
            found.high or math.inf, held.cell_flops / sum(cell.cell_flops for cell in near),
        )  # fmt: skip


def cases(grid: Grid) -> Iterator[Case]:
    """Predict the smallest shape at the two largest numbers of examples, from cells with fewer.

    Targets lie at fixed shares of the way between the errors measured at that number of examples. The measured smallest
    is the one with fewest params whose mean error meets the target; the predicted one the same by the law.
    """
    scratch = [cell for cell in grid.cells if cell.parent_width is None]
    sizes = sorted({cell.n_train for cell in scratch})
    for n in sizes[max(FEWEST_SIZES, len(sizes) - 2) :]:
        here = sorted((cell for cell in scratch if cell.n_train == n), key=lambda cell: cell.params)
        law = fit(grid, [cell for cell in scratch if cell.n_train < n])
        logs = [math.log(mean_error(cell)) for cell in here]
        for level in LEVELS:
            target = math.exp(min(logs) + level * (max(logs) - min(logs)))
            measured = next(cell.params for cell in here if mean_error(cell) <= target)
            met = (c.params for c in here if evaluate(law, n, params=c.params, extrapolate=True).value <= target)
            yield Case(grid.name, n, target, next(met, None), measured)


def fit(grid: Grid, cells: Sequence[GridCell]) -> dict[str, Any]:
    """Fit a surface in n_train and params to some cells of a grid."""
    return fit_surface(
        [_fitted(cell) for cell in cells], chance=grid.facts["chance_error"], n_val=grid.facts["n_val"]
    )  # fmt: skip


def mean_error(cell: GridCell) -> float:
    """Return the mean validation error of the runs that did not diverge."""
    return fmean(error for error in cell.errors if math.isfinite(error))


def report(say: Callable[[str], None], folder: Path = GRIDS) -> dict[str, list[dict[str, Any]]]:
    """Score all grids; return far cells and smallest shapes as plain values, and say what they come to."""
    found = grids(folder)
    distant = [one for grid in found for one in far(grid)]
    for one in distant:
        say(
            f"{one.grid}: {one.n_cells} cells up to n {one.fitted_to[0]:,}, width {one.fitted_to[1]} predict n "
            f"{one.at[0]:,}, width {one.at[1]}: {one.predicted:.4g} against {one.actual:.4g}, {one.divergence:+.1%} "
            f"(90 %: {one.low:.4g} to {one.high:.4g}); that cell took {one.flops_ratio:.1f} x their compute"
        )
    shapes: list[Case] = []
    for grid in found:
        try:
            shapes += cases(grid)
        except InvalidData as refusal:
            say(f"{grid.name}: no smallest shapes predicted: {refusal.message}")
    if shapes:
        factors = [case.factor for case in shapes]
        within = [sum(factor <= most for factor in factors) / len(factors) for most in (1.25, 2)]
        say(
            f"smallest shape, {len(shapes)} cases: params within 25 % in {within[0]:.0%}, within 2 x in "
            f"{within[1]:.0%}; median factor {median(factors):.2f}"
        )
    return {
        "far": [{**one._asdict(), "divergence": one.divergence} for one in distant],
        "smallest": [{**case._asdict(), "factor": case.factor} for case in shapes],
    }


def spread(divergences: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation of relative divergences, as Rosenfeld et al. report them."""
    return fmean(divergences), stdev(divergences)


def _fitted(cell: GridCell) -> FittedCell:
    return FittedCell(
        n_train=cell.n_train,
        errors=tuple(error for error in cell.errors if math.isfinite(error)),
        params=cell.params,
        width=cell.shape.width,
        depth=cell.shape.depth,
        cost=cell.run_flops,
        steps=cell.steps,
        capped=cell.capped,
        resolution=cell.shape.resolution,
        learning_rate=cell.learning_rate,
    )
