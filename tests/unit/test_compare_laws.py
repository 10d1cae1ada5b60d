"""`python -m harness compare laws`: the table, the file of rows, the calibration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harness.__main__ import harness
from harness.compare import laws
from harness.scoring import baselines, joint, own
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


def test_rows_of_grids_follow(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Row("grid", "all", "additive", None, 1, 0.01)

    monkeypatch.setattr(joint, "rows", lambda _data, _say: iter([grid]))

    assert list(laws.measure(data))[-1] == grid


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
