"""A CSV file of texts and labels: texts become the bytes of their UTF-8, cut and padded to one length."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8, UInt64

from harness.datasets.base import Split, Splits
from harness.own import checks, csv_file, labels
from harness.own.columns import Categories, categories, name_hashes, quoted, quoted_list
from harness.own.parts import by_content, by_group, check_count, hash_of, mixed
from harness.own.prepared import Facts, Prepared
from harness.own.table import sizes
from registry.errors import InvalidData
from registry.wording import counted

N_SYMBOLS: Final = 256  # bytes; 0, which no text holds, is padding
LONGEST, SHORTEST = 256, 8
COVERED: Final = 0.9  # of the texts that are no longer than the input
MOST_TEXTS: Final = 4_000_000
LOOKED_AT: Final = 1_000  # rows that decide which column is the text


def read(path: Path, label: str, group: str | None) -> Prepared:
    """Read texts and labels.

    The input has as many bytes as the power of two that covers nine tenths of the texts to train on, 8 to 256; longer
    texts lose their end, shorter ones are padded by zeros.

    Args:
        path: The file.
        label: The column of labels.
        group: A column that the splits keep apart, or None.

    Raises:
        InvalidData: If it cannot be used; names the row.
    """
    text, others = _text_column(path, label, group)
    rows, texts, lengths, hashes, answers, owners = _scanned(path, text, label, group)
    n = len(lengths)
    check_count(n, str(path), "rows")
    if (hashes == hashes[0]).all():
        what = "the same" if lengths[0] else "empty"
        raise InvalidData(f"{path}: every text in column {quoted(text)} is {what}, expected texts that differ")
    right, classes = labels.classes_of(str(path), answers, rows.__getitem__)
    if owners is None:
        parts = by_content(mixed(hashes, 0), right)
    else:
        parts = by_group(owners.codes, name_hashes(owners.names), right, str(path))
    length = SHORTEST
    while length < LONGEST and np.mean(lengths[parts.train] <= length) < COVERED:
        length *= 2
    inputs = np.ascontiguousarray(texts[:, :length])
    splits = Splits(*(Split(inputs[part], right[part]) for part in parts))
    n_cut, n_empty = int((lengths > length).sum()), int((lengths == 0).sum())
    notes = [
        f"{n:,} texts in column {quoted(text)}, read as {length} bytes of UTF-8",
        *([f"left out: {quoted_list(others)}: one column of texts is read"] if others else []),
        *([f"{n_cut:,} of {n:,} texts are longer and lose their end"] if n_cut else []),
        sizes(splits, "texts"),
        f"{quoted(label)} has {checks.balance(right, classes)}",
    ]
    empty = [f"{counted(n_empty, 'row')} without text"] if n_empty else []
    facts = Facts(
        "text-cls", (length, N_SYMBOLS), len(classes), group="a column of the data" if group else None, symbols=True,
        notes=tuple(notes), warnings=(*empty, *checks.skew(right), *checks.repeats(splits)),
    )  # fmt: skip
    return Prepared(facts, splits)


def _text_column(path: Path, label: str, group: str | None) -> tuple[str, list[str]]:
    """Return the column of texts, and those that are no use beside it.

    It is the only one left, the one called text, or the one with the longest cells.
    """
    with csv_file.opened(path) as (names, rows):
        header = [name.strip() for name in names]
        others = [name for name in header if name not in (label, group)]
        if not others:
            raise InvalidData(f"{path}: has no column beside {quoted(label)}, expected one of texts")
        found = next((name for name in others if len(others) == 1 or name.lower() == "text"), None)
        if found is None:
            cells = [row for _, row in islice(rows, LOOKED_AT)]
            found = max(others, key=lambda name: sum(len(row[header.index(name)]) for row in cells))
    return found, [name for name in others if name != found]


class _Scanned(NamedTuple):
    """Of each text the number of its row, its beginning, its length in bytes and its hash; labels and groups."""

    rows: list[int]
    texts: UInt8[np.ndarray, "n 256"]
    lengths: Int64[np.ndarray, " n"]
    hashes: UInt64[np.ndarray, " n"]
    answers: Categories
    owners: Categories | None


def _scanned(path: Path, text: str, label: str, group: str | None) -> _Scanned:
    held, numbers, lengths, hashes = bytearray(), list[int](), list[int](), list[int]()
    answers, owners = _Codes(), _Codes()
    with csv_file.opened(path) as (names, rows):
        header = [name.strip() for name in names]
        at, answer, owner = header.index(text), header.index(label), header.index(group) if group else None
        for row, cells in rows:
            if len(numbers) == MOST_TEXTS:
                raise InvalidData(f"{path}: holds more than {MOST_TEXTS:,} texts", "take a part of them")
            content = cells[at].strip().encode()
            held += content[:LONGEST].ljust(LONGEST, b"\0")
            numbers.append(row)
            lengths.append(len(content))
            hashes.append(hash_of(content))
            answers.take(cells[answer])
            if owner is not None:
                owners.take(cells[owner])
    texts = np.frombuffer(held, dtype=np.uint8).reshape(-1, LONGEST)
    found = owners.column(group) if group else None
    hashed = np.array(hashes, dtype=np.uint64)
    return _Scanned(numbers, texts, np.array(lengths), hashed, answers.column(label), found)


class _Codes:
    """Names as they come, counted from 0."""

    def __init__(self) -> None:
        self._codes: list[int] = []
        self._known: dict[str, int] = {}

    def take(self, cell: str) -> None:
        """Note one cell."""
        self._codes.append(self._known.setdefault(cell.strip(), len(self._known)))

    def column(self, name: str) -> Categories:
        """Return all of them."""
        return categories(name, self._codes, self._known)
