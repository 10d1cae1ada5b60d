"""What ``harness/search/base.py`` promises of a strategy in a hurry, for every strategy there is."""

from __future__ import annotations

from typing import Final

import pytest

from harness.plugins import load, names
from harness.search import base
from harness.search.base import History, Run, Setting, Space, Strategy
from harness.trial import Shape

SHAPES: Final = tuple(Shape(width, 1) for width in (1, 2, 4, 8, 16, 32))
SPACE: Final = Space(
    params={shape: 10 * shape.width for shape in SHAPES},
    flops={shape: 20.0 * shape.width for shape in SHAPES},
    rates=(0.005, 0.01, 0.02),
    steps=(500, 1000),
    n_val=1000,
    n_test=1000,
    chance_error=0.9,
)
TARGET: Final = 0.1


@pytest.fixture(params=names("search"))
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return load("search", request.param)


def trained(*widths: int) -> History:
    """Three runs of each rate and width: width 4 is at half the target, the error falls with width."""
    settings = [
        Setting(Shape(width, 1), rate, steps) for width in widths for rate in SPACE.rates for steps in SPACE.steps
    ]
    return History([Run(one, 0.5 * TARGET * 4 / one.shape.width) for one in settings for _ in range(3)])


def test_in_a_hurry_nothing_is_trained(strategy: Strategy) -> None:
    for history in (History(), trained(1), trained(1, 2, 4, 8)):
        proposal = strategy.propose(SPACE, history, TARGET, hurry=True)

        assert proposal.train == ()


def test_in_a_hurry_a_shape_that_surely_meets_is_certified(strategy: Strategy) -> None:
    proposal = strategy.propose(SPACE, trained(1, 2, 4, 8, 16), TARGET, hurry=True)

    assert proposal.certify is not None
    assert proposal.certify.shape.width in (2, 4, 8)


def test_in_a_hurry_nothing_is_certified_where_nothing_is_promising(strategy: Strategy) -> None:
    assert strategy.propose(SPACE, History(), TARGET, hurry=True).certify is None


def test_in_a_hurry_what_has_failed_is_not_certified_again(strategy: Strategy) -> None:
    first = strategy.propose(SPACE, trained(1, 2, 4, 8, 16), TARGET, hurry=True).certify
    assert first is not None
    failed = base.Test(first, (2 * TARGET,) * 5, (2 * TARGET,) * 5, certified=False)
    again = strategy.propose(SPACE, History(trained(1, 2, 4, 8, 16).runs, [failed]), TARGET, hurry=True).certify

    assert again is None or again.shape != first.shape
