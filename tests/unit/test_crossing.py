"""Crossings and minima are found where they are, in few evaluations, and what cannot be the least is left out."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from registry.laws.crossing import falls_to, least


class Counted:
    """A function that counts its calls."""

    def __init__(self, function: Callable[[float], float]) -> None:
        self.calls = 0
        self._function = function

    def __call__(self, x: float) -> float:
        self.calls += 1
        return self._function(x)


def floored(x: float) -> float:
    return math.log(math.exp(-0.5 * x) + 0.01)


@pytest.mark.parametrize("between", [(3.0, 7.0), (0.0, 1.0), (60.0, 69.0), (9.2, 9.22)])
@pytest.mark.parametrize("where", [1.0, 9.21, 15.0])
def test_a_crossing_is_found_wherever_it_was_expected(where: float, between: tuple[float, float]) -> None:
    above = Counted(lambda x: floored(x) - floored(where))

    assert falls_to(above, 0.0, 69.0, between) == pytest.approx(where, abs=1e-9)
    assert above.calls < 25


def test_a_crossing_is_found_where_the_function_is_steep_on_one_side_and_flat_on_the_other() -> None:
    above = Counted(lambda x: math.exp(-1.25 * x) - 4.2e-7)

    assert falls_to(above, 0.0, 69.0, (2.29, 13.8)) == pytest.approx(-math.log(4.2e-7) / 1.25, abs=1e-6)
    assert above.calls < 40


def test_what_is_below_from_the_start_or_above_to_the_end_crosses_nowhere_between() -> None:
    assert falls_to(lambda x: floored(x) - 1.0, 0.0, 69.0, (3.0, 7.0)) == 0.0
    assert falls_to(lambda x: floored(x) - math.log(0.009), 0.0, 69.0, (3.0, 7.0)) is None
    assert falls_to(lambda x: 1e-16, 0.0, 69.0, (3.0, 7.0)) == 0.0


@pytest.mark.parametrize(
    ("function", "where"),
    [
        (lambda x: (x - 1.7) ** 2, 1.7),
        (lambda x: math.exp(x) + math.exp(3.4 - x), 1.7),
        (lambda x: abs(x - 1.7), 1.7),
        (lambda x: x, 1.0),
        (lambda x: -x, 3.5),
        (lambda x: math.inf if x < 1.7 else x, 1.7),
        (lambda x: math.inf if x > 1.7 else -x, 1.7),
    ],
)
def test_the_least_value_is_found_inside_at_an_end_and_beside_a_cliff(
    function: Callable[[float], float], where: float
) -> None:
    value = Counted(function)
    found = least(value, 1.0, 3.5)

    assert found == pytest.approx(where, abs=2e-5)
    assert found is not None
    assert function(found) < math.inf
    assert value.calls < 33 + 25


def test_where_nothing_is_finite_there_is_no_least() -> None:
    assert least(lambda _: math.inf, 0.0, 1.0) is None


def test_where_a_bound_says_that_nothing_is_less_nobody_looks() -> None:
    rising, all_of_it = Counted(lambda x: x), Counted(lambda x: x)

    assert least(rising, 0.0, 1.0, lambda left, _: left) == least(all_of_it, 0.0, 1.0) == 0.0
    assert rising.calls <= all_of_it.calls - 3 * 7
