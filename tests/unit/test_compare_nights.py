"""The nightly comparison: what it calls slower, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import ROOT

SCRIPT = ROOT / "tests" / "benchmark" / "compare_nights.py"


def write_night(path: Path, medians_s: dict[str, float], processor: str = "CPU A") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    info = {"python_version": "3.11.7", "machine": "x86_64", "cpu": {"brand_raw": processor}}
    rows = [{"fullname": name, "stats": {"median": median}} for name, median in medians_s.items()]
    path.write_text(json.dumps({"machine_info": info, "benchmarks": rows}), encoding="utf-8")
    return path


def compare(
    tmp_path: Path, tonight: dict[str, float], earlier: list[float], processor: str = "CPU A"
) -> tuple[int, str]:
    for number, median in enumerate(earlier, start=1):
        write_night(tmp_path / "nights" / f"{number:06d}.json", {"lookup": median})
    latest = write_night(tmp_path / "latest.json", tonight, processor)
    done = subprocess.run(
        [sys.executable, SCRIPT, latest, tmp_path / "nights"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_a_benchmark_half_as_fast_as_the_median_night_is_slower(tmp_path: Path) -> None:
    code, printed = compare(tmp_path, {"lookup": 0.2}, [0.1, 0.09, 0.11, 0.1, 0.3])

    assert code == 1
    assert "| `lookup` | 200.000 | 2.00 | 5 | slower |" in printed


def test_a_little_noise_is_as_before(tmp_path: Path) -> None:
    code, printed = compare(tmp_path, {"lookup": 0.149}, [0.1] * 5)

    assert code == 0
    assert "| `lookup` | 149.000 | 1.49 | 5 | as before |" in printed


def test_too_few_nights_judge_nothing(tmp_path: Path) -> None:
    code, printed = compare(tmp_path, {"lookup": 9.0}, [0.1] * 4)

    assert code == 0
    assert "| 90.00 | 4 | too few nights |" in printed


def test_nights_on_another_processor_are_not_compared(tmp_path: Path) -> None:
    code, printed = compare(tmp_path, {"lookup": 9.0}, [0.1] * 5, processor="CPU B")

    assert code == 0
    assert "| - | 0 | new |" in printed


def test_the_first_night_starts_the_series(tmp_path: Path) -> None:
    code, printed = compare(tmp_path, {"lookup": 0.1}, [])

    assert code == 0
    assert "| new |" in printed
    assert [path.name for path in (tmp_path / "nights").iterdir()] == ["000001.json"]


def test_only_the_newest_nights_are_kept(tmp_path: Path) -> None:
    code, _ = compare(tmp_path, {"lookup": 0.1}, [0.1] * 30)
    names = sorted(path.name for path in (tmp_path / "nights").iterdir())

    assert code == 0
    assert (len(names), names[0], names[-1]) == (30, "000002.json", "000031.json")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"machine_info": {}, "benchmarks": []}'])
def test_a_file_of_another_kind_is_one_clear_line(tmp_path: Path, content: str) -> None:
    latest = tmp_path / "latest.json"
    latest.write_text(content, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, SCRIPT, latest, tmp_path / "nights"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"{latest}: not a pytest-benchmark file")
    assert done.stderr.count("\n") == 1
