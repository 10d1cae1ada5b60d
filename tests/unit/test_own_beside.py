"""Methods without a network have a part of the time, the cheapest first, and are timed without their imports."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import plugins
from harness.baselines import methods as known
from harness.datasets.base import Dataset
from harness.executors.inline import InlineRunning
from harness.own import beside
from harness.own.aloud import Aloud
from harness.own.beside import Method, OutOfTime, Skipped, timed
from harness.own.place import found_in
from harness.own.read import Own, keep
from harness.pace import Pace
from harness.plan import NOT_FORESEEN
from harness.tasks.base import Task
from tests import own_files
from tests.unit.conftest import Result

NAMES = ["majority", "linear", "1-nearest-neighbour", "nearest-neighbours", "boosted-trees"]
ASK = ("bench", "--task", "tabular-cls", "--data", "fruit.csv", "--label", "fruit", "--executor", "inline")


@pytest.fixture
def own(tmp_path: Path) -> Own:
    return Own("tabular-cls", own_files.table(tmp_path / "fruit.csv"), "fruit")


def forever(*_: object) -> list[dict[str, object]]:
    while True:
        pass


def quick(task: object, data: object) -> list[dict[str, object]]:
    return [{"metric": 0.5, "bytes": 8, "flops": None}]


def slow_but(name: str) -> Callable[..., list[dict[str, object]]]:
    def run(task: object, data: object) -> list[dict[str, object]]:
        [asked] = task.baselines(data)  # type: ignore[attr-defined]
        return quick(task, data) if asked == name else forever()

    return run


def test_a_method_that_takes_too_long_is_broken_off(tmp_path: Path, own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "run_baselines", forever)
    with found_in(tmp_path / "kept"):
        name = keep(own, tmp_path / "kept").name
        with pytest.raises(OutOfTime):
            timed("tabular-cls", name, 40, "linear", until=time.time() + 0.2)
        with pytest.raises(OutOfTime):
            timed("tabular-cls", name, 40, "linear", until=time.time() - 1)


def test_a_method_that_is_done_in_time_leaves_no_alarm_behind(
    tmp_path: Path, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "run_baselines", quick)
    found: list[Method] = []
    with found_in(tmp_path / "kept"):
        name = keep(own, tmp_path / "kept").name
        found.append(timed("tabular-cls", name, 40, "linear", until=time.time() + 60))
        aside = threading.Thread(  # where no signal arrives
            target=lambda: found.append(timed("tabular-cls", name, 40, "linear", until=time.time() + 60))
        )
        aside.start()
        aside.join()

    assert [method.metric for method in found] == [0.5, 0.5]
    assert beside.signal.getitimer(beside.signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_cheapest_come_first_and_constants_always(
    tmp_path: Path, own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "run_baselines", quick)
    with found_in(tmp_path / "kept"):
        data = plugins.load("datasets", keep(own, tmp_path / "kept").name)
        task = plugins.load("tasks", "tabular-cls")
        late = list(beside.methods(task, data, 40, InlineRunning(), NAMES[::-1], until=time.time() - 1))
        ever = list(beside.methods(task, data, 40, InlineRunning(), NAMES[::-1]))

    assert [type(one) for one in late] == [Method, Skipped, Skipped, Skipped, Skipped]
    assert [one.name for one in late if not isinstance(one, str)] == NAMES
    assert [one.name for one in ever if isinstance(one, Method)] == NAMES
    assert str(late[-1]).startswith("boosted-trees is skipped: it would take longer")


def test_what_no_record_is_without_is_fitted_for_it_and_the_rest_is_named(
    tmp_path: Path, own: Own, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aloud = Aloud(own, is_quiet=False)
    monkeypatch.setattr(beside, "run_baselines", slow_but("majority"))
    with found_in(tmp_path / "kept"):
        data = plugins.load("datasets", aloud.read(tmp_path / "kept"))
        aloud.compare(data, InlineRunning(), 0.005)
        said = capsys.readouterr().err
        last = aloud.last_line([])
        monkeypatch.setattr(beside, "run_baselines", quick)
        kept = aloud.baselines() or []
        notes = aloud.notes()

    assert [line.split()[0] for line in said.splitlines()[-5:]] == NAMES
    assert said.count("is skipped") == 4
    assert last.endswith(f"; not fitted, for want of time: {', '.join(NAMES[1:])}")
    assert notes == ["not fitted, for want of time: 1-nearest-neighbour, nearest-neighbours, boosted-trees"]
    assert [one["name"] for one in kept] == ["majority", "linear"]


def test_what_cannot_be_fitted_is_named(
    tmp_path: Path, own: Own, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(task: Task, data: Dataset) -> list[dict[str, object]]:
        if task.baselines(data) == ("majority",):
            return quick(task, data)
        raise MemoryError("no room\nfor it")

    aloud = Aloud(own, is_quiet=False)
    monkeypatch.setattr(beside, "run_baselines", broken)
    with found_in(tmp_path / "kept"):
        data = plugins.load("datasets", aloud.read(tmp_path / "kept"))
        aloud.compare(data, InlineRunning(), math.inf)
        kept = aloud.baselines() or []

    named = f"could not be fitted: {', '.join(NAMES[1:])}"
    assert capsys.readouterr().err.endswith("\n  boosted-trees could not be fitted: no room\n")
    assert [one["name"] for one in kept] == ["majority"]
    assert aloud.notes() == [named]
    assert aloud.last_line([]).endswith(f"; {named}")


def test_methods_fitted_to_a_part_know_a_class_that_it_would_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [[*row[:3], "fig" if i < 3 else "plum"] for i, row in enumerate(own_files.rows(300))]
    monkeypatch.setattr(beside, "MOST_ROWS", 20)
    aloud = Aloud(Own("tabular-cls", own_files.table(tmp_path / "fruit.csv", cells), "fruit"), is_quiet=False)
    with found_in(tmp_path / "kept"):
        aloud.compare(plugins.load("datasets", aloud.read(tmp_path / "kept")), InlineRunning(), math.inf)

    assert "could not be fitted" not in capsys.readouterr().err
    assert [one["name"] for one in aloud.baselines() or []] == NAMES


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (90.0, "1.5 minutes are left: what is not settled is said, and --resume goes on from there\n"),
        (0.0, "no time is left to train: what is not settled is said, and --resume goes on from there\n"),
        (-96.0, "no time is left to train: what is not settled is said, and --resume goes on from there\n"),
        (math.inf, ""),
    ],
)
def test_never_are_fewer_than_no_minutes_left(
    own: Own, capsys: pytest.CaptureFixture[str], seconds: float, said: str
) -> None:
    Aloud(own, is_quiet=False).plan(["the plan"], seconds)

    assert capsys.readouterr().err == f"the plan\n{said}"


def test_where_the_methods_take_all_the_time_nothing_is_trained(
    guides: Callable[..., Result], alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_files.table(alone / "fruit.csv")
    monkeypatch.setattr(beside, "run_baselines", lambda *_: time.sleep(0.3) or quick(*_))
    monkeypatch.setattr("harness.commands.bench._pace", None)  # would be called if there were time
    done = guides(*ASK, "--target-acc", "0.9", "--minutes", "0.001")

    assert done.code == 7
    assert "no time is left to train: what is not settled is said" in done.err
    assert "-0." not in done.err


def test_where_the_pace_takes_all_the_time_it_is_broken_off(
    guides: Callable[..., Result], alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_files.table(alone / "fruit.csv")
    monkeypatch.setattr(beside, "run_baselines", quick)
    monkeypatch.setattr("harness.commands.bench._pace", forever)
    done = guides(*ASK, "--target-acc", "0.9", "--minutes", "0.05")

    assert done.code == 7
    assert "no time is left to train: what is not settled is said" in done.err


def test_a_plan_that_takes_too_long_is_broken_off_and_training_is_not(
    guides: Callable[..., Result], alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_files.table(alone / "fruit.csv")
    monkeypatch.setattr(beside, "run_baselines", quick)
    monkeypatch.setattr("harness.commands.bench._pace", lambda *_: Pace(1e9, 0.0, 0.0))
    monkeypatch.setattr("harness.plan.rehearse", forever)
    done = guides(*ASK, "--target-acc", "0.9", "--minutes", "0.05")

    assert done.code == 7
    assert "widths from 1 to" in done.err
    assert NOT_FORESEEN in done.err
    assert re.search(r"0\.0 minutes are left: what is not settled is said", done.err)


@pytest.mark.parametrize(
    ("inputs", "minutes", "n"), [(10_000, 2.0, 200), (10_000, math.inf, 1_000), (100, -1.0, 1_000)]
)
def test_where_time_is_short_wide_examples_are_few(inputs: int, minutes: float, n: int) -> None:
    assert beside.n_rows(50_000, inputs, minutes) == n


def test_what_a_method_imports_is_imported_before_the_clock_starts() -> None:
    """In a fresh process: fitting a method imports nothing of scikit-learn that its list does not."""
    script = """
import sys
from importlib import import_module
from harness import plugins
from harness.baselines import run_baselines
from harness.own.beside import LIBRARIES, _Part
data, late = _Part(plugins.load("datasets", "twonorm"), 200), {}
data.train()
for name in ("linear", "nearest-neighbours", "boosted-trees"):
    for library in ("threadpoolctl", *LIBRARIES[name]):
        import_module(library)
    before = set(sys.modules)
    run_baselines(plugins.load("tasks", "tabular-cls"), data, [name])
    late[name] = sorted(one for one in set(sys.modules) - before if one.startswith(("sklearn", "threadpoolctl")))
assert not any(late.values()), late
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=300)
    assert set(beside.LIBRARIES) <= set(known.METHODS)


def test_imports_are_no_part_of_the_seconds(tmp_path: Path, own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(beside, "import_module", done.append)
    monkeypatch.setattr(beside, "run_baselines", lambda *_: done.append("fitted") or quick(*_))
    monkeypatch.setattr(beside.time, "perf_counter", lambda: done.append("clock") or 0.0)
    with found_in(tmp_path / "kept"):
        timed("tabular-cls", keep(own, tmp_path / "kept").name, 40, "boosted-trees")

    assert done == ["threadpoolctl", "sklearn.ensemble", "clock", "fitted", "clock"]
