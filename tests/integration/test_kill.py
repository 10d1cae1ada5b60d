"""A sweep that is killed again and again loses nothing and repeats nothing; ``make bench`` does it 200 times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill_sweep import Sweep, kill_often
from tests.toy_sweep import ROUNDS, TRIALS_A_ROUND


@pytest.mark.parametrize("executors", [["inline"], ["processes"]], ids="-or-".join)
def test_sweep_killed_at_20_random_moments_ends_as_if_uninterrupted(tmp_path: Path, executors: list[str]) -> None:
    landed = kill_often(tmp_path, executors, kills=20, seed=1)

    assert len(landed) == 20
    assert any(0 < results < ROUNDS * TRIALS_A_ROUND for results in landed)


def finished_sweep(folder: Path) -> Sweep:
    sweep = Sweep(folder)
    sweep.start("inline").communicate(timeout=30)
    sweep.check()
    return sweep


def test_check_sees_a_lost_result(tmp_path: Path) -> None:
    sweep = finished_sweep(tmp_path / "sweep")
    ledger = tmp_path / "sweep" / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:5] + lines[6:]))
    sweep.attempts += 1

    with pytest.raises(AssertionError, match="a recorded result was lost or changed"):
        sweep.check()


def test_check_sees_a_trial_that_is_recorded_twice(tmp_path: Path) -> None:
    sweep = finished_sweep(tmp_path / "sweep")
    ledger = tmp_path / "sweep" / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes() + ledger.read_bytes().splitlines(keepends=True)[5])
    sweep.attempts += 1

    with pytest.raises(AssertionError, match="a trial was recorded twice"):
        sweep.check()


def test_check_sees_a_recorded_trial_that_is_run_again(tmp_path: Path) -> None:
    sweep = finished_sweep(tmp_path / "sweep")
    key = next(iter(sweep.rows()))
    sweep.attempts += 1
    with (tmp_path / "sweep.executions").open("a") as log:
        log.write(f"{sweep.attempts} {key}\n")

    with pytest.raises(AssertionError, match="a recorded trial was run again"):
        sweep.check()
