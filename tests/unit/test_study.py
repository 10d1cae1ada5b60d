"""A study driven by a response surface: what it proposes and concludes, without training anything."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import takewhile

import pytest

from harness import study
from harness.bracket import Answer
from harness.certify import fresh_trials
from harness.investigation import Investigation
from harness.plugins import load
from harness.procedure import drive
from harness.search.base import History, Proposal, Space, Strategy
from harness.space import MOST_STEPS, RATES, space_of
from harness.stage import Stage
from harness.study import Findings, Study
from harness.trial import Shape, Trial
from tests.fake_outcomes import Surface, of_phase
from tests.tiny_bench import small_law

pytestmark = pytest.mark.whole_study

N_TRAIN = 90  # of wine


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The law's interval is not what these tests are about."""
    small_law(monkeypatch.setattr)


def question(*targets: float, search: str = "bisect", seed: int = 0) -> Study:
    return Study("tabular-cls", "wine", "mlp", targets, search, seed)


def by_width(trial: Trial) -> float:
    """Depth 1 needs width 7 for an accuracy of 0.9 and 13 for 0.94; no other depth comes near."""
    shape = trial.shape
    error = 0.02 + 0.5 / shape.width if shape.depth == 1 else 0.5
    return error * (trial.n_train / N_TRAIN) ** -0.3


def investigate(
    surface: Surface, *targets: float, search: str = "bisect", seed: int = 0
) -> tuple[Findings, Investigation, list[Stage]]:
    said: list[Stage] = []
    investigation = Investigation(question(*targets, search=search, seed=seed), said.append)
    return surface.drive(investigation.run()), investigation, said


def scratch(findings: Findings) -> list[Answer]:
    return [answer for answer in findings.answers if answer.test.trial.route == "scratch"]


def attempts(answer: Answer | study.Miss) -> list[tuple[int, bool]]:
    """Width and result of each attempt at depth 1."""
    found = [(attempt.test.trial.shape, attempt.certified) for attempt in answer.attempts]
    return [(shape.width, certified) for shape, certified in found if shape.depth == 1]


def numbers(answer: Answer | study.Miss) -> list[int]:
    return [attempt.number for attempt in answer.attempts]


# --- what is certified


@pytest.mark.parametrize("search", ["bisect", "grid"])
def test_smallest_shape_that_meets_is_certified(search: str) -> None:
    findings, investigation, _ = investigate(Surface(by_width), 0.9, search=search)
    [answer] = scratch(findings)

    assert answer.target == 0.9
    assert answer.test.trial.shape == Shape(7, 1)
    assert answer.test.verdict(0.9, investigation.task) == "meets"
    assert len(answer.test.trials) == 20
    assert attempts(answer) == [(7, True), (6, False)]
    assert numbers(answer) == list(range(1, len(answer.attempts) + 1))
    assert findings.misses == []


def test_the_default_search_certifies_a_shape_near_the_smallest_and_the_bracket_finds_it() -> None:
    surface = Surface(by_width)
    findings, investigation, _ = investigate(surface, 0.9, search="pooled")
    [answer] = scratch(findings)

    assert answer.test.trial.shape == Shape(7, 1)
    assert answer.doubts(investigation.task, investigation.params) == []
    assert numbers(answer) == list(range(1, len(answer.attempts) + 1))
    assert len(of_phase(surface.trials, "search")) < 400


def test_bracket_holds_the_largest_cheaper_shape_of_each_depth() -> None:
    findings, investigation, _ = investigate(Surface(by_width), 0.9)
    [answer] = scratch(findings)
    shapes = [refutation.settled.trial.shape for refutation in answer.bracket]
    params = [investigation.params(shape) for shape in shapes]
    limit = investigation.params(Shape(7, 1))
    largest = max(w for w in investigation.family.ladder(2) if investigation.params(Shape(w, 2)) < limit)

    assert set(shapes) == {Shape(0, 0), Shape(6, 1), Shape(largest, 2)}
    assert params == sorted(params)
    assert {refutation.verdict(0.9, investigation.task) for refutation in answer.bracket} == {"refuted"}


def test_bracket_goes_on_down_past_a_shape_that_is_undecided() -> None:
    def on_test(trial: Trial, clean: float) -> float:
        near = trial.shape.width == 6 and trial.shape.depth == 1
        return (0.08 if trial.seed % 2 else 0.12) if near else clean

    findings, investigation, _ = investigate(Surface(by_width, test=on_test), 0.9)
    [answer] = scratch(findings)
    verdicts = {
        r.settled.trial.shape.width: r.verdict(0.9, investigation.task)
        for r in answer.bracket
        if r.settled.trial.shape.depth == 1
    }

    assert verdicts == {5: "refuted", 6: "undecided"}


def test_failed_certification_goes_to_the_next_promising_shape_and_is_recorded() -> None:
    def on_test(trial: Trial, clean: float) -> float:
        return clean + (0.05 if trial.shape.width in (7, 8) else 0.0)

    findings, investigation, _ = investigate(Surface(by_width, test=on_test), 0.9, search="grid")
    [answer] = scratch(findings)

    assert answer.test.trial.shape == Shape(9, 1)
    assert attempts(answer)[:3] == [(7, False), (8, False), (9, True)]
    assert answer.test.trial.phase == "certify"
    assert answer.attempts[0].test.verdict(0.9, investigation.task) == "misses"
    assert len(answer.attempts[0].test.trials) == 5


def test_each_attempt_has_seeds_of_its_own() -> None:
    def on_test(trial: Trial, clean: float) -> float:
        return clean + (0.05 if trial.shape.width < 9 else 0.0)

    findings, _, _ = investigate(Surface(by_width, test=on_test), 0.9, search="grid")
    [answer] = scratch(findings)
    seeds = [{trial.seed for trial in attempt.test.trials} for attempt in answer.attempts]

    assert len(seeds) > 3
    assert len(set.union(*seeds)) == sum(map(len, seeds))


def test_each_attempt_needs_more_than_the_one_before() -> None:
    """Half the runs of width 7, and 15 of the first 20 of width 8 meet the target: enough for a first attempt alone."""

    def on_test(trial: Trial, clean: float) -> float:
        if trial.phase != "certify" or trial.shape not in (Shape(7, 1), Shape(8, 1)):
            return clean
        return 0.05 if rank(trial) % 4 < (1 if trial.shape.width == 7 else 3) else 0.15

    def rank(trial: Trial) -> int:
        runs = fresh_trials(trial, "certify", 64, 0, 0.9)
        return [run.seed for run in runs].index(trial.seed)

    findings, investigation, _ = investigate(Surface(by_width, test=on_test), 0.9, search="grid")
    [answer] = scratch(findings)
    first, second = answer.attempts[:2]

    assert (len(first.test.trials), first.certified) == (20, False)
    assert (len(second.test.trials), second.test.n_meeting(0.9, investigation.task)) == (64, 48)
    assert second.certified


def test_a_shape_that_has_failed_is_never_promoted_by_the_bracket() -> None:
    def on_test(trial: Trial, clean: float) -> float:
        lucky = trial.phase == "bracket" and trial.shape == Shape(7, 1)
        return clean + (0.05 if trial.shape.width <= 7 and not lucky else 0.0)

    findings, investigation, _ = investigate(Surface(by_width, test=on_test), 0.9, search="grid")
    [answer] = scratch(findings)
    [below] = [found for found in answer.bracket if found.settled.trial.shape == Shape(7, 1)]

    assert answer.test.trial.shape == Shape(8, 1)
    assert below.settled.verdict(0.9, investigation.task) == "meets"
    assert below.verdict(0.9, investigation.task) == "undecided"
    assert (7, True) not in attempts(answer)


def test_a_bracket_shape_that_meets_only_at_4_x_the_steps_is_undecided() -> None:
    def on_test(trial: Trial, clean: float) -> float:
        longer = trial.phase == "bracket" and trial.steps > 2000
        return clean - (0.05 if longer and trial.shape == Shape(6, 1) else 0.0)

    findings, investigation, _ = investigate(Surface(by_width, test=on_test), 0.9)
    [answer] = scratch(findings)
    [below] = [found for found in answer.bracket if found.settled.trial.shape == Shape(6, 1)]

    assert answer.test.trial.shape == Shape(7, 1)
    assert below.verdict(0.9, investigation.task) == "undecided"


def test_after_a_missed_target_harder_ones_are_not_tried() -> None:
    surface = Surface(by_width, test=lambda _trial, _clean: 0.3)
    findings, _, said = investigate(surface, 0.9, 0.94)

    assert findings.answers == []
    assert [miss.reason.startswith("the easier target 0.9 ") for miss in findings.misses] == [False, True]
    assert not any("target 0.94" in str(stage) for stage in said)


def test_bracket_shape_that_meets_becomes_the_answer() -> None:
    def on_test(_trial: Trial, clean: float) -> float:
        return clean - 0.02  # the test split is easier than validation: width 6 is enough

    findings, investigation, _ = investigate(Surface(by_width, test=on_test), 0.9)
    [answer] = scratch(findings)
    below = [r.settled.trial.shape for r in answer.bracket if r.settled.trial.shape.depth == 1]

    assert attempts(answer) == [(7, True), (6, True), (5, False)]
    assert answer.test.trial.shape == Shape(6, 1)
    assert answer.test.trial.phase == "bracket"
    assert answer.test.verdict(0.9, investigation.task) == "meets"
    assert below == [Shape(5, 1)]


def test_shape_of_another_depth_wins_where_it_is_cheaper() -> None:
    def linear_is_enough(trial: Trial) -> float:
        return 0.05 if trial.shape.depth == 0 else by_width(trial)

    findings, investigation, _ = investigate(Surface(linear_is_enough), 0.9)
    [answer] = scratch(findings)

    assert answer.test.trial.shape == Shape(0, 0)
    assert all(investigation.params(r.settled.trial.shape) < investigation.params(Shape(0, 0)) for r in answer.bracket)


def test_diverged_shapes_are_passed_over() -> None:
    def wild(trial: Trial) -> float:
        return math.inf if trial.shape.depth == 2 else by_width(trial)

    findings, _, _ = investigate(Surface(wild), 0.9)

    assert [answer.test.trial.shape for answer in scratch(findings)] == [Shape(7, 1)]


# --- what is missed


def test_target_that_no_width_meets_is_a_miss_with_the_best_shape_measured_once() -> None:
    surface = Surface(lambda trial: 0.2 + by_width(trial), noise=0.0)
    findings, investigation, _ = investigate(surface, 0.9)
    [miss] = findings.misses

    assert findings.answers == []
    assert miss.reason == "no shape of the space is likely to meet it"
    assert miss.nearest.trial.shape.depth == 1
    assert miss.nearest.trial.shape.width > 100
    assert miss.nearest.verdict(0.9, investigation.task) == "misses"
    assert miss.attempts == []
    assert len(of_phase(surface.trials, "certify", "bracket")) == 20
    assert findings.law is None
    assert any(note.startswith("no law: ") for note in findings.notes)


def test_target_that_only_validation_meets_is_a_miss_that_says_so() -> None:
    def widest_alone(trial: Trial) -> float:
        return 0.08 if trial.shape == Shape(256, 1) else 0.5

    findings, _, _ = investigate(Surface(widest_alone, test=lambda _trial, clean: clean + 0.05), 0.9, search="grid")
    [miss] = findings.misses

    assert attempts(miss) == [(256, False)]
    assert miss.reason == "no shape of the space is likely to meet it"
    assert miss.nearest is miss.attempts[0].test


def test_certification_is_given_up_in_the_end_and_the_nearest_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.smallest.MOST_ATTEMPTS", 8)

    def on_test(trial: Trial, _clean: float) -> float:
        return 0.11 if trial.shape == Shape(12, 1) else 0.3

    findings, _, _ = investigate(Surface(by_width, test=on_test), 0.9, search="grid")
    [miss] = findings.misses

    assert len(miss.attempts) == 8
    assert miss.reason == "stopped after 8 certifications"
    assert miss.nearest.trial.shape == Shape(12, 1)


def test_a_missed_target_does_not_keep_the_others_from_an_answer() -> None:
    findings, _, _ = investigate(Surface(by_width), 0.9, 0.999)

    assert [answer.target for answer in scratch(findings)] == [0.9]
    assert [miss.target for miss in findings.misses] == [0.999]


# --- in which order


def test_targets_are_certified_from_easy_to_hard() -> None:
    findings, _, said = investigate(Surface(by_width, slowness=0.0, noise=0.001), 0.94, 0.8, 0.9)
    words = [str(stage) for stage in said if "certifying" in str(stage)]
    certified = list(dict.fromkeys(one.split(":")[0] for one in words))

    assert certified == ["target 0.8", "target 0.9", "target 0.94"]
    assert [answer.target for answer in scratch(findings)] == [0.8, 0.9, 0.94]
    assert [answer.test.trial.shape.width for answer in scratch(findings)] == [3, 7, 13]


def test_no_certifying_run_is_asked_for_twice() -> None:
    surface = Surface(by_width)
    investigate(surface, 0.8, 0.9, 0.94)
    certified = [trial.key for round_ in surface.asked for trial in of_phase(round_, "certify")]

    assert len(certified) > 50
    assert len(certified) == len(set(certified))


def test_a_search_is_shown_each_training_once(monkeypatch: pytest.MonkeyPatch) -> None:
    surface, strategy = Surface(by_width), load("search", "bisect")
    shown: list[int] = []

    class Watched(Strategy):
        name = "watched"

        def propose(self, space: Space, history: History, target_error: float) -> Proposal:
            shown.append(len(history.runs))
            made = {trial.key for trial in of_phase(surface.trials, "search")}
            assert len(history.runs) == len(made)
            return strategy.propose(space, history, target_error)

    investigation = Investigation(question(0.8, 0.9))
    monkeypatch.setattr(investigation, "strategy", Watched())
    surface.drive(investigation.run())

    assert len(shown) > 3


def test_what_was_trained_for_an_easier_target_serves_the_harder_ones() -> None:
    alone, after = Surface(by_width), Surface(by_width)
    investigate(alone, 0.94)
    investigate(after, 0.9, 0.94)
    both = len(of_phase(after.trials, "search"))
    easier = Surface(by_width)
    investigate(easier, 0.9)

    assert both < len(of_phase(alone.trials, "search")) + len(of_phase(easier.trials, "search"))


@pytest.mark.parametrize("search", ["bisect", "pooled"])
@pytest.mark.parametrize("noise", [0.01, 0.1])
def test_replay_proposes_the_same_trials(noise: float, search: str) -> None:
    surfaces = [Surface(by_width, noise=noise) for _ in range(2)]
    for surface in surfaces:
        investigate(surface, 0.9, 0.93, search=search)
    first, second = ([[trial.key for trial in round_] for round_ in surface.asked] for surface in surfaces)

    assert first == second


def test_study_seed_gives_other_certification_seeds_and_the_same_search() -> None:
    surfaces = [Surface(by_width), Surface(by_width)]
    for seed, surface in enumerate(surfaces):
        investigate(surface, 0.9, seed=seed)
    searched = [{trial.key for trial in surface.asked[0]} for surface in surfaces]
    certified = [{trial.seed for trial in of_phase(surface.trials, "certify")} for surface in surfaces]

    assert searched[0] == searched[1]
    assert certified[0].isdisjoint(certified[1])


# --- the test split


def untested(surface: Surface) -> list[list[str]]:
    return [[trial.key for trial in round_ if not trial.tested] for round_ in surface.asked]


def test_only_certification_and_bracket_read_the_test_split() -> None:
    surface = Surface(by_width)
    investigate(surface, 0.9, 0.94)

    assert {trial.phase for trial in surface.trials if trial.tested} == {"certify", "bracket"}
    assert {trial.phase for trial in surface.trials if not trial.tested} == {"tune", "search"}


def test_fresh_seeds_are_not_those_of_the_search() -> None:
    surface = Surface(by_width)
    investigate(surface, 0.9, 0.94)
    fresh = {trial.seed for trial in surface.trials if trial.tested}
    few = set(range(20))

    assert {trial.seed for trial in of_phase(surface.trials, "tune")} == {0, 1, 2}
    assert {0, 1, 2} <= {trial.seed for trial in of_phase(surface.trials, "search")}
    assert fresh.isdisjoint({trial.seed for trial in surface.trials if not trial.tested} | few)


@pytest.mark.parametrize(
    "adverse",
    [lambda _trial, _clean: 1.0, lambda _trial, clean: 1 - clean, lambda trial, _clean: trial.seed % 100 / 100],
    ids=["all-wrong", "turned-round", "noise"],
)
@pytest.mark.parametrize("search", ["bisect", "pooled"])
def test_search_before_certification_is_blind_to_the_test_split(
    search: str, adverse: Callable[[Trial, float], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.smallest.MOST_ATTEMPTS", 1)
    surfaces = [Surface(by_width), Surface(by_width, test=adverse)]
    for surface in surfaces:
        investigate(surface, 0.9, search=search)

    def before(surface: Surface) -> list[list[str]]:
        rounds = takewhile(lambda round_: not any(trial.tested for trial in round_), surface.asked)
        return [[trial.key for trial in round_] for round_ in rounds]

    assert len(before(surfaces[0])) >= 3
    assert before(surfaces[0]) == before(surfaces[1])


def test_test_results_that_leave_the_verdicts_leave_every_other_trial() -> None:
    def shuffled(trial: Trial, clean: float) -> float:
        """Values turned about inside their side of the target."""
        return 0.001 + trial.seed % 97 / 1000 if clean <= 0.1 else 0.2 + trial.seed % 700 / 1000

    plain, turned = Surface(by_width, noise=0.001), Surface(by_width, noise=0.001, test=shuffled)
    findings = [investigate(surface, 0.9)[0] for surface in (plain, turned)]

    assert [attempts(answer) for answer in scratch(findings[0])] == [attempts(a) for a in scratch(findings[1])]
    assert untested(plain) == untested(turned)


def test_what_is_certified_first_does_not_depend_on_the_test_split() -> None:
    plain, adverse = Surface(by_width), Surface(by_width, test=lambda _trial, _clean: 0.3)
    for surface in (plain, adverse):
        investigate(surface, 0.9)
    first, second = (next(t for t in surface.trials if t.phase == "certify") for surface in (plain, adverse))

    assert first == second


# --- pruning


def pruned_helps(trial: Trial) -> float:
    return by_width(trial) * (0.8 if trial.route == "pruned" else 1.0)


def test_pruned_networks_are_certified_and_bracketed_beside_the_scratch_answer() -> None:
    findings, investigation, _ = investigate(Surface(pruned_helps), 0.9)
    [answer] = [answer for answer in findings.answers if answer.test.trial.route == "pruned"]
    trial, parent = answer.test.trial, answer.test.trial.pruned_from

    assert trial.shape == Shape(5, 1)
    assert parent is not None
    assert parent.route == "scratch"
    assert parent.shape in (Shape(28, 1), Shape(32, 1))  # the first width of the ladder that is 4 times 7, or 8
    assert answer.test.verdict(0.9, investigation.task) == "meets"
    assert [r.settled.trial.shape for r in answer.bracket] == [Shape(4, 1)]
    assert answer.bracket[0].settled.trial.route == "pruned"
    assert answer.bracket[0].verdict(0.9, investigation.task) == "refuted"


def test_pruned_network_is_fine_tuned_at_a_rate_of_its_own_width_and_up_to_twice_as_long() -> None:
    surface = Surface(pruned_helps)
    findings, _, _ = investigate(surface, 0.9)
    [answer] = [answer for answer in findings.answers if answer.test.trial.route == "pruned"]
    trial = answer.test.trial
    own = {
        (run.learning_rate, run.steps) for run in surface.trials if run.route == "scratch" and run.shape == trial.shape
    }

    assert trial.pruned_from is not None
    assert trial.steps == min(2 * trial.pruned_from.steps, MOST_STEPS)
    assert (trial.learning_rate, trial.pruned_from.steps) in own


def test_pruned_bracket_that_meets_becomes_the_pruned_answer() -> None:
    surface = Surface(pruned_helps, test=lambda trial, clean: clean - (0.03 if trial.route == "pruned" else 0.0))
    findings, _, _ = investigate(surface, 0.9)
    [answer] = [answer for answer in findings.answers if answer.test.trial.route == "pruned"]

    assert attempts(answer) == [(5, True), (4, True), (3, False)]
    assert answer.test.trial.shape == Shape(4, 1)
    assert [r.settled.trial.shape for r in answer.bracket] == [Shape(3, 1)]


def test_pruning_that_does_not_help_gives_no_answer_of_its_own() -> None:
    surface = Surface(lambda trial: by_width(trial) * (3.0 if trial.route == "pruned" else 1.0))
    findings, _, _ = investigate(surface, 0.9)

    assert [answer.test.trial.route for answer in findings.answers] == ["scratch"]


def test_nothing_is_pruned_where_no_hidden_layer_meets_the_target() -> None:
    surface = Surface(lambda trial: 0.05 if trial.shape.depth == 0 else 0.5)
    findings, _, _ = investigate(surface, 0.9)

    assert [answer.test.trial.shape for answer in findings.answers] == [Shape(0, 0)]
    assert not [trial for trial in surface.trials if trial.route == "pruned"]


# --- the law


def test_law_is_fitted_around_the_shape_that_meets_the_hardest_target_on_validation() -> None:
    surface = Surface(by_width, noise=0.003)
    findings, _, _ = investigate(surface, 0.8, 0.9)

    assert findings.law is not None
    assert findings.law["variables"] == ["n_train", "params"]
    assert {(point["width"], point["depth"]) for point in findings.law["points"]} == {(7, 1), (14, 1), (28, 1)}
    assert [point["n_train"] for point in findings.law["points"]][-1] == N_TRAIN
    assert not any(note.startswith("no law") for note in findings.notes)


def test_refused_law_leaves_a_note() -> None:
    findings, _, _ = investigate(Surface(lambda trial: by_width(trial) * (trial.n_train / N_TRAIN) ** 0.8), 0.9)

    assert findings.law is None
    assert [note for note in findings.notes if note.startswith("no law: ")]


def test_law_is_fitted_to_validation_errors_alone() -> None:
    laws = []
    for test in (None, lambda _trial, clean: 0.001 if clean <= 0.1 else 0.9):
        findings, _, _ = investigate(Surface(by_width, noise=0.003, test=test), 0.9)
        laws.append(findings.law)

    assert laws[0] is not None
    assert laws[0] == laws[1]


# --- the question


def test_configuration_names_what_decides_the_trials_and_not_the_targets() -> None:
    data = load("datasets", "wine")
    configuration = question(0.9).configuration()

    assert configuration == question(0.94, 0.5).configuration()
    assert configuration["dataset_sha256"] == data.sha256()
    for other in (question(0.9, search="grid"), question(0.9, seed=1)):
        assert other.configuration() != configuration


def test_every_trial_uses_the_whole_train_split_but_the_laws() -> None:
    surface = Surface(by_width)
    investigate(surface, 0.9)
    fewer = [trial for trial in surface.trials if trial.n_train < N_TRAIN]

    assert fewer
    assert {trial.phase for trial in fewer} == {"tune"}
    assert {trial.shape for trial in fewer} == {Shape(7, 1), Shape(14, 1), Shape(28, 1)}  # around the smallest


def test_a_shape_is_certified_for_each_target_with_seeds_of_its_own() -> None:
    surface = Surface(lambda trial: 0.05 if by_width(trial) <= 0.1 else 0.5)
    findings, _, _ = investigate(surface, 0.9, 0.91)
    answers = scratch(findings)

    assert [answer.test.trial.shape for answer in answers] == [Shape(7, 1)] * 2
    for answer in answers:
        assert list(answer.test.trials) == fresh_trials(answer.test.trial, "certify", 20, 0, answer.target)
    assert {trial.seed for trial in answers[0].test.trials}.isdisjoint({trial.seed for trial in answers[1].test.trials})


def test_space_holds_every_ladder_shape_and_doubles_steps_up_to_the_cap() -> None:
    data, family = load("datasets", "wine"), load("families", "mlp")
    space = space_of(load("tasks", "tabular-cls"), data, family)

    assert set(space.shapes) == set(family.shapes())
    assert space.rates == RATES
    assert space.steps == (500, 1000, 2000, 4000, 8000)
    assert (space.n_val, space.n_test) == (30, 58)
    assert all(space.params[shape] == family.params((13,), 3, shape) for shape in space.shapes)
    assert space.chance_error == pytest.approx(1 - load("tasks", "tabular-cls").chance(data))


def test_space_has_every_shape_at_every_resolution() -> None:
    data, family = load("datasets", "glyphs"), load("families", "mlp")
    space = space_of(load("tasks", "image-cls"), data, family)
    sides = {shape.resolution for shape in space.shapes}

    assert sides == set(data.resolutions)
    assert len(space.shapes) == len(sides) * len(family.shapes())
    assert space.params[Shape(0, 0, min(sides))] < space.params[Shape(0, 0, max(sides))]


def test_notes_say_what_might_change_an_answer() -> None:
    surface = Surface(by_width, slowness=3.0, best_rate=RATES[0], noise=0.003)
    findings, _, _ = investigate(surface, 0.8)

    assert any("validation error was still falling at the most steps, 8,000" in note for note in findings.notes)
    assert any(f"its learning rate, {RATES[0]:g}, is the edge of those tried" in note for note in findings.notes)


def test_an_investigation_that_fails_in_a_round_says_so() -> None:
    def fail(_trials: list[Trial]) -> list[object]:
        raise OSError("no worker left")

    with pytest.raises(OSError, match="no worker left"):
        drive(Investigation(question(0.9)).run(), fail)  # type: ignore[arg-type]
