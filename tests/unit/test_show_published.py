"""`guides show` of published networks says their further figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.example_record import published_record, write_record
from tests.unit.conftest import Result


def shown(guides: Callable[..., Result], root: Path, *metrics: dict[str, float]) -> list[str]:
    record = published_record("image-cls/digits/lenet")
    (point,) = record["frontier"]
    points: list[dict[str, Any]] = [{**point, "name": f"net {i}", "metrics": one} for i, one in enumerate(metrics)]
    write_record(root, {**record, "frontier": points}, {})
    return guides("show", "image-cls/digits/lenet", "--registry", root).out.splitlines()


def test_further_figures_stand_in_a_table_of_their_own(guides: Callable[..., Result], tmp_path: Path) -> None:
    lines = shown(guides, tmp_path, {"accuracy-top-5": 0.9991, "f1": 0.5}, {}, {"f1": 0.25})
    at = next(i for i, line in enumerate(lines) if line.startswith("further figures"))

    assert [line.split() for line in lines[at : at + 3]] == [
        ["further", "figures", "accuracy-top-5", "f1"],
        ["net", "0", "0.999", "0.500"],
        ["net", "2", "-", "0.250"],
    ]
    assert lines[at - 1] == lines[at + 3] == ""


def test_where_there_are_none_nothing_is_said_of_them(guides: Callable[..., Result], tmp_path: Path) -> None:
    assert not any("further" in line for line in shown(guides, tmp_path, {}))
