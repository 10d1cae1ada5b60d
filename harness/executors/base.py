"""Executors map packs. A pack is 2-60 s of single-threaded work and a pure function of its members.

Contract, tested for every file of this folder:

* every pack handed in comes back exactly once, with its results, in any order;
* what a pack returns does not depend on the executor, nor on the number of workers;
* an exception inside a pack comes back as that pack's exception, the other packs are unharmed;
* leaving the ``with`` block, also by Ctrl-C, leaves no process behind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

PackT = TypeVar("PackT")
ResultT = TypeVar("ResultT")


class Executor(ABC):
    """How packs are run: in this process, in worker processes, on a cluster."""

    @abstractmethod
    def open(self, workers: int) -> AbstractContextManager[Running]:
        """Start ``workers`` workers (ignored where there is only one) and return the running executor."""


class Running(ABC):
    """An executor that has started."""

    @abstractmethod
    def map(
        self, function: Callable[[PackT], ResultT], packs: Sequence[PackT]
    ) -> Iterator[tuple[int, ResultT | Exception]]:
        """Run ``function`` on each pack; yield ``(position in packs, result or exception)`` as each ends.

        ``function`` and packs must pickle, as they travel to other processes of this same program.
        """
