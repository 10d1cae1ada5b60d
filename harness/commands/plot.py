"""`guides plot`: draw a guideline's frontier and its law."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from registry import index, parse, roots, shelf
from registry.options import examples, quiet, registries, warn

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAST: Final = 1e-4  # an error of 0 is drawn here
DATA: Final = {"n_train": "training examples", "steps": "optimiser steps"}


@click.command(
    "plot",
    epilog=examples(
        "guides plot image-cls/digits/mlp -o digits.svg", "guides plot image-cls/digits/mlp@1 -o digits.png"
    ),
)
@click.argument("record", metavar="ID[@VERSION]")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="FILE.svg, .png or .pdf."
)
@registries
@quiet
def COMMAND(record: str, output: Path, registry: tuple[str, ...], quiet: bool) -> None:
    """Draw the networks of a guideline over their size and, where it has one, its law over data."""
    from harness import drawing

    drawing.check_path(output)
    record_id, version = parse.record_id(record)
    tell = partial(warn, is_quiet=quiet)
    places = index.read(roots.find(registry), lambda opened: shelf.pick(opened, record_id, version), tell)
    values = shelf.read(places[0])
    law = values.get("law")
    made, axes = drawing.figure(panels=2 if law else 1)
    name = f"{places[0].id} v{places[0].version}"
    _draw_frontier(axes[0], values, name)
    if law:
        _draw_law(axes[1], law, values["question"]["metric"])
    drawing.save(made, output)
    kind = "certified" if values["evidence"] == "measured" else "published"
    n = len(values["frontier"])
    click.echo(f"{output}: {name}, {n} {kind} network{'' if n == 1 else 's'}{', and its law' if law else ''}")


def _draw_frontier(axes: Axes, values: dict[str, Any], title: str) -> None:
    """Draw error over params: certified or published networks, what was tried below them, baselines as lines."""
    from harness import drawing

    metric = values["question"]["metric"]
    kind = "certified" if values["evidence"] == "measured" else "published"
    drawing.logarithmic(axes)
    drawn: list[float] = []  # errors, and the ends of their intervals
    for route, face in (("scratch", drawing.LAW), ("pruned", "white"), ("distilled", drawing.MUTED)):
        points = [point for point in values["frontier"] if point["route"] == route and point["params"]]
        if not points:
            continue
        tests = [_figure(point) for point in points]
        errors = [_error(middle, metric) for middle, _, _ in tests]
        ends = [sorted(_error(end, metric) for end in both) for _, *both in tests]
        drawn += [*errors, *(end for both in ends for end in both)]
        bars = [
            [max(0.0, error - low) for error, (low, _) in zip(errors, ends, strict=True)],
            [max(0.0, high - error) for error, (_, high) in zip(errors, ends, strict=True)],
        ]
        axes.errorbar(
            [point["params"] for point in points], errors, yerr=bars, fmt="o", color=drawing.LAW, markerfacecolor=face,
            elinewidth=1, markersize=6, label=f"{kind}, {route}",
        )  # fmt: skip
    brackets = [part for point in values["frontier"] for part in point.get("bracket") or () if part.get("test")]
    for verdict, marker in (("refuted", "x"), ("undecided", "+")):
        chosen = [part for part in brackets if part["verdict"] == verdict]
        if chosen:
            axes.plot(
                [part["params"] for part in chosen], [_error(part["test"]["median"], metric) for part in chosen],
                marker, color=drawing.MUTED, markersize=6, linestyle="none", label=f"smaller, {verdict}",
            )  # fmt: skip
    baselines = [one for one in values.get("baselines") or () if one["name"] != "majority"]
    if baselines:
        best = min(baselines, key=lambda one: _error(one["metric"], metric))
        error = _error(best["metric"], metric)
        drawing.widen(axes, [], [*drawn, *(_error(part["test"]["median"], metric) for part in brackets), error])
        axes.axhline(error, color=drawing.MUTED, linewidth=1, linestyle=":")
        axes.annotate(
            f"{best['name']}, no network", (0.99, error), (0, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", color=drawing.MUTED, fontsize=8,
        )  # fmt: skip
    sizes = [point["params"] for point in values["frontier"] if point["params"]]
    drawing.widen(axes, sizes + [part["params"] for part in brackets])
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8)
    drawing.label(axes, "params", _axis(metric), title)


def _draw_law(axes: Axes, law: dict[str, Any], metric: dict[str, Any]) -> None:
    """Draw the law: of a surface one curve a size that was measured, else the one curve."""
    import matplotlib as mpl

    from harness import drawing

    variable, *sizes = drawing.variables(law)
    groups: dict[tuple[float, ...], list[Any]] = {}
    for point in law["points"]:
        groups.setdefault(tuple(point.get(size) or 1 for size in sizes), []).append(point)
    colours = mpl.colormaps["viridis"].resampled(max(2, len(groups) + 1))
    for i, (key, points) in enumerate(sorted(groups.items())):
        marks = [
            drawing.Mark(point.get(variable) or point["n_train"], max(point["error"], LEAST), point.get("sd"),
                         fitted=_is_fitted(law, point), improving=point["capped"])
            for point in points
        ]  # fmt: skip
        named = ", ".join(f"{value:,.0f} {size}" for size, value in zip(sizes, key, strict=True))
        colour = drawing.LAW if len(groups) == 1 else mpl.colors.to_hex(colours(i))
        drawing.draw_law(axes, law, marks, name=named, colour=colour, sizes=dict(zip(sizes, key, strict=True)))
    drawing.draw_regions(axes, law)
    drawing.draw_floor(axes, law)
    exact = "" if law.get("backtest_error") is None else f"; held-out cells missed by {law['backtest_error']:.0%}"
    drawing.label(axes, DATA[variable], f"validation {_axis(metric)}", f"law and 90 % interval{exact}")


def _is_fitted(law: dict[str, Any], point: dict[str, Any]) -> bool:
    """Say whether a law was fitted to a point: one whose steps ended too soon only where the range holds it.

    Laws of study grids take such cells as they stand; other laws leave them out, and their range ends before.
    """
    ranges = [(point.get(name), law["valid_range"][name]) for name in law.get("variables") or ["n_train"]]
    inside = all(value is not None and low <= value <= high for value, (low, high) in ranges)
    return inside or not point["capped"]


def _figure(point: dict[str, Any]) -> tuple[float, float, float]:
    """Return a point's figure with its bounds; one that is open stands at the figure."""
    if "test" in point:
        test = point["test"]
        return test["median"], test["low"], test["high"]
    value = point["value"]
    return value, *(value if point[end] is None else point[end] for end in ("low", "high"))


def _error(value: float, metric: dict[str, Any]) -> float:
    return max(LEAST, 1 - value if metric["direction"] == "higher" else value)


def _axis(metric: dict[str, Any]) -> str:
    return (
        "error"
        if metric["name"] == "accuracy"
        else f"1 - {metric['name']}"
        if metric["direction"] == "higher"
        else metric["name"]
    )
