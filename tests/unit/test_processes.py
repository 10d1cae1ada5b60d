"""What only worker processes can do: the rest is ``tests/contract/test_executors.py``."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from harness.executors.processes import PLUGIN, ProcessesRunning
from registry.errors import GuidesError, UsageError
from tests import toy_pack


def test_killed_worker_costs_its_own_pack_alone() -> None:
    with PLUGIN.open(2) as running:
        results = dict(running.map(toy_pack.kill_self_at_zero, [1, 0, 2, 3, 0, 4]))

    errors = [results.pop(1), results.pop(4)]
    assert [str(error) for error in errors] == [
        "the worker process ended before its pack did (signal SIGKILL); out of memory, perhaps"
    ] * 2
    assert results == {0: 1, 2: 2, 3: 3, 5: 4}


def test_worker_that_died_while_idle_is_replaced_unnoticed() -> None:
    with PLUGIN.open(1) as running:
        assert isinstance(running, ProcessesRunning)
        [(_, process)] = running.map(toy_pack.process_id, [None])
        os.kill(process, signal.SIGKILL)
        assert running._idle[0].connection.poll(timeout=30)  # its end of the socket closes as it dies
        [(_, result)] = running.map(toy_pack.square, [3])

    assert result == 9


def test_ctrl_c_is_answered_by_us_and_not_by_each_worker() -> None:
    with PLUGIN.open(1) as running:
        [(_, result)] = running.map(toy_pack.interrupt_self, [7])

    assert result == 7


def test_worker_that_cannot_start_is_an_error_and_not_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ends_at_once.py").write_text("import os; os._exit(3)")
    monkeypatch.syspath_prepend(tmp_path)

    with (
        pytest.raises(GuidesError, match=r"a worker process ended while it started \(exit status 3\)"),
        PLUGIN.open(2, preload=["ends_at_once"]) as running,
    ):
        list(running.map(toy_pack.square, [1, 2, 3]))


def test_packs_run_at_the_same_time(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    with PLUGIN.open(2) as running:
        met = list(running.map(toy_pack.meet, [(here, there), (there, here)]))

    assert sorted(met) == [(0, True), (1, True)]


def test_workers_are_single_threaded_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with PLUGIN.open(1) as running:
        [(_, threads)] = running.map(toy_pack.threads_allowed, [None])

    assert threads == ["1", "1"]
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_exception_brings_its_traceback_along_as_a_note() -> None:
    with PLUGIN.open(1) as running:
        [(_, error)] = running.map(toy_pack.reciprocal, [0])

    assert isinstance(error, ZeroDivisionError)
    assert "return 1 / number" in error.__notes__[0]


def test_result_that_does_not_pickle_is_an_exception_of_its_pack() -> None:
    with PLUGIN.open(1) as running:
        [(_, error)] = running.map(toy_pack.return_unpicklable, [0])

    assert isinstance(error, Exception)
    assert "pickle" in str(error)


def test_large_packs_travel_both_ways() -> None:
    large = [bytes(3_000_000)] * 3
    with PLUGIN.open(2) as running:
        results = dict(running.map(bytes, large))

    assert results == dict(enumerate(large))


def test_no_workers_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="workers must be at least 1, got 0"), PLUGIN.open(0):
        pass
