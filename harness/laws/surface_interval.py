"""How sure a surface is: refits to resampled cells, and how far their scatter reaches, learnt on back-tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float64

from harness.laws.surface_cells import Table
from harness.laws.surface_fit import Problem, solve
from harness.laws.surface_members import BackTest, Member, candidates, fit_member, jitter, recent, redrawn
from registry.laws.stored import Z

BACKTEST_DRAWS: Final = 40
FREE_DRAWS: Final = 60
FREE_STARTS: Final = 16
EXPONENT_DOUBT: Final = 0.1  # assumption: outside the range the log-log slope is never known better than this share
# measured: drift over slope in back-tests of our own grids: .44 to .68, and 2.2 where the slope is near 0, docs/log.md
TYPICAL_DRIFT: Final = 0.5
TYPICAL_CELLS: Final = 12  # assumption: how many cells this is worth


def draw(
    members: Sequence[Member],
    weights: Float64[np.ndarray, " members"],
    data: Table,
    chance: float,
    n_draws: int,
    rng: np.random.Generator,
) -> list[Float64[np.ndarray, " _ _"]]:
    """Fit each member again to resampled data, in proportion to its weight.

    Cells are resampled by random weights (Rubin's Bayesian bootstrap: no cell is ever quite absent, so that a grid
    stays a grid), and the errors of a cell with several seeds by the noise of its mean.
    """
    shares = np.floor(weights * n_draws).astype(int)
    left = n_draws - shares.sum()
    shares[np.argsort(-(weights * n_draws - shares), kind="stable")[:left]] += 1
    drawn = []
    for member, n in zip(members, shares, strict=True):
        if not n:
            drawn.append(np.empty((0, member.form.n_parameters)))
            continue
        weight = recent(data) * rng.exponential(size=(n, len(data.log_error)))
        weight *= len(data.log_error) / weight.sum(axis=1, keepdims=True)
        target, counts = redrawn(data, int(n), rng)
        x = data.logs - member.centre[:, np.newaxis]
        warm = member.theta + jitter(len(member.theta))
        problem = Problem(x, target, member.noise, weight, chance, counts)
        drawn.append(solve(member.form, problem, warm=warm)[0])
    return drawn


def draw_freely(data: Table, chance: float, rng: np.random.Generator) -> tuple[Member, Float64[np.ndarray, " draws _"]]:
    """Fit a sum of power laws with floor to resampled cells, without beliefs about exponents or the floor."""
    form = next(form for form in candidates(data, None) if form.name in ("additive", "additive-shape"))
    member = fit_member(form, data, chance)
    weight = rng.exponential(size=(FREE_DRAWS, len(data.log_error)))
    weight *= len(data.log_error) / weight.sum(axis=1, keepdims=True)
    target, counts = redrawn(data, FREE_DRAWS, rng)
    problem = Problem(data.logs - member.centre[:, np.newaxis], target, member.noise, weight, chance, counts)
    return member, solve(form, problem, prior=False, n_starts=FREE_STARTS)[0]


def calibrate(
    data: Table,
    tests: Sequence[BackTest],
    members: Sequence[Member],
    weights: Float64[np.ndarray, " members"],
    chance: float,
    rng: np.random.Generator,
) -> dict[str, float | None]:
    """Learn on the back-tests how far the scale of doubt reaches, and how doubt grows outside the range."""
    noise = float(np.sqrt(weights @ np.array([member.misfit**2 for member in members]) / len(data.log_error)))
    missed, spread, beyond, share = [], [], [], []
    for test in tests:
        part = data.part(test.train)
        logs = data.logs[:, test.held]
        drawn = draw(test.members, weights, part, chance, BACKTEST_DRAWS, rng)
        values = [
            member.form.log_error(thetas, logs - member.centre[:, np.newaxis], chance)
            for member, thetas in zip(test.members, drawn, strict=True)
        ]
        said = weights @ test.residual + data.log_error[test.held]
        spread.append(np.mean((np.concatenate(values) - said) ** 2, axis=0) + noise**2)
        # what a held-out cell's own seeds leave open is no fault of the law
        missed.append(np.maximum((weights @ test.residual) ** 2 - data.noise[test.held] ** 2, 0.0))
        ends = part.logs.min(axis=1, keepdims=True), part.logs.max(axis=1, keepdims=True)
        beyond.append(np.sum(np.maximum(ends[0] - logs, 0) + np.maximum(logs - ends[1], 0), axis=0))
        share.append(np.full(len(test.held), 1 / len(test.held)))
    squared, variance, distance, weight = (np.concatenate(each) for each in (missed, spread, beyond, share))
    slope = _slope(members, weights, data, chance)
    drift = drift_of(squared - variance, distance, weight, slope, len(data.log_error))
    scores = np.sqrt(squared / (variance + (drift * distance) ** 2))
    return {
        "factor80": _conformal(scores, weight, 0.8, Z[80]),
        "factor90": _conformal(scores, weight, 0.9, Z[90]),
        "noise": noise,
        "drift": drift,
        "run_sd": data.run_sd,
    }


def drift_of(
    excess: Float64[np.ndarray, " held"],
    distance: Float64[np.ndarray, " held"],
    weight: Float64[np.ndarray, " held"],
    slope: float,
    n_cells: int,
) -> float:
    """Return the doubt per unit of log-distance outside the range: what back-tests missed beyond their own doubt.

    A few cells miss little by luck: the fewer there are, the more a share of the slope that grids showed counts.
    """
    far = float(np.sum(weight * distance**2))
    if far == 0:
        return TYPICAL_DRIFT * slope
    lent = TYPICAL_CELLS / n_cells
    found = (max(float(np.sum(weight * excess)) / far, 0.0) + lent * (TYPICAL_DRIFT * slope) ** 2) / (1 + lent)
    return max(math.sqrt(found), EXPONENT_DOUBT * slope)


def _slope(members: Sequence[Member], weights: Float64[np.ndarray, " members"], data: Table, chance: float) -> float:
    """Return by how much the log error falls, at the largest cell, per e-fold of a variable, on average over them."""
    corner = data.logs.max(axis=1, keepdims=True)
    here, beyond = (weights @ [m.log_error(corner + step, chance)[0] for m in members] for step in (0.0, 1.0))
    return float(here - beyond) / len(corner)


def _conformal(
    scores: Float64[np.ndarray, " held"], weight: Float64[np.ndarray, " held"], level: float, least: float
) -> float:
    """Return the weighted quantile of the scores, not below that of a normal distribution.

    assumption: a factor below the normal one is luck with a handful of overlapping tests.
    """
    order = np.argsort(scores)
    reached = np.cumsum(weight[order]) / weight.sum()
    at = min(int(np.searchsorted(reached, level)), len(scores) - 1)
    return max(least, float(scores[order][at]))
