"""Ten times the kills of ``tests/integration/test_kill.py``, at other moments."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill_sweep import kill_often
from tests.toy_sweep import ROUNDS, TRIALS_A_ROUND


@pytest.mark.parametrize("executors", [["inline"], ["processes"], ["processes", "inline"]], ids="-or-".join)
def test_sweep_killed_at_200_random_moments_ends_as_if_uninterrupted(tmp_path: Path, executors: list[str]) -> None:
    landed = kill_often(tmp_path, executors, kills=200, seed=2)

    assert len(landed) == 200
    assert any(0 < results < ROUNDS * TRIALS_A_ROUND for results in landed)
