"""What ``harness/search/base.py`` promises, for every search strategy there is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.plugins import load, names
from harness.search.base import History, Proposal, Run, Setting, Space, Strategy
from harness.search.base import Test as Certification  # pytest would collect a class named Test
from harness.trial import Shape

ROUNDS: Final = 150  # more than any search over these spaces can need
RATES: Final = (0.005, 0.01, 0.02)
STEPS: Final = (500, 1000, 2000)
FEW_TRIALS: Final = 24  # each of which optuna proposes alone
WORLDS: Final = 8


def strategy_named(name: str) -> Strategy:
    """The strategy, in a form that is quick over small spaces."""
    if name != "optuna":
        return load("search", name)
    pytest.importorskip("optuna", reason="optuna is not installed: pip install optuna")
    return type(load("search", name))(FEW_TRIALS)


@pytest.fixture(params=names("search"))
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return strategy_named(request.param)


@dataclass(frozen=True)
class World:
    """A space, and an error for each setting of it, the same for every seed."""

    space: Space
    error: Callable[[Setting], float]

    def train(self, proposal: Proposal) -> tuple[Run, ...]:
        return tuple(Run(setting, self.error(setting)) for setting in proposal.train)

    def certify(self, setting: Setting, target: float) -> Certification:
        error = self.error(setting)
        return Certification(setting, (error,) * 20, (min(error, 1.0),) * 20, error <= target)

    def play(self, strategy: Strategy, target: float) -> tuple[History, list[Proposal]]:
        """Do what is proposed until a shape is certified or nothing is proposed; every proposal is checked."""
        history, proposals = History(), list[Proposal]()
        for _ in range(ROUNDS):
            proposal = strategy.propose(self.space, history, target)
            proposals.append(proposal)
            self.check(proposal, history)
            if proposal.certify is not None:
                history = replace(history, tests=(*history.tests, self.certify(proposal.certify, target)))
                if history.tests[-1].certified:
                    return history, proposals
            elif proposal.train:
                history = replace(history, runs=(*history.runs, *self.train(proposal)))
            else:
                return history, proposals
        raise AssertionError("the search does not end")

    def check(self, proposal: Proposal, history: History) -> None:
        for setting in (*proposal.train, *([proposal.certify] if proposal.certify else [])):
            assert setting.shape in self.space.params
            assert setting.learning_rate in self.space.rates
            assert setting.steps in self.space.steps
        if proposal.certify is not None:
            order, shape = self.space.order, proposal.certify.shape
            assert not proposal.train, "trains and certifies at once"
            assert shape not in history.failed, "a shape that has failed is certified again"
            certified = [order(test.setting.shape) for test in history.tests if test.certified]
            assert all(order(shape) < one for one in certified), "what is certified is no cheaper"
        if proposal.interval is not None:
            low, high = proposal.interval
            assert high is None or low <= high


def space(widths: dict[int, tuple[int, ...]], resolutions: tuple[int | None, ...] = (None,)) -> Space:
    shapes = [Shape(w, depth, side) for side in resolutions for depth, ladder in widths.items() for w in ladder]
    side = {shape: 64 if shape.resolution is None else shape.resolution**2 for shape in shapes}
    params = {
        s: 10 * (side[s] + 1) if s.depth == 0 else s.width * (side[s] + 11 + s.width * (s.depth - 1)) + 10
        for s in shapes
    }
    return Space(params, {s: 2.0 * n for s, n in params.items()}, RATES, STEPS, 500, 2000, 0.9)


def falling(width_needed: float, depths: dict[int, float], best_rate: float = 0.01) -> Callable[[Setting], float]:
    """Errors that fall with width and steps, with a best rate; 0.1 is met from ``width_needed`` on at depth 1."""

    def error(setting: Setting) -> float:
        shape = setting.shape
        width = max(shape.width, 1) * depths.get(shape.depth, 1.0)
        off = abs(math.log2(setting.learning_rate / best_rate))
        clean = 0.1 * (width_needed / width) ** 0.7
        return min(0.9, clean * (1 + 0.2 * off) * (1 + 0.1 * (STEPS[-1] / setting.steps - 1)))

    return error


LADDERS: Final = {0: (0,), 1: (1, 2, 3, 4, 6, 8, 12, 16, 24), 2: (1, 2, 3, 4, 6, 8, 12, 16)}
WORLD: Final = World(space(LADDERS), falling(5.0, {0: 0.1, 1: 1.0, 2: 0.7}))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    ladders: dict[int, tuple[int, ...]] = {0: (0,)} if draw(st.booleans()) else {}
    for depth in range(1, draw(st.integers(1, 2)) + 1):
        ladders[depth] = tuple(
            sorted(draw(st.sets(st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16]), min_size=2, max_size=5)))
        )
    sides = draw(st.sampled_from([(None,), (8, 16)]))
    depths = {depth: draw(st.sampled_from([0.3, 1.0, 2.0])) for depth in ladders}
    return World(
        space(ladders, sides), falling(draw(st.sampled_from([0.5, 3.0, 7.0])), depths, draw(st.sampled_from(RATES)))
    )


def meeting(world: World, target: float) -> list[Shape]:
    """The shapes that meet the target at some setting, the smallest first."""
    return [
        shape
        for shape in world.space.shapes
        if any(world.error(Setting(shape, rate, steps)) <= target for rate in RATES for steps in STEPS)
    ]


@pytest.mark.parametrize("name", names("search"))
@settings(max_examples=WORLDS)
@given(world=worlds(), target=st.sampled_from([0.05, 0.1, 0.2]))
def test_proposals_keep_the_contract_and_end(name: str, world: World, target: float) -> None:
    history, proposals = world.play(strategy_named(name), target)

    assert history.runs, "nothing was trained"
    assert not proposals[-1].train


@pytest.mark.parametrize("target", [0.2, 0.1])
def test_a_shape_that_meets_is_certified_where_there_is_one(strategy: Strategy, target: float) -> None:
    history, _ = WORLD.play(strategy, target)
    certified = [test.setting.shape for test in history.tests if test.certified]

    assert certified
    assert set(certified) <= set(meeting(WORLD, target))


@pytest.mark.parametrize("name", ["bisect", "grid", "pooled"])
@pytest.mark.parametrize("target", [0.2, 0.1])
def test_strategies_that_see_the_whole_ladder_come_near_the_smallest_shape(name: str, target: float) -> None:
    history, _ = WORLD.play(load("search", name), target)
    smallest, *_ = meeting(WORLD, target)
    [*_, found] = [test.setting.shape for test in history.tests if test.certified]

    assert WORLD.space.params[found] <= 1.5 * WORLD.space.params[smallest]


def test_after_a_certification_nothing_that_is_no_cheaper_is_certified(strategy: Strategy) -> None:
    history, _ = WORLD.play(strategy, 0.2)
    dearer = Certification(Setting(WORLD.space.shapes[0], RATES[0], STEPS[0]), (0.1,) * 20, (0.1,) * 20, certified=True)
    proposal = strategy.propose(WORLD.space, replace(history, tests=(dearer,)), 0.2)

    assert proposal.certify is None


def test_nothing_is_certified_where_nothing_comes_near(strategy: Strategy) -> None:
    history, _ = World(WORLD.space, lambda _: 0.8).play(strategy, 0.05)

    assert [test for test in history.tests if test.certified] == []


def test_runs_that_diverge_are_passed_over(strategy: Strategy) -> None:
    error = WORLD.error
    world = World(WORLD.space, lambda setting: math.inf if setting.learning_rate == RATES[-1] else error(setting))
    history, _ = world.play(strategy, 0.2)
    certified = [test.setting for test in history.tests if test.certified]

    assert certified
    assert all(setting.learning_rate < RATES[-1] for setting in certified)


def test_search_ends_where_every_run_diverges(strategy: Strategy) -> None:
    history, _ = World(WORLD.space, lambda _: math.inf).play(strategy, 0.1)

    assert [test for test in history.tests if test.certified] == []


def test_search_ends_where_the_test_split_contradicts_validation(strategy: Strategy) -> None:
    """Every certification fails: each costs a shape, and there are finitely many."""
    history = History()
    for _ in range(ROUNDS):
        proposal = strategy.propose(WORLD.space, history, 0.2)
        WORLD.check(proposal, history)
        if proposal.certify is None and not proposal.train:
            break
        if proposal.certify is not None:
            failed = Certification(proposal.certify, (0.1,) * 5, (0.5,) * 5, certified=False)
            history = replace(history, tests=(*history.tests, failed))
        history = replace(history, runs=(*history.runs, *WORLD.train(proposal)))
    else:
        pytest.fail("the search does not end")

    assert len(history.failed) == len(history.tests) <= len(WORLD.space.params)


def test_proposal_is_a_function_of_its_arguments(strategy: Strategy) -> None:
    history, proposals = WORLD.play(strategy, 0.2)
    again, repeated = WORLD.play(strategy_named(strategy.name), 0.2)
    half = replace(history, runs=history.runs[: len(history.runs) // 2], tests=())
    first = strategy.propose(WORLD.space, half, 0.1)
    strategy.propose(WORLD.space, History(), 0.3)

    assert (again, repeated) == (history, proposals)
    assert strategy.propose(WORLD.space, half, 0.1) == first


def test_arguments_are_left_as_they_are(strategy: Strategy) -> None:
    world = World(space(LADDERS), WORLD.error)
    runs = [Run(setting, WORLD.error(setting)) for setting in strategy.propose(world.space, History(), 0.1).train]
    history, given_runs, params = History(runs), list(runs), dict(world.space.params)
    strategy.propose(world.space, history, 0.1)

    assert (runs, history.tests, dict(world.space.params)) == (given_runs, (), params)


def test_strategy_is_an_instance_of_the_seam_named_like_its_file(strategy: Strategy) -> None:
    assert isinstance(strategy, Strategy)
    assert load("search", strategy.name).name == strategy.name
    assert type(load("search", strategy.name)) is type(strategy)


def test_bisection_trains_far_less_than_the_grid() -> None:
    spent = {}
    for name in ("grid", "bisect"):
        history, _ = WORLD.play(load("search", name), 0.1)
        spent[name] = sum(WORLD.space.train_flops(run.setting) for run in history.runs)

    assert spent["bisect"] < spent["grid"] / 3
