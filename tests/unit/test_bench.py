"""`guides bench` with bad input or on a bad machine: one clear line, the right exit code, nothing lost."""

from __future__ import annotations

import errno
import os
import shlex
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from harness import plugins, publish, train
from harness.commands import bench
from harness.ledger import Ledger, configuration_hash
from harness.study import Study
from harness.trial import Outcome, Trial
from tests import tiny_bench
from tests.fake_outcomes import Surface
from tests.toy_pack import outcome_of, toy_trial
from tests.unit.conftest import Result

Guides = Callable[..., Result]
WINE = tiny_bench.WINE[1:]
ASK = ("bench", *WINE, "--target-acc", "0.9")


def changed(**options: str) -> tuple[str, ...]:
    """The command with other values for some of its options."""
    words = list(ASK)
    for name, value in options.items():
        words[words.index(f"--{name}") + 1] = value
    return tuple(words)


def refusal(result: Result, code: int) -> str:
    """Check that a command failed as commands should; return its one line."""
    lines = result.err.splitlines()

    assert result.code == code, result.err
    assert result.out == ""
    assert len(lines) <= 2
    assert all(line.startswith("  ") for line in lines[1:])
    return result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (changed(task="tabular-clss"), "unknown task 'tabular-clss'. Did you mean 'tabular-cls'?"),
        (changed(dataset="whine"), "unknown dataset 'whine'. Did you mean 'wine'?"),
        (changed(family="mpl"), "unknown family 'mpl'. Did you mean 'mlp'?"),
        ((*ASK, "--search", "bisection"), "unknown search strategy 'bisection'. Did you mean 'bisect'?"),
        (changed(executor="process"), "unknown executor 'process'. Did you mean 'processes'?"),
        (changed(dataset="xyz"), f"unknown dataset 'xyz'\n  known: {', '.join(plugins.names('datasets'))}"),
        (changed(dataset="digits"), "data set digits is for task image-cls, not tabular-cls\n  data sets of "),
        (changed(family="cnn"), "family cnn does not fit tabular-cls on wine\n  those that fit: mlp, residual-mlp"),
        (("bench", *WINE, "--target-acc", "1.01"), "1.01 is not a fraction in [0, 1]"),
        (("bench", *WINE, "--target-acc", "97"), "97 is not a fraction; did you mean 0.97?"),
        (("bench", *WINE, "--target-acc", "nan"), "'nan' is not a fraction in [0, 1]"),
        (("bench", *WINE, "--target-acc", "0.9,,"), "'' is not a fraction in [0, 1]"),
        (("bench", *WINE, "--target-acc", "1"), "target accuracy 1 is not a fraction in (0, 1)"),
        (("bench", *WINE, "--target", "accuracy=97"), "97 is not a fraction in (0, 1); did you mean 0.97?"),
        (("bench", *WINE, "--target", "accuracy=nan"), "'accuracy=nan' is not a target; expected METRIC=VALUE"),
        (("bench", *WINE, "--target", "r2=0.9"), "or balanced-accuracy, not by r2\n  use --target accuracy=VALUE"),
        (("bench", *WINE, "--target-acc", "0.2"), "target accuracy 0.2 needs no network: on wine the best constant"),
        (("bench", *WINE), "give a target with --target-acc A or --target METRIC=VALUE"),
        ((*ASK, "--workers", "0"), "invalid value for '--workers': 0 is not in the range 1<=x<=1024"),
        ((*ASK, "--workers", "many"), "invalid value for '--workers': 'many' is not a valid integer range"),
        ((*ASK, "--seed", "-1"), "invalid value for '--seed': -1 is not in the range"),
        ((*ASK, "--minutes", "0"), "'0' is not a number above 0"),
        ((*ASK, "--minutes", "-1"), "'-1' is not a number above 0"),
        ((*ASK, "--minutes", "nan"), "'nan' is not a number above 0"),
        ((*ASK, "--minutes", "soon"), "'soon' is not a number above 0"),
        ((*ASK, "--minutes", "5", "--dry-run"), "give --minutes or --dry-run, not both"),
        ((*ASK, "--json"), "--json prints a plan: it needs --dry-run"),
        ((*ASK, "wine"), "got unexpected extra argument (wine)"),
        (("bench", "--dataset", "wine", "--family", "mlp", "--target-acc", "0.9"), "missing option '--task'"),
    ],
)  # fmt: skip
def test_bad_call_is_refused_before_anything_is_written(
    guides: Guides, alone: Path, arguments: Sequence[str], message: str
) -> None:
    said = refusal(guides(*arguments), 2)

    assert message in said
    assert list(alone.iterdir()) == []


def test_misspelt_name_is_refused_before_workers_start(guides: Guides, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("workers were started")

    monkeypatch.setattr(type(plugins.load("executors", "inline")), "open", refuse)

    assert "Did you mean 'wine'?" in refusal(guides(*changed(dataset="winee")), 2)


def test_out_that_is_a_file_is_refused(guides: Guides, alone: Path) -> None:
    (alone / "taken").write_text("mine")
    said = refusal(guides(*ASK, "--out", "taken"), 2)

    assert said.startswith("cannot write taken/.runs/")
    assert "choose another folder with --out" in said
    assert (alone / "taken").read_text() == "mine"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_out_that_cannot_be_written_to_is_refused(guides: Guides, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    mkdir = Path.mkdir

    def refuse(path: Path, *arguments: Any, **options: Any) -> None:
        if ".runs" in path.parts:
            raise OSError(number, os.strerror(number), str(path))
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    said = refusal(guides(*ASK), 2)

    assert said.startswith("cannot write my-guidelines/.runs/")
    assert os.strerror(number) in said.splitlines()[0]


# --- what has been trained before


@pytest.fixture
def begun(alone: Path) -> Path:
    """The ledger of an earlier run of the same question, with one result."""
    configuration = Study("tabular-cls", "wine", "mlp", (0.9,), "bisect").configuration()
    path = alone / "my-guidelines" / ".runs" / configuration_hash(configuration) / "ledger.jsonl"
    with Ledger.open(path, configuration, resume=False) as ledger:
        trial = toy_trial(1)
        ledger.record(trial, outcome_of(trial))
    return path


def test_earlier_results_need_resume(guides: Guides, begun: Path) -> None:
    before = begun.read_bytes()
    said = refusal(guides(*ASK), 2)

    assert "already holds 1 results of this configuration" in said
    assert "add --resume to go on from them" in said
    assert begun.read_bytes() == before


def test_another_run_of_the_same_question_is_refused(guides: Guides, begun: Path) -> None:
    configuration = Study("tabular-cls", "wine", "mlp", (0.9,), "bisect").configuration()
    with Ledger.open(begun, configuration, resume=True):
        said = refusal(guides(*ASK, "--resume"), 2)

    assert "is in use: another run of the same configuration is writing it" in said


def test_damaged_ledger_is_refused(guides: Guides, begun: Path) -> None:
    begun.write_bytes(begun.read_bytes().replace(b'"key"', b'"kex"') * 2)
    said = refusal(guides(*ASK, "--resume"), 1)

    assert "ledger.jsonl: line 2 is damaged" in said


def test_torn_last_line_is_cut_off_and_said(guides: Guides, begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun.write_bytes(begun.read_bytes() + b'{"key": "ab')
    monkeypatch.setattr(train, "run_pack", interrupt)
    result = guides(*ASK, "--resume")

    assert "cut off 11 bytes of a last line" in result.err
    assert result.code == 130


# --- a machine that gives out on the way


def interrupt(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


def full(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Trainings:
    """Stands in for ``run_pack``: made-up outcomes for some packs, then something happens."""

    def __init__(self, n_packs: int, then: Callable[[], NoReturn]) -> None:
        self.n_packs = n_packs
        self.then = then
        self.surface = Surface(lambda trial: 0.02 + 0.5 / max(trial.shape.width, 1))

    def __call__(self, trials: Sequence[Trial], weights: Path | None = None) -> list[Outcome]:
        if not self.n_packs:
            self.then()
        self.n_packs -= 1
        return [replace(self.surface.run(trial), test_error=None) for trial in trials]


def recorded(here: Path) -> int:
    [path] = here.glob("my-guidelines/.runs/*/ledger.jsonl")
    return path.read_bytes().count(b"\n") - 1


def test_ctrl_c_keeps_what_was_trained_and_says_how_to_go_on(
    guides: Guides, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "run_pack", Trainings(2, interrupt))
    said = refusal(guides(*ASK), 130)

    assert said.startswith("interrupted: ")
    assert "run the same command with --resume to go on from there" in said
    assert recorded(alone) > 0


def test_ctrl_c_between_rounds_says_how_to_go_on(guides: Guides, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.procedure.drive", interrupt)
    said = refusal(guides(*ASK, "--out", "elsewhere"), 130)

    assert said.startswith("interrupted: what was trained is recorded below elsewhere/.runs\n")
    assert "--resume" in said
    assert (alone / "elsewhere" / ".runs").is_dir()


@pytest.mark.parametrize("n_packs", [0, 2])
def test_disk_that_fills_up_in_a_pack_ends_the_run_with_everything_kept(
    guides: Guides, alone: Path, monkeypatch: pytest.MonkeyPatch, n_packs: int
) -> None:
    monkeypatch.setattr(train, "run_pack", Trainings(n_packs, full))
    said = refusal(guides(*ASK), 5)

    assert said.startswith("no space left while a pack ran")
    assert "make room, then run the same command with --resume" in said
    assert (recorded(alone) > 0) == (n_packs > 0)


def test_disk_that_fills_up_under_the_ledger_loses_only_what_is_not_written(
    guides: Guides, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "run_pack", Trainings(9, full))
    fsync, left = os.fsync, iter(range(10))

    def fill(descriptor: int) -> None:
        if next(left, None) is None:
            full()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fill)
    said = refusal(guides(*ASK), 5)

    assert "no space left to write my-guidelines/.runs/" in said
    assert "results are safe" in said
    assert 0 < recorded(alone) < 10


@pytest.fixture
def trained(wine_root: Path, alone: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run in the own folder whose record has been removed: the next run only publishes."""
    import shutil

    tiny_bench.shorten(monkeypatch.setattr)
    shutil.copytree(wine_root / ".runs", alone / "my-guidelines" / ".runs")
    return alone / "my-guidelines"


@pytest.mark.xdist_group("wine")
@pytest.mark.parametrize(
    ("happens", "code", "message"),
    [(interrupt, 130, "interrupted: what was trained is recorded below my-guidelines/"), (full, 5, "no space left")],
    ids=["ctrl-c", "full-disk"],
)  # fmt: skip
def test_what_happens_while_the_record_is_made_loses_nothing(
    guides: Guides,
    trained: Path,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[..., NoReturn],
    code: int,
    message: str,
) -> None:
    before = [path.read_bytes() for path in trained.glob(".runs/*/ledger.jsonl")]
    monkeypatch.setattr(publish, "publication", happens)
    said = refusal(guides(*ASK, "--resume"), code)

    assert said.startswith(message)
    assert [path.read_bytes() for path in trained.glob(".runs/*/ledger.jsonl")] == before
    assert not (trained / "tabular-cls").exists()


# --- what it says


def test_recorded_command_asks_the_same_question_again() -> None:
    study = Study("tabular-cls", "wine", "mlp", (0.9, 0.9666666667), "grid", 3)
    words = shlex.split(bench._command(study))
    context = bench.COMMAND.make_context("bench", words[2:])
    asked = bench._targets("tabular-cls", context.params["accuracies"], context.params["targets"])
    values = {key: context.params[key] for key in ("task", "dataset", "family", "search", "seed")}

    assert words[:2] == ["guides", "bench"]
    assert Study(targets=asked, **values) == study


def test_targets_of_both_options_are_merged_and_sorted(guides: Guides, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Study] = []
    monkeypatch.setattr(bench, "_bench", lambda study, *_, **__: asked.append(study))
    result = guides(*ASK, "--target-acc", "0.95,0.8", "--target", "accuracy=0.9", "--target", "accuracy=0.85")

    assert result.code == 0
    assert asked[0].targets == (0.8, 0.85, 0.9, 0.95)


def test_help_ends_with_two_examples(guides: Guides) -> None:
    result = guides("bench", "--help")
    examples = [line.strip() for line in result.out.splitlines() if line.strip().startswith("guides bench")]

    assert result.code == 0
    assert len(examples) == 2


def test_minutes_hold_while_the_pace_is_measured(
    guides: Callable[..., Result], alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: object) -> NoReturn:
        while True:
            threading.Event().wait(0.01)

    monkeypatch.setattr("harness.pace.probe", endless)
    question = ("--task", "tabular-cls", "--dataset", "wine", "--family", "mlp", "--target-acc", "0.9")
    result = guides("bench", *question, "--minutes", "0.005", "--executor", "inline", "--workers", "1")

    assert result.code == 7
    assert "not enough time: accuracy 0.9 not certified" in result.err
    assert not list(alone.rglob("guideline.json"))
