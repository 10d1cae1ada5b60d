"""Data that were read once: plain arrays in a folder, which every process maps instead of loading.

::

    <folder>/<name>/facts.json          shapes and types, and notes for the person whose data they are
    <folder>/<name>/train.inputs.npy    ... and so for labels, val and test
None of it goes into a record.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from harness.datasets.base import Split, Splits
from registry.errors import InvalidData, NoSpace

PARTS: Final = ("train", "val", "test")
ARRAYS: Final = ("inputs", "labels")
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@final
@dataclass(frozen=True)
class Facts:
    """What a data set is besides its arrays; see :class:`harness.datasets.base.Dataset` for the fields it takes over.

    Attributes:
        notes: What was read and how, one line each, for the person whose data it is. They may name columns.
        warnings: What that person should look at before they trust a result.
    """

    task: str
    input_shape: tuple[int, ...]
    n_classes: int | None
    source: str = "private data"
    licence: str = "NOASSERTION"
    group: str | None = None
    symbols: bool = False
    per_position: bool = False
    resolutions: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@final
@dataclass(frozen=True, eq=False)
class Prepared:
    """What a reader makes of a file or folder."""

    facts: Facts
    splits: Splits


def write(prepared: Prepared, folder: Path) -> None:
    """Write what was read as ``folder``, whole or not at all; one that is there already stays.

    Raises:
        NoSpace: If the disk is full.
        InvalidData: If the folder cannot be written.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        temporary.mkdir(parents=True)
        for part, split in zip(PARTS, prepared.splits, strict=True):
            for array in ARRAYS:
                with (temporary / f"{part}.{array}.npy").open("wb") as file:
                    np.save(file, getattr(split, array), allow_pickle=False)
                    file.flush()
                    os.fsync(file.fileno())
        (temporary / "facts.json").write_text(json.dumps(asdict(prepared.facts)) + "\n", encoding="utf-8")
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpace(f"no space left for the prepared data in {folder.parent}", "choose another --out") from None
        raise InvalidData(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_facts(folder: Path) -> Facts:
    """Return the facts of what :func:`write` wrote.

    Raises:
        InvalidData: If there is no such folder, or it is damaged.
    """
    try:
        values = json.loads((folder / "facts.json").read_bytes())
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return Facts(**known)
    except (OSError, ValueError, TypeError, AttributeError):
        raise InvalidData(f"{folder}: no prepared data there, or they are damaged", "prepare them again") from None


def read_splits(folder: Path) -> Splits:
    """Return the arrays, mapped from their files: processes share what they read.

    Raises:
        InvalidData: If a file is missing or damaged.
    """
    try:
        return Splits(*(Split(*(_mapped(folder / f"{part}.{array}.npy") for array in ARRAYS)) for part in PARTS))
    except (OSError, ValueError):
        raise InvalidData(f"{folder}: prepared data are missing or damaged", f"remove {folder} and run again") from None


def _mapped(path: Path) -> np.ndarray:
    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
