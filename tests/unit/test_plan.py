"""What a plan says, and that a rehearsal asks for what a study would ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness import space
from harness.clock import Turns
from harness.investigation import Investigation
from harness.plan import EASY, HARD, Phase, Plan, lines, outline, plan, values
from harness.rehearsal import World, phases, rehearse
from harness.study import Study
from harness.trial import Outcome, Trial
from tests.fake_outcomes import Surface
from tests.tiny_bench import small_law

pytestmark = pytest.mark.whole_study

QUESTION = Study("tabular-cls", "wine", "mlp", (0.9,), "bisect")
KNEE = replace(QUESTION, targets=(), knee=True)
BOTH = replace(QUESTION, knee=True)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few draws and rates: a rehearsal of a fraction of a second."""
    small_law(monkeypatch.setattr)
    monkeypatch.setattr(space, "RATES", (0.005, 0.01, 0.02))
    monkeypatch.setattr(space, "MOST_STEPS", 1000)


def price(trials: Sequence[Trial]) -> float:
    """A minute a training."""
    return 60.0 * len(trials)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        pytest.param(QUESTION, ("search", "certify", "bracket and prune", "law"), id="targets"),
        pytest.param(KNEE, ("knee", "law"), id="knee"),
        pytest.param(BOTH, ("search", "certify", "bracket and prune", "knee", "law"), id="both"),
    ],
)
@pytest.mark.parametrize("world", [EASY, HARD], ids=["easy", "hard"])
def test_rehearsal_goes_through_every_phase_and_prices_each_training_once(
    question: Study, expected: tuple[str, ...], world: World
) -> None:
    tally = rehearse(question, world, {}, price)

    assert phases(question) == expected
    assert set(tally.trainings) == set(expected)
    assert all(tally.trainings[phase] > 0 for phase in expected)
    assert sum(tally.seconds.values()) == pytest.approx(60 * tally.trainings.total())


@pytest.mark.parametrize("question", [QUESTION, KNEE], ids=["target", "knee"])
def test_a_larger_answer_costs_more(question: Study) -> None:
    easy, hard = (
        rehearse(question, world, {}, lambda trials: float(sum(trial.steps * trial.shape.width for trial in trials)))
        for world in (EASY, HARD)
    )

    assert sum(hard.seconds.values()) > sum(easy.seconds.values())


@pytest.mark.parametrize("question", [QUESTION, KNEE], ids=["target", "knee"])
def test_what_is_on_record_is_neither_counted_nor_made_up(question: Study) -> None:
    surface = Surface(lambda trial: 0.02 + 0.5 / max(trial.shape.width, 1))
    surface.drive(Investigation(question).run())
    known: dict[str, Outcome] = {trial.key: surface.run(trial) for trial in surface.trials}

    assert rehearse(question, EASY, known, price).trainings.total() == 0


def test_the_knee_adds_to_what_the_targets_take() -> None:
    alone, both = (rehearse(question, EASY, {}, price) for question in (QUESTION, BOTH))

    assert both.trainings.total() > alone.trainings.total()
    assert both.trainings["knee"] > both.trainings["certify"]


@pytest.mark.parametrize("question", [QUESTION, KNEE], ids=["target", "knee"])
def test_plan_goes_from_the_lower_to_the_higher_of_both_worlds(question: Study) -> None:
    made = plan(question, {}, price, Turns(), workers=3)

    assert [phase.name for phase in made.phases] == list(phases(question))
    for phase in (*made.phases, made.total):
        assert 0 < phase.trainings[0] <= phase.trainings[1]
        assert 0 < phase.minutes[0] <= phase.minutes[1]
    assert made.total.trainings == tuple(sum(phase.trainings[i] for phase in made.phases) for i in (0, 1))


@pytest.fixture
def made() -> Plan:
    """A plan with round numbers."""
    phases = (Phase("search", (1200, 1200), (0.5, 0.5)), Phase("certify", (20, 64), (0.25, 90.0)))
    return Plan(QUESTION, Investigation(QUESTION).space, 1234, 2, (0.25, 90.0), phases)


def test_lines_name_the_space_what_is_known_and_each_phase(made: Plan) -> None:
    told = lines(made)

    assert told[0] == "tabular-cls on wine, mlp, targets 0.9, search by bisect:"
    assert "  depth 0: 1 width of 0, 42 params" in told
    assert "  depth 1: 33 widths from 1 to 256, 20 to 4,355 params" in told
    assert "  3 learning rates from 0.005 to 0.02, 500 to 1,000 steps" in told
    assert "1,234 trainings are on record already" in told
    assert [line.split() for line in told[-6:-2]] == [
        ["phase", "trainings", "minutes"],
        ["search", "1,200", "0.5"],
        ["certify", "20", "to", "64", "0.2", "to", "90.0"],
        ["all", "1,220", "to", "1,264", "0.8", "to", "90.5"],
    ]


def test_what_is_not_foreseen_is_said(made: Plan) -> None:
    told = lines(replace(made, phases=()))

    assert told[:-2] == lines(made)[: len(told) - 2]
    assert told[-2] == "a pack of trainings takes 0.2 to 90.0 seconds, 2 workers"
    assert told[-1].startswith("how many trainings and minutes it may take is not foreseen")


def test_a_pack_is_priced_from_the_cheapest_to_the_dearest() -> None:
    made = outline(QUESTION, {}, lambda trials: float(sum(trial.steps for trial in trials)), 2)

    assert made.pack_s == (500.0, 1000.0)
    assert made.phases == ()


@pytest.mark.parametrize(
    ("question", "aims"), [(KNEE, "the knee"), (BOTH, "targets 0.9, the knee")], ids=["knee", "both"]
)
def test_lines_and_values_name_the_knee(made: Plan, question: Study, aims: str) -> None:
    asked = replace(made, study=question)

    assert lines(asked)[0] == f"tabular-cls on wine, mlp, {aims}, search by bisect:"
    assert values(asked)["question"]["knee"] is True
    assert values(asked)["question"]["targets"] == list(question.targets)


def test_values_hold_the_same_unrounded(made: Plan) -> None:
    told = values(made)

    assert told["question"]["targets"] == [0.9]
    assert told["question"]["knee"] is False
    assert told["n_known"] == 1234
    assert told["total"]["trainings"] == {"low": 1220, "high": 1264}
    assert told["total"]["minutes"] == {"low": 0.75, "high": 90.5}
    assert [ladder["depth"] for ladder in told["space"]["ladders"]] == [0, 1, 2]
    assert len(told["space"]["ladders"][1]["params"]) == len(told["space"]["ladders"][1]["widths"]) == 33
