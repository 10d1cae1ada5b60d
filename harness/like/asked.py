"""What a person points at, and what is probably to be learnt from it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from statistics import fmean
from typing import Final

from harness.own import class_folders, commas, csv_file, folder, labels, parquet
from harness.own.seen import NEARLY_ALL, Seen, as_written, with_commas

LOOKED_AT: Final = 1_000  # rows
PICTURES: Final = 1 / 3  # of the files of a folder: texts have figures, too, and pictures descriptions
LONG: Final = 30  # bytes of a cell that is a text: ten characters of Chinese
WORDS: Final = 4
MOST_NUMBERED: Final = 20  # classes that may be called by numbers: more distinct whole numbers are a target
TABLES: Final = (".csv", ".tsv", *parquet.SUFFIXES)


def task_of(path: Path, label: str | None, group: str | None = None) -> str:
    """Say which task a file or folder is for.

    A folder of which a third of the files or more are pictures, and a picture, is to be classified; any other, and a
    file that is no table, is text to be foretold. Of a table the label decides: numbers with a fraction, or more than
    20 different ones, are targets. A CSV file with one column besides the label, and that one of words, is text to be
    classified.

    Args:
        path: The file or folder.
        label: The column to predict; None for the one that is plainly the label.
        group: A column that is no input.

    Raises:
        InvalidData: If there is nothing there, or it cannot be read.
        UsageError: If it is a table without a plain label and none is named.
    """
    folder.check_there(path)
    if path.is_dir():
        files = folder.found(path).files
        n_pictures = sum(map(class_folders.is_picture, files))
        return "image-cls" if n_pictures and n_pictures >= PICTURES * len(files) else "lang-model"
    if path.suffix.lower() not in TABLES:
        return "image-cls" if class_folders.is_picture(path) else "lang-model"
    return _of_parquet(path, label) if parquet.is_parquet(path) else _of_csv(path, label, group)


def _of_csv(path: Path, label: str | None, group: str | None) -> str:
    has_commas = csv_file.delimiter_of(path) in commas.DELIMITERS
    with csv_file.opened(path) as (header, rows):
        names = tuple(name.strip() for name in header)
        seen = {name: Seen() for name in names}
        cells: dict[str, list[str]] = {name: [] for name in names}
        for number, row in islice(rows, LOOKED_AT):
            for name, cell in zip(names, row, strict=True):
                seen[name].take(number, cell.strip(), has_commas=has_commas)
                cells[name].append(cell.strip())
    right = labels.named(names, label, str(path))
    written = with_commas({name: one for name, one in seen.items() if name != group})
    held = {
        name: [as_written(cell, has_commas=name in written) for cell in found]
        for name, found in cells.items()
        if name != group
    }
    others = [found for name, found in held.items() if name != right]
    if len(others) == 1 and any(others[0]) and _is_text(others[0]):
        return "text-cls"
    return "tabular-reg" if _is_target(held[right]) else "tabular-cls"


def _of_parquet(path: Path, label: str | None) -> str:
    cells = parquet.beginning(path, labels.named(parquet.names(path), label, str(path)), LOOKED_AT)
    held = [as_written(cell, has_commas=False) for cell in cells]
    return "tabular-reg" if _is_target(held) else "tabular-cls"


def _is_text(cells: list[str]) -> bool:
    """Say whether words are no categories: they are long, or several, or most of them stand there once."""
    there = [cell for cell in cells if cell]
    if sum(map(csv_file.is_number, there)) < NEARLY_ALL * len(there) and len(set(there)) > len(there) / 2:
        return True
    return fmean(len(cell.encode()) for cell in there) >= LONG or fmean(len(cell.split()) for cell in there) >= WORDS


def _is_target(cells: list[str]) -> bool:
    there = {cell for cell in cells if cell}
    if not there or not all(map(csv_file.is_number, there)):
        return False
    return len(there) > MOST_NUMBERED or any(not float(cell).is_integer() for cell in there)
