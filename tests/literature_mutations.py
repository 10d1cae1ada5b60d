"""How many mistakes the rules on published results catch: each shipped row is spoilt once, the others stay as they are.

``python -m tests.literature_mutations`` prints the table of docs/literature.md.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from registry.literature import among, elsewhere, table, within
from registry.literature.columns import Row
from tests.shipped import ROOT

Spoil = Callable[[Row], Row | None]
YEAR: Final = datetime.datetime.now(datetime.UTC).year


def _error(row: Row) -> Row | None:
    return row._replace(value=round(1 - row.value, 9)) if row.value != 0.5 else None


def _flops(row: Row, times: float) -> Row | None:
    return None if row.flops is None else row._replace(flops=row.flops * times)


def _millions(row: Row) -> Row | None:
    return None if row.params is None or row.params < 10**6 else row._replace(params=round(row.params / 1e6))


MISTAKES: Final[dict[str, Spoil]] = {
    "1 - value": _error,
    "flops halved": partial(_flops, times=0.5),
    "flops x 10": partial(_flops, times=10),
    "params in millions": _millions,
}


def caught(spoil: Spoil, every: int = 1) -> tuple[int, int]:
    """Return how many spoilt rows a rule refuses or another row's refusal betrays, and how many were spoilt.

    Args:
        spoil: Makes the mistake in a row; None where the row has nothing to make it in.
        every: Take only every such row.
    """
    n_caught = n = 0
    for folder in table.folders(ROOT):
        read = table.read(folder)
        known = elsewhere.networks(folder.parent)
        for i, row in enumerate(read.rows):
            wrong = spoil(row) if i % every == 0 else None
            if wrong is None:
                continue
            n += 1
            n_caught += (
                next(_faults([*read.rows[:i], wrong, *read.rows[i + 1 :]], read, known, wrong), None) is not None
            )
    return n_caught, n


def _faults(rows: list[Row], read: table.Table, known: tuple[elsewhere.Known, ...], wrong: Row) -> Iterator[object]:
    assert read.benchmark is not None
    yield from within.faults([wrong], read.benchmark, read.references, YEAR)
    yield from elsewhere.faults([wrong], known)
    yield from among.faults(rows)


if __name__ == "__main__":
    for name, spoil in MISTAKES.items():
        n_caught, n = caught(spoil)
        print(f"| {name} | {n_caught} of {n} | {n_caught / n:.0%} |")
