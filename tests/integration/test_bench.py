"""`guides bench` from a real data set to a record that `guides lookup` answers from, with trainings cut short."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.clock import Clock, Turns
from harness.trial import Trial
from registry import cli, roots
from registry.validate import validate
from tests import tiny_bench

pytestmark = [pytest.mark.xdist_group("wine"), pytest.mark.whole_study]
ID = Path("tabular-cls", "wine", "mlp")
Bench = Callable[..., tuple[int, str, str]]


@pytest.fixture
def copy(wine_root: Path, tmp_path: Path) -> Path:
    """A root as the first run left it, free to be changed."""
    return Path(shutil.copytree(wine_root, tmp_path / "records"))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Bench:
    """Run a short `guides bench` of wine, or another command, in this process: exit code, stdout, stderr."""
    tiny_bench.shorten(monkeypatch.setattr)
    monkeypatch.setattr(roots, "shipped", list)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: str | Path, command: tuple[str, ...] = tiny_bench.WINE) -> tuple[int, str, str]:
        capfd.readouterr()
        code = cli.run([*command, *map(str, arguments)])
        return code, *capfd.readouterr()

    return run


def ledger(root: Path) -> Path:
    [path] = (root / ".runs").glob("*/ledger.jsonl")
    return path


def rows(root: Path) -> dict[str, dict[str, Any]]:
    """What the ledger says of each trial, times aside."""
    found = [json.loads(line) for line in ledger(root).read_bytes().splitlines()[1:]]
    for row in found:
        del row["outcome"]["wall_s"]
    return {row["key"]: row for row in found}


def record(root: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((root / ID / "v1" / "guideline.json").read_bytes())
    return values


def files(root: Path) -> dict[str, bytes]:
    """Every file of the record's folder, of all versions."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted((root / ID).rglob("*")) if p.is_file()}


def test_lookup_answers_from_the_record(wine_root: Path, bench: Bench) -> None:
    code, out, _ = bench(
        "--task", "tabular-cls", "--target-acc", "0.9", "--registry", wine_root, "--json", command=("lookup",)
    )
    point = min(record(wine_root)["frontier"], key=lambda point: point["params"])
    answer = json.loads(out)

    assert code == 0
    assert f'"params": {point["params"]}' in json.dumps(answer)
    assert "tabular-cls/wine/mlp" in out


def test_record_is_valid_and_stands_where_bench_says(wine_root: Path) -> None:
    assert validate(wine_root) == []
    assert [path.name for path in (wine_root / ID).iterdir()] == ["v1"]


def test_second_run_trains_nothing_and_leaves_every_byte(copy: Path, bench: Bench) -> None:
    before = (ledger(copy).read_bytes(), files(copy))
    code, out, err = bench("--target-acc", "0.9", "--out", copy, "--resume")

    assert (code, err) == (0, "")
    assert f"record: {copy / ID / 'v1'}" in out
    assert (ledger(copy).read_bytes(), files(copy)) == before


def test_run_on_a_used_ledger_needs_resume(copy: Path, bench: Bench) -> None:
    before = (ledger(copy).read_bytes(), files(copy))
    code, out, err = bench("--target-acc", "0.9", "--out", copy)

    assert (code, out) == (2, "")
    assert f"already holds {len(rows(copy))} results of this configuration" in err
    assert "add --resume to go on from them" in err
    assert (ledger(copy).read_bytes(), files(copy)) == before


def test_another_target_reuses_the_ledger_and_the_record_answers_both(copy: Path, bench: Bench) -> None:
    before, first = ledger(copy).read_bytes(), record(copy)
    code, out, _ = bench("--target-acc", "0.8", "--out", copy, "--resume")
    found = record(copy)
    scratch = {point["target"]: point for point in found["frontier"] if point["route"] == "scratch"}

    assert code == 0
    assert "accuracy 0.8: " in out
    assert ledger(copy).read_bytes().startswith(before)
    assert scratch.keys() == {0.8, 0.9}
    assert scratch[0.8]["params"] <= scratch[0.9]["params"]
    assert scratch[0.9]["test"] == next(p["test"] for p in first["frontier"] if p["route"] == "scratch")
    assert [path.name for path in (copy / ID).iterdir()] == ["v1"]
    assert validate(copy) == []


def test_record_that_was_deleted_or_edited_is_made_again_without_training(copy: Path, bench: Bench) -> None:
    shutil.rmtree(copy / ID / "v1")
    before = ledger(copy).read_bytes()
    code, _, _ = bench("--target-acc", "0.9", "--out", copy, "--resume")

    assert code == 0
    assert ledger(copy).read_bytes() == before
    assert validate(copy) == []


def test_uncertified_target_exits_3_with_its_nearest_miss_and_the_record_is_written(copy: Path, bench: Bench) -> None:
    code, out, err = bench("--target-acc", "0.9999", "--out", copy, "--resume")
    message, hint = err.splitlines()
    found = record(copy)

    assert code == 3
    assert message == "not certified: accuracy 0.9999"
    assert re.search(r"^accuracy 0\.9999: not certified, .*; the nearest is width \d", out, re.MULTILINE)
    assert hint.startswith("  ")
    assert f"record: {copy / ID / 'v1'}" in out
    assert {point["target"] for point in found["frontier"]} == {0.9}
    assert any(note.startswith("target 0.9999 not certified: ") for note in found["notes"])
    assert validate(copy) == []

    code, _, err = bench("--target-acc", "0.9", "--out", copy, "--resume")

    assert (code, err) == (0, "")  # what was missed earlier was not asked for now
    assert record(copy) == found


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Let time pass by trainings: from now on a run that is limited may make so many, whatever it was given."""

    def limit(root: Path, n_trainings: int) -> None:
        def done() -> set[str]:
            return set(rows(root)) if (root / ".runs").exists() else set()

        def price(trials: Sequence[Trial]) -> float:
            return float(len({trial.key for trial in trials} - done()))

        def clock(seconds: float, _price: object, turns: Turns) -> Clock:
            return Clock(min(seconds, n_trainings), price, turns, lambda: float(len(done())))

        monkeypatch.setattr("harness.clock.Clock", clock)

    return limit


@pytest.mark.parametrize("share", [0.02, 0.12, 0.21, 0.4, 0.8])
def test_whenever_the_time_is_up_there_is_a_valid_record_or_a_guess(
    wine_root: Path, tmp_path: Path, bench: Bench, counted: Callable[[Path, int], None], share: float
) -> None:
    root = tmp_path / "limited"
    counted(root, round(share * len(rows(wine_root))))
    code, out, err = bench("--target-acc", "0.9", "--out", root, "--minutes", "999")
    message, _, hint = err.partition("\n")

    assert len(rows(root)) <= share * len(rows(wine_root))
    if code == 7:
        assert out == ""
        assert message.startswith("not enough time: accuracy 0.9 not certified; ")
        assert message.endswith("no guess yet") or "; best guess width " in message
        assert hint == "  run the same command with --resume and more --minutes to go on from there\n"
        assert not (root / ID).exists()
    else:
        assert (code, err) == (0, "")
        assert out.startswith("accuracy 0.9: width ")
        assert any("the time was up" in note or "for want of time" in note for note in record(root)["notes"])
        assert validate(root) == []


def test_run_that_was_cut_short_goes_on_with_resume_to_a_whole_record(
    wine_root: Path, tmp_path: Path, bench: Bench, counted: Callable[[Path, int], None]
) -> None:
    root = tmp_path / "limited"
    counted(root, round(0.7 * len(rows(wine_root))))
    code, _, err = bench("--target-acc", "0.9", "--out", root, "--minutes", "999")
    before = rows(root)

    assert (code, err) == (0, "")
    assert any("the time was up" in note or "for want of time" in note for note in record(root)["notes"])

    counted(root, 10**9)
    code, _, err = bench("--target-acc", "0.9", "--out", root, "--minutes", "999", "--resume")

    assert (code, err) == (0, "")
    assert before.items() <= rows(root).items()
    assert not any("the time was up" in note for note in record(root)["notes"])
    assert record(root)["frontier"][0]["bracket"]
    assert validate(root) == []


def test_dry_run_prints_a_plan_and_trains_nothing(copy: Path, tmp_path: Path, bench: Bench) -> None:
    before = (ledger(copy).read_bytes(), files(copy))
    fresh = tmp_path / "fresh"
    told = {}
    for root in (fresh, copy):
        code, out, err = bench("--target-acc", "0.9", "--out", root, "--dry-run", "--resume", "--json")
        told[root] = json.loads(out)

        assert (code, err) == (0, "")

    assert not fresh.exists()
    assert (ledger(copy).read_bytes(), files(copy)) == before
    assert told[fresh]["schema"] == "guides.bench/1"
    assert (told[fresh]["n_known"], told[copy]["n_known"]) == (0, len(rows(copy)))
    assert told[copy]["total"]["trainings"]["low"] < told[fresh]["total"]["trainings"]["low"]


def test_bench_killed_twice_and_resumed_ends_in_the_rows_of_an_uninterrupted_one(
    wine_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "killed"
    call = [sys.executable, "-m", "tests.tiny_bench", *tiny_bench.WINE, "--target-acc", "0.9", "--resume"]
    call += ["--out", str(root)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    total = len(rows(wine_root))
    for share in (0.2, 0.7):
        process = subprocess.Popen(call, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            found = list((root / ".runs").glob("*/ledger.jsonl"))
            if found and found[0].read_bytes().count(b"\n") > share * total:
                break
            time.sleep(0.01)
        process.kill()
        process.communicate()

        assert process.returncode == -signal.SIGKILL
        assert not (root / ID).exists()
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert rows(root) == rows(wine_root)
    assert len(ledger(root).read_bytes().splitlines()) == total + 1
    assert record(root)["frontier"][0]["test"] == record(wine_root)["frontier"][0]["test"]
    assert validate(root) == []
