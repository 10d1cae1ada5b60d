"""One training has one compute: in every row that tells of it, in this table and, where it was pre-trained, in others.

A network trained first on other data is one network wherever it is fine-tuned, so its compute is one figure. Networks
of one name that were trained on each benchmark by itself, as translators are, have one compute a benchmark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, final

from registry.errors import BrokenRule
from registry.literature.columns import BY_NAME, CellFault, Row, plain_name, read_cell
from registry.literature.split import split, text_of
from registry.literature.within import Found
from registry.loader import read_bytes

# Better accounts first, as for exponents: what somebody states comes before what we derive from hours.
ACCOUNTS: Final = ("stated", "3 x flops x examples x epochs", "params x tokens", "derived", "hardware x time")
LIMIT: Final = 2_000_000  # bytes of a table
_READ: Final = ("model", "train_flops_how", "train_flops", "pretrained_on")
SAME: Final = 1.02  # two figures for one training differ by less, as sources round them


@final
class Compute(NamedTuple):
    """What a row says of a training's compute: where it stands, its value and how it was obtained."""

    place: str
    train_flops: float
    how: str


def elsewhere(folder: Path, table: str) -> dict[str, list[Compute]]:
    """Return the compute of every pre-trained network in the other tables of a root, by plain name.

    Args:
        folder: ``<task>/<data set>/literature``: its own table is left out.
        table: The name of the file in each such folder.
    """
    found: dict[str, list[Compute]] = {}
    for file in sorted(folder.parents[2].glob(f"*/*/{folder.name}/{table}")):
        if file.parent == folder:
            continue
        for name, one in _pretrained(file, folder.parents[2]):
            found.setdefault(name, []).append(one)
    return found


def _pretrained(file: Path, root: Path) -> Iterator[tuple[str, Compute]]:
    """Yield (plain name, compute) of rows of another table; what cannot be read there is for its own rules to say."""
    place = "/".join(file.parts[-4:-2])
    try:
        (_, header), *body = split(text_of(read_bytes(file, LIMIT, root=root)))
    except (BrokenRule, ValueError):
        return
    for _, cells in body:
        row = {} if isinstance(cells, str) else dict(zip(header, cells, strict=False))
        try:
            model, how, train_flops, first = (read_cell(BY_NAME[name], row.get(name) or "") for name in _READ)
        except CellFault:
            continue
        if how and train_flops and first:
            yield plain_name(model), Compute(place, train_flops, how)


def faults(rows: Sequence[Row], others: dict[str, list[Compute]], place: str) -> Iterator[Found]:
    """Yield the rows whose training has another compute by a better account; by as good a one, the later row.

    Args:
        rows: Of one table.
        others: What :func:`elsewhere` returned.
        place: ``<task>/<data set>`` of the table: of two with accounts as good, the first by name counts.
    """
    known: dict[str, list[Compute]] = {}
    ordered = sorted(rows, key=lambda row: (_rank(row.train_flops_how), row.line))
    for row in ordered:
        if row.train_flops is None or row.train_flops_how is None:
            continue
        name = plain_name(row.model)
        own = known.setdefault(name, [])
        rank = (_rank(row.train_flops_how), place)
        beside = [one for one in others.get(name, ()) if (_rank(one.how), one.place) < rank]
        if other := _other(row.train_flops, [*own, *(beside if row.pretrained_on else ())]):
            said = f"{row.train_flops:.3g} ({row.train_flops_how}) differs from {other.train_flops:.3g} ({other.how})"
            yield (
                row.line,
                "train_flops",
                "L-COMPUTE",
                f"{said} of '{row.model}' in {other.place}: one training has one compute",
            )
        else:
            own.append(Compute(f"line {row.line}", row.train_flops, row.train_flops_how))


def _rank(how: str | None) -> int:
    return ACCOUNTS.index(how) if how in ACCOUNTS else len(ACCOUNTS)


def _other(train_flops: float, known: Iterable[Compute]) -> Compute | None:
    """Return the first compute that is not this one."""
    return next((one for one in known if not 1 / SAME <= train_flops / one.train_flops <= SAME), None)
