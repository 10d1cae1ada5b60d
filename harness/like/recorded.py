"""Data sets of which a size is on record: what they are, the sizes in words, and which of those near come first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

from registry import index, shelf
from registry.roots import Root
from registry.rows import doubts

LANGUAGE: Final = "lang-model"  # the task of texts without labels
FARTHEST: Final = 4.0  # times
SHOWN: Final = 3
SAME: Final = 1.05  # times: closer numbers are told as one
COARSE: Final = "is no whole item more"  # of the note on a test split that cannot tell 1.1 x from 1 x
UNLIKE: Final = 1.0  # how far apart probes and baselines count that were not recorded


@final
@dataclass(frozen=True)
class Recorded:
    """A data set of classes or targets.

    Attributes:
        name: The record's id and version, or what the ladder is called.
        where: The record's file, or ``ladder`` for the committed knees.
        modality: ``image``, ``table`` or ``text``.
        n_train: Examples to train on.
        n_inputs: Numbers of one example; of a text, of all its one-hot rows.
        n_classes: Number of classes; None where targets are numbers.
        errors: Error of a probe by its name, as far as known.
        sizes: What is on record, in words: a size each.
        length: Symbols of a text, where known.
    """

    name: str
    where: str
    modality: str
    n_train: int
    n_inputs: int
    n_classes: int | None
    errors: dict[str, float]
    sizes: tuple[str, ...]
    length: int | None = None


@final
@dataclass(frozen=True)
class RecordedLanguage:
    """A text without labels.

    Attributes:
        name: The record's id and version.
        where: The record's file.
        modality: ``text``.
        n_train: Windows to train on.
        length: Symbols of a window.
        n_symbols: How many symbols there are; None where all 256 bytes are and nobody counted which occur.
        bits: Bits per byte of a baseline by its name, as far as known.
        sizes: What is on record, in words: a size each.
        without_network: What a model without a network takes, in words, where no network takes fewer bits.
    """

    name: str
    where: str
    modality: str
    n_train: int
    length: int
    n_symbols: int | None
    bits: dict[str, float]
    sizes: tuple[str, ...]
    without_network: str = ""


@final
@dataclass(frozen=True)
class Near:
    """A recorded data set beside the one asked about; ``distance`` is 0 where all descriptors agree."""

    recorded: Recorded | RecordedLanguage
    distance: float
    reason: str


class Read(NamedTuple):
    """A record that was read: its id and version, its file, and its values."""

    name: str
    path: str
    record: dict[str, Any]


def closest(found: Iterable[Near]) -> list[Near]:
    """Return the nearest, the nearest first: at most three."""
    return sorted(found, key=lambda near: (near.distance, near.recorded.name))[:SHOWN]


def read(
    where: Sequence[Root], wanted: Callable[[str], bool], tell: Callable[[list[str]], None] | None = None
) -> Iterator[Read]:
    """Read the records of some tasks, none twice, none superseded.

    Args:
        where: The roots, first wins.
        wanted: Whether records of a task are wanted.
        tell: Gets a line for each record that was left out because it is damaged.
    """
    for one in index.read(where, shelf.listed, tell):
        if wanted(one.task) and not one.shadowed and not one.superseded:
            yield Read(f"{one.id} v{one.version}", one.path, shelf.read(one))


def sizes_of(record: dict[str, Any], kind: str) -> tuple[str, ...]:
    """Say how large the points of a record are: the knee, or each target; of several routes the smallest.

    Where the record's notes doubt the knee's reference, but for a test split too small to tell, the knee is at least
    that large.
    """
    metric = record["question"]["metric"]["name"]
    doubted = any(COARSE not in doubt for doubt in doubts(record.get("notes", [])))
    least = "at least " if kind == "knee" and doubted else ""
    said: dict[str, str] = {}
    for point in by_params(record, kind):
        what = "knee" if kind == "knee" else _aim(metric, point)
        said.setdefault(what, f"{what}: {least}{point['params']:,} params{_shape(point.get('shape'))}")
    return tuple(said.values())


def by_params(record: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the points of a record whose params are known, the smallest first."""
    return sorted((one for one in record.get(kind, []) if one.get("params")), key=lambda one: one["params"])


def both(theirs: int, own: int, what: str) -> str:
    """Say a recorded count, and the asker's where it is another."""
    return f"{theirs:,} {what}" if apart(theirs, own) < SAME else f"{theirs:,} {what} against {own:,}"


def both_n_train(theirs: int, own: int, what: str) -> str:
    """Say how many examples were trained on, how many the asker has, and how far apart that is."""
    times = apart(theirs, own)
    return both(theirs, own, what) + ("" if times < SAME else f", within {times:.1f} x")


def apart(a: float, b: float) -> float:
    """Return how many times one is the other, at least 1."""
    return max(a / b, b / a)


def _aim(metric: str, point: dict[str, Any]) -> str:
    value = point["target"] if point.get("target") is not None else point.get("value")
    return f"{metric} {value:g}" if value is not None else metric


def _shape(shape: dict[str, Any] | None) -> str:
    if not shape or shape.get("width") is None:
        return ""
    side = f", resolution {shape['resolution']}" if shape.get("resolution") else ""
    return f" (width {shape['width']}, depth {shape['depth']}{side})"
