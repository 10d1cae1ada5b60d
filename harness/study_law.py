"""A study's law: validation error over training examples and size, on a designed grid around the answers.

The grid has every number of examples with every width, at one depth and resolution. Each of its cells is tuned and
trained until it has settled or made the most steps, and each seed draws its own nested subset of train
(:mod:`harness.grid`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, final

from harness.fit import fit_curve, fit_surface
from harness.grid import Design
from harness.laws.points import Point, curve_of, flags
from harness.laws.surface_cells import GridCell
from harness.procedure import Procedure
from harness.search.base import Setting
from harness.space import EPOCHS
from harness.trial import Shape, Trial
from harness.tuning import FIRST_STEPS, MOST_STEPS, Settled, first_trials
from registry.errors import InvalidData

if TYPE_CHECKING:
    from harness.investigation import Investigation

SIZES: Final = 6  # numbers of training examples
WIDTHS: Final = (0.5, 1.0, 2.0, 4.0)  # times that of the answer
# Shares of all examples and numbers of widths, the dearest first, to choose from where time is limited, and whether
# cells are tuned with fewer rates and seeds, from fewer steps on
PARTS: Final = ((1.0, 4, False), (1.0, 3, False), (0.25, 3, False), (1 / 16, 3, False), (1.0, 3, True))
FEW_RATES: Final = 3
FEW_SEEDS: Final = 2
NEAR: Final = 3  # rates that are tried again as steps double
SETTLING: Final = 3  # measured: on the grids that ship cells that hit the cap make it 2 to 3.6 times what is expected
LEAST_EXAMPLES: Final = 10
FEWEST_POINTS: Final = 5  # of a record's law
SEEN: Final = "steps x batch, with steps doubled until validation error improves by less than 3 %"


def design(
    study: Investigation,
    answer: Shape,
    share: float = 1.0,
    n_widths: int | None = None,
    *,
    is_lean: bool = False,
    most_steps: int = 0,
) -> Design:
    """Return the grid around a shape: six numbers of examples up to all, four widths a factor 2 apart.

    Of a linear answer the widths are those around the narrowest hidden layer that has as many params.

    Args:
        study: Whose data set and family.
        answer: The shape.
        share: Which share of all examples is the most in the grid.
        n_widths: How many widths there are, the narrowest first; None for all.
        is_lean: Whether its cells are tuned with fewer rates and seeds, from fewer steps on.
        most_steps: Beyond which a cell counts as capped; 0 for what the harness allows: where the family is limited,
            twice as many as that.
    """
    space, least = study.space, max(LEAST_EXAMPLES, 2 * study.dataset.fewest)
    n_full = len(study.dataset.train())
    n_most = min(n_full, max(4 * least, round(share * n_full)))
    sizes = tuple(sorted({round(least * (n_most / least) ** (i / (SIZES - 1))) for i in range(SIZES)}))
    depth = max(1, answer.depth)
    ladder = space.ladders[depth, answer.resolution]
    middle = answer if answer.depth else _as_large(study, answer, ladder)
    wanted = (
        min(ladder, key=lambda shape: abs(math.log(shape.width / (times * middle.width))))
        for times in WIDTHS[:n_widths]
    )
    shapes = tuple(dict.fromkeys(wanted))
    most = most_steps or max(0 if study.family.most_steps else MOST_STEPS, 2 * space.steps[-1])
    if is_lean:
        return Design(sizes, shapes, space.steps[0], most, rates=FEW_RATES, seeds=FEW_SEEDS)
    return Design(sizes, shapes, FIRST_STEPS, most)


def affordable(study: Investigation, setting: Setting, notes: list[str]) -> Design:
    """Return the whole grid, or where time is limited the largest part of it that there seems to be time for.

    A part has fewer widths, then fewer examples, and fewer steps at most; its cells may be tuned with fewer rates and
    seeds. What a cell takes is expected to be
    ``SETTLING`` times what it takes to settle at twice the steps of ``setting``, or at 20 epochs where those are fewer.
    A grid that was begun before is gone on with. Where there seems to be no time for the smallest part either it is
    tried all the same: another run goes on from what is trained.
    """
    whole = design(study, setting.shape)
    most = min(whole.most_steps, max(8 * FIRST_STEPS, 2 * setting.steps))
    lean_most = min(most, max(4 * study.space.steps[0], setting.steps))
    parts = [
        design(study, setting.shape, share, n_widths, is_lean=is_lean, most_steps=lean_most if is_lean else most)
        for share, n_widths, is_lean in PARTS
    ]
    every = (whole, *parts)
    begun = (part for part in every if study.clock.is_known(_first_round(study, setting, part)))
    fitting = (part for part in every if study.clock.fits(_expected(study, setting, part)))
    part = next(begun, None) or next(fitting, every[-1])
    if part != whole:
        lean = "" if part.seeds == whole.seeds else f", each tuned with {part.rates} rates and {part.seeds} seeds"
        notes.append(
            f"law: for want of time its grid ends at {part.sizes[-1]:,} of {whole.sizes[-1]:,} examples, has "
            f"{len(part.shapes)} of {len(whole.shapes)} widths and at most {part.most_steps:,} of "
            f"{whole.most_steps:,} steps{lean}"
        )
    return part


def _first_round(study: Investigation, setting: Setting, grid: Design) -> list[Trial]:
    """Return what a grid begins with."""
    starts = [replace(study.trial(setting), n_train=n, shape=shape) for n in grid.sizes for shape in grid.shapes]
    return [trial for start in starts for trial in first_trials(start, grid.first_steps, grid.rates, grid.seeds)]


def _expected(study: Investigation, setting: Setting, grid: Design) -> list[Trial]:
    """Return trainings that take about as long as settling every cell of a grid."""
    trials = []
    for i, (n, shape) in enumerate(itertools.product(grid.sizes, grid.shapes)):
        start = replace(study.trial(setting), n_train=n, shape=shape, phase="tune")
        epochs, few = math.ceil(EPOCHS * n / start.batch_size), 2 * grid.first_steps
        steps = min(max(few, epochs), max(few, 2 * setting.steps), max(few, grid.most_steps))
        # all rates first, then three as steps double; no cell takes longer than to the most steps
        first, doubled = grid.rates * grid.seeds * grid.first_steps, NEAR * grid.seeds * 2
        most = first + doubled * (grid.most_steps - grid.first_steps)
        n_runs = math.ceil(min(SETTLING * (first / steps + doubled), most / steps))
        trials += [replace(start, steps=steps, seed=1000 * i + seed) for seed in range(n_runs)]
    return trials


@final
@dataclass(frozen=True)
class Law:
    """What came of a study's grid.

    Attributes:
        values: The law as a record holds it; None where the data carry none.
        is_whole: Whether there was time to settle every cell.
    """

    values: dict[str, Any] | None
    is_whole: bool


def fit_law(study: Investigation, setting: Setting, notes: list[str]) -> Procedure[Law]:
    """Train the grid around a setting and fit its surface; where that is refused, the curve of its widest shape.

    Where the time is up before all cells have settled they are fitted as they stand.

    Args:
        study: Whose data set and family.
        setting: The shape in the grid's middle; its learning rate is the middle of the first ones tried.
        notes: Receives why there is no surface, or no law at all.
    """
    grid = affordable(study, setting, notes)
    settled, is_whole = yield from _settle(study, grid, setting)
    if not is_whole:
        steps = max(one.trial.steps for one in settled)
        notes.append(f"law: the time was up before its cells had settled; they have had up to {steps:,} steps")
        if edge := sum(not one.interior for one in settled):
            notes.append(f"law: in {edge} of {len(settled)} cells the best learning rate is the edge of those tried")
    return Law(_fitted(study, settled, notes), is_whole)


def _settle(study: Investigation, grid: Design, setting: Setting) -> Procedure[tuple[list[Settled], bool]]:
    """Settle a grid's cells as far as there is time, their first rates at least; say whether that is all the way."""
    so_far: dict[int, Settled] = {}
    rounds = grid.settle(study.trial(setting), so_far)
    try:
        trials = next(rounds)
        while len(so_far) < len(grid.sizes) * len(grid.shapes) or study.clock.fits(trials):
            trials = rounds.send((yield trials))
    except StopIteration as end:
        return end.value, True
    rounds.close()
    return [so_far[i] for i in sorted(so_far)], False


def _fitted(study: Investigation, settled: Sequence[Settled], notes: list[str]) -> dict[str, Any] | None:
    """Fit a law to settled cells; None, with a note, where they carry none."""
    task = study.task
    n_val = len(study.dataset.val()) if task.counts else None
    chance = task.target_to_error(task.chance(study.dataset))
    capped = sum(one.capped for one in settled)
    if capped:
        most = max(one.trial.steps for one in settled if one.capped)
        notes.append(
            f"law: {capped} of {len(settled)} cells were still improving at the most steps, {most:,}, and are fitted "
            "as they stood: the law tells what so many steps reach"
        )
    try:
        cells = [_cell(study, one) for one in settled]
        law = fit_surface(cells, chance=chance, n_val=n_val, seed=study.study.seed)
        law.pop("members")
        return {**_flagged(law, settled), "shape": None, "examples_seen_rule": SEEN}
    except InvalidData as refusal:
        no_surface = f"in n_train and params: {refusal.message}"
    shape = max((one.shape for one in settled), key=lambda shape: shape.width)
    points = [
        Point(one.trial.n_train, _finite(one.val_errors), None, n_val, one.trial.steps)
        for one in settled
        if one.shape == shape and _finite(one.val_errors)
    ]
    try:
        if len(points) < FEWEST_POINTS:
            raise InvalidData(f"a record's law needs {FEWEST_POINTS} n_train, got {len(points)}")
        against = flags(curve_of(points), chance=chance if task.counts else None)
        if against:
            raise InvalidData(against[0])
        law = fit_curve(points, chance=chance, seed=study.study.seed)
    except InvalidData as refusal:
        notes.append(f"no law: {refusal.message}; {no_surface}")
        return None
    notes.append(f"no law {no_surface}")
    values = {"width": shape.width, "depth": shape.depth, "resolution": shape.resolution}
    return {**_flagged(law, settled, shape), "shape": values, "examples_seen_rule": SEEN}


def _flagged(law: dict[str, Any], settled: Sequence[Settled], shape: Shape | None = None) -> dict[str, Any]:
    """Say of each of the law's points whether its error was still falling at the most steps.

    Such cells are fitted all the same: without them the law would rest, where data are many and networks large, on the
    few that stood still early, and predict more error than was measured.
    # measured: image-cls/glyphs/cnn, docs/log.md
    """
    capped = {(one.trial.n_train, one.shape.width) for one in settled if one.capped}
    points = [
        {**point, "capped": (point["n_train"], shape.width if shape else point["width"]) in capped}
        for point in law["points"]
    ]
    return {**law, "points": points}


def _as_large(study: Investigation, linear: Shape, ladder: Sequence[Shape]) -> Shape:
    """Return the narrowest shape with as many params as a linear model, or the widest."""
    return next((shape for shape in ladder if study.params(shape) >= study.params(linear)), ladder[-1])


def _cell(study: Investigation, settled: Settled) -> GridCell:
    trial, shape = settled.trial, settled.shape
    return GridCell(
        n_train=trial.n_train,
        errors=_finite(settled.val_errors),
        params=study.params(shape),
        width=shape.width,
        depth=shape.depth,
        cost=study.space.flops[shape] * trial.steps * min(trial.batch_size, trial.n_train),
        steps=trial.steps,
        resolution=shape.resolution,
        learning_rate=trial.learning_rate,
    )


def _finite(errors: Sequence[float]) -> tuple[float, ...]:
    """Leave diverged runs out."""
    return tuple(error for error in errors if math.isfinite(error))
