"""Rules on the rows of one file against each other: none twice, and one network has one size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from registry.literature.columns import Row
from registry.literature.names import architecture
from registry.literature.within import SAME_PARAMS, Found

# A metric that counts more answers as right than another is never below it.
AT_LEAST: Final = (("accuracy-top-5", "accuracy"), ("f1", "em"))
APART: Final = 0.4  # no two such metrics of one network differ by more
FAR: Final = 0.2  # an error is told from a metric where it is so far from what others have, and 1 - it is not
BESIDE: Final = 0.1  # outside what all others have by so much
SIZES: Final = 2.0  # networks of a size have at most so many times the params of each other
ENOUGH: Final = 4  # others that tell what is usual at a size
TABLED: Final = 8  # others that tell what is usual in a table, whatever their size
TWICE: Final = (1.9, 2.1)  # multiply-adds against flops, of sources that round
SPREAD: Final = 1.75  # flops a param and pixel of a family lie within so many times those known: half of them do not
TEN: Final = (9.0, 11.0)  # giga read as 10e9
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
    refused: set[int] = set()
    for check in (_same_again, _mirrored, _flops_apart, _far_from_family):
        found = list(check([row for row in rows if row.line not in refused]))
        refused |= {fault[0] for fault in found}
        yield from found


def _same_again(rows: Sequence[Row]) -> Iterator[Found]:
    """Yield rows that say the same of one architecture as an earlier one under another name, or without its input."""
    known: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        sized = row.params, row.flops
        if sized == (None, None):
            continue
        same = known.setdefault(
            (architecture(row.model), row.metric, row.value, *sized, row.citation, row.precision), []
        )
        for other in same:
            if other.network != row.network and (
                row.resolution == other.resolution or None in (row.resolution, other.resolution)
            ):
                said = f"is '{other.model}' of line {other.line} again: {row.metric}, size and citation are the same"
                yield row.line, "model", "L-DUPLICATE", said
                break
        same.append(row)


def _mirrored(rows: Sequence[Row]) -> Iterator[Found]:
    """Yield rows whose value fits what others have only as 1 - value.

    Others are the same network at another precision or resolution; else those of its size; else the whole table.
    """
    by_metric: dict[str, list[Row]] = {}
    for row in rows:
        if 0 <= row.value <= 1:
            by_metric.setdefault(row.metric, []).append(row)
    for same in by_metric.values():
        twins: dict[tuple[str, str], list[Row]] = {}
        for row in same:
            twins.setdefault((row.network[0], row.metric), []).append(row)
        for row in same:
            beside = [one for one in twins[row.network[0], row.metric] if one is not row and one.line < row.line]
            usual = beside or _usual(row, same)
            if usual and (said := _only_mirrored(row, [one.value for one in usual])):
                yield row.line, "value", "L-ERROR", said


def _usual(row: Row, same: Sequence[Row]) -> list[Row]:
    """Return the networks that tell what a figure is at this size; none where there are too few."""
    others = [one for one in same if one is not row]
    if row.params is None:
        return others if len(others) >= TABLED else []
    sized = [one for one in others if one.params and 1 / SIZES <= one.params / row.params <= SIZES]
    return sized if len(sized) >= ENOUGH else []


def _only_mirrored(row: Row, others: Sequence[float]) -> str | None:
    """Say that a value is far outside what others have where 1 - it is within; None where it is not so."""
    low, high = min(others), max(others)
    away = max(low - row.value, row.value - high)
    middle = sorted(others)[len(others) // 2]
    mirror = 1 - row.value
    is_within = low - BESIDE / 2 <= mirror <= high + BESIDE / 2
    if away > BESIDE and is_within and abs(row.value - middle) > FAR and abs(mirror - middle) < abs(row.value - middle):
        return f"{row.value:g} is an error, expected about {middle:g}, as others have: 1 - {row.value:g}"
    return None


def _out_of_order(same: Sequence[Row]) -> Iterator[Found]:
    by_metric = {row.metric: row for row in same}
    for more, less in AT_LEAST:
        if more in by_metric and less in by_metric and by_metric[more].value < by_metric[less].value:
            low, high = by_metric[more], by_metric[less]
            said = f"{low.value:g} {more} is below {high.value:g} {less} of line {high.line}"
            yield low.line, "value", "L-ERROR", f"{said}: an error, or the two exchanged?"
        elif more in by_metric and less in by_metric and by_metric[more].value - by_metric[less].value > APART:
            low, high = by_metric[less], by_metric[more]
            said = f"{low.value:g} {less} is more than {APART:g} below {high.value:g} {more} of line {high.line}"
            yield low.line, "value", "L-ERROR", f"{said}: an error?"


def _flops_apart(rows: Sequence[Row]) -> Iterator[Found]:
    """Yield rows whose flops are half, twice or 10 x those of the same architecture with as many params.

    At another resolution they are compared in proportion to the pixels.
    """
    known: dict[str, list[Row]] = {}
    for row in rows:
        if row.params is None or row.flops is None:
            continue
        others = known.setdefault(architecture(row.model), [])
        for other in others:
            if other.params is None or other.flops is None or other.network == row.network:
                continue
            if (row.resolution is None) != (other.resolution is None):
                continue
            if abs(row.params / other.params - 1) <= SAME_PARAMS and (
                fault := flops_fault(row.flops / other.flops / _pixels(row, other), f"line {other.line}")
            ):
                yield row.line, "flops", *fault
                break
        else:
            others.append(row)


def _far_from_family(rows: Sequence[Row]) -> Iterator[Found]:
    """Yield rows whose flops a param and pixel are far from those of the other networks of the family."""
    families: dict[str, list[tuple[Row, float]]] = {}
    for row in rows:
        if row.params and row.flops and row.resolution:
            families.setdefault(row.family, []).append((row, row.flops / row.params / row.resolution**2))
    for family, same in families.items():
        for row, ratio in same:
            others = {one.params: each for one, each in same if one.params != row.params}
            if len(others) < ENOUGH:
                continue
            low, high = min(others.values()) / SPREAD, max(others.values()) * SPREAD
            if not low <= ratio <= high:
                said = f"{row.flops:.4g} flops with {row.params:,} params at {row.resolution} pixels are {ratio:.2g}"
                expected = f"{low:.2g} to {high:.2g}, as other networks of {family} here"
                yield row.line, "flops", "L-FLOPS", f"{said} a param and pixel, expected {expected}"


def _pixels(row: Row, other: Row) -> float:
    return (row.resolution / other.resolution) ** 2 if row.resolution and other.resolution else 1.0


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
