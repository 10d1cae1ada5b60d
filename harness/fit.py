"""The public face of the laws, and the fit of one power law: error = floor + coefficient * n_train ** -exponent.

``fit_curve`` averages robust fits of four forms and extrapolates best; ``points`` turns cells into what it takes.

Source of the form: Hestness et al. 2017, arXiv:1712.00409 (there: gamma, alpha, -beta_g).

The fit minimises a robust (soft-L1) loss of residuals in log error, each in units of its own noise, from many starts.
All starts of all bootstrap draws are one batch of small problems, solved together by Levenberg-Marquardt steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float64

from harness.laws.curve import fit_curve
from harness.laws.points import Point
from registry.errors import InvalidData

__all__ = ["Cell", "Point", "fit_curve", "fit_power_law", "points"]

FEWEST_SIZES: Final = 5  # 3 parameters, and 2 points that can contradict them
SMALLEST_SPAN: Final = 4  # largest n_train over smallest
TREND_Z: Final = 3.5  # standard errors before a rise or a fall counts as one

# assumption: no error is known better than this, relative; it keeps lucky agreement between seeds from ruling the fit
LEAST_NOISE: Final = 0.02
# assumption: relative noise of one run, where no cell has two seeds to tell
NOISE_OF_SINGLE_RUNS: Final = 0.05
# assumption: a count of 0 wrong is known to about a factor e
NOISE_OF_NO_ERRORS: Final = 1.0
PRIOR_DEGREES: Final = 4  # degrees of freedom that the pooled noise lends to each cell

SMALLEST_EXPONENT: Final = 0.005
LARGEST_EXPONENT: Final = 3.0
START_EXPONENTS: Final = (0.05, 0.15, 0.4, 1.0, 2.0)
START_FLOORS: Final = (1e-3, 0.5, 0.95)  # as shares of the smallest error
NO_FLOOR: Final = 1e-6  # a floor below this share of the smallest error is none
LM_STEPS: Final = 80


@final
@dataclass(frozen=True)
class Cell:
    """What training at one number of examples gave.

    Args:
        n_train: Number of training examples.
        errors: Validation error of each seed, each seed with its own subset of train. Diverged runs are left out.
        steps: Optimiser steps of each run.
        capped: Whether steps hit their cap before the error settled; such a cell is kept but not fitted.
    """

    n_train: int
    errors: tuple[float, ...]
    steps: int
    capped: bool


def points(cells: Sequence[Cell], n_val: int | None = None) -> list[Point]:
    """Return cells as the points of a curve; ``n_val`` items were counted, where errors are shares of wrong answers."""
    return [Point(cell.n_train, cell.errors, n_items=n_val, steps=cell.steps, capped=cell.capped) for cell in cells]


def fit_power_law(
    cells: Sequence[Cell], *, seed: int = 0, n_draws: int = 200, n_val: int | None = None
) -> dict[str, Any]:
    """Fit a power law with offset to the mean validation error as a function of ``n_train``.

    The interval comes from a bootstrap that resamples, inside each cell, the seeds (never the points). It is too
    narrow: it knows the noise between seeds, not the distance between the law and the truth, and has yet to be
    calibrated on back-tests. Where no cell has two seeds there are no draws and every interval is open.

    Args:
        cells: One cell a ``n_train``, in any order.
        seed: Seed of the bootstrap.
        n_draws: Bootstrap draws kept; a record holds 200, more are not made.
        n_val: Number of validation examples. Needed only if a cell has no error at all: 0 is then a count,
            and (0 + 0.5) / (n_val + 1) is fitted.

    Returns:
        The fields of :class:`registry.schema.Law` except ``shape`` and ``examples_seen_rule``. ``width_floor`` is None.
        In ``irreducible_error``, ``low`` is None (open) where the curve fits as well without a floor, ``high`` where
        the floor may be as high as the law at the largest ``n_train``.

    Raises:
        InvalidData: If the cells cannot carry a law: fewer than 5 sizes that are not capped, a span below a factor 4,
            an error that is not a finite number from 0, a curve that rises, or does not fall, beyond its noise.
            Rise and fall are judged on every pair of sizes, by 3.5 standard errors of the difference in log error.
    """
    cells = sorted(cells, key=lambda cell: cell.n_train)
    fitted = _usable(cells, n_val)
    curve = _curve(fitted, n_val)
    _check_trend(curve)

    best = _solve(curve.log_n, np.log(curve.means)[np.newaxis], curve.noise)[0]
    draws = _bootstrap(fitted, curve, seed=seed, n_draws=min(n_draws, 200))
    last = len(fitted) - 1
    without_last = _solve(curve.log_n[:last], np.log(curve.means[:last])[np.newaxis], curve.noise[:last])[0]
    at_last = _evaluate(without_last, curve.log_n[last])
    return {
        "forms": [
            {
                "form": "power-law",
                "weight": 1.0,
                "parameters": dict(zip(("coefficient", "exponent", "floor"), best.tolist(), strict=True)),
            }
        ],
        "draws": draws.tolist(),
        "valid_range": {"n_train": [fitted[0].n_train, fitted[-1].n_train]},
        "points": [_point(cell) for cell in cells],
        "backtest_error": abs(float(np.log(at_last / curve.means[last]))),
        "width_floor": None,
        "irreducible_error": _floor_bound(best, draws, curve),
    }


class _Curve(NamedTuple):
    """What is fitted: ``noise`` is the standard error of the log of each mean, ``least`` stands in for a mean of 0."""

    log_n: Float64[np.ndarray, " points"]
    means: Float64[np.ndarray, " points"]
    noise: Float64[np.ndarray, " points"]
    least: float


def _usable(cells: Sequence[Cell], n_val: int | None) -> list[Cell]:
    """Return the cells to fit, or say why they carry no law."""
    for cell in cells:
        if cell.n_train < 1:
            raise InvalidData(f"n_train {cell.n_train} is not a number of training examples, expected at least 1")
        if not cell.errors:
            raise InvalidData(f"n_train {cell.n_train:,} has no errors, expected one a seed")
        for error in cell.errors:
            if not (np.isfinite(error) and error >= 0):
                raise InvalidData(f"n_train {cell.n_train:,} has error {error:g}, expected a finite number from 0 up")
    settled = [cell for cell in cells if not cell.capped]
    sizes = sorted({cell.n_train for cell in settled})
    if len(sizes) < FEWEST_SIZES:
        listed = f" ({', '.join(f'{n:,}' for n in sizes)})" if sizes else ""
        n_capped = len(cells) - len(settled)
        raise InvalidData(
            f"a law with 3 parameters needs at least {FEWEST_SIZES} distinct n_train, got {len(sizes)}{listed}",
            f"{n_capped} more hit the cap on steps: train them longer" if n_capped else "",
        )
    if len(sizes) < len(settled):
        twice = next(a.n_train for a, b in pairwise(settled) if a.n_train == b.n_train)
        raise InvalidData(f"n_train {twice:,} comes in more than one cell, expected one with all its seeds")
    if sizes[-1] < SMALLEST_SPAN * sizes[0]:
        raise InvalidData(
            f"n_train spans {sizes[0]:,} to {sizes[-1]:,}, a factor {sizes[-1] / sizes[0]:.3g}; "
            f"a law needs a factor {SMALLEST_SPAN} or more"
        )
    for cell in settled:
        if n_val is None and not any(cell.errors):
            raise InvalidData(
                f"n_train {cell.n_train:,} has no error in any seed and a power law never gets to 0",
                "say how many validation examples there were (n_val): 0 is then fitted as a count",
            )
    return settled


def _curve(cells: Sequence[Cell], n_val: int | None) -> _Curve:
    """Return means and their noise.

    The relative variance between seeds of each cell is drawn towards the pooled one, which counts as 4 more degrees
    of freedom: a variance of 3 seeds alone would make lucky cells weigh far too much.
    """
    means = np.array([np.mean(cell.errors) for cell in cells])
    n_seeds = np.array([len(cell.errors) for cell in cells])
    positive = min(error for cell in cells for error in cell.errors if error > 0)
    least = 0.5 / (n_val + 1) if n_val is not None else positive / 2

    degrees = np.where(means > 0, n_seeds - 1, 0)
    relative = np.array([_sd(cell) / mean if mean > 0 else 0.0 for cell, mean in zip(cells, means, strict=True)]) ** 2
    pooled = (degrees @ relative) / degrees.sum() if degrees.any() else NOISE_OF_SINGLE_RUNS**2
    moderated = (PRIOR_DEGREES * pooled + degrees * relative) / (PRIOR_DEGREES + degrees)
    unseen = np.where(means > 0, 0.0, NOISE_OF_NO_ERRORS)
    noise = np.sqrt(moderated / n_seeds + LEAST_NOISE**2 + unseen**2)
    return _Curve(np.log([cell.n_train for cell in cells]), np.maximum(means, least), noise, least)


def _check_trend(curve: _Curve) -> None:
    """Refuse a curve that rises somewhere, or falls nowhere, by more than its noise."""
    log_error, n = np.log(curve.means), np.round(np.exp(curve.log_n))
    pairs = list(combinations(range(len(n)), 2))
    rises = [(log_error[j] - log_error[i]) / np.hypot(curve.noise[i], curve.noise[j]) for i, j in pairs]
    i, j = pairs[int(np.argmax(rises))]
    if max(rises) > TREND_Z:
        raise InvalidData(
            f"error rises from {curve.means[i]:.4g} at n_train {n[i]:,.0f} to {curve.means[j]:.4g} at {n[j]:,.0f}, "
            f"{max(rises):.1f} standard errors: no power law rises",
            "double descent, too few steps or too few seeds: train longer, or fit the falling part alone",
        )
    if min(rises) > -TREND_Z:
        raise InvalidData(
            f"error does not fall by more than its noise between n_train {n[0]:,.0f} and {n[-1]:,.0f}",
            "a wider span of n_train or more seeds may show a trend",
        )


def _bootstrap(cells: Sequence[Cell], curve: _Curve, *, seed: int, n_draws: int) -> Float64[np.ndarray, " draws 3"]:
    """Fit the curve again with the seeds of each cell resampled."""
    if n_draws < 1 or all(len(cell.errors) == 1 for cell in cells):
        return np.empty((0, 3))
    rng = np.random.default_rng(seed)
    resampled = [rng.choice(cell.errors, size=(n_draws, len(cell.errors))).mean(axis=1) for cell in cells]
    means = np.maximum(np.stack(resampled, axis=1), curve.least)
    return _solve(curve.log_n, np.log(means), curve.noise)


def _floor_bound(
    best: Float64[np.ndarray, " 3"], draws: Float64[np.ndarray, " draws 3"], curve: _Curve
) -> dict[str, float | None]:
    """Return the floor with its 5 % and 95 % points, open on the side where the curve does not bound it."""
    value = float(best[2])
    if not len(draws):
        return {"value": value, "low": None, "high": None}
    low, high = (float(point) for point in np.percentile(draws[:, 2], (5, 95)))
    at_largest = float(_evaluate(best, curve.log_n[-1]))
    return {"value": value, "low": low if low > 0 else None, "high": high if high < 0.98 * at_largest else None}


def _solve(
    log_n: Float64[np.ndarray, " points"],
    log_error: Float64[np.ndarray, " curves points"],
    noise: Float64[np.ndarray, " points"],
) -> Float64[np.ndarray, " curves 3"]:
    """Fit each curve from every start and return the best (coefficient, exponent, floor) of each.

    ``n_train`` is centred in the log first, so that multiplying it by a constant changes the coefficient alone.
    """
    centre = log_n.mean()
    x = log_n - centre
    n_curves, n_starts = len(log_error), len(START_EXPONENTS) * len(START_FLOORS)
    lowest = log_error.min(axis=1)
    starts = np.empty((n_curves, n_starts, 3))
    for at, (exponent, share) in enumerate(product(START_EXPONENTS, START_FLOORS)):
        above = np.exp(log_error) - share * np.exp(lowest)[:, np.newaxis]
        starts[:, at, 0] = np.mean(np.log(above) + exponent * x, axis=1)
        starts[:, at, 1] = np.log(exponent)
        starts[:, at, 2] = np.log(share) + lowest
    problems = np.repeat(log_error, n_starts, axis=0)
    theta, loss = _descend(starts.reshape(-1, 3), x, problems, noise)

    chosen = np.argmin(loss.reshape(n_curves, n_starts), axis=1)
    best = theta.reshape(n_curves, n_starts, 3)[np.arange(n_curves), chosen]
    exponent, floor = np.exp(best[:, 1]), np.exp(best[:, 2])
    floor[floor <= NO_FLOOR * np.exp(lowest)] = 0.0
    return np.stack([np.exp(best[:, 0] + exponent * centre), exponent, floor], axis=1)


def _descend(
    theta: Float64[np.ndarray, " problems 3"],
    x: Float64[np.ndarray, " points"],
    log_error: Float64[np.ndarray, " problems points"],
    noise: Float64[np.ndarray, " points"],
) -> tuple[Float64[np.ndarray, " problems 3"], Float64[np.ndarray, " problems"]]:
    """Minimise the robust loss of each problem over ``theta`` = logs of (error above floor at x = 0, exponent, floor).

    Levenberg-Marquardt with one damping a problem; a parameter at its bound that would leave it is held there.
    """
    lowest, highest = log_error.min(axis=1), log_error.max(axis=1)
    lower = np.stack([lowest - 40, np.full_like(lowest, np.log(SMALLEST_EXPONENT)), lowest + np.log(NO_FLOOR / 10)], 1)
    upper = np.stack([highest + 10, np.full_like(lowest, np.log(LARGEST_EXPONENT)), highest], 1)
    damping = np.full(len(theta), 1e-2)
    residual, jacobian = _linearise(theta, x, log_error, noise)
    loss = _robust_loss(residual)
    for _ in range(LM_STEPS):
        weight = 1 / np.sqrt(1 + residual**2)
        gradient = np.einsum("bp,bp,bpk->bk", weight, residual, jacobian)
        held: Bool[np.ndarray, " problems 3"] = ((theta <= lower) & (gradient > 0)) | (
            (theta >= upper) & (gradient < 0)
        )
        free = np.where(held, 0.0, 1.0)
        curvature = np.einsum("bp,bpk,bpl->bkl", weight, jacobian, jacobian) * free[:, :, None] * free[:, None, :]
        diagonal = np.einsum("bkk->bk", curvature)
        diagonal += damping[:, None] * diagonal + 1e-12
        step = -np.linalg.solve(curvature, (gradient * free)[..., np.newaxis])[..., 0]
        tried = np.clip(theta + step, lower, upper)
        new_residual, new_jacobian = _linearise(tried, x, log_error, noise)
        new_loss = _robust_loss(new_residual)
        better = new_loss < loss
        theta = np.where(better[:, None], tried, theta)
        residual = np.where(better[:, None], new_residual, residual)
        jacobian = np.where(better[:, None, None], new_jacobian, jacobian)
        loss = np.where(better, new_loss, loss)
        damping = np.clip(np.where(better, damping / 5, damping * 4), 1e-12, 1e12)
    return theta, loss


def _linearise(
    theta: Float64[np.ndarray, " problems 3"],
    x: Float64[np.ndarray, " points"],
    log_error: Float64[np.ndarray, " problems points"],
    noise: Float64[np.ndarray, " points"],
) -> tuple[Float64[np.ndarray, " problems points"], Float64[np.ndarray, " problems points 3"]]:
    """Return the residuals, in units of noise, and their derivatives by ``theta``."""
    level, exponent, floor = theta[:, :1], np.exp(theta[:, 1:2]), np.exp(theta[:, 2:])
    power = np.exp(level - exponent * x)
    error = floor + power
    share = power / error
    jacobian = np.stack([share, -exponent * x * share, floor / error], axis=2)
    return (np.log(error) - log_error) / noise, jacobian / noise[:, np.newaxis]


def _robust_loss(residual: Float64[np.ndarray, " problems points"]) -> Float64[np.ndarray, " problems"]:
    """Return the soft-L1 loss: squares near 0, absolute values far from it."""
    loss: Float64[np.ndarray, " problems"] = np.sum(np.sqrt(1 + residual**2) - 1, axis=1)
    return loss


def _evaluate(parameters: Float64[np.ndarray, " 3"], log_n: float) -> float:
    coefficient, exponent, floor = parameters
    return float(floor + coefficient * np.exp(-exponent * log_n))


def _sd(cell: Cell) -> float:
    return float(np.std(cell.errors, ddof=1)) if len(cell.errors) > 1 else 0.0


def _point(cell: Cell) -> dict[str, Any]:
    return {
        "n_train": cell.n_train,
        "error": float(np.mean(cell.errors)),
        "sd": _sd(cell),
        "n_seeds": len(cell.errors),
        "steps": cell.steps,
        "capped": cell.capped,
    }
