"""Compare tonight's benchmarks with those of earlier nights, then add them to the earlier nights.

``python tests/benchmark/compare_nights.py TONIGHT.json NIGHTS_FOLDER`` reads what pytest-benchmark wrote and prints a
Markdown table: for each benchmark, tonight's median time over the median of the earlier nights' medians. Only nights on
the same processor and Python version are compared, as others say nothing about the code.

A benchmark is called slower, and the exit code is 1, when there are at least ``FEWEST`` comparable nights and the ratio
is above ``SLOWER``. It stays so every night until the code is mended or half of the nights kept are as slow.
Standard library only.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

FEWEST: Final = 5
SLOWER: Final = 1.5
KEPT: Final = 30


@final
@dataclass(frozen=True)
class Night:
    """One run of the benchmarks.

    Args:
        machine: Processor and Python version: what has to be equal for times to be comparable.
        medians_s: Median time of each benchmark, in seconds.
    """

    machine: str
    medians_s: dict[str, float]


@final
@dataclass(frozen=True)
class Row:
    """One benchmark beside its past.

    Args:
        name: The benchmark's full name.
        median_s: Tonight's median, in seconds.
        earlier_s: Medians of the comparable nights, in seconds; may be empty.
    """

    name: str
    median_s: float
    earlier_s: tuple[float, ...]

    @property
    def ratio(self) -> float | None:
        """Tonight over the median of the earlier nights; None without any."""
        return self.median_s / statistics.median(self.earlier_s) if self.earlier_s else None

    @property
    def verdict(self) -> str:
        """``new``, ``too few nights``, ``slower`` or ``as before``."""
        if self.ratio is None:
            return "new"
        if len(self.earlier_s) < FEWEST:
            return "too few nights"
        return "slower" if self.ratio > SLOWER else "as before"


def read_night(path: Path) -> Night:
    """Read one file of pytest-benchmark.

    Raises:
        ValueError: If the file is not what pytest-benchmark writes.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        info = content["machine_info"]
        processor = info.get("cpu", {}).get("brand_raw") or info["machine"]
        medians = {row["fullname"]: float(row["stats"]["median"]) for row in content["benchmarks"]}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a pytest-benchmark file ({type(error).__name__}: {error})") from error
    return Night(f"{processor}, Python {info.get('python_version', 'unknown')}", medians)


def compare(tonight: Night, earlier: list[Night]) -> list[Row]:
    """Set each of tonight's benchmarks beside the comparable earlier ones, slowest ratio first."""
    past: dict[str, list[float]] = defaultdict(list)
    for night in earlier:
        if night.machine == tonight.machine:
            for name, median in night.medians_s.items():
                past[name].append(median)
    rows = [Row(name, median, tuple(past[name])) for name, median in tonight.medians_s.items()]
    return sorted(rows, key=lambda row: (-(row.ratio or 0), row.name))


def table(tonight: Night, rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        f"### Benchmarks on {tonight.machine}",
        "",
        "| benchmark | tonight, ms | ratio to earlier nights | nights | verdict |",
        "|---|---:|---:|---:|---|",
    ]
    for row in rows:
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        cells = (f"`{row.name}`", f"{1e3 * row.median_s:.3f}", ratio, str(len(row.earlier_s)), row.verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(latest: Path, folder: Path) -> int:
    """Print the comparison, keep tonight among the nights, drop all but the newest; return the exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(folder.glob("*.json"))
    tonight = read_night(latest)
    rows = compare(tonight, [read_night(name) for name in names])
    print(table(tonight, rows))
    number = 1 + max((int(name.stem) for name in names), default=0)
    shutil.copyfile(latest, folder / f"{number:06d}.json")
    for name in names[: max(0, len(names) + 1 - KEPT)]:
        name.unlink()
    return 1 if any(row.verdict == "slower" for row in rows) else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: compare_nights.py TONIGHT.json NIGHTS_FOLDER")
    try:
        sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
