"""Small files in the form of MNIST, Fashion-MNIST and CIFAR, whose checksums torchvision is then told are official."""

from __future__ import annotations

import gzip
import hashlib
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from harness import plugins, vision
from harness.datasets.base import Dataset

NAMES: Final = ("mnist", "fashion-mnist", "cifar-10", "cifar-100")
BATCHES: Final = 5  # of CIFAR-10's train part
_ORIGINAL: Final[dict[str, dict[tuple[Any, str], Any]]] = {}  # by data set: what was there before the first declare


def sizes(n_classes: int) -> tuple[int, int, int]:
    """Return how many pictures the official train part, val and the test part have here."""
    return 8 * n_classes, 2 * n_classes, 3 * n_classes


def idx(array: np.ndarray) -> bytes:
    """Return unsigned bytes in the IDX format, packed."""
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), compresslevel=1, mtime=0)


def batch(rows: np.ndarray, labels: list[int], key: str = "labels", *, by_column: bool = False) -> bytes:
    """Return a batch as Python 2 pickled it with NumPy 1: protocol 2, text and data as byte strings."""
    restored = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + _number(0) + b"\x85" + _text(b"b") + b"\x87R"
    )
    kind = b"cnumpy\ndtype\n" + _text(b"u1") + _number(0) + _number(1) + b"\x87R"
    kind += b"(" + _number(3) + _text(b"|") + b"NNN" + _number(-1) + _number(-1) + _number(0) + b"tb"
    shape = _number(rows.shape[0]) + _number(rows.shape[1]) + b"\x86"
    values = _text(rows.tobytes(order="F" if by_column else "C"))
    data = restored + b"(" + _number(1) + shape + kind + (b"\x88" if by_column else b"\x89") + values + b"tb"
    items = _text(b"batch_label") + _text(b"training batch 1 of 5")
    items += _text(key.encode()) + b"](" + b"".join(map(_number, labels)) + b"e"
    items += _text(b"data") + data
    items += _text(b"filenames") + b"](" + b"".join(_text(b"picture_%d.png" % label) for label in labels) + b"e"
    return b"\x80\x02}(" + items + b"u."


def _text(value: bytes) -> bytes:
    return b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value


def _number(value: int) -> bytes:
    return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)


def pictures(n: int, n_classes: int, shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, list[int]]:
    """Return pictures of one pattern a class under noise, and their labels."""
    patterns = np.random.default_rng(0).integers(0, 128, (n_classes, *shape))
    noise = np.random.default_rng([1, seed]).integers(0, 128, (n, *shape))
    labels = np.arange(n) % n_classes
    return (patterns[labels] + noise).astype(np.uint8), labels.tolist()


def files_of(name: str) -> dict[str, bytes]:
    """Return every file of a set by its path inside the data folder."""
    n_classes = 100 if name == "cifar-100" else 10
    train, _, test = sizes(n_classes)
    if name.startswith("cifar"):
        key = "fine_labels" if name == "cifar-100" else "labels"
        train_names = ["train"] if name == "cifar-100" else [f"data_batch_{i + 1}" for i in range(BATCHES)]
        folder = "cifar-100-python" if name == "cifar-100" else "cifar-10-batches-py"
        made = {}
        for seed, (names, n) in enumerate(((train_names, train), (["test" + "_batch" * (n_classes == 10)], test))):
            rows, labels = pictures(n, n_classes, (3072,), seed)
            each = n // len(names)
            for i, file in enumerate(names):
                here = slice(i * each, (i + 1) * each)
                made[f"{folder}/{file}"] = batch(rows[here], labels[here], key, by_column=name == "cifar-100")
        return made
    made = {}
    for seed, (part, n) in enumerate({"train": train, "t10k": test}.items()):
        images, labels = pictures(n, n_classes, (28, 28), seed)
        folder = "MNIST" if name == "mnist" else "FashionMNIST"
        made[f"{folder}/raw/{part}-images-idx3-ubyte.gz"] = idx(images)
        made[f"{folder}/raw/{part}-labels-idx1-ubyte.gz"] = idx(np.array(labels, dtype=np.uint8))
    return made


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below ``folder``."""
    for place, content in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(content)


def declare(patch: pytest.MonkeyPatch, name: str, files: Mapping[str, bytes]) -> None:
    """Let these files be the official ones of a set, and their sizes its own."""
    data: Any = plugins.load("datasets", name)
    md5 = {Path(place).name: hashlib.md5(content).hexdigest() for place, content in files.items()}  # noqa: S324 # theirs
    kind = getattr(vision.load().datasets, data.files.name)
    train, val, test = sizes(data.n_classes)
    new: list[tuple[Any, str, Any]] = [(type(data), "n_official", (train, test)), (type(data), "n_val", val)]
    for listing in ("train_list", "test_list") if name.startswith("cifar") else ("resources",):
        new.append((kind, listing, [(file, md5.get(file, known)) for file, known in getattr(kind, listing)]))
    for owner, attribute, value in new:
        _ORIGINAL.setdefault(name, {}).setdefault((owner, attribute), getattr(owner, attribute))
        patch.setattr(owner, attribute, value)


def undeclare(patch: pytest.MonkeyPatch, name: str) -> None:
    """Let the official files be the real ones, whatever other tests of this process have declared for good."""
    for (owner, attribute), value in _ORIGINAL.get(name, {}).items():
        patch.setattr(owner, attribute, value)


def install(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make all four sets loadable from ``folder``, small."""
    patch.setenv("GUIDES_DATA", str(folder))
    for name in NAMES:
        files = files_of(name)
        write(folder, files)
        declare(patch, name, files)


def fresh(name: str) -> Dataset:
    """Return a set that has loaded nothing yet."""
    kind: Callable[[], Dataset] = type(plugins.load("datasets", name))
    return kind()
