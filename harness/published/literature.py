"""Published results that people have collected as CSV and BibTeX: `guidelines/<task>/<data set>/literature/`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from harness import cited
from registry.errors import InvalidData, UsageError
from registry.literature import records, table
from registry.rules.record import LEVELS

_ROOT: Final = Path(__file__).parents[2] / "guidelines"


@click.command("literature")
@click.option("--check", is_flag=True, help="Write nothing; say what would be written, and exit with 1 if anything.")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="[DIR]...")
def COMMAND(folders: tuple[Path, ...], check: bool) -> None:  # noqa: N802  # the name __main__ looks for
    """Make records from the results.csv in each DIR, or below it; in guidelines/ where none is given.

    A row that breaks a rule is refused, with its line and the rule; the record is made of the others, and the command
    then exits with 1.
    """
    found = [folder for chosen in folders or (_ROOT,) for folder in _below(chosen.resolve())]
    made = [_make(folder, check) for folder in found]
    n_rows, n_networks, n_faults, n_stale = map(sum, zip(*made, strict=True))
    click.echo(f"{n_rows:,} rows in {len(made)} tables, {n_networks:,} networks")
    if n_faults:
        raise InvalidData(f"{n_faults} rows or files were refused", "mend them, then run this again")
    if n_stale:
        raise InvalidData(f"{n_stale} records are not what their tables give", f"make them: {records.MAKE}")


def _below(chosen: Path) -> list[Path]:
    """Return the folders ``literature`` at most three levels below: <root>/<task>/<data set>/literature, no deeper."""
    found = [folder for folder in table.folders(chosen) if len(folder.relative_to(chosen).parts) <= LEVELS]
    if not found:
        raise UsageError(f"{chosen} holds no {table.FOLDER}/{table.TABLE}", "expected published results")
    return found


def _make(folder: Path, check: bool) -> tuple[int, int, int, int]:
    """Write the records of one folder, or only check them, and say what became of each row.

    Return rows, networks, what was refused, and how many records differ from the table where they were only checked.

    Refused are rows, or the files that give no row.
    """
    read = table.read(folder)
    for fault in read.faults:
        place = f"{folder / fault.file}:{fault.field}" if fault.field else str(folder / fault.file)
        click.echo(f"{place}: {fault.rule} {fault.message}", err=True)
    built = records.build(read)
    n_points = sum(len(one.record["frontier"]) for one in built)
    n_further = sum(one.n_further for one in built)
    if n_points + n_further + read.n_refused != read.n_rows:
        raise AssertionError(f"{folder}: {read.n_rows} rows gave {n_points} + {n_further} + {read.n_refused}")
    said = f"{n_points} networks + {n_further} further figures + {read.n_refused} refused"
    click.echo(f"{read.task}/{read.dataset}: {read.n_rows} rows = {said}")
    for one in built:
        changed = False if check else cited.write(folder.parents[LEVELS - 2], one.record)
        n = len(one.record["frontier"])
        click.echo(
            f"  {one.record['id']} v1: {n} networks, {'checked' if check else 'written' if changed else 'as it was'}"
        )
    stale = records.faults(read) if check else []
    for fault in stale:
        click.echo(f"{folder / fault.file}:{fault.field}: {fault.rule} {fault.message}", err=True)
    return read.n_rows, n_points, max(read.n_refused, 1 if read.faults else 0), len(stale)
