"""Rehearse a study on made-up outcomes: what it asks for, phase by phase, without training anything."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Final, final

from harness.clock import Clock, Turns
from harness.investigation import LOOKING_FOR_THE_KNEE, Investigation
from harness.procedure import drive
from harness.stage import Stage
from harness.study import Study
from harness.trial import Outcome, Trial
from registry.statistics import KNEE

NOISE: Final = 0.08  # relative standard deviation of an error between seeds
STEEPNESS: Final = 0.5  # of the error in params
BOWL: Final = 0.1  # share by which a rate a factor 2 from the best leaves the error higher; a factor 4: 4 x that
BEST_RATE: Final = 0.01
JUST: Final = 0.9  # error of the answer, as a share of the target's
HALF_LEARNT: Final = 0.5  # stands for a target where there is none: error, as a share of the best constant answer's


@final
@dataclass(frozen=True)
class World:
    """What outcomes are made up by.

    Attributes:
        place: Params of the answer to the hardest target, and of the knee: 0 are the fewest of the space, 1 the most,
            on a log scale.
        slowness: Share by which the fewest steps leave the error higher.
    """

    place: float
    slowness: float


@final
@dataclass
class Tally:
    """Trainings and seconds by phase; trainings on record already count as neither."""

    trainings: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


def phases(study: Study) -> tuple[str, ...]:
    """Name the phases of a study; all that the knee alone needs, its own search included, is one of them."""
    of_targets = ("search", "certify", "bracket and prune") if study.targets else ()
    return (*of_targets, *(["knee"] if study.knee else []), "law")


def rehearse(
    study: Study,
    world: World,
    known: Mapping[str, Outcome],
    price: Callable[[Sequence[Trial]], float],
    turns: Turns | None = None,
) -> Tally:
    """Run a study in a made-up world.

    Args:
        study: The question.
        world: Makes the outcomes up.
        known: Outcomes on record by the trials' keys: they are as they are.
        price: Returns the seconds that a round of trials takes.
        turns: Where earlier runs were cut short.
    """
    stages: list[Stage] = []
    investigation = Investigation(study, stages.append, Clock(turns=turns))
    made_up = _MadeUp(investigation, world)
    tally, seen = Tally(), dict(known)

    def round_(trials: list[Trial]) -> list[Outcome]:
        missing = {trial.key: trial for trial in trials if trial.key not in seen}
        work: defaultdict[str, float] = defaultdict(float)
        in_knee = LOOKING_FOR_THE_KNEE in stages
        for key, trial in missing.items():
            phase = _phase(trial, stages[-1], in_knee=in_knee)
            tally.trainings[phase] += 1
            work[phase] += trial.steps
            seen[key] = made_up.outcome(trial)
        seconds = price(list(missing.values()))
        for phase, steps in work.items():
            tally.seconds[phase] += seconds * steps / sum(work.values())
        return [seen[trial.key] for trial in trials]

    drive(investigation.run(), round_)
    return tally


def _phase(trial: Trial, stage: Stage, *, in_knee: bool) -> str:
    if trial.phase == "tune":
        return "law"
    if in_knee:
        return "knee"
    return "bracket and prune" if stage.guess is None else trial.phase


@final
class _MadeUp:
    """Outcomes whose errors fall with params, steps and examples and are lowest at one rate.

    Where a knee is asked for they fall no further once they are 1/1.1 of the answer's.
    """

    def __init__(self, investigation: Investigation, world: World) -> None:
        self._space, self._world = investigation.space, world
        study = investigation.study
        errors = map(investigation.task.target_to_error, study.targets)
        self._error = JUST * min(errors, default=HALF_LEARNT * self._space.chance_error)
        self._floor = self._error / KNEE if study.knee else 0.0
        params = sorted(self._space.params.values())
        self._params = params[0] * (params[-1] / params[0]) ** world.place
        self._n_train = len(investigation.dataset.train())

    def outcome(self, trial: Trial) -> Outcome:
        """Return what came of a trial, as if; the same whenever it is asked for."""
        octaves = math.log2(trial.learning_rate / BEST_RATE)
        by_size = self._error * (self._params / self._space.params[trial.shape]) ** STEEPNESS
        clean = max(by_size, self._floor)
        clean *= 1 + self._world.slowness * self._space.steps[0] / trial.steps + BOWL * octaves**2
        clean *= (self._n_train / trial.n_train) ** STEEPNESS
        digest = hashlib.sha256(trial.key.encode()).digest()
        shares = [(int.from_bytes(part) + 0.5) / 2**32 for part in (digest[:4], digest[4:8])]
        val, test = (
            min(clean * math.exp(NOISE * NormalDist().inv_cdf(share)), self._space.chance_error) for share in shares
        )
        tested = test if trial.tested else None
        return Outcome(status="ok", val_error=val, val_loss=val, best_step=trial.steps, test_error=tested)
