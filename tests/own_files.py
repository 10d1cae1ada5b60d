"""Small files of a person's own: tables, pictures, texts."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

HEADER = ("age", "colour", "size", "fruit")


def rows(n: int = 60) -> list[list[str]]:
    """Rows of two numbers and a category, no two alike, of two classes."""
    rng = np.random.default_rng(0)
    fruits, colours = ("apple", "pear"), ("red", "green", "blue")
    return [[f"{rng.normal():.6f}", colours[rng.integers(3)], f"{rng.normal():.6f}", fruits[i % 2]] for i in range(n)]


def table(path: Path, cells: Sequence[Sequence[str]] | None = None, header: Sequence[str] = HEADER) -> Path:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *(rows() if cells is None else cells)])
    return path


def pictures(folder: Path, n: int = 30, *, classes: Sequence[str] = ("cat", "dog"), size: int = 16) -> Path:
    """Write a folder of noise, as PNG, a folder a class."""
    rng = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(256, size=(size, size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i:03}.png")
    return folder


def text(path: Path, n: int = 6000, seed: int = 0) -> Path:
    """Write a text of so many bytes."""
    letters = np.frombuffer(b"abcdefgh \n", dtype=np.uint8)
    path.write_bytes(np.random.default_rng(seed).choice(letters, size=n).tobytes())
    return path
