"""Score laws on our own grids: cells far from those that were fitted, pruned networks, smallest shapes.

The grids are real trainings, tuned and converged cell by cell (`python -m harness survey`). What is held out is decided
here by rule, before anything is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from harness import plugins
from harness.grid import GRIDS, Grid, read_grid
from harness.known_truth import KnownTruth
from harness.laws.pruning import Divergence, PruningCell, diverge, fit_pruning
from harness.scoring import held_out
from harness.scoring.cells import finite, fit, mean_error, scratch
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
    low: float | None
    high: float | None
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
    cells = scratch(grid)
    for fitted_to, at in FAR:
        held = next((cell for cell in cells if (cell.n_train, cell.shape.width) == at), None)
        near = [cell for cell in cells if cell.n_train <= fitted_to[0] and cell.shape.width <= fitted_to[1]]
        if held is None or not near:
            continue
        law = fit(grid, near)
        found = evaluate(law, held.n_train, params=held.params, extrapolate=True)
        yield Far(
            grid.name, fitted_to, at, len(near), found.value, mean_error(held), found.low,
            found.high, held.cell_flops / sum(cell.cell_flops for cell in near),
        )  # fmt: skip


def cases(grid: Grid) -> Iterator[Case]:
    """Predict the smallest shape at the two largest numbers of examples, from cells with fewer.

    Targets lie at fixed shares of the way between the errors measured at that number of examples. The measured smallest
    is the one with fewest params whose mean error meets the target; the predicted one the same by the law.
    """
    cells = scratch(grid)
    sizes = sorted({cell.n_train for cell in cells})
    for n in sizes[max(FEWEST_SIZES, len(sizes) - 2) :]:
        here = sorted((cell for cell in cells if cell.n_train == n), key=lambda cell: cell.params)
        law = fit(grid, [cell for cell in cells if cell.n_train < n])
        logs = [math.log(mean_error(cell)) for cell in here]
        for level in LEVELS:
            target = math.exp(min(logs) + level * (max(logs) - min(logs)))
            measured = next(cell.params for cell in here if mean_error(cell) <= target)
            met = (c.params for c in here if evaluate(law, n, params=c.params, extrapolate=True).value <= target)
            yield Case(grid.name, n, target, next(met, None), measured)


class Pruned(NamedTuple):
    """How the pruning law diverges on the pruned cells of a grid: all fitted, and the widest network held out."""

    grid: str
    n_cells: int
    fitted: Divergence
    held_out: Divergence


class Floor(NamedTuple):
    """The irreducible error by a law, beside that of the best rule there is; ends are None where open."""

    grid: str
    value: float
    low: float | None
    high: float | None
    truth: float

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return (self.low or 0.0) <= self.truth <= (math.inf if self.high is None else self.high)


def pruned(grid: Grid) -> Pruned | None:
    """Fit the pruning law to a grid's pruned cells; None where it has none.

    A network's error before pruning is that of the cell that was pruned to its own width, fine-tuned like the others.
    """
    params = {(cell.n_train, cell.shape.width): cell.params for cell in grid.cells if cell.parent_width is None}
    cells = [
        PruningCell(
            density=cell.params / params[cell.n_train, cell.parent_width], width=cell.parent_width,
            depth=cell.shape.depth, n_train=cell.n_train,
            errors=finite(cell),
        )
        for cell in grid.cells if cell.parent_width is not None
    ]  # fmt: skip
    if not cells:
        return None
    widest = max(cell.width for cell in cells)
    rest = [cell for cell in cells if cell.width < widest]
    return Pruned(
        grid.name, len(cells), diverge(fit_pruning(cells), cells),
        diverge(fit_pruning(rest), [cell for cell in cells if cell.width == widest]),
    )  # fmt: skip


def floor(grid: Grid) -> Floor | None:
    """Compare the law's irreducible error with that of the best rule on the same examples, where there is a formula."""
    data = plugins.load("datasets", grid.facts["dataset"])
    if not isinstance(data, KnownTruth):
        return None
    found = fit(grid, scratch(grid))["irreducible_error"]
    val = data.val()
    truth = float((data.bayes_predict(val.inputs) != val.labels).mean())
    return Floor(grid.name, found["value"], found["low"], found["high"], truth)


def parts(say: Callable[[str], None], folder: Path = GRIDS) -> dict[str, Callable[[], list[dict[str, Any]]]]:
    """Return what all grids are scored on: far cells, smallest shapes, pruned networks, floors, intervals.

    Each is worked out, and said, when it is called.
    """
    found = grids(folder)
    if not found:
        say(f"no grids of our own in {folder}: `python -m harness survey` makes them")
    scored = {
        "far": _report_far,
        "smallest": _report_smallest,
        "pruned": _report_pruned,
        "floors": _report_floors,
        "covered": held_out.report,
    }
    return {name: partial(score, found, say) for name, score in scored.items()}


def _report_far(found: Sequence[Grid], say: Callable[[str], None]) -> list[dict[str, Any]]:
    distant = [one for grid in found for one in far(grid)]
    for one in distant:
        say(
            f"{one.grid}: {one.n_cells} cells up to n {one.fitted_to[0]:,}, width {one.fitted_to[1]} predict n "
            f"{one.at[0]:,}, width {one.at[1]}: {one.predicted:.4g} against {one.actual:.4g}, {one.divergence:+.1%} "
            f"(90 %: {_ends(one.low, one.high)}); that cell took {one.flops_ratio:.1f} x their compute"
        )
    return [{**one._asdict(), "divergence": one.divergence} for one in distant]


def _report_smallest(found: Sequence[Grid], say: Callable[[str], None]) -> list[dict[str, Any]]:
    shapes: list[Case] = []
    for grid in found:
        try:
            shapes += cases(grid)
        except InvalidData as refusal:
            say(f"{grid.name}: no smallest shapes predicted: {refusal.message}")
    if shapes:
        factors = [case.factor for case in shapes]
        near, far_off = (sum(factor <= most for factor in factors) / len(factors) for most in (1.25, 2))
        say(
            f"smallest shape, {len(shapes)} cases: params within 25 % in {near:.0%}, within 2 x in {far_off:.0%}; "
            f"median factor {median(factors):.2f}"
        )
    return [{**case._asdict(), "factor": None if math.isinf(case.factor) else case.factor} for case in shapes]


def _report_pruned(found: Sequence[Grid], say: Callable[[str], None]) -> list[dict[str, Any]]:
    erased = [one for grid in found if (one := pruned(grid)) is not None]
    for one in erased:
        for words, part in (("all cells fitted", one.fitted), ("widest network held out", one.held_out)):
            seeds = "" if part.seed_sd is None else f", {part.sd / part.seed_sd:.1f} x that of seeds"
            of = f"{part.n_cells} cells"
            say(f"{one.grid}: pruning law, {words}: mean {part.mean:+.1%}, sd {part.sd:.1%}{seeds}; {of}")
    return [{"grid": one.grid, "fitted": one.fitted._asdict(), "held_out": one.held_out._asdict()} for one in erased]


def _report_floors(found: Sequence[Grid], say: Callable[[str], None]) -> list[dict[str, Any]]:
    floors = [one for grid in found if (one := floor(grid)) is not None]
    for one in floors:
        said = f"{'covers' if one.covers else 'misses'} the truth, {one.truth:.4f}"
        say(f"{one.grid}: irreducible error {one.value:.4f} (90 %: {_ends(one.low, one.high)}) {said}")
    return [{**one._asdict(), "covers": one.covers} for one in floors]


def _ends(low: float | None, high: float | None) -> str:
    return " to ".join("open" if end is None else f"{end:.4g}" for end in (low, high))
