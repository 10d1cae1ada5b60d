"""Records of published figures are written when they changed, and only then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness import cited
from registry.errors import InvalidRecord
from tests.example_record import published_record


def record() -> dict[str, Any]:
    values = published_record("image-cls/digits/lenet")
    del values["created"]
    return values


def file(root: Path) -> Path:
    return root / "image-cls/digits/lenet/v1/guideline.json"


def test_the_same_record_is_written_once(tmp_path: Path) -> None:
    assert cited.write(tmp_path, record())
    first = file(tmp_path).read_bytes()

    assert not cited.write(tmp_path, record())
    assert file(tmp_path).read_bytes() == first


def test_a_changed_record_replaces_the_one_before(tmp_path: Path) -> None:
    cited.write(tmp_path, record())
    changed = record()
    changed["frontier"][0]["params"] = 2601

    assert cited.write(tmp_path, changed)
    assert json.loads(file(tmp_path).read_bytes())["frontier"][0]["params"] == 2601


def test_a_damaged_record_is_written_anew(tmp_path: Path) -> None:
    cited.write(tmp_path, record())
    file(tmp_path).write_text("{")

    assert cited.write(tmp_path, record())


def test_a_record_that_breaks_a_rule_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    wrong = record()
    wrong["frontier"][0]["value"] = 98.0

    with pytest.raises(InvalidRecord, match=r"image-cls/digits/lenet v1: guideline.json:frontier.0.value: R-RANGE 98"):
        cited.write(tmp_path, wrong)
    assert not file(tmp_path).exists()
