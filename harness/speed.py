"""What a search takes on the wall clock of this machine, from the trainings it asks for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from harness.executors.inline import InlineRunning
from harness.live import train_alone
from harness.pace import Pace, probe
from harness.replay import space_of
from harness.search.base import Setting
from harness.smallest import Request
from harness.tables import Table
from harness.trial import Trial


@final
@dataclass(frozen=True)
class Speed:
    """How long trainings take on one thread of this machine.

    Attributes:
        table: Whose networks.
        pace: Of stacks.
        alone: Seconds a step, and seconds a forward flop of an example, of one network in an ordinary loop.
    """

    table: Table
    pace: Pace
    alone: tuple[float, float]

    @classmethod
    def measure(cls, table: Table) -> Speed:
        """Time a few short trainings of a small and a middling shape."""
        space = space_of(table)
        ranked = sorted(space.shapes, key=lambda shape: space.flops[shape])
        pair = (ranked[0], ranked[len(ranked) // 2])
        runs = [_trial(table, Setting(shape, space.rates[0], 200), 0) for shape in pair]
        pace = probe(runs[0], pair, InlineRunning(), 1)
        times = []
        for run in runs:
            train_alone(run)
            started = time.perf_counter()
            train_alone(run)
            times.append((time.perf_counter() - started) / run.steps)
        work = [space.batch_size * space.flops[shape] for shape in pair]
        per_flop = max(0.0, (times[1] - times[0]) / (work[1] - work[0]))
        return cls(table, pace, (max(0.0, times[0] - per_flop * work[0]), per_flop))

    def seconds(self, rounds: Sequence[Sequence[Request]], *, alone: bool) -> float:
        """Return what the rounds of a search take: as stacks, or, certifications apart, one network at a time."""
        total, space = 0.0, space_of(self.table)
        for requests in rounds:
            if alone and all(request.attempt is None for request in requests):
                for setting, n, *_ in requests:
                    work = space.batch_size * space.flops[setting.shape]
                    total += n * setting.steps * (self.alone[0] + work * self.alone[1])
            else:
                total += self.pace.seconds(
                    [_trial(self.table, setting, seed) for setting, n, *_ in requests for seed in range(n)]
                )
        return total


def _trial(table: Table, setting: Setting, seed: int) -> Trial:
    facts = table.facts
    shape, rate, steps = setting
    return Trial(
        facts["dataset"], facts["family"], shape, facts["n_train"], seed, rate, 0.0, steps, facts["batch_size"]
    )
