"""Read a folder of published results: every row is taken or refused, and none is lost."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from registry.errors import BrokenRule
from registry.literature import among, benchmark, bibtex, computes, elsewhere, within
from registry.literature.benchmark import Benchmark
from registry.literature.columns import BY_NAME, COLUMNS, OTHER_NAMES, CellFault, Row, read_cell
from registry.literature.split import split, text_of
from registry.literature.within import Found
from registry.loader import read_bytes, shown
from registry.wording import counted

TABLE: Final = "results.csv"
REFERENCES: Final = "references.bib"
BENCHMARK: Final = "benchmark.toml"
FOLDER: Final = "literature"


@final
class Fault(NamedTuple):
    """One place of a file where a rule does not hold; ``line`` 0 is the file as a whole, which then gives nothing."""

    file: str
    line: int
    column: str
    rule: str
    message: str

    @property
    def field(self) -> str:
        """Return ``12.params``: the line and the column, as far as they are known."""
        return ".".join(part for part in (str(self.line or ""), self.column) if part)


@final
@dataclass(frozen=True)
class Table:
    """What a folder gives.

    Attributes:
        folder: ``<task>/<data set>/literature`` below a root.
        benchmark: What it is about; None where that cannot be read.
        references: Citation key -> readable line.
        rows: The rows that hold, in the order of the file.
        faults: Where they do not, in the order of the file.
        n_rows: Rows in the file, refused ones included.
    """

    folder: Path
    benchmark: Benchmark | None
    references: dict[str, str]
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]
    n_rows: int

    @property
    def task(self) -> str:
        """The task category."""
        return self.folder.parent.parent.name

    @property
    def dataset(self) -> str:
        """The data set."""
        return self.folder.parent.name

    @property
    def n_refused(self) -> int:
        """Rows that were refused."""
        return self.n_rows - len(self.rows)


def folders(path: Path) -> Iterator[Path]:
    """Yield every folder of published results at or below ``path``, in a fixed order."""
    if path.name == FOLDER and (path / TABLE).is_file():
        yield path
    else:
        yield from sorted(file.parent for file in path.rglob(f"{FOLDER}/{TABLE}"))


def read(folder: Path, today: datetime.date | None = None) -> Table:
    """Read a folder and hold every row against every rule.

    Args:
        folder: ``<task>/<data set>/literature`` below a root.
        today: No year lies after this; by default the clock's.
    """
    folder = folder.absolute()
    faults: list[Fault] = []
    about = _parsed(folder / BENCHMARK, "L-BENCHMARK", benchmark.parse, faults)
    references = _parsed(folder / REFERENCES, "L-BIBTEX", bibtex.references, faults)
    lines = _parsed(folder / TABLE, "L-FILE", split, faults)
    if about is None or references is None or lines is None:
        return Table(folder, about, references or {}, (), tuple(faults), max(len(lines or ()) - 1, 0))
    (_, header), *body = lines
    if wrong := _header_fault(header):
        faults.append(Fault(TABLE, 1, "", "L-COLUMNS", wrong))
        return Table(folder, about, references, (), tuple(faults), len(body))
    rows = list(_rows(header, body, faults))
    year = (today or datetime.datetime.now(datetime.UTC).date()).year
    networks = elsewhere.networks(folder.parent)
    checks: tuple[Callable[[Sequence[Row]], Iterator[Found]], ...] = (
        partial(within.faults, benchmark=about, references=references, this_year=year),
        among.faults,
        partial(computes.faults, others=computes.elsewhere(folder, TABLE), place="/".join(folder.parts[-3:-1])),
        partial(elsewhere.faults, known=networks),
    )
    for check in checks:  # a row that was refused is no evidence against another
        found = [Fault(TABLE, *fault) for fault in check(rows)]
        refused = {fault.line for fault in found}
        rows = [row for row in rows if row.line not in refused]
        faults += found
    return Table(folder, about, references, tuple(rows), tuple(sorted(faults, key=_place)), len(body))


def _place(fault: Fault) -> tuple[int, str, str]:
    return (fault.line, fault.column, fault.rule)


def _parsed(file: Path, rule: str, parse: Any, faults: list[Fault]) -> Any:
    """Return what is in a file; None, and a fault, where it cannot be read."""
    try:
        text = text_of(read_bytes(file, computes.LIMIT, root=file.parents[3]))
        if rule != "L-FILE":  # a row of a table is refused by itself
            text.encode("ascii")
        return parse(text)
    except BrokenRule as fault:
        faults.append(Fault(file.name, 0, "", rule, fault.problem))
    except UnicodeEncodeError as error:
        line = error.object.count("\n", 0, error.start) + 1
        faults.append(Fault(file.name, line, "", rule, "is not plain ASCII"))
    except ValueError as error:
        faults.append(Fault(file.name, 0, "", rule, str(error)))
    return None


def _header_fault(header: list[str]) -> str | None:
    """Say what is wrong with the names of the columns."""
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        return f"column '{shown(doubled[0], 60)}' stands twice"
    for name in header:
        if name not in BY_NAME:
            return f"column '{shown(name, 60)}' is not known{_guess(name)}"
    missing = [column.name for column in COLUMNS if column.name not in header]
    return f"column '{missing[0]}' is missing" if missing else None


def _guess(name: str) -> str:
    """Return the column that was meant by a name, for a message."""
    plain = re.sub(r"[^a-z0-9]", "", name.casefold())
    for column, others in OTHER_NAMES.items():
        if plain in (column.replace("_", ""), *others):
            return f", expected '{column}'"
    spelt = {column.replace("_", ""): column for column in BY_NAME}
    close = difflib.get_close_matches(plain, spelt, n=1, cutoff=0.7)
    return f", expected '{spelt[close[0]]}'" if close else f", expected one of {', '.join(BY_NAME)}"


def _rows(header: list[str], body: Iterable[tuple[int, list[str] | str]], faults: list[Fault]) -> Iterator[Row]:
    """Yield the rows whose cells can be read; a fault for each cell that cannot."""
    for line, cells in body:
        if isinstance(cells, str):
            said = f"cannot be split into cells, {cells}: text with a comma or a quote stands in quotes"
            faults.append(Fault(TABLE, line, "", "L-CELLS", said))
            continue
        if len(cells) != len(header):
            said = f"has {counted(len(cells), 'cell')}, expected {len(header)}; text with a comma stands in quotes"
            faults.append(Fault(TABLE, line, "", "L-CELLS", said if cells else "is empty, expected a row"))
            continue
        values: dict[str, Any] = {}
        before = len(faults)
        for name, cell in zip(header, cells, strict=True):
            try:
                values[name] = read_cell(BY_NAME[name], cell)
            except CellFault as fault:
                faults.append(Fault(TABLE, line, name, fault.rule, fault.message))
        if len(faults) == before:
            yield Row(line=line, **values)
