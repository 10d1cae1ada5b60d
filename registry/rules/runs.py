"""The training runs in a record's trials file, as far as a rule needs to know them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, Self, final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from registry.errors import BrokenRule
from registry.loader import parse_json, shown
from registry.schema import Count, Measure, PositiveCount, Shape


class _Part(BaseModel):
    """A part of a line: strict and finite like the record, but what else a harness notes of a run is its own affair."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


@final
class Trial(_Part):
    """What decided one training run."""

    dataset: str
    family: str
    shape: Shape
    n_train: PositiveCount
    seed: Count
    learning_rate: Annotated[float, Field(gt=0)]
    weight_decay: Measure
    steps: PositiveCount
    batch_size: PositiveCount
    route: str
    pruned_from: Trial | None
    phase: str
    tested: bool
    metric: str | None = None  # what it is scored by, where that is not the task's own

    def seedless(self) -> Trial:
        """Return what runs that differ by their seed alone have in common: the same with seed 0, all stages."""
        parent = None if self.pruned_from is None else self.pruned_from.seedless()
        return self.model_copy(update={"seed": 0, "pruned_from": parent})


@final
class Outcome(_Part):
    """What came of it."""

    status: Literal["ok", "diverged", "failed"]
    val_error: Measure | None
    test_error: Measure | None
    test_outcomes: str | None
    train_flops: Measure
    wall_s: Measure


@final
class Run(_Part):
    """One line of the trials file."""

    key: Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
    trial: Trial
    outcome: Outcome

    @model_validator(mode="after")
    def _tells_what_was_read(self) -> Self:
        read = self.trial.tested and self.outcome.status == "ok"
        if read != (self.outcome.test_outcomes is not None):
            raise ValueError("test_outcomes belong to runs that are tested and ok, and to no others")
        if (self.outcome.status == "ok") != (self.outcome.val_error is not None):
            raise ValueError("val_error belongs to runs that are ok, and to no others")
        return self


@final
class Series(NamedTuple):
    """Runs that differ by their seed alone, their seeds consecutive; ``trial`` is what they have in common."""

    trial: Trial
    runs: tuple[Run, ...]


@lru_cache(maxsize=2)  # rules are checked one at a time, and more than one reads these lines
def read_runs(data: bytes, where: str) -> tuple[Run, ...]:
    """Return the run of each line of a trials file.

    Args:
        data: The file.
        where: What to call it in errors.

    Raises:
        BrokenRule: R-TRIALS if a line is no run, the last one is torn, or two lines have the same key.
    """
    lines = data.split(b"\n")
    if lines.pop() != b"":
        raise BrokenRule(where, "", "R-TRIALS", "does not end in a line break: the last trial may be torn")
    runs: dict[str, Run] = {}
    for number, line in enumerate(lines, start=1):
        run = _read(line, f"line {number}", where)
        if run.key in runs:
            raise BrokenRule(where, f"line {number}", "R-TRIALS", f"has the key of an earlier line, {run.key}")
        runs[run.key] = run
    return tuple(runs.values())


def in_series(runs: Iterable[Run]) -> list[Series]:
    """Return the series of ``runs``: each target draws a sequence of fresh seeds of its own."""
    found: dict[Trial, list[Run]] = {}
    for run in runs:
        found.setdefault(run.trial.seedless(), []).append(run)
    series: list[Series] = []
    for trial, members in found.items():
        ordered = sorted(members, key=lambda run: run.trial.seed)
        cuts = [i for i in range(1, len(ordered)) if ordered[i].trial.seed != ordered[i - 1].trial.seed + 1]
        series += [Series(trial, tuple(ordered[a:b])) for a, b in itertools.pairwise((0, *cuts, len(ordered)))]
    return series


def _read(line: bytes, place: str, where: str) -> Run:
    try:
        return Run.model_validate(parse_json(line, where))
    except BrokenRule as fault:
        raise BrokenRule(where, place, "R-TRIALS", fault.problem) from None
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        field = ".".join(shown(str(step)) for step in detail["loc"])
        problem = f"{field}: {detail['msg']}" if field else detail["msg"]
        raise BrokenRule(where, place, "R-TRIALS", shown(problem, 300)) from None
