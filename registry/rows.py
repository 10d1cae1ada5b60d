"""What the index holds of a record: the tables, and the rows that one record becomes.

What an answer will print or compare is checked here once more, whatever checked the record before: a damaged one is
left out instead of answering nonsense.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final

from registry.loader import LARGEST_INT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

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
  created TEXT NOT NULL, n_train INTEGER, input_size INTEGER, n_classes INTEGER, wall_s REAL, path TEXT NOT NULL,
  UNIQUE (id, version));
CREATE TABLE points (
  point INTEGER PRIMARY KEY, record INTEGER NOT NULL, question INTEGER NOT NULL, family TEXT NOT NULL,
  superseded INTEGER NOT NULL DEFAULT 0, kind TEXT NOT NULL, score REAL, target REAL,
  width INTEGER, depth INTEGER, resolution INTEGER, family_options TEXT NOT NULL, route TEXT NOT NULL,
  n_train INTEGER, steps INTEGER, params INTEGER NOT NULL, flops REAL, train_flops REAL,
  weight_bytes INTEGER, weight_bytes_int8 INTEGER, ram_bytes INTEGER, ram_bytes_int8 INTEGER, latency_ratio REAL,
  median REAL NOT NULL, low REAL, high REAL, n_seeds INTEGER, reach_value REAL, reach_low REAL,
  int8_metric REAL, name TEXT, citation TEXT);
CREATE TABLE brackets (
  point INTEGER NOT NULL, width INTEGER NOT NULL, depth INTEGER NOT NULL, resolution INTEGER, params INTEGER NOT NULL,
  median REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, n_seeds INTEGER NOT NULL, n_meeting INTEGER,
  longer_n_seeds INTEGER, longer_n_meeting INTEGER, verdict TEXT NOT NULL);
CREATE TABLE baselines (
  question INTEGER NOT NULL, record INTEGER NOT NULL, name TEXT NOT NULL, metric REAL NOT NULL,
  bytes INTEGER NOT NULL, flops REAL);
"""

INDEXES: Final = """
CREATE INDEX records_by_question ON records (question, id, version);
CREATE INDEX points_by_size ON points (question, kind, superseded, params, score);
CREATE INDEX points_by_score ON points (question, kind, score);
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
_BOUNDS: Final = {"fraction": (0.0, 1.0), "r2": (-math.inf, 1.0), "bits-per-byte": (0.0, math.inf)}


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
    record = _Fields(values)
    *names, folder, _ = path.split("/")
    task, dataset, family = names
    if record.text("id") != "/".join(names) or f"v{record.count('version')}" != folder:
        raise ValueError(f"id: '{values['id']}' version {values['version']} does not belong into this folder")
    question = record.part("question")
    facts, metric = question.part("dataset"), question.part("metric")
    if question.text("task") != task or facts.text("id") != dataset or not all(map(_SLUG.fullmatch, names)):
        raise ValueError("question: the task or data set is not the one in the id")
    measured = record.choice("evidence", "measured", "published") == "measured"
    unit = metric.choice("unit", *_BOUNDS)
    direction = metric.choice("direction", "higher", "lower")
    scale = _Scale(unit, direction)
    kinds = ("frontier", "knee") if measured else ("frontier",)
    points = [(kind, point) for kind in kinds for point in record.parts(kind)]
    rows = [(_measured if measured else _published)(kind, point, facts, scale) for kind, point in points]
    baselines = [_baseline(part, scale) for part in record.parts("baselines")] if measured else []
    head = {
        "id": record.text("id"),
        "version": record.count("version"),
        "supersedes": record.optional_count("supersedes"),
        "family": family,
        "evidence": record.text("evidence"),
        "created": record.text("created"),
        "n_train": facts.optional_count("n_train"),
        "input_size": None if facts.get("input_shape") is None else facts.size("input_shape"),
        "n_classes": facts.optional_count("n_classes"),
        "wall_s": record.part("cost").optional_number("wall_s") if measured else None,
        "path": path,
    }

    number = _question(connection, (task, dataset, metric.text("name"), unit, direction))
    key = _add(connection, "records", {**head, "question": number})
    for row, brackets in rows:
        point = _add(connection, "points", {**row, "record": key, "question": number, "family": family})
        for bracket in brackets:
            _add(connection, "brackets", {**bracket, "point": point})
    for baseline in baselines:
        _add(connection, "baselines", {**baseline, "record": key, "question": number})


class _Scale:
    """What values a metric can take, and which way is better."""

    def __init__(self, unit: str, direction: str) -> None:
        self.low, self.high = _BOUNDS[unit]
        self.higher = direction == "higher"

    def score(self, value: float) -> float:
        return value if self.higher else -value


class _Fields:
    """One JSON object whose values are checked as they are read; errors name the field from the top of the record."""

    def __init__(self, values: object, place: str = "") -> None:
        if not isinstance(values, dict):
            raise ValueError(f"{place or 'record'}: is not an object")
        self._values = values
        self._place = f"{place}." if place else ""

    def get(self, key: str) -> Any:
        return self._values.get(key)

    def part(self, key: str) -> _Fields:
        return _Fields(self.get(key), f"{self._place}{key}")

    def parts(self, key: str) -> list[_Fields]:
        return [_Fields(part, f"{self._place}{key}.{i}") for i, part in enumerate(self._list(key))]

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not value or not value.isprintable():
            raise self._fault(key, "is not a line of text")
        return value

    def choice(self, key: str, *choices: str) -> str:
        value = self.text(key)
        if value not in choices:
            raise self._fault(key, f"'{value}' is none of {', '.join(choices)}")
        return value

    def count(self, key: str) -> int:
        value = self.optional_count(key)
        if value is None:
            raise self._fault(key, "is missing")
        return value

    def optional_count(self, key: str) -> int | None:
        value = self.get(key)
        if value is not None and (type(value) is not int or not 0 <= value <= LARGEST_INT):
            raise self._fault(key, "is not a count")
        return value

    def size(self, key: str) -> int:
        """Return how many values an array of this shape holds."""
        size = 1
        for side in self._list(key):
            if type(side) is not int or side < 1:
                raise self._fault(key, "is not a list of counts")
            size *= side
            if size > LARGEST_INT:
                raise self._fault(key, f"holds more than {LARGEST_INT:,} values")
        return size

    def number(self, key: str, low: float = 0.0, high: float = math.inf) -> float:
        value = self.optional_number(key, low, high)
        if value is None:
            raise self._fault(key, "is missing")
        return value

    def optional_number(self, key: str, low: float = 0.0, high: float = math.inf) -> float | None:
        value = self.get(key)
        if value is None:
            return None
        if type(value) not in (int, float) or not math.isfinite(value):
            raise self._fault(key, "is not a finite number")
        if not low <= value <= high:
            raise self._fault(key, f"{value} is not in [{low:g}, {high:g}]")
        return float(value)

    def metric(self, key: str, scale: _Scale) -> float:
        return self.number(key, scale.low, scale.high)

    def _list(self, key: str) -> list[Any]:
        value = self.get(key)
        if not isinstance(value, list):
            raise self._fault(key, "is not a list")
        return value

    def _fault(self, key: str, problem: str) -> ValueError:
        return ValueError(f"{self._place}{key}: {problem}")


def _size(point: _Fields) -> dict[str, Any]:
    options = point.get("family_options") or {}
    return {
        "family_options": json.dumps(options, sort_keys=True),
        "route": point.choice("route", "scratch", "pruned", "distilled"),
        "params": point.count("params"),
        "flops": point.optional_number("flops"),
        "train_flops": point.optional_number("train_flops"),
        "weight_bytes": point.optional_count("weight_bytes"),
        "weight_bytes_int8": point.optional_count("weight_bytes_int8"),
        "ram_bytes": point.optional_count("ram_bytes"),
        "ram_bytes_int8": point.optional_count("ram_bytes_int8"),
        "latency_ratio": point.optional_number("latency_ratio"),
    }


def _shape(point: _Fields) -> dict[str, Any]:
    shape = point.part("shape")
    return {
        "width": shape.count("width"),
        "depth": shape.count("depth"),
        "resolution": shape.optional_count("resolution"),
    }


def _interval(test: _Fields, scale: _Scale) -> dict[str, Any]:
    low, median, high = (test.metric(key, scale) for key in ("low", "median", "high"))
    if not low <= median <= high:
        raise ValueError(f"test: the median {median} lies outside its own interval [{low}, {high}]")
    return {"median": median, "low": low, "high": high, "n_seeds": test.count("n_seeds")}


def _n_meeting(test: _Fields) -> int | None:
    """Return how many runs meet the point's target; None where it has none."""
    if test.get("reach") is None:
        return None
    return round(test.part("reach").number("value", high=1) * test.count("n_seeds"))


def _measured(kind: str, point: _Fields, facts: _Fields, scale: _Scale) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    test = point.part("test")
    reach = test.part("reach") if test.get("reach") is not None else None
    interval = _interval(test, scale)
    int8 = point.part("onnx").get("int8") if point.get("onnx") is not None else None
    row = {
        "kind": kind,
        "score": scale.score(interval["low" if scale.higher else "high"]),
        "target": point.metric("target", scale) if kind == "frontier" else None,
        **_shape(point),
        **_size(point),
        "n_train": point.count("n_train"),
        "steps": point.count("steps"),
        **interval,
        "reach_value": reach.number("value", high=1) if reach else None,
        "reach_low": reach.number("low", high=1) if reach else None,
        "int8_metric": None if int8 is None else point.part("onnx").part("int8").metric("metric", scale),
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


def _published(kind: str, point: _Fields, facts: _Fields, scale: _Scale) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    low, high = (point.metric(key, scale) if point.get(key) is not None else None for key in ("low", "high"))
    bound = low if scale.higher else high  # only this one is safe to compare with a target
    shape = _shape(point) if point.get("shape") is not None else {}
    row = {
        "kind": kind,
        "score": None if bound is None else scale.score(bound),
        **shape,
        **_size(point),
        "n_train": facts.optional_count("n_train"),
        "median": point.metric("value", scale),
        "low": low,
        "high": high,
        "name": point.text("name"),
        "citation": point.text("citation"),
    }
    return row, []


def _baseline(part: _Fields, scale: _Scale) -> dict[str, Any]:
    return {
        "name": part.text("name"),
        "metric": part.metric("metric", scale),
        "bytes": part.count("bytes"),
        "flops": part.optional_number("flops"),
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
