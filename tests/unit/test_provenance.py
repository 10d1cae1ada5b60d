from __future__ import annotations

import platform
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import provenance as module
from harness.provenance import energy, provenance
from registry.schema import EnergyEstimate, Provenance


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own, with one commit, that the code believes to run from."""
    top = tmp_path / "checkout"
    for name in ("harness", "registry", "guidelines"):
        (top / name).mkdir(parents=True)
    (top / "harness" / "provenance.py").write_text("# code\n")
    (top / "pyproject.toml").write_text("")
    git(top, "init", "-q")
    git(top, "add", ".")
    git(top, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "first")
    monkeypatch.setattr(module, "__file__", str(top / "harness" / "provenance.py"))
    return top


def git(top: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=top, capture_output=True, text=True, check=True)  # noqa: S607
    return done.stdout.strip()


def commit() -> tuple[str, bool]:
    found = provenance("guides bench", 0)
    return found["git_sha"], found["dirty"]


def test_clean_checkout_is_named_by_its_commit(checkout: Path) -> None:
    assert commit() == (git(checkout, "rev-parse", "HEAD"), False)


@pytest.mark.parametrize("name", ["harness/provenance.py", "registry/new.py", "pyproject.toml", "constraints.txt"])
def test_changed_or_new_code_makes_it_dirty(checkout: Path, name: str) -> None:
    (checkout / name).write_text("# changed\n")

    assert commit() == (git(checkout, "rev-parse", "HEAD"), True)


def test_new_records_do_not_make_it_dirty(checkout: Path) -> None:
    (checkout / "guidelines" / "guideline.json").write_text("{}")
    (checkout / "README.md").write_text("new\n")

    assert commit()[1] is False


def no_git(_top: Path) -> None:
    """Git is not installed."""


def forget_history(top: Path) -> None:
    (top / ".git").rename(top / "elsewhere")


def damage(top: Path) -> None:
    (top / ".git" / "HEAD").write_text("nonsense")


@pytest.mark.parametrize("spoil", [no_git, forget_history, damage])
def test_unknown_commit_counts_as_dirty(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None]
) -> None:
    spoil(checkout)
    if spoil is no_git:
        monkeypatch.setenv("PATH", "")

    assert commit() == ("unknown", True)


def test_group_follows_the_schema() -> None:
    found: dict[str, Any] = provenance("guides bench --task t", 7)
    parsed = Provenance.model_validate(found, strict=True)

    assert (parsed.command, parsed.seed, parsed.threads) == ("guides bench --task t", 7, 1)
    assert parsed.versions["python"] == platform.python_version()
    assert {"torch", "numpy", "onnxruntime", "torch-pruning"} <= parsed.versions.keys()
    assert parsed.hardware["cpu"]


def test_package_that_is_missing_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGES", ("no-such-package", "torch"))
    found = provenance("guides bench", 0)["versions"]

    assert found["no-such-package"] == "not installed"
    assert found["torch"] != "not installed"


def test_energy_is_ten_watts_a_core_and_says_so() -> None:
    found = energy(3600.0)

    assert found["kwh"] == pytest.approx(0.01)
    assert EnergyEstimate.model_validate(found).assumption == "10 W a busy core, not read from a meter"


def test_provenance_names_no_folder_of_the_user() -> None:
    assert str(Path.home()) not in str(provenance("guides bench", 0))
