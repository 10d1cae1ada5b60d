"""Draw error over training compute with both lines, and the compute for one error over the years."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from harness import drawing
from harness.burden.answer import Burden
from harness.burden.exponent import Fit, frontier_of
from harness.burden.halving import Progress
from harness.burden.points import ACCOUNTS, error_form

_MARKS: Final = dict(zip(ACCOUNTS, "osDv^", strict=True))
_FLOPS: Final = FuncFormatter(lambda value, _: f"{value:.0e}".replace("e+", "e"))


def draw(path: Path, found: Burden, years: Progress | None, title: str) -> None:
    """Write the figure: one panel, or two where there is something to say about years."""
    made, axes = drawing.figure(panels=1 if years is None else 2)
    _draw_error(axes[0], found)
    drawing.label(axes[0], "training compute in flops", f"error ({error_form(found.collection.metric)})", title)
    if years is not None:
        _draw_years(axes[1], years)
    drawing.save(made, path)


def _draw_error(axes: Axes, found: Burden) -> None:
    trainings = found.collection.as_trained
    x, y = (np.array([getattr(one, name) for one in trainings]) for name in ("train_flops", "error"))
    best = frontier_of(np.log(x), np.log(y), np.ones((1, len(x)), dtype=bool))[0]
    drawing.logarithmic(axes)
    axes.xaxis.set_major_formatter(_FLOPS)
    axes.xaxis.set_minor_formatter("")
    for account, mark in _MARKS.items():
        mine = np.array([one.account == account for one in trainings])
        for chosen, colour in ((mine & ~best, drawing.MUTED), (mine & best, drawing.LAW)):
            if chosen.any():
                axes.plot(x[chosen], y[chosen], mark, color=colour, markersize=4, linestyle="none")
        if mine.any():
            axes.plot(
                [], [], mark, color=drawing.MUTED, markersize=4, linestyle="none", label=account.replace("-", " ")
            )
    if found.silence:  # what the text says nothing of is not drawn, either
        axes.plot([], [], linestyle="none", label=fill(f"no line: {found.silence}", 32))
    else:
        _draw_line(axes, x, found.all_points, drawing.INK, "all")
        if isinstance(found.frontier, Fit):
            _draw_line(axes, x, found.frontier, drawing.LAW, "frontier")
    axes.legend(frameon=False, fontsize=8)


def _draw_line(axes: Axes, x: np.ndarray[tuple[int], np.dtype[np.float64]], fit: Fit, colour: str, name: str) -> None:
    ends = np.array([x.min(), x.max()])
    words = name if fit.exponent is None else f"{name}: k = {fit.exponent.value:.1f}, R2 = {fit.r2:.2f}"
    axes.plot(ends, np.exp(fit.level + fit.slope * np.log(ends)), color=colour, linewidth=1.4, label=words)


def _draw_years(axes: Axes, years: Progress) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_FLOPS)
    axes.yaxis.set_minor_formatter("")
    for level, colour in zip(years.levels, drawing.COLOURS, strict=False):
        at = [one.year or 0 for one in level.records]
        compute = [one.train_flops for one in level.records]
        axes.step(at, compute, where="post", color=colour, linewidth=1.2, label=f"error {level.error:.3g}")
        axes.plot(at, compute, "o", color=colour, markersize=5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, fontsize=8)
    axes.set_xlabel("year", color=drawing.INK, fontsize=10)
    axes.set_ylabel("training compute in flops", color=drawing.INK, fontsize=10)
    axes.set_title("least compute so far for one error", loc="left", color=drawing.INK, fontsize=11)
