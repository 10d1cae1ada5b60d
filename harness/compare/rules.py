"""How far from the measured knee a size is: what `guides like` says, and what folk rules say, of data left out."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final, final

import click
from rich.console import Console
from rich.table import Table

from harness.like import folk
from harness.like.answer import known_of
from harness.like.estimate import SHARE, Known, has_near, left_out, of_dataset, of_source, quantile
from harness.like.ladder import KNEES, read_ladders
from registry.errors import UsageError

CLOSE: Final = 2.0  # times
LIKE: Final = "guides like, its source left out"
LIKE_SIBLINGS: Final = "guides like, the data set left out"
SAME: Final = "one width for all, of the others' knees"


@final
@dataclass(frozen=True)
class Row:
    """How far off one rule is: factors between its params and the measured knee's, always from 1 up.

    Attributes:
        rule: What it is called.
        median: Of the factors.
        percentile80: The least factor that 80 % do not exceed.
        worst: The largest.
        close: Data sets where the factor is 2 or less.
        bias: Median of the rule's params over the knee's: above 1 where it asks for too much.
        n: Data sets.
        params: What it says for each, by name.
    """

    rule: str
    median: float
    percentile80: float
    worst: float
    close: int
    bias: float
    n: int
    params: dict[str, int]


@click.command("rules")
@click.option(
    "--knees",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of ladders [default: those that are committed].",
)
@click.option("--json", "json_", type=click.Path(path_type=Path), metavar="FILE", help="Write the rows here too.")
def COMMAND(folder: Path | None, json_: Path | None) -> None:
    """Leave one data set out at a time: the size that like and folk rules give it beside its measured knee.

    Knees are of mlps of depth 1, params counted with biases. The line of like without the source is what holds for
    data of your own: variants of one data set, such as glyphs of 10 and of 100 classes, are left out together. Where
    nothing of another source is near, like would say so instead: the second table leaves such data sets out.
    """
    if json_ is not None and (json_.is_dir() or not os.access(json_.parent, os.W_OK)):
        raise UsageError(f"cannot write '{json_}'", "expected a file in a folder that may be written to")
    ladders = read_ladders(folder or KNEES)
    known = known_of(ladders)
    if len({one.source for one in known}) < 3:
        raise UsageError(
            f"{len(known)} knees of too few sources", "expected knees of at least 3: python -m harness knees"
        )
    rows = compare(known, known)
    answered = [one for one in known if has_near(one, known)]
    near = compare(known, answered) if answered else []
    show(known, rows, near)
    if json_ is not None:
        knees = {one.name: {"width": one.width, "params": one.params, "source": one.source} for one in known}
        values = {"knees": knees, "rows": [asdict(row) for row in rows], "answered": [asdict(row) for row in near]}
        json_.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def compare(known: Sequence[Known], among: Sequence[Known]) -> list[Row]:
    """Score like twice, one width for all, and every folk rule.

    Args:
        known: What like learns from, less what is left out.
        among: Those of them that are counted.
    """
    found = [
        _row(LIKE, among, {one.name: params for one, params in left_out(known, of_source)}),
        _row(LIKE_SIBLINGS, among, {one.name: params for one, params in left_out(known, of_dataset)}),
        _row(SAME, among, {one.name: folk.params(_others(known, one), one.descriptors) for one in known}),
    ]
    for name, rule in folk.RULES.items():
        params = {one.name: folk.params(folk.units(rule, one.descriptors), one.descriptors) for one in known}
        found.append(_row(name, among, params))
    return found


def show(known: Sequence[Known], rows: Sequence[Row], near: Sequence[Row]) -> None:
    """Print the knees, then the rules: over all data sets, and over those that like would answer."""
    console = Console(width=None if os.isatty(1) else 150)
    knees = Table("data set", "n", "inputs", "classes", "width", "params", "like says", box=None, pad_edge=False)
    for one in known:
        d = one.descriptors
        counts = (d.n_train, d.n_inputs, d.n_outputs, one.width, one.params, rows[0].params[one.name])
        knees.add_row(one.name, *(f"{count:,}" for count in counts))
    console.print(knees)
    for what, scored in (("all", rows), ("those with a data set of another source near: like answers", near)):
        table = Table(
            "rule", "median x", "80 % x", "worst x", "within 2 x", "its size / knee", box=None, pad_edge=False
        )
        for row in scored:
            factors = (f"{value:.1f}" for value in (row.median, row.percentile80, row.worst))
            table.add_row(row.rule, *factors, f"{row.close} of {row.n}", f"{row.bias:.2f}")
        console.print(f"\n{what}", table, sep="\n")


def _row(rule: str, among: Sequence[Known], params: dict[str, int]) -> Row:
    ratios = [params[one.name] / one.params for one in among]
    factors = [max(ratio, 1 / ratio) for ratio in ratios]
    close = sum(factor <= CLOSE for factor in factors)
    return Row(rule, median(factors), quantile(factors, SHARE), max(factors), close, median(ratios), len(among), params)


def _others(known: Sequence[Known], one: Known) -> int:
    """Return the geometric mean of the knees' widths, those of one source left out."""
    logs = [math.log(other.width) for other in known if other.source != one.source]
    return round(math.exp(math.fsum(logs) / len(logs)))
