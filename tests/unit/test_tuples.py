"""Named tuples of ours behave as those of the standard library."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import typing
from typing import Any

import pytest

from registry import answers, law, tuples


class Ours(tuples.NamedTuple):
    """A point."""

    x: int
    y: float | None = None
    name: str = "none"

    @property
    def double(self) -> int:
        """Twice x."""
        return 2 * self.x


class Theirs(typing.NamedTuple):
    """A point."""

    x: int
    y: float | None = None
    name: str = "none"

    @property
    def double(self) -> int:
        """Twice x."""
        return 2 * self.x


CALLS: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((1,), {}),
    ((1, 2.0), {}),
    ((1, 2.0, "a"), {}),
    ((), {"x": 1}),
    ((1,), {"name": "a"}),
    ((), {"name": "a", "y": 3.0, "x": 1}),
)


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_they_are_made_read_and_changed_alike(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    ours: Any = Ours(*values, **named)
    theirs: Any = Theirs(*values, **named)

    assert tuple(ours) == tuple(theirs)
    assert (ours.x, ours.y, ours.name, ours.double) == (theirs.x, theirs.y, theirs.name, theirs.double)
    assert ours._asdict() == theirs._asdict()
    assert tuple(ours._replace(y=5.0)) == tuple(theirs._replace(y=5.0))
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert json.dumps(ours) == json.dumps(theirs)
    assert hash(ours) == hash(theirs)
    assert ours == theirs
    assert pickle.loads(pickle.dumps(ours)) == copy.copy(ours) == copy.deepcopy(ours) == ours  # noqa: S301  # our own
    assert type(pickle.loads(pickle.dumps(ours))) is type(copy.copy(ours)) is type(ours._replace(x=2)) is Ours  # noqa: S301


def test_their_classes_say_the_same() -> None:
    assert Ours._fields == Theirs._fields == Ours.__match_args__
    assert Ours._field_defaults == Theirs._field_defaults
    assert Ours.__doc__ == Theirs.__doc__
    assert tuple(Ours._make([1, 2, 3])) == tuple(Theirs._make([1, 2, 3]))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        ((1, 2.0, "a", 4), {}),
        ((1,), {"x": 1}),
        ((1,), {"z": 1}),
        ((1, 2.0, "a"), {"name": "b"}),
        ((1, 2.0, "a"), {"z": 1}),
    ],
)
def test_what_does_not_fit_is_refused_alike(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError, match=kind.__name__):
            kind(*values, **named)


def test_nothing_can_be_set() -> None:
    for point in (Ours(1), Theirs(1)):
        for name in ("x", "z"):
            with pytest.raises(AttributeError):
                setattr(point, name, 2)


def test_answers_and_laws_are_made_of_them() -> None:
    for module in (answers, law):
        kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__]
        light = [kind for kind in kinds if issubclass(kind, tuple)]

        assert light
        assert all(issubclass(kind, tuples.NamedTuple) for kind in light)
