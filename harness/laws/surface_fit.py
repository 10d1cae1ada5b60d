"""Fit one form to cells: robust, in log error, from many starts, all problems as one batch.

The loss is Huber's of residuals in units of their noise. Each form has a weak prior, which decides only what the cells
leave open.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from harness.laws.counts import Counts, deviance

HUBER: Final = 1.345  # in units of noise: 95 % efficient for normal residuals
N_STARTS: Final = 32
KEPT_STARTS: Final = 4
FIRST_STEPS: Final = 10
LAST_STEPS: Final = 80
LOOK_EVERY: Final = 6  # steps, after which a fit that gained nothing more is done
SETTLED: Final = 1e-9  # of the loss
DIFFERENCE: Final = 1e-5


class Form(ABC):
    """What can be fitted: a vector ``theta`` that says the log error everywhere."""

    @property
    @abstractmethod
    def n_parameters(self) -> int:
        """Length of ``theta``."""

    @abstractmethod
    def log_error(
        self, theta: Float64[np.ndarray, " problems k"], x: Float64[np.ndarray, " variables points"], chance: float
    ) -> Float64[np.ndarray, " problems points"]:
        """Evaluate at centred logs."""

    def slopes(
        self, theta: Float64[np.ndarray, " problems k"], x: Float64[np.ndarray, " variables points"], chance: float
    ) -> Float64[np.ndarray, " problems points k"]:
        """Return the derivatives of the log error by ``theta``, by differences; a form may have formulas for them."""
        k = theta.shape[1]
        moves = np.concatenate([np.eye(k), -np.eye(k)]) * DIFFERENCE
        beside = self.log_error((theta[np.newaxis] + moves[:, np.newaxis]).reshape(-1, k), x, chance)
        ahead, behind = beside.reshape(2, k, len(theta), -1)
        return np.moveaxis((ahead - behind) / (2 * DIFFERENCE), 0, 2)

    @abstractmethod
    def bounds(
        self, log_error: Float64[np.ndarray, " problems points"]
    ) -> tuple[Float64[np.ndarray, " problems k"], Float64[np.ndarray, " problems k"]]:
        """Return the least and greatest ``theta`` of each problem."""

    @abstractmethod
    def starts(
        self, log_error: Float64[np.ndarray, " problems points"], n_starts: int
    ) -> Float64[np.ndarray, " problems starts k"]:
        """Return places to start from."""

    @abstractmethod
    def prior(
        self, log_error: Float64[np.ndarray, " problems points"], chance: float
    ) -> tuple[Float64[np.ndarray, " problems k"], Float64[np.ndarray, " k"]]:
        """Return the mean of each parameter in each problem, and its precision; precision 0 is no prior."""


class Problem(NamedTuple):
    """What a form is fitted to: ``x`` holds centred logs, ``noise`` the sd of each log error, ``weight`` its share.

    Curves that differ in ``log_error``, ``weight`` and counts alone (resampled data) are solved together. The
    residual of a count is the signed root of its deviance; ``counts`` has a row of wrong answers a curve, or one for
    all.
    """

    x: Float64[np.ndarray, " variables points"]
    log_error: Float64[np.ndarray, " curves points"]
    noise: Float64[np.ndarray, " points"]
    weight: Float64[np.ndarray, " curves points"]
    chance: float
    counts: Counts | None = None


def solve(
    form: Form,
    problem: Problem,
    *,
    warm: Float64[np.ndarray, " starts k"] | None = None,
    huber: float = HUBER,
    prior: bool = True,
    n_starts: int = N_STARTS,
    pinned: Float64[np.ndarray, " curves k"] | None = None,
) -> tuple[Float64[np.ndarray, " curves k"], Float64[np.ndarray, " curves"]]:
    """Fit every curve of the problem.

    Args:
        form: What to fit.
        problem: Where and to what.
        warm: Start here instead of from everywhere: for curves that are resampled from one already fitted.
        huber: Residual, in units of noise, from which on the loss grows linearly.
        prior: Whether the weak prior counts.
        n_starts: Starts a curve, where ``warm`` is not given.
        pinned: Values that are held, NaN where a parameter is free.

    Returns:
        ``theta`` of each curve and its loss.
    """
    n_curves = len(problem.log_error)
    low, high = form.bounds(problem.log_error)
    if pinned is not None:
        low, high = np.where(np.isnan(pinned), low, pinned), np.where(np.isnan(pinned), high, pinned)
    if warm is None:
        starts = form.starts(problem.log_error, n_starts)
    else:
        starts = np.broadcast_to(warm, (n_curves, *warm.shape)).copy()
    starts = np.clip(starts, low[:, np.newaxis], high[:, np.newaxis])
    if warm is None:
        starts, loss = _descend(form, starts, problem, low, high, FIRST_STEPS, huber, prior)
        order = np.argsort(loss, axis=1)[:, :KEPT_STARTS]
        starts = np.take_along_axis(starts, order[:, :, np.newaxis], axis=1)
    theta, loss = _descend(form, starts, problem, low, high, LAST_STEPS, huber, prior)
    best = np.argmin(loss, axis=1)
    every = np.arange(n_curves)
    return theta[every, best], loss[every, best]


def _descend(
    form: Form,
    starts: Float64[np.ndarray, " curves starts k"],
    problem: Problem,
    low: Float64[np.ndarray, " curves k"],
    high: Float64[np.ndarray, " curves k"],
    n_steps: int,
    huber: float,
    prior: bool,
) -> tuple[Float64[np.ndarray, " curves starts k"], Float64[np.ndarray, " curves starts"]]:
    """Levenberg-Marquardt with one damping a start; a parameter at its bound that would leave it is held there."""
    n_curves, n_starts, k = starts.shape
    theta = starts.reshape(-1, k)
    low, high = np.repeat(low, n_starts, axis=0), np.repeat(high, n_starts, axis=0)
    target = np.repeat(problem.log_error, n_starts, axis=0)
    weight = np.repeat(problem.weight, n_starts, axis=0)
    counts = problem.counts
    if counts is not None:
        wrong = np.broadcast_to(counts.wrong, problem.log_error.shape)
        counts = counts._replace(wrong=np.repeat(wrong, n_starts, axis=0))
    mean, precision = form.prior(target, problem.chance) if prior else (np.zeros((1, k)), np.zeros(k))

    def residual_of(value: Float64[np.ndarray, " problems points"]) -> tuple[np.ndarray, np.ndarray]:
        """Return residuals and their slopes by the log error."""
        missed, slope = value - target, np.ones_like(value)
        if counts is not None:
            is_count = np.isfinite(counts.items)
            of_counts, by_log = deviance(value, counts)
            missed = np.where(is_count, counts.sd * of_counts, missed)
            slope = np.where(is_count, counts.sd * by_log, slope)
        return missed / problem.noise, slope / problem.noise

    def loss_at(
        at: Float64[np.ndarray, " problems k"], residual: Float64[np.ndarray, " problems points"]
    ) -> Float64[np.ndarray, " problems"]:
        size = np.abs(residual)
        robust = np.where(size <= huber, 0.5 * residual**2, huber * (size - 0.5 * huber))
        total: Float64[np.ndarray, " problems"] = np.sum(weight * robust, axis=1)
        return np.asarray(total + 0.5 * np.sum(precision * (at - mean) ** 2, axis=1))

    damping = np.full(len(theta), 1e-2)
    residual, slope = residual_of(form.log_error(theta, problem.x, problem.chance))
    before = loss = loss_at(theta, residual)
    for step_number in range(n_steps):
        if step_number and step_number % LOOK_EVERY == 0:
            if np.all(before - loss <= SETTLED * (np.abs(loss) + 1e-12)):
                break
            before = loss
        jacobian = form.slopes(theta, problem.x, problem.chance) * slope[:, :, np.newaxis]
        pull = weight * np.minimum(1.0, huber / np.maximum(np.abs(residual), 1e-300))
        gradient = np.einsum("bp,bp,bpk->bk", pull, residual, jacobian) + precision * (theta - mean)
        held: Bool[np.ndarray, " problems k"] = ((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0))
        free = np.where(held, 0.0, 1.0)
        weighted = jacobian * pull[:, :, np.newaxis]
        curvature = np.matmul(np.swapaxes(weighted, 1, 2), jacobian) + np.diag(precision)
        curvature *= free[:, :, np.newaxis] * free[:, np.newaxis, :]
        diagonal = np.einsum("bkk->bk", curvature)
        diagonal += damping[:, np.newaxis] * diagonal + 1e-10
        step = -np.linalg.solve(curvature, (gradient * free)[..., np.newaxis])[..., 0]
        tried = np.clip(theta + np.clip(step, -3.0, 3.0), low, high)
        new_residual, new_slope = residual_of(form.log_error(tried, problem.x, problem.chance))
        new_loss = loss_at(tried, new_residual)
        better = new_loss < loss
        theta = np.where(better[:, np.newaxis], tried, theta)
        residual = np.where(better[:, np.newaxis], new_residual, residual)
        slope = np.where(better[:, np.newaxis], new_slope, slope)
        loss = np.where(better, new_loss, loss)
        damping = np.clip(np.where(better, damping / 5, damping * 4), 1e-12, 1e12)
    return theta.reshape(n_curves, n_starts, k), loss.reshape(n_curves, n_starts)
