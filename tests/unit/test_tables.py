"""Tables of trainings: written and read again, and refused where they are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from harness.search.base import Setting
from harness.tables import Design, read_table, write_table
from harness.tabulate import DESIGNS
from harness.trial import Outcome, Shape, Trial
from registry.errors import InvalidData
from tests.fake_outcomes import DIVERGED

DESIGN: Final = Design({0: (0,), 1: (2, 4)}, (0.01, 0.02), (100, 300), 4, resolutions=(8, 16))
FACTS: Final[dict[str, Any]] = {
    "dataset": "glyphs", "family": "mlp", "n_val": 50, "n_test": 200, "chance_error": 0.9, "batch_size": 32, "seeds": 4,
}  # fmt: skip
PARAMS: Final = {shape: 10 + shape.width * (shape.resolution or 0) for shape in DESIGN.shapes()}
FLOPS: Final = {shape: 2.5 * n for shape, n in PARAMS.items()}


def outcome(trial: Trial) -> Outcome:
    """Made-up counts: so many wrong answers of 50 and of 200 that no two cells are alike."""
    if (trial.shape.width, trial.seed, trial.steps) == (4, 3, 300):
        return DIVERGED
    wrong = trial.shape.width + trial.seed + 5 * (trial.steps == 100) + 10 * (trial.learning_rate == 0.02)
    return Outcome("ok", val_error=wrong / 50, val_loss=0.1, best_step=1, test_error=(2 * wrong + 1) / 200)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    trials = DESIGN.trials("glyphs", "mlp", 1000, 32)
    write_table(path, FACTS, [(trial, outcome(trial)) for trial in trials], PARAMS, FLOPS)
    return path


def test_a_design_is_every_cell_with_every_seed() -> None:
    trials = DESIGN.trials("glyphs", "mlp", 1000, 32)
    cells = {(trial.shape, trial.learning_rate, trial.steps) for trial in trials}

    assert DESIGN.shapes()[:3] == [Shape(0, 0, 8), Shape(2, 1, 8), Shape(4, 1, 8)]
    assert len(trials) == len({trial.key for trial in trials}) == 2 * 3 * 2 * 2 * 4
    assert len(cells) == 24
    assert [trial.seed for trial in trials[:5]] == [0, 1, 2, 3, 0]
    assert all(trial.tested for trial in trials)


def test_what_is_written_is_read(written: Path) -> None:
    table = read_table(written)

    assert (table.facts, table.params, table.flops) == (FACTS, PARAMS, FLOPS)
    assert table.name == "glyphs/mlp"
    assert table.val_errors.shape == table.test_errors.shape == (24, 4)
    for trial in DESIGN.trials("glyphs", "mlp", 1000, 32):
        row = table.rows[Setting(trial.shape, trial.learning_rate, trial.steps)]
        made = outcome(trial)
        expected = (np.inf, 1.0) if made.val_error is None else (made.val_error, made.test_error)

        assert (table.val_errors[row, trial.seed], table.test_errors[row, trial.seed]) == pytest.approx(expected)


def test_a_table_without_resolutions_has_none(tmp_path: Path) -> None:
    design = Design({1: (3,)}, (0.01,), (100,), 2)
    trials = design.trials("digits", "mlp", 1000, 32)
    write_table(tmp_path / "t.csv", FACTS, [(t, outcome(t)) for t in trials], {Shape(3, 1): 7}, {Shape(3, 1): 9.0})
    table = read_table(tmp_path / "t.csv")

    assert list(table.rows) == [Setting(Shape(3, 1), 0.01, 100)]


def test_a_run_costs_three_forward_passes_of_every_example_seen(written: Path) -> None:
    setting = Setting(Shape(4, 1, 16), 0.01, 300)

    assert read_table(written).train_flops(setting) == 3 * FLOPS[setting.shape] * 300 * 32


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: "", "is no table of trainings: its first line"),
        (lambda text: text.partition("\n")[2], "is no table of trainings: its first line"),
        (lambda text: text.replace("val_wrong", "val_errors"), "has columns .*, expected width, depth, resolution"),
        (lambda text: text.replace("2 3 4 5", "2 3 4"), "cells have different numbers of seeds"),
        (
            lambda text: text.replace('# {"', "# {bad", 1),
            "table.csv, line 1: what cells share is no JSON object: Expect",
        ),
        (lambda text: text.replace("batch_size", "batch"), "table.csv, line 1: facts.batch_size is missing$"),
        (lambda text: text.replace('": 50', '": "many"'), 'facts.n_val is "many", expected a whole number from 1'),
        (lambda text: text.replace('": 0.9', '": 1.9'), r"facts.chance_error is 1.9, expected a fraction in \[0, 1\]"),
        (lambda text: text.replace("\n2,1,8,", "\ntwo,1,8,", 1), "line 7: width is two, expected a whole number of at"),
        (lambda text: text.replace("\n2,1,8,", "\n0,1,8,", 1), "line 7: shape.width is 0 at depth 1"),
        (
            lambda text: text.replace(",65.0,0.01", ",nan,0.01", 1),
            "line 7: flops is nan, expected a finite number of at",
        ),
        (lambda text: text.replace("\n2,1,8,", "\n2,1,", 1), "line 7: the row has another number of columns than 9"),
        (lambda text: text.replace("0.02,100", "0.01,100", 1), "line 4: width 0, .* rate 0.01, 100 steps stands twice"),
        (
            lambda text: text.replace("2 3 4 5", "2 3 4 5.5"),
            "val_wrong holds 5.5, expected counts .* from 0 to 50, or -",
        ),
        (lambda text: text.replace("2 3 4 5", "2 3 4 51"), "val_wrong holds 51, expected counts .* from 0 to 50, or -"),
    ],
    ids=[
        "empty",
        "no-facts",
        "other-columns",
        "seed-missing",
        "facts-no-json",
        "fact-missing",
        "fact-no-number",
        "fact-out-of-range",
        "width-no-number",
        "no-such-shape",
        "flops-nan",
        "column-missing",
        "cell-twice",
        "count-no-number",
        "count-too-large",
    ],
)
def test_what_is_no_table_is_refused(written: Path, damage: Callable[[str], str], message: str) -> None:
    damaged = damage(written.read_text())
    assert damaged != written.read_text()
    written.write_text(damaged)

    with pytest.raises(InvalidData, match=message):
        read_table(written)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InvalidData, match=r"t\.csv is no table of trainings: it is not UTF-8 text"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize("name", DESIGNS)
def test_designs_can_tell_what_the_comparison_asks_for(name: str) -> None:
    design = DESIGNS[name]
    ratios = [b / a for a, b in zip(design.rates, design.rates[1:], strict=False)]

    assert design.seeds >= (40 if name.endswith("mlp") else 16)
    assert len(design.steps) in (2, 3)
    assert ratios == pytest.approx([2.0] * len(ratios))
    assert all(list(widths) == sorted(set(widths)) for widths in design.widths.values())
