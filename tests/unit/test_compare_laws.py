"""`python -m harness compare laws`: the table, the file of rows, the calibration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from harness.__main__ import harness
from harness.scoring import baselines, curves, joint, own
from harness.scoring.row import Row
from registry.errors import InvalidData, UsageError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """One short curve."""
    n = np.geomspace(100, 8000, 20)
    lines = [f"a,IC,{each:.0f},{0.1 + each**-0.5:.6f},{'fit' if at < 16 else 'test'}" for at, each in enumerate(n)]
    (tmp_path / "some.csv").write_text("curve,domain,n,loss,split\n" + "\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "ITERATIONS", 3)
    monkeypatch.setattr(own, "grids", lambda _folder: [])


def test_rows_are_printed_and_written(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    done = CliRunner().invoke(
        harness, ["compare", "laws", "--data", str(data), "--json", str(path)], catch_exceptions=False
    )
    rows = json.loads(path.read_text())["rows"]

    assert [row["method"] for row in rows] == ["ours", "m4", "bnsl"]
    assert list(rows[0]) == list(Row._fields)
    assert "1 not judged" in done.stdout
    assert "some: 1 curves, 2 x" in done.stderr


def test_rows_are_written_and_printed_before_the_next_part_begins(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, seen = tmp_path / "rows.json", []

    def rows_of_grids(_data: Path, _say: object) -> Iterator[Row]:
        seen.append((json.loads(path.read_text()), capsys.readouterr().out))
        yield Row("grid", "all", "additive", None, 1, 0.01)
        seen.append((json.loads(path.read_text()), capsys.readouterr().out))

    monkeypatch.setattr(joint, "rows", rows_of_grids)
    harness.main(["compare", "laws", "--data", str(data), "--json", str(path)], standalone_mode=False)
    (before, curves_printed), (after, grid_printed) = seen

    assert [row["method"] for row in before["rows"]] == ["ours", "m4", "bnsl"]
    assert curves_printed.count("not judged") == 3
    assert after["rows"][-1]["dataset"] == "grid"
    assert grid_printed.startswith("grid ")
    assert not before["complete"]
    assert json.loads(path.read_text())["complete"]


def test_what_was_scored_stays_when_it_is_interrupted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.json"

    def interrupted(_data: Path, _say: object) -> Iterator[Row]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(joint, "rows", interrupted)
    with pytest.raises(click.Abort):
        harness.main(["compare", "laws", "--data", str(data), "--json", str(path)], standalone_mode=False)
    found = json.loads(path.read_text())

    assert len(found["rows"]) == 3
    assert not found["complete"]
    assert [each.name for each in tmp_path.iterdir()] == sorted([path.name, "some.csv"])


def test_a_part_that_fails_does_not_take_the_others_with_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.json"

    def failing(_data: Path, _say: object) -> Iterator[Row]:
        raise ZeroDivisionError("a bug")
        yield

    monkeypatch.setattr(curves, "rows", failing)
    monkeypatch.setattr(joint, "rows", lambda _data, _say: iter([Row("grid", "all", "additive", None, 1, 0.01)]))
    monkeypatch.setattr(own, "parts", lambda _say: {"far": failing_part, "floors": lambda: [{"grid": "a"}]})
    with pytest.raises(ZeroDivisionError, match="a bug"):
        CliRunner().invoke(
            harness, ["compare", "laws", "--data", str(data), "--json", str(path)], catch_exceptions=False
        )
    found = json.loads(path.read_text())

    assert [row["dataset"] for row in found["rows"]] == ["grid"]
    assert found["own"] == {"floors": [{"grid": "a"}]}
    assert found["failed"] == {"curves": "a bug", "far": "no cells"}
    assert not found["complete"]


def failing_part() -> list[dict[str, str]]:
    raise InvalidData("no cells")


def test_calibration_prints_the_factors_of_every_drift(data: Path) -> None:
    done = CliRunner().invoke(harness, ["compare", "laws", "--data", str(data), "--calibrate"], catch_exceptions=False)

    assert done.stdout.count("all points, drift") == 7
    assert "90 % covers IC" in done.stdout


def test_a_folder_without_curves_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match=r"no file in .* has the columns of curves"):
        CliRunner().invoke(harness, ["compare", "laws", "--data", str(tmp_path)], catch_exceptions=False)


def test_a_file_that_cannot_be_written_is_refused_first(data: Path) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        CliRunner().invoke(
            harness, ["compare", "laws", "--data", str(data), "--json", str(data)], catch_exceptions=False
        )
