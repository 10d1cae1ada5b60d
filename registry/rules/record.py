"""What a rule is given: one record folder, read once, and what a rule gives back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, final

from registry.errors import BrokenRule, InvalidRecord
from registry.loader import JSON_LIMIT, parse_json, read_bytes, refuse_links
from registry.onnx_wire import Network, read_network
from registry.rules.runs import Run, read_runs
from registry.schema import KneePoint, MeasuredGuideline, MeasuredPoint, PublishedGuideline, TestResult
from registry.store import FOLDER_LIMIT, RECORD_FILE, parse_record, schema_faults

ANSWERS_LIMIT: Final = 200_000_000  # right and wrong answers in a whole record: 25 MB of bits
LEVELS: Final = 4  # task/dataset/family/v<N> between a root and a record's files


@final
class Problem(NamedTuple):
    """One place that breaks a rule; ``file`` is relative to the record's folder."""

    field: str
    message: str
    file: str = RECORD_FILE


@final
@dataclass(frozen=True)
class Rule:
    """One thing that holds for every record.

    Args:
        id: What findings and the documentation call it.
        says: What holds, in one line.
        check: Yields every place of a record where it does not hold.
    """

    id: str
    says: str
    check: Callable[[Record], Iterable[Problem]]


@final
class Result(NamedTuple):
    """One ``test`` group of a record, where it stands, and what it is held to: a target, a knee's limit or nothing."""

    field: str
    target: float | None
    test: TestResult


@final
class Record:
    """A record folder as found: rules ask for what they need, and find nothing where reading failed.

    Args:
        folder: The folder that holds ``guideline.json``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Path(os.path.normpath(Path.cwd() / folder))
        self.root = self.place.parents[LEVELS - 1] if len(self.place.parents) >= LEVELS else None

    @cached_property
    def _loaded(self) -> tuple[bytes, dict[str, Any], BrokenRule | None]:
        data = b""
        try:
            if self.root is not None:
                refuse_links(self.place, self.root)
            data = read_bytes(self.folder / RECORD_FILE, JSON_LIMIT)
            return data, parse_json(data, RECORD_FILE), None
        except BrokenRule as fault:
            return data, {}, fault

    @property
    def data(self) -> bytes:
        """The bytes of ``guideline.json``; empty where it cannot be read."""
        return self._loaded[0]

    @property
    def values(self) -> dict[str, Any]:
        """What it says, as plain JSON values; empty where it cannot be parsed."""
        return self._loaded[1]

    def load_faults(self, rule: str) -> Iterator[Problem]:
        """Yield why ``guideline.json`` could not be loaded, if it is ``rule`` that it broke."""
        fault = self._loaded[2]
        if fault is not None and fault.rule == rule:
            yield Problem(fault.field, fault.problem)

    @cached_property
    def guideline(self) -> MeasuredGuideline | PublishedGuideline | None:
        """The record as a model; None where it breaks the schema, which is another rule's finding."""
        return None if schema_faults(self.values) else parse_record(self.values, RECORD_FILE)

    @property
    def measured(self) -> MeasuredGuideline | None:
        """The record if it is valid and measured evidence."""
        return self.guideline if isinstance(self.guideline, MeasuredGuideline) else None

    def file(self, name: str) -> bytes | None:
        """Return what the file ``name`` of the folder holds; None where it cannot be read: R-FILES reports that."""
        try:
            return read_bytes(self.folder / name, FOLDER_LIMIT, root=self.folder)
        except BrokenRule:
            return None

    def network(self, name: str, kind: Literal["float", "int8"]) -> Network | InvalidRecord | None:
        """Return what the ONNX file ``name`` is made of, or why it may not be; None where the file cannot be read."""
        data = self.file(name)
        if data is None:
            return None
        try:
            return read_network(data, kind)
        except InvalidRecord as fault:
            return fault

    def points(self) -> Iterator[tuple[str, MeasuredPoint]]:
        """Yield (field, point) of frontier and knee."""
        if self.measured is None:
            return
        for group, points in (("frontier", self.measured.frontier), ("knee", self.measured.knee)):
            for i, point in enumerate(points):
                yield f"{group}.{i}", point

    @cached_property
    def runs(self) -> tuple[Run, ...] | None:
        """The lines of its trials file; None where they cannot be read: R-FILES or R-TRIALS says why."""
        data = None if self.measured is None else self.file(self.measured.trials.path)
        if self.measured is None or data is None:
            return None
        try:
            return read_runs(data, self.measured.trials.path)
        except BrokenRule:
            return None

    def n_answers(self) -> int:
        """Return how many right and wrong answers the record holds: one a test item, for each seed and tested run."""
        if self.measured is None:
            return 0
        n_seeds = sum(result.test.n_seeds for result in self.results())
        n_tested = sum(run.trial.tested for run in self.runs or ())
        return (n_seeds + n_tested) * (self.measured.question.dataset.n_test or 0)

    def results(self) -> Iterator[Result]:
        """Yield every ``test`` group: of frontier, knee, their brackets and the knee's reference."""
        for field, point in self.points():
            target = aim(point)
            yield Result(f"{field}.test", target, point.test)
            for j, cheaper in enumerate(point.bracket):
                yield Result(f"{field}.bracket.{j}.test", target, cheaper.test)
                if cheaper.test_longer is not None:
                    yield Result(f"{field}.bracket.{j}.test_longer", target, cheaper.test_longer)
            if isinstance(point, KneePoint):
                yield Result(f"{field}.reference.test", None, point.reference.test)


def aim(point: MeasuredPoint) -> float | None:
    """Return what a point is certified for: its target, or a knee's limit."""
    return point.limit if isinstance(point, KneePoint) else point.target
