"""Small tables of published results, one a mistake, each with a sound first row: set up as a folder of a root."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tests.shipped import ROOT

TABLES: Final = Path(__file__).parent / "literature"
PLACE: Final = Path("image-cls/imagenet-1k/literature")
TWINS: Final = Path("image-cls/imagenet-1k/resnet")  # torchvision's, which rows are held against


def folder_of(table: str, root: Path) -> Path:
    """Set a table up below ``root``, with what torchvision states of ResNets beside it, and return its folder."""
    folder = root / PLACE
    folder.mkdir(parents=True)
    for name in ("references.bib", "benchmark.toml"):
        shutil.copyfile(TABLES / name, folder / name)
    shutil.copyfile(TABLES / f"{table}.csv", folder / "results.csv")
    shutil.copytree(ROOT / TWINS, root / TWINS)
    return folder


def add(folder: Path, line: str) -> None:
    """Add a line to the table in a folder."""
    with (folder / "results.csv").open("a", encoding="ascii") as table:
        table.write(f"{line}\n")
