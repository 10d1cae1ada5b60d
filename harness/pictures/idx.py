"""Pictures and labels in MNIST's own format, IDX, packed by gzip."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from jaxtyping import UInt8

from harness import vision
from harness.pictures.files import Files, OfficialFile, Part, Pictures
from registry.errors import InvalidData

_PREFIXES: Final[dict[Part, str]] = {"train": "train-", "test": "t10k-"}
_UNSIGNED_BYTES: Final = 8  # IDX's code of the type


@final
@dataclass(frozen=True)
class IdxFiles(Files):
    """Four packed files, which are all that is read: what torchvision unpacks beside them carries no checksum.

    Args:
        name: The set as torchvision calls it, ``MNIST``.
    """

    name: str

    def official(self, part: Part) -> tuple[OfficialFile, ...]:
        """Return pictures, then labels."""
        return tuple(
            OfficialFile(f"{self.name}/raw/{file}", md5)
            for kind in ("images", "labels")
            for file, md5 in self._torchvision().resources
            if file.startswith(_PREFIXES[part] + kind)
        )

    def read(self, dataset: str, part: Part) -> Pictures:
        """Return the grey pictures of one part: one channel."""
        pictures, answers = self.official(part)
        images = read_idx(pictures.path, pictures.read(dataset), dimensions=3)
        labels = read_idx(answers.path, answers.read(dataset), dimensions=1)
        if len(images) != len(labels):
            raise InvalidData(f"{answers.path}: holds {len(labels):,} labels for {len(images):,} pictures")
        return Pictures(images[:, np.newaxis], labels.astype(np.int64), answers.path)

    def download(self, folder: Path) -> None:
        """Let torchvision fetch the four files, from the first of its addresses that answers."""
        kind = self._torchvision()
        for file, md5 in kind.resources:
            for mirror in kind.mirrors:
                try:
                    vision.load().datasets.utils.download_url(
                        f"{mirror}{file}", folder / self.name / "raw", filename=file, md5=md5
                    )
                    break
                except (OSError, RuntimeError):
                    if mirror == kind.mirrors[-1]:
                        raise

    def _torchvision(self) -> Any:
        return getattr(vision.load().datasets, self.name)


def read_idx(path: Path, packed: bytes, *, dimensions: int) -> UInt8[np.ndarray, ...]:
    """Unpack an array of unsigned bytes.

    Args:
        path: Where it is from, for messages.
        packed: Content of the file.
        dimensions: How many dimensions it has to have.

    Raises:
        InvalidData: If it cannot be unpacked, has another type or number of dimensions, or ends too early or too late.

    Source:
        "The IDX file format" in http://yann.lecun.com/exdb/mnist/: two zero bytes, type, number of dimensions, their
        sizes as big-endian 32-bit integers, values in C order.
    """
    try:
        data = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidData(f"{path}: cannot be unpacked: {str(error).rstrip('.')}") from None
    magic, header = bytes((0, 0, _UNSIGNED_BYTES, dimensions)), 4 + 4 * dimensions
    if data[:4] != magic or len(data) < header:
        raise InvalidData(
            f"{path}: starts with the bytes {data[:4].hex(' ') or '(none)'}, "
            f"expected {magic.hex(' ')} and {dimensions} sizes"
        )
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    if len(data) - header != math.prod(shape):
        raise InvalidData(
            f"{path}: holds {len(data) - header:,} values, expected {' x '.join(map(str, shape))} as its header says"
        )
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)
