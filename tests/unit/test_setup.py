"""The set-up behind every make target: when it installs, when it does not, what it says when it cannot."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.repository import ROOT


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, working on a checkout of its own whose environments are empty shells."""
    spec = importlib.util.spec_from_file_location("setup", ROOT / ".ci" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    (tmp_path / ".ci").mkdir()
    for name in script.DECIDING:
        (tmp_path / name).write_text("as it was\n", encoding="utf-8")
    script.installs = []

    def install(folder: Path, *, anew: bool) -> None:
        script.installs.append("anew" if anew else "adjusted")
        (folder / "bin").mkdir(parents=True, exist_ok=True)
        (folder / "bin" / "python").unlink(missing_ok=True)
        (folder / "bin" / "python").symlink_to(sys.executable)

    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setattr(script, "install", install)
    return script


def test_a_second_run_installs_nothing(setup: ModuleType, tmp_path: Path) -> None:
    for _ in range(3):
        setup.main(tmp_path / ".venv")

    assert setup.installs == ["anew"]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_requirement_is_installed_into_what_is_there(setup: ModuleType, tmp_path: Path, name: str) -> None:
    setup.main(tmp_path / ".venv")
    (tmp_path / name).write_text("otherwise\n", encoding="utf-8")
    setup.main(tmp_path / ".venv")

    assert setup.installs == ["anew", "adjusted"]


def test_a_file_that_is_only_touched_changes_nothing(setup: ModuleType, tmp_path: Path) -> None:
    setup.main(tmp_path / ".venv")
    (tmp_path / "pyproject.toml").write_text("as it was\n", encoding="utf-8")
    setup.main(tmp_path / ".venv")

    assert setup.installs == ["anew"]


def test_another_python_starts_from_nothing(setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.main(tmp_path / ".venv")
    monkeypatch.setattr(sys, "version_info", (3, 99, 0))
    setup.main(tmp_path / ".venv")

    assert setup.installs == ["anew", "anew"]


def test_an_environment_whose_python_is_gone_starts_from_nothing(setup: ModuleType, tmp_path: Path) -> None:
    setup.main(tmp_path / ".venv")
    (tmp_path / ".venv" / "bin" / "python").unlink()
    setup.main(tmp_path / ".venv")

    assert setup.installs == ["anew", "anew"]


def test_a_moved_checkout_starts_from_nothing(setup: ModuleType, tmp_path: Path) -> None:
    setup.main(tmp_path / ".venv")
    (tmp_path / ".venv").rename(tmp_path / "moved")
    setup.main(tmp_path / "moved")

    assert setup.installs == ["anew", "anew"]


@pytest.mark.parametrize("already_whole", [False, True])
def test_a_failed_installation_is_never_taken_for_a_whole_one(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, already_whole: bool
) -> None:
    if already_whole:
        setup.main(tmp_path / ".venv")
        (tmp_path / "pyproject.toml").write_text("otherwise\n", encoding="utf-8")
    works = setup.install

    def fails(folder: Path, *, anew: bool) -> None:
        works(folder, anew=anew)
        sys.exit("the installation failed")

    monkeypatch.setattr(setup, "install", fails)
    with pytest.raises(SystemExit):
        setup.main(tmp_path / ".venv")
    monkeypatch.setattr(setup, "install", works)
    setup.main(tmp_path / ".venv")

    assert setup.installs[-1] == "anew"
    assert setup.found(tmp_path / ".venv") == setup.wanted(tmp_path / ".venv")


def test_a_python_without_venv_is_one_clear_line(
    tmp_path: Path, setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit) as stop:
        setup.install(tmp_path / ".venv", anew=True)

    assert "cannot create virtual environments: its venv module is incomplete\n  on Debian" in str(stop.value)
    assert not (tmp_path / ".venv").exists()
