"""The files a published set of pictures consists of: where they lie, that they are the official ones, who fetches them.

The folder is the one that ``GUIDES_DATA`` names, or else ``data`` in the user's cache folder; inside it files lie where
torchvision puts them, so its folders can be used as they are. Names, checksums and addresses are torchvision's.
"""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, final

import numpy as np
from jaxtyping import Int64, UInt8

from registry import roots
from registry.errors import InvalidData

VARIABLE: Final = "GUIDES_DATA"

Part = Literal["train", "test"]  # of a set as it was published


class Pictures(NamedTuple):
    """Pictures as published, and the file (or, of several files, the folder) their labels are from."""

    images: UInt8[np.ndarray, "n channels height width"]
    labels: Int64[np.ndarray, " n"]
    source: Path


def data_folder() -> Path:
    """Return the folder where published data lie; it need not exist."""
    chosen = os.environ.get(VARIABLE, "")
    return Path(chosen).expanduser() if chosen else Path(roots.cache_folder()) / "data"


@final
@dataclass(frozen=True)
class OfficialFile:
    """One file of a published set.

    Args:
        place: Its path inside the data folder.
        md5: Checksum of the official file. It says that nothing was damaged or swapped on the way, no more than that.
    """

    place: str
    md5: str

    @property
    def path(self) -> Path:
        """Where it lies, or should."""
        return data_folder() / self.place

    def read(self, dataset: str) -> bytes:
        """Return the content, once it is known to be the official one.

        Args:
            dataset: Name of the data set, for messages.

        Raises:
            InvalidData: If there is no such file, it cannot be read, or its checksum is another.
        """
        command = f"python -m harness fetch {dataset}"
        try:
            content = self.path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise InvalidData(
                f"{dataset} is not on this machine: there is no file {self.path}",
                f"fetch it: {command} (into the folder that {VARIABLE} names, or else the user's cache)",
            ) from None
        except OSError as error:
            raise InvalidData(f"{self.path}: cannot be read: {error.strerror}") from None
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if found != self.md5:
            raise InvalidData(
                f"{self.path}: damaged or not the official file: {len(content):,} bytes with md5 {found}, "
                f"expected {self.md5}",
                f"delete it and fetch it again: {command}",
            )
        return content


class Files(ABC):
    """All files of one published set, in one format."""

    @abstractmethod
    def official(self, part: Part) -> tuple[OfficialFile, ...]:
        """Return the files of one part.

        Raises:
            MissingDependency: If torchvision, which knows them, is not installed.
        """

    @abstractmethod
    def read(self, dataset: str, part: Part) -> Pictures:
        """Return the pictures of one part, in the order of the files.

        Args:
            dataset: Name of the data set, for messages.
            part: Which part.

        Raises:
            InvalidData: If a file is missing, damaged or not in this format; names the file.
        """

    @abstractmethod
    def download(self, folder: Path) -> None:
        """Let torchvision fetch what is not there yet, compare checksums and unpack.

        Raises:
            OSError: Without network or space.
            RuntimeError: If what was sent has another checksum.
        """
