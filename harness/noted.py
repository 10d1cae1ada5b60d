"""What a question has published so far: a small file in its run folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import final


@final
class Published:
    """The record of one question, the targets it answers or says are missed, and whether it says something of the knee.

    Args:
        path: The file; a missing or damaged one means that nothing is published yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            values = json.loads(path.read_bytes())
            self.targets = tuple(float(target) for target in values["targets"])
            self.knee = values["knee"] is True
            self._hash, self._place = str(values["record_hash"]), str(values["place"])
        except (OSError, ValueError, KeyError, TypeError):  # none yet, or half a file: the record is made again
            self.targets, self.knee, self._hash, self._place = (), False, "", ""

    def folder(self, root: Path) -> Path:
        """Return the record's folder."""
        return root / self._place

    def stands(self, root: Path, targets: Sequence[float], *, knee: bool) -> bool:
        """Say whether the record is still there as written, and holds all that there is to say."""
        try:
            found = hashlib.sha256((self.folder(root) / "guideline.json").read_bytes()).hexdigest()
        except OSError:
            return False
        return found == self._hash and set(targets) <= set(self.targets) and knee <= self.knee

    def write(self, place: Path, root: Path, record_hash: str, targets: Sequence[float], *, knee: bool) -> None:
        """Note what was published."""
        self.targets, self.knee = tuple(targets), knee
        self._hash, self._place = record_hash, place.relative_to(root).as_posix()
        values = {"targets": list(targets), "knee": knee, "record_hash": record_hash, "place": self._place}
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(values) + "\n")
        temporary.replace(self._path)
