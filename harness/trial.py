"""A trial: everything that decides one training run, and what came of it. No torch here: the ledger reads these."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, final


@final
@dataclass(frozen=True, order=True)
class Shape:
    """Width, depth and (where the task has one) resolution; ``width`` is 0 at depth 0."""

    width: int
    depth: int
    resolution: int | None = None

    def __str__(self) -> str:
        side = f", resolution {self.resolution}" if self.resolution is not None else ""
        return f"width {self.width}, depth {self.depth}{side}"


@final
@dataclass(frozen=True)
class Trial:
    """One training run, decided completely by these fields.

    Args:
        dataset: Name of the data set.
        family: Name of the family.
        shape: The trained network's shape.
        n_train: Training examples used, a nested subset drawn by ``seed``.
        seed: Decides the subset, the initial weights and the batches, through separate generators.
        learning_rate: Peak learning rate; annealed to 0.
        weight_decay: Decoupled weight decay.
        steps: Optimiser steps of the last stage.
        batch_size: Examples a step (fewer where ``n_train`` is smaller).
        route: How the network got small.
        pruned_from: The run of the larger network that this one starts from, where ``route`` is ``pruned``.
        phase: Why it was run: ``tune``, ``search``, ``certify``, ``confirm`` or ``bracket``. Decides nothing but is a
            part of the key, so that a certification never reuses the seeds of the search.
        tested: Whether the test split was read. Only certification and bracket do.
    """

    dataset: str
    family: str
    shape: Shape
    n_train: int
    seed: int
    learning_rate: float
    weight_decay: float
    steps: int
    batch_size: int
    route: Literal["scratch", "pruned"] = "scratch"
    pruned_from: Trial | None = None
    phase: str = "search"
    tested: bool = False

    @property
    def key(self) -> str:
        """Content key: the same run has the same key on every machine (24 hex digits of SHA-256)."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def to_json(self) -> dict[str, Any]:
        """Return the trial as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Trial:
        """Rebuild a trial from :meth:`to_json`."""
        values = dict(values)
        values["shape"] = Shape(**values["shape"])
        if values["pruned_from"] is not None:
            values["pruned_from"] = cls.from_json(values["pruned_from"])
        return cls(**values)


@final
@dataclass(frozen=True)
class Outcome:
    """What came of a trial. Errors are the task's error form, as fractions of its own scale.

    Args:
        status: ``ok``, ``diverged`` (a non-finite loss or weight), ``failed`` (the run raised; ``reason`` says what).
        val_error: Validation error of the best checkpoint; None unless ok.
        val_loss: Cross-entropy (or squared error) there.
        best_step: Step of that checkpoint.
        curve: (step, validation error, validation loss) at log-spaced steps.
        test_outcomes: Packed correct/wrong bits per test item, base64; None unless ``tested`` and ok.
        test_error: Test error of the best checkpoint; None unless ``tested`` and ok.
        train_flops: Unpadded, all stages of this run.
        wall_s: This run's share of its pack's wall time.
        reason: Why it failed, one line.
    """

    status: Literal["ok", "diverged", "failed"]
    val_error: float | None = None
    val_loss: float | None = None
    best_step: int | None = None
    curve: list[list[float]] = field(default_factory=list)
    test_outcomes: str | None = None
    test_error: float | None = None
    train_flops: float = 0.0
    wall_s: float = 0.0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Outcome:
        """Rebuild an outcome from :meth:`to_json`."""
        return cls(**values)
