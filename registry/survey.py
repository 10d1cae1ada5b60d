"""What an index is built from: the records in a root's folders, each checked, and what was seen on the way.

Imported where an index is built, not where a fresh one is read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, final

from registry import roots
from registry.errors import BrokenRule, DamagedRegistry
from registry.stamps import listing, readable, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from registry.roots import Root

RECORD: Final = "guideline.json"


@final
class Given:
    """Records handed in, with nothing to watch."""

    def __init__(self, records: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        self.watched: dict[str, str] = {}
        self.damaged: dict[str, str] = {}
        self._records = records

    def __iter__(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        return iter(self._records)


@final
class Found:
    """The sound records in a root's folders; what was seen on the way is watched, the others are damaged."""

    def __init__(self, root: Root) -> None:
        self.watched: dict[str, str] = {}
        self.damaged: dict[str, str] = {}
        self._root = root.path
        self._complete = not root.shipped

    def __iter__(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        from pathlib import Path

        from registry.loader import read_json

        audit = _auditor()
        for folder in self._versions():
            path = f"{folder}/{RECORD}"
            file = Path(self._root, path)
            self.watched[path] = stamp(os.path.join(self._root, path), is_file=True)
            try:
                values = read_json(file)
                if audit is not None:
                    audit(values, file, complete=self._complete)
            except BrokenRule as error:
                self.damaged[path] = self._problem(error, folder, path)
            else:
                yield path, values

    def _problem(self, error: BrokenRule, folder: str, path: str) -> str:
        """Say what is wrong with a record; where it is a file beside it, watch that one too: it may be mended."""
        if error.file == os.path.join(self._root, path):
            return f"{error.field and f'{error.field}:'} {error.rule} {error.problem}"
        beside = os.path.relpath(error.file, os.path.join(self._root, folder))
        for seen in (folder, f"{folder}/{beside}"):
            self.watched[seen] = stamp(os.path.join(self._root, seen), is_file=seen != folder)
        return f" {error.rule} {beside} {error.problem}"

    def _versions(self) -> Iterator[str]:
        folders = [""]
        for _ in ("task", "dataset", "family"):
            folders = [inner for folder in folders for inner in self._inside(folder)]
        for family in folders:
            yield from (version for version in self._inside(family) if _is_version(version))

    def _inside(self, folder: str) -> list[str]:
        path = os.path.join(self._root, folder)
        self.watched[folder] = stamp(path, is_file=False) if folder else listing(path)
        try:
            names = roots.folders(path)
        except DamagedRegistry as error:
            if not folder:
                raise
            self.damaged[folder] = f" {error.message}"
            return []
        inside = [f"{folder}/{name}" if folder else name for name in names]
        for one in inside:
            if not _is_text(one):
                self.damaged[readable(one)] = " R-PATH is not a folder name of a guideline"
        return [one for one in inside if _is_text(one)]


def _auditor() -> Callable[..., None] | None:
    """Return the check of whole records, or None where what it needs is not installed.

    Imported by name: a lookup that finds its index fresh never gets here, and must not load any of it.
    """
    from importlib import import_module

    try:
        audit: Callable[..., None] = import_module("registry.audit").audit
    except ImportError:  # no pydantic, or no fcntl (Windows): rows.py still checks all that an answer rests on
        return None
    return audit


def _is_text(path: str) -> bool:
    """Say whether a path can be written as UTF-8, which a disk does not promise."""
    return readable(path) == path


def _is_version(folder: str) -> bool:
    name = folder.rpartition("/")[2]
    return name[0] == "v" and name[1:].isdecimal() and name[1] != "0"
