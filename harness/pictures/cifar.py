"""Pictures and labels in CIFAR's own format: a dict pickled by Python 2, read without running anything of it."""

from __future__ import annotations

import io
import math
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from jaxtyping import Int64, UInt8

from harness import vision
from harness.pictures.files import Files, OfficialFile, Part, Pictures
from registry.errors import InvalidData

SHAPE: Final = (3, 32, 32)


@final
@dataclass(frozen=True)
class CifarFiles(Files):
    """The folder of batches that torchvision unpacks.

    Two things stand between a strange file and this process: it is not parsed at all unless its checksum is the
    official one's, and the parser knows no function and no class but stand-ins of its own for NumPy's arrays.

    Args:
        name: The set as torchvision calls it, ``CIFAR10``.
        labels: Key of the labels.
    """

    name: str
    labels: str

    def official(self, part: Part) -> tuple[OfficialFile, ...]:
        """Return the batches in order."""
        kind = self._torchvision()
        listed = kind.train_list if part == "train" else kind.test_list
        return tuple(OfficialFile(f"{kind.base_folder}/{file}", md5) for file, md5 in listed)

    def read(self, dataset: str, part: Part) -> Pictures:
        """Return the colour pictures of one part: red, green, blue."""
        files = self.official(part)
        batches = [read_batch(file.path, file.read(dataset), self.labels) for file in files]
        images, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
        return Pictures(images, labels, files[0].path if len(files) == 1 else files[0].path.parent)

    def download(self, folder: Path) -> None:
        """Let torchvision fetch the archive, compare its checksum and unpack it."""
        kind = self._torchvision()
        vision.load().datasets.utils.download_and_extract_archive(
            kind.url, folder, filename=kind.filename, md5=kind.tgz_md5
        )

    def _torchvision(self) -> Any:
        return getattr(vision.load().datasets, self.name)


def read_batch(path: Path, content: bytes, key: str) -> tuple[UInt8[np.ndarray, "n 3 32 32"], Int64[np.ndarray, " n"]]:
    """Return the pictures and labels of one batch.

    Args:
        path: Where it is from, for messages.
        content: The pickle.
        key: Key of the labels.

    Raises:
        InvalidData: If it is no such pickle: damaged, asking for anything but an array of bytes, of another size.

    Source:
        https://www.cs.toronto.edu/~kriz/cifar.html: ``data``, one row of 3,072 bytes a picture, its red, green and blue
        planes row by row; ``labels``, ``fine_labels`` or ``coarse_labels``, a list of integers.
    """
    try:
        found = _Reader(io.BytesIO(content), encoding="bytes").load()
        rows, labels = found[b"data"].array(), found[key.encode("ascii")]
    except Exception as error:  # a damaged pickle may raise anything
        raise InvalidData(f"{path}: no batch of pictures: {type(error).__name__}: {error}".rstrip(": ")) from None
    if not isinstance(labels, list) or not all(type(label) is int for label in labels):
        raise InvalidData(f"{path}: {key} are no list of integers")
    if rows.shape != (len(labels), math.prod(SHAPE)):
        raise InvalidData(
            f"{path}: holds {' x '.join(map(str, rows.shape))} bytes for {len(labels):,} labels, "
            f"expected {math.prod(SHAPE):,} a label"
        )
    return np.ascontiguousarray(rows).reshape(-1, *SHAPE), np.array(labels, dtype=np.int64)


class _Array:
    """Stands in for a NumPy array: takes the state one is restored from, and believes it only if it is bytes."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self._shape, self._kind, self._by_column, self._values = state

    def array(self) -> UInt8[np.ndarray, ...]:
        """Return the array; a view of the bytes that were read."""
        if not isinstance(self._kind, _Kind) or self._kind.code != b"u1":
            raise pickle.UnpicklingError("its data are no array of bytes")
        flat = np.frombuffer(self._values, dtype=np.uint8)
        return flat.reshape(self._shape, order="F" if self._by_column else "C")


class _Kind:
    """Stands in for a NumPy type: keeps its code; byte order and alignment mean nothing for bytes."""

    def __init__(self, code: bytes, *_: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        pass


def _reconstruct(*_: object) -> _Array:
    return _Array()


_KNOWN: Final[dict[tuple[str, str], Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
}


class _Reader(pickle.Unpickler):
    """Restores dicts, lists, numbers, text and stand-ins of arrays; asks for nothing by name."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Return a stand-in.

        Raises:
            UnpicklingError: If the pickle asks for anything else.
        """
        if (module_name, global_name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module_name}.{global_name}, which no picture needs")
        return _KNOWN[module_name, global_name]
