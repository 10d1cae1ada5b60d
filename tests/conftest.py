"""What every test can rely on: the same surroundings everywhere, and fixtures that more than one file uses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from registry.store import Store
from tests.example_record import example_record, write_record

# What a shell or a CI service happens to set must not change what a test sees.
for _name in ("CI", "COLUMNS", "FORCE_COLOR", "GUIDES_PATH", "NO_COLOR"):
    os.environ.pop(_name, None)

# The same examples in every run, and no deadline: a slow machine is no failure.
hypothesis.settings.register_profile("everywhere", derandomize=True, deadline=None)
hypothesis.settings.load_profile("everywhere")


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


@pytest.fixture(scope="session")
def small_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real record, made by the harness in a few seconds; not to be changed."""
    from tests.small_study import small_publication  # imports the harness

    folder = tmp_path_factory.mktemp("small-study")
    made = small_publication(folder)
    return write_record(folder / "records", made.record, made.files)
