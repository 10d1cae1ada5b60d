"""The repository's own files, as the tests about them see them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent


@cache
def _tracked() -> tuple[Path, ...] | None:
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        return None
    names = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(path for path in names if path.is_file())


def tracked_files(*suffixes: str) -> list[Path]:
    """Return the files git tracks, or those with one of ``suffixes``; skip the test where this is no checkout."""
    files = _tracked()
    if files is None:
        pytest.skip("not a git checkout: nothing says which files belong to the repository")
    return [path for path in files if not suffixes or path.suffix in suffixes]
