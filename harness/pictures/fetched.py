"""Data sets of pictures that are published as a train and a test part, and are too large to come with the package."""

from __future__ import annotations

from abc import ABC
from typing import final

import numpy as np
from jaxtyping import Float32, Int64

from harness.datasets.base import Dataset, Split, Splits
from harness.pictures.files import Files, Part, Pictures
from registry.errors import InvalidData


class Fetched(Dataset, ABC):
    """A published set, read from a local folder: see :mod:`harness.pictures.files`. Loading never uses a network.

    Test is the official test part. Val is cut from the official train part, each class by its share and always the same
    pictures; train is the rest; both keep the official order. Pixels, 0 to 255, are divided by 256, so that averages
    of areas are exact: see :func:`harness.resample.area_average`. Pictures that were published twice stay.

    Attributes:
        files: What is published, and in which format.
        n_official: Number of pictures in the official train part and in the test part.
        n_val: How many of train are kept to choose by.
    """

    n_classes: int
    files: Files
    n_official: tuple[int, int]
    n_val: int

    @final
    def load(self) -> Splits:
        """Read the official files.

        Raises:
            InvalidData: If a file is missing, damaged, or not what it should be; names the file.
            MissingDependency: If torchvision is not installed.
        """
        from sklearn.model_selection import train_test_split  # takes a second to import: only when data are loaded

        official = self._part("train", self.n_official[0])
        rows = np.arange(len(official.labels))
        train, val = train_test_split(rows, test_size=self.n_val, stratify=official.labels, random_state=0)
        test = self._part("test", self.n_official[1])
        return Splits(
            _split(official, np.sort(train)), _split(official, np.sort(val)), _split(test, np.arange(len(test.labels)))
        )

    def _part(self, part: Part, n: int) -> Pictures:
        found = self.files.read(self.name, part)
        if len(found.labels) != n:
            raise InvalidData(f"{found.source}: holds {len(found.labels):,} pictures, expected {n:,}")
        if found.images.shape[1:] != self.input_shape:
            raise InvalidData(
                f"{found.source}: pictures have shape {found.images.shape[1:]}, expected {self.input_shape}"
            )
        if set(np.unique(found.labels)) != set(range(self.n_classes)):
            raise InvalidData(
                f"{found.source}: labels are {found.labels.min()} to {found.labels.max()}, "
                f"expected each of 0 to {self.n_classes - 1}"
            )
        return found


def _split(pictures: Pictures, rows: Int64[np.ndarray, " n"]) -> Split:
    pixels: Float32[np.ndarray, "n channels height width"] = pictures.images[rows].astype(np.float32)
    pixels /= np.float32(256)  # in place: CIFAR's train split has 553 MB
    return Split(pixels, pictures.labels[rows])
