"""What on record a query is about; and why there is nothing: an unknown name, an impossible value, no record at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from registry.answers import Query, Question
from registry.errors import DamagedRegistry, NoAnswer, UnknownName, UsageError
from registry.metrics import comes_with, folder_of
from registry.wording import bench_command, can_train, further

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from registry.index import Index

_QUESTIONS: Final = "SELECT task, dataset, metric, unit, direction FROM questions WHERE task = ?"


def questions(indexes: list[Index], query: Query) -> Iterator[Question]:
    """Yield the data sets that the query is about, by name, without reading those that are not asked for."""
    wanted = [("dataset", query.dataset), ("metric", query.metric if query.targets else None)]
    conditions = "".join(f" AND {column} = ?" for column, value in wanted if value is not None)
    parameters = [query.task, *(value for _, value in wanted if value is not None)]
    select = f"{_QUESTIONS}{conditions} ORDER BY dataset, metric, unit, direction"
    cursors = [opened.rows(select, parameters) for opened in indexes]
    rows: Iterable[tuple[str, ...]] = cursors[0] if len(cursors) == 1 else _merged(cursors)
    previous = None
    for row in rows:
        if row != previous:
            yield Question(*row)
        previous = row


def _merged(cursors: Iterable[Iterable[tuple[str, ...]]]) -> Iterable[tuple[str, ...]]:
    from heapq import merge  # only here: as a rule there is one root

    return merge(*cursors)


def _refuse_unreadable(query: Query) -> None:
    """Refuse a name that is no text: bytes of the command line that are not UTF-8.

    Raises:
        UsageError: With the name, its bytes escaped.
    """
    names = {"task": query.task, "data set": query.dataset, "family": query.family, "metric": query.metric}
    for kind, name in names.items():
        if name and not name.isprintable():
            raise UsageError(f"the {kind} {name!a} is not a name", "expected letters, digits and hyphens")


def _refuse_damaged(indexes: list[Index], query: Query) -> None:
    """Say that there are records for a query but none of them can be read; return where there are none at all.

    Raises:
        DamagedRegistry: With the roots to validate.
    """
    folders = {query.family and folder_of(query.family, metric) for metric in ("accuracy", query.metric)}
    damaged = [
        opened.root.path
        for opened in indexes
        if any(opened.damaged(query.task, query.dataset, folder) for folder in folders)
    ]
    if damaged:
        about = [query.task, query.dataset and f"on {query.dataset}", query.family and f"with {query.family}"]
        what = " ".join(part for part in about if part)
        raise DamagedRegistry(f"every guideline for {what} is damaged", f"See: guides validate {' '.join(damaged)}")


def refuse_unanswerable(indexes: list[Index], query: Query) -> None:
    """Say which name or value of the query is wrong, or that there is no record at all for it; pass otherwise.

    Raises:
        UsageError: If a name is unknown, or a target cannot be.
        NoAnswer: If the names are right and nothing is on record.
        DamagedRegistry: If what is on record is damaged, all of it.
    """
    _refuse_unreadable(query)
    first = _any(indexes, _QUESTIONS, query.task)
    if first is None:
        _refuse_damaged(indexes, query)
        _refuse_unknown(indexes, "task", query.task)
        raise NoAnswer(f"no guideline for {query.task} is on record", further(query, query.dataset, "Make one"))
    if query.dataset is not None:
        first = _any(indexes, f"{_QUESTIONS} AND dataset = ?", query.task, query.dataset)
        if first is None:
            _refuse_damaged(indexes, query)
            _refuse_unknown(indexes, "dataset", query.dataset)
            message = f"no guideline for {query.task} on {query.dataset} is on record"
            raise NoAnswer(message, _of_task(indexes, query, query.dataset))
    if query.family is not None:
        select = "SELECT 1 FROM questions JOIN records USING (question) WHERE task = ? AND family = ? LIMIT 1"
        if _any(indexes, select, query.task, query.family) is None:
            _refuse_damaged(indexes, query)
            _refuse_unknown(indexes, "family", query.family)
            message = f"no guideline for {query.task} with {query.family} is on record"
            raise NoAnswer(message, further(query, query.dataset or first[1], "Make one"))
    if not query.targets:
        return
    asked = next(questions(indexes, query), None)
    if asked is None:
        metrics = _metrics(indexes, query)
        if comes_with(query.metric, metrics) and can_train(query, query.dataset):
            _refuse_unasked(query)
        message = f"{query.task} is measured by {metrics[0]}, not by {query.metric}"
        raise UsageError(message, f"Ask with: --target {'=VALUE or --target '.join(metrics)}=VALUE")
    for target in query.targets:
        _refuse_impossible(asked, target)


def _refuse_unasked(query: Query) -> None:
    """Say that nobody asked in this metric yet, though the harness can.

    Raises:
        UsageError: If a target cannot be.
        NoAnswer: With the command that asks.
    """
    for target in query.targets:
        _refuse_impossible(Question(query.task, query.dataset or "", query.metric, "fraction", "higher"), target)
    on = f" on {query.dataset}" if query.dataset else ""
    message = f"no guideline for {query.task}{on} by {query.metric} is on record"
    raise NoAnswer(message, further(query, query.dataset, "Make one"))


def _of_task(indexes: list[Index], query: Query, dataset: str) -> str:
    """Return the command that makes what a data set lacks; where none does, the data sets of the task on record."""
    if can_train(query, dataset):
        return f"Make one: {bench_command(query, dataset)}"
    select = "SELECT DISTINCT dataset FROM questions WHERE task = ?"
    found = {name for opened in indexes for (name,) in opened.rows(select, (query.task,))}
    return f"On record for {query.task}: {', '.join(sorted(found))}"


def _metrics(indexes: list[Index], query: Query) -> list[str]:
    """Return the metrics of a task, or of one of its data sets: those that records ask first, then further figures."""
    select = (
        "SELECT DISTINCT metric, records.record IS NULL FROM questions LEFT JOIN records USING (question) "
        "WHERE task = ? AND dataset = COALESCE(?, dataset)"
    )
    found = (row for opened in indexes for row in opened.rows(select, (query.task, query.dataset)))
    ordered = sorted(found, key=lambda row: (row[1], row[0]))
    return list(dict.fromkeys(metric for metric, _ in ordered))


def _any(indexes: list[Index], select: str, *parameters: str) -> tuple[Any, ...] | None:
    """Return the first row that any root has."""
    rows = (opened.rows(select, parameters).fetchone() for opened in indexes)
    return next((row for row in rows if row is not None), None)


def _refuse_impossible(question: Question, target: float) -> None:
    """Refuse a target that the metric can never take.

    Raises:
        UsageError: With what the metric can take.
    """
    low, high = {"fraction": (0.0, 1.0), "r2": (-math.inf, 1.0)}.get(question.unit, (0.0, math.inf))
    if low <= target <= high:
        return
    if question.unit == "fraction":
        from registry.parse import fraction

        fraction(f"{target:g}")
    limit = f"at most {high:g}" if target > high else f"at least {low:g}"
    raise UsageError(f"{target:g} is not a value of {question.metric}, which is {limit}")


def _refuse_unknown(indexes: list[Index], kind: str, name: str) -> None:
    """Raise for a name that neither a record nor the harness knows; suggest among those that one of them does."""
    from registry.plugins import known

    source = {"task": "questions", "dataset": "questions", "family": "records"}[kind]
    recorded = {
        value
        for opened in indexes
        for (value,) in opened.rows(f"SELECT DISTINCT {kind} FROM {source}")  # noqa: S608  # both words are ours
    }
    names = recorded | known(kind)
    if kind == "family" and name not in names:
        _refuse_family_of_source(indexes, name)
    if name not in names and (recorded or known(kind)):
        raise UnknownName({"dataset": "data set"}.get(kind, kind), name, names)


def _refuse_family_of_source(indexes: list[Index], name: str) -> None:
    """Raise for a name that published networks have as their family, which stands beside their figures only."""
    import json

    select = (
        "SELECT DISTINCT records.id FROM points JOIN records USING (record) "
        "WHERE instr(family_options, ?) ORDER BY records.id"
    )
    wanted = f'"family": {json.dumps(name)}'
    found = [record_id for opened in indexes for (record_id,) in opened.rows(select, (wanted,))]
    if found:
        under = sorted({record_id.rpartition("/")[2] for record_id in found})
        raise UsageError(
            f"'{name}' is no family of guidelines: networks of it are published under {' and '.join(under)}",
            f"Ask with --family {under[0]}, or without; guides show {found[0]}",
        )
