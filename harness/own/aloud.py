"""What ``guides bench --data`` says, on stderr, before it trains: what was read, what a network has to beat."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import click

from harness import plugins
from harness.metrics import scored
from harness.own import beside
from harness.own.read import Own, keep
from registry.errors import UsageError

if TYPE_CHECKING:
    from harness.datasets.base import Dataset
    from harness.executors.base import Running
    from harness.families.base import Family


@final
class Aloud:
    """A person's own data under way, from the file to the last line.

    Args:
        own: What they point at.
        is_quiet: Whether notes are left unsaid; warnings never are.
        metric: What methods are scored by; None for the task's own.
    """

    def __init__(self, own: Own, *, is_quiet: bool, metric: str | None = None) -> None:
        self._own = own
        self._is_quiet = is_quiet
        self._task = scored(own.task, metric)
        self._methods: list[beside.Method] = []
        self._part = ""
        self._data: Dataset | None = None

    def read(self, folder: Path) -> str:
        """Read the data into ``folder`` and say what they are; return the name they are loaded by."""
        kept = keep(self._own, folder)
        self._say(f"{self._own.path}: {kept.facts.notes[0]}", *(f"  {note}" for note in kept.facts.notes[1:]))
        for warning in kept.facts.warnings:
            click.echo(f"warning: {warning}", err=True)
        return kept.name

    def compare(self, data: Dataset, running: Running, minutes: float) -> None:
        """Fit what has no network, and say how good it is; on fewer examples where an answer is due soon."""
        self._data, n_inputs = data, math.prod(data.input_shape[:-1] if data.symbols else data.input_shape)
        n = beside.n_rows(len(data.train()), n_inputs, minutes)
        self._part = part = (
            f", fitted to {n:,} of {len(data.train()):,} training examples" if n < len(data.train()) else ""
        )
        self._say(f"without a network{part}:")
        for method in beside.methods(self._task, data, n, running):
            self._say(f"  {method}")
            if isinstance(method, beside.Method):
                self._methods.append(method)

    def family(self, name: str) -> str:
        """Choose the family that fits the data and the fewest tasks: one made for them. Say which.

        Raises:
            UsageError: If none fits.
        """
        data: Dataset = plugins.load("datasets", name)
        families: dict[str, Family] = {known: plugins.load("families", known) for known in plugins.names("families")}
        fitting = [known for known, family in families.items() if family.takes(data)]
        if not fitting:
            raise UsageError(f"no family of networks fits {data.task} on inputs of shape {data.input_shape}")
        chosen = min(fitting, key=lambda known: (len(families[known].tasks), known))
        others = [known for known in fitting if known != chosen]
        also = f"; --family {' or '.join(others)} would do, too" if others else ""
        self._say(f"network family: {chosen}{also}")
        return chosen

    def baselines(self) -> list[dict[str, Any]] | None:
        """Return the methods as a record keeps them, in the task's order; None where they are fitted for it anew."""
        order = self._task.baselines(self._data) if self._data is not None else ()
        return [method.values() for method in sorted(self._methods, key=lambda one: order.index(one.name))] or None

    def notes(self) -> list[str]:
        """Say in the record on how many examples they rest."""
        return [f"methods without a network{self._part}"] if self._part and self._methods else []

    def plan(self, lines: list[str], seconds: float) -> None:
        """Say what is going to be trained, and what happens where time is limited."""
        limit = [
            f"{seconds / 60:.1f} minutes are left: what they do not settle is said, and --resume goes on from there"
        ]
        self._say(*lines, *(limit if math.isfinite(seconds) else []))

    def last_line(self, points: list[beside.Point]) -> str:
        """Compare the networks that were certified with what has no network."""
        return beside.comparison(self._methods, points, self._task.metric)

    def _say(self, *lines: str) -> None:
        if not self._is_quiet:
            click.echo("\n".join(lines), err=True)
