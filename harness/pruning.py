"""Training big and pruning to the right size: the smallest pruned shape that meets a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, final

from harness.bracket import Bracket
from harness.certify import LONGER, Attempt
from harness.procedure import Procedure, together
from harness.search.base import Setting
from harness.trial import Shape, Trial

if TYPE_CHECKING:
    from harness.investigation import Investigation

NOTCHES_DOWN: Final = 4
PARENT_WIDTHS: Final = 4  # a pruned network starts from one this many times as wide


@final
class Pruning:
    """The pruned route to one target.

    Args:
        study: The study it belongs to.
        target: In the metric's unit.
    """

    def __init__(self, study: Investigation, target: float) -> None:
        self._study = study
        self._target = target

    def run(self, steps: int, found: list[Bracket]) -> Procedure[None]:
        """Find, certify and bracket the smallest pruned shape; where there is one its bracket is added to ``found``.

        Tried at the depth and resolution of the smallest hidden-layer shape that meets the target on validation, from
        that width down; the large network is 4 x as wide.

        Args:
            steps: Those of the answer from scratch: pruned networks get at most 4 x as many, or as many as two budgets.
            found: Receives the bracket.
        """
        if not self._study.family.prunable:
            return
        most = max(steps * LONGER, self._study.space.steps[min(2, len(self._study.space.steps) - 1)])
        widest = self._study.expected_smallest(self._target, hidden=True, most_steps=most)
        if widest is None:
            return
        error = yield from self._study.bench(self._target).validate(self._study.trial(widest))
        if error > self._study.task.target_to_error(self._target):
            return  # it was expected of neighbours alone
        ladder = self._study.space.ladders[widest.shape.depth, widest.shape.resolution]
        parent = next((s for s in ladder if s.width >= PARENT_WIDTHS * widest.shape.width), ladder[-1])
        shapes = [shape for shape in ladder if shape.width <= widest.shape.width]
        [large] = yield from self._study.tune([parent], widest.steps, self._target)
        small: dict[Shape, Trial] = {}
        hopeful = yield from self._hopeful(shapes, large, small)
        attempts: list[Attempt] = []
        for i in range(hopeful, len(shapes)):
            yield from self._pruned([shapes[i]], large, small)
            attempt = yield from self._study.bench(self._target).attempt(small[shapes[i]], len(attempts) + 1)
            attempts.append(attempt)
            if attempt.certified:
                yield from self._pruned(shapes[:i], large, small)
                ladder_down = [small[shape] for shape in reversed(shapes[:i])]
                found.append(Bracket(self._study, self._target, attempts, cheaper=ladder_down))
                yield from found[0].run()
                return

    def _pruned(self, shapes: Sequence[Shape], parent: Setting, known: dict[Shape, Trial]) -> Procedure[None]:
        """Add the runs that fine-tune what is pruned to ``shapes``: at full rate, up to 2 x as long."""
        missing = [shape for shape in shapes if shape not in known]
        settings = yield from self._study.tune(missing, parent.steps, self._target)
        for setting in settings:
            own = self._study.trial(setting)
            steps = max(own.steps, min(own.steps * 2, self._study.space.steps[-1]))
            known[setting.shape] = replace(own, route="pruned", steps=steps, pruned_from=self._study.trial(parent))

    def _hopeful(self, shapes: Sequence[Shape], parent: Setting, known: dict[Shape, Trial]) -> Procedure[int]:
        """Return the position of the narrowest shape that meets the target on validation when pruned, or their number.

        Walks down a few notches at a time, until the narrowest of them misses.
        """
        error = self._study.task.target_to_error(self._target)
        first = low = len(shapes)
        while low > 0:
            low, few = max(0, low - NOTCHES_DOWN), shapes[max(0, low - NOTCHES_DOWN) : low]
            yield from self._pruned(few, parent, known)
            errors = yield from together([self._study.bench(self._target).validate(known[shape]) for shape in few])
            first = next((low + i for i, found in enumerate(errors) if found <= error), first)
            if errors[0] > error:
                break
        return first
