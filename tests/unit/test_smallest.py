"""Search and certification by a strategy that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, final

import pytest

from harness import smallest
from harness.search.base import History, Proposal, Run, Setting, Space, Strategy
from harness.smallest import Found, Request, Result, find_smallest
from harness.trial import Shape

SETTINGS: Final = [Setting(Shape(width, 1), 0.01, 100) for width in (1, 2, 3, 4)]
SPACE: Final = Space(
    {s.shape: s.shape.width for s in SETTINGS}, {s.shape: 1.0 for s in SETTINGS}, (0.01,), (100,), 9, 9, 1
)
TARGET: Final = 0.1
NOTHING: Final = History()
Answer = Callable[[Request], list[Result]]


@final
class Told(Strategy):
    """Proposes one thing after the other, and remembers what it was shown."""

    name = "told"

    def __init__(self, *proposals: Proposal) -> None:
        self.proposals = proposals
        self.shown: list[History] = []

    def propose(self, space: Space, history: History, target_error: float) -> Proposal:
        self.shown.append(history)
        return self.proposals[min(len(self.shown), len(self.proposals)) - 1]


def drive(
    strategy: Strategy,
    answer: Answer,
    history: History = NOTHING,
    attempts: int = 0,
) -> tuple[Found, list[list[Request]]]:
    asked: list[list[Request]] = []
    rounds = find_smallest(strategy, SPACE, TARGET, history, attempts=attempts)
    try:
        requests = next(rounds)
        while True:
            asked.append(requests)
            requests = rounds.send([answer(request) for request in requests])
    except StopIteration as end:
        return end.value, asked


def always(val: float, test: float) -> Answer:
    return lambda request: [Result(val, None if request.attempt is None else test)] * request.n


def wins(request: Request, counts: Sequence[int]) -> list[Result]:
    """Runs of which so many meet the target, by the number that are asked for."""
    n = counts[(5, 15, 44).index(request.n)]
    return [Result(0.1, 0.05)] * n + [Result(0.1, 0.15)] * (request.n - n)


def test_trainings_are_asked_for_by_setting_and_join_the_history() -> None:
    one, two = SETTINGS[:2]
    strategy = Told(Proposal(train=(one, two, one)), Proposal())
    found, asked = drive(strategy, always(0.3, 0.3))

    assert asked == [[Request(one, 2), Request(two, 1)]]
    assert found.history.runs == (Run(one, 0.3), Run(one, 0.3), Run(two, 0.3))
    assert strategy.shown == [History(), found.history]
    assert found.certified is None
    assert found.reason == "no shape of the space is likely to meet it"


def test_certification_asks_for_5_and_then_15_seeds_and_ends_the_search() -> None:
    found, asked = drive(Told(Proposal(certify=SETTINGS[2])), always(0.2, 0.1))

    assert asked == [[Request(SETTINGS[2], 5, 1)], [Request(SETTINGS[2], 15, 1, 5)]]
    assert found.certified == SETTINGS[2]
    assert found.reason == ""
    [test] = found.history.tests
    assert (test.setting, test.certified) == (SETTINGS[2], True)
    assert (test.val_errors, test.test_errors) == ((0.2,) * 20, (0.1,) * 20)


@pytest.mark.parametrize(
    ("counts", "rounds", "certified"),
    [
        ((1, 0, 0), 1, False),
        ((2, 10, 0), 2, False),
        ((2, 11, 28), 3, False),
        ((2, 11, 29), 3, True),
        ((0, 15, 44), 1, False),
    ],
)
def test_seeds_are_added_until_the_sequential_test_decides(
    counts: tuple[int, ...], rounds: int, certified: bool
) -> None:
    found, asked = drive(Told(Proposal(certify=SETTINGS[0]), Proposal()), lambda request: wins(request, counts))

    assert len(asked) == rounds
    assert (found.certified is not None) == certified
    assert found.history.tests[0].certified == certified


def test_later_attempts_need_more_and_the_strategy_sees_every_failure() -> None:
    """15 of 20 are enough for the first attempt and no other."""
    proposals = [Proposal(certify=setting) for setting in SETTINGS[:3]]
    strategy = Told(*proposals, Proposal())
    found, asked = drive(strategy, lambda request: wins(request, (1, 0, 0) if request.attempt == 1 else (4, 11, 0)))

    assert [requests[0].attempt for requests in asked] == [1, 2, 2, 2, 3, 3, 3]
    assert found.certified is None
    assert found.history.failed == {setting.shape for setting in SETTINGS[:3]}
    assert [len(history.tests) for history in strategy.shown] == [0, 1, 2, 3]
    assert found.proposals == [*proposals, Proposal()]


def test_attempts_made_elsewhere_count() -> None:
    _, asked = drive(Told(Proposal(certify=SETTINGS[0]), Proposal()), always(0.2, 0.9), attempts=3)

    assert asked == [[Request(SETTINGS[0], 5, 4)]]


def test_what_is_known_already_is_shown_and_kept() -> None:
    known = History(runs=(Run(SETTINGS[0], 0.4),))
    strategy = Told(Proposal(train=(SETTINGS[1],)), Proposal())
    found, _ = drive(strategy, always(0.3, 0.3), known)

    assert strategy.shown[0] == known
    assert found.history.runs == (Run(SETTINGS[0], 0.4), Run(SETTINGS[1], 0.3))


def test_runs_that_diverged_meet_nothing() -> None:
    found, asked = drive(
        Told(Proposal(certify=SETTINGS[0]), Proposal()), lambda request: [Result(float("inf"))] * request.n
    )

    assert len(asked) == 1
    assert found.history.tests[0].test_errors == (1.0,) * 5


def test_certification_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smallest, "MOST_ATTEMPTS", 4)
    found, asked = drive(Told(Proposal(certify=SETTINGS[0])), always(0.2, 0.9), attempts=1)

    assert [requests[0].attempt for requests in asked] == [2, 3, 4]
    assert found.certified is None
    assert found.reason == "stopped after 4 certifications"
