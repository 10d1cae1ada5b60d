"""What the figure of a guideline shows of its networks and of the cells of its law."""

from __future__ import annotations

from typing import Any

import pytest

from harness import drawing
from harness.commands import plot
from tests.example_record import example_record


def names_in(law: dict[str, Any]) -> list[str]:
    _, [axes] = drawing.figure()
    plot._draw_law(axes, law, {"name": "accuracy", "direction": "higher"})
    return axes.get_legend_handles_labels()[1]


@pytest.mark.parametrize("highest", [1000, 500])
def test_a_cell_still_improving_is_drawn_as_fitted_where_the_range_holds_it(highest: int) -> None:
    law = example_record(surface=True)[0]["law"]
    law["points"] = [{**point, "capped": point["n_train"] == 1000} for point in law["points"]]
    law["valid_range"]["n_train"] = [60, highest]
    names = names_in(law)

    assert "measured" in names
    assert ("measured, still improving at the most steps" in names) == (highest == 1000)
    assert ("measured, not fitted" in names) == (highest == 500)


def test_a_frontier_of_one_size_is_drawn_in_the_middle_of_a_scale_that_has_a_width() -> None:
    record, _ = example_record()
    record["frontier"] = [{**record["frontier"][0], "bracket": []}]
    made, [axes] = drawing.figure()
    plot._draw_frontier(axes, record, "one size")
    made.draw_without_rendering()

    assert axes.get_xlim() == (305, 1220)
    assert axes.get_xscale() == "log"


def test_a_frontier_without_any_error_is_drawn_beside_a_method_without_any() -> None:
    record, _ = example_record()
    perfect = {**record["frontier"][0]["test"], "median": 1.0, "low": 1.0, "high": 1.0}
    record["frontier"] = [{**record["frontier"][0], "test": perfect, "bracket": []}]
    record["baselines"] = [{**record["baselines"][0], "name": "linear", "metric": 1.0}]
    made, [axes] = drawing.figure()
    plot._draw_frontier(axes, record, "no error")  # a warning, as of a scale of no width, would be an error here
    made.draw_without_rendering()

    assert axes.get_ylim() == (plot.LEAST / 2, plot.LEAST * 2)
