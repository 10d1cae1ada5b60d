"""Bisection along the width ladder of each depth, all depths in step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from harness.search.base import Space, Strategy
from harness.trial import Shape


@final
class Bisect(Strategy):
    """Halve the open part of each ladder; # assumption: error does not rise with width."""

    name = "bisect"

    def propose(self, space: Space, errors: Mapping[Shape, float], target_error: float) -> list[Shape]:
        """Propose one width for each depth that is still open."""
        asked = []
        for depth in space.ladders:
            meets = {s.width: e <= target_error for s, e in errors.items() if s.depth == depth}
            width = _next_width(space, depth, meets)
            if width is not None:
                asked.append(Shape(width, depth))
        return asked


def _next_width(space: Space, depth: int, meets: Mapping[int, bool]) -> int | None:
    """Return the width that tells most about one ladder; None when nothing is left to ask.

    Where dearer widths are out of question and the next one up is not known to meet the target, the widest open one
    rules the whole depth out if it fails. Otherwise the middle between the widest failure and the narrowest success.
    """
    widths = space.open_widths(depth)
    high = min((i for i, width in enumerate(widths) if meets.get(width)), default=len(widths))
    low = max((i for i, width in enumerate(widths[:high]) if meets.get(width) is False), default=-1)
    if high - low <= 1:
        return None
    above = space.ladders[depth][len(widths) : len(widths) + 1]
    if space.cheaper is not None and high == len(widths) and not any(meets.get(width) for width in above):
        return widths[-1]
    # The first probe sits low: answers are near the narrow end, where networks are cheap.
    return widths[(low + high) // 2 if meets else min(len(widths) // 3, (low + high) // 2)]


PLUGIN = Bisect()
