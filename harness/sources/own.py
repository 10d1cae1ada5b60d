"""A person's own data, read by ``guides bench --data`` and loaded by a name that is made of their content."""

from __future__ import annotations

import os
from pathlib import Path
from typing import final

from harness.datasets.base import Dataset, Splits, Varied
from harness.own import prepared
from harness.own.place import VARIABLE
from registry.answers import OWN_DATA
from registry.errors import InvalidData


@final
class OwnData(Dataset):
    """Prepared data in a local folder: mapped, so that processes share them.

    Args:
        name: ``own-<12 hex digits>``.
        folder: Where they lie.
    """

    private = True

    def __init__(self, name: str, folder: Path) -> None:
        facts = prepared.read_facts(folder)
        self.name, self._folder = name, folder
        self.task, self.source, self.licence, self.group = facts.task, facts.source, facts.licence, facts.group
        self.input_shape, self.n_classes, self.resolutions = facts.input_shape, facts.n_classes, facts.resolutions
        self.symbols, self.per_position = facts.symbols, facts.per_position

    def load(self) -> Splits:
        """Map the arrays."""
        return prepared.read_splits(self._folder)


@final
class Own(Varied):
    """All data that were prepared in the folder that ``GUIDES_OWN`` names."""

    def variant(self, suffix: str) -> OwnData:
        """Return the data that were given this name.

        Raises:
            InvalidData: If they are not on this machine.
        """
        name = f"{OWN_DATA}{suffix}"
        folder = os.environ.get(VARIABLE, "")
        if not folder or not (Path(folder) / name / "facts.json").is_file():
            raise InvalidData(
                f"{name} is somebody's own data, and not prepared here", "prepare them: guides bench --data PATH"
            )
        return OwnData(name, Path(folder) / name)


PLUGIN = Own()
