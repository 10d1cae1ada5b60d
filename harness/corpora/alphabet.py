"""Characters and bytes as 97 symbols: a line break, printable ASCII, and one for everything else."""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import UInt8

OTHER: Final = 0  # any other character, and where a file has ended or not begun
N_SYMBOLS: Final = 97
TABLE: Final = np.zeros(256, dtype=np.uint8)
TABLE[ord("\n")] = 1
TABLE[ord(" ") : ord("~") + 1] = np.arange(2, N_SYMBOLS)


def of_bytes(content: bytes) -> UInt8[np.ndarray, " n"]:
    """Return the symbol of each byte."""
    symbols: UInt8[np.ndarray, " n"] = TABLE[np.frombuffer(content, dtype=np.uint8)]
    return symbols


def of_characters(text: str) -> UInt8[np.ndarray, " n"]:
    """Return the symbol of each character."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    symbols: UInt8[np.ndarray, " n"] = TABLE[np.minimum(points, 255)]
    return symbols


def as_text(symbols: UInt8[np.ndarray, " n"]) -> str:
    """Return symbols as characters, the other one as code 0: one character a symbol."""
    characters = np.zeros(256, dtype=np.uint8)
    characters[1:N_SYMBOLS] = np.flatnonzero(TABLE)
    return str(characters[symbols].tobytes(), "ascii")
