"""The knee of a study driven by a response surface: what it is held to, what is certified, what is said of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import pytest

from harness.clock import Clock, Turns
from harness.investigation import Investigation
from harness.knee import Knee, find_knee
from harness.plugins import load
from harness.procedure import Procedure, drive
from harness.reference import affordable, find_reference, wide_ends
from harness.space import space_of
from harness.study import Findings, Study
from harness.study_law import Law
from harness.trial import Outcome, Shape, Trial
from registry.rows import doubts
from registry.statistics import knee_limit, meets
from tests.fake_outcomes import Surface
from tests.tiny_bench import small_law

pytestmark = pytest.mark.whole_study

N_TEST = 58  # of wine


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law's interval is not what these tests are about."""
    small_law(monkeypatch.setattr)


def flat_at_the_end(trial: Trial) -> float:
    """Depth 1 comes down to 0.1, and below 0.12 from width 25 on; no other depth comes near."""
    return 0.1 + 0.5 / trial.shape.width if trial.shape.depth == 1 else 0.5


def still_falling(trial: Trial) -> float:
    return 0.05 + 20 / (trial.shape.width + 40) if trial.shape.depth == 1 else 0.6


def investigate(surface: Surface, *targets: float, search: str = "bisect") -> tuple[Findings, Investigation]:
    investigation = Investigation(Study("tabular-cls", "wine", "mlp", targets, search, knee=True))
    return surface.drive(investigation.run()), investigation


def knee_of(surface: Surface, search: str = "bisect") -> tuple[Knee, Findings]:
    findings, _ = investigate(surface, search=search)
    assert findings.knee is not None
    return findings.knee, findings


# --- the limit


@pytest.mark.parametrize(
    ("median_metric", "direction", "n_items", "limit"),
    [
        pytest.param(0.7, "higher", 1000, 1 - 1.1 * 300.5 / 1001, id="of many wrong items 1.1 x as many"),
        pytest.param(1.0, "higher", 58, 1 - 1.1 * 0.5 / 59, id="none wrong is half an item"),
        pytest.param(0.8, "higher", None, 0.78, id="an error that is no count"),
        pytest.param(1.5, "lower", None, 1.65, id="lower is better"),
    ],
)
def test_limit_is_a_tenth_more_error(median_metric: float, direction: str, n_items: int | None, limit: float) -> None:
    assert knee_limit(median_metric, direction, n_items) == pytest.approx(limit, abs=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize(("wrong", "allowed"), [(0, 0), (1, 1), (4, 4), (5, 6), (10, 11), (100, 110)])
def test_limit_in_whole_items_of_a_thousand(wrong: int, allowed: int) -> None:
    limit = knee_limit(round(1 - wrong / 1000, 12), "higher", 1000)

    assert meets(round(1 - allowed / 1000, 12), limit, "higher")
    assert not meets(round(1 - (allowed + 1) / 1000, 12), limit, "higher")


def test_by_balanced_accuracy_it_is_a_tenth_more_of_the_error_itself() -> None:
    """Which is no share of whole items."""
    question = Study("tabular-cls", "wine", "mlp", (), "bisect", knee=True, metric="balanced-accuracy")
    surface = Surface(flat_at_the_end)
    knee = surface.drive(Investigation(question).run()).knee

    assert knee is not None
    assert knee.answer is not None
    assert knee.limit == knee_limit(median(knee.reference.values), "higher", None)
    assert all(trial.metric == "balanced-accuracy" for round_ in surface.asked for trial in round_)
    assert knee.notes[0].startswith("knee: held to balanced-accuracy at least ")


# --- the reference


def by_steps_and_width(trials: Sequence[Trial]) -> float:
    return float(sum(trial.steps * trial.shape.width for trial in trials))


@pytest.mark.parametrize(
    ("seconds", "widest", "most_steps"),
    [(math.inf, 256, 8000), (1e9, 256, 8000), (1.4e8, 128, 8000), (3e7, 64, 4000), (1e3, 32, 2000)],
    ids=["no limit", "time for all", "half", "a quarter and half the steps", "none"],
)
def test_where_time_is_short_the_reference_is_narrower_and_the_notes_say_so(
    seconds: float, widest: int, most_steps: int
) -> None:
    notes: list[str] = []
    study = Investigation(Study("tabular-cls", "wine", "mlp", (), knee=True))
    study.clock = Clock(seconds, by_steps_and_width, now=lambda: 0.0)
    space, _ = affordable(study, notes)

    assert max(shape.width for shape in space.params) == widest
    assert space.steps[-1] == most_steps
    assert notes == (
        []
        if widest == 256
        else [
            f"knee: for want of time its reference is at most {widest} wide, where the ladders end at 256"
            + (f"; it and the search for the knee had at most {most_steps:,} of 8,000 steps" * (most_steps < 8000))
            + ("; fewer wide networks were compared to find its reference" * (widest < 128))
            + "; without --minutes all are tried"
        ]
    )


def test_before_widths_are_left_out_fewer_of_the_widest_are_compared() -> None:
    notes: list[str] = []
    study = Investigation(Study("tabular-cls", "wine", "mlp", (), knee=True))
    study.clock = Clock(1.8e8, by_steps_and_width, now=lambda: 0.0)

    assert affordable(study, notes) == (study.space, True)
    assert notes == [
        "knee: for want of time fewer wide networks were compared to find its reference; without --minutes all are "
        "tried"
    ]
    assert doubts(notes) == [notes[0].removeprefix("knee: ")]


def test_a_reference_among_few_of_the_widest_may_be_the_knee_itself() -> None:
    def steep(trial: Trial) -> float:
        return 0.01 + 20 / trial.shape.width if trial.shape.depth == 1 and trial.shape.width >= 40 else 0.6

    study = Investigation(Study("tabular-cls", "wine", "mlp", (), "bisect", knee=True))
    study.clock = Clock(1.8e8, by_steps_and_width, now=lambda: 0.0)
    knee = Surface(steep).drive(find_knee(study, []))

    assert knee is not None
    assert knee.answer is not None
    assert knee.answer.test.trial.shape == Shape(256, 1)


def test_a_narrower_reference_is_gone_on_with_where_time_is_limited(tmp_path: Path) -> None:
    study = Investigation(Study("tabular-cls", "wine", "mlp", (), knee=True))
    widths = []
    for seconds in (1.4e8, 1e9, math.inf):
        study.clock = Clock(seconds, by_steps_and_width, Turns(tmp_path / "turns.txt"), lambda: 0.0)
        widths.append(max(shape.width for shape in affordable(study, [])[0].params))

    assert widths == [128, 128, 256]


@pytest.mark.parametrize(
    ("seconds", "n_tuned", "finals"), [(math.inf, 7, 4 * 10), (1e3, 3, 2 * 5)], ids=["no limit", "little time"]
)
def test_where_time_is_short_a_third_of_the_wide_ends_are_tuned_and_fewer_compared(
    seconds: float, n_tuned: int, finals: int
) -> None:
    study = Investigation(Study("tabular-cls", "wine", "mlp", (), knee=True))
    study.clock = Clock(seconds, by_steps_and_width, now=lambda: 0.0)
    surface = Surface(flat_at_the_end)
    surface.drive(find_reference(study))
    first, second, *_, last = surface.asked

    assert len({trial.shape for trial in first}) == 7
    assert len({trial.shape for trial in second}) == n_tuned
    assert len(last) == finals


def test_where_wider_networks_were_left_out_the_reference_itself_is_no_knee() -> None:
    def steep(trial: Trial) -> float:
        return 0.01 + 20 / trial.shape.width if trial.shape.depth == 1 and trial.shape.width >= 40 else 0.6

    found, notes, turns = [], list[str](), Turns()
    for seconds in (3e7, 3e7, math.inf):
        study = Investigation(Study("tabular-cls", "wine", "mlp", (), "bisect", knee=True))
        study.clock = Clock(seconds, by_steps_and_width, turns, lambda: 0.0)
        knee = Surface(steep).drive(find_knee(study, notes))
        found.append(
            None if knee is None else (knee.reference.trial.shape, knee.answer and knee.answer.test.trial.shape)
        )

    assert found == [None, None, (Shape(256, 1), Shape(256, 1))]
    assert [note for note in notes if "nothing cheaper than its reference" in note]
    assert len([turn for turn in turns if "nothing cheaper" in turn]) == 2  # each time among more


def test_where_the_reference_has_fewer_steps_so_has_the_search_for_the_knee() -> None:
    def still_learning(trial: Trial) -> float:
        return (0.1 + 0.5 / trial.shape.width) * (500 / trial.steps) ** 0.1 if trial.shape.depth == 1 else 0.6

    turns, most = Turns(), []
    for seconds in (3e7, math.inf):
        study = Investigation(Study("tabular-cls", "wine", "mlp", (), "bisect", knee=True))
        study.clock = Clock(seconds, by_steps_and_width, turns, lambda: 0.0)
        surface, notes = Surface(still_learning), list[str]()
        knee = surface.drive(find_knee(study, notes))
        assert knee is not None
        assert knee.answer is not None
        searched = [trial.steps for round_ in surface.asked for trial in round_ if trial.phase != "bracket"]
        most.append((max(searched), knee.answer.test.trial.steps, knee.reference.trial.steps))

    assert most == [(4000, 4000, 4000), (8000, 8000, 8000)]


def test_a_law_beside_such_a_knee_has_all_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = []

    def fit_law(study: Investigation, *_: object) -> Procedure[Law]:
        steps.append(study.space.steps)
        yield from ()
        return Law(None, is_whole=True)

    monkeypatch.setattr("harness.investigation.fit_law", fit_law)
    study = Investigation(Study("tabular-cls", "wine", "mlp", (), "bisect", knee=True))
    study.clock = Clock(3e7, by_steps_and_width, now=lambda: 0.0)
    findings = Surface(flat_at_the_end).drive(study.run())

    assert any("had at most 4,000 of 8,000 steps" in note for note in findings.notes)
    assert steps == [study.space.steps]
    assert steps[0][-1] == 8000


def test_wide_ends_are_the_widest_half_and_a_quarter_of_each_ladder() -> None:
    space = space_of(load("tasks", "tabular-cls"), load("datasets", "wine"), load("families", "mlp"))

    assert wide_ends(space) == [Shape(0, 0), *(Shape(w, d) for d in (1, 2) for w in (256, 128, 64))]


def test_reference_is_the_best_by_validation_whatever_the_test_split_says() -> None:
    surface = Surface(flat_at_the_end, test=lambda trial, clean: 0.01 if trial.shape.depth == 2 else clean)
    knee, _ = knee_of(surface)
    first = next(i for i, round_ in enumerate(surface.asked) if any(trial.tested for trial in round_))

    assert knee.reference.trial.shape.depth == 1
    assert knee.reference.trial.shape.width >= 64
    assert surface.asked[first] == list(knee.reference.trials)


def test_runs_of_the_reference_certify_nothing() -> None:
    knee, _ = knee_of(Surface(still_falling))
    seeds = {trial.seed for trial in knee.reference.trials}

    assert knee.answer is not None
    assert all(trial.tested and trial.phase == "certify" for trial in knee.reference.trials)
    assert not seeds & {trial.seed for attempt in knee.attempts for trial in attempt.test.trials}


# --- what is certified


@pytest.mark.parametrize("search", ["bisect", "pooled"])
def test_knee_is_the_smallest_shape_within_a_tenth_of_the_best(search: str) -> None:
    knee, findings = knee_of(Surface(flat_at_the_end), search)
    floor = median(knee.reference.values)

    assert knee.answer is not None
    assert knee.limit == knee_limit(floor, "higher", N_TEST)
    assert knee.answer.target == knee.limit
    shape = knee.answer.test.trial.shape
    assert shape.depth == 1
    assert 24 <= shape.width <= (48 if search == "pooled" else 32)  # pooled may trade some width for fewer steps
    assert knee.attempts[-1].number == len(knee.attempts)
    assert "refuted" in {part.verdict(knee.limit, load("tasks", "tabular-cls")) for part in knee.answer.bracket}
    assert findings.answers == []
    assert findings.notes[0].startswith(f"knee: held to accuracy at least {knee.limit:.12g}, 1.1 x the error of width ")


def test_where_nothing_cheaper_is_within_the_limit_the_reference_is_certified_itself() -> None:
    knee, _ = knee_of(Surface(lambda trial: 0.2 if trial.shape == Shape(256, 1) else 0.5))

    assert knee.answer is not None
    assert knee.answer.test.trial.shape == Shape(256, 1)
    assert knee.answer.test.trials != knee.reference.trials


def test_error_that_falls_to_the_ladders_end_makes_the_floor_an_upper_bound() -> None:
    knee, findings = knee_of(Surface(still_falling))

    assert knee.reference.trial.shape == Shape(256, 1)
    assert any(
        note == "knee: validation error was still falling at the ladder's end, width 256, depth 1: "
        "the width floor may be lower, and the knee larger"
        for note in findings.notes
    )


def test_error_that_is_flat_at_the_ladders_end_needs_no_such_note() -> None:
    _, findings = knee_of(Surface(lambda trial: 0.1 if trial.shape.width > 8 else 0.5))

    assert not any("still falling at the ladder's end" in note for note in findings.notes)


def test_without_wrong_items_the_limit_allows_none_and_says_so() -> None:
    perfect: Callable[[Trial, float], float] = lambda trial, clean: 0.0 if clean < 0.2 else clean  # noqa: E731
    knee, findings = knee_of(Surface(lambda trial: 0.1 if trial.shape.width > 8 else 0.5, test=perfect))

    assert knee.limit == pytest.approx(1 - 0.55 / 59)
    assert knee.answer is not None
    assert set(knee.answer.test.values) == {1.0}
    assert any("has 0 of 58 test items wrong (median run), so 1.1 x that is no whole item" in n for n in findings.notes)


def test_certified_shape_that_beats_the_reference_on_test_is_named() -> None:
    lucky: Callable[[Trial, float], float] = lambda trial, clean: 0.05 if trial.shape.width == 9 else clean  # noqa: E731
    _, findings = knee_of(Surface(lambda trial: 0.1 if trial.shape.width > 8 else 0.5, test=lucky))

    assert any("width 9, depth 1 has less test error than its reference (median 0.95)" in n for n in findings.notes)


def test_where_no_network_learns_there_is_no_knee_but_a_reason() -> None:
    knee, findings = knee_of(Surface(lambda _: 0.7))

    assert knee.answer is None
    assert knee.attempts == []
    assert "no knee: the best constant answer is within the limit: no network learns here" in findings.notes


def test_where_fresh_runs_fall_short_of_the_reference_there_is_no_knee_but_a_reason() -> None:
    def test_error(trial: Trial, clean: float) -> float:
        return clean if trial.key in reference else 2 * clean

    reference: set[str] = set()
    surface = Surface(flat_at_the_end, test=test_error)
    investigation = Investigation(Study("tabular-cls", "wine", "mlp", (), "bisect", knee=True))

    def run_round(trials: list[Trial]) -> list[Outcome]:
        if not reference and all(trial.tested for trial in trials):
            reference.update(trial.key for trial in trials)
        return surface(trials)

    findings = drive(investigation.run(), run_round)

    assert findings.knee is not None
    assert findings.knee.answer is None
    assert any(note.startswith("no knee: not enough fresh runs are within the limit") for note in findings.notes)


# --- beside targets


def test_answers_to_targets_are_the_same_with_the_knee_and_without() -> None:
    findings, investigation = investigate(Surface(flat_at_the_end), 0.7)
    alone = Investigation(Study("tabular-cls", "wine", "mlp", (0.7,), "bisect"))
    without = Surface(flat_at_the_end).drive(alone.run())

    assert [answer.test for answer in findings.answers][:1] == [answer.test for answer in without.answers][:1]
    assert findings.knee is not None
    assert findings.knee.answer is not None
    assert without.knee is None
    assert investigation.study.configuration() == alone.study.configuration()


def test_knee_alone_has_a_law_of_its_shape_as_validation_sees_it() -> None:
    def falls(trial: Trial) -> float:
        return flat_at_the_end(trial) * (trial.n_train / 90) ** -0.3

    _, findings = knee_of(Surface(falls))

    assert findings.law is not None
    assert {point["depth"] for point in findings.law["points"]} == {1}
    assert 16 <= min(point["width"] for point in findings.law["points"]) <= 48


def test_diverged_runs_of_the_wide_end_do_not_stop_the_search() -> None:
    knee, _ = knee_of(Surface(lambda trial: math.inf if trial.shape.width == 256 else flat_at_the_end(trial)))

    assert knee.answer is not None
    assert knee.reference.trial.shape in (Shape(128, 1), Shape(64, 1))
