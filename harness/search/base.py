"""Search strategies: from what has been settled so far to the shapes worth settling next, in rounds.

Contract, tested for every file of this folder:

* ``propose`` is a function of its arguments: no hidden state, no clock, no randomness but a seeded one;
* it proposes open shapes of the space only, none that is settled, and after finitely many rounds an empty list;
* on noiseless monotone errors the smallest ladder shape that meets the target is among the settled ones at the end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from harness.trial import Shape


@final
@dataclass(frozen=True)
class Space:
    """The shapes a search may try.

    Args:
        ladders: Per depth the widths, ascending.
        cheaper: Per depth how many of them are cheaper than the cheapest shape that looks promising; only those are
            worth trying. None where nothing looks promising yet.
    """

    ladders: Mapping[int, Sequence[int]]
    cheaper: Mapping[int, int] | None = None

    def open_widths(self, depth: int) -> Sequence[int]:
        """Return the widths of ``depth`` that are worth trying, ascending."""
        widths = self.ladders[depth]
        return widths if self.cheaper is None else widths[: self.cheaper[depth]]

    def below(self, limit: tuple[int, ...], order: Callable[[Shape], tuple[int, ...]]) -> Space:
        """Return this space with only what comes before ``limit`` in ``order`` left to try."""
        return Space(
            self.ladders,
            {
                depth: sum(order(Shape(width, depth)) < limit for width in widths)
                for depth, widths in self.ladders.items()
            },
        )


class Strategy(ABC):
    """A way to look for the smallest shape whose error meets a target."""

    name: str

    @abstractmethod
    def propose(self, space: Space, errors: Mapping[Shape, float], target_error: float) -> list[Shape]:
        """Return the shapes to settle next; empty when the search has ended.

        Args:
            space: What may be tried.
            errors: Median validation error of each shape settled so far.
            target_error: The largest error that meets the target.
        """
