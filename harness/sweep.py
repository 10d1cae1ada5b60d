"""Run a round of trials: what the ledger lacks is packed, mapped through an executor, and recorded as it comes back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from harness.executors.base import Running
from harness.ledger import SPACE_ERRORS, Ledger
from harness.trial import Outcome, Trial
from registry.errors import Interrupted, MissingDependency, NoSpace

LONGEST_REASON: Final = 300


def run_round(
    trials: Sequence[Trial],
    *,
    ledger: Ledger,
    running: Running,
    pack: Callable[[Sequence[Trial]], list[Sequence[Trial]]],
    run: Callable[[Sequence[Trial]], list[Outcome]],
    on_done: Callable[[Trial, Outcome], None] | None = None,
) -> list[Outcome]:
    """Run the trials that have no result yet and return the outcomes of all.

    A pack that raises is taken apart: each member runs once more, alone, and one that raises again is recorded as
    failed. An error that is about the machine and not about the trial (no space, a package that is missing) ends the
    round instead, so that the same command can run those trials later.

    Args:
        trials: The round. It was proposed from complete rounds only, so an interrupted one is proposed again as it was.
        ledger: Results so far; gains the missing ones, pack by pack.
        running: Runs the packs.
        pack: Groups trials into packs; each trial it is given is in exactly one of them.
        run: Runs one pack, in whichever process; one outcome a member, in order. Must pickle.
        on_done: Called after each result is recorded, in this process; not for results that were there before.

    Returns:
        One outcome a trial, in the order of ``trials``, as the ledger holds it.

    Raises:
        Interrupted: On Ctrl-C, after everything that has come back is recorded.
        NoSpace: If the disk is full, here or in a pack.
        MissingDependency: If a pack needs a package that is not installed.
        ValueError: If ``pack`` lost or repeated a trial, or ``run`` returned too few or too many outcomes.
    """
    missing = {trial.key: trial for trial in trials if trial.key not in ledger.results}

    def record(members: Sequence[Trial], outcomes: Sequence[Outcome]) -> None:
        if len(outcomes) != len(members):
            raise ValueError(f"run returned {len(outcomes)} outcomes for a pack of {len(members)} trials")
        with _interrupts_held():
            for trial, outcome in zip(members, outcomes, strict=True):
                ledger.record(trial, outcome)
                if on_done is not None:
                    on_done(trial, ledger.results[trial.key])

    try:
        packs = pack(list(missing.values())) if missing else []
        if sorted(trial.key for members in packs for trial in members) != sorted(missing):
            raise ValueError("pack did not put each trial into exactly one pack")
        alone: list[Sequence[Trial]] = []
        for position, result in running.map(run, packs):
            if isinstance(result, Exception):
                _raise_if_about_machine(result)
                alone += [[trial] for trial in packs[position]]
            else:
                record(packs[position], result)
        for position, result in running.map(run, alone):
            if isinstance(result, Exception):
                _raise_if_about_machine(result)
                result = [Outcome(status="failed", reason=_reason(result))]
            record(alone[position], result)
    except KeyboardInterrupt:
        done = sum(trial.key in ledger.results for trial in trials)
        raise Interrupted(
            f"interrupted: {done} of this round's {len(trials)} trials are recorded in {ledger.path}",
            "run the same command with --resume to go on from there",
        ) from None
    return [ledger.results[trial.key] for trial in trials]


def _raise_if_about_machine(error: Exception) -> None:
    """Raise what running the trial elsewhere or later would cure: it is no result of the trial."""
    if isinstance(error, (NoSpace, MissingDependency)):
        raise error
    if isinstance(error, OSError) and error.errno in SPACE_ERRORS:
        raise NoSpace(
            f"no space left while a pack ran ({error.strerror})",
            "make room, then run the same command with --resume",
        ) from error


def _reason(error: Exception) -> str:
    """Say in one line what was raised."""
    said = str(error).partition("\n")[0].strip()
    return (f"{type(error).__name__}: {said}" if said else type(error).__name__)[:LONGEST_REASON]


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done, so that a pack that has come back is recorded whole."""
    if threading.current_thread() is not threading.main_thread():  # Ctrl-C does not reach other threads
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            signal.raise_signal(signal.SIGINT)
