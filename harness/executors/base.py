"""Executors map packs. A pack is 2-60 s of single-threaded work and a pure function of its members.

Contract, tested for every file of this folder:

* every pack handed in comes back exactly once, with its result, in any order, as soon as it ends;
* what a pack returns depends neither on the executor nor on the number of workers;
* an exception inside a pack comes back as that pack's exception; the other packs are unharmed. One that cannot travel
  between processes comes back as a ``RuntimeError`` whose first line names it and whose rest is its traceback;
* workers outlive a ``map``, so that a round does not pay for their start again;
* an iteration left early stops its packs: none of their results turns up in a later ``map``;
* leaving the ``with`` block, also by Ctrl-C, leaves no process behind; nor does a kill -9 of this process;
* this process's environment is as it was.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

PackT = TypeVar("PackT")
ResultT = TypeVar("ResultT")


def cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


class Executor(ABC):
    """How packs are run: in this process, in worker processes, on a cluster."""

    @abstractmethod
    def open(self, workers: int, preload: Sequence[str] = ()) -> AbstractContextManager[Running]:
        """Start ``workers`` workers and return the running executor, without waiting until they are up.

        Args:
            workers: How many packs may run at once, at least 1; ignored where there is only one worker.
            preload: Modules that each worker imports at once, so that the first packs need not wait for them. Only a
                head start: a module that cannot be imported is reported by the pack that needs it.
        """


class Running(ABC):
    """An executor that has started."""

    @abstractmethod
    def map(
        self, function: Callable[[PackT], ResultT], packs: Sequence[PackT]
    ) -> Iterator[tuple[int, ResultT | Exception]]:
        """Run ``function`` on each pack; yield ``(position in packs, result or exception)`` as each ends.

        Args:
            function: What to run. It and the packs must pickle, as they travel to other processes of this same
                program; so it lives in a module, not in the script that was started.
            packs: What to run it on.
        """
