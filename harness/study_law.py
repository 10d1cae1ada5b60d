"""A study's law: validation error over training examples and size, on a designed grid around the answers.

The grid has every number of examples with every width, at one depth and resolution. Each of its cells is tuned and
trained until it has settled, and each seed draws its own nested subset of train (:mod:`harness.grid`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from harness.fit import fit_curve, fit_surface
from harness.grid import Design
from harness.laws.points import Point, curve_of, flags
from harness.laws.surface_cells import GridCell
from harness.procedure import Procedure
from harness.search.base import Setting
from harness.trial import Shape
from harness.tuning import FIRST_STEPS, MOST_STEPS, Settled
from registry.errors import InvalidData

if TYPE_CHECKING:
    from harness.study import Investigation

SIZES: Final = 6  # numbers of training examples
WIDTHS: Final = (0.5, 1.0, 2.0, 4.0)  # times that of the answer
LEAST_EXAMPLES: Final = 10
FEWEST_POINTS: Final = 5  # of a record's law
SEEN: Final = "steps x batch, with steps doubled until validation error improves by less than 3 %"


def design(study: Investigation, answer: Shape) -> Design:
    """Return the grid around a shape: six numbers of examples up to all, four widths a factor 2 apart.

    Of a linear answer the widths are those around the narrowest hidden layer that has as many params.
    """
    space, n_full = study.space, len(study.dataset.train())
    least = max(LEAST_EXAMPLES, 2 * study.dataset.fewest)
    sizes = tuple(sorted({round(least * (n_full / least) ** (i / (SIZES - 1))) for i in range(SIZES)}))
    depth = max(1, answer.depth)
    ladder = space.ladders[depth, answer.resolution]
    middle = answer if answer.depth else _as_large(study, answer, ladder)
    wanted = (min(ladder, key=lambda shape: abs(math.log(shape.width / (times * middle.width)))) for times in WIDTHS)
    return Design(sizes, tuple(dict.fromkeys(wanted)), FIRST_STEPS, max(MOST_STEPS, 2 * space.steps[-1]))


def fit_law(study: Investigation, setting: Setting, notes: list[str]) -> Procedure[dict[str, Any] | None]:
    """Train the grid around a setting and fit its surface; where that is refused, the curve of its widest shape.

    Args:
        study: Whose data set and family.
        setting: The shape in the grid's middle; its learning rate is the middle of the first ones tried.
        notes: Receives why there is no surface, or no law at all.

    Returns:
        The law as a record holds it; None where the data carry none.
    """
    settled = yield from design(study, setting.shape).settle(study.trial(setting))
    task = study.task
    n_val = len(study.dataset.val()) if task.counts else None
    chance = task.target_to_error(task.chance(study.dataset))
    capped = sum(one.capped for one in settled)
    if capped:
        notes.append(f"law: {capped} of {len(settled)} cells were still improving at the most steps and are not fitted")
    try:
        cells = [_cell(study, one) for one in settled]
        law = fit_surface(cells, chance=chance, n_val=n_val, seed=study.study.seed)
        law.pop("members")
        return {**law, "shape": None, "examples_seen_rule": SEEN}
    except InvalidData as refusal:
        no_surface = f"in n_train and params: {refusal.message}"
    shape = max((one.shape for one in settled), key=lambda shape: shape.width)
    points = [
        Point(one.trial.n_train, _finite(one.val_errors), None, n_val, one.trial.steps, one.capped)
        for one in settled
        if one.shape == shape and _finite(one.val_errors)
    ]
    try:
        if len(points) < FEWEST_POINTS:
            raise InvalidData(f"a record's law needs {FEWEST_POINTS} n_train, got {len(points)}")
        against = flags(curve_of(points), chance=chance)
        if against:
            raise InvalidData(against[0])
        law = fit_curve(points, chance=chance, seed=study.study.seed)
    except InvalidData as refusal:
        notes.append(f"no law: {refusal.message}; {no_surface}")
        return None
    notes.append(f"no law {no_surface}")
    values = {"width": shape.width, "depth": shape.depth, "resolution": shape.resolution}
    return {**law, "shape": values, "examples_seen_rule": SEEN}


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
        capped=settled.capped,
        resolution=shape.resolution,
        learning_rate=trial.learning_rate,
    )


def _finite(errors: Sequence[float]) -> tuple[float, ...]:
    """Leave diverged runs out."""
    return tuple(error for error in errors if math.isfinite(error))
