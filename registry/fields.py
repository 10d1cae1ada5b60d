"""Read a record's JSON values field by field, each checked as it is read; errors name the field from the top."""

from __future__ import annotations

import math
from typing import Any, Final, final

from registry.loader import LARGEST_INT

BOUNDS: Final = {
    "fraction": (0.0, 1.0),
    "r2": (-math.inf, 1.0),
    "bits-per-byte": (0.0, math.inf),
    "pixels": (0.0, math.inf),
}


@final
class Scale:
    """What values a metric can take, and which way is better."""

    def __init__(self, unit: str, direction: str) -> None:
        self.low, self.high = BOUNDS[unit]
        self.higher = direction == "higher"

    def score(self, value: float) -> float:
        """Return ``value`` turned so that higher is better."""
        return value if self.higher else -value


@final
class Fields:
    """One JSON object whose values are checked as they are read.

    Args:
        values: The object.
        place: Keys and list positions that lead to it from the top of the record, joined by dots.

    Raises:
        ValueError: Here and in every method, where a value is not what was asked for; begins with its field.
    """

    def __init__(self, values: object, place: str = "") -> None:
        if not isinstance(values, dict):
            raise ValueError(f"{place or 'record'}: is not an object")
        self._values = values
        self._place = f"{place}." if place else ""

    def get(self, key: str) -> Any:
        """Return a value as it is; None where it is missing."""
        return self._values.get(key)

    def part(self, key: str) -> Fields:
        """Return the object at ``key``."""
        return Fields(self.get(key), f"{self._place}{key}")

    def parts(self, key: str) -> list[Fields]:
        """Return the objects in the list at ``key``."""
        return [Fields(part, f"{self._place}{key}.{i}") for i, part in enumerate(self._list(key))]

    def text(self, key: str) -> str:
        """Return a line of text."""
        value = self.get(key)
        if not isinstance(value, str) or not value or not value.isprintable():
            raise self._fault(key, "is not a line of text")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return the same, or None where it is null or missing."""
        return None if self.get(key) is None else self.text(key)

    def optional_part(self, key: str) -> Fields:
        """Return the object at ``key``, an empty one where it is null or missing."""
        return Fields({}) if self.get(key) is None else self.part(key)

    def choice(self, key: str, *choices: str) -> str:
        """Return one of these texts."""
        value = self.text(key)
        if value not in choices:
            raise self._fault(key, f"'{value}' is none of {', '.join(choices)}")
        return value

    def count(self, key: str) -> int:
        """Return a whole number from 0 to 2**53 - 1."""
        value = self.optional_count(key)
        if value is None:
            raise self._fault(key, "is missing")
        return value

    def optional_count(self, key: str) -> int | None:
        """Return the same, or None where it is null or missing."""
        value = self.get(key)
        if value is not None and (type(value) is not int or not 0 <= value <= LARGEST_INT):
            raise self._fault(key, "is not a count")
        return value

    def size(self, key: str) -> int:
        """Return how many values an array of this shape holds."""
        size = 1
        for side in self._list(key):
            if type(side) is not int or side < 1:
                raise self._fault(key, "is not a list of counts")
            size *= side
            if size > LARGEST_INT:
                raise self._fault(key, f"holds more than {LARGEST_INT:,} values")
        return size

    def number(self, key: str, low: float = 0.0, high: float = math.inf) -> float:
        """Return a finite number in [``low``, ``high``]."""
        value = self.optional_number(key, low, high)
        if value is None:
            raise self._fault(key, "is missing")
        return value

    def optional_number(self, key: str, low: float = 0.0, high: float = math.inf) -> float | None:
        """Return the same, or None where it is null or missing."""
        value = self.get(key)
        if value is None:
            return None
        if type(value) not in (int, float) or not math.isfinite(value):
            raise self._fault(key, "is not a finite number")
        if not low <= value <= high:
            raise self._fault(key, f"{value} is not in [{low:g}, {high:g}]")
        return float(value)

    def metric(self, key: str, scale: Scale) -> float:
        """Return a value that the metric can take."""
        return self.number(key, scale.low, scale.high)

    def _list(self, key: str) -> list[Any]:
        value = self.get(key)
        if not isinstance(value, list):
            raise self._fault(key, "is not a list")
        return value

    def _fault(self, key: str, problem: str) -> ValueError:
        return ValueError(f"{self._place}{key}: {problem}")
