"""Our own grids scored: what is held out, what the smallest shape is, pruned networks, floors."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from harness.grid import Grid, GridCell, write_grid
from harness.scoring import held_out, own
from harness.trial import Shape

SIZES = (300, 1_000, 3_000, 10_000, 30_000, 100_000)
WIDTHS = (4, 8, 16, 32, 64, 128)
N_VAL = 1_000_000  # so that errors are hardly rounded


def cell(n: int, width: int, error: float, parent: int | None = None) -> GridCell:
    noise = np.random.default_rng([n, width, parent or 0]).normal(0, 0.01, 3)
    errors = tuple(float(value) for value in error * np.exp(noise))
    return GridCell(n, Shape(width, 1), parent, 300 * width, 600.0, 0.01, 1000, False, True, errors, n * 1.0, n * 9.0)


def grid(dataset: str = "glyphs-n100000", cells: list[GridCell] | None = None, chance: float = 0.96) -> Grid:
    cells = cells or [cell(n, w, 0.01 + 6 * n**-0.5 + 0.6 / w) for n in SIZES for w in WIDTHS]
    return Grid({"dataset": dataset, "family": "mlp", "n_val": N_VAL, "chance_error": chance}, tuple(cells))


def test_far_cells_are_predicted_from_cells_that_are_smaller_in_both() -> None:
    near, nearer = own.far(grid())

    assert (near.n_cells, nearer.n_cells) == (4 * 5, 3 * 4)
    assert near.actual == pytest.approx(0.01 + 6 * 1e-5**0.5 + 0.6 / 128, rel=0.02)
    assert abs(near.divergence) < 0.15
    assert near.flops_ratio == pytest.approx(100_000 / (5 * (300 + 1_000 + 3_000 + 10_000)))


def test_a_grid_without_far_cells_has_none() -> None:
    assert list(own.far(grid(cells=[cell(n, 8, 0.2) for n in SIZES[:4]]))) == []


def test_smallest_shapes_are_predicted_from_fewer_examples_than_they_are_measured_at() -> None:
    found = list(own.cases(grid()))

    assert {case.n_train for case in found} == {30_000, 100_000}
    assert len(found) == 8
    for case in found:
        width = next(w for w in WIDTHS if 0.01 + 6 * case.n_train**-0.5 + 0.6 / w <= case.target_error * 1.02)
        assert case.measured in (300 * width, 600 * width)  # noise may cost a notch
    assert sum(case.factor <= 2 for case in found) >= 6


def test_a_target_that_no_predicted_shape_meets_is_far_off() -> None:
    assert own.Case("a", 100, 0.1, None, 300).factor == math.inf
    assert own.Case("a", 100, 0.1, 150, 300).factor == 2.0


def test_pruned_cells_are_compared_with_the_pruning_law() -> None:
    plateau, slope = 0.9, 1.5

    def error(width: int, parent: int, n: int) -> float:
        unpruned, m = 3 * n**-0.5, width / parent * parent**0.5
        ratio = (plateau / unpruned) ** (1 / slope)
        return unpruned * ((m**2 + 0.09 * ratio**2) / (m**2 + 0.09)) ** (slope / 2)

    cells = [cell(n, parent, 3 * n**-0.5) for n in (1_000, 10_000) for parent in (16, 32, 64)]
    cells += [
        cell(n, round(parent * share), error(round(parent * share), parent, n), parent)
        for n in (1_000, 10_000)
        for parent in (16, 32, 64)
        for share in (1.0, 0.5, 0.25, 0.125)
    ]
    found = own.pruned(grid(cells=cells))

    assert found is not None
    assert abs(found.fitted.mean) < 0.02
    assert found.fitted.sd < 0.06
    assert own.pruned(grid()) is None


def test_floors_are_compared_with_the_truth_where_it_is_known() -> None:
    cells = [cell(n, w, 0.14 + 2 * n**-0.5 + 0.3 / w) for n in SIZES[:5] for w in WIDTHS[:5]]
    found = own.floor(grid("waveform", cells, chance=0.67))

    assert found is not None
    assert found.truth == pytest.approx(0.13, abs=0.005)
    bounds = ((None, None), (0.14, None), (None, 0.12))
    assert [own.Floor("a", 0.1, *ends, truth=0.13).covers for ends in bounds] == [True, False, False]
    assert own.floor(grid()) is None


def test_intervals_are_scored_where_the_most_examples_or_the_widest_networks_were_held_out() -> None:
    cells = [cell(n, w, 0.01 + 6 * n**-0.5 + 0.6 / w) for n in SIZES[1:] for w in WIDTHS[2:]]
    curves = list(held_out.curves(grid(cells=cells), print))
    of_n, of_width = held_out.surfaces(grid(cells=cells))

    assert [one.held_out for one in curves] == [f"width {w}, n_train 100,000" for w in WIDTHS[2:]]
    assert {one.n_points for one in curves} == {1}
    assert sum(one.cover90 for one in curves) >= 3
    assert (of_n.held_out, of_n.n_points) == ("n_train 100,000", 4)
    assert (of_width.held_out, of_width.n_points) == ("width 128 and more", 5)
    for one in (of_n, of_width):
        assert one.cover80 <= one.cover90


def test_a_cell_that_lies_outside_its_interval_is_not_covered_and_an_unsettled_one_not_judged() -> None:
    cells = [cell(n, w, 0.01 + 6 * n**-0.5 + 0.6 / w) for n in SIZES for w in WIDTHS[:1]]
    strayed = dataclasses.replace(cells[-1], errors=(0.9, 0.9, 0.9))
    (found,) = held_out.curves(grid(cells=[*cells[:-1], strayed]), print)
    capped = dataclasses.replace(cells[-1], capped=True)

    assert (found.cover80, found.cover90) == (0.0, 0.0)
    said: list[str] = []
    assert list(held_out.curves(grid(cells=[*cells[:-1], capped]), said.append)) == []
    assert list(held_out.curves(grid(cells=cells[2:]), said.append)) == []
    assert said[0].endswith("curves not judged, their last cell still falling at the most steps: 1")
    assert "no curve with its last cell held out: width 4: a law with 3 parameters needs" in said[1]


def test_report_says_and_returns_every_score(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    law = own.fit(grid(), list(grid().cells))
    monkeypatch.setattr(own, "fit", lambda *_: law)  # one fit instead of six: fits have tests of their own
    monkeypatch.setattr("harness.scoring.cells.fit", lambda *_: law)
    write_grid(tmp_path / "a.csv", grid())
    said: list[str] = []
    found = {name: score() for name, score in own.parts(said.append, tmp_path).items()}

    keys = ("far", "smallest", "pruned", "floors", "covered")
    assert [len(found[key]) for key in keys] == [2, 8, 0, 0, len(WIDTHS) + 2]
    assert said[0].startswith("glyphs-n100000/mlp: 20 cells up to n 10,000, width 64 predict n 100,000, width 128: ")
    assert said[2].startswith("smallest shape, 8 cases: params within 25 % in ")
    assert said[3].startswith("curves of our own, 6 fits on 1 grids, with cells held out: 80 % interval holds ")
    assert said[4].startswith("surfaces of our own, 2 fits on 1 grids, with cells held out: 80 % interval holds ")
