"""A small sweep as a command, to be killed and resumed: 3 rounds of 12 toy trials in packs of 4.

``python -m tests.toy_sweep FOLDER EXECUTOR [--resume]`` prints the key of each trial as it is recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from harness.ledger import Ledger
from harness.plugins import load
from harness.sweep import run_round
from harness.trial import Outcome, Trial
from registry.errors import GuidesError
from tests.toy_pack import in_fours, run_trials, toy_trial

ROUNDS = 3
TRIALS_A_ROUND = 12


def propose(complete: Sequence[tuple[Trial, Outcome]]) -> list[Trial]:
    """Propose the next round from the complete ones alone: other seeds, at half the best learning rate so far."""
    if not complete:
        return [toy_trial(seed, learning_rate=0.01 * 2**seed) for seed in range(TRIALS_A_ROUND)]
    best, _ = min(complete, key=lambda result: result[1].val_error or 0.0)
    first = len(complete)
    return [toy_trial(first + number, best.learning_rate / 2) for number in range(TRIALS_A_ROUND)]


def main(folder: str, executor: str, *options: str) -> int:
    try:
        with (
            Ledger.open(Path(folder) / "ledger.jsonl", {"rounds": ROUNDS}, resume="--resume" in options) as ledger,
            load("executors", executor).open(2) as running,
        ):
            if ledger.note:
                print(ledger.note, file=sys.stderr)
            complete: list[tuple[Trial, Outcome]] = []
            for _ in range(ROUNDS):
                trials = propose(complete)
                outcomes = run_round(
                    trials,
                    ledger=ledger,
                    running=running,
                    pack=in_fours,
                    run=run_trials,
                    on_done=lambda trial, _: print(trial.key, flush=True),
                )
                complete += zip(trials, outcomes, strict=True)
    except GuidesError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
