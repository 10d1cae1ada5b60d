"""Rules on ``guideline.json`` as a file: it can be read, only one way, and follows the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry.rules.record import Problem, Record
from registry.store import canonical_json, schema_faults


def json(record: Record) -> Iterator[Problem]:
    """Strict JSON, as the loader reads it."""
    yield from record.load_faults("R-JSON")


def text(record: Record) -> Iterator[Problem]:
    """NFC without control, bidirectional or invisible characters (the loader's); no space around it."""
    yield from record.load_faults("R-TEXT")
    yield from _spaced(record.values, "")


def schema(record: Record) -> Iterator[Problem]:
    """The schema of its version."""
    if record.values:
        for field, message in schema_faults(record.values):
            yield Problem(field, message)


def canonical(record: Record) -> Iterator[Problem]:
    """RFC 8785: the same record has the same bytes, and so the same hash."""
    if record.values and record.data != canonical_json(record.values):
        yield Problem("", "is not canonical JSON (RFC 8785)")


def _spaced(value: Any, field: str) -> Iterator[Problem]:
    if isinstance(value, str) and value != value.strip():
        yield Problem(field, "has a space before or after its text")
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from _spaced(part, f"{field}.{key}" if field else str(key))
