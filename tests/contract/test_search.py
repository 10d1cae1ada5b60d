"""What ``harness/search/base.py`` promises, for every search strategy there is."""

from __future__ import annotations

import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.plugins import load, names
from harness.search.base import Space, Strategy
from harness.trial import Shape

ROUNDS = 200  # more than any search over these ladders can need


@pytest.fixture(params=names("search"))
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return load("search", request.param)


class World:
    """Ladders with a price and an error for each shape: along a ladder prices rise and errors do not."""

    def __init__(self, ladders: dict[int, list[int]], prices: dict[Shape, int], errors: dict[Shape, float]) -> None:
        self.space = Space(ladders)
        self.prices = prices
        self.errors = errors

    def order(self, shape: Shape) -> tuple[int, int, int]:
        return (self.prices[shape], shape.depth, shape.width)

    def smallest(self, target: float) -> Shape | None:
        return min((shape for shape, e in self.errors.items() if e <= target), key=self.order, default=None)

    def search(self, strategy: Strategy, target: float, *, narrowing: bool) -> dict[Shape, float]:
        """Settle what is proposed until nothing is; a study narrows the space to what is cheaper than its best."""
        settled: dict[Shape, float] = {}
        for _ in range(ROUNDS):
            meeting = [self.order(shape) for shape, error in settled.items() if error <= target]
            space = self.space.below(min(meeting), self.order) if meeting and narrowing else self.space
            proposed = strategy.propose(space, dict(settled), target)
            if not proposed:
                return settled
            self.check(space, settled, proposed)
            settled |= {shape: self.errors[shape] for shape in proposed}
        raise AssertionError("the search does not end")

    def check(self, space: Space, settled: dict[Shape, float], proposed: list[Shape]) -> None:
        assert len(set(proposed)) == len(proposed), "a shape is proposed twice in one round"
        assert not settled.keys() & set(proposed), "a settled shape is proposed"
        assert all(s.depth in space.ladders and s.width in space.open_widths(s.depth) for s in proposed)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    ladders, prices, errors = {}, {}, {}
    for depth in range(draw(st.integers(1, 4))):
        n = draw(st.integers(1, 30))
        widths = list(accumulate(draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))))
        steps = draw(st.lists(st.integers(1, 50), min_size=n, max_size=n))
        falls = sorted(draw(st.lists(st.integers(0, 100), min_size=n, max_size=n)), reverse=True)
        ladders[depth] = widths
        for width, price, error in zip(widths, accumulate(steps), falls, strict=True):
            prices[Shape(width, depth)] = price
            errors[Shape(width, depth)] = error / 100
    return World(ladders, prices, errors)


@pytest.mark.parametrize("narrowing", [True, False], ids=["as-a-study-does", "whole-space"])
@pytest.mark.parametrize("name", names("search"))
@given(world=worlds(), target=st.integers(-1, 101))
def test_smallest_shape_that_meets_is_settled_at_the_end(name: str, narrowing: bool, world: World, target: int) -> None:
    settled = world.search(load("search", name), target / 100, narrowing=narrowing)
    smallest = world.smallest(target / 100)

    assert smallest is None or smallest in settled


@pytest.mark.parametrize("name", names("search"))
@given(world=worlds(), target=st.integers(0, 100), data=st.data())
def test_proposal_depends_on_its_arguments_alone(name: str, world: World, target: int, data: st.DataObject) -> None:
    strategy: Strategy = load("search", name)
    shapes = data.draw(st.lists(st.sampled_from(sorted(world.errors)), unique=True, max_size=8))
    settled = {shape: world.errors[shape] for shape in shapes}
    first = strategy.propose(world.space, dict(settled), target / 100)
    strategy.propose(world.space, {}, 0.5)
    turned = dict(reversed(settled.items()))

    assert strategy.propose(world.space, dict(settled), target / 100) == first
    assert strategy.propose(world.space, turned, target / 100) == first


@pytest.mark.parametrize("name", names("search"))
@given(world=worlds(), target=st.integers(0, 100))
def test_arguments_are_left_as_they_are(name: str, world: World, target: int) -> None:
    settled = dict(list(world.errors.items())[:3])
    before = (dict(settled), {depth: list(widths) for depth, widths in world.space.ladders.items()})
    load("search", name).propose(world.space, settled, target / 100)

    assert (settled, world.space.ladders) == before


@pytest.mark.parametrize("name", names("search"))
@given(world=worlds(), target=st.integers(0, 100), data=st.data())
def test_search_ends_whatever_the_errors_are(name: str, world: World, target: int, data: st.DataObject) -> None:
    values = st.sampled_from([0.0, 0.2, 0.5, 0.9, math.inf])  # a shape that failed certification counts as infinite
    shapes = list(world.errors)
    drawn = data.draw(st.lists(values, min_size=len(shapes), max_size=len(shapes)))
    world.errors = dict(zip(shapes, drawn, strict=True))

    settled = world.search(load("search", name), target / 100, narrowing=True)

    assert settled


def test_strategy_is_an_instance_of_the_seam_named_like_its_file(strategy: Strategy) -> None:
    assert isinstance(strategy, Strategy)
    assert load("search", strategy.name) is strategy


def test_settled_space_is_not_asked_again(strategy: Strategy) -> None:
    space = Space({0: [0], 1: [1, 2, 3]})
    errors = {Shape(0, 0): 0.9, Shape(1, 1): 0.8, Shape(2, 1): 0.5, Shape(3, 1): 0.1}

    assert strategy.propose(space, errors, 0.4) == []


def test_closed_space_is_not_asked_at_all(strategy: Strategy) -> None:
    space = Space({0: [0], 1: [1, 2, 3]}).below((-1, 0, 0), lambda shape: (shape.width, shape.depth, shape.width))

    assert strategy.propose(space, {}, 0.4) == []


def test_space_below_a_limit_opens_only_what_comes_before_it() -> None:
    space = Space({1: [1, 2, 4, 8], 2: [1, 2, 4, 8]})
    below = space.below((9, 1, 4), lambda s: (s.width * s.depth + 5, s.depth, s.width))

    assert list(space.open_widths(1)) == [1, 2, 4, 8]
    assert list(below.open_widths(1)) == [1, 2]
    assert list(below.open_widths(2)) == [1]


def test_bisection_settles_far_fewer_shapes_than_the_grid() -> None:
    ladder = list(range(1, 33))
    errors = {Shape(width, 1): 1 / width for width in ladder}
    world = World({1: ladder}, {shape: shape.width for shape in errors}, errors)
    settled = {name: len(world.search(load("search", name), 0.1, narrowing=True)) for name in ("grid", "bisect")}

    assert settled["grid"] == 32
    assert settled["bisect"] <= 6
