from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.ledger import Ledger, configuration_hash
from harness.trial import Outcome
from registry.errors import InvalidData, NoSpace, UsageError
from tests.toy_pack import outcome_of, toy_trial

CONFIGURATION = {"task": "image-cls", "target": 0.95, "steps": {"first": 100, "cap": 6400}, "rates": [0.1, 0.2]}
TRIALS = [toy_trial(seed) for seed in range(3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "ledger.jsonl"


@pytest.fixture
def filled(path: Path) -> Path:
    """A ledger that holds the results of ``TRIALS``."""
    with Ledger.open(path, CONFIGURATION, resume=False) as ledger:
        for trial in TRIALS:
            ledger.record(trial, outcome_of(trial))
    return path


def reopen(path: Path, configuration: dict[str, Any] = CONFIGURATION) -> Ledger:
    return Ledger.open(path, configuration, resume=True)


def test_results_come_back_in_the_order_they_were_recorded(filled: Path) -> None:
    with reopen(filled) as ledger:
        assert list(ledger.results.items()) == [(trial.key, outcome_of(trial)) for trial in TRIALS]
        assert ledger.trials() == TRIALS
        assert ledger.note == ""


def test_rows_are_the_lines_of_the_file(filled: Path) -> None:
    lines = [json.loads(line) for line in filled.read_text().splitlines()]

    with reopen(filled) as ledger:
        assert list(ledger.rows()) == lines[1:]
    assert lines[0] == {"ledger": 1, "hash": configuration_hash(CONFIGURATION), "configuration": CONFIGURATION}


def test_reader_sees_the_same_outcome_now_as_after_a_restart(path: Path) -> None:
    outcome = replace(outcome_of(TRIALS[0]), curve=[(1, 0.5, 0.25)])  # a tuple: JSON has lists only
    with Ledger.open(path, CONFIGURATION, resume=False) as ledger:
        ledger.record(TRIALS[0], outcome)
        now = ledger.results[TRIALS[0].key]

    with reopen(path) as ledger:
        assert ledger.results[TRIALS[0].key] == now
    assert now.curve == [[1, 0.5, 0.25]]


def test_results_are_read_only(filled: Path) -> None:
    with reopen(filled) as ledger, pytest.raises(TypeError):
        ledger.results["other"] = Outcome(status="ok")  # type: ignore[index]


def test_result_is_on_disk_before_record_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    with Ledger.open(path, CONFIGURATION, resume=False) as ledger:
        fsync = os.fsync
        monkeypatch.setattr(os, "fsync", lambda descriptor: (fsync(descriptor), synced.append(path.read_bytes())))
        ledger.record(TRIALS[0], outcome_of(TRIALS[0]))

    assert synced == [path.read_bytes()]
    assert synced[0].count(b"\n") == 2


def test_torn_write_at_any_byte_loses_only_the_torn_line(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # thousands of them would take a slow disk half a minute
    whole = filled.read_bytes()
    for size in range(len(whole)):
        filled.write_bytes(whole[:size])
        complete = whole[:size].count(b"\n")

        with reopen(filled) as ledger:
            assert ledger.trials() == TRIALS[: max(complete - 1, 0)]
            assert bool(ledger.note) == (whole[:size] != b"" and not whole[:size].endswith(b"\n"))
            for trial in TRIALS[len(ledger.trials()) :]:
                ledger.record(trial, outcome_of(trial))
        assert filled.read_bytes() == whole


@pytest.mark.parametrize("tail", [b"\0" * 40, b"\0" * 40 + b"\n", b'{"key":"12\n', b"\xff\xfe\n"])
def test_last_line_that_is_no_json_is_cut_off_and_said(filled: Path, tail: bytes) -> None:
    whole = filled.read_bytes()
    filled.write_bytes(whole + tail)

    with reopen(filled) as ledger:
        assert ledger.trials() == TRIALS
        assert ledger.note == (
            f"{filled}: cut off {len(tail)} bytes of a last line that an interrupted write left unfinished"
        )
    assert filled.read_bytes() == whole


def damage(line: bytes, what: str) -> bytes:
    if what == "a digit of its trial":
        return line.replace(b'"n_train":50', b'"n_train":51')
    if what == "a missing part":
        return json.dumps({key: value for key, value in json.loads(line).items() if key != "outcome"}).encode() + b"\n"
    if what == "an unknown field":
        return line.replace(b'"status"', b'"statue"')
    if what == "no object":
        return b"[1]\n"
    return line[:40] + b"\n"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("a digit of its trial", "its key is "),
        ("a missing part", "it is not a result: expected key, trial and outcome, got key, trial"),
        ("an unknown field", "outcome.statue is unknown"),
        ("no object", "it is not a JSON object"),
        ("half a line", "it is not JSON"),
    ],
)
def test_damaged_line_in_the_middle_is_named_and_nothing_is_touched(filled: Path, what: str, said: str) -> None:
    lines = filled.read_bytes().splitlines(keepends=True)
    lines[2] = damage(lines[2], what)
    filled.write_bytes(b"".join(lines) + b"torn")
    before = filled.read_bytes()

    with pytest.raises(InvalidData) as error:
        reopen(filled)

    assert error.value.message.startswith(f"{filled}: line 3 is damaged: {said}")
    assert error.value.hint == f"restore the file from a copy, or remove {filled.parent} to begin anew"
    assert filled.read_bytes() == before


def changed(line: bytes, change: str) -> bytes:
    """Put ``path.to.field = JSON`` into a line as text: so even what no writer of JSON would write gets there."""
    path, _, value = change.partition(" = ")
    *folders, name = path.split(".")
    values = json.loads(line)
    folder = values
    for key in folders:
        folder = folder[int(key) if key.isdigit() else key]
    folder[int(name) if name.isdigit() else name] = "here"
    return json.dumps(values).replace('"here"', value).encode() + b"\n"


WRONG_VALUES = [
    ("outcome.val_error = NaN", "NaN is not a number JSON knows, expected a finite one"),
    ("outcome.val_loss = -Infinity", "-Infinity is not a number JSON knows, expected a finite one"),
    ("outcome.val_loss = 1e999", "outcome.val_loss is Infinity, expected a finite number of at least 0"),
    ('outcome.val_error = 0.5, "val_error": 0.4', "the key 'val_error' stands twice in one object"),
    ('outcome.val_error = "x"', 'outcome.val_error is "x", expected a finite number of at least 0'),
    ("outcome.val_error = true", "outcome.val_error is true, expected a finite number of at least 0"),
    ("outcome.val_error = -5.0", "outcome.val_error is -5.0, expected a finite number of at least 0"),
    ("outcome.val_error = null", "outcome.val_error is null, expected a value where the status is 'ok'"),
    ("outcome.val_loss = -0.5", "outcome.val_loss is -0.5, expected a finite number of at least 0"),
    ("outcome.test_error = 0.5", "outcome.test_error is 0.5, expected null: the trial is not tested"),
    ('outcome.test_outcomes = "eA=="', 'outcome.test_outcomes is "eA==", expected null: the trial is not tested'),
    ("outcome.train_flops = -1.0", "outcome.train_flops is -1.0, expected a finite number of at least 0"),
    ("outcome.wall_s = []", "outcome.wall_s is [], expected a finite number of at least 0"),
    ("outcome.best_step = 0", "outcome.best_step is 0, expected a whole number from 1 to 2**53 - 1"),
    ("outcome.best_step = 7.5", "outcome.best_step is 7.5, expected a whole number from 1 to 2**53 - 1"),
    ("outcome.best_step = 101", "outcome.best_step is 101, expected at most the trial's 100 steps"),
    ('outcome.status = "fine"', 'outcome.status is "fine", expected one of ok, diverged, failed'),
    ("outcome.status = []", "outcome.status is [], expected one of ok, diverged, failed"),
    ('outcome.status = "diverged"', "outcome.val_error is "),
    ("outcome.reason = null", "outcome.reason is null, expected a text"),
    ("outcome.curve = {}", "outcome.curve is {}, expected a list of [step, error, loss]"),
    ("outcome.curve = [[1, 0.5]]", "outcome.curve.0 is [1, 0.5], expected [step, error, loss]"),
    ("outcome.curve = [[1.0, 0.5, 2.0]]", "outcome.curve.0.step is 1.0, expected a whole number from 1 to 2**53 - 1"),
    ("outcome.curve = [[1, -1.5, 2.0]]", "outcome.curve.0.error is -1.5, expected a finite number of at least 0"),
    ("outcome.curve = [[2, 0.5, 2.0], [2, 0.5, 2.0]]", "outcome.curve.1.step is 2, expected a whole number from 3"),
    ("outcome.curve = [[101, 0.5, 2.0]]", "outcome.curve goes to step 101, expected at most the trial's 100 steps"),
    ("outcome = 3", "outcome is 3, expected an object"),
    ('trial.shape.width = "4"', 'trial.shape.width is "4", expected a whole number from 0 to 2**53 - 1'),
    ("trial.shape.depth = 0", "trial.shape.width is 4 at depth 0, expected 0 at 0 and only there"),
    ("trial.shape.resolution = 0", "trial.shape.resolution is 0, expected a whole number from 1 to 2**53 - 1"),
    ("trial.dataset = 1", "trial.dataset is 1, expected a text that is not empty"),
    ("trial.seed = -1", "trial.seed is -1, expected a whole number from 0 to 2**53 - 1"),
    ("trial.seed = 9007199254740992", "trial.seed is 9007199254740992, expected a whole number from 0 to 2**53 - 1"),
    ("trial.steps = true", "trial.steps is true, expected a whole number from 1 to 2**53 - 1"),
    ("trial.learning_rate = 0.0", "trial.learning_rate is 0.0, expected a number above 0"),
    ("trial.weight_decay = null", "trial.weight_decay is null, expected a finite number of at least 0"),
    ('trial.route = "magic"', 'trial.route is "magic", expected one of scratch, pruned'),
    ('trial.route = "pruned"', "trial.pruned_from does not fit its route"),
    ("trial.pruned_from = {}", "trial.pruned_from.batch_size is missing"),
    ('trial.phase = "later"', 'trial.phase is "later", expected one of tune, search, certify, bracket'),
    ("trial.tested = 1", "trial.tested is 1, expected true or false"),
    ("trial.tested = true", "outcome.test_error is null, expected a value: the trial is tested"),
    ("key = 12", "its key is 12, but its trial has the key"),
]


@pytest.mark.parametrize(("change", "said"), WRONG_VALUES, ids=[change for change, _ in WRONG_VALUES])
@pytest.mark.parametrize("number", [3, 4], ids=["middle", "last"])
def test_wrong_value_is_named_and_nothing_is_touched(filled: Path, number: int, change: str, said: str) -> None:
    lines = filled.read_bytes().splitlines(keepends=True)
    lines[number - 1] = changed(lines[number - 1], change)
    filled.write_bytes(b"".join(lines))
    before = filled.read_bytes()

    with pytest.raises(InvalidData) as error:
        reopen(filled)

    assert error.value.message.startswith(f"{filled}: line {number} is damaged: {said}")
    assert filled.read_bytes() == before


@pytest.mark.parametrize("line", [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000, b'{"key":"\xff"}'])
def test_line_that_overwhelms_the_parser_is_damage(filled: Path, line: bytes) -> None:
    lines = filled.read_bytes().splitlines()
    lines[2] = line
    filled.write_bytes(b"\n".join(lines) + b"\n")

    with pytest.raises(InvalidData, match="line 3 is damaged: it is not JSON"):
        reopen(filled)


def test_result_out_of_range_is_refused_before_it_is_written(path: Path) -> None:
    with Ledger.open(path, CONFIGURATION, resume=False) as ledger:
        before = path.read_bytes()
        with pytest.raises(ValueError, match=r"outcome.val_error is -5.0, expected a finite number of at least 0"):
            ledger.record(TRIALS[0], replace(outcome_of(TRIALS[0]), val_error=-5.0))

        assert path.read_bytes() == before
        assert not ledger.results


def test_key_that_stands_twice_in_the_file_is_damage(filled: Path) -> None:
    lines = filled.read_bytes().splitlines(keepends=True)
    filled.write_bytes(b"".join([*lines, lines[1]]))

    with pytest.raises(InvalidData, match=f"line 5 is damaged: trial {TRIALS[0].key} has an earlier result"):
        reopen(filled)


@pytest.mark.parametrize(
    "content",
    [
        b"notes\n",
        b"notes",
        b"[]\n",
        b'{"a":1}\n',
        b'{"ledger":1,"hash":"0","configuration":[]}\n',
        b'{"ledger":1,"hash":"0","configuration":{}}\n',
    ],
)
def test_file_that_is_no_ledger_is_refused_untouched(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(InvalidData, match="line 1 is damaged: it"):
        reopen(path)
    assert path.read_bytes() == content


def test_newer_format_is_refused(filled: Path) -> None:
    filled.write_bytes(filled.read_bytes().replace(b'"ledger":1', b'"ledger":2', 1))

    with pytest.raises(UsageError, match="is a ledger of format 2, but this version reads format 1"):
        reopen(filled)


def test_second_result_for_a_trial_is_refused(filled: Path) -> None:
    before = filled.read_bytes()
    with (
        reopen(filled) as ledger,
        pytest.raises(UsageError, match=f"trial {TRIALS[1].key} already has a result in .*; a result never changes"),
    ):
        ledger.record(TRIALS[1], Outcome(status="diverged"))

    assert filled.read_bytes() == before


def test_other_configuration_is_refused_and_the_differences_are_named(filled: Path) -> None:
    other = {"task": "image-cls", "target": 0.97, "steps": {"first": 100}, "rates": [0.1, 0.2], "seed": None}

    with pytest.raises(UsageError) as error:
        reopen(filled, other)

    assert error.value.message == (
        f"{filled} belongs to another configuration: seed is absent there, null here; "
        "steps.cap is 6400 there, absent here; target is 0.95 there, 0.97 here"
    )
    assert error.value.hint == f"choose another --out, or remove {filled.parent} to begin anew"


def test_many_differences_are_counted_rather_than_listed(filled: Path) -> None:
    with pytest.raises(UsageError, match="; option-5 is absent there, 5 here; and 8 more\n") as error:
        reopen(filled, {f"option-{number}": number for number in range(9)})

    assert error.value.message.count(" there, ") == 6


def test_results_without_resume_are_refused(filled: Path) -> None:
    with pytest.raises(UsageError) as error:
        Ledger.open(filled, CONFIGURATION, resume=False)

    assert error.value.message == f"{filled} already holds 3 results of this configuration"
    assert error.value.hint == f"add --resume to go on from them, choose another --out, or remove {filled.parent}"


def test_ledger_without_results_needs_no_resume(path: Path) -> None:
    for _ in range(2):
        with Ledger.open(path, CONFIGURATION, resume=False) as ledger:
            assert not ledger.results


def test_second_writer_is_refused_until_the_first_is_done(path: Path) -> None:
    with Ledger.open(path, CONFIGURATION, resume=False) as ledger:
        ledger.record(TRIALS[0], outcome_of(TRIALS[0]))
        with pytest.raises(UsageError, match="is in use: another run of the same configuration is writing it"):
            reopen(path)

    with reopen(path) as ledger:
        assert len(ledger.results) == 1


def test_refused_open_leaves_no_lock_behind(filled: Path) -> None:
    with pytest.raises(UsageError):
        reopen(filled, {})

    reopen(filled).close()


def test_full_disk_leaves_whole_lines_only_and_the_rest_can_follow(path: Path) -> None:
    line = len(json.dumps({"key": TRIALS[0].key, "trial": TRIALS[0].to_json()}))
    with Ledger.open(path, CONFIGURATION, resume=False) as ledger:
        ledger.record(TRIALS[0], outcome_of(TRIALS[0]))
        before = path.read_bytes()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + line, hard))  # the next line fits in part only
        try:
            with pytest.raises(NoSpace) as error:
                ledger.record(TRIALS[1], outcome_of(TRIALS[1]))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        after = path.read_bytes()
        ledger.record(TRIALS[1], outcome_of(TRIALS[1]))

    assert after == before
    assert error.value.message == f"no space left to write {path} (No space left on device); its 1 results are safe"
    assert error.value.hint == "make room, then run the same command with --resume"
    with reopen(path) as ledger:
        assert ledger.trials() == TRIALS[:2]


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_disk_that_is_full_at_once_or_on_fsync_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Ledger.open(path, CONFIGURATION, resume=False) as ledger:
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, call, full)
            with pytest.raises(NoSpace):
                ledger.record(TRIALS[0], outcome_of(TRIALS[0]))

        assert path.read_bytes() == before
        assert not ledger.results


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_number_that_is_not_finite_is_refused_before_it_is_written(path: Path, value: float) -> None:
    with Ledger.open(path, CONFIGURATION, resume=False) as ledger:
        before = path.read_bytes()
        with pytest.raises(ValueError, match="not JSON compliant"):
            ledger.record(TRIALS[0], replace(outcome_of(TRIALS[0]), val_loss=value))

        assert path.read_bytes() == before


@pytest.mark.parametrize("where", ["a-file/run/ledger.jsonl", "a-folder"])
def test_place_that_cannot_be_written_is_a_usage_error(tmp_path: Path, where: str) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "a-folder").mkdir()

    with pytest.raises(UsageError, match=f"cannot write {tmp_path / where}: ") as error:
        Ledger.open(tmp_path / where, CONFIGURATION, resume=False)
    assert error.value.hint == "choose another folder with --out"


def test_hash_ignores_the_order_of_keys_and_nothing_else() -> None:
    reordered = dict(reversed(CONFIGURATION.items()))

    assert configuration_hash(reordered) == configuration_hash(CONFIGURATION)
    assert configuration_hash({**CONFIGURATION, "target": 0.96}) != configuration_hash(CONFIGURATION)
    assert len(configuration_hash({})) == 16


def test_ledger_and_sweep_import_neither_torch_nor_numpy() -> None:
    probe = "import sys, harness.sweep; print(sorted({'torch', 'numpy', 'scipy'} & sys.modules.keys()))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-c", probe], env=environment, capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
