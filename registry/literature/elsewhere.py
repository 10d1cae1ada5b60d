"""Rules that hold rows against the other published records of the same data set: what torchvision states, say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, final

from registry.errors import BrokenRule
from registry.fields import Fields
from registry.literature.among import SPREAD, flops_fault
from registry.literature.columns import Row
from registry.literature.names import architecture
from registry.literature.within import SAME_PARAMS, Found
from registry.loader import read_json

MIRRORED: Final = 0.06  # an error is told from an accuracy where 1 - it is so near, and it is FAR
FAR: Final = 0.2
ENOUGH: Final = 3  # networks of a family that tell its range
_POWERS: Final = (1e3, 1e6, 1e9)


@final
class Known(NamedTuple):
    """A network of another published record of the data set."""

    name: str
    family: str
    metric: str
    value: float
    params: int
    flops: float | None
    resolution: int | None


def networks(dataset: Path) -> tuple[Known, ...]:
    """Return every network of the other published records in the folder of a data set; damaged ones are left out."""
    found: list[Known] = []
    for file in sorted(dataset.glob("*/v*/guideline.json")):
        family = file.parents[1].name
        if not family.startswith("literature"):
            try:
                found += _known(Fields(read_json(file, root=dataset.parents[1])), family)
            except (BrokenRule, ValueError):  # its own rules say so
                continue
    return tuple(found)


def _known(record: Fields, family: str) -> list[Known]:
    """Return the networks of a record with stated params; none of a measured one. Raises ValueError."""
    if record.get("evidence") != "published":
        return []
    metric = record.part("question").part("metric").text("name")
    return [
        Known(
            point.text("name"),
            family,
            metric,
            point.number("value", low=-math.inf),
            point.count("params"),
            point.optional_number("flops"),
            _side(point),
        )
        for point in record.parts("frontier")
        if point.optional_count("params")
    ]


def _side(point: Fields) -> int | None:
    """Return the last side of a network's input: its width in pixels."""
    shape = point.get("input_shape")
    if shape is not None:
        point.size("input_shape")  # a list of counts
    return int(shape[-1]) if shape else None


def faults(rows: Iterable[Row], known: Sequence[Known]) -> Iterator[Found]:
    """Yield the rows that contradict what others state of the same architecture.

    Flops are compared at the resolution of the row, in proportion to the pixels.
    """
    named: dict[str, list[Known]] = {}
    for one in known:
        named.setdefault(architecture(one.name), []).append(one)
    families = _families(known)
    for row in rows:
        twins = named.get(architecture(row.model), [])
        if scaled := _scaled(row, twins):
            yield row.line, "params", "L-UNIT", scaled
            continue
        same = [one for one in twins if row.params and abs(row.params / one.params - 1) <= SAME_PARAMS]
        if same:
            yield from _beside(row, same)
        elif row.family.replace("-", "") in families:
            yield from _outside(row, families[row.family.replace("-", "")])


def _scaled(row: Row, twins: Sequence[Known]) -> str | None:
    """Say that params are in thousands, millions or billions, where a network of that name has so many times more."""
    for one in twins:
        for power in _POWERS:
            if row.params and math.isclose(row.params * power, one.params, rel_tol=0.1):
                said = f"{row.params:,} is 1/{power:,.0f} of '{one.name}'"
                return f"{said}: expected a whole number of params, {one.params:,}"
    return None


def _beside(row: Row, same: Sequence[Known]) -> Iterator[Found]:
    one = same[0]
    if row.flops is not None and one.flops is not None:
        ratio = row.flops / (one.flops * _pixels(row, one))
        if fault := flops_fault(ratio, f"'{one.name}' ({one.flops:.4g})"):
            yield row.line, "flops", *fault
    values = [other.value for other in same if other.metric == row.metric and 0 <= other.value <= 1]
    if values and all(abs(row.value - value) > FAR and abs(1 - row.value - value) <= MIRRORED for value in values):
        said = f"{row.value:g} is an error, expected about {values[0]:g}, which '{one.name}' has"
        yield row.line, "value", "L-ERROR", f"{said}: 1 - {row.value:g}"


def _pixels(row: Row, one: Known) -> float:
    return (row.resolution / one.resolution) ** 2 if row.resolution and one.resolution else 1.0


def _families(known: Sequence[Known]) -> dict[str, tuple[float, float]]:
    """Return the range of flops a param and pixel of each family with enough networks of different size."""
    ratios: dict[str, dict[int, float]] = {}
    for one in known:
        if one.flops and one.resolution:
            ratio = one.flops / one.params / one.resolution**2
            ratios.setdefault(one.family.replace("-", ""), {})[one.params] = ratio
    sized = {family: found.values() for family, found in ratios.items() if len(found) >= ENOUGH}
    return {family: (min(found), max(found)) for family, found in sized.items()}


def _outside(row: Row, limits: tuple[float, float]) -> Iterator[Found]:
    if row.params is None or row.flops is None or row.resolution is None:
        return
    ratio = row.flops / row.params / row.resolution**2
    low, high = limits[0] / SPREAD, limits[1] * SPREAD
    if not low <= ratio <= high:
        said = f"{row.flops:.4g} flops with {row.params:,} params at {row.resolution} pixels are {ratio:.2g} a param "
        yield row.line, "flops", "L-FLOPS", f"{said}and pixel, far from {row.family} elsewhere: {low:.2g} to {high:.2g}"
