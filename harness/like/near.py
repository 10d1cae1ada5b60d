"""Which recorded data sets are near: of the same kind, and within a factor of 4 in examples, inputs and classes.

Texts without labels have neither classes nor targets, and are compared by :mod:`harness.like.near_language` alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from harness import plugins
from harness.like.descriptors import MODALITIES, Descriptors
from harness.like.ladder import Ladder
from harness.like.recorded import (
    FARTHEST,
    UNLIKE,
    Near,
    Recorded,
    apart,
    both,
    both_n_train,
    closest,
    read,
    sizes_of,
)
from registry.errors import UsageError
from registry.roots import Root

if TYPE_CHECKING:
    from harness.datasets.base import Dataset

PROBES: Final = {"linear": "linear", "1-nearest-neighbour": "nearest neighbour"}  # baseline -> probe


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
    return closest(found)


def times_apart(data: Descriptors, one: Recorded | Descriptors) -> list[float] | None:
    """Return how many times apart two are in examples, inputs and classes; None where they are of different kinds."""
    if one.modality != data.modality or (one.n_classes is None) != (data.n_classes is None):
        return None
    extents = _extents(data, one)[:2]
    pairs = [(one.n_train, data.n_train), extents, (one.n_classes or 1, data.n_outputs)]
    return [apart(a, b) for a, b in pairs]


def reason(data: Descriptors, one: Recorded) -> str:
    """Say what the two have in common and where they differ: the recorded one's figure against the asker's."""
    said = [] if one.n_classes is None else [both(one.n_classes, data.n_outputs, "classes")]
    said.append(both(*_extents(data, one)))
    said.append(both_n_train(one.n_train, data.n_train, "examples"))
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
    """Return what the roots hold of data sets whose inputs have a known shape: see :func:`harness.like.recorded.read`.

    Texts without labels are left out.
    """
    every = read(where, MODALITIES.__contains__, tell)
    return [found for one in every if (found := of_record(one.name, one.path, one.record))]


def of_record(name: str, path: str, record: dict[str, Any]) -> Recorded | None:
    """Return what a record says; None of other tasks, or where it gives no size or not what inputs are."""
    question = record["question"]
    task, dataset = question["task"], question["dataset"]
    sizes = (*sizes_of(record, "knee"), *sizes_of(record, "frontier"))
    if task not in MODALITIES or not sizes or not dataset["input_shape"] or not dataset["n_train"]:
        return None
    errors = {}
    if question["metric"]["name"] == "accuracy":
        metrics = {one["name"]: one["metric"] for one in record.get("baselines", [])}
        errors = {probe: 1 - metrics[known] for known, probe in PROBES.items() if known in metrics}
    return Recorded(
        name, path, MODALITIES[task], dataset["n_train"], math.prod(dataset["input_shape"]),
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
