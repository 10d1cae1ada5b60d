"""The comparison of strategies: which questions it asks, what it counts, on made-up and on committed tables."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import contest
from harness.compare.search import COMMAND
from harness.contest import Ended, Question, halves, questions, replay, strategies
from harness.pace import Pace
from harness.replay import space_of
from harness.search import grid
from harness.search.base import History, Setting
from harness.search.pooled import PLUGIN as POOLED
from harness.smallest import Request
from harness.speed import Speed
from harness.tables import TABLES, Table, read_table
from harness.trial import Shape


@pytest.fixture(scope="module")
def waveform() -> Table:
    return read_table(TABLES / "waveform-mlp.csv")


@pytest.fixture(scope="module")
def middle(waveform: Table) -> Question:
    return list(questions(waveform))[1]


def test_halves_share_no_seed(waveform: Table) -> None:
    truth, drawn = (set(range(waveform.facts["seeds"])[part]) for part in halves(waveform))

    assert truth | drawn == set(range(40))
    assert not truth & drawn


def test_true_smallest_shape_of_a_question_meets_it_and_no_smaller_one_does(middle: Question) -> None:
    meeting = [shape for shape, error in middle.truth.median.items() if error <= middle.error]

    assert min(middle.table.params[shape] for shape in meeting) == middle.best


def test_replay_counts_search_and_certification(middle: Question) -> None:
    ended = replay(middle, POOLED, 0)

    assert ended.params is not None
    assert 0 < ended.search < ended.cost
    assert ended.bracket > 0
    assert ended.wall_s == math.inf


def test_replays_differ_by_their_number_and_repeat_by_it(middle: Question) -> None:
    assert replay(middle, POOLED, 1) == replay(middle, POOLED, 1)
    assert len({replay(middle, POOLED, number).cost for number in range(6)}) > 1


def test_what_draws_at_random_is_seeded_by_the_replay(middle: Question) -> None:
    space = space_of(middle.table)
    first = {strategies(number)["optuna-20"].propose(space, History(), 0.2).train for number in range(4)}

    assert len(first) > 1


def test_an_answer_that_is_far_or_missing_is_never_close(middle: Question) -> None:
    near = Ended(cost=1.0, search=0.5, wall_s=2.0, params=middle.best)
    far = Ended(cost=1.0, search=0.5, wall_s=2.0, params=2 * middle.best)
    none = Ended(cost=math.inf, search=0.5)

    assert [contest._is_close(middle, ended) for ended in (near, far, none)] == [True, False, False]


def test_curve_rises_by_the_share_of_each_replay_that_got_there() -> None:
    assert contest._curve([3.0, math.inf, 1.0, math.inf]) == [[1.0, 0.25], [3.0, 0.5]]


@pytest.mark.parametrize(("n_infinite", "sure"), [(1, 9.0), (2, math.inf)])
def test_nine_of_ten_replays_make_it_sure(n_infinite: int, sure: float) -> None:
    spent = [float(i + 1) for i in range(10 - n_infinite)] + [math.inf] * n_infinite

    assert contest._sure(spent) == sure


def test_rows_divide_costs_by_those_of_the_strategy(middle: Question) -> None:
    results = {
        "pow2": [Ended(cost=8.0, search=6.0, params=middle.best)] * 2,
        "pooled": [Ended(cost=2.0, search=1.0, params=2 * middle.best), Ended(cost=math.inf, search=1.0)],
        "optuna": [Ended(cost=4.0, search=3.0, params=middle.best, misses=True)] * 2,
    }
    rows = {row.strategy: row for row in contest._rows(middle, results, 2)}

    assert rows["optuna"].cost_ratio_to_pow2 == 2.0
    assert rows["optuna"].miss_rate == 1.0
    assert rows["pooled"].none_rate == 0.5
    assert rows["pooled"].params_ratio_to_best == 2.0
    assert rows["pooled"].train_flops == math.inf
    assert rows["pooled"].flops_until_close == math.inf
    assert rows["pow2"].flops_until_close == 8.0


def test_one_by_one_takes_the_sum_of_its_trainings_and_a_stack_does_not(waveform: Table) -> None:
    setting = Setting(Shape(4, 1), 0.01, 500)
    speed = Speed(waveform, Pace(0.0, 1.0, 0.0), (1.0, 0.0))

    assert speed.seconds([[Request(setting, 8)]], alone=True) == 8 * 500
    assert speed.seconds([[Request(setting, 8)]], alone=False) == 500
    assert speed.seconds([[Request(setting, 8, attempt=1)]], alone=True) == 500


def test_command_prints_truth_and_rows_and_writes_them(tmp_path: Path) -> None:
    few = {"pooled": POOLED, "pow2": grid.POWERS_OF_TWO}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contest.compare, "__defaults__", (lambda _number: few,))
        arguments = ["--table", "waveform/mlp", "--replays", "2", "--optuna-replays", "2"]
        result = CliRunner().invoke(COMMAND, [*arguments, "--json", str(tmp_path / "rows.json")])
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]

    assert result.exit_code == 0, result.output
    assert "true smallest 53 params" in result.stdout
    assert [(row["level"], row["strategy"]) for row in rows] == [
        (level, name) for level in ("easy", "mid", "near") for name in few
    ]
    assert all(row["cost_ratio_to_pow2"] == 1 for row in rows if row["strategy"] == "pow2")


def test_a_table_that_is_not_there_is_named() -> None:
    result = CliRunner().invoke(COMMAND, ["--table", "nope/mlp"])

    assert result.exit_code != 0
    assert "nope/mlp" in str(result.exception)
