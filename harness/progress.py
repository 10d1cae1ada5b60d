"""The progress line: what a study is doing, what it believes, how much it has done and what time is left."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, final

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from harness.clock import Clock
from harness.stage import Stage
from harness.trial import Outcome, Trial

A_SECOND: Final = 2  # times a second that it is drawn: workers need the cores


@final
class Line:
    """The line of one study.

    Args:
        bar: Draws it.
    """

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._rounds = 0
        self._row = bar.add_task("starting", total=None, guess="", rounds=0)

    def show(self, stage: Stage) -> None:
        """Say what is being done, and the best guess so far."""
        guess = "" if stage.guess is None or stage.guess.shape is None else f"{stage.guess}"
        self._bar.update(self._row, description=str(stage), guess=guess)

    def count_round(self) -> None:
        """Count a round that has ended."""
        self._rounds += 1
        self._bar.update(self._row, rounds=self._rounds)

    def count_training(self, _trial: Trial, _outcome: Outcome) -> None:
        """Count a training that has ended."""
        self._bar.advance(self._row)


@final
class _Left(ProgressColumn):
    """The time that is left, where it is limited."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def render(self, task: Task) -> Text:
        """Return it as hours, minutes, seconds."""
        left = self._clock.left()
        return Text("" if math.isinf(left) else f"{timedelta(seconds=round(left))} left")


@contextmanager
def progress_line(clock: Clock, *, is_quiet: bool, console: Console | None = None) -> Iterator[Line]:
    """Draw the line on stderr while the block runs, on a terminal only; it is gone afterwards."""
    console = console or Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[guess]}", style="bold", markup=False),
        TextColumn("{task.fields[rounds]:,} rounds, {task.completed:,.0f} trainings"),
        TimeElapsedColumn(),
        _Left(clock),
    )
    disable = is_quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=disable, refresh_per_second=A_SECOND) as bar:
        yield Line(bar)
