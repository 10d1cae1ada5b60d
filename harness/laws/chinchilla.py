"""Fit L = E + A / N ** alpha + B / D ** beta as the Chinchilla paper did, to be compared with published numbers.

Source: Hoffmann et al. 2022, arXiv:2203.15556, approach 3; replicated by Besiroglu et al. 2024, arXiv:2404.10102.
N is the number of parameters, D the number of training tokens: here params and n_train.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64

from harness.laws.surface_fit import Problem, solve
from harness.laws.surface_forms import SIZE_FORMS

DELTA: Final = 1e-3  # Huber's, on log loss
N_STARTS: Final = 60


class Parametric(NamedTuple):
    """The fit, its objective (Huber loss summed over points) and bootstrap standard errors of the five parameters."""

    size_coefficient: float  # A
    data_coefficient: float  # B
    floor: float  # E
    size_exponent: float  # alpha
    data_exponent: float  # beta
    objective: float
    errors: tuple[float, ...]


def fit_parametric(
    n_train: Float64[np.ndarray, " runs"],
    params: Float64[np.ndarray, " runs"],
    loss: Float64[np.ndarray, " runs"],
    *,
    n_draws: int = 200,
    seed: int = 0,
) -> Parametric:
    """Fit the five parameters; runs are resampled with replacement for their standard errors.

    Args:
        n_train: Tokens seen by each run.
        params: Trainable scalars of each run.
        loss: Loss of each run, in any one unit.
        n_draws: Resamplings, at least 2.
        seed: Seed of the resampling.
    """
    form = SIZE_FORMS[0]
    logs = np.log(np.stack([n_train, params]))
    centre = logs.mean(axis=1)
    n_runs = len(loss)
    problem = Problem(
        logs - centre[:, np.newaxis], np.log(loss)[np.newaxis], np.ones(n_runs), np.ones((1, n_runs)), float("inf")
    )
    theta, objective = solve(form, problem, huber=DELTA, prior=False, n_starts=N_STARTS)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n_runs, np.full(n_runs, 1 / n_runs), size=n_draws).astype(np.float64)
    again = problem._replace(log_error=np.repeat(problem.log_error, n_draws, axis=0), weight=counts)
    drawn, _ = solve(form, again, huber=DELTA, prior=False, warm=theta)
    written = form.parameters(np.concatenate([theta, drawn]), centre, float("inf"))
    b, beta, a, alpha, e = written.T  # the paper's letters, in the order of the form's keys
    best = [float(values[0]) for values in (a, b, e, alpha, beta)]
    spread = tuple(float(np.std(values[1:], ddof=1)) for values in (a, b, e, alpha, beta))
    return Parametric(best[0], best[1], best[2], best[3], best[4], float(objective[0]), spread)
