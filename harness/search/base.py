"""Search strategies: from the trainings so far to the next round of trainings, or to the network worth certifying.

Contract, tested for every file of this folder:

* ``propose`` is a function of its arguments: no hidden state, no clock, no randomness but one seeded by them;
* it proposes settings of the space only, never certifies one of a shape that has failed, and never one that is not
  cheaper than what is certified already; after finitely many rounds it certifies or gives up;
* in a hurry it trains nothing;
* on noiseless errors that fall with width it certifies a shape that meets the target, where there is one;
* a strategy sees validation errors, and of the test split what certifications have read: nothing else.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, final

from harness.trial import Shape


@final
class Setting(NamedTuple):
    """How one network is trained, its seed apart."""

    shape: Shape
    learning_rate: float
    steps: int


@final
@dataclass(frozen=True)
class Space:
    """What may be trained.

    Args:
        params: Trainable scalars of every shape; they and flops order the shapes.
        flops: Forward flops of one example of every shape.
        rates: Learning rates, ascending, a constant factor apart.
        steps: Step budgets, ascending.
        n_val: Validation examples: they bound what an error can tell.
        n_test: Test examples.
        chance_error: Error of the best constant answer.
        batch_size: Examples a step.
    """

    params: Mapping[Shape, int]
    flops: Mapping[Shape, float]
    rates: tuple[float, ...]
    steps: tuple[int, ...]
    n_val: int
    n_test: int
    chance_error: float
    batch_size: int = 32

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Every shape, the smallest first."""
        return tuple(sorted(self.params, key=self.order))

    @cached_property
    def ladders(self) -> Mapping[tuple[int, int | None], tuple[Shape, ...]]:
        """Per depth and resolution the shapes that differ by their width alone, ascending."""
        found: dict[tuple[int, int | None], list[Shape]] = defaultdict(list)
        for shape in sorted(self.params, key=lambda s: (s.depth, s.resolution or 0, s.width)):
            found[shape.depth, shape.resolution].append(shape)
        return {key: tuple(shapes) for key, shapes in found.items()}

    def order(self, shape: Shape) -> tuple[float, ...]:
        """Order shapes by params, flops, depth, width, resolution: what "smallest" means."""
        return (self.params[shape], self.flops[shape], shape.depth, shape.width, shape.resolution or 0)

    def train_flops(self, setting: Setting) -> float:
        """Return the flops of one run: 3 x forward x examples seen."""
        return 3 * self.flops[setting.shape] * setting.steps * self.batch_size


@final
class Run(NamedTuple):
    """One training that read the validation split alone; the error is infinite where it diverged."""

    setting: Setting
    error: float


@final
class Test(NamedTuple):
    """Fresh runs of one setting that read the test split too, and what the sequential test made of them."""

    setting: Setting
    val_errors: tuple[float, ...]
    test_errors: tuple[float, ...]
    certified: bool


@final
@dataclass(frozen=True)
class History:
    """Everything trained so far for one question; validation runs are shared by all targets, tests belong to one."""

    runs: Sequence[Run] = ()
    tests: Sequence[Test] = ()

    @property
    def failed(self) -> frozenset[Shape]:
        """Shapes whose certification failed: they are never promoted."""
        return frozenset(test.setting.shape for test in self.tests if not test.certified)

    def errors(self) -> dict[Setting, list[float]]:
        """Return the validation errors of each setting, certifying runs apart."""
        found: dict[Setting, list[float]] = defaultdict(list)
        for run in self.runs:
            found[run.setting].append(run.error)
        return found


@final
@dataclass(frozen=True)
class Proposal:
    """What to do next: train more, certify one setting, or, where both are empty, give up.

    Args:
        train: One entry a run: a setting that stands twice is trained with two more seeds.
        certify: The setting to certify with fresh seeds.
        guess: The smallest shape as far as is known, for people to look at.
        interval: Params between which it lies, with 80 % belief, open where there is no upper end; None where the
            strategy has no such notion, or no shape is likely to meet the target.
    """

    train: tuple[Setting, ...] = ()
    certify: Setting | None = None
    guess: Shape | None = None
    interval: tuple[int, int | None] | None = None


class Strategy(ABC):
    """A way to look for the smallest shape whose error meets a target."""

    name: str

    @abstractmethod
    def propose(self, space: Space, history: History, target_error: float, *, hurry: bool = False) -> Proposal:
        """Return what to do next.

        Args:
            space: What may be trained.
            history: What has been trained; may be empty.
            target_error: The largest error that meets the target.
            hurry: Certify what is most promising as things are, whatever more trainings would tell; nothing is
                trained. An empty proposal says that nothing is worth it yet.
        """


def cheapest_promising(space: Space, history: History, target_error: float) -> Setting | None:
    """Return the smallest shape, at its best setting, whose median validation error meets the target.

    What strategies without a model certify; shapes that have failed are left out, and those that are not cheaper than
    what is certified already. None where nothing promising is left.
    """
    errors = history.errors()
    limit = min((space.order(test.setting.shape) for test in history.tests if test.certified), default=None)
    shapes = {setting.shape for setting in errors} - history.failed
    settled = [settled_setting(errors, shape) for shape in shapes if limit is None or space.order(shape) < limit]
    promising = [setting for setting, error in settled if error <= target_error]
    return min(promising, key=lambda setting: space.order(setting.shape), default=None)


SETTLED_BELOW: Final = 0.03


def tune(space: Space, errors: Mapping[Setting, Sequence[float]], shape: Shape, seeds: int) -> list[Setting]:
    """Return the trainings that settle the rate and steps of one shape next; empty once they are settled.

    Every rate at the fewest steps; then, a budget at a time, the best rate and its neighbours, until that improves
    their mean error by less than 3 %.

    Args:
        space: What may be trained.
        errors: Validation errors of each setting so far.
        shape: The shape.
        seeds: Runs of each setting.
    """
    rates: Sequence[float] = space.rates
    before = math.inf
    for steps in space.steps:
        settings = [Setting(shape, rate, steps) for rate in rates]
        asked = [one for one in settings for _ in range(seeds - len(errors.get(one, ())))]
        if asked:
            return asked
        means = {one.learning_rate: _mean(errors[one]) for one in settings}
        if steps != space.steps[0] and not _mean(means.values()) < before * (1 - SETTLED_BELOW):
            return []
        best = space.rates.index(min(means, key=lambda rate: (means[rate], rate)))
        rates = space.rates[max(0, best - 1) : best + 2]
        before = _mean(means[rate] for rate in rates if rate in means)
    return []


def settled_setting(errors: Mapping[Setting, Sequence[float]], shape: Shape) -> tuple[Setting, float]:
    """Return the setting of ``shape`` with the lowest median error, among those with the most seeds, and that error.

    Ties go to fewer steps and the lower rate.
    """
    own = {setting: values for setting, values in errors.items() if setting.shape == shape}
    most = max(map(len, own.values()))
    ranked = [
        (median_error(values), setting.steps, setting.learning_rate, setting)
        for setting, values in own.items()
        if len(values) == most
    ]
    error, _, _, setting = min(ranked)
    return setting, error


def _mean(values: Iterable[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(finite) / len(finite) if finite else math.inf


def median_error(errors: Sequence[float]) -> float:
    """Return the upper median: of an even number the larger of the two in the middle, so that infinity counts."""
    return sorted(errors)[len(errors) // 2] if errors else math.inf
