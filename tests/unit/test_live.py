"""One live search on wine: what is trained alone is what a stack trains, and every run is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, final

import pytest

from harness import live
from harness.investigation import Investigation
from harness.live import Finished, live_search, train_alone
from harness.search.base import History, Proposal, Setting, Space, Strategy
from harness.study import Study
from harness.train import run_pack
from harness.trial import Outcome, Shape, Trial

STUDY: Final = Study("tabular-cls", "wine", "mlp", (0.8,))
GOOD: Final = Setting(Shape(0, 0), 0.05, 60)
HOPELESS: Final = Setting(Shape(1, 1), 0.0001, 1)
WAYS: Final[tuple[Literal["stacked", "one by one"], ...]] = ("stacked", "one by one")


@final
class Told(Strategy):
    """Proposes one thing after the other, then gives up; remembers what it was shown."""

    name = "told"

    def __init__(self, *proposals: Proposal) -> None:
        self.proposals = [*proposals, Proposal()]
        self.shown: list[History] = []

    def propose(self, space: Space, history: History, target_error: float, *, hurry: bool = False) -> Proposal:
        self.shown.append(history)
        return self.proposals[len(self.shown) - 1]


def trial(width: int, depth: int, steps: int, seed: int) -> Trial:
    return replace(Investigation(STUDY).trial(Setting(Shape(width, depth), 0.02, steps)), seed=seed)


@pytest.mark.parametrize(("width", "depth", "steps", "seed"), [(0, 0, 50, 0), (4, 1, 120, 3), (8, 2, 64, 1)])
def test_a_network_trained_alone_is_the_one_a_stack_trains(width: int, depth: int, steps: int, seed: int) -> None:
    run = trial(width, depth, steps, seed)
    alone, stacked = train_alone(run), run_pack([run])[0]
    other = train_alone(replace(run, seed=seed + 1))
    item = 1 / Investigation(STUDY).space.n_val

    assert alone.status == "ok"
    assert alone.val_error == pytest.approx(stacked.val_error, abs=1.01 * item)
    assert alone.val_loss == pytest.approx(stacked.val_loss, rel=1e-3)
    assert other.val_loss != pytest.approx(alone.val_loss, rel=1e-3)  # so close is no accident
    assert alone.test_error is None


def test_a_network_that_diverges_alone_says_so() -> None:
    run = replace(trial(4, 2, 40, 0), learning_rate=1e30)

    assert train_alone(run).status == run_pack([run])[0].status == "diverged"


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> dict[Trial, Outcome]:
    """Everything trained in stacks, in order."""
    made: dict[Trial, Outcome] = {}

    def remember(trials: Sequence[Trial], weights: Path | None = None) -> list[Outcome]:
        outcomes = run_pack(trials, weights)
        made.update(zip(trials, outcomes, strict=True))
        return outcomes

    monkeypatch.setattr(live, "run_pack", remember)
    return made


def flops(*runs: tuple[Setting, int]) -> float:
    space = Investigation(STUDY).space
    return sum(n * space.train_flops(setting) for setting, n in runs)


@pytest.mark.parametrize("training", WAYS)
def test_a_live_search_certifies_and_counts_every_run(
    training: Literal["stacked", "one by one"], stacks: dict[Trial, Outcome]
) -> None:
    told = Told(
        Proposal(train=(GOOD, GOOD, HOPELESS)),
        Proposal(certify=HOPELESS),
        Proposal(train=(GOOD,)),
        Proposal(certify=GOOD),
    )
    found = live_search(STUDY, told, training)
    last = told.shown[-1]

    assert found.setting == GOOD
    assert found.params == Investigation(STUDY).space.params[GOOD.shape]
    assert [run.setting for run in last.runs] == [GOOD, GOOD, HOPELESS, GOOD]
    assert [(test.setting, len(test.test_errors), test.certified) for test in last.tests] == [(HOPELESS, 5, False)]
    assert found.n_trainings == 4 + 5 + 20
    assert found.train_flops == pytest.approx(flops((GOOD, 3 + 20), (HOPELESS, 1 + 5)))
    assert 0 < found.search_s < found.wall_s
    assert [t.phase for t in stacks].count("certify") == 25
    assert len(stacks) == (29 if training == "stacked" else 25)


def test_seeds_of_a_search_go_on_where_they_were(stacks: dict[Trial, Outcome]) -> None:
    live_search(STUDY, Told(Proposal(train=(GOOD, GOOD)), Proposal(train=(HOPELESS, GOOD))), "stacked")

    assert sorted((t.shape.width, t.seed) for t in stacks) == [(0, 0), (0, 1), (0, 2), (1, 0)]


def test_both_ways_of_training_end_in_the_same_certification(stacks: dict[Trial, Outcome]) -> None:
    certified = []
    for training in WAYS:
        stacks.clear()
        found = live_search(STUDY, Told(Proposal(train=(GOOD,)), Proposal(certify=GOOD)), training)
        fresh = [(t, outcome.val_error, outcome.test_error) for t, outcome in stacks.items() if t.phase == "certify"]
        certified.append((found.setting, found.n_trainings, found.train_flops, fresh))

    assert certified[0] == certified[1]
    assert len({t.seed for t, _, _ in certified[0][3]}) == 20
    assert all(t.tested for t, _, _ in certified[0][3])


def test_a_search_that_gives_up_certifies_nothing() -> None:
    found = live_search(STUDY, Told(Proposal(train=(HOPELESS,))), "one by one")

    assert found == Finished(None, 0, found.wall_s, found.wall_s, 1, flops((HOPELESS, 1)))
