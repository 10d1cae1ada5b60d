"""Put the guideline records and their index into the wheel, as ``registry/_guidelines/``.

A plain install answers from them without a checkout. Trials stay out (they are large, and the repository has them), and
so do networks above ``LARGEST_ONNX`` bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LARGEST_ONNX: Final = 200_000  # bytes: the small answers travel, the wheel stays below 5 MB
INSIDE: Final = "registry/_guidelines"


def shipped(records: Path) -> Iterator[Path]:
    """Yield the files under ``records`` that belong into the wheel, in a fixed order."""
    for path in sorted(records.rglob("*")):
        if path.is_symlink() or not path.is_file() or path.name.startswith("."):
            continue
        if path.suffix == ".json" or (path.suffix == ".onnx" and path.stat().st_size <= LARGEST_ONNX):
            yield path


@final
class RecordsHook(BuildHookInterface):  # type: ignore[type-arg] # hatchling loads the class; its parameter says nothing here
    """Hatchling's custom build hook."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the records to a real wheel; an editable install reads the checkout's ``guidelines/``."""
        if version == "editable":
            return
        records = Path(self.root) / "guidelines"
        for path in shipped(records):
            build_data["force_include"][str(path)] = f"{INSIDE}/{path.relative_to(records).as_posix()}"
