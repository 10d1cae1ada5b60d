"""Where a question's record and its runs are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from harness.ledger import configuration_hash
from harness.noted import Published

if TYPE_CHECKING:
    from harness.study import Study

RUNS: Final = ".runs"


@final
@dataclass(frozen=True)
class Place:
    """The folders of one question.

    Attributes:
        root: The folder of records.
        folder: The question's run folder.
        resume: Whether what earlier runs have trained is welcome.
    """

    root: Path
    folder: Path
    resume: bool

    @classmethod
    def of(cls, study: Study, root: Path, *, resume: bool) -> Place:
        """Return the place of a study below ``root``."""
        return cls(root, root / RUNS / configuration_hash(study.configuration()), resume)

    @property
    def ledger(self) -> Path:
        """The file that holds every training."""
        return self.folder / "ledger.jsonl"

    @property
    def turns(self) -> Path:
        """The file that says where searches were cut short."""
        return self.folder / "turns.txt"

    def published(self) -> Published:
        """Return what has been published."""
        return Published(self.folder / "published.json")
