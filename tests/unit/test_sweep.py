from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness.executors.base import Running
from harness.ledger import Ledger
from harness.plugins import load
from harness.sweep import run_round
from harness.trial import Outcome, Trial
from registry.errors import Interrupted, MissingDependency, NoSpace
from tests.toy_pack import (
    SECONDS,
    in_fours,
    kill_worker_at_seed_zero,
    outcome_of,
    run_all_but_odd_seeds,
    run_none,
    run_trials,
    toy_trial,
)
from tests.toy_sweep import ROUNDS, TRIALS_A_ROUND

TRIALS = [toy_trial(seed) for seed in range(10)]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.jsonl", {}, resume=False) as ledger:
        yield ledger


@pytest.fixture
def inline() -> Iterator[Running]:
    with load("executors", "inline").open(1) as running:
        yield running


def timeless(outcome: Outcome) -> dict[str, object]:
    return outcome.to_json() | {"wall_s": None}


def test_outcomes_come_in_the_order_of_the_trials(ledger: Ledger, inline: Running) -> None:
    shuffled = [*TRIALS[5:], *TRIALS[:5]]
    outcomes = run_round(shuffled, ledger=ledger, running=inline, pack=in_fours, run=run_trials)

    assert [timeless(outcome) for outcome in outcomes] == [timeless(outcome_of(trial)) for trial in shuffled]
    assert set(ledger.results) == {trial.key for trial in TRIALS}


def test_trials_with_a_result_are_not_run_again(ledger: Ledger, inline: Running) -> None:
    first = run_round(TRIALS, ledger=ledger, running=inline, pack=in_fours, run=run_trials)
    second = run_round(TRIALS, ledger=ledger, running=inline, pack=in_fours, run=run_none)

    assert second == first


def test_only_what_is_missing_is_packed_and_reported(ledger: Ledger, inline: Running) -> None:
    run_round(TRIALS[:3], ledger=ledger, running=inline, pack=in_fours, run=run_trials)
    packed: list[Trial] = []
    done: list[tuple[Trial, Outcome]] = []

    def pack(trials: Sequence[Trial]) -> list[Sequence[Trial]]:
        packed.extend(trials)
        return in_fours(trials)

    run_round(
        TRIALS,
        ledger=ledger,
        running=inline,
        pack=pack,
        run=run_trials,
        on_done=lambda trial, outcome: done.append((trial, outcome)),
    )

    assert packed == TRIALS[3:]
    assert done == [(trial, ledger.results[trial.key]) for trial in TRIALS[3:]]


def test_trial_that_is_proposed_twice_runs_once(ledger: Ledger, inline: Running) -> None:
    outcomes = run_round([TRIALS[0]] * 2, ledger=ledger, running=inline, pack=in_fours, run=run_trials)

    assert outcomes[0] == outcomes[1]
    assert len(ledger.results) == 1


def test_members_of_a_pack_that_raised_run_alone_and_only_the_guilty_fail(ledger: Ledger, inline: Running) -> None:
    outcomes = run_round(TRIALS, ledger=ledger, running=inline, pack=in_fours, run=run_all_but_odd_seeds)

    assert [outcome.status for outcome in outcomes] == ["ok", "failed"] * 5
    assert outcomes[3].reason == "ValueError: seed 3 is odd"
    assert len(ledger.results) == 10


def test_trial_that_kills_its_worker_fails_and_the_others_do_not(ledger: Ledger) -> None:
    with load("executors", "processes").open(2) as running:
        outcomes = run_round(TRIALS, ledger=ledger, running=running, pack=in_fours, run=kill_worker_at_seed_zero)

    assert [outcome.status for outcome in outcomes] == ["failed"] + ["ok"] * 9
    assert outcomes[0].reason.startswith("RuntimeError: the worker process ended before its pack did (signal SIGKILL)")


def test_pack_that_fails_once_is_run_again(ledger: Ledger, inline: Running) -> None:
    calls: list[int] = []

    def run(trials: Sequence[Trial]) -> list[Outcome]:
        calls.append(len(trials))
        if len(calls) == 1:
            raise MemoryError
        return run_trials(trials)

    outcomes = run_round(TRIALS[:6], ledger=ledger, running=inline, pack=in_fours, run=run)

    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert calls == [4, 2, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (NoSpace("no space left"), NoSpace),
        (MissingDependency("a package is missing"), MissingDependency),
        (OSError(errno.ENOSPC, "No space left on device"), NoSpace),
    ],
    ids=["no space", "missing package", "full disk"],
)
@pytest.mark.parametrize("size", [4, 1], ids=["in a pack", "alone"])
def test_error_about_the_machine_ends_the_round_and_is_nobodys_result(
    ledger: Ledger, inline: Running, raised: Exception, expected: type[Exception], size: int
) -> None:
    def run(trials: Sequence[Trial]) -> list[Outcome]:
        if trials[0].seed < 4:
            return run_trials(trials)
        raise raised if len(trials) == size else RuntimeError

    with pytest.raises(expected):
        run_round(TRIALS[:8], ledger=ledger, running=inline, pack=in_fours, run=run)

    assert list(ledger.results) == [trial.key for trial in TRIALS[:4]]


def test_reason_of_a_failure_is_one_short_line(ledger: Ledger, inline: Running) -> None:
    def run(trials: Sequence[Trial]) -> list[Outcome]:
        raise ValueError if trials[0].seed else ValueError("long " * 1000)

    long, empty = run_round(TRIALS[:2], ledger=ledger, running=inline, pack=in_fours, run=run)

    assert len(long.reason) == 300
    assert empty.reason == "ValueError"


@pytest.mark.parametrize("packs", [[], [TRIALS[:2], TRIALS[1:3]], [TRIALS[:2]]], ids=["none", "twice", "too few"])
def test_packing_that_loses_or_repeats_a_trial_is_a_bug(
    ledger: Ledger, inline: Running, packs: list[Sequence[Trial]]
) -> None:
    with pytest.raises(ValueError, match="pack did not put each trial into exactly one pack"):
        run_round(TRIALS[:3], ledger=ledger, running=inline, pack=lambda _: packs, run=run_none)


def test_wrong_number_of_outcomes_is_a_bug_and_records_nothing(ledger: Ledger, inline: Running) -> None:
    with pytest.raises(ValueError, match="run returned 3 outcomes for a pack of 4 trials"):
        run_round(TRIALS[:4], ledger=ledger, running=inline, pack=in_fours, run=lambda trials: run_trials(trials[:3]))

    assert not ledger.results


def test_interrupt_inside_a_pack_keeps_what_was_done_and_says_how_to_go_on(ledger: Ledger, inline: Running) -> None:
    def run(trials: Sequence[Trial]) -> list[Outcome]:
        if trials[0].seed == 8:
            raise KeyboardInterrupt
        return run_trials(trials)

    with pytest.raises(Interrupted) as error:
        run_round(TRIALS, ledger=ledger, running=inline, pack=in_fours, run=run)

    assert list(ledger.results) == [trial.key for trial in TRIALS[:8]]
    assert error.value.message == f"interrupted: 8 of this round's 10 trials are recorded in {ledger.path}"
    assert error.value.hint == "run the same command with --resume to go on from there"


def test_interrupt_while_a_pack_is_recorded_waits_for_the_whole_pack(ledger: Ledger, inline: Running) -> None:
    def interrupt(trial: Trial, _: Outcome) -> None:
        if trial.seed == 1:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        run_round(TRIALS, ledger=ledger, running=inline, pack=in_fours, run=run_trials, on_done=interrupt)

    assert list(ledger.results) == [trial.key for trial in TRIALS[:4]]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_round_runs_in_any_thread(ledger: Ledger, inline: Running) -> None:
    outcomes: list[Outcome] = []
    thread = threading.Thread(
        target=lambda: outcomes.extend(run_round(TRIALS, ledger=ledger, running=inline, pack=in_fours, run=run_trials))
    )
    thread.start()
    thread.join()

    assert len(outcomes) == 10


def test_ctrl_c_on_a_command_keeps_its_results_and_a_resume_completes_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.toy_sweep", str(tmp_path), "processes"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        command,
        env={**environment, SECONDS: "0.05"},  # far from done when its first result is there
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()  # the first result is recorded
    os.killpg(process.pid, signal.SIGINT)
    _, talk = process.communicate(timeout=30)
    again = subprocess.run([*command, "--resume"], env=environment, capture_output=True, text=True, timeout=30)

    assert process.returncode == 130
    assert talk.startswith("interrupted: ")
    assert talk.endswith("  run the same command with --resume to go on from there\n")
    assert again.returncode == 0
    assert len((tmp_path / "ledger.jsonl").read_text().splitlines()) == 1 + ROUNDS * TRIALS_A_ROUND
