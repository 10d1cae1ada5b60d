"""Fixtures that more than one test file uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry.store import Store
from tests.example_record import example_record


@pytest.fixture
def example() -> tuple[dict[str, Any], dict[str, bytes]]:
    """A valid measured record and its files, free to be changed."""
    return example_record()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty root."""
    folder = tmp_path / "records"
    folder.mkdir()
    return folder


@pytest.fixture
def store(root: Path) -> Store:
    """A store over an empty root."""
    return Store(root)
