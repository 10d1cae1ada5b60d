"""A clock: what a study asks whether there is time for what it would train next.

Time never changes what a training is, only where a study stops. Where it made a search certify before it was done, that
is written down: a later run of the same question takes the same turn, so that every certification counts as an attempt,
and goes on from there.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

from harness.trial import Trial

SLACK: Final = 1.2  # a search ends while this many times what a certification is expected to take is left


@final
class Turns:
    """Where searches were cut short, one line each: the state of the search as text.

    Args:
        path: The file; None keeps them in memory alone.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path else []
        except FileNotFoundError:
            lines = []
        self._states = set(lines)

    def __len__(self) -> int:
        """Count them."""
        return len(self._states)

    def __contains__(self, state: str) -> bool:
        """Say whether a search in ``state`` was cut short."""
        return state in self._states

    def __iter__(self) -> Iterator[str]:
        """Go through them, in the order of the alphabet."""
        return iter(sorted(self._states))

    def add(self, state: str) -> None:
        """Write down that a search in ``state`` is cut short; when this returns, a crash cannot lose it."""
        self._states.add(state)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{state}\n")
                file.flush()
                os.fsync(file.fileno())


@final
class Clock:
    """The time a study has; by default all of it.

    Args:
        seconds: From now on; infinite where there is no limit.
        price: Returns the seconds that a round of trials is expected to take; nothing for those with a result.
        turns: Where earlier runs of the same question were cut short; gains where this one is.
        now: Tells the time in seconds.
    """

    def __init__(
        self,
        seconds: float = math.inf,
        price: Callable[[Sequence[Trial]], float] = lambda _: 0.0,
        turns: Turns | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._end = now() + seconds
        self._price = price
        self._turns = Turns() if turns is None else turns
        self.is_limited = math.isfinite(seconds)

    @property
    def may_hurry(self) -> bool:
        """Whether any search is, or once was, cut short."""
        return self.is_limited or bool(self._turns)

    def left(self) -> float:
        """Return the seconds that are left, at least 0."""
        return max(0.0, self._end - self._now())

    @contextmanager
    def share(self, fraction: float) -> Iterator[None]:
        """Leave all but a fraction of the time for later: until the end of the block there is less."""
        whole = self._end
        if self.is_limited:
            self._end = self._now() + self.left() * fraction
        try:
            yield
        finally:
            self._end = whole

    def fits(self, trials: Sequence[Trial]) -> bool:
        """Say whether there is time for a round; there always is for one whose results are known."""
        return not self.is_limited or (price := self._price(trials)) == 0 or price <= self.left()

    def took(self, state: str) -> bool:
        """Say whether a study whose time is limited, or an earlier run of it, took a turn."""
        return self.is_limited and state in self._turns

    def take(self, state: str) -> None:
        """Write a turn down, so that a later run whose time is limited goes on from it."""
        if state not in self._turns:
            self._turns.add(state)

    def taken(self, beginning: str) -> list[str]:
        """Return the turns that begin so, of a study whose time is not limited those of earlier runs."""
        return [state for state in self._turns if state.startswith(beginning)]

    def is_known(self, trials: Sequence[Trial]) -> bool:
        """Say whether a round takes no time: its results are known, or there is no limit."""
        return not self.is_limited or self._price(trials) == 0

    def hurries(self, state: str, round_: Sequence[Trial], certification: Sequence[Trial]) -> bool:
        """Say whether a search in ``state`` has to certify now; once it has begun to, the answer never changes.

        Args:
            state: What the search has done so far, as one line.
            round_: What it would train next.
            certification: What has to fit after that.
        """
        if state in self._turns:
            return True
        if not self.is_limited or self._price(round_) == 0:  # what is known takes no time: ask again after it
            return False
        if SLACK * self._price([*round_, *certification]) <= self.left():
            return False
        if self.fits(certification):  # else the search stops here, and no test is read
            self._turns.add(state)
        return True
