"""How long trainings take here: measured on a few packs, corrected by every round that is run.

What a round took corrects the three parts of its time together, and each by itself where it weighs: small networks say
little of how fast the arithmetic of wide ones is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

import numpy as np
from scipy.optimize import lsq_linear

from harness import plugins
from harness.stack import checkpoints
from harness.train import batch_size, flops, packs, run_pack
from harness.trial import Shape, Trial

if TYPE_CHECKING:
    from harness.executors.base import Running
    from harness.families.base import Family

MEMBERS: Final = 8
FEW_STEPS: Final = 20
MORE_STEPS: Final = 200
SLOW_S: Final = 1.0  # seconds of few steps, validation read between them, beyond which only twice as many are timed
PRIOR_S: Final = 2.0  # seconds of rounds until these weigh as much as the packs measured first
MOST_APART: Final = 4.0  # no part's factor is below that of all together by more than this


@final
@dataclass
class Pace:
    """Seconds of a pack: ``start_s`` once, then ``step_s`` a step and ``flop_s`` a flop, on one worker.

    Attributes:
        start_s: What a pack takes besides its steps.
        step_s: What a step takes however small the network.
        flop_s: What a forward flop of a padded member takes; a step is three forward passes, validation is read too.
        workers: Packs that run at once.
    """

    start_s: float
    step_s: float
    flop_s: float
    workers: int = 1

    def __post_init__(self) -> None:
        self._expected_s = self._taken_s = PRIOR_S
        # of rounds so far, each weighed by the inverse of what was expected: least squares in what corrects the parts
        self._normal = PRIOR_S * np.eye(3)
        self._moments = np.zeros(3)
        self._factors = np.ones(3)

    def seconds(self, trials: Sequence[Trial]) -> float:
        """Return what a round of trials is expected to take."""
        return self._whole(trials, self._factors)

    def learn(self, trials: Sequence[Trial], seconds: float) -> None:
        """Take note of what a round took."""
        expected = self._whole(trials, np.ones(3))
        if expected <= 0:
            return
        self._expected_s += expected
        self._taken_s += seconds
        parts = np.sum([self._parts(pack) for pack in packs(trials, self.workers)], axis=0)
        parts *= expected / parts.sum()  # of several workers
        self._normal += np.outer(parts, parts) / expected
        self._moments += parts * seconds / expected
        self._correct()

    def _correct(self) -> None:
        """Find what corrects starts, steps and arithmetic: all by one factor, each by its own where rounds tell."""
        overall = self._taken_s / self._expected_s
        root = np.linalg.cholesky(self._normal)
        moments = np.linalg.solve(root, self._moments + PRIOR_S * overall)
        self._factors = lsq_linear(root.T, moments, bounds=(overall / MOST_APART, np.inf)).x

    def _whole(self, trials: Sequence[Trial], factors: np.ndarray) -> float:
        costs = [float(self._parts(pack) @ factors) for pack in packs(trials, self.workers)]
        return max(max(costs), sum(costs) / self.workers) if costs else 0.0

    def _parts(self, pack: Sequence[Trial]) -> np.ndarray:
        """Return the seconds of one pack, for its start, its steps and its arithmetic: all stages of its members.

        Each is padded to its bucket. A stage lasts as long as its longest member; those that end sooner leave it.
        """
        n_steps, work, stage = 0, 0.0, list(pack)
        fill = max(1.0, MEMBERS / len(pack))
        while stage:
            n_steps += max(trial.steps for trial in stage)
            work += sum(map(_work, stage))
            stage = [trial.pruned_from for trial in stage if trial.pruned_from is not None]
        return np.array([self.start_s, n_steps * self.step_s, fill * work * self.flop_s])


def probe(template: Trial, shapes: tuple[Shape, Shape], running: Running, workers: int) -> Pace:
    """Measure a few short packs on all workers at once: a second or two where networks are small.

    Where they are not, or a split takes long to read, five times what a few steps take.

    Args:
        template: Any trial of the question.
        shapes: A small and a middling one.
        running: The executor.
        workers: How many packs it runs at once.
    """
    small, middling = shapes

    def pack(shape: Shape, steps: int) -> list[Trial]:
        return [replace(template, shape=shape, steps=steps, seed=seed, tested=False) for seed in range(MEMBERS)]

    for shape in shapes:  # untimed: each resolution is loaded when first trained on
        _taken(running, pack(shape, FEW_STEPS), workers)
    few_s = _taken(running, pack(small, FEW_STEPS), workers)
    more_steps = MORE_STEPS if few_s < SLOW_S else 2 * FEW_STEPS
    more_s, middling_s = (_taken(running, pack(shape, more_steps), workers) for shape in shapes)
    few, more = (MEMBERS * _work(pack(small, steps)[0]) for steps in (FEW_STEPS, more_steps))
    most = MEMBERS * _work(pack(middling, more_steps)[0])
    flop_s = max(middling_s - more_s, 0.0) / (most - more) if most > more else 0.0
    step_s = max(more_s - few_s - flop_s * (more - few), 0.0) / (more_steps - FEW_STEPS)
    start_s = max(few_s - flop_s * few - FEW_STEPS * step_s, 0.0)
    return Pace(start_s, step_s, flop_s, workers)


def timed(pack: Sequence[Trial]) -> float:
    """Train one pack for nothing but the seconds it takes; runs in a worker."""
    started = time.perf_counter()
    run_pack(pack)
    return time.perf_counter() - started


def _taken(running: Running, pack: Sequence[Trial], workers: int) -> float:
    """Return the mean seconds of a pack while every worker runs it."""
    taken: list[float] = []
    for _, result in running.map(timed, [pack] * workers):
        if isinstance(result, Exception):
            raise result
        taken.append(result)
    return sum(taken) / len(taken)


def _work(trial: Trial) -> float:
    """Return what one stage of a padded member comes to in forward flops: its steps, and the readings of validation."""
    family: Family = plugins.load("families", trial.family)
    n_val, batch = len(plugins.load("datasets", trial.dataset).val()), batch_size(trial)
    examples = 3 * trial.steps * batch + len(checkpoints(trial.steps, batch, n_val)) * n_val
    return examples * flops(trial.family, trial.dataset, family.padded(trial.shape))
