"""The progress line: what it shows on a terminal, and that elsewhere there is none."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from harness.clock import Clock
from harness.progress import progress_line
from harness.search.base import Proposal, Setting
from harness.stage import Guess, Stage
from harness.trial import Outcome, Shape, Trial

TRIAL = Trial("wine", "mlp", Shape(7, 1), 90, 0, 0.01, 0.0, 500, 32)


def shown(stage: Stage, *, seconds: float = math.inf, is_terminal: bool = True, is_quiet: bool = False) -> str:
    """What the line reads after two rounds of three trainings."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=is_terminal, width=200, color_system=None)
    with progress_line(Clock(seconds, now=lambda: 0.0), is_quiet=is_quiet, console=console) as line:
        line.show(stage)
        for _ in range(2):
            for _ in range(3):
                line.count_training(TRIAL, Outcome("ok"))
            line.count_round()
    return file.getvalue()


def test_line_shows_target_stage_guess_and_counts() -> None:
    line = shown(Stage("searching", Guess(0.95, Shape(7, 1), (200, 1500))))

    assert "target 0.95: searching best guess width 7, depth 1, 200 to 1,500 params 2 rounds, 6 trainings" in line
    assert "left" not in line


def test_line_shows_the_time_left_where_it_is_limited() -> None:
    assert "0:02:30 left" in shown(Stage("pruning"), seconds=150)


@pytest.mark.parametrize(("is_terminal", "is_quiet"), [(False, False), (True, True)])
def test_there_is_no_line_without_a_terminal_or_when_quiet(is_terminal: bool, is_quiet: bool) -> None:
    assert shown(Stage("pruning"), is_terminal=is_terminal, is_quiet=is_quiet).strip() == ""


@pytest.mark.parametrize(
    ("guess", "said"),
    [
        (Guess(0.9), "no guess yet"),
        (Guess(0.9, Shape(7, 1)), "best guess width 7, depth 1"),
        (Guess(0.9, Shape(7, 1), (20, 4000)), "best guess width 7, depth 1, 20 to 4,000 params"),
    ],
)
def test_guess_says_as_much_as_is_known(guess: Guess, said: str) -> None:
    assert str(guess) == said


@pytest.mark.parametrize(
    ("proposal", "said"),
    [
        (Proposal(train=(Setting(Shape(7, 1), 0.01, 500),)), "target 0.9: searching"),
        (Proposal(certify=Setting(Shape(7, 1), 0.01, 500)), "target 0.9: certifying width 7, depth 1"),
    ],
)
def test_stage_of_a_proposal_says_what_it_begins(proposal: Proposal, said: str) -> None:
    assert str(Stage.of(0.9, proposal)) == said
