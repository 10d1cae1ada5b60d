"""Fit the law of a curve: error against examples or steps, at one shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from harness.laws import members, regions
from harness.laws.floors import has_floor
from harness.laws.forms import PARAMETERS, Points, stored
from harness.laws.intervals import interval_fields, log_values
from harness.laws.points import (
    FEWEST_SIZES,
    MOST_POINTS,
    SMALLEST_SPAN,
    Curve,
    Point,
    curve_of,
    point_fields,
    resampled,
    thinned,
)

MOST_DRAWS: Final = 200
FLOOR_DRAWS: Final = 60
BACKTESTS: Final = (2.0, 4.0)  # a law's own back-tests predict the last factors 2 and 4 of n


def fit_curve(
    points: Sequence[Point],
    *,
    variable: str = "n_train",
    chance: float | None = None,
    seed: int = 0,
    n_draws: int = MOST_DRAWS,
) -> dict[str, Any]:
    """Fit the mean error as a function of n: the log-average of ten robust fits of four forms.

    The forms are the power law with offset, the shifted power law, M4 (arXiv:2209.06640) and a one-break law
    (arXiv:2210.14891), fitted in log space under different emphasis on large n. A fit
    that extrapolates unlike the others weighs less. Curves of few points get fewer forms.

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
    near, far = (_backtest(whole, factor, variable, chance) for factor in BACKTESTS)
    fitted = thinned(whole, MOST_POINTS)
    law = _law(fitted, variable, chance, seed=seed, n_draws=min(n_draws, MOST_DRAWS))
    last = max(1, len(whole.n) // 3)
    noise = float(np.median(_doubt(whole)[-last:]))
    law["interval"] = interval_fields(noise, whole.run_sd, [*near, *far], len(whole.n)) if law["draws"] else None
    law["valid_range"] = {variable: [_number(whole.n[0]), _number(whole.n[-1])]}
    law["points"] = point_fields(points, variable)
    law["backtest_error"] = float(np.mean(np.abs(near))) if len(near) else None
    law["width_floor"] = None
    law["irreducible_error"] = regions.irreducible(
        law, _free_floors(fitted, seed) if law["draws"] else (), bounded=has_floor(fitted)
    )
    law["regions"] = regions.locate(law)
    law["chance"] = chance
    return law


def _law(curve: Curve, variable: str, chance: float | None, *, seed: int, n_draws: int) -> dict[str, Any]:
    """Return variables, forms and draws."""
    log_largest = float(np.log(curve.n[-1]))
    x = np.log(curve.n) - log_largest
    x[-1] = 0.0
    chosen = members.members_for(len(x))
    fits = members.fit(chosen, x, curve.log_error, curve.noise, chance, counts=curve.counts)
    weights = members.weigh(fits)
    forms: list[dict[str, Any]] = []
    for member, theta, weight in zip(fits.members, fits.theta, weights.tolist(), strict=True):
        values = stored(member.form, theta[np.newaxis], log_largest)[0]
        parameters = dict(zip(PARAMETERS[member.form], map(float, values), strict=True))
        forms.append({"form": member.form, "weight": weight, "parameters": parameters})
    draws = []
    if n_draws:
        which = members.share_out(weights, n_draws)
        drawn, counts = resampled(curve, n_draws, np.random.default_rng(seed))
        thetas = members.refit(fits, which, x, drawn, curve.noise, chance, counts)
        for at, theta in zip(which, thetas, strict=True):
            values = stored(forms[at]["form"], theta[np.newaxis], log_largest)[0]
            draws.append([at, *map(float, values)])
    return {"variables": [variable], "forms": forms, "draws": draws}


def _doubt(curve: Curve) -> Points:
    """Return how far each mean may be from the truth: seeds read the same items, so counting does not average out."""
    if curve.counts is None:
        return curve.noise
    of_one_run = np.nan_to_num(curve.counts.sd**2 * curve.counts.n_runs)
    return np.asarray(np.sqrt(curve.noise**2 + of_one_run))


def _free_floors(curve: Curve, seed: int) -> list[float]:
    """Return the floors of draws of the largest form that needs no belief: what the points alone say of a floor."""
    x = np.log(curve.n / curve.n[-1])
    free = [member for member in members.FREELY if len(member.centre) < len(x) - 1] or [members.FREELY[0]]
    fits = members.fit(free[-1:], x, curve.log_error, curve.noise, None, counts=curve.counts)
    drawn, counts = resampled(curve, FLOOR_DRAWS, np.random.default_rng(seed))
    name, which = free[-1].form, [0] * FLOOR_DRAWS
    thetas = members.refit(fits, which, x, drawn, curve.noise, None, counts)
    return [float(stored(name, theta[np.newaxis], 0.0)[0, 2]) for theta in thetas]


def _backtest(curve: Curve, factor: float, variable: str, chance: float | None) -> Points:
    """Return log predicted - log measured over the last ``factor`` of n, fitted without it, if enough are left."""
    limit = curve.n[-1] / factor * (1 + 1e-9)
    count = min(int(np.searchsorted(curve.n, limit, side="right")), len(curve.n) - 1)
    if count < FEWEST_SIZES or curve.n[count - 1] < SMALLEST_SPAN * curve.n[0]:
        return np.empty(0)
    law = _law(thinned(curve_of(curve.points[:count]), MOST_POINTS), variable, chance, seed=0, n_draws=0)
    return np.asarray(log_values(law, curve.n[count:]) - curve.log_error[count:])


def _number(value: float) -> int | float:
    return int(value) if float(value).is_integer() else float(value)
