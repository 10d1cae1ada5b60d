"""Ladders: the validation error of one data set over widths, each tuned by itself, and the knee that follows.

A ladder is a CSV file, one row a width, behind one comment line with what all of them share::

    # {"dataset": "glyphs-c10", "family": "mlp", "resolution": 8, "n_train": 5000, "n_val": 4000, ...}
    width,params,flops,learning_rate,steps,capped,val_wrong
    16,1210,2400.0,0.01,4000,0,301 322 297 310 305

``val_wrong`` counts wrong answers, one number a fresh seed; ``-`` is a run that diverged. ``capped`` is 1 where error
was still falling when steps were no longer doubled: at the most steps, or because the width was out of the question.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final, final

from harness import commented_csv
from harness.commented_csv import errors, number, whole, wrong
from harness.like.descriptors import Descriptors
from registry.errors import InvalidData
from registry.statistics import knee_limit, meets

KNEES: Final = Path(__file__).parents[1] / "compare" / "knees"  # those that are committed
COLUMNS: Final = ("width", "params", "flops", "learning_rate", "steps", "capped", "val_wrong")
NEEDED: Final = ("dataset", "family", "depth", "n_train", "n_val", "chance_error", "batch_size")  # of the facts
WIDE: Final = 4  # the wide end: widths up to so many times narrower than the widest


@final
@dataclass(frozen=True)
class Rung:
    """One width; errors are validation errors, one a fresh seed, infinite where the run diverged."""

    width: int
    params: int
    flops: float
    learning_rate: float
    steps: int
    capped: bool
    errors: tuple[float, ...]

    @property
    def error(self) -> float:
        """Median over the seeds."""
        return median(self.errors)


@final
@dataclass(frozen=True)
class Knee:
    """What a ladder says of the size that needs no target.

    Attributes:
        rung: The smallest width whose median error is within 1.1 x the width floor.
        floor: The least median error of the wide end.
        is_open: Whether the widest network is the best of the ladder by more than that margin: the knee may be larger.
    """

    rung: Rung
    floor: float
    is_open: bool


@final
@dataclass(frozen=True)
class Ladder:
    """Widths of one data set, ascending; ``facts`` is what they share."""

    facts: dict[str, Any]
    descriptors: Descriptors
    rungs: tuple[Rung, ...]

    @property
    def name(self) -> str:
        """The data set, and the side of its pictures and the number of examples where they were chosen."""
        return name_of(self.facts["dataset"], self.facts.get("resolution"), self.facts.get("subset"))

    def knee(self) -> Knee:
        """Return the smallest width within 1.1 x the width floor, by validation error.

        The floor is the least median error of the wide end. None wrong of n does not show that the error is 0:
        :func:`registry.statistics.knee_limit` counts k wrong of n as (k + 0.5) / (n + 1).
        """
        widest = self.rungs[-1]
        floor = min(rung.error for rung in self.rungs if rung.width * WIDE >= widest.width)
        limit = knee_limit(floor, "lower", self.facts["n_val"])
        rung = next(rung for rung in self.rungs if meets(rung.error, limit, "lower") or rung.error == floor)
        return Knee(rung, floor, is_open=rung is widest)


def name_of(dataset: str, resolution: int | None, subset: int | None) -> str:
    """Return what a data set, at one side of its pictures and with so many examples, is called among the ladders."""
    side = "" if resolution is None else f"-at-{resolution}"
    return f"{dataset}{side}{'' if subset is None else f'-of-{subset}'}"


def write_ladder(path: Path, ladder: Ladder) -> None:
    """Write a ladder; the folder must exist."""
    n_val = ladder.facts["n_val"]
    rows = [
        (
            r.width,
            r.params,
            r.flops,
            r.learning_rate,
            r.steps,
            int(r.capped),
            " ".join(wrong(e, n_val) for e in r.errors),
        )
        for r in ladder.rungs
    ]
    commented_csv.write(path, {**ladder.facts, "descriptors": ladder.descriptors.to_json()}, COLUMNS, rows)


def read_ladder(path: Path) -> Ladder:
    """Read what :func:`write_ladder` wrote.

    Raises:
        InvalidData: If the file is no ladder, or a fact or a number is missing or makes no sense; says where.
    """
    facts, rungs = commented_csv.read(path, "ladder of widths", COLUMNS, NEEDED, _rung)
    try:
        descriptors = Descriptors.from_json(facts.pop("descriptors", None), "facts.descriptors")
    except ValueError as error:
        raise InvalidData(f"{path}, line 1: {error}") from error
    if [rung.width for rung in rungs] != sorted({rung.width for rung in rungs}):
        raise InvalidData(f"{path}: widths do not rise from row to row")
    return Ladder(facts, descriptors, tuple(rungs))


def read_ladders(folder: Path = KNEES) -> list[Ladder]:
    """Read every ladder of a folder, by name."""
    return [read_ladder(path) for path in sorted(folder.glob("*.csv"))]


def _rung(row: dict[str, str], facts: dict[str, Any]) -> Rung:
    return Rung(
        width=whole(row, "width"),
        params=whole(row, "params"),
        flops=number(row, "flops"),
        learning_rate=number(row, "learning_rate"),
        steps=whole(row, "steps"),
        capped=bool(whole(row, "capped")),
        errors=tuple(errors(row, "val_wrong", facts["n_val"], math.inf)),
    )
