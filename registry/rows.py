"""What the index holds of a record: the tables, and the rows that one record becomes.

What an answer will print or compare is checked here once more, whatever checked the record before: a damaged one is
left out instead of answering nonsense.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from registry.answers import KNEE_NOTE, NO_BRACKET, NO_KNEE
from registry.fields import BOUNDS, Fields, Scale
from registry.metrics import family_of
from registry.prior import published_bounds, size_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

# ``score`` is the bound a target is compared with, turned so that higher is better; null: no bound, so no claim.
TABLES: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE watched (path TEXT PRIMARY KEY, stamp TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE damaged (path TEXT PRIMARY KEY, problem TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE questions (
  question INTEGER PRIMARY KEY, task TEXT NOT NULL, dataset TEXT NOT NULL,
  metric TEXT NOT NULL, unit TEXT NOT NULL, direction TEXT NOT NULL,
  UNIQUE (task, dataset, metric, unit, direction));
CREATE TABLE records (
  record INTEGER PRIMARY KEY, id TEXT NOT NULL, version INTEGER NOT NULL, supersedes INTEGER,
  superseded INTEGER NOT NULL DEFAULT 0, question INTEGER NOT NULL, family TEXT NOT NULL, evidence TEXT NOT NULL,
  created TEXT NOT NULL, n_train INTEGER, input_size INTEGER, n_classes INTEGER, wall_s REAL, no_knee TEXT,
  path TEXT NOT NULL,
  UNIQUE (id, version));
CREATE TABLE points (
  point INTEGER PRIMARY KEY, record INTEGER NOT NULL, question INTEGER NOT NULL, family TEXT NOT NULL,
  superseded INTEGER NOT NULL DEFAULT 0, kind TEXT NOT NULL, score REAL, target REAL,
  of_knee INTEGER NOT NULL DEFAULT 0,
  width INTEGER, depth INTEGER, resolution INTEGER, family_options TEXT NOT NULL, route TEXT NOT NULL,
  n_train INTEGER, steps INTEGER, params INTEGER, flops REAL, train_flops REAL,
  weight_bytes INTEGER, weight_bytes_int8 INTEGER, ram_bytes INTEGER, ram_bytes_int8 INTEGER, latency_ratio REAL,
  median REAL NOT NULL, low REAL, high REAL, n_seeds INTEGER, reach_value REAL, reach_low REAL,
  int8_metric REAL, name TEXT, citation TEXT,
  found_at TEXT, recipe TEXT, precision TEXT, file_bytes INTEGER, note TEXT, input_size INTEGER,
  latency_s REAL, board TEXT, reference TEXT, doubts TEXT, hasty INTEGER NOT NULL DEFAULT 0);
CREATE TABLE brackets (
  point INTEGER NOT NULL, width INTEGER NOT NULL, depth INTEGER NOT NULL, resolution INTEGER, params INTEGER NOT NULL,
  median REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, n_seeds INTEGER NOT NULL, n_meeting INTEGER,
  longer_n_seeds INTEGER, longer_n_meeting INTEGER, verdict TEXT NOT NULL);
CREATE TABLE baselines (
  question INTEGER NOT NULL, record INTEGER NOT NULL, name TEXT NOT NULL, metric REAL NOT NULL,
  bytes INTEGER NOT NULL, flops REAL);
CREATE TABLE laws (record INTEGER PRIMARY KEY, batch_size INTEGER, flops_per_param REAL, law TEXT NOT NULL);
"""

INDEXES: Final = """
CREATE INDEX records_by_question ON records (question, id, version);
CREATE INDEX points_by_size ON points (question, kind, superseded, params, score);
CREATE INDEX points_by_score ON points (question, kind, superseded, score);
CREATE INDEX points_by_record ON points (record);
CREATE INDEX brackets_by_point ON brackets (point);
CREATE INDEX baselines_by_question ON baselines (question);
"""

# A version is superseded where a later one of the same id says that it replaces this version or a later one.
SUPERSEDE: Final = """
UPDATE records SET superseded = 1 WHERE EXISTS (
  SELECT 1 FROM records AS newer
  WHERE newer.id = records.id AND newer.version > records.version AND newer.supersedes >= records.version);
UPDATE points SET superseded = 1 WHERE record IN (SELECT record FROM records WHERE superseded);
"""

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")

Direction = Literal["higher", "lower"]


class Metric(NamedTuple):
    """What a target is stated in, as the index's questions name it."""

    name: str
    unit: str
    direction: Direction


# Further figures of a published network stand in its record by name alone. What the name says of unit and direction is
# here; a figure under any other name answers no target.
_FURTHER: Final[tuple[tuple[re.Pattern[str], str, Direction], ...]] = (
    (
        re.compile(r"((balanced|pixel)-)?accuracy(-top-[0-9]+)?|em|f1|bleu|auc|([a-z]+-)?(map|miou)"),
        "fraction",
        "higher",
    ),
    (re.compile(r"epe(-[a-z0-9-]+)?"), "pixels", "lower"),
    (re.compile(r"fl-all(-[a-z0-9-]+)?"), "fraction", "lower"),
)


def insert(connection: sqlite3.Connection, values: Mapping[str, Any], path: str) -> None:
    """Add the rows of one record.

    Args:
        connection: An open index, inside a transaction.
        values: The record, parsed.
        path: Its file, relative to the root: ``<task>/<dataset>/<family>/v<N>/guideline.json``.

    Raises:
        ValueError: If a value that an answer rests on is missing or cannot be; the message names its field.
            Nothing has been added then.
    """
    record = Fields(values)
    *names, folder, _ = path.split("/")
    task, dataset, family = names
    if record.text("id") != "/".join(names) or f"v{record.count('version')}" != folder:
        raise ValueError(f"id: '{values['id']}' version {values['version']} does not belong into this folder")
    question = record.part("question")
    facts, metric = question.part("dataset"), question.part("metric")
    if question.text("task") != task or facts.text("id") != dataset or not all(map(_SLUG.fullmatch, names)):
        raise ValueError("question: the task or data set is not the one in the id")
    measured = record.choice("evidence", "measured", "published") == "measured"
    unit = metric.choice("unit", *BOUNDS)
    direction: Direction = "higher" if metric.choice("direction", "higher", "lower") == "higher" else "lower"
    asked, scale = Metric(metric.text("name"), unit, direction), Scale(unit, direction)
    family = family_of(family, asked.name) if measured else family
    kinds = ("frontier", "knee") if measured else ("frontier",)
    points = [(kind, point) for kind in kinds for point in record.parts(kind)]
    notes = [note for note in values.get("notes") or () if isinstance(note, str)]
    rows = (
        [
            *[(asked, *_measured(kind, point, scale, notes)) for kind, point in points],
            *[(asked, *_as_target(point, scale, notes)) for kind, point in points if kind == "knee"],
        ]
        if measured
        else [(*row, _NONE) for _, point in points for row in _published(point, facts, asked)]
    )
    baselines = [_baseline(part, scale) for part in record.parts("baselines")] if measured else []
    law = _law(record, points) if measured and record.get("law") is not None else None
    head = {
        "id": record.text("id"),
        "version": record.count("version"),
        "supersedes": record.optional_count("supersedes"),
        "family": family,
        "evidence": record.text("evidence"),
        "created": record.text("created"),
        "n_train": facts.optional_count("n_train"),
        "input_size": _input_size(facts),
        "n_classes": facts.optional_count("n_classes"),
        "wall_s": record.part("cost").optional_number("wall_s") if measured else None,
        "no_knee": _no_knee(notes) if measured else None,
        "path": path,
    }

    number = _question(connection, (task, dataset, *asked))
    key = _add(connection, "records", {**head, "question": number})
    numbers = {name: _question(connection, (task, dataset, *name)) for name in dict.fromkeys(name for name, *_ in rows)}
    for name, row, brackets in rows:
        point = _add(connection, "points", {**row, "record": key, "question": numbers[name], "family": family})
        for bracket in brackets:
            _add(connection, "brackets", {**bracket, "point": point})
    for baseline in baselines:
        _add(connection, "baselines", {**baseline, "record": key, "question": number})
    if law is not None:
        _add(connection, "laws", {**law, "record": key})


def _input_size(facts: Fields) -> int | None:
    """Return how many numbers, or symbols, an example has: symbols are counted once, not as one-hot rows."""
    if facts.get("input_shape") is None:
        return None
    size: int = facts.size("input_shape")
    return size // facts.get("input_shape")[-1] if facts.get("symbols") is True else size


def _no_knee(notes: Sequence[str]) -> str | None:
    """Return why a record that was to have a knee has none; None where it was not asked for, or found."""
    return next((note.removeprefix(NO_KNEE) for note in notes if note.startswith(NO_KNEE)), None)


def doubts(notes: Sequence[str]) -> list[str]:
    """Return what a record says of the knee's reference, which stands for the widest network."""
    about = (note.removeprefix(KNEE_NOTE) for note in notes if note.startswith(KNEE_NOTE))
    return [note for note in about if "its reference" in note or "the width floor" in note]


def _is_hasty(target: float | None, route: str, notes: Sequence[str]) -> bool:
    """Say whether a note tells that nothing smaller than this answer was tried, for want of time."""
    said = f"{NO_BRACKET} {'knee' if target is None else f'target {target:g}'}, {route}:"
    return any(note.startswith(said) for note in notes)


def _size(point: Fields, *, measured: bool) -> dict[str, Any]:
    options = point.get("family_options") or {}
    return {
        "family_options": json.dumps(options, sort_keys=True),
        "route": point.choice("route", "scratch", "pruned", "distilled"),
        "params": point.count("params") if measured else point.optional_count("params"),
        "flops": point.optional_number("flops"),
        "train_flops": point.optional_number("train_flops"),
        "weight_bytes": point.optional_count("weight_bytes"),
        "weight_bytes_int8": point.optional_count("weight_bytes_int8"),
        "ram_bytes": point.optional_count("ram_bytes"),
        "ram_bytes_int8": point.optional_count("ram_bytes_int8"),
        "latency_ratio": point.optional_number("latency_ratio"),
    }


def _shape(point: Fields) -> dict[str, Any]:
    shape = point.part("shape")
    return {
        "width": shape.count("width"),
        "depth": shape.count("depth"),
        "resolution": shape.optional_count("resolution"),
    }


def _interval(test: Fields, scale: Scale) -> dict[str, Any]:
    low, median, high = (test.metric(key, scale) for key in ("low", "median", "high"))
    if not low <= median <= high:
        raise ValueError(f"test: the median {median} lies outside its own interval [{low}, {high}]")
    return {"median": median, "low": low, "high": high, "n_seeds": test.count("n_seeds")}


def _n_meeting(test: Fields) -> int | None:
    """Return how many runs meet the point's target; None where it has none."""
    if test.get("reach") is None:
        return None
    return round(test.part("reach").number("value", high=1) * test.count("n_seeds"))


def _measured(
    kind: str, point: Fields, scale: Scale, notes: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    test = point.part("test")
    target = point.metric("target", scale) if kind == "frontier" else None
    reach = test.part("reach") if test.get("reach") is not None else None
    interval = _interval(test, scale)
    int8 = point.part("onnx").get("int8") if point.get("onnx") is not None else None
    row = {
        "kind": kind,
        "score": scale.score(interval["low" if scale.higher else "high"]),
        "target": target,
        **_shape(point),
        **_size(point, measured=True),
        "n_train": point.count("n_train"),
        "steps": point.count("steps"),
        **interval,
        "reach_value": reach.number("value", high=1) if reach else None,
        "reach_low": reach.number("low", high=1) if reach else None,
        "int8_metric": None if int8 is None else point.part("onnx").part("int8").metric("metric", scale),
        "reference": json.dumps(_shape(point.part("reference"))) if kind == "knee" else None,
        "doubts": json.dumps(doubts(notes)) if kind == "knee" else None,
        "hasty": _is_hasty(target, point.text("route"), notes),
    }
    brackets = [
        {
            **_shape(part),
            "params": part.count("params"),
            **_interval(part.part("test"), scale),
            "n_meeting": _n_meeting(part.part("test")),
            "longer_n_seeds": longer.count("n_seeds") if longer else None,
            "longer_n_meeting": _n_meeting(longer) if longer else None,
            "verdict": part.choice("verdict", "refuted", "undecided"),
        }
        for part in point.parts("bracket")
        for longer in [part.part("test_longer") if part.get("test_longer") is not None else None]
    ]
    return row, brackets


def _as_target(point: Fields, scale: Scale, notes: Sequence[str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a knee as what it is besides: a network certified for its limit, and so for every easier target."""
    row, brackets = _measured("knee", point, scale, notes)
    return {**row, "kind": "frontier", "target": point.metric("limit", scale), "of_knee": 1}, brackets


_NONE: Final[list[dict[str, Any]]] = []  # nothing was tried below a published network


def _published(point: Fields, facts: Fields, asked: Metric) -> Iterator[tuple[Metric, dict[str, Any]]]:
    """Yield a row for the metric that the record asks, then one for each further figure that can answer a target."""
    scale = Scale(asked.unit, asked.direction)
    low, high = (point.metric(key, scale) if point.get(key) is not None else None for key in ("low", "high"))
    size = _size(point, measured=False)
    file_bytes = point.optional_count("file_bytes")
    is_int8 = point.get("precision") in ("int8", "int8-mixed")
    if is_int8 and size["weight_bytes_int8"] is None:
        size["weight_bytes_int8"] = file_bytes  # at least its weights
    network = {
        "kind": "frontier",
        **({"resolution": point.optional_count("resolution")} if point.get("shape") is None else _shape(point)),
        **size,
        "n_train": point.optional_count("n_train"),  # not the data set's: other data may have been used, too
        "name": point.text("name"),
        "citation": point.text("citation"),
        "found_at": point.text("where"),
        "recipe": point.optional_part("links").optional_text("recipe"),
        "precision": point.optional_text("precision"),
        "file_bytes": file_bytes,
        "note": point.optional_text("note"),
        "latency_s": point.optional_number("latency_s"),
        "board": point.optional_text("board"),
        "input_size": None if point.get("input_shape") is None else point.size("input_shape"),
    }
    yield asked, network | _figure(point.metric("value", scale), low, high, scale, is_int8=is_int8)
    figures = point.part("metrics") if point.get("metrics") is not None else Fields({})
    for name in point.get("metrics") or ():
        metric = _further(name)
        if metric is None or name == asked.name:
            continue
        scale = Scale(metric.unit, metric.direction)
        value = figures.metric(name, scale)
        params = size_of(size["params"], size["weight_bytes"], size["weight_bytes_int8"])
        low, high = published_bounds(value, *metric, facts.optional_count("n_test"), params)
        yield metric, network | _figure(value, low, high, scale, is_int8=is_int8)


def _figure(value: float, low: float | None, high: float | None, scale: Scale, *, is_int8: bool) -> dict[str, Any]:
    bound = low if scale.higher else high  # only this one is safe to compare with a target
    return {
        "score": None if bound is None else scale.score(bound),
        "median": value,
        "low": low,
        "high": high,
        "int8_metric": value if is_int8 else None,
    }


def _further(name: str) -> Metric | None:
    """Return what a further figure of this name is in; None where the name does not say."""
    kinds = ((unit, direction) for pattern, unit, direction in _FURTHER if pattern.fullmatch(name))
    return next((Metric(name, *kind) for kind in kinds), None)


def _baseline(part: Fields, scale: Scale) -> dict[str, Any]:
    return {
        "name": part.text("name"),
        "metric": part.metric("metric", scale),
        "bytes": part.count("bytes"),
        "flops": part.optional_number("flops"),
    }


def _law(record: Fields, points: Sequence[tuple[str, Fields]]) -> dict[str, Any]:
    """Return the law's row: what evaluates it as it stands, the rest checked; it is no use where it has no value."""
    from registry.errors import InvalidRecord
    from registry.laws.stored import Law

    law = record.part("law")
    as_stored = {key: law.get(key) for key in ("variables", "forms", "draws", "interval", "valid_range", "chance")}
    try:
        Law(as_stored)
    except InvalidRecord as fault:
        raise ValueError(f"law: {fault.message}") from None
    kept = {
        **as_stored,
        **(_shape(law) if law.get("shape") is not None else {}),
        "backtest_error": law.optional_number("backtest_error"),
        **{key: _bound(law, key) for key in ("width_floor", "irreducible_error")},
        "cells": [[cell.count("n_train"), cell.count("steps")] for cell in law.parts("points")],
        "examples_seen_rule": law.text("examples_seen_rule"),
    }
    sizes = [(point.optional_number("flops") or 0.0, point.count("params")) for _, point in points]
    ratios = [math.log(flops / params) for flops, params in sizes if flops > 0 and params > 0]
    return {
        "batch_size": record.part("recipe").optional_count("batch_size") if record.get("recipe") is not None else None,
        "flops_per_param": math.exp(math.fsum(ratios) / len(ratios)) if ratios else None,
        "law": json.dumps(kept, separators=(",", ":"), allow_nan=False),
    }


def _bound(law: Fields, key: str) -> dict[str, float | None] | None:
    if law.get(key) is None:
        return None
    bound = law.part(key)
    return {
        "value": bound.number("value"),
        "low": bound.optional_number("low"),
        "high": bound.optional_number("high"),
    }


def _question(connection: sqlite3.Connection, values: tuple[str, ...]) -> int:
    connection.execute(
        "INSERT OR IGNORE INTO questions (task, dataset, metric, unit, direction) VALUES (?, ?, ?, ?, ?)", values
    )
    found = connection.execute(
        "SELECT question FROM questions WHERE (task, dataset, metric, unit, direction) = (?, ?, ?, ?, ?)", values
    )
    return int(found.fetchone()[0])


def _add(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> int:
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    insert = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608  # our own table and columns
    added = connection.execute(insert, tuple(row.values()))
    return int(added.lastrowid or 0)
