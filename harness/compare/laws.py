"""Our laws against M4 and a one-break BNSL on published curves, and joint forms on published grids."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, final

import click

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
_WIDTHS: Final = (28, 14, 16, 1, 14, 6, 19, 6, 4, 4, 4, 5, 5)


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
    scored = Scored(json_)
    if data is not None:
        scored.take(data)
    scored.take_own()
    scored.finish()


@final
class Scored:
    """What has been scored so far: each row is printed, and the file written anew, as soon as there is more.

    A part that fails is said and left out, and the others still come; what the first failure was is raised at the end.

    Args:
        path: The file, which is whole at any time; None writes none.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rows: list[Row] = []
        self._own: dict[str, list[dict[str, Any]]] = {}
        self._failures: dict[str, Exception] = {}

    def take(self, data: Path) -> None:
        """Score the curves of a folder, then its grids."""
        for name, rows in (("curves", curves.rows), ("grids", joint.rows)):
            with self._part(name):
                for row in rows(data, _say):
                    if not self._rows:
                        click.echo(_line(_HEAD))
                    click.echo(_line(_cells(row)))
                    self._rows.append(row)
                    self._write()
        if not self._rows and not self._failures:
            raise InvalidData(
                f"no file in '{data}' has the columns of curves",
                "expected a CSV file with curve, domain, n, loss, split (fit or test)",
            )

    def take_own(self) -> None:
        """Score our own grids."""
        for name, score in own.parts(click.echo).items():
            with self._part(name):
                self._own[name] = score()
                self._write()

    def finish(self) -> None:
        """Write the file a last time, and raise what failed first."""
        self._write(complete=not self._failures)
        for failure in self._failures.values():
            raise failure

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as failure:  # raised in the end: hours of other parts must not be lost to it
            self._failures[name] = failure
            _say(f"{name}: failed, and left out: {type(failure).__name__}: {failure}")
            self._write()

    def _write(self, *, complete: bool = False) -> None:
        if self._path is None:
            return
        values = {
            "rows": [row._asdict() for row in self._rows],
            "own": self._own,
            "complete": complete,
            "failed": {name: str(failure) for name, failure in self._failures.items()},
        }
        beside = self._path.with_name(f".{self._path.name}.new")
        with beside.open("w", encoding="utf-8") as file:
            file.write(json.dumps(values, indent=2, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)


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


def _cells(row: Row) -> tuple[str, ...]:
    """Return a row as what is printed of it; the last but one is half-width over median error."""
    few = row.n_curves < curves.JUDGED and row.gm_ratio_m4 is not None
    ratio = _number(row.gm_ratio_m4)
    if row.gm_ratio_m4_low is not None and row.method != "m4":
        ratio += f" ({_number(row.gm_ratio_m4_low)} to {_number(row.gm_ratio_m4_high)})"
    return (
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


def _line(cells: Sequence[str]) -> str:
    """Return cells in columns of fixed width: rows are printed one by one, before the next is known."""
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _say(line: str) -> None:
    click.echo(line, err=True)
