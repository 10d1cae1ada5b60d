"""Check the fields of objects read from JSON: which are there, of what type, in what range.

Each check takes the object's fields, a field's name and the object's own name. What it raises is a ``ValueError`` such
as ``outcome.val_error is 5.0, expected a fraction in [0, 1]``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from registry.loader import LARGEST_INT, shown


def whole_object(values: object, expected: AbstractSet[str], name: str) -> dict[str, Any]:
    """Return a copy of the object ``values``, which has the ``expected`` fields and no other."""
    if not isinstance(values, dict):
        raise unlike(values, name, "an object")
    if values.keys() != expected:
        wrong = min(values.keys() ^ expected)
        raise ValueError(f"{name}.{shown(wrong)} is {'unknown' if wrong in values else 'missing'}")
    return dict(values)


def text(values: Mapping[str, Any], key: str, name: str) -> None:
    """Refuse what is no text, or an empty one."""
    if not isinstance(values[key], str) or not values[key]:
        raise unlike(values[key], f"{name}.{key}", "a text that is not empty")


def choice(values: Mapping[str, Any], key: str, name: str, choices: Sequence[str]) -> None:
    """Refuse what is none of ``choices``."""
    if values[key] not in choices:
        raise unlike(values[key], f"{name}.{key}", f"one of {', '.join(choices)}")


def whole(values: Mapping[str, Any], key: str, name: str, least: int) -> None:
    """Refuse what is no whole number of at least ``least``."""
    value = values[key]
    if type(value) is not int or not least <= value <= LARGEST_INT:  # to isinstance, true and false are numbers
        raise unlike(value, f"{name}.{key}", f"a whole number from {least} to 2**53 - 1")


def number(values: Mapping[str, Any], key: str, name: str) -> None:
    """Refuse what is no finite number of at least 0."""
    if not _is_number(values[key], math.inf):
        raise unlike(values[key], f"{name}.{key}", "a finite number of at least 0")


def fraction(values: Mapping[str, Any], key: str, name: str) -> None:
    """Refuse what is no number from 0 to 1."""
    if not _is_number(values[key], 1):
        raise unlike(values[key], f"{name}.{key}", "a fraction in [0, 1]")


def unlike(value: object, name: str, expected: str) -> ValueError:
    """Return the error that says what ``value`` is and what was expected."""
    return ValueError(f"{name} is {shown(json.dumps(value))}, expected {expected}")


def _is_number(value: object, most: float) -> bool:
    return isinstance(value, (int, float)) and type(value) is not bool and 0 <= value <= most and value != math.inf
