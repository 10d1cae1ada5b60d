"""A trial: everything that decides one training run, and what came of it. No torch here: the ledger reads these."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any, Final, Literal, final, get_args

from harness.fields import choice, number, text, unlike, whole, whole_object

Route = Literal["scratch", "pruned"]
Status = Literal["ok", "diverged", "failed"]
PHASES: Final = ("tune", "search", "certify", "bracket")


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

    @classmethod
    def from_json(cls, values: object, name: str = "shape") -> Shape:
        """Rebuild a shape from its fields.

        Raises:
            ValueError: If a field is missing, unknown, of another type or out of range; starts with ``name``.
        """
        found = whole_object(values, {field.name for field in fields(cls)}, name)
        whole(found, "width", name, least=0)
        whole(found, "depth", name, least=0)
        if found["resolution"] is not None:
            whole(found, "resolution", name, least=1)
        if (found["width"] == 0) != (found["depth"] == 0):
            raise ValueError(
                f"{name}.width is {found['width']} at depth {found['depth']}, expected 0 at 0 and only there"
            )
        return cls(**found)


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
        phase: Why it was run: ``tune``, ``search``, ``certify`` or ``bracket``. Decides nothing but is a
            part of the key, so that a certification never reuses the seeds of the search.
        tested: Whether the test split was read. Only certification and bracket do.
        metric: What says which checkpoint is the best; None for the task's own, which JSON and key leave out.
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
    route: Route = "scratch"
    pruned_from: Trial | None = None
    phase: str = "search"
    tested: bool = False
    metric: str | None = None

    @cached_property
    def key(self) -> str:
        """Content key: the same run has the same key on every machine (24 hex digits of SHA-256)."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def to_json(self) -> dict[str, Any]:
        """Return the trial as plain JSON values."""
        parent = None if self.pruned_from is None else self.pruned_from.to_json()
        values = {**asdict(self), "pruned_from": parent}
        if self.metric is None:
            del values["metric"]
        return values

    @classmethod
    def from_json(cls, values: object, name: str = "trial") -> Trial:
        """Rebuild a trial from :meth:`to_json`.

        Raises:
            ValueError: If a field is missing, unknown, of another type or out of range; starts with ``name``.
        """
        own = not isinstance(values, dict) or "metric" not in values
        found = whole_object(values, {field.name for field in fields(cls) if field.name != "metric" or not own}, name)
        found["shape"] = Shape.from_json(found["shape"], f"{name}.shape")
        for part in ("dataset", "family") if own else ("dataset", "family", "metric"):
            text(found, part, name)
        for count in ("n_train", "steps", "batch_size"):
            whole(found, count, name, least=1)
        whole(found, "seed", name, least=0)
        number(found, "learning_rate", name)
        number(found, "weight_decay", name)
        choice(found, "route", name, get_args(Route))
        choice(found, "phase", name, PHASES)
        if not isinstance(found["tested"], bool):
            raise unlike(found["tested"], f"{name}.tested", "true or false")
        if found["learning_rate"] == 0:
            raise unlike(found["learning_rate"], f"{name}.learning_rate", "a number above 0")
        if found["pruned_from"] is not None:
            found["pruned_from"] = cls.from_json(found["pruned_from"], f"{name}.pruned_from")
        if (found["route"] == "pruned") != (found["pruned_from"] is not None):
            raise ValueError(f"{name}.pruned_from does not fit its route, expected a trial where that is 'pruned' only")
        return cls(**found)


@final
@dataclass(frozen=True)
class Outcome:
    """What came of a trial. Errors are in the task's error form.

    Args:
        status: ``ok``, ``diverged`` (a non-finite loss or weight), ``failed`` (the run raised; ``reason`` says what).
        val_error: Validation error of the best checkpoint; None unless ok.
        val_loss: What training minimises, there: cross-entropy in nats, or squared error.
        best_step: Step of that checkpoint.
        curve: (step, validation error, validation loss) at log-spaced steps.
        test_outcomes: Packed bits or losses per test item (:mod:`registry.outcomes`); None unless ``tested`` and ok.
        test_error: Test error of the best checkpoint; None unless ``tested`` and ok.
        train_flops: Unpadded, all stages of this run.
        wall_s: This run's share of its pack's wall time.
        reason: Why it failed, one line.
    """

    status: Status
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
    def from_json(cls, values: object, name: str = "outcome") -> Outcome:
        """Rebuild an outcome from :meth:`to_json`.

        Raises:
            ValueError: If a field is missing, unknown, of another type, out of range or does not fit the status;
                starts with ``name``.
        """
        found = whole_object(values, {field.name for field in fields(cls)}, name)
        choice(found, "status", name, get_args(Status))
        ok = found["status"] == "ok"
        for part in ("val_error", "val_loss", "best_step"):
            if (found[part] is not None) != ok:
                raise unlike(found[part], f"{name}.{part}", "a value where the status is 'ok', and null elsewhere")
        for part in ("test_error", "test_outcomes"):
            if found[part] is not None and not ok:
                raise unlike(found[part], f"{name}.{part}", f"null where the status is '{found['status']}'")
        if ok:
            number(found, "val_error", name)
            number(found, "val_loss", name)
            whole(found, "best_step", name, least=1)
        if found["test_error"] is not None:
            number(found, "test_error", name)
        if found["test_outcomes"] is not None:
            text(found, "test_outcomes", name)
        number(found, "train_flops", name)
        number(found, "wall_s", name)
        if not isinstance(found["reason"], str):
            raise unlike(found["reason"], f"{name}.reason", "a text")
        _check_curve(found["curve"], f"{name}.curve")
        return cls(**found)


def check_result(trial: Trial, outcome: Outcome) -> None:
    """Refuse an outcome that cannot have come of ``trial``, each of them checked by itself before.

    Raises:
        ValueError: If a step lies beyond the trial's, or test results are there although it read none, or are missing.
    """
    if outcome.best_step is not None and outcome.best_step > trial.steps:
        raise ValueError(f"outcome.best_step is {outcome.best_step}, expected at most the trial's {trial.steps} steps")
    if outcome.curve and outcome.curve[-1][0] > trial.steps:
        last = outcome.curve[-1][0]
        raise ValueError(f"outcome.curve goes to step {last}, expected at most the trial's {trial.steps} steps")
    tested = trial.tested and outcome.status == "ok"
    for name, value in (("test_error", outcome.test_error), ("test_outcomes", outcome.test_outcomes)):
        if (value is not None) != tested:
            expected = "a value: the trial is tested" if tested else "null: the trial is not tested"
            raise unlike(value, f"outcome.{name}", expected)


def _check_curve(curve: object, name: str) -> None:
    """Refuse what is no list of [step, validation error, validation loss], steps rising."""
    if not isinstance(curve, list):
        raise unlike(curve, name, "a list of [step, error, loss]")
    last = 0
    for position, point in enumerate(curve):
        here = f"{name}.{position}"
        if not isinstance(point, list) or len(point) != 3:
            raise unlike(point, here, "[step, error, loss]")
        named = dict(zip(("step", "error", "loss"), point, strict=True))
        whole(named, "step", here, least=last + 1)
        number(named, "error", here)
        number(named, "loss", here)
        last = named["step"]
