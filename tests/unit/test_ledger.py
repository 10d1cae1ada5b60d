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
        ("a missing part", "it is not a result (KeyError: 'outcome')"),
        ("an unknown field", "it is not a result (TypeError: "),
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
