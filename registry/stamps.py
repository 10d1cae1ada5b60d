"""Stamps of a root: what changes when its records do, so that an index knows whether it is fresh.

Plain ``os.path``: importing ``pathlib`` alone would cost a tenth of a lookup.
"""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Final

from registry import roots

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL: Final = 200  # guidelines: folders <task>/<dataset>/<family>; a root with so many is large


def stamp(path: str, *, is_file: bool) -> str:
    """Return what changes when a file is edited, or a folder gains or loses an entry."""
    try:
        status = os.lstat(path)
    except OSError:
        return "missing"
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ino}" if is_file else f"{status.st_mtime_ns}"


def listing(root: str) -> str:
    """Return the root's task folders. Its own time stamp changes whenever an index is written."""
    return readable("/".join(roots.folders(root)))


def is_large(root: str) -> bool:
    """Say whether at least ``SMALL`` guidelines lie in the root: seen on disk, and counted no further than that."""
    return next(itertools.islice(_inside(root, 3), SMALL - 1, None), None) is not None


def _inside(path: str, levels: int) -> Iterator[str]:
    """Yield the folders so many levels below ``path``, in the order the disk has them; none that cannot be read."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name[0] not in "._" and entry.is_dir(follow_symlinks=False):
                    if levels == 1:
                        yield entry.path
                    else:
                        yield from _inside(entry.path, levels - 1)
    except OSError:
        return


def readable(path: str) -> str:
    """Return a path as UTF-8 can have it, which a disk does not promise."""
    return path if path.isascii() else path.encode("utf-8", "backslashreplace").decode("utf-8")


def generation(root: str) -> str:
    """Return what the store last wrote beside the records; empty where it never wrote."""
    try:
        with open(os.path.join(root, ".generation"), encoding="utf-8", errors="replace") as file:
            return file.read(200)
    except OSError:
        return ""


def commit(root: str) -> str:
    """Return a stamp of the checkout that holds the root: a pull, a switch or a commit changes it."""
    return stamp(os.path.join(os.path.dirname(os.path.realpath(root)), ".git", "logs", "HEAD"), is_file=True)
