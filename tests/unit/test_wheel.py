"""The wheel: records and small networks inside, trials outside, and an index that stays fresh."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.example_record import example_record
from tests.repository import ROOT, tracked_files

RECORD = Path("guidelines/image-cls/digits/mlp/v1")
LARGEST_WHEEL = 5_000_000  # bytes
LARGEST_ONNX = 200_000  # bytes


def build(project: Path, out: Path) -> Path:
    """Build the wheel of ``project``, with no network and nothing written into it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree with one more record, which has a large and a small network."""
    project = tmp_path_factory.mktemp("project")
    for source in tracked_files():
        target = project / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    shutil.rmtree(project / "guidelines")
    record, files = example_record()
    for name, content in {**files, "guideline.json": json.dumps(record).encode()}.items():
        path = project / RECORD / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (project / RECORD / "onnx" / "large.onnx").write_bytes(bytes(LARGEST_ONNX + 1))
    (project / RECORD / "onnx" / "largest.onnx").write_bytes(bytes(LARGEST_ONNX))
    literature = project / RECORD.parents[1] / "literature"
    literature.mkdir()
    for name in ("results.csv", "references.bib", "benchmark.toml"):
        (literature / name).write_text("what records are made of\n", encoding="utf-8")
    (project / "guidelines" / ".generation").write_text("left by the store\n", encoding="utf-8")
    return build(project, tmp_path_factory.mktemp("dist"))


def test_the_wheel_holds_records_and_small_networks_but_no_trials_and_no_tables(wheel: Path) -> None:
    _, files = example_record()
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("registry/_guidelines/")}
    inside = "registry/_guidelines/image-cls/digits/mlp/v1"
    networks = {f"{inside}/{name}" for name in files if name.endswith(".onnx")} | {f"{inside}/onnx/largest.onnx"}

    assert len(networks) > 1
    assert names == {"registry/_guidelines/.index.sqlite3", f"{inside}/guideline.json"} | networks


def test_the_wheel_holds_both_packages_their_types_and_the_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}

    assert tops == {"harness", "registry"}
    assert {"harness/py.typed", "registry/py.typed", "registry/schema.py"} <= set(names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_shipped_index_is_used_as_it_is_wherever_the_wheel_lies(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    probe = (
        "from registry import index, roots; (root,) = roots.shipped(); opened = index.open_fresh(root); "
        "print(opened.path, opened.n_records)"
    )
    shipped = tmp_path / "registry" / "_guidelines" / ".index.sqlite3"
    before = shipped.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == f"{shipped} 1\n", done.stderr
    assert shipped.read_bytes() == before
    assert not (tmp_path / "cache").exists()


def test_the_wheel_of_this_tree_is_small(tmp_path: Path) -> None:
    wheel = build(ROOT, tmp_path)

    assert wheel.stat().st_size <= LARGEST_WHEEL
