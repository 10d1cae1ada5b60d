"""`python -m harness knees`: a small ladder, trained; its file; going on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.__main__ import harness
from harness.like import climb, knees
from harness.like.knees import DESIGNS, Design
from harness.like.ladder import read_ladder
from registry.errors import UnknownName, UsageError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(harness, ["knees", *arguments])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One ladder of three widths and few steps."""
    monkeypatch.setattr(climb, "FIRST_STEPS", 30)
    one = Design("wine", subset=40, seeds=1, fresh=5, most_steps=120, widths=(1, 4, 16))
    monkeypatch.setattr(knees, "DESIGNS", {one.name: one})


@pytest.mark.usefixtures("small")
def test_a_ladder_is_trained_and_read_again(tmp_path: Path) -> None:
    result = run("--out", str(tmp_path))
    made = read_ladder(tmp_path / "wine-of-40.csv")

    assert result.exit_code == 0, result.output
    assert "wine-of-40.csv: knee at width " in result.output
    assert [rung.width for rung in made.rungs] == [1, 4, 16]
    assert [rung.params for rung in made.rungs] == [20, 71, 275]  # 13 inputs, 3 classes: 17 a unit, and 3
    assert [rung.flops for rung in made.rungs] == [32.0, 128.0, 512.0]
    assert all(len(rung.errors) == 5 for rung in made.rungs)
    assert made.facts["n_train"] == made.descriptors.n_train == 40
    assert made.facts["n_trials"] >= 3 * (5 + 3 + 5)


@pytest.mark.usefixtures("small")
def test_what_was_trained_is_welcome_only_when_asked_for(tmp_path: Path) -> None:
    run("--out", str(tmp_path))
    first = (tmp_path / "wine-of-40.csv").read_bytes()
    (tmp_path / "wine-of-40.csv").unlink()

    refused = run("--out", str(tmp_path))
    resumed = run("--out", str(tmp_path), "--resume")

    assert isinstance(refused.exception, UsageError)
    assert "add --resume" in str(refused.exception)
    assert resumed.exit_code == 0
    assert (tmp_path / "wine-of-40.csv").read_bytes() == first


def test_an_unknown_ladder_is_refused(tmp_path: Path) -> None:
    result = run("wines", "--out", str(tmp_path / "new"))

    assert isinstance(result.exception, UnknownName)
    assert "unknown ladder 'wines'. Did you mean 'wine'?" in str(result.exception)
    assert not (tmp_path / "new").exists()


def test_designs_are_named_by_what_they_hold() -> None:
    assert {"wine", "glyphs-c10-at-8", "waveform-of-500", "next-token-sympy-1-14-of-20000"} <= set(DESIGNS)
    assert {"glyphs-c10-px32", "glyphs-c26-px32", "glyphs-c100-px32", "cloze-sympy-1-14-of-20000"} <= set(DESIGNS)
    assert all(design.widths[0] == 1 and design.widths[-1] == 256 for design in DESIGNS.values())
    assert all(design.fresh >= 5 and design.fresh % 2 for design in DESIGNS.values())
