"""Our laws against M4 and a one-break BNSL on published curves, and joint forms on published grids."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from harness.scoring import backtests, curves, joint, own
from harness.scoring.read import read_curves
from harness.scoring.row import Row
from registry.errors import InvalidData, UsageError

_HEAD: Final = (
    "data",
    "domain",
    "method",
    "x",
    "curves",
    "error",
    "/ M4",
    "/ BNSL",
    "wins",
    "80 %",
    "90 %",
    "width",
    "s",
)


@click.command("laws")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of published curves and grids [default: our own grids alone].",
)
@click.option("--json", "json_", type=click.Path(path_type=Path), metavar="FILE", help="Write the rows here too.")
@click.option(
    "--calibrate", is_flag=True, help="Print the intervals' constants by back-tests instead; nothing held out."
)
def COMMAND(data: Path | None, json_: Path | None, calibrate: bool) -> None:
    """Fit the small end of published curves and grids, predict the rest: ours beside M4 and BNSL.

    Every CSV file in the folder is taken that has the columns of curves (curve, domain, n, loss, split) or of LCDB. Our
    own grids are scored as well: cells far from those fitted, smallest shapes, pruned networks, floors, and how often
    intervals hold.
    """
    if json_ is not None and (json_.is_dir() or not os.access(json_.parent, os.W_OK)):
        raise UsageError(f"cannot write '{json_}'", "expected a file in a folder that may be written to")
    if calibrate:
        if data is None:
            raise UsageError("--calibrate needs curves to calibrate on: give --data DIR")
        _calibrate(data)
        return
    rows = [] if data is None else list(measure(data))
    if data is not None and not rows:
        raise InvalidData(
            f"no file in '{data}' has the columns of curves",
            "expected a CSV file with curve, domain, n, loss, split (fit or test)",
        )
    if rows:
        show(rows)
    scored = own.report(click.echo)
    if json_ is not None:
        values = {"rows": [row._asdict() for row in rows], "own": scored}
        json_.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def measure(data: Path) -> Iterator[Row]:
    """Score curves, then grids."""
    yield from curves.rows(data, _say)
    yield from joint.rows(data, _say)


def _calibrate(data: Path) -> None:
    """Print the factors that each drift needs; the one with the least width is the best."""
    read = [curve for path in curves.files(data, _say) for curve in read_curves(path, _say)]
    for name, few in (("all points", ()), ("few points", backtests.FEW)):
        found = backtests.run(read, few)
        for drift in backtests.DRIFTS if found else ():
            tried = backtests.constants(found, drift)
            cover = ", ".join(f"{domain} {share:.2f}" for domain, share in tried.cover.items())
            click.echo(
                f"{name}, drift {drift:.2f}: factors {tried.factor80:.3f} and {tried.factor90:.3f}, mean half-width "
                f"{tried.width:.4f}, 90 % covers {cover}"
            )


def show(rows: list[Row]) -> None:
    """Print the rows as a table; ``width`` is half-width over median error."""
    table = Table(*_HEAD, box=None, pad_edge=False)
    for row in rows:
        few = row.n_curves < curves.JUDGED and row.gm_ratio_m4 is not None
        ratio = _number(row.gm_ratio_m4)
        if row.gm_ratio_m4_low is not None and row.method != "m4":
            ratio += f" ({_number(row.gm_ratio_m4_low)} to {_number(row.gm_ratio_m4_high)})"
        table.add_row(
            row.dataset,
            row.domain,
            row.method,
            _number(row.horizon, 0),
            f"{row.n_curves}" + (" not judged" if few else ""),
            _number(row.mean_rmse, 4),
            ratio,
            _number(row.gm_ratio_bnsl),
            *(_number(value) for value in (row.win_rate_m4, row.cover80, row.cover90, row.half_width_ratio)),
            _number(row.seconds_per_curve),
        )
    Console(width=None if os.isatty(1) else 150).print(table)


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _say(line: str) -> None:
    click.echo(line, err=True)
