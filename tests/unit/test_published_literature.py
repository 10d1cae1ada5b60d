"""`python -m harness published literature`: tables in, records out, and what validation says of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.__main__ import main
from harness.published import literature as source
from harness.published.zoo.questions import QUESTIONS
from registry.cli import run as guides
from registry.errors import UsageError
from registry.literature import table
from registry.loader import read_json
from registry.store import canonical_json
from registry.validate import validate
from tests.literature_tables import PLACE, add, folder_of
from tests.shipped import ROOT

SOUND = "Better,net,2021,accuracy,0.7,,,,,,,,he2016,Table 2,"


def record(root: Path, family: str = "literature") -> dict[str, Any]:
    values: dict[str, Any] = read_json(root / PLACE.parent / family / "v1" / "guideline.json")
    return values


def test_refused_rows_are_told_and_counted_and_the_record_is_made_of_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of("percent", tmp_path)
    add(folder, SOUND)
    with pytest.raises(SystemExit) as ended:
        main(["published", "literature", str(folder)])
    said = capsys.readouterr()

    assert ended.value.code == 1
    assert f"{folder}/results.csv:3.value: L-PERCENT 76.1 is percent" in said.err
    assert "2 rows or files were refused" in said.err
    assert "image-cls/imagenet-1k: 4 rows = 2 networks + 0 further figures + 2 refused" in said.out
    assert [point["name"] for point in record(tmp_path)["frontier"]] == ["Sound", "Better"]


def test_the_same_table_gives_the_same_bytes_and_keeps_when_they_were_made(tmp_path: Path) -> None:
    folder_of("working", tmp_path)
    CliRunner().invoke(source.COMMAND, [str(tmp_path)])
    made = record(tmp_path)
    file = tmp_path / PLACE / "v1" / "guideline.json"
    file.write_bytes(canonical_json({**made, "created": "2020-01-01T00:00:00Z"}))
    before = file.read_bytes()
    again = CliRunner().invoke(source.COMMAND, [str(tmp_path)])

    assert "literature v1: 2 networks, as it was" in again.output
    assert file.read_bytes() == before


def test_a_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no literature/results\.csv"):
        CliRunner().invoke(source.COMMAND, [str(tmp_path)], catch_exceptions=False)


def test_validation_holds_a_record_against_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of("future", tmp_path)
    rows = (folder / "results.csv").read_text(encoding="ascii").replace("2027", "2020")
    (folder / "results.csv").write_text(rows, encoding="ascii")
    CliRunner().invoke(source.COMMAND, [str(folder)])
    assert validate(folder) == []

    changed = record(tmp_path)
    changed["frontier"][1]["where"] = "Table 9"
    (folder / "v1" / "guideline.json").write_bytes(canonical_json(changed))
    code = guides(["validate", str(tmp_path)])

    assert code == 1
    expected = (
        "L-RECORD is Table 9, but results.csv gives Table 1; make it again: python -m harness published literature"
    )
    assert f"{folder}/v1/guideline.json:frontier.1.where: {expected}\n" in capsys.readouterr().out


def test_a_record_that_no_row_gives_any_more_is_found(tmp_path: Path) -> None:
    folder = folder_of("future", tmp_path)
    (folder / "results.csv").write_text(
        (folder / "results.csv").read_text(encoding="ascii").replace(",2027,accuracy,", ",2020,accuracy-top-5,"),
        encoding="ascii",
    )
    CliRunner().invoke(source.COMMAND, [str(folder)])
    assert validate(folder) == []
    assert record(tmp_path, "literature-accuracy-top-5")["frontier"][0]["name"] == "Net"

    add(folder, "Net,net,2020,accuracy,0.6,,,,,,,,he2016,Table 1,")
    CliRunner().invoke(source.COMMAND, [str(folder)])

    (only,) = validate(tmp_path)
    assert only.file == str(tmp_path / PLACE.parent / "literature-accuracy-top-5" / "v1" / "guideline.json")
    assert only.message == "is given by no row of results.csv: remove it"


@pytest.mark.parametrize("name", ["ImageNet-1K", "COCO-val2017"])
def test_a_data_set_is_the_one_that_torchvision_states_figures_on(name: str) -> None:
    question = QUESTIONS[name].facts()
    about = table.read(ROOT / question["task"] / question["dataset"]["id"] / "literature").benchmark

    assert about is not None
    assert {"id": question["dataset"]["id"], **about.facts} == question["dataset"]
    assert about.main.facts() == question["metric"]


def _root(tmp_path: Path) -> list[str]:
    """Networks with and without params, and the options that make lookups read them alone."""
    folder = folder_of("steps-as-time", tmp_path)
    add(folder, "Unsized,net,,accuracy,0.9,,,,,96,,,he2016,Table 1,,60000,126566,0.09,B-U585I,int8")
    add(folder, "Unsized,net,,accuracy,0.9,,,,,128,,,he2016,Table 1,,90000,126566,0.19,B-U585I,int8")
    add(folder, "Sized,net,,accuracy,0.9,500000,,,,96,,,he2016,Table 1,,70000,500000,0.09,B-U585I,int8")
    CliRunner().invoke(source.COMMAND, [str(folder)])
    return ["--task", "image-cls", "--dataset", "imagenet-1k", "--family", "literature", "--registry", str(tmp_path)]


def _asked(options: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    guides(["lookup", *options, "--json"])
    answers: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["answers"]
    return answers[0]


def test_a_network_with_stated_params_comes_before_any_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    where = [*_root(tmp_path), "--target-acc", "0.8", "--int8"]
    sized = _asked(where, capsys)
    unsized = _asked([*where, "--flash", "200k"], capsys)
    least_ram = _asked([*where, "--minimize", "ram-bytes"], capsys)

    assert (sized["name"], sized["params"]) == ("Sized", 500_000)
    assert (unsized["name"], unsized["params"]) == ("Unsized at 96 in int8", None)
    assert unsized["shape"] == {"width": None, "depth": None, "resolution": 96}
    assert least_ram["name"] == "Unsized at 96 in int8"


def test_an_answer_without_params_says_so_and_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    where = _root(tmp_path)
    guides(["lookup", *where, "--target-acc", "0.8", "--int8", "--flash", "200k"])
    said = capsys.readouterr().out
    guides(["show", "image-cls/imagenet-1k/literature", "--registry", str(tmp_path)])
    listed = capsys.readouterr().out

    assert (
        "no network with literature in int8 with stated params known to keep these limits does, and this one's are not"
        in said
    )
    assert "It has int8 weights, an input of 96 a side." in said
    assert "Unsized at 128 in int8" in listed


def test_checking_writes_nothing_and_says_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of("future", tmp_path)
    rows = (folder / "results.csv").read_text(encoding="ascii").replace("2027", "2020")
    (folder / "results.csv").write_text(rows, encoding="ascii")
    with pytest.raises(SystemExit) as ended:
        main(["published", "literature", "--check", str(tmp_path)])

    assert ended.value.code == 1
    assert "1 records are not what their tables give" in capsys.readouterr().err
    assert not (folder / "v1").exists()
    CliRunner().invoke(source.COMMAND, [str(tmp_path)])
    assert CliRunner().invoke(source.COMMAND, ["--check", str(tmp_path)]).exit_code == 0


def test_a_table_deeper_than_a_root_is_left_alone(tmp_path: Path) -> None:
    deep = folder_of("future", tmp_path / "backup" / "of" / "guidelines")

    with pytest.raises(UsageError, match=r"holds no literature/results\.csv"):
        CliRunner().invoke(source.COMMAND, [str(tmp_path)], catch_exceptions=False)
    assert not (deep / "v1").exists()
