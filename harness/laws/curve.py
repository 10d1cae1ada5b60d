"""Fit the law of a curve: error against examples or steps, at one shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from harness.laws import members, regions
from harness.laws.forms import FORMS, PARAMETERS, stored
from harness.laws.intervals import interval_fields, log_values
from harness.laws.points import FEWEST_SIZES, SMALLEST_SPAN, Curve, Point, curve_of, point_fields, resampled, thinned

MOST_DRAWS: Final = 200
MOST_POINTS: Final = 96  # a longer curve is thinned: neighbours are averaged
BACKTEST: Final = 2.0  # a law's own back-test predicts the last factor 2 of n


def fit_curve(
    points: Sequence[Point],
    *,
    variable: str = "n_train",
    chance: float | None = None,
    seed: int = 0,
    n_draws: int = MOST_DRAWS,
) -> dict[str, Any]:
    """Fit the mean error as a function of n: the log-average of eight robust fits of four forms.

    The forms are the power law with offset, the shifted power law, M4 (arXiv:2209.06640) and a one-break law
    (arXiv:2210.14891), fitted in log space under different emphasis on large n. Curves of few points get fewer forms.

    Args:
        points: One point a n, in any order; see :func:`harness.laws.points.flags` for what speaks against a curve.
        variable: What n is: ``n_train`` or ``steps``.
        chance: What a guess gives and no law exceeds; None where nothing is known.
        seed: Seed of the draws.
        n_draws: Refits to resampled data, at most 200: of the seeds of a point where it has 3, of its noise otherwise.

    Returns:
        The fields of :class:`registry.schema.Law` except ``shape`` and ``examples_seen_rule``; ``width_floor`` is None.

    Raises:
        InvalidData: If the points cannot carry a law: see :func:`harness.laws.points.curve_of`.
    """
    whole = curve_of(points)
    backtest_error = _backtest(whole, points, variable, chance)
    law = _law(thinned(whole, MOST_POINTS), variable, chance, seed=seed, n_draws=min(n_draws, MOST_DRAWS))
    last = max(1, len(whole.n) // 3)
    noise = float(np.median(whole.noise[-last:]))
    run_sd = whole.run_sd if whole.run_sd is not None else noise
    law["interval"] = interval_fields(noise, run_sd, backtest_error) if law["draws"] else None
    law["valid_range"] = {variable: [_number(whole.n[0]), _number(whole.n[-1])]}
    law["points"] = point_fields(points, variable)
    law["backtest_error"] = backtest_error
    law["width_floor"] = None
    law["irreducible_error"] = regions.irreducible(law)
    law["regions"] = regions.locate(law)
    law["chance"] = chance
    return law


def _law(curve: Curve, variable: str, chance: float | None, *, seed: int, n_draws: int) -> dict[str, Any]:
    """Return variables, forms and draws."""
    log_largest = float(np.log(curve.n[-1]))
    x = np.log(curve.n) - log_largest
    x[-1] = 0.0
    fits = members.fit(members.members_for(len(x)), x, curve.log_error, curve.noise, chance)
    weight = 1 / len(fits.members)
    forms = []
    for member, theta in zip(fits.members, fits.theta, strict=True):
        values = stored(member.form, theta[np.newaxis], log_largest)[0]
        parameters = dict(zip(PARAMETERS[member.form], map(float, values), strict=True))
        forms.append({"form": member.form, "weight": weight, "parameters": parameters})
    draws = []
    if n_draws:
        which = [at % len(forms) for at in range(n_draws)]
        drawn = resampled(curve, n_draws, np.random.default_rng(seed))
        for at, theta in zip(which, members.refit(fits, which, x, drawn, curve.noise, chance), strict=True):
            values = stored(forms[at]["form"], theta[np.newaxis], log_largest)[0]
            draws.append([at, *map(float, values)])
    return {"variables": [variable], "forms": forms, "draws": draws}


def _backtest(curve: Curve, points: Sequence[Point], variable: str, chance: float | None) -> float | None:
    """Return the mean |log predicted - log measured| over the last factor 2 of n, fitted without it; None if too few."""
    limit = curve.n[-1] / BACKTEST * (1 + 1e-9)
    count = min(int(np.searchsorted(curve.n, limit, side="right")), len(curve.n) - 1)
    if count < FEWEST_SIZES or curve.n[count - 1] < SMALLEST_SPAN * curve.n[0]:
        return None
    head = curve_of(curve.points[:count])
    law = _law(thinned(head, MOST_POINTS), variable, chance, seed=0, n_draws=0)
    return float(np.mean(np.abs(log_values(law, curve.n[count:]) - curve.log_error[count:])))


def _number(value: float) -> int | float:
    return int(value) if float(value).is_integer() else float(value)


__all__ = ["FORMS", "MOST_DRAWS", "Point", "fit_curve"]
