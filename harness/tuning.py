"""Settle how a shape is trained: learning rate and steps, by validation alone, at every shape and n_train alike.

Five learning rates, or fewer, a factor of 2 apart; the best must be interior or the grid is extended. Then steps
double, with the neighbouring rates tried again, until validation error improves by less than 3 %. Ties go to the lower
cross-entropy: validation error moves in steps of one example.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from harness.procedure import Procedure
from harness.trial import Outcome, Shape, Trial

RATES: Final = 5
MOST_EXTENSIONS: Final = 3  # of two rates each
FIRST_RATE: Final = 0.01
FIRST_STEPS: Final = 1000
MOST_STEPS: Final = 8_000
SETTLED_BELOW: Final = 0.03
SEEDS: Final = 3


@final
@dataclass(frozen=True)
class Settled:
    """How a shape is trained, and what validation says of it then.

    Attributes:
        trial: The settled run with seed 0: vary its seed for fresh runs.
        val_errors: Validation error of each tuning seed; infinite where the run diverged.
        capped: Whether steps hit the cap while validation error was still falling.
        interior: Whether the best rate lies inside the rates tried.
    """

    trial: Trial
    val_errors: tuple[float, ...]
    capped: bool
    interior: bool

    @property
    def shape(self) -> Shape:
        """The shape that was settled."""
        return self.trial.shape

    @property
    def error(self) -> float:
        """Median validation error over the tuning seeds."""
        return sorted(self.val_errors)[len(self.val_errors) // 2]


Score = tuple[float, float]


def settle(
    start: Trial,
    *,
    first_steps: int = FIRST_STEPS,
    most_steps: int = MOST_STEPS,
    rates: int = RATES,
    seeds: int = SEEDS,
    so_far: Callable[[Settled], None] = lambda _: None,
) -> Procedure[Settled]:
    """Find learning rate and steps for a run.

    Args:
        start: The run; its own rate is the middle of the first ones.
        first_steps: Steps to begin with.
        most_steps: Steps beyond which they are not doubled.
        rates: How many rates are tried first.
        seeds: How many seeds each.
        so_far: Called with how the run stands whenever that changes, as if its steps ended there.
    """
    steps = first_steps
    scores: dict[float, Score] = {}
    errors: dict[float, tuple[float, ...]] = {}

    def measure(tried: Sequence[float], steps: int) -> Procedure[None]:
        outcomes = yield _trials(start, tried, steps, seeds)
        for i, rate in enumerate(tried):
            runs = outcomes[i * seeds : (i + 1) * seeds]
            scores[rate] = _score(runs)
            errors[rate] = tuple(math.inf if o.val_error is None else o.val_error for o in runs)

    def stand(steps: int) -> Settled:
        best, tried = _best(scores), sorted(scores)
        interior = tried[0] < best < tried[-1]
        here = Settled(replace(start, learning_rate=best, steps=steps, seed=0), errors[best], True, interior)
        so_far(here)
        return here

    def extend(steps: int) -> Procedure[Settled]:
        for _ in range(MOST_EXTENSIONS):
            here = stand(steps)
            if here.interior:
                return here
            best = here.trial.learning_rate
            lower = best == min(scores)
            yield from measure([best / 2, best / 4] if lower else [best * 2, best * 4], steps)
        return stand(steps)

    yield from measure(_first_rates(start, rates), steps)
    while True:
        here = yield from extend(steps)
        best = here.trial.learning_rate
        if steps * 2 > most_steps:
            return here
        near = [rate for rate in (best / 2, best, best * 2) if rate in scores]
        before = _mean(scores[rate][0] for rate in near)
        scores.clear()
        yield from measure(near, steps * 2)
        # judged over the best rate and its neighbours: the best of several noisy rates always seems to improve
        if not _mean(scores[rate][0] for rate in near) < before * (1 - SETTLED_BELOW):
            so_far(replace(here, capped=False))
            return replace(here, capped=False)
        steps *= 2


def first_trials(start: Trial, first_steps: int, rates: int = RATES, seeds: int = SEEDS) -> list[Trial]:
    """Return what settling ``start`` begins with: so many rates, so many seeds each."""
    return _trials(start, _first_rates(start, rates), first_steps, seeds)


def _first_rates(start: Trial, rates: int) -> list[float]:
    return [start.learning_rate * 2.0**i for i in range(-(rates // 2), rates // 2 + 1)]


def _trials(start: Trial, rates: Sequence[float], steps: int, seeds: int) -> list[Trial]:
    return [
        replace(start, learning_rate=rate, steps=steps, seed=seed, phase="tune", tested=False)
        for rate in rates
        for seed in range(seeds)
    ]


def _best(scores: Mapping[float, Score]) -> float:
    """Return the rate with the best score; of equal ones the lowest, so that where all diverge lower ones are tried."""
    return min(scores, key=lambda rate: (scores[rate], rate))


def _mean(values: Iterable[float]) -> float:
    """Return the mean of the finite values; infinity if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.inf


def _score(outcomes: Sequence[Outcome]) -> Score:
    """Return mean validation error and mean loss; a diverged run makes its rate unusable."""
    values = [(o.val_error, o.val_loss) for o in outcomes if o.val_error is not None and o.val_loss is not None]
    if len(values) < len(outcomes):
        return (math.inf, math.inf)
    return (sum(e for e, _ in values) / len(values), sum(loss for _, loss in values) / len(values))
