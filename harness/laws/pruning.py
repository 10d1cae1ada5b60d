"""The error of pruned networks: low-error plateau, power law, high-error plateau, in one invariant of their size.

Form (Rosenfeld, Frankle, Carbin, Shavit 2021, arXiv:2006.10621: equation 1 with their joint invariant for density)::

    m = depth ** phi * width ** psi * density                                  networks with the same m are alike
    error = unpruned * | (m - i p (high / unpruned) ** (1 / gamma)) / (m - i p) | ** gamma
          = unpruned * ((m ** 2 + p ** 2 (high / unpruned) ** (2 / gamma)) / (m ** 2 + p ** 2)) ** (gamma / 2)

``unpruned`` is the error of the same network before pruning (the paper's epsilon_np) and the limit for large m;
``high`` (epsilon with an upward arrow) is the plateau that pruning ends on, for m near 0; between the two the error
falls as m ** -gamma. At m = p the high plateau ends; the low one begins at m = p (high / unpruned) ** (1 / gamma).
n_train enters through ``unpruned`` alone. All of this, and five constants for all networks of a family on one data
set, is the paper's: ``unpruned`` epsilon_np, ``high`` epsilon up, ``density`` d, ``depth`` l, ``width`` w, and p what
it writes p' in the joint law.

What differs:

* The paper minimises squares of (predicted - actual) / actual; here Huber's loss of log predicted - log actual, which
  is the same for small misses, and which one network that failed to train does not rule.
* Weak beliefs, that gamma, phi and psi are near 1, decide what few cells leave open: the paper has thousands of
  cells, a grid of ours has tens.
* Width counts units or channels, the paper's is a multiple of a standard width; depth counts hidden layers or blocks,
  the paper's is that in the names of residual networks, 8 to 98. So p, phi and psi are not to be compared with the
  paper's.
* Density 1, which the paper's fits include, is not fitted: the law starts from the error there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float64

from harness.laws.surface_fit import Form, Problem, solve
from registry.errors import InvalidData

KEYS: Final = ("high", "gamma", "p", "phi", "psi")
FEWEST_CELLS: Final = 8
LEAST_MISFIT: Final = 0.005
FIRST_MISFIT: Final = 0.03
DENSE: Final = 1.0 - 1e-9


@final
@dataclass(frozen=True)
class PruningCell:
    """The error at one density of one network.

    Args:
        density: Share of weights kept, in (0, 1]; 1 is the network before pruning.
        width: As in a shape.
        depth: As in a shape, at least 1.
        n_train: Number of training examples.
        errors: Error of each seed, in the task's error form.
    """

    density: int | float
    width: int | float
    depth: int | float
    n_train: int | float
    errors: tuple[float, ...]


class PruningLaw(NamedTuple):
    """The five constants, and draws of them, each a row (high, gamma, p, phi, psi) from a refit to resampled cells."""

    high: float
    gamma: float
    p: float
    phi: float
    psi: float
    draws: Float64[np.ndarray, " draws 5"]

    def log_error(self, cells: Sequence[PruningCell], unpruned: Sequence[float]) -> Float64[np.ndarray, " cells"]:
        """Predict the log error of ``cells`` (their own errors are not read) from the error of each before pruning."""
        constants = np.array([[self.high, self.gamma, self.p, self.phi, self.psi]])
        theta = np.concatenate([np.log(constants[:, :3]), constants[:, 3:]], axis=1)
        return np.asarray(_Form().log_error(theta, _logs(cells, unpruned), np.inf)[0])


class Divergence(NamedTuple):
    """Mean and sd of (predicted - actual) / actual, and the sd that seeds alone would leave (None: single runs)."""

    mean: float
    sd: float
    seed_sd: float | None
    n_cells: int


def fit_pruning(cells: Sequence[PruningCell], *, n_draws: int = 100, seed: int = 0) -> PruningLaw:
    """Fit the five constants to every pruned cell whose network is there before pruning too.

    Args:
        cells: Of any widths, depths and n_train; each network also at density 1.
        n_draws: Refits to cells with random weights.
        seed: Seed of the resampling.

    Raises:
        InvalidData: If fewer than 8 pruned cells have an unpruned one, or an error is no number above 0.
    """
    pruned, unpruned = pair(cells)
    if len(pruned) < FEWEST_CELLS:
        raise InvalidData(
            f"a pruning law has 5 constants and needs at least {FEWEST_CELLS} pruned cells, got {len(pruned)}",
            "measure each network at density 1 as well: the law starts from its error there",
        )
    form = _Form()
    logs = _logs(pruned, unpruned)
    centre = np.append(logs[:3].mean(axis=1), 0.0)
    x = logs - centre[:, np.newaxis]
    target = np.log([[np.mean(cell.errors) for cell in pruned]])
    noise = np.full(len(pruned), FIRST_MISFIT)
    problem = Problem(x, target, noise, np.ones_like(target), np.inf)
    theta, _ = solve(form, problem)
    residual = form.log_error(theta, x, np.inf)[0] - target[0]
    spread = 1.4826 * float(np.median(np.abs(residual))) * np.sqrt(len(pruned) / (len(pruned) - 5))
    problem = problem._replace(noise=np.full(len(pruned), max(spread, LEAST_MISFIT)))
    theta, _ = solve(form, problem)
    rng = np.random.default_rng(seed)
    weight = rng.exponential(size=(n_draws, len(pruned)))
    again = problem._replace(log_error=np.repeat(target, n_draws, axis=0), weight=weight)
    drawn, _ = solve(form, again, warm=theta[0] + np.array([[0.0], [0.1]]) * np.ones(5))
    written = _written(np.concatenate([theta, drawn]), centre)
    high, gamma, p, phi, psi = (float(value) for value in written[0])
    return PruningLaw(high, gamma, p, phi, psi, written[1:])


def pair(cells: Sequence[PruningCell]) -> tuple[list[PruningCell], list[float]]:
    """Return the pruned cells and, for each, the mean error of its network before pruning; the rest are left out."""
    for cell in cells:
        if not (0 < cell.density <= 1 and cell.width >= 1 and cell.depth >= 1):
            raise InvalidData(
                f"density {cell.density:g}, width {cell.width:g}, depth {cell.depth:g}: "
                "expected a density in (0, 1] and at least one hidden layer"
            )
        if not cell.errors or not all(np.isfinite(error) and error > 0 for error in cell.errors):
            raise InvalidData(
                f"density {cell.density:g} has errors {cell.errors}, expected numbers above 0, one a seed"
            )
    before = {(c.width, c.depth, c.n_train): float(np.mean(c.errors)) for c in cells if c.density >= DENSE}
    pruned = [c for c in cells if c.density < DENSE and (c.width, c.depth, c.n_train) in before]
    return pruned, [before[c.width, c.depth, c.n_train] for c in pruned]


def diverge(law: PruningLaw, cells: Sequence[PruningCell]) -> Divergence:
    """Compare a law with pruned cells, each network's unpruned error being among ``cells`` too.

    Source: the paper's mu and sigma of (predicted - actual) / actual.
    """
    pruned, unpruned = pair(cells)
    if len(pruned) < 2:
        raise InvalidData(f"a spread needs at least 2 pruned cells with their network unpruned, got {len(pruned)}")
    actual = np.array([np.mean(cell.errors) for cell in pruned])
    delta = np.exp(law.log_error(pruned, unpruned)) / actual - 1
    many = [c for c in pruned if len(c.errors) > 1]
    relative = [np.var(c.errors, ddof=1) / np.mean(c.errors) ** 2 / len(c.errors) for c in many]
    seed_sd = float(np.sqrt(np.mean(relative))) if many else None
    return Divergence(float(delta.mean()), float(delta.std(ddof=1)), seed_sd, len(pruned))


def _logs(cells: Sequence[PruningCell], unpruned: Sequence[float]) -> Float64[np.ndarray, " 4 cells"]:
    """Return logs of density, width, depth and the unpruned error."""
    rows = ([c.density for c in cells], [c.width for c in cells], [c.depth for c in cells], list(unpruned))
    return np.log(np.array(rows, dtype=np.float64))


def _written(
    theta: Float64[np.ndarray, " laws 5"], centre: Float64[np.ndarray, " 4"]
) -> Float64[np.ndarray, " laws 5"]:
    """Return (high, gamma, p, phi, psi): p for logs that are not centred."""
    shift = centre[0] + theta[:, 3] * centre[2] + theta[:, 4] * centre[1]
    return np.stack(
        [np.exp(theta[:, 0]), np.exp(theta[:, 1]), np.exp(theta[:, 2] + shift), theta[:, 3], theta[:, 4]], axis=1
    )


@final
class _Form(Form):
    """theta = (log high, log gamma, log p, phi, psi); x = logs of (density, width, depth), centred, and of unpruned."""

    n_parameters = 5

    def log_error(
        self, theta: Float64[np.ndarray, " problems 5"], x: Float64[np.ndarray, " 4 points"], chance: float
    ) -> Float64[np.ndarray, " problems points"]:
        high, gamma, log_p = theta[:, [0]], np.exp(theta[:, [1]]), theta[:, [2]]
        density, width, depth, unpruned = x
        log_m = density + theta[:, [3]] * depth + theta[:, [4]] * width
        upper = np.logaddexp(2 * log_m, 2 * log_p + 2 / gamma * (high - unpruned))
        return np.asarray(unpruned + gamma / 2 * (upper - np.logaddexp(2 * log_m, 2 * log_p)))

    def bounds(
        self, log_error: Float64[np.ndarray, " problems points"]
    ) -> tuple[Float64[np.ndarray, " problems 5"], Float64[np.ndarray, " problems 5"]]:
        highest = log_error.max(axis=1)
        low = [highest - 0.1, np.full_like(highest, np.log(0.05)), np.full_like(highest, -25.0)]
        high = [np.maximum(highest, 0.0) + 0.5, np.full_like(highest, np.log(10.0)), np.full_like(highest, 8.0)]
        for _ in range(2):
            low.append(np.full_like(highest, -3.0))
            high.append(np.full_like(highest, 5.0))
        return np.stack(low, axis=1), np.stack(high, axis=1)

    def starts(
        self, log_error: Float64[np.ndarray, " problems points"], n_starts: int
    ) -> Float64[np.ndarray, " problems starts 5"]:
        rng = np.random.default_rng(0)
        places = np.stack(
            [
                rng.uniform(0.0, 0.5, n_starts),
                rng.uniform(np.log(0.2), np.log(4.0), n_starts),
                rng.uniform(-5.0, 1.0, n_starts),
                rng.uniform(0.0, 2.0, n_starts),
                rng.uniform(0.0, 2.0, n_starts),
            ],
            axis=1,
        )
        starts = np.repeat(places[np.newaxis], len(log_error), axis=0)
        starts[:, :, 0] += log_error.max(axis=1, keepdims=True)
        return starts

    def prior(
        self, log_error: Float64[np.ndarray, " problems points"], chance: float
    ) -> tuple[Float64[np.ndarray, " problems 5"], Float64[np.ndarray, " 5"]]:
        """Return a slope near 1 within a factor e, and sizes that count about as much as density does."""
        mean = np.tile([0.0, 0.0, 0.0, 1.0, 1.0], (len(log_error), 1))
        return mean, np.array([0.0, 1.0, 0.0, 1.0, 1.0])
