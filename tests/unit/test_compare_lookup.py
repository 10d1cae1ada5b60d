"""`python -m harness compare lookup`: rows for shipped and synthetic records, measured side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import registry
from harness.__main__ import harness
from harness.compare.lookup import cpu_seconds
from registry.errors import GuidesError, UnknownName


@pytest.mark.usefixtures("alone")
def test_rows_compare_a_lookup_with_importing_click(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(registry.__file__).parents[1]))
    path = tmp_path / "rows.json"
    arguments = ["compare", "lookup", "--records", "50", "--runs", "1", "--json", str(path)]
    done = CliRunner().invoke(harness, arguments, catch_exceptions=False)
    rows = json.loads(path.read_text())

    assert done.exit_code == 0
    assert {row["records"] for row in rows} == {0, 50}
    for row in rows:
        assert set(row) == {"records", "command", "cpu_s", "import_click_cpu_s", "ratio"}
        assert row["cpu_s"] / row["import_click_cpu_s"] == pytest.approx(row["ratio"])


def test_a_command_that_fails_is_not_timed() -> None:
    with pytest.raises(GuidesError, match="/bin/false exited with 1, expected 0 or 3"):
        cpu_seconds(["/bin/false"])


def test_comparisons_are_found_by_their_files() -> None:
    assert "lookup" in CliRunner().invoke(harness, ["compare", "--help"]).output
    with pytest.raises(UnknownName, match="Did you mean 'lookup'"):
        CliRunner().invoke(harness, ["compare", "lokup"], catch_exceptions=False)
