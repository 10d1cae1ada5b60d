"""Rules on the rows of one file against each other: none twice, and one network has one size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from registry.literature.columns import Row
from registry.literature.within import Found

# A metric that counts more answers as right than another is never below it.
AT_LEAST: Final = (("accuracy-top-5", "accuracy"), ("f1", "em"))
TWICE: Final = (1.9, 2.1)  # multiply-adds against flops, of sources that round
TEN: Final = (9.0, 11.0)  # giga read as 10e9
SAME_PARAMS: Final = 0.03  # share that two counts of one network may differ, of sources that round
_SHARED: Final = tuple(name for name in Row._fields if name not in ("line", "model", "metric", "value"))


def faults(rows: Sequence[Row]) -> Iterator[Found]:
    """Yield the rows that stand twice or contradict another one; of two, the later one."""
    first: dict[tuple[object, ...], Row] = {}
    networks: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        before = first.setdefault((*row.network, row.metric), row)
        if before is not row:
            said = f"'{row.model}' by {row.metric} stands in line {before.line}, too"
            yield row.line, "model", "L-DUPLICATE", f"{said}: same resolution and precision"
            continue
        networks.setdefault(row.network, []).append(row)
    for same in networks.values():
        for row in same[1:]:
            if differing := next((name for name in _SHARED if getattr(row, name) != getattr(same[0], name)), None):
                said = f"differs from line {same[0].line}, which is the same network by {same[0].metric}"
                yield row.line, differing, "L-AGREE", said
        yield from _out_of_order(same)
    yield from _flops_apart(rows)


def _out_of_order(same: Sequence[Row]) -> Iterator[Found]:
    by_metric = {row.metric: row for row in same}
    for more, less in AT_LEAST:
        if more in by_metric and less in by_metric and by_metric[more].value < by_metric[less].value:
            low, high = by_metric[more], by_metric[less]
            said = f"{low.value:g} {more} is below {high.value:g} {less} of line {high.line}"
            yield low.line, "value", "L-ERROR", f"{said}: an error, or the two exchanged?"


def architecture(model: str) -> str:
    """Return a model's name without its recipe: ``ResNet-50 (pycls)`` and ``resnet50.a1_in1k`` are ``resnet50``."""
    name = re.split(r"\s*\(|[ @]|\.(?!\d)|_\d+xb", model.casefold())[0]
    return re.sub(r"[^a-z0-9.+*]", "", re.sub(r"(?<=\d)_(?=\d)", ".", name))


def _flops_apart(rows: Sequence[Row]) -> Iterator[Found]:
    """Yield rows whose flops are half, twice or 10 x those of the same architecture with as many params."""
    known: dict[tuple[str, int | None], list[Row]] = {}
    for row in rows:
        if row.params is None or row.flops is None:
            continue
        others = known.setdefault((architecture(row.model), row.resolution), [])
        for other in others:
            if other.params is None or other.flops is None or other.model == row.model:
                continue
            if abs(row.params / other.params - 1) <= SAME_PARAMS and (
                fault := flops_fault(row.flops / other.flops, f"line {other.line}")
            ):
                yield row.line, "flops", *fault
                break
        else:
            others.append(row)


def flops_fault(ratio: float, other: str) -> tuple[str, str] | None:
    """Say what flops so many times those of the same network elsewhere are: (rule, message); None if nothing known."""
    if TWICE[0] <= 1 / ratio <= TWICE[1]:
        return "L-MACS", f"is half of {other}, the same architecture: multiply-adds? Each counts as 2"
    if TWICE[0] <= ratio <= TWICE[1]:
        return "L-MACS", f"is twice {other}, the same architecture: doubled already, or that one in multiply-adds?"
    if TEN[0] <= ratio <= TEN[1]:
        return "L-GIGA", f"is 10 x {other}, the same architecture: giga read as 10e9?"
    if TEN[0] <= 1 / ratio <= TEN[1]:
        return "L-GIGA", f"is a tenth of {other}, the same architecture"
    return None
