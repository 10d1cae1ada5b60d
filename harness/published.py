"""What a question has published so far: a small file in its run folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import final


@final
class Published:
    """The record of one question, and the targets it answers or says are missed.

    Args:
        path: The file; a missing or damaged one means that nothing is published yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            values = json.loads(path.read_bytes())
            self.targets = tuple(float(target) for target in values["targets"])
            self._hash, self._place = str(values["record_hash"]), str(values["place"])
        except (OSError, ValueError, KeyError, TypeError):  # none yet, or half a file: the record is made again
            self.targets, self._hash, self._place = (), "", ""

    def folder(self, root: Path) -> Path:
        """Return the record's folder."""
        return root / self._place

    def stands(self, root: Path, targets: Sequence[float]) -> bool:
        """Say whether the record is still there as written, and holds what there is to say of every target."""
        try:
            found = hashlib.sha256((self.folder(root) / "guideline.json").read_bytes()).hexdigest()
        except OSError:
            return False
        return found == self._hash and set(targets) <= set(self.targets)

    def write(self, place: Path, root: Path, record_hash: str, targets: Sequence[float]) -> None:
        """Note what was published."""
        self.targets, self._hash, self._place = tuple(targets), record_hash, place.relative_to(root).as_posix()
        values = {"targets": list(targets), "record_hash": record_hash, "place": self._place}
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(values) + "\n")
        temporary.replace(self._path)
