"""Measure a ladder: tune rate and steps of every width, the narrow ones no longer than it takes to rule them out.

Five learning rates a factor of 4 apart at the fewest steps; then three rates around the best, a factor of 2 apart, at
twice the steps, and so again until the least validation error of the three falls by less than 3 %. A width with more
than twice the error of the best one so far cannot come within 1.1 x the floor: its steps are doubled no further. Then
fresh seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from harness.procedure import Procedure
from harness.trial import Outcome, Shape, Trial
from harness.tuning import SETTLED_BELOW

WIDTHS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
RATES: Final = (0.000625, 0.0025, 0.01, 0.04, 0.16)
FIRST_STEPS: Final = 1_000
HOPELESS: Final = 2.0  # times the least error so far
FRESH: Final = 100  # the first seed that tuning has not seen


@final
@dataclass(frozen=True)
class Settled:
    """A tuned width: its setting, and the outcomes of fresh seeds."""

    trial: Trial
    capped: bool
    errors: tuple[float, ...]


@final
@dataclass(frozen=True)
class _Score:
    """The best of some rates at one number of steps, and its mean error."""

    rate: float
    error: float


def climb(
    template: Trial, widths: Sequence[int], *, seeds: int, fresh: int, most_steps: int
) -> Procedure[list[Settled]]:
    """Tune every width in lockstep, then train each with fresh seeds.

    Args:
        template: The run whose data set, family, depth, resolution, batch size and decay all widths share.
        widths: The widths, ascending.
        seeds: How many seeds tuning looks at, the same ones at every setting.
        fresh: How many seeds then say how good a width is.
        most_steps: Steps beyond which they are not doubled.

    Returns:
        One result a width, in order.
    """
    starts = {width: replace(template, shape=replace(template.shape, width=width)) for width in widths}
    coarse = yield from _try(starts, dict.fromkeys(widths, RATES), FIRST_STEPS, seeds)
    middle = {width: score.rate for width, score in coarse.items()}
    before: dict[int, _Score] = {}
    settled: dict[int, tuple[float, int, bool]] = {}
    steps = 2 * FIRST_STEPS
    while left := [width for width in widths if width not in settled]:
        rates = {width: (middle[width] / 2, middle[width], middle[width] * 2) for width in left}
        found = yield from _try(starts, rates, steps, seeds)
        least = min(score.error for score in {**before, **found}.values())
        for width, score in found.items():
            if width in before and not score.error < before[width].error * (1 - SETTLED_BELOW):
                settled[width] = (before[width].rate, steps // 2, False)
                continue
            middle[width], before[width] = score.rate, score
            if steps * 2 > most_steps or score.error > HOPELESS * least:
                settled[width] = (score.rate, steps, True)
        steps *= 2
    return (yield from _fresh(starts, settled, fresh))


def _try(
    starts: Mapping[int, Trial], rates: Mapping[int, Sequence[float]], steps: int, seeds: int
) -> Procedure[dict[int, _Score]]:
    """Train some widths at some rates each; return the best of each width's rates and the mean over them."""
    trials = [
        replace(starts[width], learning_rate=rate, steps=steps, seed=seed, phase="tune")
        for width, each in rates.items()
        for rate in each
        for seed in range(seeds)
    ]
    outcomes = yield trials
    found, start = {}, 0
    for width, each in rates.items():
        scored = []
        for rate in each:
            scored.append((*_mean(outcomes[start : start + seeds]), rate))
            start += seeds
        error, _, rate = min(scored)  # of equal errors the least loss, of equal losses the lowest rate
        found[width] = _Score(rate, error)
    return found


def _fresh(
    starts: Mapping[int, Trial], settled: Mapping[int, tuple[float, int, bool]], fresh: int
) -> Procedure[list[Settled]]:
    """Train every width as it was settled, with seeds that tuning has not seen."""
    runs = [replace(starts[w], learning_rate=settled[w][0], steps=settled[w][1], phase="search") for w in starts]
    outcomes = yield [replace(run, seed=FRESH + i) for run in runs for i in range(fresh)]
    return [
        Settled(run, settled[run.shape.width][2], tuple(map(_error, outcomes[i * fresh : (i + 1) * fresh])))
        for i, run in enumerate(runs)
    ]


def _mean(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Return mean validation error and mean loss; a diverged run makes its rate unusable."""
    values = [(o.val_error, o.val_loss) for o in outcomes if o.val_error is not None and o.val_loss is not None]
    if len(values) < len(outcomes):
        return (math.inf, math.inf)
    return (sum(error for error, _ in values) / len(values), sum(loss for _, loss in values) / len(values))


def _error(outcome: Outcome) -> float:
    return math.inf if outcome.val_error is None else outcome.val_error


def template(dataset: str, family: str, depth: int, resolution: int | None, n_train: int, batch: int) -> Trial:
    """Return a run that stands for all of a ladder."""
    return Trial(dataset, family, Shape(WIDTHS[0], depth, resolution), n_train, 0, RATES[0], 0.0, FIRST_STEPS, batch)
