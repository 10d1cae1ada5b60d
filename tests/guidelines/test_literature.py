"""Published results count again: every row of every table stands in a record as it was written, and nothing else."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from registry.prior import published_bounds, size_of
from tests.shipped import ROOT

TABLES = sorted(ROOT.glob("*/*/literature/results.csv"))
HOW = {
    "": None,
    "stated": "stated",
    "hardware x time": "hardware-x-time",
    "params x tokens": "params-x-tokens",
    "3 x flops x examples x epochs": "flops-x-examples",
    "derived": "derived",
}
Key = tuple[str, str, str]


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="ascii") as opened:
        return [{"ram_bytes": "", "flash_bytes": "", "latency_s": "", "board": "", "precision": "",
                 "limit": "", "route": "", "pretrained_on": "", **row}
                for row in csv.DictReader(opened)]  # fmt: skip


def records_of(table: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(table.parents[1].glob("literature*/v1/guideline.json"))]


def whole(cell: str) -> int | None:
    return int(cell) if cell else None


def real(cell: str) -> float | None:
    return float(cell) if cell else None


def as_written(row: dict[str, str]) -> tuple[Any, ...]:
    """What a row says, but for the metric and its value."""
    is_int8 = row["precision"].startswith("int8")
    return (
        row["family"], whole(row["year"]), whole(row["params"]), real(row["flops"]), real(row["train_flops"]),
        HOW[row["train_flops_how"]], whole(row["resolution"]), whole(row["n_train"]), row["citation"], row["where"],
        is_int8, whole(row["ram_bytes"]), real(row["latency_s"]), row["board"] or None,
        row["route"] or "scratch", row["pretrained_on"] or None,
    )  # fmt: skip


def as_recorded(point: dict[str, Any]) -> tuple[Any, ...]:
    """The same of a point."""
    is_int8 = (point["precision"] or "").startswith("int8")
    (citation,) = re.findall(r" \[([^\]]+)\]$", point["citation"])
    return (
        point["family_options"]["family"], point["year"], point["params"], point["flops"], point["train_flops"],
        point["train_flops_source"], point["resolution"], point["n_train"], citation, point["where"],
        is_int8, point["ram_bytes_int8" if is_int8 else "ram_bytes"], point["latency_s"], point["board"],
        point["route"], point["pretrained_on"],
    )  # fmt: skip


def figures(record: dict[str, Any], point: dict[str, Any]) -> dict[str, float]:
    return {record["question"]["metric"]["name"]: point["value"], **point["metrics"]}


def test_there_are_tables() -> None:
    assert len(TABLES) >= 18


@pytest.mark.parametrize("table", [pytest.param(path, id="-".join(path.parts[-4:-2])) for path in TABLES])
def test_every_row_stands_in_a_record_and_every_figure_of_a_record_in_a_row(table: Path) -> None:
    rows, records = rows_of(table), records_of(table)
    written = Counter((as_written(row), row["metric"], float(row["value"])) for row in rows)
    recorded = Counter(
        (as_recorded(point), metric, value)
        for record in records
        for point in record["frontier"]
        for metric, value in figures(record, point).items()
    )

    assert recorded == written
    assert recorded.total() == len(rows)


@pytest.mark.parametrize("table", [pytest.param(path, id="-".join(path.parts[-4:-2])) for path in TABLES])
def test_names_notes_bounds_and_bytes_are_those_of_the_row(table: Path) -> None:
    by_row = {(as_written(row), row["metric"], float(row["value"]), row["model"]): row for row in rows_of(table)}
    for record in records_of(table):
        metric = record["question"]["metric"]
        n_test = record["question"]["dataset"]["n_test"]
        for point in record["frontier"]:
            key = (as_recorded(point), metric["name"], point["value"])
            row = next(row for (*start, model), row in by_row.items() if tuple(start) == key and model in point["name"])
            size = size_of(point["params"], point["weight_bytes"], point["weight_bytes_int8"])
            of_metric = (metric["name"], metric["unit"], metric["direction"])
            low, high = published_bounds(point["value"], *of_metric, n_test, size)

            assert re.fullmatch(re.escape(row["model"]) + r"( at \d+)?( in [a-z0-9 ]+)?", point["name"])
            if row["limit"]:
                assert (point["low"], point["high"]) == (None, None)
            else:
                assert point["low"] <= low
                assert point["high"] >= high
            assert row["notes"] in (point["note"] or "") or row["notes"][1:] in point["note"]
            assert ("elected on the validation set" in (point["note"] or "")) == (row["selected_on"] != "")
            if row["flash_bytes"]:
                held = "weight_bytes_int8" if row["precision"].startswith("int8") else "weight_bytes"
                assert point[held] == int(row["flash_bytes"])


def test_what_is_distilled_or_trained_first_on_other_data_says_so() -> None:
    points = {
        point["name"]: point
        for record in records_of(ROOT / "image-cls" / "imagenet-1k" / "literature" / "results.csv")
        for point in record["frontier"]
    }
    tiny = points["tiny_vit_5m_224.dist_in22k_ft_in1k"]

    assert (tiny["route"], tiny["pretrained_on"]) == ("distilled", "ImageNet-22k")
    assert "rained on ImageNet-22k, too" in tiny["note"]
    assert sum(point["route"] == "distilled" for point in points.values()) >= 39


def test_a_target_that_a_network_meets_is_no_result_and_ranks_nowhere() -> None:
    limits = [
        point
        for table in TABLES
        for record in records_of(table)
        for point in record["frontier"]
        if "MLPerf Tiny" in point["name"] and point["precision"] == "int8"
    ]

    assert len(limits) == 4
    assert all(point["low"] is None and point["high"] is None for point in limits)
    assert all("not its own result" in point["note"] for point in limits)


def test_a_share_of_few_test_items_is_not_surer_than_they_allow() -> None:
    (record,) = records_of(ROOT / "image-cls" / "tf-flowers" / "literature" / "results.csv")
    point = next(one for one in record["frontier"] if abs(one["value"] - 0.8442) < 0.02)
    binomial = (point["value"] * (1 - point["value"]) / 734) ** 0.5

    assert point["value"] - point["low"] >= 1.64 * binomial


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.parents[1].name)
def test_every_fact_of_a_benchmark_says_where_it_was_read_or_that_nobody_confirmed_it(table: Path) -> None:
    lines = (table.parent / "benchmark.toml").read_text(encoding="ascii").partition("[metrics")[0].splitlines()
    facts = [line for line in lines if re.match(r"(source|licence|n_train|n_test|n_classes) = ", line)]
    silent = [line for line in facts if not re.search(r"  # (read|not confirmed): .{10,}", line)]

    assert len(facts) >= 2
    assert silent == []


def test_the_page_counts_records_networks_and_figures_of_each_task() -> None:
    counted: dict[str, list[int]] = {}
    for path in sorted(ROOT.glob("*/*/*/v*/guideline.json")):
        record = json.loads(path.read_bytes())
        if record["evidence"] == "published":
            found = counted.setdefault(record["question"]["task"], [0, 0, 0, 0])
            points = record["frontier"]
            figures = sum(1 + len(point.get("metrics") or {}) for point in points)
            of_this = (1, len(points), figures, sum(bool(point["train_flops"]) for point in points))
            found[:] = [one + more for one, more in zip(found, of_this, strict=True)]
    counted["all"] = [sum(column) for column in zip(*counted.values(), strict=True)]
    page = (ROOT.parent / "docs" / "literature.md").read_text(encoding="utf-8")
    rows = page.partition("## What is on record")[2].partition("\n## ")[0].splitlines()
    said = [row.strip("| ").split(" | ") for row in rows if row.startswith("| ")][1:]

    assert {task: [int(cell.replace(",", "")) for cell in cells] for task, *cells in said} == counted
