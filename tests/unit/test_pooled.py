"""The pooled search: what it trains and certifies, and what has a say in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from harness.search import pooled
from harness.search.base import History, Proposal, Run, Setting, Space
from harness.search.base import Test as Certification  # pytest would collect a class named Test
from harness.search.pooled import PLUGIN as POOLED
from harness.trial import Shape

WIDTHS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
SPACE: Final = Space(
    params={Shape(width, 1): 75 * width + 10 for width in WIDTHS},
    flops={Shape(width, 1): 148.0 * width for width in WIDTHS},
    rates=(0.0025, 0.005, 0.01, 0.02, 0.04),
    steps=(500, 1000, 2000, 4000),
    n_val=400,
    n_test=1000,
    chance_error=0.9,
)


def error(setting: Setting) -> float:
    """Falls with width and steps, a bowl in the rate: 0.1 takes width 6 at 4,000 steps."""
    off = (setting.learning_rate / 0.01 - 1) ** 2 if setting.learning_rate < 0.01 else setting.learning_rate / 0.01 - 1
    return min(0.9, (0.5 / setting.shape.width + 0.01) * (1 + 0.1 * off) * (1 + 0.2 * (500 / setting.steps)))


def searched(target_error: float) -> tuple[History, Setting]:
    """What was trained before the first certification, and what that is to be of."""
    history = History()
    for _ in range(100):
        proposal = POOLED.propose(SPACE, history, target_error)
        if proposal.certify is not None:
            return history, proposal.certify
        assert proposal.train, "gave up"
        history = replace(history, runs=(*history.runs, *(Run(setting, error(setting)) for setting in proposal.train)))
    pytest.fail("the search does not end")


def failed(setting: Setting, test_error: float) -> Certification:
    return Certification(setting, (error(setting),) * 20, (test_error,) * 20, certified=False)


def test_test_errors_of_certifications_choose_no_rate_and_no_number_of_steps() -> None:
    history, first = searched(0.1)
    views = [
        pooled._view(SPACE, replace(history, tests=(failed(first, test_error),)), 0.1)
        for test_error in (0.105, 0.15, 0.3, 0.6)
    ]

    assert all(view.best == views[0].best for view in views)
    assert all(view.choice == views[0].choice for view in views)
    assert views[0].passing.sum() > views[-1].passing.sum()  # while they do say which shapes are worth a test


def test_the_first_round_is_of_the_fewest_steps_and_of_the_narrow_half() -> None:
    first = POOLED.propose(SPACE, History(), 0.1).train

    assert {setting.steps for setting in first} == {500}
    assert max(setting.shape.width for setting in first) <= 12
    assert len({setting.learning_rate for setting in first}) > 1


def test_a_shape_is_tried_at_fewer_steps_before_it_is_certified() -> None:
    history, first = searched(0.1)
    tried = {run.setting.steps for run in history.runs if run.setting.shape == first.shape}

    assert {steps for steps in SPACE.steps if steps <= first.steps} <= tried


def test_what_is_certified_is_near_the_smallest_shape_that_meets() -> None:
    _, first = searched(0.1)

    assert first.shape in (Shape(6, 1), Shape(8, 1))
    assert error(first) <= 0.1


def test_guess_lies_within_its_interval() -> None:
    history, _ = searched(0.1)
    proposal = POOLED.propose(SPACE, history, 0.1)
    low, high = proposal.interval or (0, 0)

    assert proposal.guess is not None
    assert high is not None
    assert low <= SPACE.params[proposal.guess] <= high


def test_nothing_is_guessed_where_no_shape_is_likely_to_meet() -> None:
    history = History(tuple(Run(Setting(shape, 0.01, 4000), 0.8) for shape in SPACE.shapes for _ in range(3)))
    proposal = POOLED.propose(SPACE, history, 0.02)

    assert proposal.guess is None
    assert proposal.certify is None


def test_in_a_hurry_nothing_is_trained() -> None:
    history, _ = searched(0.1)
    start = replace(history, runs=history.runs[:8])

    assert POOLED.propose(SPACE, History(), 0.1, hurry=True).train == ()
    assert POOLED.propose(SPACE, start, 0.1, hurry=True).train == ()


def to_the_end(space: Space, history: History) -> tuple[Proposal, History]:
    """Search until nothing more is to be trained, with errors that miss 0.033 by a little."""
    for _ in range(60):
        proposal = POOLED.propose(space, history, 0.033)
        if not proposal.train:
            return proposal, history
        runs = [Run(setting, 0.04 + error(setting)) for setting in proposal.train]
        history = replace(history, runs=(*history.runs, *runs))
    pytest.fail("the search does not end")


def test_search_ends_where_nothing_smaller_than_a_certified_shape_meets() -> None:
    deep = {Shape(width, 2): width * (width + 75) for width in (*WIDTHS, 64, 128)}
    space = replace(
        SPACE, params={**SPACE.params, **deep}, flops={shape: 2.0 * n for shape, n in deep.items()} | SPACE.flops
    )
    known = Certification(Setting(Shape(32, 1), 0.01, 500), (0.03,) * 20, (0.03,) * 20, certified=True)
    proposal, history = to_the_end(space, History(tests=(known,)))

    assert proposal.certify is None
    assert all(space.params[run.setting.shape] < space.params[Shape(32, 1)] for run in history.runs)


def test_search_ends_where_it_asks_for_the_same_trainings_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    same = Setting(Shape(16, 1), 0.01, 1000)
    known = Certification(Setting(Shape(32, 1), 0.01, 500), (0.03,) * 20, (0.03,) * 20, certified=True)
    monkeypatch.setattr(pooled, "_largest_tried", lambda *_: False)
    monkeypatch.setattr(pooled, "_round", lambda *_: (same,) * 8)
    proposal, history = to_the_end(SPACE, History(tests=(known,)))

    assert proposal.certify is None
    assert sum(run.setting == same for run in history.runs) >= 20  # as often as a certification trains a setting
