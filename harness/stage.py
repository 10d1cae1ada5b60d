"""What a study is doing and what it believes so far, for people to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from harness.search.base import Proposal
from harness.trial import Shape


@final
@dataclass(frozen=True)
class Guess:
    """Where the smallest network for a target may lie.

    Attributes:
        target: In the metric's unit.
        shape: The best guess; None where nothing tells yet.
        interval: Params between which it lies, with 80 % belief, open where there is no upper end; None where the
            strategy has no such notion.
    """

    target: float
    shape: Shape | None = None
    interval: tuple[int, int | None] | None = None

    def __str__(self) -> str:
        if self.shape is None:
            return "no guess yet"
        between = ""
        if self.interval is not None:
            low, high = self.interval
            between = f", {low:,} params or more" if high is None else f", {low:,} to {high:,} params"
        return f"best guess {self.shape}{between}"


@final
@dataclass(frozen=True)
class Stage:
    """One step of a study: ``words`` say which, ``guess`` is what it believes meanwhile."""

    words: str
    guess: Guess | None = None

    def __str__(self) -> str:
        return self.words if self.guess is None else f"target {self.guess.target:g}: {self.words}"

    @classmethod
    def of(cls, target: float, proposal: Proposal) -> Stage:
        """Return the stage that a strategy's proposal begins."""
        words = "searching" if proposal.certify is None else f"certifying {proposal.certify.shape}"
        return cls(words, Guess(target, proposal.guess, proposal.interval))
