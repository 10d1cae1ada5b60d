"""Run packs in worker processes, one single-threaded process a core.

Each worker is a fresh interpreter (nothing is forked, so torch's threads are safe) at the other end of a socket pair.
The standard pools were not taken: one breaks whole when a worker is killed, the other hangs.

A thread of the worker does nothing but read that socket, so that a worker ends at once, in the middle of a pack, when
the socket closes: whatever ends this process, kill -9 included, ends its workers.
"""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any, Final, final

from harness.executors.base import Executor, PackT, ResultT, Running
from registry.errors import GuidesError, UsageError

# Read once, when numpy or torch is first imported: so they are set before a worker starts, and in its environment only.
SINGLE_THREADED: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


@final
class Processes(Executor):
    """Worker processes on this machine."""

    @contextmanager
    def open(self, workers: int, preload: Sequence[str] = ()) -> Iterator[Running]:
        """Start the workers; leaving the block kills them.

        Raises:
            UsageError: If ``workers`` is below 1.
        """
        if workers < 1:
            raise UsageError(f"workers must be at least 1, got {workers}")
        running = ProcessesRunning(workers, preload)
        try:
            running.start()
            yield running
        finally:
            running.stop()


@final
class ProcessesRunning(Running):
    """Workers: some idle, the others busy with one pack each."""

    def __init__(self, workers: int, preload: Sequence[str]) -> None:
        self._count = workers
        self._preload = tuple(preload)
        self._alive: set[_Worker] = set()
        self._idle: list[_Worker] = []

    def start(self) -> None:
        """Start every worker, so that they come up while the caller goes on."""
        while len(self._idle) < self._count:
            self._idle.append(self._new())

    def stop(self) -> None:
        """Kill every worker and wait for its end. A pack is a pure function: there is nothing to finish."""
        for worker in tuple(self._alive):
            self._end(worker)

    def map(
        self, function: Callable[[PackT], ResultT], packs: Sequence[PackT]
    ) -> Iterator[tuple[int, ResultT | Exception]]:
        """Run the packs on whichever worker is free; a dead worker is replaced and its pack gets an exception.

        Raises:
            GuidesError: If a worker ends before it is ready for its first pack.
        """
        waiting = deque(enumerate(packs))
        busy: dict[_Worker, int] = {}

        def hand_out() -> None:
            while waiting and len(busy) < self._count:
                position, pack = waiting.popleft()
                busy[self._send(pickle.dumps((function, pack)))] = position

        try:
            hand_out()
            while busy:
                ready = wait([worker.connection for worker in busy])
                for worker in [worker for worker in busy if worker.connection in ready]:
                    try:
                        message = worker.connection.recv_bytes()
                    except (EOFError, OSError):
                        result: Any = self._bury(worker)
                    else:
                        if not worker.ready:  # its first message says that it is up
                            worker.ready = True
                            continue
                        self._idle.append(worker)
                        result = pickle.loads(message)  # noqa: S301 # our own worker's, over a private socket
                    position = busy.pop(worker)
                    hand_out()  # before the caller takes its time over the result
                    yield position, result
        finally:
            for worker in busy:  # left early: nobody waits for these packs any more
                self._end(worker)

    def _new(self) -> _Worker:
        worker = _Worker(self._preload)
        self._alive.add(worker)
        return worker

    def _end(self, worker: _Worker) -> None:
        self._alive.discard(worker)
        worker.kill()

    def _send(self, message: bytes) -> _Worker:
        """Hand a pack to an idle worker, or to a new one where none is left."""
        while True:
            worker = self._idle.pop() if self._idle else self._new()
            try:
                worker.connection.send_bytes(message)
            except OSError:
                if worker.ready:  # it died while idle
                    self._end(worker)
                    continue
            return worker  # one that never came up is noticed, and reported, when its answer is read

    def _bury(self, worker: _Worker) -> Exception:
        """Return what to answer for a worker that ended before its pack did."""
        end = worker.last_words()
        self._end(worker)
        if not worker.ready:
            raise GuidesError(
                f"a worker process ended while it started ({end})",
                "see its own message above; --executor inline works without worker processes",
            )
        return RuntimeError(f"the worker process ended before its pack did ({end}); out of memory, perhaps")


@final
class _Worker:
    """A worker process, seen from here.

    Attributes:
        connection: Our end of the socket pair.
        ready: Whether it has said that it is up.
    """

    def __init__(self, preload: tuple[str, ...]) -> None:
        self.connection, theirs = Pipe()
        self.ready = False
        boot = (
            f"import sys; sys.path[:] = {sys.path!r}\n"
            f"from harness.executors.processes import serve; serve({theirs.fileno()}, {preload!r})"
        )
        # A worker is born with SIGINT blocked: Ctrl-C reaches the whole process group, but only we answer it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", boot],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a pack prints is talk: stdout belongs to the command's data
                env={**os.environ, **SINGLE_THREADED},
                pass_fds=[theirs.fileno()],
            )
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def kill(self) -> None:
        """Kill the process, if it still runs, and wait for its end. May be called again."""
        self._process.kill()
        self._process.wait()
        self.connection.close()

    def last_words(self) -> str:
        """Say what the process, whose socket is closed, ended by."""
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "its socket is closed"
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def serve(descriptor: int, preload: Sequence[str]) -> None:
    """Run the packs that arrive on a socket until it closes: the main function of a worker process.

    Args:
        descriptor: File descriptor of the worker's end of the socket pair.
        preload: Modules to import before the first pack.
    """
    connection: Connection[Any, Any] = Connection(descriptor)
    inbox: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(connection, inbox), daemon=True).start()
    for module in preload:
        with suppress(Exception):  # the pack that needs it reports it
            importlib.import_module(module)
    with suppress(ConnectionError):  # nobody is left to answer to
        connection.send_bytes(b"ready")
        while True:
            connection.send_bytes(_run(inbox.get()))


def _listen(connection: Connection[Any, Any], inbox: SimpleQueue[bytes]) -> None:
    """Pass messages on; end the process, whatever it is doing, when the other side is gone."""
    try:
        while True:
            inbox.put(connection.recv_bytes())
    finally:
        os._exit(1)


def _run(message: bytes) -> bytes:
    """Run one pack and return its pickled result or exception."""
    try:
        function, pack = pickle.loads(message)  # noqa: S301 # written by the process that started us
        return pickle.dumps(function(pack))
    except Exception as error:  # a pack may raise anything: it is handed over, not judged
        return _portable(error)


def _portable(error: Exception) -> bytes:
    """Pickle an exception with its traceback as a note, or stand in for one that does not survive the journey."""
    told = "".join(traceback.format_exception(error))
    try:
        error.add_note(told)
        message = pickle.dumps(error)
        pickle.loads(message)  # noqa: S301 # just written: some exceptions pickle and do not come back
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}\n{told}"))
    return message


PLUGIN: Final = Processes()
