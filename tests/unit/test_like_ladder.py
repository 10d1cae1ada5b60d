"""Ladders: how widths are tuned, the knee by hand, the file, the committed table."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from harness import plugins
from harness.like.climb import FIRST_STEPS, FRESH, RATES, Settled, climb, template
from harness.like.folk import params
from harness.like.knees import DESIGNS
from harness.like.ladder import KNEES, Ladder, read_ladder, read_ladders, write_ladder
from harness.procedure import drive
from harness.trial import Outcome, Trial
from registry.errors import InvalidData
from registry.statistics import knee_limit
from tests.like_data import ladder
from tests.repository import ROOT

COMMITTED = read_ladders()
BEST = {1: 0.04, 8: 0.02, 64: 0.01}


def outcome(trial: Trial) -> Outcome:
    """Fall with width, down to 4,000 steps; best at a rate that falls with width; width 64 diverges at high rates."""
    width = trial.shape.width
    if width == 64 and trial.learning_rate > 0.03:
        return Outcome("diverged")
    longer = 0.02 * max(0.0, math.log2(4000 / trial.steps)) if width > 1 else 0.0
    error = 0.1 + 0.8 / width**2 + longer + 0.001 * abs(math.log2(trial.learning_rate / BEST[width]))
    return Outcome("ok", val_error=error + 1e-5 * (trial.seed % FRESH), val_loss=error, best_step=1)


def climbed(most_steps: int = 16_000) -> tuple[dict[int, Settled], list[list[Trial]]]:
    rounds: list[list[Trial]] = []

    def run(trials: list[Trial]) -> list[Outcome]:
        rounds.append(trials)
        return [outcome(trial) for trial in trials]

    start = template("waveform", "mlp", 1, None, 500, 32)
    found = drive(climb(start, (1, 8, 64), seeds=2, fresh=5, most_steps=most_steps), run)
    return {one.trial.shape.width: one for one in found}, rounds


def test_every_width_gets_its_own_rate() -> None:
    found, _ = climbed()

    assert {width: one.trial.learning_rate for width, one in found.items()} == BEST


def test_steps_double_until_error_stands_still() -> None:
    found, rounds = climbed()

    assert found[8].trial.steps == found[64].trial.steps == 4000
    assert not found[8].capped
    assert max(trial.steps for trials in rounds for trial in trials) == 8000


def test_a_width_out_of_the_question_is_trained_no_longer_than_it_takes_to_see_that() -> None:
    found, rounds = climbed()
    steps = {trial.steps for trials in rounds for trial in trials if trial.shape.width == 1}

    assert (found[1].trial.steps, found[1].capped) == (2 * FIRST_STEPS, True)
    assert steps == {FIRST_STEPS, 2 * FIRST_STEPS}


def test_steps_end_at_the_most_and_say_so() -> None:
    found, _ = climbed(most_steps=2000)

    assert (found[64].trial.steps, found[64].capped) == (2000, True)


def test_errors_are_of_seeds_that_tuning_has_not_seen() -> None:
    found, rounds = climbed()
    tuned = {trial.seed for trials in rounds[:-1] for trial in trials}

    assert tuned == {0, 1}
    assert {trial.seed for trial in rounds[-1]} == set(range(FRESH, FRESH + 5))
    assert [len(one.errors) for one in found.values()] == [5, 5, 5]
    assert {trial.learning_rate for trial in rounds[0]} == set(RATES)


def test_the_knee_is_the_smallest_width_within_a_tenth_of_the_wide_end() -> None:
    made = ladder({4: (0.3,), 8: (0.11, 0.5, 0.1), 16: (0.09,), 32: (0.1,), 64: (0.11,)})

    assert (made.knee().floor, made.knee().rung.width, made.knee().is_open) == (0.09, 16, False)


def test_a_narrow_width_that_beats_the_wide_end_is_the_knee() -> None:
    made = ladder({1: (0.05,), 16: (0.2,), 32: (0.2,), 64: (0.21,)})

    assert made.knee().rung.width == 1


def test_a_knee_at_the_widest_may_be_larger() -> None:
    made = ladder({16: (0.5,), 32: (0.4,), 64: (0.2,)})

    assert (made.knee().rung.width, made.knee().is_open) == (64, True)


def test_none_wrong_allows_none_wrong() -> None:
    made = ladder({8: (0.0025,), 16: (0.0,), 64: (0.0,)})

    assert made.knee().rung.width == 16


def test_a_ladder_survives_its_file(tmp_path: Path) -> None:
    made = ladder({8: (0.25, math.inf, 0.2), 64: (0.1, 0.1, 0.0025)}, resolution=16, subset=500)
    write_ladder(tmp_path / "one.csv", made)

    assert read_ladder(tmp_path / "one.csv") == made
    assert made.name == "waveform-at-16-of-500"
    assert "100 - 80" in (tmp_path / "one.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"n_train": 1000, "neigh', '"n_train": 0, "neigh', r"line 1: facts.descriptors.n_train is 0"),
        ('"n_val": 400', '"n_val": 10', r"line 3: val_wrong holds 100"),
        ("\n64,", "\n8,", r"widths do not rise"),
        ("descriptors", "described", r"facts.descriptors is null, expected an object"),
    ],
)
def test_a_damaged_ladder_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "one.csv"
    write_ladder(path, ladder({8: (0.25,), 64: (0.1,)}))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(InvalidData, match=message):
        read_ladder(path)


def test_a_dozen_data_sets_are_committed_under_the_names_of_their_designs() -> None:
    assert len(COMMITTED) >= 12
    assert {one.name for one in COMMITTED} <= set(DESIGNS)
    assert {path.stem for path in KNEES.glob("*.csv")} == {one.name for one in COMMITTED}


@pytest.mark.parametrize("made", COMMITTED, ids=lambda made: made.name)
def test_a_committed_knee_follows_from_its_counts(made: Ladder) -> None:
    n_val, widest = made.facts["n_val"], made.rungs[-1].width
    medians = {rung.width: sorted(rung.errors)[len(rung.errors) // 2] for rung in made.rungs}
    limit = knee_limit(min(error for width, error in medians.items() if 4 * width >= widest), "lower", n_val)
    knee = made.knee().rung.width

    assert all(len(rung.errors) >= 5 for rung in made.rungs)
    assert (made.rungs[0].width, widest) == (1, 256)
    assert all(medians[width] > limit for width in medians if width < knee)
    assert [rung.params for rung in made.rungs] == [params(rung.width, made.descriptors) for rung in made.rungs]
    assert made.facts["n_train"] == made.descriptors.n_train


@pytest.mark.parametrize("made", COMMITTED, ids=lambda made: made.name)
def test_committed_params_are_those_of_the_family(made: Ladder) -> None:
    data = plugins.load("datasets", made.facts["dataset"]).at(made.facts["resolution"])
    family = plugins.load("families", made.facts["family"])
    start = template(data.name, "mlp", made.facts["depth"], made.facts["resolution"], 1, 32)

    assert made.rungs[0].params == family.params(data.input_shape, data.n_outputs, start.shape)


def test_the_page_shows_the_committed_knees() -> None:
    page = (ROOT / "docs" / "like.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| ([a-z0-9-]+) \| [^|]+ \| [^|]+ \| [^|]+ \| (\d+)\+? \| ([\d,]+) \|", page, flags=re.MULTILINE
    )
    knees = {one.name: one.knee().rung for one in COMMITTED}

    assert {name: (int(width), int(size.replace(",", ""))) for name, width, size in rows} == {
        name: (rung.width, rung.params) for name, rung in knees.items()
    }
