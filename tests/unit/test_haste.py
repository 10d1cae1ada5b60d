"""A study whose time runs out: each training takes a second of a clock that nothing but trainings moves."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from harness import space
from harness.clock import Clock, Turns
from harness.investigation import Investigation
from harness.procedure import drive
from harness.stage import Stage
from harness.study import Findings, Study
from harness.trial import Outcome, Shape, Trial
from tests.fake_outcomes import Surface, of_phase
from tests.tiny_bench import small_law

pytestmark = pytest.mark.whole_study

FOREVER = 1e9
NO_TIME = "the time was up"
SHORT = (NO_TIME, "for want of time")


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law's interval is not what these tests are about."""
    small_law(monkeypatch.setattr)
    monkeypatch.setattr(space, "RATES", (0.005, 0.01, 0.02))
    monkeypatch.setattr(space, "MOST_STEPS", 1000)


def by_width(trial: Trial) -> float:
    """Depth 1 needs width 7 for an accuracy of 0.9; no other depth comes near."""
    error = 0.02 + 0.5 / trial.shape.width if trial.shape.depth == 1 else 0.5
    return error * (trial.n_train / 90) ** -0.3


class Lab:
    """Runs one question, again and again: outcomes are kept, so what has been trained takes no time any more."""

    def __init__(self, surface: Surface | None = None, *targets: float, knee: bool = False) -> None:
        self.surface = surface or Surface(by_width)
        self.question = Study("tabular-cls", "wine", "mlp", targets or (() if knee else (0.9,)), "bisect", knee=knee)
        self.turns = Turns()
        self.known: dict[str, Outcome] = {}
        self.asked: list[list[Trial]] = []
        self.seconds = 0.0
        self.stages: list[Stage] = []

    def price(self, trials: Sequence[Trial]) -> float:
        return float(len({trial.key for trial in trials} - self.known.keys()))

    def round(self, trials: list[Trial]) -> list[Outcome]:
        self.asked.append(trials)
        self.seconds += self.price(trials)
        for trial in trials:
            self.known.setdefault(trial.key, self.surface.run(trial))
        return [self.known[trial.key] for trial in trials]

    def run(self, seconds: float | None) -> tuple[Findings, Investigation]:
        """Run for so long; None sets no limit."""
        self.asked, self.stages, self.seconds = [], [], 0.0
        limit = math.inf if seconds is None else seconds
        clock = Clock(limit, self.price, self.turns, lambda: self.seconds)
        investigation = Investigation(self.question, self.stages.append, clock)
        return drive(investigation.run(), self.round), investigation

    @property
    def trials(self) -> dict[str, Trial]:
        return {trial.key: trial for round_ in self.asked for trial in round_}


@pytest.fixture(scope="module")
def whole() -> Lab:
    """The question, answered without a limit."""
    with pytest.MonkeyPatch.context() as patch:
        small_law(patch.setattr)
        patch.setattr(space, "RATES", (0.005, 0.01, 0.02))
        patch.setattr(space, "MOST_STEPS", 1000)
        lab = Lab()
        lab.run(None)
        return lab


def searching(lab: Lab) -> list[list[str]]:
    """The rounds before the first test."""
    first = next((i for i, round_ in enumerate(lab.asked) if any(t.tested for t in round_)), len(lab.asked))
    return [[trial.key for trial in round_] for round_ in lab.asked[:first]]


def test_time_enough_changes_nothing(whole: Lab) -> None:
    lab = Lab()
    findings, _ = lab.run(FOREVER)

    assert lab.trials.keys() == whole.trials.keys()
    assert not any(NO_TIME in note for note in findings.notes)
    assert findings.unfinished == []


@pytest.mark.parametrize("share", [0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97])
def test_whenever_the_time_ends_there_is_an_answer_or_a_guess_and_what_is_left_out_is_said(
    whole: Lab, share: float
) -> None:
    limit, lab = share * whole.seconds, Lab()
    findings, investigation = lab.run(limit)
    said = [note for note in findings.notes if any(words in note for words in SHORT)]

    assert lab.seconds <= limit
    assert findings.misses == []
    assert bool(findings.answers) != bool(findings.unfinished)
    assert said
    for answer in findings.answers:
        assert answer.attempts[0].certified
        assert answer.test.verdict(0.9, investigation.task) == "meets"
        start = f"no bracket: target 0.9, {answer.test.trial.route}: "
        assert bool(answer.bracket) != any(note.startswith(start) for note in said)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8])
def test_what_is_trained_before_the_time_ends_is_what_is_trained_without_a_limit(whole: Lab, share: float) -> None:
    lab = Lab()
    lab.run(share * whole.seconds)
    rounds, without = searching(lab), searching(whole)

    assert rounds == without[: len(rounds)]
    if len(rounds) == len(without):  # the search was not cut short
        assert {key for key, trial in lab.trials.items() if trial.phase != "tune"} <= whole.trials.keys()


def test_first_things_come_first(whole: Lab) -> None:
    lab = Lab()
    lab.run(FOREVER)

    assert [str(stage) for stage in lab.stages if stage.guess is None] == ["bracketing", "pruning", "fitting the law"]
    assert {str(s) for s in whole.stages if s.guess is None} == {"bracketing, pruning, fitting the law"}


def hurried(lab: Lab, whole: Lab) -> tuple[float, Findings]:
    """Give a lab just so little time that it certifies something before its search has ended."""
    for limit in range(40, int(whole.seconds), 5):
        trial = Lab(lab.surface)
        trial.run(limit)
        if len(trial.turns):
            return limit, lab.run(limit)[0]
    raise AssertionError("no search was cut short")


def test_search_that_is_cut_short_certifies_the_most_promising_shape_and_says_so(whole: Lab) -> None:
    lab = Lab()
    limit, findings = hurried(lab, whole)

    assert len(searching(lab)) < len(searching(whole))
    assert lab.seconds <= limit
    assert len(lab.turns) == 1
    assert [answer.test.trial.shape.depth for answer in findings.answers] == [1]
    assert any("certified before its search had ended, for want of time; best guess" in n for n in findings.notes)


def test_resumed_study_takes_the_same_turn_and_goes_on_to_the_end(whole: Lab) -> None:
    lab = Lab()
    _, first = hurried(lab, whole)
    tested = {key for key, trial in lab.trials.items() if trial.tested}
    second, investigation = lab.run(None)
    [before], [after] = ([a for a in found.answers if a.test.trial.route == "scratch"] for found in (first, second))

    assert tested <= lab.trials.keys()
    assert after.attempts[0].test == before.attempts[0].test
    assert investigation.order(after.test.trial.shape) <= investigation.order(before.test.trial.shape)
    assert after.bracket
    assert not any(note.startswith("no bracket: ") for note in second.notes)


def test_certification_that_failed_in_a_hurry_counts_as_an_attempt_ever_after(whole: Lab) -> None:
    lab = Lab(Surface(by_width, test=lambda trial, clean: 0.3 if trial.shape.width < 40 else 0.05))
    _, first = hurried(lab, whole)
    tested = {key for key, trial in lab.trials.items() if trial.tested}
    second, _ = lab.run(None)
    [answer] = [answer for answer in second.answers if answer.test.trial.route == "scratch"]

    assert first.answers == []
    assert len(first.unfinished) == 1
    assert lab.turns
    assert not answer.attempts[0].certified
    assert answer.attempts[0].test.trial.key in tested
    assert answer.test.trial.shape.width >= 40


def test_harder_targets_are_left_alone_once_the_time_is_up() -> None:
    lab = Lab(None, 0.8, 0.9)
    findings, _ = lab.run(10)

    assert [guess.target for guess in findings.unfinished] == [0.8, 0.9]
    assert findings.unfinished[1].shape is None
    assert lab.asked == []
    assert of_phase(list(lab.trials.values()), "certify") == []


@pytest.mark.parametrize("knee", [False, True], ids=["target", "knee"])
def test_hardly_any_time_leaves_what_is_on_record_as_it_is(knee: bool) -> None:
    lab = Lab(Surface(levels_off), *(() if knee else (0.8,)), knee=knee)
    first, _ = lab.run(None)
    second, _ = lab.run(1)

    assert (lab.seconds, len(lab.turns)) == (0.0, 0)
    assert second == first


# --- the knee


def levels_off(trial: Trial) -> float:
    """Depth 1 comes down to 0.1, and below 0.12 from width 25 on; no other depth comes near."""
    error = 0.1 + 0.5 / trial.shape.width if trial.shape.depth == 1 else 0.5
    return error * (trial.n_train / 90) ** -0.3


def fails_first(n: int) -> Callable[[Trial, float], float]:
    """Return test errors by which the first so many shapes that are certified have no chance."""
    shapes: list[Shape] = []

    def error(trial: Trial, clean: float) -> float:
        if trial.phase != "certify" or trial.shape.width >= 128:  # the reference
            return clean
        shapes.extend([trial.shape] if trial.shape not in shapes else [])
        return 0.9 if shapes.index(trial.shape) < n else clean

    return error


def knee_lab() -> Lab:
    return Lab(Surface(levels_off), knee=True)


@pytest.fixture(scope="module")
def whole_knee() -> Lab:
    """The knee alone, found without a limit."""
    with pytest.MonkeyPatch.context() as patch:
        small_law(patch.setattr)
        patch.setattr(space, "RATES", (0.005, 0.01, 0.02))
        patch.setattr(space, "MOST_STEPS", 1000)
        lab = knee_lab()
        lab.run(None)
        return lab


def test_time_enough_changes_nothing_about_the_knee(whole_knee: Lab) -> None:
    lab = knee_lab()
    findings, _ = lab.run(FOREVER)

    assert lab.trials.keys() == whole_knee.trials.keys()
    assert findings.knee is not None
    assert findings.law is not None
    assert not any(NO_TIME in note for note in findings.notes)


@pytest.mark.parametrize("share", [0.02, 0.2, 0.25, 0.3, 0.35, 0.5, 0.7, 0.9])
def test_whenever_the_time_ends_there_is_a_knee_or_none_and_what_is_left_out_is_said(
    whole_knee: Lab, share: float
) -> None:
    limit, lab = share * whole_knee.seconds, knee_lab()
    findings, investigation = lab.run(limit)
    said = [note for note in findings.notes if NO_TIME in note]
    knee = findings.knee

    assert lab.seconds <= limit
    if knee is None:
        assert share < 0.35
        assert findings.notes[-1] == "no knee: the time was up"
        # runs that read the test split are explained: by what they were held to
        tested = of_phase(list(lab.trials.values()), "certify")
        assert any(note.startswith("knee: held to ") for note in findings.notes) == bool(tested)
        return
    assert share > 0.2
    assert knee.answer is not None
    assert knee.answer.test.verdict(knee.limit, investigation.task) == "meets"
    assert ("no bracket: knee, scratch: the time was up" in said) == (not knee.answer.bracket)
    assert any(note.startswith(("no bracket: knee, ", "knee, scratch: ")) for note in said) != knee.is_bracketed
    assert ("no law: the time was up" in said) == (findings.law is None)
    assert findings.law is None or any(note.startswith("law: for want of time ") for note in findings.notes)


def test_knee_that_is_certified_in_a_hurry_says_so_and_takes_the_same_turn_when_resumed(whole_knee: Lab) -> None:
    lab = knee_lab()
    first, _ = lab.run(0.35 * whole_knee.seconds)
    second, investigation = lab.run(None)

    assert len(lab.turns) == 1
    assert first.knee is not None
    assert second.knee is not None
    assert first.knee.answer is not None
    assert second.knee.answer is not None
    assert any(n.startswith("knee: certified before its search had ended, for want of time; best") for n in first.notes)
    assert second.knee.limit == first.knee.limit
    assert second.knee.attempts[0].test == first.knee.attempts[0].test
    before, after = (found.knee.answer.test.trial.shape for found in (first, second))  # type: ignore[union-attr]
    assert investigation.order(after) <= investigation.order(before)
    assert second.knee.is_bracketed


def test_knee_is_none_where_the_time_ends_before_a_certification_and_no_test_is_lost(whole_knee: Lab) -> None:
    lab = knee_lab()
    first, _ = lab.run(0.2 * whole_knee.seconds)
    second, _ = lab.run(None)

    assert first.knee is None
    assert second.knee is not None
    assert {trial.key for trial in lab.trials.values()} == whole_knee.trials.keys()


@pytest.mark.parametrize(("share", "n_failed"), [(0.5, 2), (0.8, 2)])
def test_what_was_answered_is_answered_again_with_no_time_at_all(whole_knee: Lab, share: float, n_failed: int) -> None:
    lab = knee_lab()
    lab.surface.test = fails_first(n_failed)
    first, _ = lab.run(share * whole_knee.seconds)
    again, _ = lab.run(0.5)

    assert lab.seconds == 0
    assert first.knee is not None
    assert again.knee is not None
    assert first.knee.answer is not None
    assert again.knee.answer is not None
    assert [attempt.certified for attempt in first.knee.attempts][: n_failed + 1] == [*[False] * n_failed, True]
    assert [attempt.test for attempt in again.knee.attempts] == [attempt.test for attempt in first.knee.attempts]
    assert (again.law is None) == (first.law is None)


@pytest.mark.parametrize("share", [0.1, 0.12])
def test_what_a_knee_of_less_time_was_held_to_is_said_by_later_runs_too(whole_knee: Lab, share: float) -> None:
    lab = knee_lab()
    first, _ = lab.run(share * whole_knee.seconds)
    again, _ = lab.run(share * whole_knee.seconds)
    last, _ = lab.run(None)
    held = next(note for note in first.notes if note.startswith("knee: held to "))
    earlier = "knee: earlier, with less time, " + held.removeprefix("knee: ")

    assert held in again.notes
    assert earlier not in again.notes
    assert held not in last.notes
    assert earlier in last.notes
    # as many limits as are said explain every run that read the test split
    assert len([note for note in last.notes if re.match(r"knee: .*\bheld to ", note)]) == 2


def test_targets_come_before_the_knee(whole: Lab) -> None:
    lab = Lab(None, 0.9, knee=True)
    findings, _ = lab.run(0.4 * whole.seconds)  # measured: at 0.6 there may be time for a knee of a small reference

    assert findings.settled == (0.9,)
    assert findings.answers[0].bracket
    assert findings.knee is None
    assert "no knee: the time was up" in findings.notes


def test_record_of_a_knee_alone_says_that_a_target_was_not_certified() -> None:
    lab = knee_lab()
    lab.run(None)
    lab.question = replace(lab.question, targets=(0.6,))
    findings, _ = lab.run(5)

    assert findings.settled == ()
    assert findings.knee is not None
    assert findings.knee.answer is not None
    assert any(note.startswith("target 0.6 not certified: the time was up; ") for note in findings.notes)
