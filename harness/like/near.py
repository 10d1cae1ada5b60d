"""Which recorded data sets are near: of the same kind, and within a factor of 4 in examples, inputs and classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

from harness import plugins
from harness.like.descriptors import MODALITIES, Descriptors
from harness.like.ladder import Ladder
from registry import index, shelf
from registry.errors import UsageError
from registry.roots import Root

if TYPE_CHECKING:
    from harness.datasets.base import Dataset

FARTHEST: Final = 4.0  # times
SHOWN: Final = 3
SAME: Final = 1.05  # times: closer numbers are told as one
UNLIKE: Final = 1.0  # how far apart probes count that were not recorded
PROBES: Final = {"linear": "linear", "1-nearest-neighbour": "nearest neighbour"}  # baseline -> probe


@final
@dataclass(frozen=True)
class Recorded:
    """A data set of which a size is on record.

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
class Near:
    """A recorded data set beside the one asked about; ``distance`` is 0 where all descriptors agree."""

    recorded: Recorded
    distance: float
    reason: str


def nearest(data: Descriptors, recorded: Iterable[Recorded]) -> list[Near]:
    """Return the recorded data sets that are near, the nearest first: at most three.

    Distance adds up the logarithms, to base 4, of the ratios of examples, inputs, classes and probes' errors.
    """
    found = []
    for one in recorded:
        ratios = times_apart(data, one)
        if ratios is not None and max(ratios) <= FARTHEST:
            distance = sum(math.log(ratio, FARTHEST) for ratio in ratios) + _unlike(data, one)
            found.append(Near(one, distance, reason(data, one)))
    return sorted(found, key=lambda near: (near.distance, near.recorded.name))[:SHOWN]


def times_apart(data: Descriptors, one: Recorded | Descriptors) -> list[float] | None:
    """Return how many times apart two are in examples, inputs and classes; None where they are of different kinds."""
    if one.modality != data.modality or (one.n_classes is None) != (data.n_classes is None):
        return None
    extents = _extents(data, one)[:2]
    pairs = [(one.n_train, data.n_train), extents, (one.n_classes or 1, data.n_outputs)]
    return [max(a / b, b / a) for a, b in pairs]


def reason(data: Descriptors, one: Recorded) -> str:
    """Say what the two have in common and where they differ: the recorded one's figure against the asker's."""
    said = [] if one.n_classes is None else [_both(one.n_classes, data.n_outputs, "classes")]
    said.append(_both(*_extents(data, one)))
    ratio = max(one.n_train / data.n_train, data.n_train / one.n_train)
    said.append(
        f"{one.n_train:,} examples" + ("" if ratio < SAME else f" against {data.n_train:,}, within {ratio:.1f} x")
    )
    for probe, error in one.errors.items():
        said.append(f"{probe} probe error {error:.2f} against {_errors(data)[probe]:.2f}")
    return ", ".join(said)


def of_ladder(ladder: Ladder) -> Recorded:
    """Return a committed knee as a recorded data set."""
    d, knee = ladder.descriptors, ladder.knee()
    least = "at least " if knee.is_open else ""
    size = f"knee: {least}{knee.rung.params:,} params (mlp of width {knee.rung.width}, depth {ladder.facts['depth']})"
    return Recorded(
        ladder.name, "ladder", d.modality, d.n_train, d.n_inputs, d.n_classes, _errors(d), (size,),
        d.length or _length(ladder.facts["dataset"]) if d.modality == "text" else None,
    )  # fmt: skip


def of_registry(where: Sequence[Root], tell: Callable[[list[str]], None] | None = None) -> list[Recorded]:
    """Return what the roots hold of data sets whose inputs have a known shape, none twice, none superseded.

    Args:
        where: The roots, first wins.
        tell: Gets a line for each record that was left out because it is damaged.
    """
    every = index.read(where, shelf.listed, tell)
    records = ((one, shelf.read(one)) for one in every if not one.shadowed and not one.superseded)
    return [found for one, record in records if (found := _of_record(f"{one.id} v{one.version}", one.path, record))]


def _of_record(name: str, path: str, record: dict[str, Any]) -> Recorded | None:
    """Return what a record says; None where it gives no size, or not what its inputs are."""
    question = record["question"]
    task, dataset = question["task"], question["dataset"]
    sizes = (*_sizes(record, "knee"), *_sizes(record, "frontier"))
    if not sizes or not dataset["input_shape"] or not dataset["n_train"]:
        return None
    errors = {}
    if question["metric"]["name"] == "accuracy":
        metrics = {one["name"]: one["metric"] for one in record.get("baselines", [])}
        errors = {probe: 1 - metrics[known] for known, probe in PROBES.items() if known in metrics}
    return Recorded(
        name, path, MODALITIES.get(task, "table"), dataset["n_train"], math.prod(dataset["input_shape"]),
        dataset["n_classes"], errors, sizes, dataset["input_shape"][0] if dataset.get("symbols") else None,
    )  # fmt: skip


def _extents(data: Descriptors, one: Recorded | Descriptors) -> tuple[int, int, str]:
    """Return how long the other and the asker's examples are, and in what: of texts, symbols, however many kinds."""
    if data.length and one.length:
        return one.length, data.length, "symbols"
    return one.n_inputs, data.n_inputs, "inputs"


def _length(dataset: str) -> int | None:
    """Return how many symbols the texts of a data set of ours have; None of another."""
    try:
        data: Dataset = plugins.load("datasets", dataset)
    except UsageError:
        return None
    return data.input_shape[0] if data.symbols else None


def _sizes(record: dict[str, Any], kind: str) -> tuple[str, ...]:
    """Say how large the points of a record are: the knee, or each target; of several routes the smallest."""
    metric = record["question"]["metric"]["name"]
    said: dict[str, str] = {}
    for point in sorted((one for one in record.get(kind, []) if one.get("params")), key=lambda one: one["params"]):
        what = "knee" if kind == "knee" else _aim(metric, point)
        said.setdefault(what, f"{what}: {point['params']:,} params{_shape(point.get('shape'))}")
    return tuple(said.values())


def _aim(metric: str, point: dict[str, Any]) -> str:
    value = point["target"] if point.get("target") is not None else point.get("value")
    return f"{metric} {value:g}" if value is not None else metric


def _shape(shape: dict[str, Any] | None) -> str:
    if not shape or shape.get("width") is None:
        return ""
    side = f", resolution {shape['resolution']}" if shape.get("resolution") else ""
    return f" (width {shape['width']}, depth {shape['depth']}{side})"


def _unlike(data: Descriptors, one: Recorded) -> float:
    """Return how far the probes' errors are apart."""
    own, floor = _errors(data), 0.5 / (data.n_asked + 1)
    found = []
    for probe in PROBES.values():
        if probe not in one.errors:
            found.append(UNLIKE)
            continue
        a, b = max(one.errors[probe], floor), max(own[probe], floor)
        found.append(abs(math.log(a / b, FARTHEST)))
    return sum(found)


def _errors(data: Descriptors) -> dict[str, float]:
    return {"linear": data.linear_error, "nearest neighbour": data.neighbour_error}


def _both(theirs: int, own: int, what: str) -> str:
    return f"{theirs:,} {what}" if max(theirs / own, own / theirs) < SAME else f"{theirs:,} {what} against {own:,}"
