"""`python -m harness guidelines`: make every guideline that ships again, each by one `guides bench`, resumable."""

from __future__ import annotations

import csv
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click

from harness import plugins
from harness.executors.base import cores
from registry.errors import InvalidData, UnknownName
from registry.roots import OWN_FOLDER

LIST: Final = Path(__file__).with_name("shipped.csv")
# answered; nothing reaches a target, which the record says; the minutes were up, which it says, too
DONE: Final = (0, 3, 7)


class Guideline(NamedTuple):
    """One guideline that ships, what it is asked, and its minutes times busy cores: fewer than 40, rounds overrun."""

    task: str
    dataset: str
    family: str
    targets: tuple[float, ...]
    knee: bool
    core_minutes: float

    @property
    def id(self) -> str:
        """Return its record's id."""
        return f"{self.task}/{self.dataset}/{self.family}"

    def command(self, out: Path, workers: int) -> list[str]:
        """Return the words of its `guides bench`, on so many cores, after the program's name."""
        metric = plugins.load("tasks", self.task).metric.name
        asked = [word for target in self.targets for word in ("--target", f"{metric}={target:g}")]
        words = ["bench", "--task", self.task, "--dataset", self.dataset, "--family", self.family, *asked]
        words += ["--knee"] if self.knee else []
        words += ["--minutes", f"{self.core_minutes / workers:g}", "--workers", str(workers)]
        return [*words, "--out", str(out), "--resume"]


def listed(path: Path = LIST) -> list[Guideline]:
    """Return the guidelines that ship, in the order they are made.

    Raises:
        InvalidData: If a line has no such form; says which.
    """
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                targets = tuple(map(float, row["targets"].split()))
                knee = {"yes": True, "no": False}[row["knee"]]
                found.append(
                    Guideline(row["task"], row["dataset"], row["family"], targets, knee, float(row["core_minutes"]))
                )
            except (KeyError, ValueError, AttributeError) as error:
                raise InvalidData(f"{path.name}:{number}: is no guideline: {error!r}") from None
    return found


@click.command("guidelines")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path(OWN_FOLDER), help="Root folder.")
@click.option(
    "--workers", type=click.IntRange(1, 1024), default=cores, show_default="the cores", help="Worker processes."
)
@click.option("--dry-run", is_flag=True, help="Print the commands; run none.")
def guidelines(ids: Sequence[str], out: Path, workers: int, dry_run: bool) -> None:
    """Make the guidelines that ship again, or those with these ids; what was trained before is not trained again.

    At most 40 core-minutes each, about 19 minutes with two workers. What the time was too short for is in the record's
    notes, and another run goes on from it.
    """
    known = {one.id: one for one in listed()}
    for name in ids:
        if name not in known:
            raise UnknownName("guideline that ships", name, known)
    failed = []
    for one in [known[name] for name in ids or known]:
        words = one.command(out, workers)
        click.echo(f"guides {shlex.join(words)}")
        if not dry_run and _run(words) not in DONE:
            failed.append(one.id)
    if failed:
        raise InvalidData(f"{len(failed)} of {len(ids or known)} were not made: {', '.join(failed)}")


def _run(words: Sequence[str]) -> int:
    """Run `guides` with these words; return its exit code."""
    return subprocess.run([sys.executable, "-m", "registry", *words], check=False).returncode
