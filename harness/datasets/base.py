"""Data sets are NumPy arrays with fixed splits, a content hash and a licence.

Contract, tested for every file of this folder:

* a plug-in says what it is in attributes and implements :meth:`Dataset.load`; everything else follows from that;
* the splits are fixed for ever and share no row by position; train holds every class, val and test do, too, unless a
  rare one is missing from the groups that are theirs;
* loading twice, on any machine, gives the same bytes: :meth:`Dataset.sha256` is pinned by a record;
* nothing but train decides how inputs are scaled, or a formula where the data are drawn from one.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Int64

from harness.resample import area_average
from registry.errors import InvalidData, UsageError

BATCH: Final = 32
POSITIONS_BATCH: Final = 8  # measured: 4 x the steps in about the time of 32, and less error in the same; docs/log.md


@final
@dataclass(frozen=True, eq=False)
class Split:
    """Examples and their labels, read-only: index with an array, or copy, to get writable ones.

    Args:
        inputs: Finite float32 of shape (n, ...), the rest being the shape of one example; or symbols, uint8 of shape
            (n, length).
        labels: Classes, int64 of shape (n,), 0 to ``n_classes - 1``; or what follows each symbol, int64 of shape
            (n, length); or targets of a regression, finite float32 of shape (n,), where :meth:`Dataset.load` gives
            them also float64: a date in seconds is one.

    Raises:
        InvalidData: If a type, a shape or a value is not as said here.
    """

    inputs: np.ndarray
    labels: np.ndarray

    def __post_init__(self) -> None:
        kinds = (np.int64, np.float32, np.float64)
        if self.inputs.dtype not in (np.float32, np.uint8) or self.labels.dtype not in kinds:
            raise InvalidData(
                f"a split holds {self.inputs.dtype} inputs and {self.labels.dtype} labels, "
                "expected float32 (or uint8 symbols) and int64 (or float32 targets)"
            )
        each = (self.labels.shape[1:] == self.inputs.shape[1:]) and self.inputs.dtype == np.uint8
        if not (self.labels.ndim == 1 or each) or self.inputs.ndim < 2 or len(self.inputs) != len(self.labels):
            raise InvalidData(
                f"a split holds inputs of shape {self.inputs.shape} and labels of shape {self.labels.shape}, "
                "expected (n, ...) and (n,)"
            )
        for name in ("inputs", "labels"):
            if not np.isfinite(getattr(self, name)).all():
                raise InvalidData(f"a split holds {name} that are NaN or infinite, expected finite numbers")
            frozen = np.ascontiguousarray(getattr(self, name)).view()
            frozen.flags.writeable = False
            object.__setattr__(self, name, frozen)

    def __len__(self) -> int:
        return len(self.labels)


class Splits(NamedTuple):
    """The three splits of a data set."""

    train: Split
    val: Split
    test: Split


class Varied(ABC):
    """What a data set adds to be the first of many: ``load("datasets", "<name>-<suffix>")`` asks it for a variant."""

    @abstractmethod
    def variant(self, suffix: str) -> Dataset:
        """Return the variant called ``<name>-<suffix>``.

        Raises:
            UsageError: If there is no such variant; says which there are.
        """


class Dataset(ABC):
    """One concrete data set. Loaded when first asked for, then kept.

    Attributes:
        name: File name in kebab-case.
        task: Name of its task category.
        source: Where the data come from, citable, one line.
        licence: SPDX id of the data.
        group: What the splits keep apart (file, font family, speaker), or None: train and test are of the same source.
        input_shape: Shape of one example: (features,) or (channels, height, width); of symbols (length, n_symbols), the
            shape they have as one-hot rows.
        n_classes: Number of classes; None where the labels are targets of a regression.
        symbols: Whether inputs are symbols, each 0 to ``input_shape[-1] - 1``.
        private: Whether the data are somebody's own: a record then holds their hash and shape alone.
        per_position: Whether there is a label at every position: the symbol that follows.
        resolutions: Sides at which the same images are offered, ascending, the last their own; empty for other data.
    """

    name: str
    task: str
    source: str
    licence: str
    group: str | None
    input_shape: tuple[int, ...]
    n_classes: int | None
    symbols: bool = False
    per_position: bool = False
    private: bool = False
    resolutions: tuple[int, ...] = ()
    _native: Dataset | None = None

    @abstractmethod
    def load(self) -> Splits:
        """Read or make the data: the only method of a plug-in. Deterministic, without network."""

    @final
    def train(self) -> Split:
        """Return the examples to train on."""
        return self._splits.train

    @final
    def val(self) -> Split:
        """Return the examples to choose by: shapes, rates, steps, checkpoints."""
        return self._splits.val

    @final
    def test(self) -> Split:
        """Return the examples a claim rests on. Nothing is ever chosen by them."""
        return self._splits.test

    @property
    @final
    def n_outputs(self) -> int | tuple[int, int]:
        """Number of a network's outputs: one a class, or one alone; (length, classes) where every position has them."""
        n_outputs = self.n_classes or 1
        return (self.input_shape[0], n_outputs) if self.per_position else n_outputs

    @property
    @final
    def batch_size(self) -> int:
        """Examples a training step takes: 32, or 8 where every position of each has an answer to learn from."""
        return POSITIONS_BATCH if self.per_position else BATCH

    @property
    @final
    def fewest(self) -> int:
        """The fewest examples a subset may have: one a class, or two where an example has no class of its own."""
        return 2 if self.n_classes is None or self.per_position else self.n_classes

    @final
    def target_scale(self) -> tuple[float, float] | None:
        """Return mean and standard deviation of train's targets, in their own unit; None where labels are classes.

        :meth:`load` gives targets in their own unit; the splits hold them less that mean, divided by that deviation.
        """
        return (self._native or self)._loaded[1]

    @final
    def sha256(self) -> str:
        """Return the content hash (64 hex digits) of the three splits, at their own resolution.

        The hashed bytes are, for train, val, test and in each for inputs, labels: one ASCII line
        ``<split>.<array> <type> <n>x<...>`` ended by a newline, then the array in C order, little-endian.
        """
        digest = hashlib.sha256()
        native = self._native or self
        for split_name, split in native._splits._asdict().items():
            for array_name, array in (("inputs", split.inputs), ("labels", split.labels)):
                extent = "x".join(map(str, array.shape))
                digest.update(f"{split_name}.{array_name} {array.dtype.name} {extent}\n".encode("ascii"))
                digest.update(array.astype(array.dtype.newbyteorder("<"), copy=False).data)
        return digest.hexdigest()

    @final
    def subset(self, n: int, seed: int) -> Int64[np.ndarray, " n"]:
        """Return the positions in train of the ``n`` examples that ``seed`` draws.

        Nested: the first ``n`` of one permutation a seed, so a larger subset of the same seed holds the smaller one.
        Not stratified: a small subset may miss a class, as a small sample does.

        Raises:
            UsageError: If ``n`` is below :attr:`fewest` or above the size of train.
        """
        n_train, least = len(self._splits.train), self.fewest
        if n < least:
            what = f"{least} classes of {self.name}" if least == self.n_classes else f"{least} that {self.name} needs"
            raise UsageError(f"n_train {n} is below the {what}", f"expected {least} to {n_train:,}")
        if n > n_train:
            raise UsageError(
                f"n_train {n} is above the {n_train:,} training examples of {self.name}",
                f"expected {least} to {n_train:,}",
            )
        return np.random.default_rng(seed).permutation(n_train)[:n].astype(np.int64, copy=False)

    @final
    def at(self, resolution: int | None) -> Dataset:
        """Return the same examples at one of ``resolutions``: each new pixel averages the area it covers.

        The same object each time; None, and the data set's own resolution, give the data set itself.

        Raises:
            UsageError: If that resolution is not offered.
        """
        native = self._native or self
        if resolution is None:
            return self
        if resolution not in native.resolutions:
            offered = ", ".join(map(str, native.resolutions))
            raise UsageError(
                f"{self.name} has no resolution {resolution}",
                f"expected one of {offered}"
                if offered
                else f"{self.name} has one form alone: leave the resolution out",
            )
        return native if resolution == native.input_shape[-1] else native._view(resolution)

    def _view(self, resolution: int) -> Dataset:
        if resolution not in self._views:
            view = copy(self)
            view.__dict__.pop("_loaded", None)
            view._native = self
            view.input_shape = (self.input_shape[0], resolution, resolution)
            self._views[resolution] = view
        return self._views[resolution]

    @cached_property
    def _views(self) -> dict[int, Dataset]:
        return {}

    def _made(self) -> Splits:
        if self._native is None:
            return self.load()
        side = self.input_shape[-1]
        return Splits(*(Split(area_average(split.inputs, side), split.labels) for split in self._native._splits))

    @property
    def _splits(self) -> Splits:
        return self._loaded[0]

    @cached_property
    def _loaded(self) -> tuple[Splits, tuple[float, float] | None]:
        splits = self._made()
        for name, split in splits._asdict().items():
            self._check(name, split)
        if self.n_classes is not None:
            return splits, None
        mean, sd = _scale_of(self.name, splits.train.labels)
        scaled = [Split(split.inputs, ((split.labels - mean) / sd).astype(np.float32)) for split in splits]
        return Splits(*scaled), (mean, sd)

    def _check(self, name: str, split: Split) -> None:
        """Refuse a split that is not what the attributes promise."""
        expected = self.input_shape[:-1] if self.symbols else self.input_shape
        if split.inputs.shape[1:] != expected:
            raise InvalidData(f"{self.name}: {name} examples have shape {split.inputs.shape[1:]}, expected {expected}")
        if (split.inputs.dtype == np.uint8) != self.symbols:
            raise InvalidData(
                f"{self.name}: {name} has {split.inputs.dtype} inputs, "
                f"expected {'uint8 symbols' if self.symbols else 'float32 numbers'}"
            )
        if self.symbols and split.inputs.size and split.inputs.max() >= self.input_shape[-1]:
            raise InvalidData(f"{self.name}: {name} needs symbols, all in 0 to {self.input_shape[-1] - 1}")
        if (split.labels.ndim == 2) != self.per_position:
            where = "at every position" if self.per_position else "an example"
            raise InvalidData(f"{self.name}: {name} has labels of shape {split.labels.shape}, expected one {where}")
        kinds = (np.float32, np.float64) if self.n_classes is None else (np.int64,)
        if split.labels.dtype not in kinds:
            what = "float32 targets" if self.n_classes is None else "int64 classes"
            raise InvalidData(f"{self.name}: {name} has {split.labels.dtype} labels, expected {what}")
        if not len(split):
            raise InvalidData(f"{self.name}: {name} has no examples, expected at least 1")
        if self.n_classes is not None and (split.labels.min() < 0 or split.labels.max() >= self.n_classes):
            raise InvalidData(f"{self.name}: {name} needs labels, all in 0 to {self.n_classes - 1}")


def _scale_of(name: str, targets: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of the targets to train on.

    Raises:
        InvalidData: If they are all alike.
    """
    mean, sd = float(targets.mean(dtype=np.float64)), float(targets.std(dtype=np.float64))
    if not sd > 0:
        raise InvalidData(f"{name}: every training target is {mean:g}, expected targets that differ")
    return mean, sd
