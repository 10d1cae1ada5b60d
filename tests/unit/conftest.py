"""Fixtures for the registry's commands: nothing but the test's own folders is read or written."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from registry import cli, roots
from registry.store import Store, canonical_json
from tests.example_record import example_record


@dataclass(frozen=True)
class Result:
    """What a command printed and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, with a cache of our own and no shipped records."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("GUIDES_PATH", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(roots, "shipped", list)
    return here


@pytest.fixture
def guides(alone: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run `guides` in this process."""

    def run(*arguments: str | Path) -> Result:
        code = cli.run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture
def filled(root: Path) -> Path:
    """A root with two families on digits, one on fashion and one on wine; targets 0.9 and 0.95.

    The law of digits with cnn is in n_train and params, the others are in n_train.
    """
    for record_id in ("image-cls/digits/mlp", "image-cls/digits/cnn", "image-cls/fashion/mlp", "tabular-cls/wine/mlp"):
        Store(root).publish(*example_record(record_id, surface=record_id == "image-cls/digits/cnn"))
    return root


def settle(root: Path) -> None:
    """Make everything in the root a minute old, so that an index built now may be trusted."""
    for path in [root, *root.rglob("*")]:
        old = path.stat().st_mtime_ns - 60_000_000_000
        os.utime(path, ns=(old, old))


def write(root: Path, record: Mapping[str, Any]) -> Path:
    """Write a record where it belongs, as a hand edit would: no rule is checked, no generation touched.

    Beside it go the files of the example record it was made from.
    """
    folder = root / str(record["id"]) / f"v{record['version']}"
    _, files = example_record(record["id"], record["version"])
    for name, data in (files if record["evidence"] == "measured" else {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "guideline.json"
    path.write_bytes(canonical_json(record))
    return path
