"""The constants of the pooled surface: fitted to the tables by a command."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from harness import calibrate
from harness.posterior import CONSTANTS


def test_constants_survive_packing() -> None:
    assert calibrate._unpack(calibrate._pack(CONSTANTS)) == pytest.approx(CONSTANTS)


def test_a_share_stays_one() -> None:
    values = calibrate._pack({**CONSTANTS, "alike": 2.0})

    assert calibrate._unpack(values)["alike"] == 1.0


def test_a_round_makes_the_histories_likelier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "HISTORIES", 1)
    monkeypatch.setattr(calibrate, "RUNS", 15)
    worse = {**CONSTANTS, "seed": 2.0}
    monkeypatch.setattr(calibrate, "CONSTANTS", worse)
    result = CliRunner().invoke(calibrate.calibrate, ["--rounds", "2", "--table", "waveform/mlp"])
    before, after = (float(line.rpartition(" ")[2]) for line in result.stderr.splitlines())

    assert result.exit_code == 0, result.output
    assert after > before
    assert f'"{next(iter(CONSTANTS))}"' in result.stdout
