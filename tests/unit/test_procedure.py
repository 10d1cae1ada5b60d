from __future__ import annotations

import pytest

from harness.procedure import Procedure, drive, together
from harness.trial import Outcome, Trial
from tests.toy_pack import outcome_of, toy_trial


def rounds(*counts: int, first_seed: int = 0) -> Procedure[list[float | None]]:
    """Ask for rounds of so many trials; return what came of them, in the order it came."""
    seen: list[float | None] = []
    seed = first_seed
    for count in counts:
        trials = [toy_trial(seed + i) for i in range(count)]
        seen += [outcome.val_error for outcome in (yield trials)]
        seed += count
    return seen


def failing(after: int) -> Procedure[None]:
    for seed in range(after):
        yield [toy_trial(seed)]
    raise LookupError("the procedure's own")


def results(first_seed: int, n: int) -> list[float | None]:
    return [outcome_of(toy_trial(first_seed + i)).val_error for i in range(n)]


class Runner:
    """Runs rounds and remembers the seeds of each."""

    def __init__(self) -> None:
        self.seeds: list[list[int]] = []

    def __call__(self, trials: list[Trial]) -> list[Outcome]:
        self.seeds.append([trial.seed for trial in trials])
        return [outcome_of(trial) for trial in trials]


def test_drive_sends_each_round_its_outcomes_and_returns_the_result() -> None:
    run = Runner()

    assert drive(rounds(2, 1, 3), run) == results(0, 6)
    assert run.seeds == [[0, 1], [2], [3, 4, 5]]


def test_drive_of_a_procedure_that_asks_nothing_runs_nothing() -> None:
    run = Runner()

    assert drive(rounds(), run) == []
    assert run.seeds == []


def test_together_merges_rounds_and_hands_each_its_own_outcomes_in_order() -> None:
    run = Runner()
    found = drive(together([rounds(1, 2, first_seed=0), rounds(2, 1, first_seed=50)]), run)

    assert run.seeds == [[0, 50, 51], [1, 2, 52]]
    assert found == [results(0, 3), results(50, 3)]


def test_together_goes_on_with_the_longer_ones_where_others_have_ended() -> None:
    run = Runner()
    procedures = [rounds(1), rounds(1, 1, 1, first_seed=10), rounds(), rounds(1, 1, first_seed=20)]
    found = drive(together(procedures), run)

    assert run.seeds == [[0, 10, 20], [11, 21], [12]]
    assert found == [results(0, 1), results(10, 3), [], results(20, 2)]


def test_together_of_nothing_asks_nothing() -> None:
    run = Runner()

    assert drive(together([]), run) == []
    assert drive(together([rounds(), rounds()]), run) == [[], []]
    assert run.seeds == []


def test_together_may_hold_togethers() -> None:
    run = Runner()
    inner = together([rounds(1, 1, first_seed=10), rounds(1, first_seed=20)])
    found = drive(together([rounds(1), inner]), run)

    assert run.seeds == [[0, 10, 20], [11]]
    assert found == [results(0, 1), [results(10, 2), results(20, 1)]]


def test_an_empty_round_is_a_round() -> None:
    run = Runner()
    found = drive(together([rounds(0, 1), rounds(1, 1, first_seed=10)]), run)

    assert run.seeds == [[10], [0, 11]]
    assert found == [results(0, 1), results(10, 2)]


@pytest.mark.parametrize("after", [0, 2])
def test_error_in_one_procedure_ends_all(after: int) -> None:
    run = Runner()

    with pytest.raises(LookupError, match="the procedure's own"):
        drive(together([rounds(1, 1, 1, first_seed=10), failing(after)]), run)

    assert len(run.seeds) == after


def test_error_of_a_round_passes_through_drive() -> None:
    def run(trials: list[Trial]) -> list[Outcome]:
        raise KeyError(trials[0].seed)

    with pytest.raises(KeyError, match="10"):
        drive(together([rounds(1, first_seed=10), rounds(1)]), run)
