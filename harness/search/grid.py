"""Every shape of the space, each tuned, in rounds: dear, and right by construction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from harness.search.base import History, Proposal, Space, Strategy, cheapest_promising, tune
from harness.trial import Shape


@final
class Grid(Strategy):
    """The exhaustive search others are compared against.

    Args:
        name: What it is called.
        seeds: Runs of each setting.
        keeps: Which shapes it tries.
    """

    def __init__(self, name: str, seeds: int, keeps: Callable[[Shape], bool] = lambda _: True) -> None:
        self.name = name
        self._seeds = seeds
        self._keeps = keeps

    def propose(self, space: Space, history: History, target_error: float, *, hurry: bool = False) -> Proposal:
        """Propose the next step of tuning of every shape; then certify the smallest promising one."""
        if hurry:
            return Proposal(certify=cheapest_promising(space, history, target_error))
        errors = history.errors()
        shapes = filter(self._keeps, space.shapes)
        asked = [setting for shape in shapes for setting in tune(space, errors, shape, self._seeds)]
        if asked:
            return Proposal(train=tuple(asked))
        return Proposal(certify=cheapest_promising(space, history, target_error))


def is_power_of_two(shape: Shape) -> bool:
    """Say whether the width is 0, 1, 2, 4, 8 ...: the grid that most people try."""
    return shape.width & (shape.width - 1) == 0


POWERS_OF_TWO: Final = Grid("pow2", 3, is_power_of_two)
PLUGIN: Final = Grid("grid", 5)
