"""Where the regions of a curve meet: small data, power law, irreducible error.

The local exponent, -d log error / d log n, is small where there is too little data to learn from, largest in the
power-law region, and falls towards 0 where the irreducible error takes over. Here a region ends where the local
exponent is half of its largest value inside the range fitted; a border outside that range is unseen.

Source of the regions: Hestness et al. 2017, arXiv:1712.00409.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from harness.laws import surface_law
from harness.laws.forms import Logs, Points
from harness.laws.intervals import log_draws, log_values

_GRID: Final = 120  # points of log n
_HALF: Final = 0.5
_MOST_UNSEEN: Final = 0.5  # a border that more of the draws do not see is unseen
_STEPS: Final = ("small_data_end", "irreducible_start")


def locate(law: Mapping[str, Any]) -> dict[str, dict[str, float | None] | None]:
    """Return where both borders lie, with their 5 % and 95 % points; None is unseen.

    Those of a surface are those of its slice at the largest size of the range fitted. ``low`` or ``high`` is None where
    more than 5 % of the draws see no border there.
    """
    first, *sizes = law["variables"]
    low, high = law["valid_range"][first]
    n = np.geomspace(low, high, _GRID)
    if sizes:
        largest = [np.full(_GRID, float(law["valid_range"][size][1])) for size in sizes]
        logs = np.log(np.vstack([n, *largest]))
        value, draws = surface_law.mean_log_error(law, logs), surface_law.draw_log_errors(law, logs)
    else:
        value, draws = log_values(law, n), log_draws(law, n)
    own, drawn = _borders(value[np.newaxis], n)[0], _borders(draws, n)
    return {name: _bound(own[at], drawn[:, at], before=at == 0) for at, name in enumerate(_STEPS)}


def irreducible(law: Mapping[str, Any], free: Sequence[float] = (), *, bounded: bool = True) -> dict[str, float | None]:
    """Return the limit of the error as n grows: the median of the draws' floors, and their 5 % and 95 % points.

    ``low`` is None (open) where the curve fits as well without a floor, ``high`` where the floor may be as high as the
    law at the largest n.

    Args:
        law: Forms, draws and range.
        free: Floors of more draws, about which nothing is believed beforehand; the interval holds theirs too.
        bounded: Whether the points reject every law without a floor, see :func:`harness.laws.floors.has_floor`; draws
            alone cannot, as each form believes in some floor.
    """
    floors = [(form["parameters"]["floor"], form["weight"]) for form in law["forms"]]
    if not law["draws"]:
        return {"value": _median(floors), "low": None, "high": None}
    drawn = np.array([draw[3] for draw in law["draws"]])
    low, middle, high = (float(point) for point in np.percentile(drawn, (5, 50, 95)))
    if len(free):
        freely = np.percentile(free, (5, 95))
        low, high = min(low, float(freely[0])), max(high, float(freely[1]))
    end = float(np.exp(log_values(law, np.array([next(iter(law["valid_range"].values()))[1]], dtype=np.float64))[0]))
    return {
        "value": middle,
        "low": low if bounded and low > 0.01 * end else None,
        "high": high if high < 0.98 * end else None,
    }


def _borders(log_error: Logs, n: Points) -> Float64[np.ndarray, " curves 2"]:
    """Return both borders of each curve, NaN where unseen."""
    log_n = np.log(n)
    exponent = -np.diff(log_error, axis=1) / np.diff(log_n)
    middle = np.exp((log_n[1:] + log_n[:-1]) / 2)
    found = np.full((len(log_error), 2), np.nan)
    for row, each in enumerate(exponent):
        peak = int(each.argmax())
        small = each < _HALF * each[peak]
        before, after = np.flatnonzero(small[:peak]), np.flatnonzero(small[peak:])
        if len(before):
            found[row, 0] = middle[before[-1] + 1]
        if len(after):
            found[row, 1] = middle[peak + after[0]]
    return found


def _bound(value: float, drawn: Float64[np.ndarray, " draws"], *, before: bool) -> dict[str, float | None] | None:
    """Return a border with its interval; draws that do not see it put it outside the range, on its own side."""
    if np.isnan(value) or (len(drawn) and np.isnan(drawn).mean() > _MOST_UNSEEN):
        return None
    if not len(drawn):
        return {"value": float(value), "low": None, "high": None}
    placed = np.sort(np.where(np.isnan(drawn), -np.inf if before else np.inf, drawn))
    low, high = float(placed[int(0.05 * len(placed))]), float(placed[-1 - int(0.05 * len(placed))])
    return {
        "value": float(value),
        "low": low if np.isfinite(low) else None,
        "high": high if np.isfinite(high) else None,
    }


def _median(floors: list[tuple[float, float]]) -> float:
    ordered, total = sorted(floors), 0.0
    for floor, weight in ordered:
        total += weight
        if total >= 0.5:
            return float(floor)
    return float(ordered[-1][0])
