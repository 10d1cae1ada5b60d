from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import executors
from harness.executors.base import Executor
from harness.plugins import SEAMS, installed, load, names
from registry.errors import UnknownName, UsageError
from registry.plugins import datasets

THIRD_PARTY = """
from harness.executors.inline import Inline
PLUGIN = Inline()
"""

VARIED = """
class Varied:
    def variant(self, suffix):
        return f"{__name__.rpartition('.')[2]} {suffix}"

PLUGIN = Varied()
"""


def forget_plugins() -> None:
    for remembered in (installed, names, load):
        remembered.cache_clear()
    importlib.invalidate_caches()


@pytest.fixture(autouse=True)
def fresh_search() -> Iterator[None]:
    """Look for plug-ins anew in each test, and forget afterwards what it found."""
    forget_plugins()
    yield
    forget_plugins()


def install(folder: Path, distribution: str, entry_point: str, source: str = THIRD_PARTY) -> None:
    """Lay out in ``folder`` what pip would install for a distribution with one module and one entry point."""
    (folder / f"{distribution}.py").write_text(source)
    facts = folder / f"{distribution}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[sizing_guides.executors]\n{entry_point}\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the import path, where third parties can be installed."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture
def seam_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that counts as part of ``harness/executors``."""
    folder = tmp_path / "executors"
    folder.mkdir()
    monkeypatch.setattr(executors, "__path__", [*executors.__path__, str(folder)])
    return folder


@pytest.mark.parametrize("seam", SEAMS)
def test_every_seam_has_a_folder_and_each_of_its_plugins_loads(seam: str) -> None:
    assert all(load(seam, name) is not None for name in names(seam))


def test_files_of_the_folder_are_its_plugins_and_the_seam_itself_is_none() -> None:
    assert {"inline", "processes"} <= set(names("executors"))
    assert "base" not in names("executors")


def test_one_new_file_is_a_new_plugin_named_in_kebab_case(seam_folder: Path) -> None:
    (seam_folder / "far_away.py").write_text(THIRD_PARTY)

    assert "far-away" in names("executors")
    assert isinstance(load("executors", "far-away"), Executor)


def test_loading_one_plugin_imports_no_other() -> None:
    probe = (
        "import sys; from harness.plugins import load, names; names('executors'); load('executors', 'inline');"
        "print('harness.executors.processes' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert found.stdout == "False\n"


def test_third_party_adds_a_plugin_by_entry_point(site: Path) -> None:
    install(site, "far_cluster", "far-cluster = far_cluster:PLUGIN")

    assert "far-cluster" in names("executors")
    assert isinstance(load("executors", "far-cluster"), Executor)


def test_third_party_cannot_take_the_name_of_ours(site: Path) -> None:
    install(site, "impostor", "inline = impostor:PLUGIN")

    with pytest.raises(UsageError) as error:
        load("executors", "inline")
    assert error.value.message == ("2 plug-ins are called executor 'inline': impostor:PLUGIN of impostor, this package")
    assert error.value.hint == "uninstall all but one of them"


@pytest.mark.parametrize(
    ("entry_point", "source", "said"),
    [
        ("broken = broken:PLUGIN", "import no_such_module", "No module named 'no_such_module'"),
        ("broken = broken:NOTHING", THIRD_PARTY, "module 'broken' has no attribute 'NOTHING'"),
    ],
    ids=["its module does not import", "its object is not there"],
)
def test_broken_entry_point_is_named(
    site: Path, monkeypatch: pytest.MonkeyPatch, entry_point: str, source: str, said: str
) -> None:
    install(site, "broken", entry_point, source)
    monkeypatch.delitem(sys.modules, "broken", raising=False)

    with pytest.raises(UsageError) as error:
        load("executors", "broken")
    assert error.value.message == f"plug-in 'broken' ({entry_point.split(' = ')[1]} of broken) cannot be loaded: {said}"


def test_file_without_plugin_is_named(seam_folder: Path) -> None:
    (seam_folder / "hollow.py").write_text("")

    with pytest.raises(UsageError, match=r"harness\.executors\.hollow defines no PLUGIN object"):
        load("executors", "hollow")


def test_a_longer_name_is_a_variant_of_the_longest_plugin_that_begins_it(seam_folder: Path) -> None:
    (seam_folder / "wide.py").write_text(VARIED)
    (seam_folder / "wide_open.py").write_text(VARIED)

    assert load("executors", "wide-off-c20") == "wide off-c20"
    assert load("executors", "wide-open-c20") == "wide_open c20"
    assert "wide-open-c20" not in names("executors")


@pytest.mark.parametrize("name", ["inline-c20", "wider"])
def test_a_longer_name_of_a_plugin_without_variants_is_unknown(seam_folder: Path, name: str) -> None:
    (seam_folder / "wide.py").write_text(VARIED)

    with pytest.raises(UnknownName, match=f"unknown executor '{name}'"):
        load("executors", name)


def test_misspelt_name_brings_the_closest_one() -> None:
    with pytest.raises(UnknownName) as error:
        load("executors", "proceses")

    assert error.value.message == "unknown executor 'proceses'. Did you mean 'processes'?"
    assert error.value.hint == ""


def test_name_like_no_other_brings_all_there_are() -> None:
    with pytest.raises(UnknownName) as error:
        load("executors", "quantum")

    assert error.value.message == "unknown executor 'quantum'"
    assert error.value.hint == f"known: {', '.join(names('executors'))}"


def test_data_sets_that_come_with_the_package_are_named_before_those_to_be_fetched() -> None:
    found = datasets("image-cls")

    assert found[:2] == ["digits", "glyphs"]
    assert set(found[2:]) == {"cifar-10", "cifar-100", "fashion-mnist", "mnist"}
