"""docs/results.md and the list of guidelines that ship: what is made, what is written, that both are in step."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import plugins, shipped
from harness.results import PAGE, text
from harness.shipped import Guideline, guidelines, listed
from registry.errors import InvalidData, UnknownName
from registry.roots import Root
from tests.example_record import example_record, write_record

ROOT = Path(__file__).parents[2] / "guidelines"


def test_page_is_what_the_records_say() -> None:
    assert text([Root(str(ROOT))]) == PAGE.read_text(encoding="utf-8"), "run: python -m harness results"


def test_a_row_has_the_smallest_by_any_route_and_the_largest_refuted(tmp_path: Path) -> None:
    record, files = example_record()
    write_record(tmp_path, record, files)
    row = text([Root(str(tmp_path))]).splitlines()[-1]

    point = min((one for one in record["frontier"]), key=lambda one: (-one["target"], one["params"]))
    assert f"{point['target']:g}: {point['params']:,}" in row
    assert row.startswith(f"| {record['id']} v1 | accuracy | ")


def test_a_knee_whose_reference_is_in_doubt_has_a_mark(tmp_path: Path) -> None:
    record, files = example_record()
    size = f"{record['knee'][0]['params']:,}"
    record["notes"].append("knee: for want of time its reference is at most 8 wide, where the ladders end at 64")
    write_record(tmp_path, record, files)

    assert f": {size}+" in text([Root(str(tmp_path))]).splitlines()[-1]


def test_of_many_targets_the_easiest_the_middle_one_and_the_hardest_are_shown(tmp_path: Path) -> None:
    record, files = example_record()
    first = record["frontier"][0]
    record["frontier"] = [{**first, "target": target} for target in (0.5, 0.9, 0.6, 0.7, 0.8)]
    write_record(tmp_path, record, files)
    row = text([Root(str(tmp_path))]).splitlines()[-1]

    assert [target for target in (0.5, 0.6, 0.7, 0.8, 0.9) if f"{target:g}: {first['params']:,}" in row] == [
        0.5,
        0.7,
        0.9,
    ]


@pytest.mark.parametrize("one", listed(), ids=lambda one: one.id)
def test_everything_listed_can_be_made(one: Guideline) -> None:
    task, data = plugins.load("tasks", one.task), plugins.load("datasets", one.dataset)

    assert plugins.load("families", one.family).takes(data)
    assert data.task == one.task
    assert 0 < one.core_minutes < 40
    for target in one.targets:
        task.check_target(target)


def test_the_list_is_that_of_the_measured_records_that_ship() -> None:
    found = {
        record["id"]
        for path in ROOT.glob("*/*/*/v*/guideline.json")
        if (record := json.loads(path.read_bytes()))["evidence"] == "measured"
    }

    assert found == {one.id for one in listed()}


@pytest.mark.parametrize("one", listed(), ids=lambda one: one.id)
def test_a_record_answers_what_the_list_asks_of_it(one: Guideline) -> None:
    [path] = ROOT.glob(f"{one.id}/v*/guideline.json")
    record = json.loads(path.read_bytes())
    answered = {point["target"] for point in record["frontier"]}
    said = " ".join(record["notes"])

    assert answered <= set(one.targets)
    assert all(f"target {target:g} not certified: " in said for target in set(one.targets) - answered)
    assert one.knee == (bool(record["knee"]) or "no knee: " in said)


@pytest.mark.parametrize("one", listed(), ids=lambda one: one.id)
def test_no_guideline_took_more_than_40_core_minutes(one: Guideline) -> None:
    [path] = ROOT.glob(f"{one.id}/v*/guideline.json")
    record = json.loads(path.read_bytes())

    assert record["cost"]["wall_s"] <= 40 * 60


def test_a_dry_run_prints_the_commands() -> None:
    said = CliRunner().invoke(guidelines, ["tabular-cls/wine/mlp", "--dry-run", "--workers", "4", "--out", "there"])

    assert said.output == (
        "guides bench --task tabular-cls --dataset wine --family mlp --target accuracy=0.9 --target accuracy=0.93 "
        "--target accuracy=0.95 --target accuracy=0.97 --knee --minutes 9.5 --workers 4 --out there --resume\n"
    )


def test_what_was_not_made_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(words: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        asked.append(words)
        return subprocess.CompletedProcess(words, 1 if "digits" in words else 3)

    monkeypatch.setattr(shipped.subprocess, "run", run)
    said = CliRunner().invoke(guidelines, ["tabular-cls/wine/mlp", "image-cls/digits/mlp"])

    assert isinstance(said.exception, InvalidData)
    assert said.exception.message == "1 of 2 were not made: image-cls/digits/mlp"
    assert [words[:3] for words in asked] == [[sys.executable, "-m", "registry"]] * 2


def test_an_unknown_guideline_is_refused() -> None:
    said = CliRunner().invoke(guidelines, ["tabular-cls/wine/mpl"])

    assert isinstance(said.exception, UnknownName)


@pytest.mark.parametrize("line", ["a,b,c,0.9,perhaps,40", "a,b,c,0.9,yes,soon", "a,b,c,much,yes,40", "a,b,c"])
def test_a_line_of_another_form_is_refused_by_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"task,dataset,family,targets,knee,core_minutes\n{line}\n", encoding="utf-8")

    with pytest.raises(InvalidData, match=r"list.csv:2: is no guideline"):
        listed(path)
