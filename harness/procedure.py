"""Procedures: what to train next, written as plain code that waits for results.

A procedure is a generator that yields rounds (lists of trials) and is sent their outcomes in the same order. It holds
no state but what it was given and what it was sent, so replaying it over a ledger reaches the same point: a resumed
run and an uninterrupted one propose the same trials.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Final, TypeVar

from harness.trial import Outcome, Trial

ResultT = TypeVar("ResultT")
Procedure = Generator[list[Trial], list[Outcome], ResultT]
CUT: Final = object()  # stands for the result of a procedure that there was no time for


def together(
    procedures: Sequence[Procedure[Any]], fits: Callable[[list[Trial]], bool] = lambda _: True
) -> Procedure[list[Any]]:
    """Run several procedures in lockstep: one round of this is one round of each that has not ended.

    Args:
        procedures: What to run, the most important first.
        fits: Says whether there is time for a round. A procedure whose trials, together with those of the ones before
            it, do not fit any more is closed where it stands.

    Returns:
        Their results, in order; ``CUT`` for one that was closed.
    """
    results: list[Any] = [None] * len(procedures)
    waiting: dict[int, list[Trial]] = {}

    def step(i: int, outcomes: list[Outcome] | None) -> None:
        try:
            waiting[i] = next(procedures[i]) if outcomes is None else procedures[i].send(outcomes)
        except StopIteration as end:
            waiting.pop(i, None)
            results[i] = end.value

    for i in range(len(procedures)):
        step(i, None)
    while waiting:
        asked: list[tuple[int, list[Trial]]] = []
        round_: list[Trial] = []
        for i, trials in list(waiting.items()):
            if fits([*round_, *trials]):
                asked.append((i, trials))
                round_ += trials
            else:
                procedures[i].close()
                del waiting[i]
                results[i] = CUT
        if not asked:
            break
        outcomes = yield round_
        start = 0
        for i, trials in asked:
            step(i, outcomes[start : start + len(trials)])
            start += len(trials)
    return results


def drive(procedure: Procedure[ResultT], run_round: Callable[[list[Trial]], list[Outcome]]) -> ResultT:
    """Run a procedure to its end, each round by ``run_round``; return its result."""
    try:
        trials = next(procedure)
        while True:
            trials = procedure.send(run_round(trials))
    except StopIteration as end:
        result: ResultT = end.value
        return result
