"""Put the guideline records and their index into the wheel, as ``registry/_guidelines/``.

A plain install answers from them without a checkout. Trials stay out (they are large, and the repository has them), and
so do the tables that records of published results are made of, and networks above ``LARGEST_ONNX`` bytes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LARGEST_ONNX: Final = 200_000  # bytes: the small answers travel, and the wheel stays below 5 MB
INSIDE: Final = "registry/_guidelines"


def shipped(records: Path) -> Iterator[Path]:
    """Yield the files under ``records`` that belong into the wheel, in a fixed order."""
    for path in sorted(records.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.name.startswith("."):
            continue
        if path.suffix == ".json" or (path.suffix == ".onnx" and path.stat().st_size <= LARGEST_ONNX):
            yield path


def build_index(records: Path, files: Sequence[Path]) -> None:
    """Build the lookup index of the folder ``records`` inside it.

    The records are handed to the index one by one, so it holds no time stamps of this machine's files and stays fresh
    wherever the wheel is unpacked.
    """
    from registry import index, roots
    from registry.loader import read_json

    pairs = ((file.relative_to(records).as_posix(), read_json(file, root=records)) for file in files)
    index.build(roots.Root(str(records)), str(records / index.FILE), pairs)


@final
class RecordsHook(BuildHookInterface):  # type: ignore[type-arg] # the parameter is hatchling's own; nothing here uses it
    """Hatchling's custom build hook."""

    _staged: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add records and index to a real wheel; an editable install reads the checkout's ``guidelines/``."""
        sources = [] if version == "editable" else list(shipped(Path(self.root, "guidelines")))
        if not sources:
            return
        self._staged = tempfile.TemporaryDirectory(prefix="sizing-guides-")
        staged = Path(self._staged.name)
        for source in sources:
            target = staged / source.relative_to(Path(self.root, "guidelines"))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        sys.path.insert(0, self.root)  # the package that is being built, not one that may be installed
        try:
            build_index(staged, sorted(staged.glob("*/*/*/v*/guideline.json")))
        finally:
            sys.path.remove(self.root)
        for path in sorted(staged.rglob("*")):
            if path.is_file():
                build_data["force_include"][str(path)] = f"{INSIDE}/{path.relative_to(staged).as_posix()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the staged copy."""
        if self._staged is not None:
            self._staged.cleanup()
