"""The cells a law was fitted to: at which depth and resolution they lie, and which were still improving."""

from __future__ import annotations

import json
import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from registry.laws.stored import Law

SHAPE: Final = ("depth", "resolution")
_FIRST: Final = '[{"capped":'
_POINTS: Final = f'"points":{_FIRST}'  # in canonical JSON cells begin so and nothing else: the rest need not be read


@final
class Cells:
    """The cells of one law, read from its record where they are first asked for; none where it cannot be read.

    Args:
        path: The record's file.
        law: The law, ready.
        same: Depth and resolution of all cells, where the law is of one shape.
    """

    def __init__(self, path: str, law: Law, same: Mapping[str, Any]) -> None:
        self._path, self._law, self._same = path, law, same

    @cached_property
    def _points(self) -> Sequence[Mapping[str, Any]]:
        """Each cell as in the record."""
        try:
            with open(self._path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
                text = file.read()
            start = text.find(_POINTS)
            if start >= 0:
                points, _ = json.JSONDecoder().raw_decode(text, start + len(_POINTS) - len(_FIRST))
            else:
                points = json.loads(text)["law"]["points"]
            return [dict(point) for point in points]
        except (OSError, LookupError, TypeError, ValueError):
            return ()

    @cached_property
    def shape(self) -> Mapping[str, tuple[int, ...]]:
        """The depths and resolutions of the cells, by name; one that no cell has, or the law is in, is left out."""
        said = {name: [point.get(name) or self._same.get(name) for point in self._points] for name in SHAPE}
        found = {name: {int(value) for value in each if value is not None} for name, each in said.items()}
        return {name: tuple(sorted(each)) for name, each in found.items() if each and name not in self._law.variables}

    @property
    def where(self) -> str:
        """``depth 2, resolution 8``; nothing where no cell says so."""
        return ", ".join(f"{name} {' and '.join(map(str, each))}" for name, each in self.shape.items())

    def has(self, depth: int | None, resolution: int | None) -> bool:
        """Say whether a network has a depth and a resolution of the cells, as far as both are known."""
        asked = {"depth": depth, "resolution": resolution}
        return all(asked[name] is None or asked[name] in each for name, each in self.shape.items())

    @property
    def improving(self) -> tuple[int, int, int] | None:
        """The most examples of a cell, how many cells have them, and how many of these were still improving.

        None where no cell with the most examples was still improving when its steps ended.
        """
        largest = max((point["n_train"] for point in self._points), default=0)
        last = [point for point in self._points if point["n_train"] == largest]
        capped = sum(bool(point.get("capped")) for point in last)
        return (largest, len(last), capped) if capped else None

    def reach(self, values: Mapping[str, float]) -> bool:
        """Say whether a cell lies as far outside the law's range as some values do, in each variable that does."""
        names = self._law.variables
        beyond = dict(zip(names, self._law.beyond([math.log(values[name]) for name in names]), strict=True))

        def is_as_far(point: Mapping[str, Any]) -> bool:
            return all(
                (known := point.get(name)) is not None
                and (known >= values[name] * (1 - 1e-9) if far > 0 else known <= values[name] * (1 + 1e-9))
                for name, far in beyond.items()
                if far
            )

        return any(map(is_as_far, self._points))
