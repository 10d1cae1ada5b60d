"""Run packs in this process, one after the other: for debugging, tests and machines with one core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, final

from harness.executors.base import Executor, PackT, ResultT, Running


@final
class Inline(Executor):
    """One worker: this process."""

    def open(self, workers: int, preload: Sequence[str] = ()) -> AbstractContextManager[Running]:
        """Return the running executor; there is nothing to start, and imports happen where they are needed."""
        return nullcontext(InlineRunning())


@final
class InlineRunning(Running):
    """Runs the next pack when its result is asked for."""

    def map(
        self, function: Callable[[PackT], ResultT], packs: Sequence[PackT]
    ) -> Iterator[tuple[int, ResultT | Exception]]:
        """Run the packs in order; Ctrl-C passes through."""
        for position, pack in enumerate(packs):
            try:
                result: ResultT | Exception = function(pack)
            except Exception as error:  # a pack may raise anything: it is handed over, not judged
                result = error
            yield position, result


PLUGIN: Final = Inline()
