"""Optuna's multi-objective TPE as sampler, and nothing else of it: one network at a time, error against params.

Source:
    Ozaki et al. 2022, multi-objective TPE, doi:10.1613/jair.1.13188; Akiba et al. 2019, arXiv:1907.10902.
"""

from __future__ import annotations

import math
from typing import Any, Final, final

from harness.search.base import History, Proposal, Setting, Space, Strategy, cheapest_promising
from harness.trial import Shape
from registry.errors import MissingDependency

TRIALS: Final = 60


@final
class Optuna(Strategy):
    """Trials by TPE, then certification of the smallest promising shape, then more trials where none is promising.

    Args:
        trials: Networks trained before the first certification.
        seed: Seeds the sampler, together with the number of networks so far.
        most: Networks trained in all before it gives up.
    """

    name = "optuna"

    def __init__(self, trials: int = TRIALS, seed: int = 0, most: int | None = None) -> None:
        self._trials = trials
        self._seed = seed
        self._most = most or 2 * trials

    def propose(self, space: Space, history: History, target_error: float, *, hurry: bool = False) -> Proposal:
        """Propose one more network, or certify."""
        if hurry:
            return Proposal(certify=cheapest_promising(space, history, target_error))
        if len(history.runs) >= self._trials:
            promising = cheapest_promising(space, history, target_error)
            if promising is not None or len(history.runs) >= self._most:
                return Proposal(certify=promising)
        return Proposal(train=(_ask(space, history, self._seed),))


def _ask(space: Space, history: History, seed: int) -> Setting:
    """Return TPE's next setting after ``history``, from a study made anew: nothing is remembered between calls."""
    try:
        import optuna
    except ImportError:
        hint = "pip install 'sizing-guides[optuna]', or use --search pooled"
        raise MissingDependency("optuna is not installed", hint) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ladders = dict(space.ladders)
    names = list(ladders)
    widest = max(len(shapes) for shapes in ladders.values())
    sizes = {"ladder": len(names), "rung": widest, "rate": len(space.rates), "steps": len(space.steps)}
    choices: dict[str, Any] = {
        name: optuna.distributions.CategoricalDistribution(range(size))
        if name == "ladder"
        else optuna.distributions.IntDistribution(0, size - 1)
        for name, size in sizes.items()
    }
    sampler = optuna.samplers.TPESampler(seed=1000 * seed + len(history.runs))
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=_place(space, ladders, run.setting, widest),
                distributions=choices,
                values=[min(run.error, 1.0), math.log(space.params[run.setting.shape])],
            )
            for run in history.runs
        ]
    )
    asked = study.ask(choices).params
    shapes = ladders[names[asked["ladder"]]]
    shape = shapes[min(asked["rung"] * len(shapes) // widest, len(shapes) - 1)]
    return Setting(shape, space.rates[asked["rate"]], space.steps[asked["steps"]])


def _place(
    space: Space, ladders: dict[tuple[int, int | None], tuple[Shape, ...]], setting: Setting, widest: int
) -> dict[str, int]:
    """Return where a setting stands in the sampler's space."""
    names = list(ladders)
    key = (setting.shape.depth, setting.shape.resolution)
    shapes = ladders[key]
    rung = -(-shapes.index(setting.shape) * widest // len(shapes))
    return {
        "ladder": names.index(key),
        "rung": min(rung, widest - 1),
        "rate": space.rates.index(setting.learning_rate),
        "steps": space.steps.index(setting.steps),
    }


PLUGIN: Final = Optuna()
