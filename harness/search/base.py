"""Search strategies: from what has been settled so far to the shapes worth settling next, in rounds.

Contract, tested for every file of this folder:

* ``propose`` is a function of its arguments: no hidden state, no clock, no randomness but a seeded one;
* it proposes ladder shapes only, none that is settled, and after finitely many rounds an empty list;
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
        capped: Whether dearer shapes were cut off because a cheaper one looks promising.
    """

    ladders: Mapping[int, Sequence[int]]
    capped: bool = False

    def shapes(self) -> list[Shape]:
        """Return every shape, by depth and then width."""
        return [Shape(width, depth) for depth, widths in self.ladders.items() for width in widths]

    def below(self, limit: tuple[int, ...], order: Callable[[Shape], tuple[int, ...]]) -> Space:
        """Return the part of the space whose shapes come before ``limit`` in ``order``."""
        return Space(
            {
                depth: [width for width in widths if order(Shape(width, depth)) < limit]
                for depth, widths in self.ladders.items()
            },
            capped=True,
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
