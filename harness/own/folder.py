"""The files of a person's folder: no hidden ones, none that macOS adds to archives, no answers written there."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from harness.place import RUNS
from registry.errors import InvalidData, UsageError
from registry.wording import counted

ARCHIVED: Final = "__MACOSX"  # what macOS puts beside the files of an archive


class Found(NamedTuple):
    """The files of a folder, sorted, how many hidden ones were passed over, and which links were."""

    files: list[Path]
    n_hidden: int = 0
    links: frozenset[Path] = frozenset()

    @property
    def notes(self) -> list[str]:
        """Say what was passed over."""
        links = f"{counted(len(self.links), 'link')} passed over: to nothing, or to folders read anyway"
        return [
            *([f"{counted(self.n_hidden, 'hidden file')} passed over"] if self.n_hidden else []),
            *([links] if self.links else []),
        ]


def found(folder: Path) -> Found:
    """Return the files of a folder and of those in it, through links, too; each folder is read once.

    A part of a path that begins with a dot is hidden. A folder that ``guides bench`` wrote answers to is known by its
    runs; it is no part of the data, and neither counted nor looked into.

    Raises:
        InvalidData: If a folder that is not hidden cannot be read; names it.
    """

    def refuse(error: OSError) -> None:
        if not _is_inside_hidden(folder, error.filename):
            raise InvalidData(f"{error.filename}: cannot be read: {error.strerror}")

    files: list[Path] = []
    n_hidden = 0
    seen: set[str] = set()
    passed: set[Path] = set()
    starts = [folder]
    for start in starts:  # links come last: what lies in the folder itself is read there
        if seen and _leads_nowhere_new(start, seen):
            passed.add(start)
            continue
        for root, folders, names in os.walk(start, onerror=refuse):
            place, real = Path(root), os.path.realpath(root)
            if RUNS in folders or real in seen:
                folders.clear()
                continue
            folders.sort()
            is_out = _is_inside_hidden(folder, root)
            if not is_out:
                seen.add(real)
            n_hidden += sum(is_out or is_hidden(name) for name in names)
            for path in (place / name for name in (*folders, *names) if not (is_out or is_hidden(name))):
                if path.is_file():
                    files.append(path)
                elif path.is_symlink():
                    starts.append(path)
    return Found(sorted(files), n_hidden, frozenset(passed))


def _leads_nowhere_new(link: Path, seen: set[str]) -> bool:
    """Say whether a link leads to no folder, to one that was read, or to one that the link lies in."""
    if not link.is_dir():
        return True
    target = link.resolve()
    return str(target) in seen or link.parent.resolve().is_relative_to(target)


def _is_inside_hidden(folder: Path, place: str) -> bool:
    return any(map(is_hidden, Path(place).relative_to(folder).parts))


def check_there(path: Path) -> None:
    """Pass if a path leads to a file, or to a folder of which every folder that is not hidden can be read.

    Raises:
        InvalidData: If it leads nowhere, may not be followed, or leads to a pipe or a device: those are read once only.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidData(f"{path}: there is no such file or folder") from None
    except OSError as error:
        raise InvalidData(f"{path}: cannot be read: {error.strerror}") from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InvalidData(
            f"{path}: is a pipe or a device, expected a file or a folder", "data are read twice: write them to a file"
        )
    if stat.S_ISDIR(mode):
        try:
            found(path)
        except OSError as error:
            raise InvalidData(f"{error.filename}: cannot be read: {error.strerror}") from None


def classes(folder: Path) -> list[Path]:
    """Return the folders of a folder that hold data, sorted."""
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name) and not (path / RUNS).is_dir()
    )


def is_hidden(part: str) -> bool:
    """Say whether a file or folder is passed over by its name."""
    return part.startswith(".") or part == ARCHIVED


def check_apart(data: Path, prepared: Path) -> None:
    """Pass if answers do not get between the data: they would be read as data when the command is run again.

    A folder of answers inside ``data`` is passed over, so that it has to hold nothing else.

    Args:
        data: The folder of data.
        prepared: The folder of prepared data, among the runs below the folder of answers.

    Raises:
        UsageError: If answers would be written to the folder of data, or to one of its folders that has files.
    """
    try:
        parts = prepared.resolve().relative_to(data.resolve()).parts
    except ValueError:
        return
    if RUNS not in parts:
        return
    out = data.joinpath(*parts[: parts.index(RUNS)])
    if out == data or (out.is_dir() and not (out / RUNS).is_dir() and any(out.iterdir())):
        raise UsageError(f"{out}: answers would be written among the data", "give a folder of its own: --out DIR")
