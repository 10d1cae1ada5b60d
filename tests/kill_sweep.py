"""Kill the toy sweep at random moments, resume it each time, and check that nothing is lost or repeated."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.toy_pack import ATTEMPT, LOG
from tests.toy_sweep import ROUNDS, TRIALS_A_ROUND


@dataclass
class Sweep:
    """One sweep in a folder of its own, over all its attempts.

    Attributes:
        recorded: The ledger's complete lines of results after the latest attempt.
        attempts: How often it was started.
    """

    folder: Path
    recorded: list[bytes] = field(default_factory=list)
    attempts: int = 0

    def start(self, executor: str) -> subprocess.Popen[str]:
        """Start, or resume, the sweep as a process group of its own."""
        self.attempts += 1
        return subprocess.Popen(
            [sys.executable, "-m", "tests.toy_sweep", str(self.folder), executor, "--resume"],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                LOG: str(self.folder) + ".executions",
                ATTEMPT: str(self.attempts),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def check(self) -> None:
        """Compare what is on disk with what was there before the latest attempt."""
        before, self.recorded = self.recorded, self._complete_lines()
        recorded_before = {json.loads(line)["key"] for line in before}
        keys = [json.loads(line)["key"] for line in self.recorded]

        assert self.recorded[: len(before)] == before, "a recorded result was lost or changed"
        assert len(set(keys)) == len(keys), "a trial was recorded twice"
        assert not recorded_before & self._executed_now(), "a recorded trial was run again"

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the results by key, times aside."""
        rows = [json.loads(line) for line in self.recorded]
        for row in rows:
            del row["outcome"]["wall_s"]
        return {row["key"]: row for row in rows}

    def _complete_lines(self) -> list[bytes]:
        ledger = self.folder / "ledger.jsonl"
        return ledger.read_bytes().split(b"\n")[1:-1] if ledger.exists() else []

    def _executed_now(self) -> set[str]:
        log = Path(f"{self.folder}.executions")
        entries = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return {key for attempt, key in entries if attempt == str(self.attempts)}


def kill_often(folder: Path, executors: Sequence[str], kills: int, seed: int) -> list[int]:
    """Kill sweeps ``kills`` times, each sweep until it gets through or the kills are used up.

    Half of the kills come at a random time from the start on, so that they meet start-up, the header and the first
    packs; half come shortly after a random number of further results, so that they meet every part of a sweep. Each
    goes to the whole process group or to the parent alone.

    Args:
        folder: Where the sweeps' folders go.
        executors: Each attempt takes one of them at random.
        kills: How many kills must land on a running sweep.
        seed: Draws the moments.

    Returns:
        How many results were on disk at each kill.

    Raises:
        AssertionError: If a result was lost, changed or repeated, a process outlived its sweep's parent, or a
            finished sweep's rows differ from an uninterrupted one's.
    """
    draw = random.Random(seed)  # noqa: S311 # moments, not secrets
    whole = Sweep(folder / "uninterrupted")
    started = time.monotonic()
    process = whole.start(executors[0])
    assert process.stdout is not None
    process.stdout.readline()
    until_first_result = time.monotonic() - started
    _finish(whole, process, killed=False)
    assert len(whole.recorded) == ROUNDS * TRIALS_A_ROUND

    landed: list[int] = []
    sweep = Sweep(folder / "0")
    while len(landed) < kills:
        process = sweep.start(draw.choice(executors))
        killed = _kill_at_random(process, draw, until_first_result)
        _finish(sweep, process, killed)
        if killed:
            landed.append(len(sweep.recorded))
        else:
            assert sweep.rows() == whole.rows()
            sweep = Sweep(folder / str(len(landed)))
    _finish(sweep, sweep.start(executors[0]), killed=False)
    assert sweep.rows() == whole.rows()
    return landed


def _kill_at_random(process: subprocess.Popen[str], draw: random.Random, until_first_result: float) -> bool:
    """Wait for a random moment, then kill; return whether the process was still running."""
    if draw.random() < 0.5:
        delay = draw.uniform(0, 1.5 * until_first_result)
    else:
        delay = draw.uniform(0, 0.02)  # a pack takes about as long
        assert process.stdout is not None
        for _ in range(draw.randint(1, 6)):
            process.stdout.readline()
    kill_group = draw.random() < 0.5
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        if kill_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    return process.wait() == -signal.SIGKILL


def _finish(sweep: Sweep, process: subprocess.Popen[str], killed: bool) -> None:
    """Wait until no process of this attempt is left, then check what it left behind."""
    _, talk = process.communicate(timeout=30)  # every process of it holds its stderr open
    assert process.returncode == (-signal.SIGKILL if killed else 0), talk
    assert "Traceback" not in talk, talk
    sweep.check()
