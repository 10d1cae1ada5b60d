"""Published tables that are too large to come with the package: fetched when asked, prepared once, then mapped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, final

from harness.datasets.base import Dataset, Splits
from harness.own import prepared
from harness.pictures.files import VARIABLE, data_folder
from registry.errors import InvalidData

if TYPE_CHECKING:
    from pathlib import Path

    from harness.own.prepared import Prepared


class FetchedTable(Dataset, ABC):
    """A published table, in a folder of its own inside the one that ``GUIDES_DATA`` names, or else the user's cache.

    Its splits are made by content, as those of a table of one's own: see :mod:`harness.own.parts`.
    """

    @abstractmethod
    def prepare(self) -> Prepared:
        """Download the table, compare its checksum and make the splits.

        Raises:
            OSError: Without network or space.
            ValueError: If what was sent has another checksum or form.
            InvalidData: If it cannot be used.
        """

    @property
    @final
    def folder(self) -> Path:
        """Where the prepared arrays lie, or should."""
        return data_folder() / self.name

    @final
    def fetch(self) -> prepared.Facts:
        """See that the arrays are there; only what is missing is downloaded."""
        if not self.folder.is_dir():
            prepared.write(self.prepare(), self.folder)
        return prepared.read_facts(self.folder)

    @final
    def load(self) -> Splits:
        """Map the arrays, without network.

        Raises:
            InvalidData: If they are not there, or damaged.
        """
        if not self.folder.is_dir():
            raise not_here(self.name, self.folder)
        return prepared.read_splits(self.folder)


def not_here(name: str, folder: Path) -> InvalidData:
    """Return what to say of a table that was not fetched."""
    return InvalidData(
        f"{name} is not on this machine: there is no folder {folder}",
        f"fetch it: python -m harness fetch {name} (into the folder that {VARIABLE} names, or else the user's cache)",
    )
