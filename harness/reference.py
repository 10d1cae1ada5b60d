"""The knee's reference: the network that stands for the widest, found on validation in all of the space or a part."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

from harness.certify import SEEDS
from harness.procedure import Procedure
from harness.search.base import SETTLED_BELOW, Run, Setting, Space
from harness.stage import Stage
from harness.trial import Shape, Trial

if TYPE_CHECKING:
    from harness.investigation import Investigation

REDUCED: Final = "knee: reference at most "
IN_VAIN: Final = "knee: nothing cheaper than its "  # and a reduced reference as above: next time the part before
WIDE: Final = (1, 2, 4)  # the widest of a ladder, and those that are this many times narrower
EVERY: Final = 2  # rates tried first are this many notches apart
# Times narrower than the ladders' ends, times fewer steps, and whether fewer of the best are compared with fewer seeds:
# what to choose from where time is limited
PARTS: Final = (
    (1, 1, False),
    (1, 1, True),
    (2, 1, False),
    (2, 1, True),
    (4, 1, True),
    (4, 2, True),
    (8, 2, True),
    (8, 4, True),
)
# Of the time left that a reference may take; measured only together with (1, 1, True) and ``_foreseen`` (docs/log.md).
SHARE: Final = 2 / 3
FEWEST: Final = 3  # shapes that go on when steps double
TUNED: Final = 6  # trainings of a shape each time: three rates, two seeds
FINALISTS: Final = 4
FINAL_SEEDS: Final = 10
FEW_FINALISTS: Final = 2  # where time is short
FEW_FINAL_SEEDS: Final = 5
FEW_SHAPES: Final = 3  # where time is short one shape of so many is tuned
FALLING: Final = math.log(1 - SETTLED_BELOW)  # the same in logits


@final
@dataclass(frozen=True)
class Reference:
    """The network that stands for the widest.

    Attributes:
        setting: How it is trained.
        steps: What it was chosen among, ascending: the search for the knee has no more.
        reduced: In what part of the space it was looked for, for want of time; empty where no wider networks were left
            out.
        notes: That, and where the width floor may be lower.
    """

    setting: Setting
    steps: tuple[int, ...]
    reduced: str
    notes: list[str]


def find_reference(study: Investigation) -> Procedure[Reference]:
    """Return the setting with least error on validation, the wide ends of all ladders tried.

    Five rates a factor 4 apart at the fewest steps, one seed; then three rates around the best, two seeds, and so again
    with twice the steps for the better half of the shapes, until their mean error falls by less than 3 %. So far one
    surface fitted to all of them says what is better. Its prior expects wider networks to be, so the best settings of
    four shapes are trained with ten fresh seeds each, and the least mean error of these decides. Where time is short a
    third of the shapes go on after five rates, and the best two are compared with five seeds.
    """
    chance, notes = study.task.chance(study.dataset), list[str]()
    space, is_lean = affordable(study, notes)
    n_finalists, n_seeds = _finals(is_lean)
    shapes = wide_ends(space)
    study.say(Stage(f"knee: looking for the width floor, {len(shapes)} shapes"))
    coarse = _coarse_settings(space)
    yield from study.train(coarse)
    if is_lean:
        best = _best_shapes(study, coarse)[: max(FEWEST, len(shapes) // FEW_SHAPES)]
        shapes = [shape for shape in shapes if shape in best]
    before = math.inf
    for steps in space.steps:
        start = len(study.runs)
        yield from study.tune(shapes, steps, chance, keep=True)
        runs = study.runs[start:]
        if not _mean(runs, shapes) < before * (1 - SETTLED_BELOW):
            break
        shapes = _best_shapes(study, {run.setting for run in runs})[: max(FEWEST, len(shapes) // 2)]
        before = _mean(runs, shapes)
    finalists = _best_of_each_shape(expected(study))[:n_finalists]
    start = len(study.runs)
    yield from study.train([one for one in finalists for _ in range(n_seeds)])
    means = {one: _mean((run for run in study.runs[start:] if run.setting == one), [one.shape]) for one in finalists}
    chosen = min(finalists, key=means.__getitem__)  # of equal ones the one that more was expected of
    reduced = _part(space, is_lean=is_lean) if _widest(space) < _widest(study.space) else ""
    return Reference(chosen, space.steps, reduced, notes + _doubts(space, chosen, dict(expected(study))))


def affordable(study: Investigation, notes: list[str]) -> tuple[Space, bool]:
    """Return what the reference is looked for in: all of the space, or the largest part that there is time for.

    A part ends at narrower widths, or at fewer steps; with it is said whether fewer of the best are compared. The
    reference may take two thirds of the time that is left: the knee has to be searched and certified after it. A part
    that was begun is gone on with. Where there seems to be no time for the smallest one either it is tried all the
    same: another run goes on from what is trained.
    """
    whole = study.space
    parts = [(_within(whole, narrower, shorter), is_lean) for narrower, shorter, is_lean in PARTS]
    names = [_part(part, is_lean=is_lean) for part, is_lean in parts]
    wider = next((i for i, name in enumerate(names) if study.clock.took(f"{IN_VAIN}{name}")), len(parts))
    parts = parts[:wider]
    states = [f"{REDUCED}{name}" for name in names[:wider]]
    begun = (i for i, (part, _) in enumerate(parts) if study.clock.is_known(_first_round(study, part)))
    chosen = next((i for i, state in enumerate(states) if study.clock.took(state)), next(begun, None))
    if chosen is None:
        with study.clock.share(SHARE):
            fitting = (i for i, part in enumerate(parts) if study.clock.fits(_foreseen(study, *part)))
            chosen = next(fitting, len(parts) - 1)
    part, is_lean = parts[chosen]
    if chosen:
        study.clock.take(states[chosen])
        notes.append(
            f"knee: for want of time {_left_out(part, whole, is_lean=is_lean)}; without --minutes all are tried"
        )
    return part, is_lean


def _left_out(part: Space, whole: Space, *, is_lean: bool) -> str:
    """Say what a reference was not looked for among."""
    left_out = []
    if _widest(part) < _widest(whole):
        left_out.append(f"its reference is at most {_widest(part)} wide, where the ladders end at {_widest(whole)}")
    if part.steps != whole.steps:
        left_out.append(f"it and the search for the knee had at most {part.steps[-1]:,} of {whole.steps[-1]:,} steps")
    if is_lean:
        left_out.append("fewer wide networks were compared to find its reference")
    return "; ".join(left_out)


def _part(part: Space, *, is_lean: bool) -> str:
    """Name a part of a space that a reference is looked for in, as clocks remember it."""
    return f"{_widest(part)} wide, at most {part.steps[-1]} steps{', of few' if is_lean else ''}"


def _best_shapes(study: Investigation, settings: Collection[Setting]) -> list[Shape]:
    """Return the shapes of ``settings``, the one with the best of them first."""
    return [one.shape for one in _best_of_each_shape(pair for pair in expected(study) if pair[0] in settings)]


def _finals(is_lean: bool) -> tuple[int, int]:
    """Return how many of the best shapes are compared in the end, and with how many seeds each."""
    return (FEW_FINALISTS, FEW_FINAL_SEEDS) if is_lean else (FINALISTS, FINAL_SEEDS)


def _within(space: Space, narrower: int, shorter: int) -> Space:
    """Return the part of a space whose ladders end at so many times fewer width, and whose steps end sooner."""
    widest = _widest(space) / narrower
    shapes = {
        shape for ladder in space.ladders.values() for shape in ladder if shape.width <= max(widest, ladder[0].width)
    }
    steps = space.steps[: max(1, len(space.steps) - int(math.log2(shorter)))]
    params = {shape: n for shape, n in space.params.items() if shape in shapes}
    return replace(space, params=params, flops={shape: space.flops[shape] for shape in params}, steps=steps)


def _widest(space: Space) -> int:
    return max(shape.width for shape in space.params)


def _coarse_settings(space: Space) -> list[Setting]:
    """Return what the search for a reference begins with."""
    return [Setting(shape, rate, space.steps[0]) for shape in wide_ends(space) for rate in space.rates[::EVERY]]


def _first_round(study: Investigation, space: Space) -> list[Trial]:
    return [study.trial(setting) for setting in _coarse_settings(space)]


def _foreseen(study: Investigation, space: Space, is_lean: bool) -> list[Trial]:
    """Return trainings that take about as long as finding and measuring a reference.

    Should its steps go to the end, and the dearest shapes be the best.
    """
    shapes = sorted(wide_ends(space), key=lambda shape: space.flops[shape], reverse=True)
    tuned = shapes[: max(FEWEST, len(shapes) // FEW_SHAPES)] if is_lean else shapes
    settings = _coarse_settings(space)
    for steps in space.steps:
        settings += [Setting(shape, space.rates[0], steps) for shape in tuned] * TUNED
        tuned = tuned[: max(FEWEST, len(tuned) // 2)]
    n_finalists, n_seeds = _finals(is_lean)
    settings += [Setting(shape, space.rates[0], space.steps[-1]) for shape in shapes[:n_finalists]] * n_seeds
    settings += [Setting(shapes[0], space.rates[0], space.steps[-1])] * SEEDS
    return [replace(study.trial(setting), seed=seed) for seed, setting in enumerate(settings)]


def wide_ends(space: Space) -> list[Shape]:
    """Return of every ladder the widest shape and those nearest to half and a quarter of its width, from below."""
    found: list[Shape] = []
    for shapes in space.ladders.values():
        widest = shapes[-1].width
        found += dict.fromkeys(
            next(shape for shape in reversed(shapes) if shape.width * times <= widest or shape == shapes[0])
            for times in WIDE
        )
    return found


def expected(study: Investigation) -> list[tuple[Setting, float]]:
    """Return every setting tried with what all trainings together lead to expect of it on validation, in logits."""
    tried = sorted({run.setting for run in study.runs})
    means = study.posterior(study.task.chance(study.dataset)).mean(tried)
    return list(zip(tried, means.tolist(), strict=True))


def _best_of_each_shape(errors: Iterable[tuple[Setting, float]]) -> list[Setting]:
    """Return the best setting of each shape, the best shape first."""
    best: dict[Shape, Setting] = {}
    for setting, _ in sorted(errors, key=lambda pair: (pair[1], pair[0])):
        best.setdefault(setting.shape, setting)
    return list(best.values())


def _mean(runs: Iterable[Run], shapes: Collection[Shape]) -> float:
    """Return the mean error of the runs of ``shapes``, those that diverged apart."""
    errors = [run.error for run in runs if run.setting.shape in shapes and math.isfinite(run.error)]
    return statistics.fmean(errors) if errors else math.inf


def _doubts(space: Space, chosen: Setting, errors: dict[Setting, float]) -> list[str]:
    """Say where the floor may be lower than the reference: validation error that still falls at an end of the space."""
    doubts = []
    shape = chosen.shape
    ladder = space.ladders[shape.depth, shape.resolution]
    narrower = [
        error
        for setting, error in errors.items()
        if setting.shape in ladder and setting.shape.width * WIDE[1] <= shape.width
    ]
    if shape == ladder[-1] and narrower and errors[chosen] < min(narrower) + FALLING:
        doubts.append(f"knee: validation error was still falling at the ladder's end, {shape}")
    shorter = [
        error for setting, error in errors.items() if setting.shape == shape and setting.steps * 2 <= chosen.steps
    ]
    if chosen.steps == space.steps[-1] and shorter and errors[chosen] < min(shorter) + FALLING:
        doubts.append(f"knee: validation error of its reference was still falling at the most steps, {chosen.steps:,}")
    if chosen.learning_rate in (space.rates[0], space.rates[-1]):
        doubts.append(f"knee: the learning rate of its reference, {chosen.learning_rate:g}, is the edge of those tried")
    return [f"{doubt}: the width floor may be lower, and the knee larger" for doubt in doubts]
