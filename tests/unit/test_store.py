"""Record folders are written whole or not at all, whoever races, dies or runs out of space."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from registry.errors import BrokenRule, DamagedRegistry, GuidesError, NoSpace, UsageError, VersionExists
from registry.schema import ADAPTER, SCHEMA_ID, MeasuredGuideline, PublishedGuideline
from registry.store import Store, canonical_json, parse_record, record_hash
from registry.validate import validate
from tests.example_record import example_record, published_record, write_record

PROJECT = Path(__file__).parents[2]
Example = tuple[dict[str, Any], dict[str, bytes]]


def _writer(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.writers", *map(str, arguments)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def _inside(root: Path) -> list[str]:
    """Everything below ``root`` but the lock, hidden leftovers included."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.name != ".generation")


def test_a_published_record_is_read_back_and_its_file_is_the_canonical_bytes(store: Store, example: Example) -> None:
    record, files = example
    folder = store.publish(record, files)

    assert folder == store.root / "image-cls/digits/mlp/v1"
    assert (folder / "guideline.json").read_bytes() == rfc8785.dumps(record)
    assert store.read(folder) == ADAPTER.validate_python(record)
    assert {name: (folder / name).read_bytes() for name in files} == files
    assert list(store.records()) == [folder]


def test_a_model_is_published_as_its_values_are(store: Store, example: Example) -> None:
    record, files = example
    model = ADAPTER.validate_python(record)
    folder = store.publish(model, files)

    assert isinstance(model, MeasuredGuideline)
    assert (folder / "guideline.json").read_bytes() == canonical_json(record)
    assert record_hash(record) == hashlib.sha256((folder / "guideline.json").read_bytes()).hexdigest()


def test_published_evidence_needs_no_files(store: Store) -> None:
    assert isinstance(store.read(store.publish(published_record(), {})), PublishedGuideline)


def test_a_version_is_written_once(store: Store, example: Example) -> None:
    store.publish(*example)

    with pytest.raises(VersionExists) as caught:
        store.publish(*example)

    assert str(caught.value) == (
        f"image-cls/digits/mlp version 1 is already in {store.root}; a version is written once\n"
        "  publish it as version 2 with supersedes 1"
    )
    assert store.next_version("image-cls/digits/mlp") == 2


def test_a_writer_without_our_lock_does_not_lose_its_version(
    store: Store, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store.root / "image-cls/digits/mlp/v1"
    rename = os.rename

    def overtaken(source: Path, target: Path) -> None:
        folder.mkdir()
        (folder / "guideline.json").write_text("theirs")
        rename(source, target)

    monkeypatch.setattr(os, "rename", overtaken)
    with pytest.raises(VersionExists):
        store.publish(*example)

    assert (folder / "guideline.json").read_text() == "theirs"
    assert [path.name for path in folder.parent.iterdir()] == ["v1"]


def test_an_empty_folder_is_no_version_and_a_file_in_its_place_is_one(store: Store, example: Example) -> None:
    folder = store.root / "image-cls/digits/mlp/v1"
    folder.mkdir(parents=True)
    store.publish(*example)
    record, files = example_record(version=2)
    folder.with_name("v2").write_text("in the way")

    assert validate(folder) == []
    with pytest.raises(VersionExists):
        store.publish(record, files)


def test_replacing_leaves_the_new_version_and_nothing_else(store: Store, example: Example) -> None:
    record, files = example
    store.publish(record, files)
    store.replace({**record, "notes": ["again"]}, files)
    folder = next(store.records())

    assert store.read(folder).notes == ["again"]
    assert [path.name for path in folder.parent.iterdir()] == ["v1"]
    assert validate(store.root) == []


def test_replacing_what_is_not_there_publishes_it(store: Store, example: Example) -> None:
    assert validate(store.replace(*example)) == []


def test_a_released_version_is_not_replaced(store: Store, example: Example) -> None:
    record, files = example
    folder = store.publish(record, files)
    (store.root / "RELEASED.json").write_bytes(canonical_json({"image-cls/digits/mlp@1": record_hash(record)}))

    with pytest.raises(
        BrokenRule, match="v1: R-RELEASED is released and never changes\n  publish version 2 with supers"
    ):
        store.replace({**record, "notes": []}, files)
    assert store.read(folder).notes == record["notes"]
    assert validate(store.root) == []


def test_every_change_changes_the_generation(store: Store, example: Example) -> None:
    generation = store.root / ".generation"
    store.publish(*example)
    first = generation.read_text()
    store.replace(*example)

    assert first
    assert generation.read_text() != first


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda record, files: record.update(extra=1), "guideline.json:extra: R-SCHEMA Extra inputs are not permitted"),
        (
            lambda record, files: record["frontier"][0]["test"].update(median="high"),
            "guideline.json:frontier.0.test.median: R-SCHEMA Input should be a valid number",
        ),
        (
            lambda record, files: record.update(schema_version="2.0.0"),
            "guideline.json:schema_version: R-SCHEMA a sizing-guides with schema 2.x reads 2.0.0; this one reads 1.x",
        ),
        (
            lambda record, files: record.update(schema_version="1.0.1"),
            "guideline.json:$schema: R-SCHEMA does not name schema_version 1.0.1",
        ),
        (
            lambda record, files: record.update(cite="a\u202eb"),
            "guideline.json:cite: R-TEXT the text has the character U+202E, "
            "expected no control, bidirectional or invisible one",
        ),
        (
            lambda record, files: record["law"].update(backtest_error=float("nan")),
            "guideline.json: R-CANONICAL cannot be written as canonical JSON: nan is not representable in JCS",
        ),
        (lambda record, files: files.update(more=b""), "more: R-FILES is not named in the record"),
        (
            lambda record, files: files.pop("trials.jsonl"),
            "trials.jsonl: R-FILES is named in the record but was not given",
        ),
        (
            lambda record, files: files.update({"trials.jsonl": b"{}\n"}),
            "trials.jsonl: R-FILES has another SHA-256 than the record says",
        ),
        (
            lambda record, files: files.update({"onnx/w8-d1.onnx": b""}),
            "onnx/w8-d1.onnx: R-FILES has 0 bytes, the record says 2,768",
        ),
        (
            lambda record, files: record["trials"].update(path="Guideline.json"),
            "guideline.json: R-FILES guideline.json and Guideline.json are one file on some disks",
        ),
        (
            lambda record, files: record["trials"].update(path="ONNX"),
            "guideline.json: R-FILES onnx and ONNX are one file on some disks",
        ),
    ],
)
def test_a_record_that_disagrees_is_refused_and_nothing_is_written(
    store: Store, example: Example, change: Callable[..., object], message: str
) -> None:
    change(*example)

    with pytest.raises(BrokenRule) as caught:
        store.publish(*example)

    assert caught.value.message == message
    assert _inside(store.root) == []


def test_a_folder_above_5_mb_is_refused(store: Store, example: Example) -> None:
    record, files = example
    files["trials.jsonl"] = b"x" * 5_000_000
    record["trials"]["sha256"] = hashlib.sha256(files["trials.jsonl"]).hexdigest()

    with pytest.raises(BrokenRule, match=r"R-SIZE its folder would hold 5,0\d\d,\d\d\d bytes, at most 5,000,000 fit"):
        store.publish(record, files)


def test_fields_of_a_newer_minor_schema_are_kept(store: Store, example: Example) -> None:
    record, files = example
    record.update({"schema_version": "1.7.0", "$schema": SCHEMA_ID.replace("1.0.0", "1.7.0"), "mood": "good"})
    record["frontier"][0]["colour"] = "blue"
    folder = store.publish(record, files)
    read = store.read(folder)

    assert read.model_extra == {"mood": "good"}
    assert read.frontier[0].model_extra == {"colour": "blue"}
    assert (folder / "guideline.json").read_bytes() == canonical_json(record)


def test_another_major_schema_names_the_version_that_reads_it(example: Example) -> None:
    with pytest.raises(BrokenRule, match=r"a sizing-guides with schema 3\.x reads 3\.1\.0; this one reads 1\.x"):
        parse_record({**example[0], "schema_version": "3.1.0"}, "guideline.json")


def test_records_come_in_the_order_of_their_versions_and_hidden_folders_are_passed_over(store: Store) -> None:
    for record_id, version in [("image-cls/digits/mlp", 10), ("image-cls/digits/mlp", 2), ("image-cls/digits/cnn", 1)]:
        write_record(store.root, {"id": record_id, "version": version}, {})
    for name in ("image-cls/digits/mlp/.new-v3-0", ".runs/a/b/v1", "image-cls/Other/mlp/v1", "image-cls/digits/mlp/v0"):
        (store.root / name).mkdir(parents=True)
    (store.root / "linked").symlink_to("image-cls")

    assert [path.relative_to(store.root).as_posix() for path in store.records()] == [
        "image-cls/digits/cnn/v1",
        "image-cls/digits/mlp/v2",
        "image-cls/digits/mlp/v10",
    ]
    assert store.next_version("image-cls/digits/mlp") == 11


def test_a_root_that_is_not_there_holds_nothing_and_a_file_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert list(Store(tmp_path / "none").records()) == []
    assert Store(tmp_path / "none").released() == {}
    with pytest.raises(DamagedRegistry, match="file cannot be listed: Not a directory"):
        list(Store(tmp_path / "file").records())


def test_a_damaged_list_of_released_records_is_refused(store: Store) -> None:
    (store.root / "RELEASED.json").write_text('{"a/b/c@1": "short"}')

    with pytest.raises(BrokenRule, match=r"RELEASED\.json:a/b/c@1: R-RELEASED is not a SHA-256 of 64 hex digits"):
        store.released()


def test_nothing_is_read_or_written_through_a_link_below_the_root(store: Store, example: Example) -> None:
    outside = write_record(store.root.parent / "outside", *example)
    (store.root / "image-cls").symlink_to(outside.parents[2])

    with pytest.raises(BrokenRule, match="image-cls: R-FILES is a link"):
        store.publish(*example)
    with pytest.raises(BrokenRule, match="image-cls: R-FILES is a link"):
        store.read(store.root / "image-cls/digits/mlp/v1")


def test_of_eight_processes_that_publish_the_same_300_ids_each_id_is_won_once(root: Path) -> None:
    writers = [_writer("race", root, 300) for _ in range(8)]
    counts = [json.loads(writer.communicate()[0]) for writer in writers]

    assert [writer.returncode for writer in writers] == [0] * 8
    assert sum(count["won"] for count in counts) == 300
    assert sum(count["refused"] for count in counts) == 7 * 300
    assert len(list(Store(root).records())) == 300
    assert len(_inside(root)) == 1 + 3 * 300 + 300  # task; dataset, family, version; guideline.json: no leftovers


@pytest.mark.parametrize("action", ["publish", "replace"])
def test_a_writer_killed_at_any_call_leaves_a_whole_version_or_none(root: Path, action: str) -> None:
    writer = _writer("die", root, action)
    seen = json.loads(writer.communicate()[0])
    before = [] if action == "publish" else example_record()[0]["notes"]
    record, files = example_record(version=2)

    assert len(seen) > 30
    assert seen[0] == before
    assert seen[-1] == ["the new one"]
    assert all(notes in ([], before, ["the new one"]) for notes in seen)
    assert validate(root) == []
    whole = [["v1", "v2"]]  # after a replacement v1 is always there: one that was moved aside is back
    if action == "publish":
        whole.append(["v2"])
    for each in root.iterdir():
        Store(each).publish(record, files)
        versions = [path.name for path in Store(each).records()]
        assert versions in whole
        assert len(_inside(each)) == 3 + 6 * len(versions)  # folders, and a version's own 6: no leftovers


def test_a_writer_killed_at_a_random_moment_leaves_only_whole_versions(root: Path) -> None:
    moments = random.Random(0)  # noqa: S311 - moments, not secrets
    for _ in range(3):
        writer = _writer("write", root)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(moments.uniform(0.05, 0.3))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        found = validate(root)

        assert found == []
        assert list(Store(root).records())


@pytest.mark.parametrize("action", ["publish", "replace"])
@pytest.mark.parametrize("call", ["write", "fsync", "pwrite", "mkdir"])
def test_a_disk_that_fills_at_any_call_leaves_what_was_there(
    store: Store, example: Example, monkeypatch: pytest.MonkeyPatch, call: str, action: str
) -> None:
    record, files = example
    if action == "replace":
        store.publish(record, files)
    before = _inside(store.root)
    real = getattr(os, call)
    failures = 0
    for deadly in itertools.count(1):
        calls = itertools.count(1)

        def full(*arguments: Any, calls: Any = calls, deadly: int = deadly, **options: Any) -> Any:
            if next(calls) >= deadly:  # and stays full
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, full)
            try:
                getattr(store, action)({**record, "notes": ["new"]}, files)
            except NoSpace as error:
                message = error.message
            else:
                break
        failures += 1

        assert message == f"no space left to write a record to {store.root}; nothing was written"
        assert _inside(store.root) == before
        assert [store.read(path).notes for path in store.records()] == [record["notes"]] * (action == "replace")

    assert failures >= 2
    assert [store.read(path).notes for path in store.records()] == [["new"]]


def test_a_write_cut_short_by_the_system_is_continued(
    store: Store, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:1000]))

    assert validate(store.publish(*example)) == []


# Permission bits do not bind root, who may run the tests: the system's refusal is simulated.
@pytest.mark.parametrize(
    ("call", "number", "expected", "message"),
    [
        ("open", errno.EROFS, UsageError, "cannot write to {root}: Read-only file system"),
        ("mkdir", errno.EACCES, UsageError, "cannot write to {root}: Permission denied"),
        ("rename", errno.EIO, DamagedRegistry, "cannot write a record to {root}: Input/output error"),
    ],
)
def test_a_root_that_refuses_writing_is_one_clear_line(
    store: Store,
    example: Example,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    expected: type[GuidesError],
    message: str,
) -> None:
    def refused(*arguments: Any, **options: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refused)
        with pytest.raises(expected) as caught:
            store.publish(*example)

    assert caught.value.message == message.format(root=store.root)
    assert _inside(store.root) == []


def test_ctrl_c_while_writing_leaves_nothing(store: Store, example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.publish(*example)

    assert _inside(store.root) == []
