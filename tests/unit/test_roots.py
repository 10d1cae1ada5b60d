"""Where records live, and in what order they are searched."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from registry import roots
from registry.errors import DamagedRegistry, UsageError
from registry.roots import Root


def test_roots_come_in_the_documented_order(alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "three", "four", "shipped"):
        (tmp_path / name).mkdir()
    (alone / "my-guidelines").mkdir()
    monkeypatch.setenv("GUIDES_PATH", os.pathsep.join([str(tmp_path / "three"), "", str(tmp_path / "four")]))
    monkeypatch.setattr(roots, "shipped", lambda: [Root(str(tmp_path / "shipped"), shipped=True)])

    found = roots.find([str(tmp_path / "one"), str(tmp_path / "two")])

    assert [Path(root.path).name for root in found] == ["one", "two", "three", "four", "my-guidelines", "shipped"]
    assert [root.shipped for root in found] == [False] * 5 + [True]


def test_a_folder_named_twice_is_searched_once(alone: Path) -> None:
    (alone / "my-guidelines").mkdir()

    assert [root.path for root in roots.find(["./my-guidelines", str(alone / "my-guidelines")])] == ["./my-guidelines"]


@pytest.mark.parametrize("made", [False, True])
def test_a_root_that_is_no_folder_is_a_usage_error(alone: Path, made: bool) -> None:
    if made:
        (alone / "records").write_text("")

    with pytest.raises(UsageError, match="'records' " + ("is not a folder" if made else "does not exist")):
        roots.find(["records"])


def test_a_stale_guides_path_is_named(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIDES_PATH", "gone")

    with pytest.raises(UsageError, match="GUIDES_PATH"):
        roots.find()


def test_a_checkout_ships_its_guidelines_folder() -> None:
    folder = Path(roots.__file__).parents[1] / "guidelines"

    assert roots.shipped() == ([Root(str(folder), shipped=True)] if folder.is_dir() else [])


def test_an_installed_package_ships_the_records_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "registry" / "_guidelines").mkdir(parents=True)
    monkeypatch.setattr(roots, "__file__", str(tmp_path / "registry" / "roots.py"))

    assert roots.shipped() == [Root(str(tmp_path / "registry" / "_guidelines"), shipped=True)]


def test_the_cache_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert roots.cache_folder() == str(tmp_path / "sizing-guides")


@pytest.mark.parametrize(
    ("platform", "ending"), [("linux", ".cache/sizing-guides"), ("darwin", "Library/Caches/sizing-guides")]
)
def test_without_xdg_the_cache_folder_is_the_platforms(
    monkeypatch: pytest.MonkeyPatch, platform: str, ending: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    monkeypatch.setattr(sys, "platform", platform)

    assert roots.cache_folder() == str(Path.home() / ending)


def test_hidden_folders_links_and_files_are_no_records(tmp_path: Path) -> None:
    for name in (".runs", "_x", "b", "a"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "file").write_text("")

    assert roots.folders(str(tmp_path)) == ["a", "b"]


def test_a_folder_that_cannot_be_read_is_a_damaged_registry(tmp_path: Path) -> None:
    with pytest.raises(DamagedRegistry, match="cannot read the registry folder"):
        roots.folders(str(tmp_path / "gone"))
