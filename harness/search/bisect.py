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
        """Propose the middle of each ladder's open part."""
        asked = []
        for depth, widths in space.ladders.items():
            width = _middle(widths, {s.width: e <= target_error for s, e in errors.items() if s.depth == depth})
            if width is not None:
                asked.append(Shape(width, depth))
        return asked


def _middle(widths: Sequence[int], meets: Mapping[int, bool]) -> int | None:
    """Return the width that halves what lies between the widest failure and the narrowest success; None when closed."""
    successes = [i for i, width in enumerate(widths) if meets.get(width) is True]
    high = min(successes, default=len(widths))
    failures = [i for i, width in enumerate(widths[:high]) if meets.get(width) is False]
    low = max(failures, default=-1)
    if high - low <= 1:
        return None
    # The first probe sits low: answers are near the narrow end, where networks are cheap.
    middle = (low + high) // 2 if meets else min(len(widths) // 3, (low + high) // 2)
    return widths[middle] if widths[middle] not in meets else None


PLUGIN = Bisect()
