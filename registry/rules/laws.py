"""The rule on a record's law: it can be evaluated, and its range is that of the points it was fitted to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from registry.errors import InvalidRecord
from registry.laws import stored
from registry.rules.record import Problem, Record
from registry.schema import Law, LawPoint

NO_LAW: Final = "no law:"


def law(record: Record) -> Iterator[Problem]:
    """A law can be evaluated, its points ascend, each variable's range is that of the points it was fitted to.

    Where there is no law a note says why.
    """
    if record.measured is None:
        return
    found = record.measured.law
    if found is None:
        if not any(note.startswith(NO_LAW) for note in record.measured.notes):
            yield Problem("law", f"is null, expected a note that says why and begins '{NO_LAW}'")
        return
    yield from _evaluated(found)
    yield from _points(found)
    if found.shape is None and len(found.variables) == 1:
        yield Problem("law.shape", f"is null, expected the one shape of a law in {found.variables[0]} alone")
    for name, ends in found.valid_range:
        if (ends is not None) != (name in found.variables):
            said = "is missing" if ends is None else "is no variable of the law"
            yield Problem(f"law.valid_range.{name}", f"{said}, expected the ranges of {', '.join(found.variables)}")
        elif ends is not None:
            yield from _range(found, name, ends)


def _evaluated(law: Law) -> Iterator[Problem]:
    """Hold the law to what evaluates it: forms, parameters, weights and draws."""
    try:
        stored.Law(law.model_dump())
    except InvalidRecord as fault:
        yield Problem("law", f"cannot be evaluated: {fault.message}")
    if law.interval is not None and law.interval.factor80 > law.interval.factor90:
        said = f"{law.interval.factor80:g} is above factor90, {law.interval.factor90:g}"
        yield Problem("law.interval.factor80", said)


def _points(law: Law) -> Iterator[Problem]:
    keys = [_key(law, point) for point in law.points]
    if keys != sorted(set(keys)):
        sizes = ", then width, depth, resolution, params" if len(law.variables) > 1 else ""
        yield Problem("law.points", f"are not in ascending order of {law.variables[0]}{sizes}")


def _range(law: Law, name: str, ends: list[int]) -> Iterator[Problem]:
    values = [getattr(point, name) for point in law.points]
    if None in values:
        yield Problem("law.points", f"have no {name}, but it is a variable of the law")
    elif values and ends != [min(values), max(values)]:
        said = f"is not {min(values)} to {max(values)}, the points it was fitted to"
        yield Problem(f"law.valid_range.{name}", said)


def _key(law: Law, point: LawPoint) -> tuple[int, ...]:
    first = getattr(point, law.variables[0]) or 0
    sizes = (point.width, point.depth, point.resolution, point.params)
    return (first, *(size or 0 for size in sizes)) if len(law.variables) > 1 else (first,)
