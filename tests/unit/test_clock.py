"""What there is time for, by a clock that the test moves."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness.clock import SLACK, Clock, Turns
from harness.trial import Trial
from tests.toy_pack import toy_trial


class Hand:
    """The hand of a clock, moved by the test."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def trials(n: int) -> list[Trial]:
    return [toy_trial(seed) for seed in range(n)]


def test_time_left_falls_to_nothing_and_no_further() -> None:
    hand = Hand()
    clock = Clock(60, now=hand)
    left = [clock.left()]
    for _ in range(2):
        hand.seconds += 45
        left.append(clock.left())

    assert left == [60, 15, 0]


@pytest.mark.parametrize(("n", "fits"), [(0, True), (60, True), (61, False)])
def test_round_fits_as_long_as_its_price_is_left(n: int, fits: bool) -> None:
    assert Clock(60, len, now=Hand()).fits(trials(n)) is fits


def test_round_whose_results_are_known_fits_when_the_time_is_up() -> None:
    clock = Clock(0, lambda _: 0.0, now=Hand())

    assert clock.fits(trials(9))


def test_without_a_limit_everything_fits_and_nothing_is_hurried() -> None:
    clock = Clock(price=lambda _: math.inf)

    assert clock.fits(trials(9))
    assert not clock.hurries("state", trials(9), trials(9))
    assert not clock.may_hurry


@pytest.mark.parametrize(("seconds", "hurries"), [(30 * SLACK, False), (30 * SLACK - 1, True)])
def test_search_hurries_while_a_certification_still_fits(seconds: float, hurries: bool) -> None:
    clock = Clock(seconds, len, now=Hand())

    assert clock.hurries("state", trials(10), trials(20)) is hurries


def test_a_round_whose_results_are_known_hurries_nothing() -> None:
    clock = Clock(1, len, now=Hand())

    assert not clock.hurries("state", [], trials(20))
    assert clock.hurries("state", trials(1), trials(20))


def test_turn_that_was_taken_is_taken_again_however_much_time_there_is(tmp_path: Path) -> None:
    path = tmp_path / "turns.txt"
    Clock(20, len, Turns(path), Hand()).hurries("first", trials(10), trials(20))
    later = Clock(turns=Turns(path))

    assert later.may_hurry
    assert later.hurries("first", [], [])
    assert not later.hurries("second", [], [])


def test_turn_that_there_is_no_time_for_is_decided_anew_later(tmp_path: Path) -> None:
    path = tmp_path / "turns.txt"
    hurries = Clock(19, len, Turns(path), Hand()).hurries("first", trials(10), trials(20))

    assert hurries
    assert not Clock(turns=Turns(path)).hurries("first", trials(10), trials(20))


@pytest.mark.parametrize(("fraction", "left"), [(1, 60), (1 / 3, 20)])
def test_share_leaves_the_rest_of_the_time_for_later(fraction: float, left: float) -> None:
    hand = Hand()
    clock = Clock(60, now=hand)
    with clock.share(fraction):
        shared = clock.left()
        hand.seconds += 5

    assert (shared, clock.left()) == (left, 55)


def test_share_ends_with_an_exception_too() -> None:
    clock = Clock(60, now=Hand())
    with pytest.raises(KeyError), clock.share(1 / 4):
        raise KeyError

    assert clock.left() == 60


def test_share_of_unlimited_time_is_unlimited() -> None:
    clock = Clock()
    with clock.share(1 / 4):
        assert clock.left() == math.inf


def test_turn_that_was_taken_is_known_later_where_time_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "turns.txt"
    Clock(60, turns=Turns(path)).take("narrow")
    Clock(60, turns=Turns(path)).take("narrow")

    assert path.read_text(encoding="utf-8") == "narrow\n"
    assert Clock(60, turns=Turns(path)).took("narrow")
    assert not Clock(60, turns=Turns(path)).took("wide")
    assert not Clock(turns=Turns(path)).took("narrow")
