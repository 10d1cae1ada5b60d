"""Errors say the same on the other side of a process boundary."""

from __future__ import annotations

import pickle

import pytest

from registry.errors import BrokenRule, GuidesError, NoAnswer, UnknownName


@pytest.mark.parametrize(
    "error",
    [
        UnknownName("task", "image-clss", ["tabular-cls", "image-cls"]),
        BrokenRule("guideline.json", "frontier.0", "R-RANGE", "1.7 is not a fraction", "look again"),
        NoAnswer("nothing reaches 0.99", "train more"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_pickling(error: GuidesError) -> None:
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes

    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
