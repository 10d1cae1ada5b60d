"""The committed JSON Schema is the models', and says the same of a record as they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import registry
from registry.schema import SCHEMA_VERSION, json_schema
from registry.store import schema_faults
from tests.example_record import example_record, published_record

COMMITTED = Path(registry.__file__).with_name("guideline.schema.json")


def test_the_committed_schema_is_the_generated_one() -> None:
    generated = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"

    assert COMMITTED.read_text(encoding="utf-8") == generated, (
        "run: guides schema > registry/guideline.schema.json (or write json_schema() with indent=2 there)"
    )


def test_the_schema_names_its_dialect_and_its_version() -> None:
    schema = json_schema()

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(f":{SCHEMA_VERSION}")


@pytest.mark.parametrize("record", [example_record()[0], published_record()], ids=["measured", "published"])
def test_a_valid_record_passes_the_schema_and_the_models(record: dict[str, Any]) -> None:
    assert list(Draft202012Validator(json_schema()).iter_errors(record)) == []
    assert schema_faults(record) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 0),
        ("version", "1"),
        ("id", "Image/digits/mlp"),
        ("id", "image-cls/digits"),
        ("created", "yesterday"),
        ("extra", 1),
        ("evidence", "guessed"),
        ("authors", []),
        ("law", {}),
        ("frontier", [{}]),
    ],
)
def test_the_schema_and_the_models_refuse_the_same(key: str, value: Any) -> None:
    record = {**example_record()[0], key: value}

    assert not Draft202012Validator(json_schema()).is_valid(record)
    assert schema_faults(record) != []


def test_every_field_of_a_point_says_what_it_means() -> None:
    described = json_schema()["$defs"]["Point" if "Point" in json_schema()["$defs"] else "MeasuredPoint"]["properties"]

    for name in ("params", "flops", "weight_bytes", "ram_bytes", "latency_ratio", "route"):
        assert described[name]["description"]
