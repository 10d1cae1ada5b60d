"""Draw laws and frontiers: what was measured, what is predicted, how sure that is.

Figures are drawn without a window system, to SVG or PNG by the file's name; the same input gives the same SVG.
Colours are those of Okabe and Ito (2008, Color Universal Design), which colour-blind readers tell apart, and nothing is
told by colour alone: each thing has a line style, a marker or a hatching of its own, and its name below the axes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from registry.errors import UsageError
from registry.law import evaluate

Needed = tuple[float, float | None, float | None]
INK: Final = "#1a1a1a"
MUTED: Final = "#6b7079"
LAW: Final = "#0072b2"
ASKED: Final = "#d55e00"
COLOURS: Final = (LAW, "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#000000")
MARKERS: Final = dict(zip(COLOURS, "os^Dvp", strict=True))
BEYOND: Final = 4.0  # times the range to either side that a law is drawn over, dashed
NARROW: Final = 4.0  # times the low end: up to there ticks are even
SAMPLES: Final = 60  # a segment
SUFFIXES: Final = (".svg", ".png", ".pdf")


@final
@dataclass(frozen=True)
class Mark:
    """One measured point.

    Args:
        size: Of its data.
        error: What was measured there.
        spread: Standard deviation of single runs, where known.
        fitted: Whether the law was fitted to it.
        improving: Whether runs were still improving at the most steps.
    """

    size: float
    error: float
    spread: float | None = None
    fitted: bool = True
    improving: bool = False


def check_path(path: Path) -> None:
    """Refuse a file that no figure can be written to.

    Raises:
        UsageError: If its ending is not one of a figure, or its folder does not exist.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"cannot draw to {path}: its name ends in none of {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise UsageError(f"cannot draw to {path}: there is no folder {path.parent}")


def variables(law: Mapping[str, Any]) -> list[str]:
    """Return what a law is a function of, data first."""
    return list(law.get("variables") or ["n_train"])


def figure(width: float = 6.4, height: float = 4.8, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """Return an empty figure of so many inches and its panels side by side."""
    made = Figure(figsize=(width * panels, height), layout="constrained")
    axes = made.subplots(1, panels, squeeze=False)[0]
    for one in axes:
        for side in ("top", "right"):
            one.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            one.spines[side].set_color(MUTED)
        one.tick_params(which="both", colors=INK, labelsize=9)
        one.grid(visible=True, which="major", color="#eceef1", linewidth=0.8)
        one.set_axisbelow(True)
    return made, list(axes)


def logarithmic(axes: Axes) -> None:
    """Make both scales logarithmic, with plain numbers at the ticks: 0.02, 1,000."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(_plain))
        axis.set_minor_formatter(FuncFormatter(partial(_plain_minor, axis)))


def _plain(value: float, _: int) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:.6g}"


def _plain_minor(axis: Axis, value: float, position: int) -> str:
    """Name ticks between powers of ten where there are too few of those to read a scale by."""
    low, high = axis.get_view_interval()
    leading = round(value / 10 ** math.floor(math.log10(value)), 6)
    wanted = range(1, 10) if high < 6 * low else (2, 5) if high < 100 * low else ()
    return _plain(value, position) if leading in wanted else ""


def save(made: Figure, path: Path) -> None:
    """Write a figure; an SVG has no date and no random ids, so that it is the same every time."""
    metadata: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower(), {})
    with mpl.rc_context({"svg.hashsalt": "sizing-guides", "svg.fonttype": "none"}):
        made.savefig(path, dpi=200, metadata=metadata)


def draw_law(
    axes: Axes,
    law: Mapping[str, Any],
    marks: Sequence[Mark],
    *,
    name: str = "",
    colour: str = LAW,
    sizes: Mapping[str, float] | None = None,
    reach: float = 0.0,
) -> None:
    """Draw a law with its 90 % interval, solid in its range and dashed beyond, over what it was fitted to.

    Args:
        axes: Where; both scales become logarithmic.
        law: A record's law.
        marks: What was measured; of a surface, at ``sizes``.
        name: What the law is called at its right end.
        colour: Of law and marks.
        sizes: ``params``, or ``width`` and ``depth``, of a law that has them; one left open is the best in the range.
        reach: Size that the law is drawn to at least.
    """
    logarithmic(axes)
    low, high = law["valid_range"][variables(law)[0]]
    end = max(high * BEYOND, reach)
    parts = ((low / BEYOND, low, "--", "beyond the range"), (low, high, "-", name or "law"), (high, end, "--", ""))
    for first, last, style, words in parts:
        at = np.geomspace(max(1.0, first), max(1.0, last), SAMPLES)
        found = [evaluate(law, float(x), extrapolate=True, **(sizes or {})) for x in at]
        inside = style == "-"
        axes.plot(at, [one.value for one in found], style, color=colour, linewidth=2 if inside else 1.2, label=words)
        if found[0].low is not None:
            lows, highs = ([getattr(one, end) for one in found] for end in ("low", "high"))
            axes.fill_between(at, lows, highs, color=colour, alpha=0.22 if inside else 0.1, linewidth=0)
            if inside:
                axes.fill_between([], [], [], color=colour, alpha=0.22, linewidth=0, label="90 % interval")
    kinds = (
        (True, False, colour, MARKERS.get(colour, "o"), "measured"),
        (True, True, colour, "P", "measured, still improving at the most steps"),
        (False, False, "white", MARKERS.get(colour, "o"), "measured, not fitted"),
        (False, True, "white", MARKERS.get(colour, "o"), "measured, not fitted"),
    )
    for kept, improving, face, marker, words in kinds:
        chosen = [mark for mark in marks if (mark.fitted, mark.improving) == (kept, improving)]
        if chosen:
            spread = [mark.spread or 0.0 for mark in chosen]
            lower = [min(s, 0.999 * mark.error) for s, mark in zip(spread, chosen, strict=True)]
            axes.errorbar(
                [mark.size for mark in chosen], [mark.error for mark in chosen], yerr=[lower, spread],
                fmt=marker, markersize=5, color=colour, markerfacecolor=face, markeredgecolor=INK,
                markeredgewidth=0.6, elinewidth=1, linestyle="none", label=words,
            )  # fmt: skip
    if name:
        value = evaluate(law, end, extrapolate=True, **(sizes or {})).value
        axes.annotate(name, (end, value), (4, 0), textcoords="offset points", color=INK, fontsize=9)


def draw_floor(axes: Axes, law: Mapping[str, Any]) -> None:
    """Draw the irreducible error, dotted, with its interval, hatched; one whose lower end is open says so."""
    floor = law["irreducible_error"]
    if floor["value"] <= 0:
        return
    state = "" if floor["low"] is not None else " (may be lower)"
    words = f"floor {floor['value']:.3g}{state}"
    axes.axhline(floor["value"], color=INK, linewidth=1.4, linestyle=":", label=words)
    if floor["low"] is not None and floor["high"] is not None:
        axes.axhspan(
            floor["low"], floor["high"], facecolor="none", edgecolor=MUTED, alpha=0.5, hatch="////", linewidth=0,
            label="its 90 % interval",
        )  # fmt: skip


def draw_regions(axes: Axes, law: Mapping[str, Any]) -> None:
    """Shade the small-data and the irreducible region of a curve, where they were located; a surface has none."""
    if len(variables(law)) > 1:
        return
    regions = law.get("regions") or {}
    low, high = axes.get_xlim()
    for key, words, hatch in (("small_data_end", "small data", "\\\\"), ("irreducible_start", "irreducible", "..")):
        found = regions.get(key)
        if found:
            span = (low, found["value"]) if key == "small_data_end" else (found["value"], high)
            axes.axvspan(
                *span, facecolor="#f4f5f7", edgecolor="#c9cdd3", hatch=hatch, zorder=0, linewidth=0, label=words
            )
    axes.set_xlim(low, high)


def draw_target(axes: Axes, error: float, words: str, needed: Sequence[Needed] = ()) -> None:
    """Draw the error asked for, and what data it takes with the interval of that; an open end has an arrow.

    Args:
        axes: Where.
        error: In error form.
        words: What the line is called.
        needed: For each curve that gets there data and the ends of its interval, None where open.
    """
    axes.axhline(error, color=ASKED, linewidth=1.4, linestyle="-.", label=words)
    for value, low, high in needed:
        axes.plot([value], [error], "D", color=ASKED, markersize=7, markeredgecolor=INK)
        ends = (low or value, high or axes.get_xlim()[1])
        axes.plot(ends, [error, error], color=ASKED, linewidth=3, alpha=0.45, solid_capstyle="butt")
        if high is None:
            axes.plot([ends[1]], [error], ">", color=ASKED, markersize=6, clip_on=False)


def widen(axes: Axes, x: Sequence[float], y: Sequence[float] = ()) -> None:
    """Show half to twice a value where it is the only one: a logarithmic scale of no width shows nothing."""
    for name, values in (("x", x), ("y", y)):
        if values and min(values) == max(values):
            axes.set(**{f"autoscale{name}_on": False})  # else limits of no width are set first, and warned of
            axes.set(**{f"{name}lim": (values[0] / 2, values[0] * 2)})


def label(axes: Axes, x: str, y: str, title: str) -> None:
    """Name the axes, the panel and what is drawn there; a scale that spans little gets even ticks."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        if low > 0 and high < NARROW * low:
            axis.set_major_locator(MaxNLocator(5))
            axis.set_minor_locator(NullLocator())
    axes.set_xlabel(x, color=INK, fontsize=10)
    axes.set_ylabel(y, color=INK, fontsize=10)
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    _name_below(axes)


def _name_below(axes: Axes) -> None:
    """Name what is drawn, each once, below the axes, where no data are; unless the panel has a legend already."""
    named = {name: handle for handle, name in reversed(list(zip(*axes.get_legend_handles_labels(), strict=True)))}
    if axes.get_legend() is None and named:
        names = list(reversed(named))
        axes.legend(
            [named[name] for name in names], names, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3,
            frameon=False, fontsize=8, labelcolor=INK,
        )  # fmt: skip
