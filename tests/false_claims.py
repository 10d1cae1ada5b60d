"""How often a whole study claims a shape that misses its target, over runs resampled from those of real networks.

In a world every shape has a pool of runs, and a fresh run of it is one of them at random. So the truth is known: a
shape meets a target if the median of its pool does.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from random import Random
from statistics import median
from typing import Final, final

import pytest

from harness.investigation import Investigation
from harness.procedure import Procedure
from harness.study import Study
from harness.study_law import Law
from harness.trial import Outcome, Shape, Trial
from registry.statistics import clopper_pearson_low, meets
from tests.fake_outcomes import Surface

HAIR: Final = 1e-9  # far below one test item, far above what a metric is rounded to
Run = tuple[float, float]  # validation error, test error
Place = tuple[str, Shape]  # route, shape


@final
@dataclass(frozen=True)
class World:
    """The runs that each shape may turn out as; a shape without any has those of the nearest one that has some."""

    pools: Mapping[Place, Sequence[Run]]

    def pool(self, route: str, shape: Shape) -> Sequence[Run]:
        """Return the runs that networks of ``shape`` may turn out as."""

        def distance(place: Place) -> tuple[bool, int, float, int]:
            less, more = sorted((max(place[1].width, 1), max(shape.width, 1)))
            return (place[0] != route, abs(place[1].depth - shape.depth), more / less, place[1].width)

        return self.pools[min(self.pools, key=distance)]

    def truly_meets(self, route: str, shape: Shape, target: float) -> bool:
        """Whether the median run of such a network has an accuracy of ``target``."""
        return meets(round(1 - median(test for _, test in self.pool(route, shape)), 12), target, "higher")

    def surface(self, number: int) -> Surface:
        """Return the outcomes of study ``number``."""

        pool = cache(self.pool)

        @lru_cache(maxsize=1)
        def draw(trial: Trial) -> Run:
            return Random(f"{number}/{trial.key}").choice(pool(trial.route, trial.shape))  # noqa: S311  # no secrets

        return Surface(lambda trial: draw(trial)[0], slowness=0.0, noise=0.0, test=lambda trial, _: draw(trial)[1])

    def all_just_missing(self, target: float) -> World:
        """Return a world in which every shape promises much on validation, and half of its runs just miss."""
        error = 1 - target
        pools = {}
        for place, runs in self.pools.items():
            tests = [test + rank * HAIR for rank, test in enumerate(sorted(test for _, test in runs))]  # no ties
            shift = error - HAIR / 10 - tests[len(tests) // 2 - 1]
            pools[place] = [(error / 2, max(0.0, test + shift)) for test in tests]
        return World(pools)


@final
@dataclass(frozen=True)
class Tally:
    """Whole studies, those of them with a claim, and those with a false one."""

    studies: int
    claiming: int
    false: int
    false_scratch: int
    false_pruned: int

    @property
    def rate(self) -> float:
        """The share of studies with a false claim."""
        return self.false / self.studies

    @property
    def route_rates(self) -> dict[str, float]:
        """The share of studies with a false claim of each route: what the level is promised for, target by target."""
        return {"scratch": self.false_scratch / self.studies, "pruned": self.false_pruned / self.studies}

    def __str__(self) -> str:
        counts = {"in all": self.false, "from scratch": self.false_scratch, "pruned": self.false_pruned}
        shares = []
        for name, count in counts.items():
            low, high = _interval(count, self.studies)
            shares.append(f"{name} {count} = {count / self.studies:.2%} [{low:.2%}, {high:.2%}]")
        return f"{self.studies} studies, {self.claiming} with a claim; with a false one: {', '.join(shares)}"


def real_world(trials: Path) -> World:
    """Return the world of a record: a pool for each shape it tried to certify, of those fresh runs."""
    pools: dict[Place, list[Run]] = defaultdict(list)
    for row in map(json.loads, trials.read_text().splitlines()):
        trial, outcome = Trial.from_json(row["trial"]), Outcome.from_json(row["outcome"])
        if trial.phase == "certify" and outcome.val_error is not None and outcome.test_error is not None:
            pools[trial.route, trial.shape].append((outcome.val_error, outcome.test_error))
    return World(pools)


def simulate(world: World, targets: tuple[float, ...], numbers: range, search: str = "bisect") -> Tally:
    """Run a whole study of digits for each of ``numbers``, the law apart, and count the false claims."""
    claiming, false, scratch, pruned = 0, 0, 0, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Investigation, "law", _no_law)
        for number in numbers:
            investigation = Investigation(Study("image-cls", "digits", "mlp", targets, search, number))
            answers = world.surface(number).drive(investigation.run()).answers
            claims = [(answer.test.trial.route, answer.test.trial.shape, answer.target) for answer in answers]
            wrong = {route for route, shape, target in claims if not world.truly_meets(route, shape, target)}
            claiming += bool(answers)
            false += bool(wrong)
            scratch += "scratch" in wrong
            pruned += "pruned" in wrong
    return Tally(len(numbers), claiming, false, scratch, pruned)


def _no_law(_investigation: Investigation, _notes: list[str]) -> Procedure[Law]:
    """Claim nothing; what the law trains decides no claim."""
    nothing: Iterator[list[Trial]] = iter(())
    yield from nothing
    return Law(None, is_whole=True)


def _interval(count: int, n: int) -> tuple[float, float]:
    """Return the two-sided 95 % Clopper-Pearson interval of a share."""
    return clopper_pearson_low(count, n, 0.025), 1 - clopper_pearson_low(n - count, n, 0.025)
