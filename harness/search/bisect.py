"""Bisection along the width ladder of each depth and resolution, all ladders in step, each shape tuned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, final

from harness.search.base import History, Proposal, Space, Strategy, cheapest_promising, settled_setting, tune
from harness.trial import Shape

SEEDS: Final = 3


@final
class Bisect(Strategy):
    """Halve the open part of each ladder; # assumption: error does not rise with width."""

    name = "bisect"

    def propose(self, space: Space, history: History, target_error: float, *, hurry: bool = False) -> Proposal:
        """Propose one shape for each ladder that is still open; then certify the smallest promising one."""
        if hurry:
            return Proposal(certify=cheapest_promising(space, history, target_error))
        errors = history.errors()
        tried = {setting.shape for setting in errors}
        asked = [setting for shape in space.shapes if shape in tried for setting in tune(space, errors, shape, SEEDS)]
        if asked:
            return Proposal(train=tuple(asked))
        meets = {
            shape: shape not in history.failed and settled_setting(errors, shape)[1] <= target_error for shape in tried
        }
        limit = min((space.order(shape) for shape, met in meets.items() if met), default=None)
        probes = [
            shape
            for shapes in space.ladders.values()
            if (shape := _next(shapes, [s for s in shapes if limit is None or space.order(s) < limit], meets))
        ]
        asked = [setting for shape in probes for setting in tune(space, errors, shape, SEEDS)]
        if asked:
            return Proposal(train=tuple(asked))
        return Proposal(certify=cheapest_promising(space, history, target_error))


def _next(shapes: Sequence[Shape], cheaper: Sequence[Shape], meets: Mapping[Shape, bool]) -> Shape | None:
    """Return the shape that tells most about one ladder; None when nothing is left to ask.

    Where dearer shapes are out of question and the next one up is not known to meet the target, the widest cheaper one
    rules the whole ladder out if it fails. Otherwise the middle between the widest failure and the narrowest success.
    """
    high = min((i for i, shape in enumerate(cheaper) if meets.get(shape)), default=len(cheaper))
    low = max((i for i, shape in enumerate(cheaper[:high]) if meets.get(shape) is False), default=-1)
    if high - low <= 1:
        return None
    above = shapes[len(cheaper) : len(cheaper) + 1]
    if len(cheaper) < len(shapes) and high == len(cheaper) and not any(meets.get(shape) for shape in above):
        return cheaper[-1]
    # The first probe sits low: answers are near the narrow end, where networks are cheap.
    return cheaper[(low + high) // 2 if any(s in meets for s in shapes) else min(len(cheaper) // 3, (low + high) // 2)]


PLUGIN: Final = Bisect()
