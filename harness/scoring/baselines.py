"""The estimators that ours is compared with, at their released settings: M4 and a one-break BNSL.

Both take a whole batch of curves at once, for M4's released loop makes up to a million small steps a curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from harness.laws.descend import Belief, descend
from harness.laws.forms import FORMS

_MARGIN: Final = 1e-3  # M4 keeps its floor this far below the least error, and err_0 above the largest
ITERATIONS: Final = 10_000
_GRADIENT_ITERATIONS: Final = 100
_GRADIENT_STEPS: Final = 1000
_GRADIENT_RATE: Final = 1e-8
_NEWTON_STEPS: Final = 100
_NEWTON_RATE: Final = 0.1
_SMALL: Final = 1e-5
_STOP: Final = 1e-10
_STILL: Final = 1e-10  # ours: saves most of the time and moves no error of a public curve by more than 1e-5
_GRID: Final = 10_000  # of the errors M4's prediction is picked from
_NOISE: Final = 0.3  # log error in which a one-break law's residuals are counted


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
    for iteration in range(ITERATIONS):
        before = np.stack([fits.beta, fits.floor, fits.chance])[:, active]
        fits.least_squares(active)
        if iteration < _GRADIENT_ITERATIONS:
            fits.move(active, _GRADIENT_STEPS, newton=False)
        else:
            fits.move(active, _NEWTON_STEPS, newton=True)
        if iteration > _GRADIENT_ITERATIONS + 1:
            moved = np.abs(np.stack([fits.beta, fits.floor, fits.chance])[:, active] - before)
            # as released: beta stands still. Where beta is huge it never does; then floor and chance must.
            active = active[~((moved[0] < _STOP) | (moved[1:].max(axis=0) < _STILL))]
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
    """A one-break law, as this project fits it for comparison: coordinates of the form and the largest n fitted."""

    theta: Float64[np.ndarray, " 1 6"]
    largest: float

    def error(self, n: Float64[np.ndarray, " points"]) -> Float64[np.ndarray, " points"]:
        """Predict the error."""
        return np.asarray(np.exp(FORMS["broken-power-law"].linearise(self.theta, np.log(n / self.largest))[0][0]))


def fit_bnsl(n: Float64[np.ndarray, " points"], error: Float64[np.ndarray, " points"]) -> BNSL:
    """Fit a one-break BNSL alone: least squares of log error from 96 starts, every point alike, nothing believed.

    The released script's grid (arXiv:2210.14891) puts breaks at n up to 4,300 only, so on other scales of n it starts
    from no break at all; these starts spread over the points.
    """
    form, largest = FORMS["broken-power-law"], float(n[-1])
    x, log_error = np.log(n / largest), np.log(error)
    falls = ((0.03, 0.1), (0.05, 0.4), (0.3, 0.6), (0.3, 0.1), (0.8, 0.3), (0.1, 1.0))
    rows = [
        (log_error[-1], np.log(first), share, np.log(last), at * -x[0], width)
        for (first, last), share, at, width in product(falls, (-6.0, 0.5), (-0.8, -0.5, -0.25, -0.05), (-1.5, 0.5))
    ]
    starts = np.array(rows)
    nothing = Belief(np.zeros_like(starts), np.zeros_like(starts))
    shape = (len(starts), len(x))
    # so much noise that the robust loss is a square
    precision = np.full(shape, 1 / _NOISE)
    theta, loss = descend(form, starts, x, np.broadcast_to(log_error, shape), precision, nothing, steps=300)
    return BNSL(theta[[loss.argmin()]], largest)
