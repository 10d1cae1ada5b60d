"""What ``harness/executors/base.py`` promises, for every executor there is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.executors.base import Executor
from harness.plugins import load, names
from tests import toy_pack

# A command that runs two slow packs and answers Ctrl-C the way Python does.
SLOW_COMMAND = """
import pathlib, sys
from harness.plugins import load
from tests.toy_pack import log_and_sleep
with load("executors", sys.argv[1]).open(2) as running:
    for _ in running.map(log_and_sleep, [(pathlib.Path(path), 60.0) for path in sys.argv[2:]]):
        pass
"""


@pytest.fixture(params=names("executors"))
def executor(request: pytest.FixtureRequest) -> Executor:
    return load("executors", request.param)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_executor_is_an_instance_of_the_seam(executor: Executor) -> None:
    assert isinstance(executor, Executor)


@pytest.mark.parametrize("workers", [1, 3])
def test_every_pack_comes_back_once_with_its_result(executor: Executor, workers: int) -> None:
    with executor.open(workers) as running:
        results = list(running.map(toy_pack.square, range(10)))

    assert sorted(results) == [(number, number * number) for number in range(10)]


def test_no_packs_give_no_results(executor: Executor) -> None:
    with executor.open(1) as running:
        assert list(running.map(toy_pack.square, [])) == []


def test_exception_belongs_to_its_pack_alone(executor: Executor) -> None:
    with executor.open(2) as running:
        results = dict(running.map(toy_pack.reciprocal, [4, 0, 2]))

    assert isinstance(results.pop(1), ZeroDivisionError)
    assert results == {0: 0.25, 2: 0.5}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (toy_pack.raise_unpicklable, "holds what cannot travel"),
        (toy_pack.raise_one_way, "this and that"),
    ],
)
def test_exception_that_cannot_travel_still_says_what_happened(
    executor: Executor, function: object, expected: str
) -> None:
    with executor.open(1) as running:
        [(_, error)] = running.map(function, [0])
        [(_, next_result)] = running.map(toy_pack.square, [3])

    assert isinstance(error, Exception)
    assert expected in str(error).partition("\n")[0]
    assert next_result == 9


def test_workers_outlive_a_map(executor: Executor) -> None:
    with executor.open(1) as running:
        first, second = (list(running.map(toy_pack.process_id, [None, None])) for _ in range(2))

    assert first == second


def test_iteration_left_early_leaks_nothing_into_the_next(executor: Executor, tmp_path: Path) -> None:
    jobs = [(tmp_path / "first", 0.0), (tmp_path / "second", 0.2), (tmp_path / "third", 0.2)]
    with executor.open(2) as running:
        for _ in running.map(toy_pack.log_and_sleep, jobs):
            break
        results = sorted(running.map(toy_pack.square, [5, 6, 7]))

    assert results == [(0, 25), (1, 36), (2, 49)]


def test_module_that_cannot_be_preloaded_does_no_harm(executor: Executor) -> None:
    with executor.open(1, preload=["json", "no_such_module"]) as running:
        assert list(running.map(toy_pack.square, [3])) == [(0, 9)]


def test_environment_is_left_as_it_was(executor: Executor) -> None:
    before = dict(os.environ)
    with executor.open(1) as running:
        list(running.map(toy_pack.square, [1]))
        during = dict(os.environ)

    assert during == before
    assert dict(os.environ) == before


def test_leaving_the_block_leaves_no_process(executor: Executor) -> None:
    with executor.open(2) as running:
        processes = {process for _, process in running.map(toy_pack.process_id, [None] * 4)}

    assert not [process for process in processes - {os.getpid()} if is_running(process)]


def test_error_in_the_block_passes_through_and_leaves_no_process(executor: Executor) -> None:
    processes: set[int] = set()

    def fail_after_the_first() -> None:
        with executor.open(2) as running:
            for _, process in running.map(toy_pack.process_id, [None] * 4):
                processes.add(process)
                raise LookupError

    with pytest.raises(LookupError):
        fail_after_the_first()

    assert processes
    assert not [process for process in processes - {os.getpid()} if is_running(process)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9-of-the-parent"])
@pytest.mark.parametrize("name", names("executors"))
def test_end_of_the_command_ends_its_packs(name: str, number: signal.Signals, tmp_path: Path) -> None:
    paths = [tmp_path / "first", tmp_path / "second"]
    command = subprocess.Popen(
        [sys.executable, "-c", SLOW_COMMAND, name, *map(str, paths)],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not paths[0].exists() and time.monotonic() < deadline:
        time.sleep(0.01)

    if number is signal.SIGINT:
        os.killpg(command.pid, number)  # as a terminal does: to the command and to whatever it started
    else:
        command.kill()
    # Every process that the command started holds its stderr open: this ends when the last of them has.
    _, talk = command.communicate(timeout=30)

    assert paths[0].exists()
    assert command.returncode == -number
    assert talk.decode().count("Traceback") == (1 if number is signal.SIGINT else 0)
