"""Write a folder whole or not at all: a hidden sibling, flushed to disk, renamed into place.

A rename onto a folder that holds anything fails, so of many writers exactly one wins. A killed writer leaves a hidden
``.new-`` or ``.old-`` sibling that readers pass over and :func:`sweep` clears.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from registry.errors import DamagedRegistry

_LEFTOVER: Final = re.compile(r"\.(new|old)-(v[1-9][0-9]*)-[0-9a-f]{32}")


def write_folder(
    folder: Path, content: Mapping[str, bytes], touch: Callable[[], None], *, replace: bool = False
) -> None:
    """Write ``content`` beside ``folder``, flush it, and rename it there; on any failure nothing of it stays.

    Args:
        folder: Where it goes; its parent exists.
        content: Path inside the folder -> bytes.
        touch: Called before and after the rename, so that no index built in between passes for current.
        replace: Whether a folder that is there gives way: it is moved aside first, and removed by :func:`sweep` after.

    Raises:
        OSError: What the system said; EEXIST or ENOTEMPTY if the folder is there and ``replace`` is false.
    """
    temporary = folder.with_name(f".new-{folder.name}-{uuid.uuid4().hex}")
    renamed = False
    try:
        temporary.mkdir()
        for name, data in content.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            _write_file(temporary / name, data)
        for inner, _, _ in os.walk(temporary, topdown=False):
            _flush_folder(Path(inner))
        touch()
        if replace and occupied(folder):
            folder.rename(folder.with_name(f".old-{folder.name}-{uuid.uuid4().hex}"))
        temporary.rename(folder)
        renamed = True
        for parent in folder.parents[:4]:  # family, dataset, task, root: they may be as new
            _flush_folder(parent)
        touch()
    except BaseException:
        if renamed:
            folder.rename(temporary)
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_file(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(parent: Path) -> None:
    """Remove what a killed writer left in ``parent``; put a folder back that it had moved aside and not yet replaced.

    Only a caller that keeps other writers out may call this: what they are writing looks the same.
    """
    for path in listed(parent):
        leftover = _LEFTOVER.fullmatch(path.name)
        if leftover is None:
            continue
        version = path.with_name(leftover[2])
        if leftover[1] == "old" and not occupied(version):
            path.rename(version)
        else:
            shutil.rmtree(path, ignore_errors=True)


def occupied(folder: Path) -> bool:
    """Whether something is there. An empty folder is nothing: a rename takes its place."""
    return os.path.lexists(folder) and not (folder.is_dir() and not any(folder.iterdir()))


def listed(folder: Path) -> list[Path]:
    """Return what ``folder`` holds, sorted; nothing where it does not exist.

    Raises:
        DamagedRegistry: If it cannot be listed.
    """
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DamagedRegistry(f"{folder} cannot be listed: {error.strerror}") from None
