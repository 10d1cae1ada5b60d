"""Read a person's file or folder once, and keep what comes of it where every process finds it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from harness.own import csv_file, csv_table, labels, language, parquet, pictures, prepared, table, texts
from harness.own import folder as contents
from harness.own.prepared import Facts, Prepared
from registry.answers import OWN_DATA
from registry.errors import InvalidData, UsageError

DIGITS: Final = 12
FORMAT: Final = 3  # of the readers: what they make of the same file has another name when they change


@final
@dataclass(frozen=True)
class Own:
    """What a person points at.

    Args:
        task: What is to be learnt from it.
        path: A file or folder.
        label: The column to predict, where there are columns.
        group: A column that the splits keep apart.
    """

    task: str
    path: Path
    label: str | None = None
    group: str | None = None


@final
@dataclass(frozen=True)
class Kept:
    """Prepared data: the name they are loaded by, their facts, and whether they were prepared just now."""

    name: str
    facts: Facts
    is_new: bool = field(compare=False)


def keep(own: Own, folder: Path) -> Kept:
    """Read what a person points at into ``folder``; what is there already is not read again.

    Raises:
        InvalidData: If it cannot be used; names the file and, where there is one, the row.
        UsageError: If the task has no reader, or an option does not fit it.
        NoSpace: If the disk is full.
    """
    reader = _reader(own)
    contents.check_there(own.path)
    own = reader.resolved(own)
    if own.path.is_dir():
        contents.check_apart(own.path, folder)
    name = OWN_DATA + _digest(own)
    is_new = not (folder / name).is_dir()
    if is_new:
        prepared.write(reader.read(own), folder / name)
    return Kept(name, prepared.read_facts(folder / name), is_new)


def forget(kept: Kept, folder: Path) -> None:
    """Remove prepared data that nothing was trained on, if they were prepared just now, and folders left empty."""
    if kept.is_new:
        shutil.rmtree(folder / kept.name)
        with suppress(OSError):  # they are not empty
            for parent in (folder, folder.parent):
                parent.rmdir()


@final
@dataclass(frozen=True)
class _Reader:
    """How one task's data are read: options first checked and completed, then all of it."""

    read: Callable[[Own], Prepared]
    resolved: Callable[[Own], Own]


def _reader(own: Own) -> _Reader:
    if own.task not in READERS:
        raise UsageError(
            f"--data cannot be read for task {own.task}", f"tasks that read your own data: {', '.join(READERS)}"
        )
    return READERS[own.task]


def _with_columns(own: Own) -> Own:
    """Name the label, and see that the columns asked for are there."""
    is_parquet = own.task != "text-cls" and parquet.is_parquet(own.path)
    if own.path.is_dir():
        raise InvalidData(
            f"{own.path}: is a folder, expected a CSV{'' if own.task == 'text-cls' else ' or Parquet'} file"
        )
    if is_parquet:
        names = parquet.names(own.path)
    else:
        with csv_file.opened(own.path) as (header, _):
            names = tuple(name.strip() for name in header)
    label = labels.named(names, own.label, str(own.path))
    group = None if own.group is None else labels.named(names, own.group, str(own.path), "--group")
    if group == label:
        raise UsageError(f"column '{label}' cannot be both --label and --group")
    return Own(own.task, own.path, label, group)


def _without_columns(own: Own) -> Own:
    """See that no column is asked for."""
    for option, value in (("--label", own.label), ("--group", own.group)):
        if value is not None:
            raise UsageError(f"{option} names a column, and {own.task} has none: leave it out")
    return own


def _table(own: Own) -> Prepared:
    label = own.label or ""
    as_text = tuple(name for name in (own.group, None if own.task == table.REGRESSION else own.label) if name)
    target = own.label if own.task == table.REGRESSION else None
    read = parquet.read if parquet.is_parquet(own.path) else csv_table.read
    return table.prepare(read(own.path, as_text, target), own.task, label, own.group)


def _digest(own: Own) -> str:
    """Return digits that change with the content that is read, the task and the columns chosen."""
    digest = hashlib.sha256(repr((FORMAT, own.task, own.label, own.group)).encode())
    files = contents.found(own.path).files if own.path.is_dir() else [own.path]
    for path in files:
        place = path.relative_to(own.path).as_posix() if path != own.path else ""
        try:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InvalidData(f"{path}: cannot be read: {error.strerror}") from None
        digest.update(f"{place}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:DIGITS]


READERS: Final[Mapping[str, _Reader]] = {
    "tabular-cls": _Reader(_table, _with_columns),
    "tabular-reg": _Reader(_table, _with_columns),
    "image-cls": _Reader(lambda own: pictures.read(own.path), _without_columns),
    "text-cls": _Reader(lambda own: texts.read(own.path, own.label or "", own.group), _with_columns),
    "lang-model": _Reader(lambda own: language.read(own.path), _without_columns),
}
