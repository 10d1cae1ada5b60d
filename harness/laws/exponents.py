"""Exponents compared: of several families on one data set, and of the best size as a function of n_train.

Hestness et al. 2017, arXiv:1712.00409: the data set sets the exponent of the learning curve, the architecture only its
height; and the size that fits n_train examples best grows as a power of n_train below 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float64
from scipy.stats import chi2

from harness.laws.surface_cells import GridCell
from harness.laws.surface_fit import Problem, solve
from harness.laws.surface_forms import SurfaceForm
from harness.laws.surface_law import draw_log_errors, mean_log_error
from registry.errors import InvalidData

CURVE: Final = SurfaceForm("power-law", "power-law", ("coefficient", "exponent", "floor"), (((0, 0),),))
EXPONENT: Final = 1  # its place in theta
LEVEL: Final = 0.95  # of the test that one exponent is enough
N_GRID: Final = 81
KNEE: Final = 1.1  # times the floor in width; DESIGN section 2
NEAREST_MISFIT: Final = 0.01
FEWEST_POINTS: Final = 4
MOST_TOGETHER: Final = 0.95  # assumption: beyond this correlation of their logs n_train and params cannot be told apart
FEWEST_KNEES: Final = 0.8  # share of the draws that must have a knee: those without would narrow the interval
FEWEST_BEST: Final = 3  # n_train with a best size between others, for the power of n_train that it is
NEAR_BEST: Final = 1.02  # times the least error counts as least
HIGHEST_DEGREE: Final = 4  # measured: a parabola misses the curve itself, intervals then twice as wide; docs/log.md
MOST_POINTS: Final = 96  # a longer curve is thinned: neighbours are averaged


class Curve(NamedTuple):
    """One family's learning curve: mean errors and the sd of their logs (one of 0 is unknown)."""

    n_train: Float64[np.ndarray, " points"]
    error: Float64[np.ndarray, " points"]
    noise: Float64[np.ndarray, " points"]


class Estimate(NamedTuple):
    """A value with the 5 % and 95 % points of its draws, widened to hold the value where these exclude it."""

    value: float
    low: float
    high: float


class Comparison(NamedTuple):
    """One exponent for all families against one each.

    Args:
        shared: The common exponent.
        free: Each family's own.
        difference: Each family's own less the mean of the others' own.
        excess: Twice the loss that sharing adds; near its number of families less 1 where sharing is right.
        told_apart: Whether ``excess`` lies above the 95 % point of chi-squared. Where it does not, exponents may differ
            all the same: free floors hide much of a difference.
    """

    shared: Estimate
    free: dict[str, Estimate]
    difference: dict[str, Estimate]
    excess: float
    told_apart: bool


class BestSize(NamedTuple):
    """params = coefficient * n_train ** exponent, with the sizes it was fitted to."""

    coefficient: Estimate
    exponent: Estimate
    n_train: tuple[int | float, ...]
    params: tuple[int | float, ...]


def compare_exponents(curves: Mapping[str, Curve], *, n_draws: int = 100, seed: int = 0) -> Comparison:
    """Fit every family's curve on one data set with an exponent of its own, and all with one.

    Each keeps a coefficient and a floor of its own. Draws add each point's noise, and a misfit as large as residuals.

    Args:
        curves: At least two, each of at least 4 points.
        n_draws: Resamplings behind every interval.
        seed: Their seed.

    Raises:
        InvalidData: If there are fewer curves or points.
    """
    if len(curves) < 2:
        raise InvalidData(f"exponents of {len(curves)} family cannot be compared, expected at least 2 on one data set")
    for name, curve in curves.items():
        if len(curve.n_train) < FEWEST_POINTS:
            raise InvalidData(f"the curve of {name} has {len(curve.n_train)} points, expected at least {FEWEST_POINTS}")
    curves = {name: _thinned(curve) for name, curve in curves.items()}
    rng = np.random.default_rng(seed)
    grid = np.linspace(np.log(0.02), np.log(2.5), N_GRID)
    own, profiles = {}, np.zeros((n_draws + 1, N_GRID))
    excess_free = 0.0
    for name, curve in curves.items():
        noise = np.hypot(curve.noise, _misfit(curve))
        targets = np.log(curve.error) + noise * np.vstack(
            [np.zeros(len(noise)), rng.standard_normal((n_draws, len(noise)))]
        )
        theta, _ = _fit(curve, targets, noise, None)
        own[name] = np.exp(theta[:, EXPONENT])
        profile = _profile(curve, targets, noise, grid)
        excess_free += float(profile[0].min())  # on the same grid as what is shared, so that only sharing adds to it
        profiles += profile
    at = np.exp([_lowest(grid, profile) for profile in profiles])
    excess = 2 * max(0.0, float(profiles[0].min()) - excess_free)
    others = {name: np.mean([own[other] for other in own if other != name], axis=0) for name in own}
    return Comparison(
        shared=_estimate(at),
        free={name: _estimate(values) for name, values in own.items()},
        difference={name: _estimate(values - others[name]) for name, values in own.items()},
        excess=excess,
        told_apart=excess > float(chi2.ppf(LEVEL, len(curves) - 1)),
    )


def best_size(cells: Sequence[GridCell], *, n_draws: int = 200, seed: int = 0) -> BestSize:
    """Return the envelope of measured cells: at each n_train the params of least error, as a power of n_train.

    Among sizes whose error is within 2 % of the least the smallest counts: wider ones gain nothing. An n_train whose
    best is the largest or the smallest measured is left out: it says on which side the best lies, not where. Draws
    weigh the n_train anew and resample the seeds of every cell; a single run is moved by what errors miss a smooth
    curve by.

    Raises:
        InvalidData: If fewer than 3 n_train have at least 3 params, or a best size that is none of the ends.
    """
    groups: dict[int | float, list[GridCell]] = {}
    for cell in cells:
        if cell.params is not None and not cell.capped:
            groups.setdefault(cell.n_train, []).append(cell)
    groups = {n: sorted(group, key=_params) for n, group in sorted(groups.items()) if len(group) >= 3}
    if len(groups) < FEWEST_BEST:
        raise InvalidData(f"{len(groups)} n_train have at least 3 params each, expected 3 or more such n_train")
    inner = {n: group for n, group in groups.items() if 0 < _best_of(_means(group)) < len(group) - 1}
    if len(inner) < FEWEST_BEST:
        raise InvalidData(
            f"{len(inner)} of {len(groups)} n_train have their best size between others, expected {FEWEST_BEST}",
            "measure larger sizes, or smaller ones",
        )
    rng = np.random.default_rng(seed)
    misfit = _misfit_in_size(list(inner.values()))

    def chosen(means: Callable[[Sequence[GridCell]], Float64[np.ndarray, " sizes"]]) -> list[int | float]:
        return [_params(group[_best_of(means(group))]) for group in inner.values()]

    def drawn(group: Sequence[GridCell]) -> Float64[np.ndarray, " sizes"]:
        moved = [
            np.mean(rng.choice(cell.errors, len(cell.errors)))
            if len(cell.errors) > 1
            else cell.errors[0] * np.exp(misfit * rng.standard_normal())
            for cell in group
        ]
        return np.array(moved)

    return _power_of(list(inner), chosen(_means), [chosen(drawn) for _ in range(n_draws)], rng)


def _means(group: Sequence[GridCell]) -> Float64[np.ndarray, " sizes"]:
    return np.array([np.mean(cell.errors) for cell in group])


def _best_of(means: Float64[np.ndarray, " sizes"]) -> int:
    return int(np.argmax(means <= NEAR_BEST * means.min()))


def _misfit_in_size(groups: Sequence[Sequence[GridCell]]) -> float:
    """Return how far log errors miss a polynomial in log params, fitted at each n_train; of 4th degree at most."""
    squares, spare = 0.0, 0
    for group in groups:
        x = np.log([_params(cell) for cell in group])
        y = np.log(np.maximum(_means(group), np.finfo(np.float64).tiny))
        degree = min(HIGHEST_DEGREE, len(x) - 2)
        squares += float(np.sum((y - np.polyval(np.polyfit(x - x.mean(), y, degree), x - x.mean())) ** 2))
        spare += len(x) - degree - 1
    return float(np.sqrt(squares / spare))


def knee_size(law: Mapping[str, Any], *, n_points: int = 9, seed: int = 0) -> BestSize:
    """Return the envelope of a law: at each n_train the smallest params with error <= 1.1 times the floor in size.

    A law that falls with params has no best size but the knee. Only n_train whose knee lies in the valid range count.

    Args:
        law: In n_train and one size, as :func:`harness.laws.surface.fit_surface` returns it.
        n_points: How many n_train of the valid range are asked.
        seed: Seed of the intervals where draws leave some out.

    Raises:
        InvalidData: If fewer than 3 n_train have a knee inside the valid range, fewer than 80 % of the draws have all
            of these, or n_train and params of the law's points rise together.
    """
    _refuse_together(law)
    n_low, n_high = np.log(law["valid_range"][law["variables"][0]])
    low, high = np.log(law["valid_range"][law["variables"][1]])
    n = np.linspace(n_low, n_high, n_points)
    sizes = np.linspace(low, high, 200)
    logs = np.stack([np.repeat(n, len(sizes) + 1), np.tile(np.append(sizes, 100.0), n_points)])

    def knees(values: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " n"]:
        table = values.reshape(n_points, -1)
        met = table[:, :-1] <= np.log(KNEE) + table[:, -1:]
        inside = met.any(axis=1) & ~met[:, 0]
        return np.where(inside, np.exp(sizes[np.argmax(met, axis=1)]), np.nan)

    best = knees(mean_log_error(law, logs))
    seen = ~np.isnan(best)
    if seen.sum() < 3:
        raise InvalidData(
            f"{seen.sum()} of {n_points} n_train have their knee inside the sizes measured, expected 3 or more",
            "measure larger sizes, or smaller ones",
        )
    drawn = [knees(values)[seen] for values in draw_log_errors(law, logs)] if law["draws"] else []
    kept = [values.tolist() for values in drawn if not np.isnan(values).any()]
    if len(kept) < FEWEST_KNEES * len(drawn):
        raise InvalidData(
            f"{len(kept)} of {len(drawn)} draws of the law have their knee inside the sizes measured, "
            f"expected {FEWEST_KNEES:.0%}",
            "measure larger sizes, or smaller ones",
        )
    return _power_of(np.exp(n[seen]).tolist(), best[seen].tolist(), kept, np.random.default_rng(seed))


def are_together(points: Sequence[tuple[int | float, int | float]]) -> bool:
    """Say whether n_train and params rise together, or fall, so closely that no law can tell what each does."""
    n, params = np.log(np.array(points, dtype=np.float64)).T
    if np.ptp(n) == 0 or np.ptp(params) == 0:
        return True
    return abs(float(np.corrcoef(n, params)[0, 1])) > MOST_TOGETHER


def _refuse_together(law: Mapping[str, Any]) -> None:
    size = law["variables"][1]
    points = [(point[law["variables"][0]], point[size]) for point in law.get("points") or () if point.get(size)]
    if points and are_together(points):
        raise InvalidData(
            f"n_train and {size} rise together: what each of them does cannot be told apart",
            "measure several sizes at one n_train",
        )


def _thinned(curve: Curve) -> Curve:
    """Return at most 96 points: means of log n and log error in even steps of log n, with the noise of such means."""
    if len(curve.n_train) <= MOST_POINTS:
        return curve
    x = np.log(curve.n_train)
    step = np.minimum(((x - x.min()) / (x.max() - x.min()) * MOST_POINTS).astype(int), MOST_POINTS - 1)
    kept, at, count = np.unique(step, return_inverse=True, return_counts=True)
    n, error, variance = (
        np.bincount(at, weights=values, minlength=len(kept)) / count
        for values in (x, np.log(curve.error), curve.noise**2)
    )
    return Curve(np.exp(n), np.exp(error), np.sqrt(variance / count))


def _params(cell: GridCell) -> int | float:
    assert cell.params is not None  # noqa: S101 - the caller kept only cells that have it
    return cell.params


def _power_of(
    n: Sequence[int | float],
    params: Sequence[int | float],
    drawn: Sequence[Sequence[int | float]],
    rng: np.random.Generator,
) -> BestSize:
    x = np.log(n)
    lines = [np.polyfit(x, np.log(params), 1)]
    for values in drawn:
        weight = np.sqrt(rng.exponential(size=len(x)) + 1e-3)
        lines.append(np.polyfit(x, np.log(values), 1, w=weight))
    slope, level = np.array(lines).T
    return BestSize(_estimate(np.exp(level)), _estimate(slope), tuple(n), tuple(params))


def _estimate(values: Float64[np.ndarray, " draws"]) -> Estimate:
    """Return the first value with the spread of the others; without others, open as far as numbers go."""
    if len(values) < 2:
        return Estimate(float(values[0]), -np.inf, np.inf)
    low, high = np.percentile(values[1:], (5, 95))
    return Estimate(float(values[0]), min(float(values[0]), float(low)), max(float(values[0]), float(high)))


def _fit(
    curve: Curve,
    targets: Float64[np.ndarray, " draws points"],
    noise: Float64[np.ndarray, " points"],
    log_exponent: Float64[np.ndarray, " draws"] | None,
) -> tuple[Float64[np.ndarray, " draws 3"], Float64[np.ndarray, " draws"]]:
    x = np.log(curve.n_train)[np.newaxis]
    pinned = None
    if log_exponent is not None:
        pinned = np.full((len(targets), CURVE.n_parameters), np.nan)
        pinned[:, EXPONENT] = log_exponent
    problem = Problem(x - x.mean(), targets, noise, np.ones_like(targets), np.inf)
    return solve(CURVE, problem, pinned=pinned, n_starts=16, prior=False)


def _profile(
    curve: Curve,
    targets: Float64[np.ndarray, " draws points"],
    noise: Float64[np.ndarray, " points"],
    grid: Float64[np.ndarray, " exponents"],
) -> Float64[np.ndarray, " draws exponents"]:
    """Return the loss of each draw at each exponent: with an exponent given, coefficient and floor are a line."""
    x = np.log(curve.n_train) - np.log(curve.n_train).mean()
    losses = np.empty((len(targets), len(grid)))
    power = np.exp(-np.exp(grid)[:, np.newaxis] * x)
    # along error = coefficient * (power + ratio), only the ratio is left to search: the best coefficient is a mean
    for i, row in enumerate(power):
        ratios = np.append(0.0, np.exp(np.linspace(-8, 4, 49)) * row.min())
        shapes = np.log(row + ratios[:, np.newaxis])
        gap = targets[:, np.newaxis] - shapes
        weight = noise**-2
        centred = (gap - (gap @ weight / weight.sum())[..., np.newaxis]) / noise
        losses[:, i] = (0.5 * centred**2).sum(axis=2).min(axis=1)
    return losses


def _lowest(grid: Float64[np.ndarray, " exponents"], profile: Float64[np.ndarray, " exponents"]) -> float:
    """Return where the parabola through the lowest point and its neighbours is lowest."""
    i = int(np.clip(np.argmin(profile), 1, len(grid) - 2))
    a, b, c = profile[i - 1 : i + 2]
    bend = a - 2 * b + c
    shift = 0.5 * (a - c) / bend if bend > 0 else 0.0
    return float(grid[i] + np.clip(shift, -1, 1) * (grid[1] - grid[0]))


def _misfit(curve: Curve) -> float:
    """Return how far the curve's own best fit misses beyond its noise."""
    noise = np.hypot(curve.noise, NEAREST_MISFIT)
    target = np.log(curve.error)[np.newaxis]
    theta, _ = _fit(curve, target, noise, None)
    x = np.log(curve.n_train)[np.newaxis]
    residual = CURVE.log_error(theta, x - x.mean(), np.inf)[0] - target[0]
    spare = max(len(residual) - 3, 1)
    return float(np.sqrt(max(np.sum(residual**2) / spare - np.mean(curve.noise**2), NEAREST_MISFIT**2)))
