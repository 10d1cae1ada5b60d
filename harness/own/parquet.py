"""A Parquet file as typed columns, through pyarrow: an optional package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from harness.own.columns import Categories, Column, Dropped, Numbers, categories, quoted
from harness.own.csv_file import MOST_COLUMNS
from harness.own.seen import Kinds, Seen, as_written, kinds
from harness.own.seen import names as names_or_text
from harness.own.table import Table, check_size
from registry.errors import InvalidData, MissingDependency
from registry.loader import shown

SUFFIXES: Final = (".parquet", ".pq")
TEXTS: Final = ("string", "large_string", "string_view")
BATCH: Final = 65_536  # rows that are held as they are in the file


def is_parquet(path: Path) -> bool:
    """Say whether a file is called like a Parquet file."""
    return path.suffix.lower() in SUFFIXES


def names(path: Path) -> tuple[str, ...]:
    """Return the names of the columns.

    Raises:
        InvalidData: If it is no Parquet file.
        MissingDependency: If pyarrow is not installed.
    """
    with _opened(path) as file:
        found = tuple(file.schema_arrow.names)
    if len(found) > MOST_COLUMNS:
        raise InvalidData(f"{path}: holds {len(found):,} columns, expected at most {MOST_COLUMNS:,}")
    if len(set(found)) < len(found):
        raise InvalidData(f"{path}: two of its columns have the same name")
    return found


def read(path: Path, as_text: tuple[str, ...] = (), target: str | None = None) -> Table:
    """Read a Parquet file; rows count from 1.

    Args:
        path: The file.
        as_text: Columns whose values are names, even where they are numbers.
        target: A column whose values have to be numbers.

    Raises:
        InvalidData: If it cannot be read, or a number is infinite or no number among numbers; names the row.
        MissingDependency: If pyarrow is not installed.
    """
    header = names(path)
    with _opened(path) as file:
        n = file.metadata.num_rows
        check_size(path, n, len(header))
        schema = file.schema_arrow
        texts = {name: Seen() for name in header if name not in as_text and str(schema.field(name).type) in TEXTS}
        for name, one in texts.items():
            for row, cell in enumerate(_cells(file, schema.field(name)), start=1):
                one.take(row, cell, has_commas=False)
        found = kinds(path, texts, target, are_names=True)
        columns = [_column(path, file, schema.field(name), found, as_name=name in as_text) for name in header]
    return Table(str(path), n, columns, notes=found.notes, warnings=found.warnings)


def beginning(path: Path, name: str, n: int) -> list[str]:
    """Return the first cells of a column as they would stand in a CSV file; empty where one is missing.

    Raises:
        InvalidData: If it is no Parquet file, or cannot be read.
        MissingDependency: If pyarrow is not installed.
    """
    with _opened(path) as file:
        return list(islice(_cells(file, file.schema_arrow.field(name)), n))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file; whatever goes wrong with it inside the block is about that file."""
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise MissingDependency(
            f"{path} is a Parquet file, and pyarrow is not installed: pip install 'sizing-guides[tables]'",
            "or save the table as CSV",
        ) from None
    try:
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:  # where a page has one
            yield file
    except UnicodeDecodeError as error:
        raise InvalidData(f"{path}: holds text that is not UTF-8: byte {error.object[error.start]:#04x}") from None
    except (pyarrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise InvalidData(f"{path}: not a Parquet file that can be read: {shown(reason)}") from None


def _type(field: Any) -> Any:
    kind = field.type
    return kind.value_type if import_module("pyarrow.types").is_dictionary(kind) else kind


def _chunks(file: Any, name: str) -> Iterator[Any]:
    # by its name: to ask for 's.a' gives the struct 's', too, where that has a field 'a'
    batches = file.iter_batches(BATCH, columns=[name])
    return (batch.column(batch.schema.get_field_index(name)) for batch in batches)


def _cells(file: Any, field: Any) -> Iterator[str]:
    """Give what a column holds as it would stand in a CSV file."""
    types, kind = import_module("pyarrow.types"), _type(field)
    is_date = types.is_timestamp(kind) or types.is_date(kind)
    for chunk in _chunks(file, field.name):
        for cell in (chunk.cast("string") if is_date else chunk).to_pylist():
            yield "" if cell is None or cell != cell else str(cell).strip()  # NaN


def _column(path: Path, file: Any, field: Any, found: Kinds, *, as_name: bool) -> Column | Dropped:
    types, kind, name = import_module("pyarrow.types"), _type(field), field.name
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    is_date = types.is_timestamp(kind) or types.is_date(kind)
    if is_number and not as_name:
        return _numbers(path, name, [chunk.to_pylist() for chunk in _chunks(file, name)])
    if not (is_number or str(kind) in TEXTS or types.is_boolean(kind) or (is_date and as_name)):
        return Dropped(name, f"of type {kind}, which is neither number nor text")
    made = found.of.get(name, Categories)
    if isinstance(made, Dropped):
        return made
    cells = _cells(file, field)
    if not as_name:
        cells = (as_written(cell, has_commas=False) for cell in cells)
    if made is Numbers:
        return Numbers(name, np.fromiter((float(cell or "nan") for cell in cells), dtype=np.float64))
    codes: dict[str, int] = {}
    held = np.fromiter((codes.setdefault(cell, len(codes)) for cell in cells), dtype=np.int64)
    kept = Categories if as_name else names_or_text(name, len(codes))
    return kept if isinstance(kept, Dropped) else categories(name, held, codes)


def _numbers(path: Path, name: str, chunks: list[list[Any]]) -> Numbers:
    values = np.concatenate(
        [np.array([np.nan if v is None else float(v) for v in c], dtype=np.float64) for c in chunks]
    )
    infinite = np.isinf(values)
    if infinite.any():
        raise InvalidData(
            f"{path}, row {int(np.argmax(infinite)) + 1}: column {quoted(name)} holds an infinite number, "
            "expected finite ones"
        )
    return Numbers(name, values)
