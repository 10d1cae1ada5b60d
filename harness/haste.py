"""A study's haste: its clock, asked about the trials that a search's requests stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

from harness.search.base import History
from harness.smallest import Haste, Request

if TYPE_CHECKING:
    from harness.investigation import Investigation


@final
class StudyHaste(Haste):
    """The haste of one study's search for one target.

    Args:
        study: The study.
        target: In the metric's unit.
    """

    def __init__(self, study: Investigation, target: float) -> None:
        self._study = study
        self._target = target

    def hurries(self, history: History, requests: Sequence[Request], certification: Request) -> bool:
        """Ask the clock; how much has been trained and tested for the target is the state it remembers."""
        state = f"target {self._target:.12g} after {len(history.runs)} runs and {len(history.tests)} certifications"
        round_ = self._study.trials_of(requests, self._target)
        return self._study.clock.hurries(state, round_, self._study.trials_of([certification], self._target))

    def stops(self, requests: Sequence[Request]) -> bool:
        """Ask the clock."""
        return not self._study.clock.fits(self._study.trials_of(requests, self._target))

    def knows(self, requests: Sequence[Request]) -> bool:
        """Ask the clock."""
        return self._study.clock.is_known(self._study.trials_of(requests, self._target))
