"""Figures of laws and frontiers: what they show, and that the same input gives the same file."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from harness import drawing
from registry.errors import UsageError

LAW = {
    "variables": ["n_train"],
    "forms": [{"form": "power-law", "weight": 1.0, "parameters": {"coefficient": 2.0, "exponent": 0.5, "floor": 0.01}}],
    "draws": [[0, 2.0, 0.5, 0.009], [0, 2.0, 0.5, 0.011]],
    "interval": {"factor80": 1.3, "factor90": 1.7, "noise": 0.02, "drift": 0.01, "run_sd": 0.05},
    "valid_range": {"n_train": [100, 10_000]},
    "points": [],
    "backtest_error": 0.02,
    "width_floor": None,
    "irreducible_error": {"value": 0.01, "low": 0.009, "high": 0.011},
    "regions": {"small_data_end": {"value": 200.0, "low": None, "high": 300.0}, "irreducible_start": None},
    "chance": None,
}
REGIONS = ("small_data_end", "irreducible_start")
MARKS = [drawing.Mark(100, 0.21, 0.01), drawing.Mark(1000, 0.073), drawing.Mark(10_000, 0.03, 0.5, fitted=False)]


def drawn(path: Path) -> str:
    made, [axes] = drawing.figure()
    drawing.draw_law(axes, LAW, MARKS, name="curve a", reach=1e6)
    drawing.draw_regions(axes, LAW)
    drawing.draw_floor(axes, LAW)
    drawing.draw_target(axes, 0.02, "error 0.02", [(40_000.0, 30_000.0, None)])
    drawing.label(axes, "training examples", "error", "a law")
    drawing.save(made, path)
    return path.read_text() if path.suffix == ".svg" else ""


def test_figure_names_what_it_shows(tmp_path: Path) -> None:
    text = drawn(tmp_path / "a.svg")

    for words in ("curve a", "small data", "floor 0.01", "error 0.02", "training examples", "1,000,000", "a law"):
        assert f">{words}<" in text
    assert ">irreducible<" not in text


def test_names_stand_below_the_axes_each_once() -> None:
    made, [axes] = drawing.figure()
    for at, colour in enumerate(drawing.COLOURS[:2]):
        drawing.draw_law(axes, LAW, MARKS, name="ab"[at], colour=colour)
    drawing.draw_floor(axes, LAW)
    drawing.draw_target(axes, 0.02, "error 0.02", [(40_000.0, 30_000.0, None)])
    drawing.label(axes, "training examples", "error", "a law")
    made.draw_without_rendering()
    legend = axes.get_legend()
    assert legend is not None
    names = [text.get_text() for text in legend.get_texts()]

    assert names.count("measured") == names.count("90 % interval") == 1
    assert {"a", "b", "floor 0.01", "error 0.02"} <= set(names)
    assert legend.get_window_extent().y1 < axes.get_window_extent().y0
    assert legend.get_window_extent().y0 >= 0


def test_a_panel_that_has_a_legend_keeps_it() -> None:
    _, [axes] = drawing.figure()
    axes.plot([1, 2], [1, 2], label="mine")
    mine = axes.legend()
    drawing.label(axes, "x", "y", "t")

    assert axes.get_legend() is mine


def test_what_is_drawn_differs_in_more_than_colour() -> None:
    _, [axes] = drawing.figure()
    for colour in drawing.COLOURS:
        drawing.draw_law(axes, LAW, MARKS[:1], name=colour, colour=colour)
    markers = [container.lines[0].get_marker() for container in axes.containers]
    drawing.draw_regions(axes, {**LAW, "regions": {key: {"value": 500.0} for key in REGIONS}})
    drawing.draw_floor(axes, LAW)
    drawing.draw_target(axes, 0.02, "error 0.02")
    styles = {str(line.get_label()): line.get_linestyle() for line in axes.lines}
    hatches = [patch.get_hatch() for patch in axes.patches]

    assert len(set(markers)) == len(drawing.COLOURS)
    assert [styles[name] for name in (drawing.LAW, "beyond the range", "floor 0.01", "error 0.02")] == [
        "-", "--", ":", "-.",
    ]  # fmt: skip
    assert len(set(hatches)) == len(hatches) == 3


def test_colours_are_told_apart_by_colour_blind_readers() -> None:
    # Brettel, Vienot and Mollon 1997 in its usual linear form, for readers without long- or middle-wave cones
    blind = {
        "protan": [[0.1523, 1.0523, -0.2045], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0482, 1.0521]],
        "deutan": [[0.3673, 0.8607, -0.2280], [0.2803, 0.6727, 0.0470], [-0.0118, 0.0430, 0.9689]],
    }
    for matrix in blind.values():
        seen = np.array([[np.dot(row, mpl.colors.to_rgb(colour)) for row in matrix] for colour in drawing.COLOURS])
        apart = np.linalg.norm(seen[:, np.newaxis] - seen[np.newaxis], axis=2) + np.eye(len(seen))

        assert apart.min() > 0.15
    assert np.linalg.norm(np.subtract(mpl.colors.to_rgb(drawing.LAW), mpl.colors.to_rgb(drawing.ASKED))) > 0.5


def test_a_surface_has_no_regions() -> None:
    _, axes = drawing.figure(panels=2)
    for panel, names in zip(axes, (["n_train"], ["n_train", "params"]), strict=True):
        drawing.logarithmic(panel)
        panel.set_xlim(50, 20_000)
        drawing.draw_regions(panel, LAW | {"variables": names})

    assert [panel.get_legend_handles_labels()[1] for panel in axes] == [["small data"], []]


def test_same_input_gives_the_same_svg(tmp_path: Path) -> None:
    assert drawn(tmp_path / "a.svg") == drawn(tmp_path / "b.svg")


def test_png_is_written(tmp_path: Path) -> None:
    drawn(tmp_path / "a.png")

    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_floor_of_nothing_is_not_drawn_and_an_open_one_says_so() -> None:
    made, axes = drawing.figure(panels=2)
    drawing.draw_floor(axes[0], {"irreducible_error": {"value": 0.0, "low": None, "high": 0.1}})
    drawing.draw_floor(axes[1], {"irreducible_error": {"value": 0.02, "low": None, "high": 0.1}})

    assert axes[0].get_legend_handles_labels()[1] == []
    assert axes[1].get_legend_handles_labels()[1] == ["floor 0.02 (may be lower)"]
    assert len(made.axes) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.jpeg", "its name ends in none of .svg, .png, .pdf"), ("nowhere/a.svg", "there is no folder")],
)
def test_a_file_that_no_figure_goes_to_is_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        drawing.check_path(tmp_path / name)

    assert message in caught.value.message
