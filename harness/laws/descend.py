"""Fit many small problems together: robust Levenberg-Marquardt steps on a whole batch.

All starts of all members, and all bootstrap draws, are one batch; a problem that has settled leaves it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from harness.laws.counts import Counts, deviance
from harness.laws.forms import Form, Logs, Points, Theta

SETTLED: Final = 1e-7  # a fall of the loss below this share of it, five times running, ends a problem
PATIENCE: Final = 5


class Belief(NamedTuple):
    """A Gaussian prior over the coordinates of a form: pseudo-residuals (theta - centre) * precision."""

    centre: Float64[np.ndarray, " problems coordinates"]
    precision: Float64[np.ndarray, " problems coordinates"]


def descend(
    form: Form,
    theta: Theta,
    x: Points,
    log_error: Logs,
    precision: Logs,
    belief: Belief,
    upper: Theta | None = None,
    steps: int = 60,
    counts: Counts | None = None,
) -> tuple[Theta, Float64[np.ndarray, " problems"]]:
    """Minimise the robust loss of each problem, with one damping a problem and a box around theta.

    The loss is the soft-L1 loss, squares near 0 and absolute values far from it, of residuals in units of their
    noise, and half the squares of the pseudo-residuals. The residual of a count is the signed root of its deviance. A
    coordinate at its bound that would leave it is held there.

    Args:
        form: What is fitted.
        theta: Where each problem starts.
        x: log(n / largest n).
        log_error: What is fitted to.
        precision: 1 / noise of each log error; 0 leaves a point out.
        belief: What is believed beforehand.
        upper: Largest coordinates where they are not the form's.
        steps: Most steps of a problem.
        counts: The points that are counts, a row of wrong answers a problem; ``log_error`` of these is not read.

    Returns:
        The coordinates found, and the loss there.
    """
    lower = np.broadcast_to(np.asarray(form.lower), theta.shape)
    upper = np.broadcast_to(np.asarray(form.upper), theta.shape) if upper is None else upper
    problems = _Problems(lower, upper, log_error, precision, belief, counts)
    theta = np.clip(theta, lower, upper)
    done, done_loss = theta.copy(), np.empty(len(theta))
    at = np.arange(len(theta))
    state = _linearise(form, theta, x, problems)
    damping, idle = np.full(len(theta), 1e-2), np.zeros(len(theta), dtype=np.int64)
    for _ in range(steps):
        tried = _step(theta, state, damping, problems)
        new = _linearise(form, tried, x, problems)
        better = new.loss < state.loss
        idle = np.where(new.loss < state.loss * (1 - SETTLED) - 1e-12, 0, idle + 1)
        theta = np.where(better[:, np.newaxis], tried, theta)
        state = state.where(better, new)
        damping = np.clip(np.where(better, damping / 5, damping * 4), 1e-9, 1e9)
        moving = idle < PATIENCE
        if moving.mean() < 0.8:
            done[at], done_loss[at] = theta, state.loss
            at, theta, damping, idle = at[moving], theta[moving], damping[moving], idle[moving]
            problems, state = problems.part(moving), state.part(moving)
            if not len(at):
                break
    done[at], done_loss[at] = theta, state.loss
    return done, done_loss


class _Problems(NamedTuple):
    """What is fitted together, a row each: bounds, targets, and what is believed."""

    lower: Theta
    upper: Theta
    log_error: Logs
    precision: Logs
    belief: Belief
    counts: Counts | None

    def part(self, chosen: Bool[np.ndarray, " problems"]) -> _Problems:
        """Return some of them."""
        lower, upper, log_error, precision = (each[chosen] for each in self[:4])
        belief = Belief(*(each[chosen] for each in self.belief))
        counts = self.counts and self.counts._replace(wrong=self.counts.wrong[chosen])
        return _Problems(lower, upper, log_error, precision, belief, counts)


class _State(NamedTuple):
    """Where each problem is: residuals, their weights and slopes, pseudo-residuals, loss."""

    residual: np.ndarray
    weight: np.ndarray
    jacobian: np.ndarray
    pseudo: np.ndarray
    loss: np.ndarray

    def part(self, chosen: Bool[np.ndarray, " problems"]) -> _State:
        """Return that of some problems."""
        return _State(*(each[chosen] for each in self))

    def where(self, better: Bool[np.ndarray, " problems"], new: _State) -> _State:
        """Return the new state of problems that are better off there."""
        return _State(
            *(
                np.where(better.reshape(-1, *(1,) * (ours.ndim - 1)), theirs, ours)
                for ours, theirs in zip(self, new, strict=True)
            )
        )


def _step(theta: Theta, state: _State, damping: Float64[np.ndarray, " problems"], problems: _Problems) -> Theta:
    """Return where a damped step leads; a coordinate at its bound that would leave it is held there."""
    lower, upper, belief = problems.lower, problems.upper, problems.belief
    weighted = state.jacobian * state.weight[:, :, np.newaxis]
    gradient = np.einsum("bpk,bp->bk", weighted, state.residual) + state.pseudo * belief.precision
    held: Bool[np.ndarray, " problems coordinates"] = ((theta <= lower) & (gradient > 0)) | (
        (theta >= upper) & (gradient < 0)
    )
    free = np.where(held, 0.0, 1.0)
    curvature = (weighted.transpose(0, 2, 1) @ state.jacobian) * free[:, :, np.newaxis] * free[:, np.newaxis]
    diagonal = np.einsum("bkk->bk", curvature)
    diagonal += belief.precision**2 * free
    diagonal += damping[:, np.newaxis] * diagonal + 1e-9
    step = -np.linalg.solve(curvature, (gradient * free)[..., np.newaxis])[..., 0]
    return np.asarray(np.clip(theta + np.clip(step, -3.0, 3.0), lower, upper))


def _linearise(form: Form, theta: Theta, x: Points, problems: _Problems) -> _State:
    _, _, log_error, precision, belief, counts = problems
    value, jacobian = form.linearise(theta, x)
    residual = (value - log_error) * precision
    jacobian *= precision[:, :, np.newaxis]
    if counts is not None:
        counted = np.isfinite(counts.items)
        missed, slope = deviance(value, counts)
        residual = np.where(counted, missed * counts.sd * precision, residual)
        jacobian *= np.where(counted, slope * counts.sd, 1.0)[:, :, np.newaxis]
    root = np.sqrt(1 + residual**2)
    pseudo = (theta - belief.centre) * belief.precision
    loss = np.sum(root - 1, axis=1) + 0.5 * np.sum(pseudo**2, axis=1)
    loss = np.where(np.isfinite(loss), loss, np.inf)
    return _State(residual, 1 / root, jacobian, pseudo, loss)
