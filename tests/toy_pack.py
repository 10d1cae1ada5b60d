"""Packs for the tests of executors, ledger and sweep: no torch, and here rather than in a test, as they must pickle."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from harness.trial import Outcome, Shape, Trial

LOG = "TOY_LOG"  # environment: the file that each execution is logged to
ATTEMPT = "TOY_ATTEMPT"  # environment: what to log it as
SECONDS = "TOY_SECONDS"  # environment: how long a trial takes


def toy_trial(seed: int, learning_rate: float = 0.01, steps: int = 100) -> Trial:
    return Trial(
        dataset="toy",
        family="mlp",
        shape=Shape(width=4, depth=1),
        n_train=50,
        seed=seed,
        learning_rate=learning_rate,
        weight_decay=0.0,
        steps=steps,
        batch_size=8,
    )


def outcome_of(trial: Trial) -> Outcome:
    """What each toy run of a trial comes to: a number that only the trial decides."""
    error = int(trial.key[:8], 16) / 2**32
    return Outcome(
        status="ok", val_error=error, val_loss=2 * error, best_step=trial.steps, curve=[[1, 1.0, 2.0]], wall_s=error
    )


def in_fours(trials: Sequence[Trial]) -> list[Sequence[Trial]]:
    return [trials[start : start + 4] for start in range(0, len(trials), 4)]


def run_trials(trials: Sequence[Trial]) -> list[Outcome]:
    """Train nothing for some milliseconds a trial, and log each execution where ``TOY_LOG`` says."""
    outcomes = []
    for trial in trials:
        started = time.perf_counter()
        if LOG in os.environ:
            log = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            os.write(log, f"{os.environ[ATTEMPT]} {trial.key}\n".encode())
            os.close(log)
        time.sleep(float(os.environ.get(SECONDS, "0.004")))
        outcome = outcome_of(trial).to_json() | {"wall_s": time.perf_counter() - started}
        outcomes.append(Outcome.from_json(outcome))
    return outcomes


def run_all_but_odd_seeds(trials: Sequence[Trial]) -> list[Outcome]:
    for trial in trials:
        if trial.seed % 2:
            raise ValueError(f"seed {trial.seed} is odd\nand more is said of it")
    return [outcome_of(trial) for trial in trials]


def kill_worker_at_seed_zero(trials: Sequence[Trial]) -> list[Outcome]:
    for trial in trials:
        kill_self_at_zero(trial.seed)
    return [outcome_of(trial) for trial in trials]


def run_none(trials: Sequence[Trial]) -> list[Outcome]:
    raise AssertionError(f"these have a result: {trials}")


def square(number: int) -> int:
    return number * number


def reciprocal(number: int) -> float:
    return 1 / number


def process_id(_: object) -> int:
    return os.getpid()


def threads_allowed(_: object) -> list[str | None]:
    return [os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")]


def log_and_sleep(job: tuple[Path, float]) -> int:
    """Write our process id to a file, sleep, and return the id."""
    path, seconds = job
    path.write_text(str(os.getpid()))
    time.sleep(seconds)
    return os.getpid()


def meet(job: tuple[Path, Path]) -> bool:
    """Make one file and return whether the other turns up: only a pack that runs at the same time can make it."""
    mine, theirs = job
    mine.touch()
    deadline = time.monotonic() + 30
    while not theirs.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    return theirs.exists()


def kill_self_at_zero(number: int) -> int:
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def interrupt_self(number: int) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    return number


class UnpicklableError(Exception):
    def __init__(self) -> None:
        super().__init__("holds what cannot travel")
        self.held = lambda: None


class OneWayError(Exception):
    """Pickles, but does not come back: unpickling calls it with the message alone."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def raise_unpicklable(_: object) -> NoReturn:
    raise UnpicklableError


def raise_one_way(_: object) -> NoReturn:
    raise OneWayError("this", "that")


def return_unpicklable(_: object) -> object:
    return lambda: None
