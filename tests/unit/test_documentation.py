"""The documents: what they link to exists, what they tell people to type exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from registry.cli import COMMANDS
from tests.repository import ROOT, tracked_files

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# `guides lookup ...` in a line of code or at the start of a line in a block
COMMAND: Final = re.compile(r"(?:`|^\$? ?)guides ([a-z][a-z-]*)\b", flags=re.MULTILINE)
MAKE: Final = re.compile(r"(?:`|^\$? ?(?:[A-Z_]+=\S+ )?)make ([a-z]+)\b", flags=re.MULTILINE)


def documents() -> list[Path]:
    return tracked_files(".md")


def broken_links(text: str, folder: Path) -> list[str]:
    """Return the relative links in ``text`` that lead nowhere; addresses on the web are not fetched."""
    targets = [link.split("#")[0] for link in LINK.findall(text) if "://" not in link and not link.startswith("#")]
    return [target for target in targets if not (folder / target).exists()]


def test_every_link_in_the_documents_leads_somewhere() -> None:
    broken = {
        path.relative_to(ROOT).as_posix(): found
        for path in documents()
        if (found := broken_links(path.read_text(encoding="utf-8"), path.parent))
    }

    assert broken == {}


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "there.md").touch()

    found = broken_links("[a](there.md#part) [b](gone.md) [c](https://example.org/gone) [d](#here)", tmp_path)

    assert found == ["gone.md"]


def test_the_readme_says_what_it_answers_then_the_commands_then_the_map_then_the_cpu_build() -> None:
    places = [
        README.index(needle)
        for needle in (
            "How wide, how deep, how much data",
            "guides lookup --task",
            "make quickstart",
            "make test",
            "## Map of the repository",
            "download.pytorch.org/whl/cpu",
        )
    ]

    assert places == sorted(places)


def test_the_readme_maps_every_folder_of_the_repository() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files() if len(path.relative_to(ROOT).parts) > 1}
    mapped = {Path(target).parts[0] for target in LINK.findall(README) if "://" not in target}

    assert folders - mapped == {".ci"}, "a folder is missing in the README's map"


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {target for path in documents() for target in MAKE.findall(path.read_text(encoding="utf-8"))}

    assert {"quickstart", "test"} <= named
    assert named - targets == set()


def test_every_guides_command_that_is_named_exists() -> None:
    named = {command for path in documents() for command in COMMAND.findall(path.read_text(encoding="utf-8"))}

    assert {"bench", "lookup"} <= named
    assert named - set(COMMANDS) == set()


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = {path.name for path in folder.glob("*.md")} - {"README.md"}
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))

    assert sorted(listed) == sorted(pages)
