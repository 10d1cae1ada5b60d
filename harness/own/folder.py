"""The files of a person's folder: no hidden ones, none that macOS adds to archives, no answers written there."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from harness.place import RUNS
from registry.errors import InvalidData, UsageError

ARCHIVED: Final = "__MACOSX"  # what macOS puts beside the files of an archive


class Found(NamedTuple):
    """The files of a folder, sorted, and how many were passed over because they are hidden."""

    files: list[Path]
    n_hidden: int

    @property
    def notes(self) -> list[str]:
        """Say what was passed over."""
        one = "" if self.n_hidden == 1 else "s"
        return [f"{self.n_hidden:,} hidden file{one} passed over"] if self.n_hidden else []


def found(folder: Path) -> Found:
    """Return the files of a folder and of those in it.

    A part of a path that begins with a dot is hidden. A folder that ``guides bench`` wrote answers to is known by its
    runs; it is no part of the data, and neither counted nor looked into.
    """
    files: list[Path] = []
    n_hidden = 0
    answers = {path.parent for path in folder.rglob(RUNS) if path.is_dir()}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or (answers and answers.intersection(path.parents)):
            continue
        if any(is_hidden(part) for part in path.relative_to(folder).parts):
            n_hidden += 1
        else:
            files.append(path)
    return Found(files, n_hidden)


def check_there(path: Path) -> None:
    """Pass if a path leads to a file, or to a folder of which every folder that is not hidden can be read.

    Raises:
        InvalidData: If it leads nowhere, may not be followed, or leads to a pipe or a device: those are read once only.
    """

    def refuse(error: OSError) -> None:
        raise InvalidData(f"{error.filename}: cannot be read: {error.strerror}")

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
    for _, folders, _ in os.walk(path, onerror=refuse) if stat.S_ISDIR(mode) else ():
        folders[:] = [name for name in folders if not is_hidden(name)]


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
