"""What every test can rely on: the same surroundings everywhere, and fixtures that more than one file uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import jaxtyping
import pytest

from registry.store import Store
from tests.example_record import example_record, write_record

# What a shell or a CI service happens to set must not change what a test sees.
for _name in ("CI", "COLUMNS", "FORCE_COLOR", "GUIDES_DATA", "GUIDES_PATH", "NO_COLOR"):
    os.environ.pop(_name, None)

# The same examples in every run, and no deadline: a slow machine is no failure.
hypothesis.settings.register_profile("everywhere", derandomize=True, deadline=None)
hypothesis.settings.load_profile("everywhere")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Hold arrays to their annotated shapes where functions are tested by themselves, not all through whole studies."""
    jaxtyping.config.update("jaxtyping_disable", item.get_closest_marker("whole_study") is not None)
    return (yield)


def pytest_runtest_teardown() -> None:
    """Let torch, once an export has imported it, read its operators once: anew at each takes half of an export."""
    module = sys.modules.get("torch.onnx._internal.exporter._registration")
    registry = getattr(module, "ONNXRegistry", None)
    if hasattr(registry, "from_torchlib") and not hasattr(registry, "read_once"):
        registry.from_torchlib = classmethod(cache(registry.from_torchlib.__func__))
        registry.read_once = True


@pytest.fixture
def example() -> tuple[dict[str, Any], dict[str, bytes]]:
    """A valid measured record and its files, free to be changed."""
    return example_record()


@pytest.fixture(scope="session")
def wine_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the record of a real, short study of wine at 0.9, and its run folder. Copy it before changing it.

    Made once a process: tests that use it belong to the group ``wine``.
    """
    from tests import tiny_bench

    root = tmp_path_factory.mktemp("wine") / "records"
    with pytest.MonkeyPatch.context() as patch:
        tiny_bench.shorten(patch.setattr)
        assert tiny_bench.cli.run([*tiny_bench.WINE, "--target-acc", "0.9", "--out", str(root)]) == 0
    return root


@pytest.fixture(scope="session")
def small_pictures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put small files where the loaders of MNIST, Fashion-MNIST, CIFAR and California housing look.

    They stay for the session: a data set is loaded once, and who loads one of these first keeps it.
    """
    from harness import plugins
    from tests import picture_files, table_files  # imports torchvision

    with pytest.MonkeyPatch.context() as patch:
        picture_files.install(patch, tmp_path_factory.mktemp("pictures"))
        table_files.california(tmp_path_factory.mktemp("tables"), patch)
        plugins.load("datasets", "california-housing").fetch()
        yield


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
