"""What a pull request's file names may turn into."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository import ROOT

SCRIPT = ROOT / ".ci" / "changed_records.py"


def run(names: list[bytes], checkout: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, SCRIPT, checkout], input=b"\0".join(names), capture_output=True, check=False)


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


def test_a_removed_folder_is_named_but_not_validated(tmp_path: Path) -> None:
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
