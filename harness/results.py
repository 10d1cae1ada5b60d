"""`python -m harness results`: write docs/results.md, every measured guideline that ships in one table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from registry import roots
from registry.roots import Root
from registry.rows import doubts

PAGE: Final = Path(__file__).parents[1] / "docs" / "results.md"
MOST_TARGETS: Final = 3
_HEAD: Final = """# What ships, in one table

Made by `python -m harness results` from the records in `guidelines/`; `make guidelines` makes the records again.
Sizes are trainable parameters of the smallest certified network, by any route; in brackets the largest cheaper shape
that was refuted, where one was; of more than three targets the easiest, the middle one and the hardest. A knee is
within 1.1 x the error of a reference, the best by validation of the wide networks; its figure is the median run. A +
says that the record's notes have something against its reference, so that the knee may be another, mostly a larger
one: there was no time for wider networks, more steps would have helped, a smaller network did better, or the test split
is too small to tell. The last columns are the best method without a network, what
all trainings of the record took, and how many there were. Minutes are of one core of the machine that made the
record, which was often busy; flops are counted. Sizes of different data sets are not comparable.

| guideline | metric | knee | targets: params | best method without a network | minutes | train flops | trainings |
|---|---|---|---|---|---|---|---|
"""


@click.command("results")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=PAGE, help="The page.")
def results(out: Path) -> None:
    """Write docs/results.md: sizes, baselines and cost of every measured guideline that ships."""
    page = text(roots.shipped())
    out.write_text(page, encoding="utf-8")
    click.echo(f"{out}: {page.count(chr(10)) - _HEAD.count(chr(10))} guidelines")


def text(where: Sequence[Root]) -> str:
    """Return the page for the measured records in some roots, by id."""
    rows = []
    for root in where:
        for path in sorted(Path(root.path).glob("*/*/*/v*/guideline.json")):
            record = json.loads(path.read_bytes())
            if record["evidence"] == "measured":
                rows.append((record["id"], _row(record)))
    return _HEAD + "".join(f"{row}\n" for _, row in sorted(rows))


def _row(record: dict[str, Any]) -> str:
    metric, cost = record["question"]["metric"], record["cost"]
    smallest: dict[float, dict[str, Any]] = {}
    for point in record["frontier"]:
        best = smallest.get(point["target"])
        if best is None or point["params"] < best["params"]:
            smallest[point["target"]] = point
    asked = sorted(smallest, reverse=metric["direction"] == "lower")
    few = asked if len(asked) <= MOST_TARGETS else [asked[0], asked[len(asked) // 2], asked[-1]]
    targets = "; ".join(f"{target:g}: {_size(smallest[target])}" for target in few)
    more = "+" if doubts(record["notes"]) else ""
    knee = "; ".join(f"{point['test']['median']:.3f}: {_size(point, more)}" for point in record["knee"])
    cells = (
        f"{record['id']} v{record['version']}",
        metric["name"],
        knee or "-",
        targets or "-",
        _baseline(record),
        f"{cost['wall_s'] / 60:,.0f}" if cost["wall_s"] >= 60 else "< 1",
        f"{cost['train_flops']:.2g}",
        f"{cost['n_trials']:,}",
    )
    return f"| {' | '.join(cells)} |"


def _size(point: dict[str, Any], more: str = "") -> str:
    refuted = [part["params"] for part in point["bracket"] if part["verdict"] == "refuted"]
    route = "" if point["route"] == "scratch" else f" {point['route']}"
    return f"{point['params']:,}{more}{route}" + (f" ({max(refuted):,})" if refuted else "")


def _baseline(record: dict[str, Any]) -> str:
    higher = record["question"]["metric"]["direction"] == "higher"
    best = max(record["baselines"], key=lambda one: one["metric"] if higher else -one["metric"])
    return f"{best['name']} {best['metric']:.3f}, {best['bytes']:,} bytes"
