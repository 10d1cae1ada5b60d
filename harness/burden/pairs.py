"""Trainings whose compute is known twice: counted, and as hours on GPUs. How far apart the two ways lie."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from registry.errors import InvalidData

TABLE: Final = Path(__file__).parent / "pairs.csv"
PEAK: Final = 1.413e13  # flops/s of a V100 in 32-bit floats, as in the tables of Computer Progress
UTILISATION: Final = 0.33  # as in docs/literature.md
SECONDS: Final = 3600


class Pair(NamedTuple):
    """One training.

    Args:
        dataset: The data set.
        family: The architecture.
        model: The network.
        ratio: Compute by hours over compute as counted.
    """

    dataset: str
    family: str
    model: str
    ratio: float


def read(records: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]], table: Path = TABLE) -> list[Pair]:
    """Return every pair.

    Args:
        records: Published records by task and data set.
        table: Hours, by network.

    Raises:
        InvalidData: If a network of the table is not on record with compute that was counted.
    """
    with table.open(newline="", encoding="ascii") as opened:
        rows = list(csv.DictReader(opened))
    found = []
    for row in rows:
        points = (point for record in records[row["task"], row["dataset"]] for point in record["frontier"])
        counted = next((point["train_flops"] for point in points if point["name"] == row["model"]), None)
        if counted is None:
            raise InvalidData(f"{table.name}: '{row['model']}' is not on record with train_flops", "mend its name")
        timed = float(row["gpu_hours"]) * SECONDS * PEAK * UTILISATION
        found.append(Pair(row["dataset"], row["family"], row["model"], timed / counted))
    return found


def lines(pairs: Sequence[Pair]) -> list[str]:
    """Return a Markdown table of the ratios by family."""
    out = [
        "| data set | architecture | trainings | by hours / counted: least | median | most |",
        "|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, str], list[float]] = {}
    for pair in pairs:
        groups.setdefault((pair.dataset, pair.family), []).append(pair.ratio)
    groups["all", ""] = [pair.ratio for pair in pairs]
    for (dataset, family), ratios in groups.items():
        ends = f"{min(ratios):.2f} | {statistics.median(ratios):.2f} | {max(ratios):.2f}"
        out.append(f"| {dataset} | {family} | {len(ratios)} | {ends} |")
    return out
