"""`python -m harness compare lookup`: rows for shipped and synthetic records, measured side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import registry
from harness.__main__ import harness
from harness.compare.lookup import cpu_seconds
from registry.errors import GuidesError, UnknownName, UsageError
from registry.store import Store
from tests.example_record import example_record


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


@pytest.mark.usefixtures("alone")
def test_records_of_the_folder_it_runs_in_do_not_count_as_shipped(tmp_path: Path, alone: Path) -> None:
    Store(alone / "my-guidelines").publish(*example_record())
    path = tmp_path / "rows.json"
    arguments = ["compare", "lookup", "--records", "250", "--runs", "1", "--json", str(path)]
    CliRunner().invoke(harness, arguments, catch_exceptions=False)

    assert {row["records"] for row in json.loads(path.read_text())} == {0, 250}


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--runs", "0", "Invalid value for '--runs': 0 is not in the range x>=1"),
        ("--records", "-5", "Invalid value for '--records': -5 is not in the range x>=1"),
    ],
)
def test_a_count_below_one_is_refused(option: str, value: str, message: str) -> None:
    done = CliRunner().invoke(harness, ["compare", "lookup", option, value])

    assert done.exit_code == 2
    assert message in done.output


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "rows.json"
    with pytest.raises(UsageError) as refused:
        CliRunner().invoke(harness, ["compare", "lookup", "--json", str(path)], catch_exceptions=False)

    assert str(refused.value) == (f"cannot write '{path}'\n  expected a file in a folder that may be written to")


def test_a_command_that_fails_is_not_timed() -> None:
    with pytest.raises(GuidesError, match="/bin/false exited with 1, expected 0 or 3"):
        cpu_seconds(["/bin/false"])


def test_comparisons_are_found_by_their_files() -> None:
    assert "lookup" in CliRunner().invoke(harness, ["compare", "--help"]).output
    with pytest.raises(UnknownName, match="Did you mean 'lookup'"):
        CliRunner().invoke(harness, ["compare", "lokup"], catch_exceptions=False)
