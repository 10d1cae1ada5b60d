"""Successive halving: many shapes and rates at few steps, the better third at more, and so on.

What is better has two sides, params and error: thirds are cut by non-dominated sorting, so that small networks are not
thrown out for being small.

Source:
    Jamieson & Talwalkar 2016, arXiv:1502.07943; non-dominated sorting: Deb et al. 2002, doi:10.1109/4235.996017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

import numpy as np

from harness.search.base import History, Proposal, Setting, Space, Strategy, cheapest_promising, median_error

FIRST: Final = 108  # shapes and rates on the first rung
KEPT: Final = 3  # one in so many goes on
SEEDS: Final = 1


@final
class Halving(Strategy):
    """Rungs are the step budgets.

    Args:
        seed: Draws the first rung.
    """

    name = "halving"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def propose(self, space: Space, history: History, target_error: float, *, hurry: bool = False) -> Proposal:
        """Propose the next rung; after the last, certify the smallest promising shape."""
        if hurry:
            return Proposal(certify=cheapest_promising(space, history, target_error))
        errors = history.errors()
        rung = _first(space, self._seed)
        for above in (*space.steps[1:], None):
            missing = [setting for setting in rung if setting not in errors]
            if missing:
                return Proposal(train=tuple(missing) * SEEDS)
            if above is not None:
                ranked = _sorted(space, [(setting, median_error(errors[setting])) for setting in rung])
                kept = ranked[: max(1, len(rung) // KEPT)]
                rung = [setting._replace(steps=above) for setting in kept]
        return Proposal(certify=cheapest_promising(space, history, target_error))


def _first(space: Space, seed: int) -> list[Setting]:
    """Return the first rung: shapes and rates drawn without replacement, the same for a space."""
    everything = [Setting(shape, rate, space.steps[0]) for shape in space.shapes for rate in space.rates]
    picked = np.random.default_rng(seed).permutation(len(everything))[:FIRST]
    return [everything[i] for i in sorted(picked)]


def _sorted(space: Space, scored: Sequence[tuple[Setting, float]]) -> list[Setting]:
    """Return settings by non-dominated front of (params, error), within a front by error."""
    left = sorted(scored, key=lambda pair: (space.order(pair[0].shape), pair[1], pair[0].learning_rate))
    ranked: list[Setting] = []
    while left:
        front: list[tuple[Setting, float]] = []
        rest: list[tuple[Setting, float]] = []
        lowest = float("inf")
        for pair in left:
            if pair[1] < lowest or not front:
                front.append(pair)
                lowest = min(lowest, pair[1])
            else:
                rest.append(pair)
        ranked += [setting for setting, _ in sorted(front, key=lambda pair: pair[1])]
        left = rest
    return ranked


PLUGIN: Final = Halving()
