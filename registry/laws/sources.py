"""Find the laws on record that a question can be put to, and say why one of them does not answer."""

from __future__ import annotations

import json
import math
import os
from typing import TYPE_CHECKING, Any, Final, TypeVar

from registry.answers import Query, Question
from registry.errors import NoAnswer
from registry.law import Law
from registry.laws.cells import Cells
from registry.lookup import is_hidden
from registry.questions import refuse_unanswerable
from registry.tuples import NamedTuple
from registry.wording import bench_command, further

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from registry.index import Index
    from registry.law import Interval
    from registry.roots import Root

A = TypeVar("A")


class Source(NamedTuple):
    """A law on record.

    Args:
        id: The record's id.
        version: Its version.
        superseded: Whether a later version replaces it: it answers where no other does.
        family: Its family.
        question: Its data set and metric.
        root: Where it lies.
        law: The law, ready. Of a fraction it predicts nothing worse than the best constant answer; of other metrics it
            does, as networks may be: R2 below 0, more bits than without a context.
        facts: What else the index keeps of it: shape, floors, back-test error, examples and steps of its cells.
        cells: Its cells, from the record.
        batch_size: Examples a step; None: unknown.
        flops_per_param: Forward flops of one example a parameter, over the record's networks; None: unknown.
        record: Its row in its index.
        opened: The index.
    """

    id: str
    version: int
    superseded: bool
    family: str
    question: Question
    root: Root
    law: Law
    facts: Mapping[str, Any]
    cells: Cells
    batch_size: int | None
    flops_per_param: float | None
    record: int
    opened: Index

    @property
    def name(self) -> str:
        """``image-cls/digits/mlp v1``."""
        return f"{self.id} v{self.version}"

    def metric(self, error: float) -> float:
        """Return the task's metric that belongs to an error, kept within what its unit allows."""
        value = error if self.question.direction == "lower" else 1 - error
        return min(max(value, 0.0), 1.0) if self.question.unit == "fraction" else value

    def metrics(self, interval: Interval) -> tuple[float, float]:
        """Return the metric's interval, lower end first, that belongs to an error's."""
        low, high = sorted(map(self.metric, interval))
        return low, high

    def error(self, metric: float) -> float:
        """Return the error that belongs to a value of the metric, to 12 decimals: 1 - 0.9 is 0.1."""
        return metric if self.question.direction == "lower" else round(1 - metric, 12)

    @property
    def chance(self) -> float | None:
        """The error of the best constant answer; None: unknown. That of R2 and of fractions is 1 at most."""
        known: float | None = self.facts.get("chance") or None
        return 1.0 if known is None and self.question.unit in ("fraction", "r2") else known

    @property
    def network(self) -> str:
        """``width 8, depth 1``, or what sizes the law covers."""
        if self.facts.get("width") is not None:
            side = self.facts.get("resolution")
            return f"width {self.facts['width']}, depth {self.facts['depth']}{f', resolution {side}' if side else ''}"
        return " and ".join(self.law.variables[1:]) or "one shape"

    def range_of(self, variable: str) -> str:
        """``60 to 1,000``: the range of one variable that the law was fitted on."""
        low, high = self.law.ranges[self.law.variables.index(variable)]
        return f"{math.exp(low):,.0f} to {math.exp(high):,.0f}"


def find(indexes: list[Index], query: Query, sizes: Iterable[str] = ()) -> list[Source]:
    """Return the laws in n_train for a task, by id: of each record the version that counts.

    Args:
        indexes: One for each root, first wins.
        query: Task, data set, family, targets and their metric.
        sizes: Variables that the law must have beside the data.

    Raises:
        UsageError: If a name is unknown or a target cannot be.
        NoAnswer: If no record has such a law.
        DamagedRegistry: If what is on record is damaged, all of it.
    """
    refuse_unanswerable(indexes, query)
    found: dict[str, tuple[tuple[bool, int, int], Index, tuple[Any, ...]]] = {}
    wanted = {"task": query.task, "dataset": query.dataset, "family": query.family}
    if query.targets:
        wanted["metric"] = query.metric
    given = {column: value for column, value in wanted.items() if value is not None}
    select = f"{_LAWS} WHERE {' AND '.join(f'{column} = ?' for column in given)}"
    for position, opened in enumerate(indexes):
        for row in opened.rows(select, tuple(given.values())):
            record_id, version, superseded = row[:3]
            if is_hidden((record_id, version), indexes, position, allow_superseded=True):
                continue
            old = bool(superseded) or is_hidden((record_id, version), indexes, position, allow_superseded=False)
            rank = (old, -version, position)
            if record_id not in found or rank < found[record_id][0]:
                found[record_id] = (rank, opened, row)
    sources = [_source(*found[record_id]) for record_id in sorted(found)]
    in_data = [source for source in sources if source.law.variables[0] == "n_train"]
    sizes = list(sizes)
    fitting = [source for source in in_data if set(sizes) <= set(source.law.variables[1:])]
    if not fitting:
        raise _none(query, in_data, sizes)
    return fitting


class Refusal(NamedTuple):
    """Why a law does not answer; ``asked`` is what it was asked for."""

    source: Source
    asked: float
    reason: NoAnswer


def answers(
    asked: Sequence[tuple[Source, float]], one: Callable[[Source, float], A]
) -> tuple[tuple[A, ...], tuple[Refusal, ...]]:
    """Put each question to its law; return the answers, and the laws that have none with the reason.

    Raises:
        NoAnswer: The first reason, if nothing has an answer.
    """
    found: list[A] = []
    refused: list[Refusal] = []
    for source, question in asked:
        try:
            found.append(one(source, question))
        except NoAnswer as reason:
            refused.append(Refusal(source, question, reason))
    if not found:
        first = refused[0]
        more = len({refusal.source.id for refusal in refused}) - 1
        others = f" (and {more} more {'law has' if more == 1 else 'laws have'} no answer)" if more else ""
        raise type(first.reason)(f"{first.source.name}: {first.reason.message}{others}", first.reason.hint)
    return tuple(found), tuple(refused)


def unlogged(log_value: float) -> float:
    """Return the number to 12 figures: 500, not 499.99999999999983."""
    return float(f"{math.exp(log_value):.12g}")


_LAWS: Final = (
    "SELECT id, version, superseded, family, task, dataset, metric, unit, direction, law, batch_size, flops_per_param, "
    "record, path FROM laws JOIN records USING (record) JOIN questions USING (question)"
)


def _source(rank: tuple[bool, int, int], opened: Index, row: tuple[Any, ...]) -> Source:
    record_id, version, _, family, *question, law, batch_size, flops_per_param, record, path = row
    facts, asked = json.loads(law), Question(*question)
    ready = Law(facts if asked.unit == "fraction" else {**facts, "chance": None})
    return Source(
        record_id,
        version,
        rank[0],
        family,
        asked,
        opened.root,
        ready,
        facts,
        Cells(os.path.join(opened.root.path, path), ready, facts),  # noqa: PTH118 - pathlib is slow to import
        batch_size,
        flops_per_param,
        record,
        opened,
    )


def _none(query: Query, others: Sequence[Source], sizes: Sequence[str]) -> NoAnswer:
    """Say that no record has such a law, and what would do."""
    on = f"{f' on {query.dataset}' if query.dataset else ''}{f' with {query.family}' if query.family else ''}"
    if not others:
        hint = further(query, query.dataset, "Make one") if query.dataset else f"Make one: {bench_command(query)}"
        by = f" by {query.metric}" if query.targets else ""
        return NoAnswer(f"no law for {query.task}{on}{by} is on record", hint)
    first = others[0]
    only = f"{first.law.variables[0]} alone, for {first.network}"
    return NoAnswer(
        f"no law for {query.task}{on} is in {' and '.join(sizes)}; that of {first.name} is in "
        f"{only if len(first.law.variables) == 1 else ' and '.join(first.law.variables)}",
        f"guides predict and guides data-needed answer without {' and '.join(sizes)}",
    )
