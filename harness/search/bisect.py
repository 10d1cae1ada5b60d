"""Bisection along the width ladder of each depth, all depths in step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        for depth, widths in space.ladders.items():
            meets = {s.width: e <= target_error for s, e in errors.items() if s.depth == depth}
            width = _next_width(widths, meets, space.capped)
            if width is not None:
                asked.append(Shape(width, depth))
        return asked


def _next_width(widths: Sequence[int], meets: Mapping[int, bool], capped: bool) -> int | None:
    """Return the width that tells most about one ladder; None when nothing is left to ask.

    In a capped ladder of a depth that has met the target nowhere, the widest shape left rules the whole depth out when it
    fails. Otherwise the middle between the widest failure and the narrowest success.
    """
    high = min((i for i, width in enumerate(widths) if meets.get(width)), default=len(widths))
    low = max((i for i, width in enumerate(widths[:high]) if meets.get(width) is False), default=-1)
    if high - low <= 1:
        return None
    if capped and not any(meets.values()):
        return widths[high - 1]
    # The first probe sits low: answers are near the narrow end, where networks are cheap.
    return widths[(low + high) // 2 if meets else min(len(widths) // 3, (low + high) // 2)]


PLUGIN = Bisect()
