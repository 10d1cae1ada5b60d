"""A study: one question, and everything that was found on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from harness import plugins
from harness.bracket import Answer
from harness.certify import Attempt, Tested
from harness.knee import Knee
from harness.stage import Guess


@final
@dataclass(frozen=True)
class Study:
    """The question and how it is answered; ``targets`` in the metric's unit, ``knee`` whether it is asked for, too.

    Attributes:
        metric: What targets and knee are stated in; None for the task's own.
    """

    task: str
    dataset: str
    family: str
    targets: tuple[float, ...]
    search: str = "pooled"
    seed: int = 0
    knee: bool = False
    metric: str | None = None

    def configuration(self) -> dict[str, Any]:
        """Return what decides the trials, targets and knee apart: one ledger serves all targets of a question."""
        return {
            "protocol": 2,
            "task": self.task,
            "dataset": self.dataset,
            "dataset_sha256": plugins.load("datasets", self.dataset).sha256(),
            "family": self.family,
            "search": self.search,
            "seed": self.seed,
            "batch_size": plugins.load("datasets", self.dataset).batch_size,
            **({} if self.metric is None else {"metric": self.metric}),
        }


@final
@dataclass
class Miss:
    """A target nothing was certified for: the nearest that was measured, and why it was left there."""

    target: float
    nearest: Tested
    reason: str
    attempts: list[Attempt]


@final
@dataclass
class Findings:
    """Everything a study found; ``unfinished`` are targets that the time was too short for."""

    answers: list[Answer] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    unfinished: list[Guess] = field(default_factory=list)
    knee: Knee | None = None
    law: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def settled(self) -> tuple[float, ...]:
        """The targets that are answered, or missed for good."""
        return tuple(sorted({*(answer.target for answer in self.answers), *(miss.target for miss in self.misses)}))
