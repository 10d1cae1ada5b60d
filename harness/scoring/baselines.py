"""The estimators that ours is compared with, at their released settings: M4 and a one-break BNSL.

Both take a whole batch of curves at once, for M4's released loop makes up to a million small steps a curve.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64
from scipy.optimize import curve_fit

_MARGIN: Final = 1e-3  # M4 keeps its floor this far below the least error, and err_0 above the largest
_ITERATIONS: Final = 10_000
_GRADIENT_ITERATIONS: Final = 100
_GRADIENT_STEPS: Final = 1000
_GRADIENT_RATE: Final = 1e-8
_NEWTON_STEPS: Final = 100
_NEWTON_RATE: Final = 0.1
_SMALL: Final = 1e-5
_STOP: Final = 1e-10
_GRID: Final = 10_000  # of the errors M4's prediction is picked from


class M4(NamedTuple):
    """(error - floor) / (chance - error)**alpha = coefficient * n**-exponent."""

    coefficient: float
    exponent: float
    floor: float
    chance: float
    alpha: float

    def error(self, n: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " points"]:
        """Predict the error as the released estimator does: the nearest of 10,000 errors from floor to chance."""
        right = self.coefficient * n**-self.exponent
        if abs(self.alpha) < _SMALL:
            return self.floor + right
        above = np.linspace(0, self.chance - self.floor, _GRID)
        power = (above[-1] - above) ** self.alpha
        nearest = [np.argmin(np.abs(above - each * power)) for each in right]
        return np.asarray(self.floor + above[nearest])


def fit_m4(
    curves: Sequence[tuple[Float64[np.ndarray, " _"], Float64[np.ndarray, " _"]]],
    err_0: Sequence[float],
    up_bound: Sequence[float | None],
) -> list[M4]:
    """Fit M4 to each curve of (n, error), n ascending and each once.

    Least squares for coefficient, exponent and alpha alternate with gradient, later Newton steps for floor and chance.

    Args:
        curves: The curves.
        err_0: Where each curve's chance starts.
        up_bound: What each curve's chance stays below, up to 1e-3.

    Source:
        Alabdulmohsin, Neyshabur, Zhai 2022, arXiv:2209.06640, and its released estimators.
    """
    fits = _M4Fits(curves, err_0, up_bound)
    active = np.arange(len(curves))
    for iteration in range(_ITERATIONS):
        before = fits.beta[active].copy()
        fits.least_squares(active)
        if iteration < _GRADIENT_ITERATIONS:
            fits.move(active, _GRADIENT_STEPS, newton=False)
        else:
            fits.move(active, _NEWTON_STEPS, newton=True)
        if iteration > _GRADIENT_ITERATIONS + 1:
            active = active[~(np.abs(fits.beta[active] - before) < _STOP)]
        if not len(active):
            break
    return [
        M4(*map(float, each))
        for each in zip(fits.beta, fits.exponent, fits.floor, fits.chance, fits.alpha, strict=True)
    ]


class _M4Fits:
    """The state of all fits; curves are padded to the longest, ``share`` is 1 / points and 0 on padding."""

    def __init__(
        self,
        curves: Sequence[tuple[Float64[np.ndarray, " _"], Float64[np.ndarray, " _"]]],
        err_0: Sequence[float],
        up_bound: Sequence[float | None],
    ) -> None:
        longest = max(len(n) for n, _ in curves)
        self.log_n, self.error, self.share = (np.zeros((len(curves), longest)) for _ in range(3))
        for at, (n, error) in enumerate(curves):
            count = len(n)
            self.log_n[at, :count], self.log_n[at, count:] = np.log(n), np.log(n[-1])
            self.error[at, :count], self.error[at, count:] = error, error[-1]
            self.share[at, :count] = 1 / count
        self.least = np.array([error.min() for _, error in curves]) - _MARGIN
        self.most = np.array([error.max() for _, error in curves]) + _MARGIN
        self.up_bound = np.array([np.inf if bound is None else bound + _MARGIN for bound in up_bound])
        self.chance = np.array(err_0, dtype=np.float64)
        self.floor = self.least.copy()
        self.beta, self.exponent, self.alpha = (np.ones(len(curves)) for _ in range(3))
        # as released: the regressor keeps the chance it started from
        below = np.log(np.maximum(self.chance[:, np.newaxis] - self.error, 1e-12))
        self.regressors = np.stack([np.ones_like(self.log_n), -self.log_n, below], axis=2)

    def least_squares(self, active: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
        """Fit log(error - floor) by the regressors, no coefficient below 0."""
        regressors, share = self.regressors[active], self.share[active]
        label = np.log(self.error[active] - self.floor[active, np.newaxis])
        solved = _not_negative(
            np.einsum("bpk,bp,bpl->bkl", regressors, share, regressors),
            np.einsum("bpk,bp,bp->bk", regressors, share, label),
        )
        self.beta[active], self.exponent[active] = np.exp(solved[:, 0]), solved[:, 1]
        self.alpha[active] = solved[:, 2]

    def move(self, active: np.ndarray[tuple[int], np.dtype[np.intp]], steps: int, *, newton: bool) -> None:
        """Move floor and chance down the squared difference of the logs of both sides."""
        error, share = self.error[active], self.share[active]
        alpha = self.alpha[active]
        right = np.log(self.beta[active])[:, np.newaxis] - self.exponent[active, np.newaxis] * self.log_n[active]
        floor, chance = self.floor[active], self.chance[active]
        least, most, bound = self.least[active], self.most[active], self.up_bound[active]
        for _ in range(steps):
            above, below = error - floor[:, np.newaxis], chance[:, np.newaxis] - error
            residual = np.log(above) - alpha[:, np.newaxis] * np.log(below) - right
            by_floor = -np.einsum("bp,bp->b", share, residual / above)
            by_chance = -alpha * np.einsum("bp,bp->b", share, residual / below)
            if newton:
                floor_curve = np.einsum("bp,bp->b", share, (1 - residual) / above**2)
                chance_curve = alpha * np.einsum("bp,bp->b", share, (alpha[:, np.newaxis] + residual) / below**2)
                by_floor *= _NEWTON_RATE / np.where(np.abs(floor_curve) > _SMALL, floor_curve, np.inf)
                by_chance *= _NEWTON_RATE / np.where(np.abs(chance_curve) > _SMALL, chance_curve, np.inf)
            else:
                by_floor, by_chance = _GRADIENT_RATE * by_floor, _GRADIENT_RATE * by_chance
            floor = np.minimum(np.maximum(floor - by_floor, 0.0), least)
            chance = np.minimum(np.maximum(chance - by_chance, most), bound)
        self.floor[active], self.chance[active] = floor, chance


def _not_negative(
    normal: Float64[np.ndarray, " problems 3 3"], right: Float64[np.ndarray, " problems 3"]
) -> Float64[np.ndarray, " problems 3"]:
    """Solve small least-squares problems over coefficients from 0 up: the best of all sets of free coefficients."""
    best, lowest = np.zeros_like(right), np.zeros(len(right))
    for size in (1, 2, 3):
        for free in combinations(range(3), size):
            columns = list(free)
            solved = np.linalg.solve(normal[:, columns][:, :, columns], right[:, columns, np.newaxis])[..., 0]
            loss = -np.einsum("bk,bk->b", solved, right[:, columns])
            better: Bool[np.ndarray, " problems"] = (solved >= 0).all(axis=1) & (loss < lowest)
            lowest = np.where(better, loss, lowest)
            full = np.zeros_like(right)
            full[:, columns] = solved
            best = np.where(better[:, np.newaxis], full, best)
    return best


class BNSL(NamedTuple):
    """A one-break law: floor + b * n**-c0 * (1 + (n/d1)**(1/f1))**(-c1 * f1), in the paper's letters."""

    floor: float
    b: float
    c0: float
    c1: float
    d1: float
    f1: float

    def error(self, n: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " points"]:
        """Predict the error."""
        return _bnsl(n, *self)


def fit_bnsl(n: Float64[np.ndarray, " points"], error: Float64[np.ndarray, " points"]) -> BNSL:
    """Fit a one-break BNSL: the best of 163,840 grid points starts an unbounded least-squares fit of log(error + 1).

    Source:
        Caballero et al. 2022, arXiv:2210.14891, and its released script.
    """
    label = np.log(error + 1)
    floors, shares = np.arange(0.0, 1.0, 0.1), np.arange(0, 1, 0.25)
    scales = 1.25 ** np.arange(0, 40, 2.5) - 0.9
    lowest, start = np.inf, (0.0,) * 6
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for c0 in shares:
            for c1 in shares:
                for d1 in scales:
                    for f1 in shares:
                        shape = _bnsl(n, 0.0, 1.0, c0, c1, d1, f1)
                        tried = np.log1p(floors[:, np.newaxis, np.newaxis] + scales[:, np.newaxis] * shape)
                        loss = np.mean((tried - label) ** 2, axis=2)
                        a, b = np.unravel_index(np.nanargmin(loss), loss.shape)
                        if loss[a, b] < lowest:
                            lowest, start = loss[a, b], (floors[a], scales[b], c0, c1, d1, f1)
        try:
            found, _ = curve_fit(lambda x, *p: np.log1p(_bnsl(x, *p)), n, label, p0=start, maxfev=100_000)
        except (RuntimeError, ValueError):
            found = np.array(start)
    return BNSL(*map(float, found))


def _bnsl(
    n: Float64[np.ndarray, " points"], a: float, b: float, c0: float, c1: float, d1: float, f1: float
) -> Float64[np.ndarray, " points"]:
    bend = (1 + (n / d1) ** (np.float64(1.0) / f1)) ** (-c1 * f1)
    return np.asarray(a + b * n**-c0 * bend)
