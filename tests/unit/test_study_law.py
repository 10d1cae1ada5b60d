"""A study's law: its grid around the answer, and what stands there where no surface can be fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from harness.clock import Clock
from harness.investigation import Investigation
from harness.search.base import Setting
from harness.study import Study
from harness.study_law import _first_round, affordable, design, fit_law
from harness.trial import Shape, Trial
from tests.fake_outcomes import Surface
from tests.tiny_bench import small_law

pytestmark = pytest.mark.whole_study


@pytest.fixture
def study() -> Investigation:
    return Investigation(Study("tabular-cls", "wine", "mlp", (0.9,)))


def falls(trial: Trial) -> float:
    """An error that falls with examples and width, and is settled from the start."""
    return 0.02 + 1.2 * trial.n_train**-0.5 + 0.4 / max(1, trial.shape.width)


def test_grid_has_six_numbers_of_examples_and_four_widths_around_the_answer(study: Investigation) -> None:
    grid = design(study, Shape(8, 2))

    assert grid.sizes[0] == 10
    assert grid.sizes[-1] == len(study.dataset.train())
    assert len(grid.sizes) == 6
    assert [(shape.width, shape.depth) for shape in grid.shapes] == [(4, 2), (8, 2), (16, 2), (32, 2)]


def test_grid_of_a_linear_answer_is_around_a_hidden_layer_as_large(study: Investigation) -> None:
    shapes = design(study, Shape(0, 0)).shapes
    [near] = [shape for shape in shapes if study.params(shape) >= study.params(Shape(0, 0))][:1]

    assert {shape.depth for shape in shapes} == {1}
    assert study.params(Shape(near.width - 1, 1)) < study.params(Shape(0, 0))


def test_widths_at_the_end_of_a_ladder_are_not_repeated(study: Investigation) -> None:
    shapes = design(study, Shape(256, 1)).shapes

    assert [shape.width for shape in shapes] == [128, 256]


def test_law_is_a_surface_in_examples_and_params(study: Investigation, monkeypatch: pytest.MonkeyPatch) -> None:
    small_law(monkeypatch.setattr)
    notes: list[str] = []
    law = Surface(falls).drive(fit_law(study, Setting(Shape(4, 1), 0.01, 1000), notes)).values

    assert law is not None
    assert law["variables"] == ["n_train", "params"]
    assert law["valid_range"]["n_train"] == [10, len(study.dataset.train())]
    assert law["shape"] is None
    assert notes == []
    assert len(law["points"]) == 12


def test_where_widths_do_not_carry_a_surface_the_widest_has_a_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    small_law(monkeypatch.setattr)
    monkeypatch.setattr("harness.study_law.SIZES", 5)
    study = Investigation(Study("tabular-cls", "waveform", "mlp", (0.8,)))
    notes: list[str] = []
    law = Surface(falls).drive(fit_law(study, Setting(Shape(256, 1), 0.01, 1000), notes)).values

    assert law is not None
    assert law["variables"] == ["n_train"]
    assert law["shape"] == {"width": 256, "depth": 1, "resolution": None}
    assert notes[0].startswith("no law in n_train and params: ")


def test_data_that_carry_no_law_are_refused_with_the_reason(
    study: Investigation, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_law(monkeypatch.setattr)
    notes: list[str] = []
    rises = Surface(lambda trial: 0.1 + 0.1 * math.log10(trial.n_train))
    law = rises.drive(fit_law(study, Setting(Shape(4, 1), 0.01, 1000), notes)).values

    assert law is None
    assert notes[-1].startswith("no law: ")


def priced(trials: Sequence[Trial]) -> float:
    return float(sum(trial.steps for trial in trials))


@pytest.mark.parametrize(("seconds", "n_widths"), [(3.8e6, 4), (2.9e6, 3)])
def test_where_time_is_short_the_grid_is_a_part_and_the_notes_say_so(
    study: Investigation, seconds: float, n_widths: int
) -> None:
    study.clock = Clock(seconds, priced, now=lambda: 0.0)
    notes: list[str] = []
    setting = Setting(Shape(8, 1), 0.01, 2000)
    grid = affordable(study, setting, notes)

    assert (len(grid.shapes), grid.sizes[-1]) == (n_widths, 90)
    assert notes == (
        []
        if n_widths == 4
        else [
            "law: for want of time its grid ends at 90 of 90 examples, has 3 of 4 widths and at most 8,000 of 16,000 "
            "steps"
        ]
    )


def test_where_time_is_shorter_still_cells_are_tuned_with_less_and_the_notes_say_so(study: Investigation) -> None:
    notes: list[str] = []
    study.clock = Clock(9e5, priced, now=lambda: 0.0)
    grid = affordable(study, Setting(Shape(8, 1), 0.01, 2000), notes)

    assert (grid.rates, grid.seeds, grid.first_steps, grid.most_steps) == (3, 2, 500, 2000)
    assert notes == [
        "law: for want of time its grid ends at 90 of 90 examples, has 3 of 4 widths and at most 2,000 of 16,000 "
        "steps, each tuned with 3 rates and 2 seeds"
    ]


def test_a_family_with_few_steps_has_no_more_than_twice_as_many_in_its_law(
    study: Investigation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study.family, "most_steps", 2000)
    study = Investigation(study.study)

    assert design(study, Shape(8, 1)).most_steps == 2 * study.space.steps[-1] == 4000


def test_where_there_is_time_for_no_part_the_smallest_is_tried(study: Investigation) -> None:
    study.clock = Clock(1e3, priced, now=lambda: 0.0)
    grid = affordable(study, Setting(Shape(8, 1), 0.01, 4000), [])

    assert (len(grid.shapes), grid.sizes[-1]) == (3, 90)
    assert (grid.rates, grid.seeds) == (3, 2)


def test_a_grid_that_was_begun_is_gone_on_with(study: Investigation) -> None:
    study.clock = Clock(1e3, lambda trials: sum(priced([one]) for one in trials if one.steps > 1000), now=lambda: 0.0)

    assert affordable(study, Setting(Shape(8, 1), 0.01, 4000), []) == design(study, Shape(8, 1))


def test_a_part_that_was_begun_is_gone_on_with_though_there_is_time_for_more(study: Investigation) -> None:
    setting = Setting(Shape(8, 1), 0.01, 2000)
    study.clock = Clock(9e5, priced, now=lambda: 0.0)
    part = affordable(study, setting, [])
    begun = {trial.key for trial in _first_round(study, setting, part)}
    study.clock = Clock(1e9, lambda trials: priced([t for t in trials if t.key not in begun]), now=lambda: 0.0)

    assert part.seeds == 2
    assert affordable(study, setting, []) == part


def test_no_part_of_a_small_data_set_has_more_examples_than_there_are(study: Investigation) -> None:
    assert design(study, Shape(8, 1), share=1 / 64).sizes[-1] <= 40
    study.dataset.n_classes, before = 30, study.dataset.n_classes
    try:
        assert design(study, Shape(8, 1), share=1 / 64).sizes[-1] == 90
    finally:
        study.dataset.n_classes = before


def test_where_time_is_not_limited_the_grid_is_whole(study: Investigation) -> None:
    notes: list[str] = []

    assert affordable(study, Setting(Shape(8, 1), 0.01, 4000), notes) == design(study, Shape(8, 1))
    assert notes == []


def test_cells_still_improving_at_the_most_steps_are_fitted_and_flagged(
    study: Investigation, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_law(monkeypatch.setattr)
    notes: list[str] = []
    slow = Surface(lambda trial: falls(trial) * (1 + (trial.shape.width == 8) * 400 / trial.steps))
    law = slow.drive(fit_law(study, Setting(Shape(4, 1), 0.01, 1000), notes)).values

    assert law is not None
    assert {point["width"] for point in law["points"] if point["capped"]} == {8}
    assert law["valid_range"]["params"] == [
        min(p["params"] for p in law["points"]),
        max(p["params"] for p in law["points"]),
    ]
    assert "are fitted as they stood" in notes[0]


def test_where_the_time_is_up_cells_are_fitted_as_they_stand(
    study: Investigation, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_law(monkeypatch.setattr)
    notes: list[str] = []
    surface = Surface(lambda trial: falls(trial) * (1 + 400 / trial.steps))

    def now() -> float:
        return sum(trial.steps for trial in surface.trials)

    study.clock = Clock(1.5e5, priced, now=now)
    law = surface.drive(fit_law(study, Setting(Shape(4, 1), 0.01, 1000), notes))

    assert now() <= 1.5e5
    assert not law.is_whole
    assert law.values is not None
    assert len(law.values["points"]) == 12
    assert all(point["capped"] for point in law.values["points"])
    assert any(note.startswith("law: the time was up before its cells had settled; ") for note in notes)


def test_where_the_time_is_up_while_rates_are_sought_cells_are_fitted_all_the_same_and_the_notes_say_so(
    study: Investigation, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_law(monkeypatch.setattr)
    notes: list[str] = []
    surface = Surface(lambda trial: falls(trial) / 4, best_rate=0.08)

    def now() -> float:
        return 1e9 if surface.trials else 0.0

    study.clock = Clock(1.5e5, priced, now=now)
    law = surface.drive(fit_law(study, Setting(Shape(4, 1), 0.01, 1000), notes))

    assert not law.is_whole
    assert law.values is not None
    assert "law: in 12 of 12 cells the best learning rate is the edge of those tried" in notes
