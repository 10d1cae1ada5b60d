"""What is said of predictions far out and of targets that no data reach, in the words of the file's own metric."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.curve_answers import Answers, Scale, lines, out_of_reach, values
from registry.law import Bounds, evaluate
from registry.parse import Target
from tests.laws import stored

FLOOR = {"value": 0.02, "low": 0.01, "high": 0.03}
ACCURACY = Scale("accuracy")


def law(*forms: str, **changes: Any) -> dict[str, Any]:
    return {"irreducible_error": FLOOR, "width_floor": None, **stored(*forms), **changes}


def said(n: int, kept: dict[str, Any], **sizes: float) -> str:
    found = evaluate(kept, n, extrapolate=True, **sizes)
    return lines(Answers(sizes, ((n, found),), (), (), None), kept, ACCURACY)[-1]


@pytest.mark.parametrize(
    ("n", "how_far"),
    [
        (20, "at 20 training examples: "),
        (2000, "at 2,000 training examples: "),
        (2500, "at 2,500 training examples, 1.25 x the largest n measured: "),
        (200_000, "at 200,000 training examples, 100 x the largest n measured: "),
        (5_000_000, "at 5,000,000 training examples, 2,500 x the largest n measured, far outside: "),
        (5, "at 5 training examples, 4 x below the smallest n measured: "),
    ],
)
def test_a_prediction_says_how_far_outside_it_lies(n: int, how_far: str) -> None:
    line = said(n, law())

    assert line.startswith(f"{how_far}accuracy 0.")
    assert ("x as wide as at 2,000" in line) == (not 20 <= n <= 2000)


def test_the_interval_is_said_to_widen_by_as_much_as_it_does() -> None:
    near, far = (float(said(n, law()).rpartition("; that is ")[2].partition(" x as")[0]) for n in (4000, 200_000))
    inside, outside = (evaluate(law(), n, extrapolate=True).mean for n in (2000, 200_000))
    assert inside
    assert outside
    width = [math.log(one[90].high / one[90].low) for one in (inside, outside)]

    assert 1 < near < far
    assert far == pytest.approx(width[1] / width[0], rel=0.05)


def test_data_far_outside_the_range_are_not_told_to_the_example() -> None:
    needed = Bounds(3e6, 1e5, 4e9)
    line = lines(Answers({}, (), ((Target("accuracy", 0.97), needed),), (), None), law(), ACCURACY)[-1]
    [target] = values(Answers({}, (), ((Target("accuracy", 0.97), needed),), (), None), law())["targets"]

    assert line == (
        "accuracy 0.97 takes more than 200,000 training examples (90 % sure: 100,000 to more than 200,000), "
        "more than 100 x the largest n measured, far outside"
    )
    assert target["times_largest"] == 1500


@pytest.mark.parametrize(
    ("floor", "code", "words"),
    [
        (FLOOR, 3, "no amount of data reaches it: the floor's 90 % interval is accuracy 0.97 to 0.99"),
        (
            {**FLOOR, "high": None},
            3,
            "no amount of data reaches it: the floor's 90 % interval is accuracy open to 0.99",
        ),
        ({**FLOOR, "low": 0.004}, 7, "may lie on either side of it (90 % sure: 0.97 to 0.996)"),
        ({**FLOOR, "low": None}, 7, "may lie on either side of it (90 % sure: 0.97 to open)"),
        (None, 7, "may lie on either side of it (90 % sure: open to open)"),
    ],
)
def test_a_target_that_the_law_never_reaches_is_out_of_reach_only_below_the_floors_interval(
    floor: dict[str, Any] | None, code: int, words: str
) -> None:
    found = out_of_reach(law(irreducible_error=floor), "accuracy 0.995", 0.005, {}, ACCURACY)

    assert found.exit_code == code
    assert words in found.message
    assert ("undecided: the law levels off at accuracy 0.98, and" in found.message) == (code == 7)
    assert "error" not in found.message
    assert "endless" not in found.message


def test_where_the_law_levels_off_is_told_from_the_target() -> None:
    found = out_of_reach(law(), "error 0.01999", 0.01999, {}, Scale("error"))
    close = out_of_reach(law(), "error 0.019999999", 0.019999999, {}, Scale("error"))

    assert "levels off at error 0.02," in found.message
    assert "levels off at error 0.02," in close.message


def test_a_law_that_gets_there_past_all_data_is_undecided() -> None:
    slow = law()
    slow["forms"][0]["parameters"] |= {"exponent": 0.01, "floor": 0.0}
    found = out_of_reach({**slow, "irreducible_error": None}, "accuracy 0.9", 0.1, {}, ACCURACY)

    assert found.exit_code == 7
    assert "gets there past 1e30 training examples alone" in found.message


@pytest.mark.parametrize("low", [None, 0.04])
def test_what_a_small_network_never_reaches_is_no_matter_of_the_floor(low: float | None) -> None:
    floors = {"irreducible_error": {"value": 0.01, "low": 0.005, "high": 0.02}, "width_floor": {"low": low}}
    small = out_of_reach(law("additive", **floors), "error 0.05", 0.05, {"params": 50}, Scale("error"))

    assert small.exit_code == 3
    assert "takes a larger network: at this size the law levels off at error 0.2969" in small.message
    assert "no amount of data" not in small.message


@pytest.mark.parametrize(("high", "code"), [(0.02, 3), (0.1, 7), (None, 7)])
def test_a_target_that_the_floor_allows_takes_larger_networks_than_were_measured(high: float | None, code: int) -> None:
    floors = {"irreducible_error": {"value": 0.01, "low": None, "high": high}}
    found = out_of_reach(law("additive", **floors), "accuracy 0.975", 0.025, {}, ACCURACY)

    assert found.exit_code == code
    assert (
        "takes a larger network: at params 5,000 the law levels off at accuracy 0.9719, and the floor lies beyond the "
        "target (90 % sure: 0.98 to open)" in found.message
    ) == (code == 3)
    assert ("undecided" in found.message) == (code == 7)


@pytest.mark.parametrize(
    ("result", "error", "shown"),
    [
        ("accuracy", 0.02, "0.98"),
        ("accuracy", 0.00004, "0.99996"),
        ("accuracy", 0.0, "1"),
        ("error", 0.02, "0.02"),
        ("loss", 3.14159, "3.142"),
    ],
)
def test_errors_are_shown_as_what_the_file_holds(result: str, error: float, shown: str) -> None:
    assert Scale(result).number(error) == shown
