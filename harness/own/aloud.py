"""What ``guides bench --data`` says, on stderr, before it trains: what was read, what a network has to beat."""

from __future__ import annotations

import math
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import click

from harness import plugins
from harness.metrics import scored
from harness.own import beside
from harness.own.read import Kept, Own, forget, keep
from registry.errors import UsageError
from registry.rules.figures import BASELINES, UNFITTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.datasets.base import Dataset
    from harness.executors.base import Running
    from harness.families.base import Family

SHARE: Final = 3  # methods without a network get a third of the time
NEEDED: Final = {*beside.CONSTANT, *BASELINES}  # a record has its constant answer, a classifier's the linear one, too


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
        self._found: dict[str, beside.Found] = {}
        self._part = ""
        self._kept: Kept | None = None
        self._data: Dataset | None = None
        self._fit: Callable[..., Iterator[beside.Found]] | None = None

    def read(self, folder: Path) -> str:
        """Read the data into ``folder`` and say what they are; return the name they are loaded by."""
        kept = keep(self._own, folder)
        self._kept = kept
        self._say(f"{self._own.path}: {kept.facts.notes[0]}", *(f"  {note}" for note in kept.facts.notes[1:]))
        for warning in kept.facts.warnings:
            click.echo(f"warning: {warning}", err=True)
        return kept.name

    def forget(self, folder: Path) -> None:
        """Remove what was read into ``folder`` just now: the question is refused."""
        if self._kept is not None:
            forget(self._kept, folder)
            plugins.load.cache_clear()  # of a data set that is no longer there

    def compare(self, data: Dataset, running: Running, minutes: float) -> None:
        """Fit what has no network, and say how good it is; on fewer examples where an answer is due soon.

        They have a third of the minutes: what is not done by then is skipped, and said.
        """
        n_inputs = math.prod(data.input_shape[:-1] if data.symbols else data.input_shape)
        n = max(data.fewest, beside.n_rows(len(data.train()), n_inputs, minutes))
        self._data, self._fit = data, partial(beside.methods, self._task, data, n, running)
        self._part = part = (
            f", fitted to {n:,} of {len(data.train()):,} training examples" if n < len(data.train()) else ""
        )
        self._say(f"without a network{part}:")
        for one in self._fit(self._task.baselines(data), time.time() + 60 * minutes / SHARE):
            self._say(f"  {one}")
            self._found[one.name] = one

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
        """Return the methods as a record keeps them, in the task's order; None where none was ever fitted.

        Those that no record is without are fitted now if they are not, however long it takes.
        """
        if self._data is None or self._fit is None:
            return None
        fitted = {one.name for one in self._methods()}
        needed = [name for name in self._found if name in NEEDED and name not in fitted]
        if needed:
            self._found.update({one.name: one for one in self._fit(needed)})
        order = self._task.baselines(self._data)
        return [method.values() for method in sorted(self._methods(), key=lambda one: order.index(one.name))]

    def notes(self) -> list[str]:
        """Say in the record, once its methods are there, on how many examples they rest, and which are missing."""
        part = [f"methods without a network{self._part}"] if self._part and self._methods() else []
        return part + self._lacking()

    def plan(self, lines: list[str], seconds: float) -> None:
        """Say what is going to be trained, and what happens where time is limited, or over."""
        left = f"{seconds / 60:.1f} minutes are left" if seconds > 0 else "no time is left to train"
        limit = f"{left}: what is not settled is said, and --resume goes on from there"
        self._say(*lines, *([limit] if math.isfinite(seconds) else []))

    def last_line(self, points: list[beside.Point]) -> str:
        """Compare the networks that were certified with what has no network."""
        return beside.comparison(self._methods(), points, self._task.metric, self._part, self._lacking())

    def _methods(self) -> list[beside.Method]:
        return [one for one in self._found.values() if isinstance(one, beside.Method)]

    def _lacking(self) -> list[str]:
        """Say which methods there was no time for, and which failed."""
        ways = (("not fitted, for want of time: ", beside.Skipped), (UNFITTED, beside.Failed))
        named = [(how, [one.name for one in self._found.values() if isinstance(one, kind)]) for how, kind in ways]
        return [f"{how}{', '.join(names)}" for how, names in named if names]

    def _say(self, *lines: str) -> None:
        if not self._is_quiet:
            click.echo("\n".join(lines), err=True)
