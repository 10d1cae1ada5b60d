"""Replay a search on a table of real trainings: a run is one of its cell's seeds, drawn at random.

Seeds are cut into two halves: one says what is true, the other is drawn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from harness.search.base import Space, Strategy
from harness.smallest import Found, Request, Result, find_smallest
from harness.tables import Table
from harness.trial import Shape
from registry.statistics import median_bounds


def space_of(table: Table) -> Space:
    """Return the space a table covers."""
    return Space(
        params=table.params,
        flops=table.flops,
        rates=tuple(sorted({setting.learning_rate for setting in table.rows})),
        steps=tuple(sorted({setting.steps for setting in table.rows})),
        n_val=table.facts["n_val"],
        n_test=table.facts["n_test"],
        chance_error=table.facts["chance_error"],
        batch_size=table.facts["batch_size"],
    )


@final
@dataclass(frozen=True)
class Truth:
    """What one half of the seeds says of each shape.

    Attributes:
        median: Median test error of each shape at its best setting, as validation of this half has it.
        bounds: One-sided 95 % bounds of that median, by order statistics.
        dependable: The error that nine of ten runs of each shape keep within.
    """

    median: dict[Shape, float]
    bounds: dict[Shape, tuple[float, float]]
    dependable: dict[Shape, float]

    def smallest(self, space: Space, target_error: float) -> Shape | None:
        """Return the smallest shape whose median meets the target; None where none does."""
        return next((shape for shape in space.shapes if self.median[shape] <= target_error), None)

    def interval(self, space: Space, target_error: float) -> tuple[Shape | None, Shape | None]:
        """Return the smallest shapes that may meet, and that surely meet, the target."""
        may = next((s for s in space.shapes if self.bounds[s][0] <= target_error), None)
        surely = next((s for s in space.shapes if self.bounds[s][1] <= target_error), None)
        return may, surely


def truth_of(table: Table, seeds: slice) -> Truth:
    """Return what ``seeds`` of a table say is true."""
    median: dict[Shape, float] = {}
    bounds: dict[Shape, tuple[float, float]] = {}
    dependable: dict[Shape, float] = {}
    scores: dict[Shape, float] = {}
    for setting, row in table.rows.items():
        score = float(np.mean(np.minimum(table.val_errors[row, seeds], 1.0)))
        if score < scores.get(setting.shape, np.inf):
            errors = table.test_errors[row, seeds]
            scores[setting.shape] = score
            median[setting.shape] = float(np.median(errors))
            bounds[setting.shape] = median_bounds(errors.tolist())
            dependable[setting.shape] = float(np.quantile(errors, 0.9, method="higher"))
    return Truth(median, bounds, dependable)


@final
class Replay:
    """One search on resampled runs; counts what it spends.

    Args:
        table: The runs.
        seeds: Which of them are drawn from.
        number: Which replay: seeds the draws.

    Attributes:
        train_flops: Spent so far.
        certify_flops: Of that, on certifications.
        rounds: What was asked for, round by round.
    """

    def __init__(self, table: Table, seeds: slice, number: int) -> None:
        self._table = table
        self._val = table.val_errors[:, seeds]
        self._test = table.test_errors[:, seeds]
        self._generator = np.random.default_rng((number, 7))
        self.train_flops = 0.0
        self.certify_flops = 0.0
        self.rounds: list[list[Request]] = []

    def answer(self, request: Request) -> list[Result]:
        """Draw the runs of one request."""
        setting = request.setting
        row = self._table.rows[setting]
        picked = self._generator.integers(self._val.shape[1], size=request.n)
        spent = request.n * self._table.train_flops(setting)
        self.train_flops += spent
        if request.attempt is None:
            return [Result(float(self._val[row, i])) for i in picked]
        self.certify_flops += spent
        return [Result(float(self._val[row, i]), float(self._test[row, i])) for i in picked]

    def run(self, strategy: Strategy, space: Space, target_error: float) -> Found:
        """Search for one target, from nothing to a certified shape."""
        rounds = find_smallest(strategy, space, target_error)
        try:
            requests = next(rounds)
            while True:
                self.rounds.append(requests)
                requests = rounds.send([self.answer(request) for request in requests])
        except StopIteration as end:
            found: Found = end.value
            return found
