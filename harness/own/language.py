"""Any text, a file or a folder of them: windows of bytes, and at each position the byte that follows."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8

from harness.datasets.base import Split, Splits
from harness.own import checks, csv_file, folder
from harness.own.parts import FEWEST, Parts, by_group, check_count, hash_of
from harness.own.prepared import Facts, Prepared
from harness.own.table import sizes
from registry.errors import InvalidData
from registry.wording import counted

WINDOW: Final = 64
N_SYMBOLS: Final = 256
UTF_16: Final = (BOM_UTF16_LE, BOM_UTF16_BE)
MOST_BYTES: Final = 100_000_000  # 9 bytes of memory each
PEEKED: Final = 2**16  # bytes that tell most files that are no text
MOST_BLOCKS: Final = 500
WINDOWS_A_BLOCK: Final = 20


class Text(NamedTuple):
    """One file's content."""

    path: Path
    content: bytes


def read(path: Path) -> Prepared:
    """Read a text, or all texts of a folder that are not hidden.

    Windows do not overlap; what is left at a file's end is passed over. Whole files are dealt out to the splits where
    there are enough of them, else blocks of consecutive windows.

    Raises:
        InvalidData: If a file is not UTF-8, or there is too little or too much text; names file and line.
    """
    inside = folder.found(path) if path.is_dir() else folder.Found([path])
    texts, n_twice, n_binary = _texts(path, inside.files)
    windows = [_windows(text.content) for text in texts]
    n, n_short = sum(map(len, windows)), sum(not len(one) for one in windows)
    if n < FEWEST and n_short > 1:
        raise InvalidData(
            f"{path}: holds {counted(n, 'window')} of {WINDOW} bytes, expected at least {FEWEST}",
            f"each lies in one file, and {n_short:,} files have at most {WINDOW} bytes: join short ones",
        )
    check_count(n, str(path), f"windows of {WINDOW} bytes")
    files = np.repeat(np.arange(len(texts)), [len(one) for one in windows])
    pieces: UInt8[np.ndarray, "n window"] = np.concatenate(windows)
    n_kinds = len(np.unique(pieces))
    if n_kinds == 1:
        raise InvalidData(f"{path}: every byte of its text is {int(pieces[0, 0]):#04x}, expected bytes that differ")
    parts = _by_file(files, texts, str(path))
    is_by_file = parts is not None
    if parts is None:
        parts = _by_block(pieces, str(path))
    splits = Splits(*(Split(pieces[part, :-1], pieces[part, 1:].astype(np.int64)) for part in parts))
    n_bytes = sum(len(text.content) for text in texts)
    how = "split by file" if is_by_file else "split by blocks of the text, one after the other: the same source"
    notes = [
        f"{n_bytes:,} bytes of text in {counted(len(texts), 'file')}, {counted(n, 'window')} of {WINDOW}",
        *([f"passed over: {counted(n_binary, 'file')} with zero bytes, and so without text"] if n_binary else []),
        *(
            [f"passed over: {counted(n_short, 'file')} of at most {WINDOW} bytes, less than a window"]
            if n_short
            else []
        ),
        *([f"passed over: {counted(n_twice, 'file')} like another to the byte"] if n_twice else []),
        f"{sizes(splits, 'windows')}; {how}",
        f"{n_kinds:,} different bytes",
        *inside.notes,
    ]
    facts = Facts(
        "lang-model", (WINDOW, N_SYMBOLS), N_SYMBOLS, group="file" if is_by_file else None, symbols=True,
        per_position=True, notes=tuple(notes), warnings=tuple(checks.repeats(splits)),
    )  # fmt: skip
    return Prepared(facts, splits)


def _texts(path: Path, files: list[Path]) -> tuple[list[Text], int, int]:
    """Return each different text, how many were there before, and how many files of a folder are no text."""
    seen: dict[bytes, Path] = {}
    n_twice = n_binary = n_bytes = 0
    is_folder = path.is_dir()
    for file in files:
        try:
            with file.open("rb") as opened:
                content = opened.read(PEEKED)
                if not (is_folder and b"\0" in content):
                    content += opened.read(MOST_BYTES + 1 - n_bytes)
        except OSError as error:
            raise InvalidData(f"{file}: cannot be read: {error.strerror}") from None
        if is_folder and b"\0" in content:
            n_binary += 1
            continue
        n_bytes += len(content)
        if n_bytes > MOST_BYTES:
            raise InvalidData(f"{path}: holds more than {MOST_BYTES:,} bytes of text", "take a part of it")
        _check_text(file, content, "save the file as UTF-8" + (", or remove it from the folder" if is_folder else ""))
        n_twice += content in seen
        seen.setdefault(content, file)
    texts = [Text(file, content) for content, file in seen.items() if content]
    if not texts and n_binary:
        raise InvalidData(
            f"{path}: holds {counted(n_binary, 'file')} with zero bytes, and so without text, expected text"
        )
    if not texts:
        raise InvalidData(f"{path}: is empty, expected text")
    return texts, n_twice, n_binary


def _check_text(path: Path, content: bytes, hint: str) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        _check_kind(path, content, hint)
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidData(f"{path}, line {line:,}: not UTF-8: byte {content[error.start]:#04x}", hint) from None
    if b"\0" in content:
        _check_kind(path, content, hint)
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise InvalidData(f"{path}, line {line:,}: holds a zero byte, expected text")


def _check_kind(path: Path, content: bytes, hint: str) -> None:
    for known, what, way_out in csv_file.NO_CSV:
        if content.startswith(known):
            raise InvalidData(f"{path}: {what}, expected text", hint if known in UTF_16 else way_out) from None


def _windows(content: bytes) -> UInt8[np.ndarray, "n window"]:
    """Return windows, each with the byte that follows it."""
    symbols = np.frombuffer(content, dtype=np.uint8)
    starts = np.arange(0, len(symbols) - WINDOW, WINDOW)
    found: UInt8[np.ndarray, "n window"] = symbols[starts[:, np.newaxis] + np.arange(WINDOW + 1)]
    return found


def _by_file(files: Int64[np.ndarray, " n"], texts: list[Text], where: str) -> Parts | None:
    """Deal files out, or return None where they are too few or too unlike in size."""
    if len(texts) < 3:
        return None
    names = np.array([hash_of(text.content) for text in texts], dtype=np.uint64)
    try:
        return by_group(files, names, None, where)
    except InvalidData:
        return None


def _by_block(pieces: UInt8[np.ndarray, "n window"], where: str) -> Parts:
    n_blocks = min(MOST_BLOCKS, max(3 * 8, len(pieces) // WINDOWS_A_BLOCK))
    blocks = np.arange(len(pieces)) * n_blocks // len(pieces)
    starts = np.searchsorted(blocks, np.arange(n_blocks))
    names = [hash_of(block.tobytes()) for block in np.split(pieces, starts[1:])]
    return by_group(blocks, np.array(names, dtype=np.uint64), None, where)
