"""What a pull request's file names may turn into."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.repository import ROOT

SCRIPT = ROOT / ".ci" / "changed_records.py"


RECORD = "guidelines/image-cls/digits/mlp/v1"
DATA = b"{}"
RELEASED = {"image-cls/digits/mlp@1": hashlib.sha256(DATA).hexdigest()}


def run(names: list[bytes], checkout: Path, trusted: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, SCRIPT, trusted or checkout, checkout],
        input=b"\0".join(names),
        capture_output=True,
        check=False,
    )


def checkout_of(folder: Path, released: Any, record: bytes | None = DATA) -> Path:
    """Make a checkout with a list of what is released, and one record."""
    (folder / RECORD).mkdir(parents=True)
    if record is not None:
        (folder / RECORD / "guideline.json").write_bytes(record)
    (folder / "guidelines" / "RELEASED.json").write_text(json.dumps(released))
    return folder


def test_record_folders_come_once_and_sorted(tmp_path: Path) -> None:
    for folder in ("image-cls/digits/mlp/v1/onnx", "image-cls/digits/cnn/v12"):
        (tmp_path / "guidelines" / folder).mkdir(parents=True)
    done = run(
        [
            b"guidelines/image-cls/digits/mlp/v1/guideline.json",
            b"guidelines/image-cls/digits/mlp/v1/onnx/w8-d1.onnx",
            b"guidelines/image-cls/digits/cnn/v12/trials.jsonl",
            b"guidelines/RELEASED.json",
        ],
        tmp_path,
    )

    assert done.returncode == 0
    assert done.stdout == b"guidelines/image-cls/digits/cnn/v12\0guidelines/image-cls/digits/mlp/v1\0"


def test_a_table_of_published_results_and_a_record_of_it_both_bring_its_folder(
    tmp_path: Path,
) -> None:
    folder = b"guidelines/ner/conll-2003/literature"
    further = b"guidelines/ner/conll-2003/literature-em/v1"
    for name in (folder, further):
        (tmp_path / name.decode()).mkdir(parents=True)

    for name in (b"results.csv", b"references.bib", b"benchmark.toml"):
        assert run([folder + b"/" + name], tmp_path).stdout == folder + b"\0"
    assert run([further + b"/guideline.json"], tmp_path).stdout == folder + b"\0" + further + b"\0"
    assert run([folder + b"/run.py"], tmp_path).returncode == 1


def test_a_removed_folder_that_was_never_released_is_named_but_not_validated(tmp_path: Path) -> None:
    done = run([b"guidelines/image-cls/digits/mlp/v1/guideline.json"], tmp_path)

    assert done.returncode == 0
    assert done.stdout == b""
    assert done.stderr == b"removed: guidelines/image-cls/digits/mlp/v1\n"


def test_nothing_changed_is_nothing_to_validate(tmp_path: Path) -> None:
    done = run([], tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    "name",
    [
        b"guidelines/image-cls/digits/mlp/v1",  # a file, or a link, where the folder should be
        b"guidelines/image-cls/digits/mlp/latest/guideline.json",
        b"guidelines/image-cls/digits/mlp/v0/guideline.json",
        b"guidelines/image-cls/digits/mlp/v1/../../../../../secret",
        b"guidelines/image-cls/digits/-mlp/v1/guideline.json",
        b"guidelines/image-cls/digits/mlp/v1/$(id)",
        b"guidelines/image-cls/digits/mlp/v1/a b",
        b"guidelines/image-cls/digits/mlp/v1/a\nb",
        b"guidelines/image-cls/digits/mlp/v1/\xff",
        b"guidelines/Image-cls/digits/mlp/v1/guideline.json",
    ],
)
def test_a_name_that_is_not_plain_is_refused(name: bytes, tmp_path: Path) -> None:
    done = run([name], tmp_path)

    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.rstrip().endswith(b"is not in guidelines/<task>/<dataset>/<family>/v<N>/")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("name", ["guideline.json", "trials.jsonl", "onnx/w8-d1.onnx"])
@pytest.mark.parametrize("record", [DATA, None], ids=["changed", "removed"])
def test_nothing_in_a_released_folder_may_be_touched(name: str, record: bytes | None, tmp_path: Path) -> None:
    base = checkout_of(tmp_path / "base", RELEASED)
    pr = checkout_of(tmp_path / "pr", RELEASED, record)
    done = run([f"{RECORD}/{name}".encode()], pr, base)

    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.decode() == (
        f"{RECORD} is released and never changes; publish a new version that supersedes it\n"
    )


@pytest.mark.parametrize("listed", [{}, {"image-cls/digits/mlp@1": "0" * 64}], ids=["dropped", "changed"])
def test_what_is_released_is_read_from_the_trusted_list(listed: dict[str, str], tmp_path: Path) -> None:
    base = checkout_of(tmp_path / "base", RELEASED)
    pr = checkout_of(tmp_path / "pr", listed)
    touching = run([f"{RECORD}/guideline.json".encode()], pr, base)
    alone = run([b"guidelines/RELEASED.json"], pr, base)

    assert touching.stderr.startswith(f"{RECORD} is released and never changes".encode())
    assert alone.returncode == 1
    assert alone.stderr == (
        b"guidelines/RELEASED.json: 'image-cls/digits/mlp@1' is released and its entry never changes\n"
    )


def test_a_record_may_be_released_as_it_is(tmp_path: Path) -> None:
    base = checkout_of(tmp_path / "base", {})
    done = run([b"guidelines/RELEASED.json"], checkout_of(tmp_path / "pr", RELEASED), base)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ({"image-cls/digits/mlp@1": "0" * 64}, "'image-cls/digits/mlp@1' is not there with that hash"),
        ({"image-cls/digits/mlp@2": "0" * 64}, "'image-cls/digits/mlp@2' is not there with that hash"),
        ({"../../etc@1": "0" * 64}, "'../../etc@1' is not <task>/<dataset>/<family>@<N>"),
        ([], "guidelines/RELEASED.json is not a JSON object"),
    ],
)
def test_a_release_of_what_is_not_there_is_refused(listed: Any, problem: str, tmp_path: Path) -> None:
    base = checkout_of(tmp_path / "base", {})
    done = run([b"guidelines/RELEASED.json"], checkout_of(tmp_path / "pr", listed), base)

    assert done.returncode == 1
    assert problem in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_list_that_is_a_link_is_refused(tmp_path: Path) -> None:
    base = checkout_of(tmp_path / "base", {})
    pr = checkout_of(tmp_path / "pr", {})
    (pr / "guidelines" / "RELEASED.json").unlink()
    (pr / "guidelines" / "RELEASED.json").symlink_to(base / "guidelines" / "RELEASED.json")
    done = run([b"guidelines/RELEASED.json"], pr, base)

    assert (done.returncode, done.stderr) == (1, b"RELEASED.json is not a plain file\n")
