"""What all trainings so far say of every setting: one smooth, floor-aware surface, fitted to all of them at once.

The logit of an error, as a share of chance, is modelled as a Gaussian process over the settings: lines in log width and
log steps, a bowl in log learning rate, smooth departures from them, and an offset for each depth and resolution, all
shared where they can be: a training at one width tells about the others, at one rate about the rest. Saturation near
chance is in the logit; a floor is in the smooth departures, which bend the line. The test split has an offset of its
own, unknown until certifications have read it.

Noise is that of seeds, estimated from the residuals, plus that of counting wrong answers; a run that lies far off (a
dead network) is given less weight.

Source:
    Gaussian processes: Rasmussen & Williams 2006, chapters 2 and 4. Robust weights: Student's t, as a scale mixture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float64
from scipy.linalg import cho_solve, cholesky, solve_triangular

from harness.search.base import History, Setting, Space

Array = np.ndarray

# Standard deviations, in logits, of what makes up the surface; widths, steps, rates in octaves.
# measured: highest marginal likelihood on the tables of digits/mlp and glyphs/mlp, then frozen; docs/log.md
CONSTANTS: Final[dict[str, float]] = {
    "level": 0.86,
    "depth": 0.45,
    "resolution": 0.31,
    "width_line": 0.31,
    "width_bend": 0.84,
    "width_reach": 1.75,
    "steps_line": 0.09,
    "steps_bend": 0.095,
    "rate_line": 0.11,
    "rate_bowl": 0.036,
    "rate_bend": 0.16,
    "rate_reach": 1.9,
    "rate_width": 0.043,
    "rate_steps": 0.063,
    "steps_width": 0.042,
    "rest": 0.156,
    "alike": 0.77,
    "rest_reach": 1.1,
    "seed": 0.2,
    "seed_width": 0.7,
    "slope": -1.1,
    "gain": -0.31,
    "bowl": 0.097,
}
DEGREES: Final = 4.0  # of Student's t
DRAWS: Final = 128
CLIP: Final = 0.985  # share of chance beyond which an error says no more than this


def link(error: Float64[Array, " n"], chance: float, n_items: int) -> Float64[Array, " n"]:
    """Return the logit of an error as a share of chance, kept finite by half an item at either end."""
    share = np.clip(error / chance, 0.5 / n_items * max(1.0, chance) / chance, CLIP)
    return np.log(share) - np.log1p(-share)


@final
@dataclass(frozen=True)
class _Features:
    """Settings as columns of numbers."""

    curve: Array  # depth
    side: Array  # log2 resolution
    width: Array
    rate: Array
    steps: Array

    @classmethod
    def of(cls, settings: Sequence[Setting]) -> _Features:
        return cls(
            curve=np.array([s.shape.depth for s in settings], dtype=float),
            side=np.array([np.log2(s.shape.resolution or 16) for s in settings]),
            width=np.array([np.log2(max(s.shape.width, 1)) - 3 for s in settings]),
            rate=np.array([np.log2(s.learning_rate / 0.01) for s in settings]),
            steps=np.array([np.log2(s.steps / 1000) for s in settings]),
        )


def _bell(a: Array, b: Array, reach: float) -> Array:
    return np.asarray(np.exp(-0.5 * ((a[:, None] - b[None, :]) / reach) ** 2))


def covariance(a: _Features, b: _Features, c: dict[str, float]) -> Float64[Array, " n m"]:
    """Return the prior covariance of the surface between two sets of settings."""
    same_depth = (a.curve[:, None] == b.curve[None, :]).astype(float)
    near_side = _bell(a.side, b.side, 1.0)
    alike = (c["alike"] + (1 - c["alike"]) * same_depth) * (c["alike"] + (1 - c["alike"]) * near_side)
    width, rate, steps = _bell(a.width, b.width, c["width_reach"]), _bell(a.rate, b.rate, c["rate_reach"]), None
    steps = _bell(a.steps, b.steps, 2.0)

    def product(x: Array, y: Array, sd: float) -> Array:
        return np.outer(x, y) * sd**2

    total = np.full(same_depth.shape, c["level"] ** 2)
    total += c["depth"] ** 2 * same_depth + c["resolution"] ** 2 * near_side
    total += alike * (product(a.width, b.width, c["width_line"]) + c["width_bend"] ** 2 * width)
    total += alike * (product(a.steps, b.steps, c["steps_line"]) + c["steps_bend"] ** 2 * steps)
    total += alike * (
        product(a.rate, b.rate, c["rate_line"])
        + product(a.rate**2, b.rate**2, c["rate_bowl"])
        + c["rate_bend"] ** 2 * rate * _bell(a.width, b.width, 2 * c["width_reach"])
        + product(a.rate * a.width, b.rate * b.width, c["rate_width"])
        + product(a.rate * a.steps, b.rate * b.steps, c["rate_steps"])
        + product(a.steps * a.width, b.steps * b.width, c["steps_width"])
    )
    near = _bell(a.width, b.width, c["rest_reach"]) * _bell(a.rate, b.rate, c["rest_reach"])
    total += c["rest"] ** 2 * same_depth * near_side * near * steps
    return total


def prior_mean(f: _Features, c: dict[str, float]) -> Float64[Array, " n"]:
    """Return the surface expected before anything is trained: it falls with width and steps, a bowl in the rate."""
    line = c["slope"] * f.width * (f.curve > 0) + c["gain"] * f.steps + c["bowl"] * f.rate**2
    return np.asarray(-1.0 + line, dtype=np.float64)


def _relative_noise(f: _Features, c: dict[str, float]) -> Array:
    return np.asarray(2.0 ** (-c["seed_width"] * np.where(f.curve > 0, f.width, 3.0)))


@final
@dataclass(frozen=True)
class _Observations:
    """Means over the runs of each setting and split."""

    settings: list[Setting]
    is_test: Array
    mean: Array
    count: Array
    spread: Array  # sum of squares within each setting
    freedom: Array  # its degrees of freedom


@final
class Posterior:
    """The surface after a history.

    Args:
        space: What may be trained.
        history: What has been trained; may be empty.
        target_error: Where the test split's offset matters.
        constants: The prior.
        sees_tests: Whether test errors of certifications are used: they may say which shape is worth certifying, but
            never at which rate or how many steps.

    Attributes:
        seed_sd: Standard deviation of a run around the surface, in logits.
    """

    def __init__(
        self,
        space: Space,
        history: History,
        target_error: float,
        constants: dict[str, float] | None = None,
        *,
        sees_tests: bool = True,
    ) -> None:
        self._space = space
        self._constants = c = constants or CONSTANTS
        most = max(1.0, space.chance_error)  # an error that is no share of items counts as one of so much
        lowest = max(target_error, 0.5 / space.n_test * most)
        share = min(lowest / space.chance_error, CLIP)
        items = (most - target_error) / lowest
        # the two splits are samples: by how much their errors differ where both are near the target
        self._offset = items * (1 / space.n_val + 1 / space.n_test) / (1 - share) ** 2
        self._seen = _observations(space, history, sees_tests)
        self._features = _Features.of(self._seen.settings)
        self._level = prior_mean(self._features, c)
        self._relative = _relative_noise(self._features, c)
        self._prior = covariance(self._features, self._features, c) + self._offset * np.outer(
            self._seen.is_test, self._seen.is_test
        )
        self.seed_sd = self._noise()
        self._fit()

    def noise_sd(self, settings: Sequence[Setting]) -> Float64[Array, " n"]:
        """Return the standard deviation of a run around the surface, in logits: narrow networks vary more."""
        return np.asarray(self.seed_sd * _relative_noise(_Features.of(settings), self._constants))

    def _noise(self) -> float:
        """Return the seed noise of highest likelihood on a grid, seeds within a setting counted too."""
        seen, prior = self._seen, self._constants["seed"]
        if not len(seen.mean):
            return prior
        scales = prior * 2.0 ** np.arange(-1.5, 2.01, 0.5)
        return float(max(scales, key=lambda sd: self._likelihood(float(sd)) - np.log(sd / prior) ** 2))

    def _likelihood(self, sd: float) -> float:
        seen = self._seen
        noise = (sd * self._relative) ** 2 / seen.count
        root = cholesky(self._prior + np.diag(noise), lower=True, check_finite=False)
        residual = solve_triangular(root, seen.mean - self._level, lower=True, check_finite=False)
        between = -0.5 * residual @ residual - np.log(np.diag(root)).sum()
        within = -seen.freedom * np.log(sd * self._relative) - 0.5 * seen.spread / (sd * self._relative) ** 2
        return float(between + within.sum())

    def log_likelihood(self) -> float:
        """Return the log marginal likelihood of the history, up to a constant: what the prior was chosen by."""
        return self._likelihood(self.seed_sd) if len(self._seen.mean) else 0.0

    def _fit(self) -> None:
        seen = self._seen
        self._root: Array | None = None
        if not len(seen.mean):
            return
        weights = np.ones(len(seen.mean))
        for _ in range(3):
            noise = (self.seed_sd * self._relative) ** 2 / seen.count / weights
            self._root = cholesky(self._prior + np.diag(noise), lower=True, check_finite=False)
            self._alpha = cho_solve((self._root, True), seen.mean - self._level, check_finite=False)
            residual = (noise * self._alpha) ** 2 * seen.count / (self.seed_sd * self._relative) ** 2
            weights = (DEGREES + 1) / (DEGREES + np.minimum(residual, 1e6))

    def mean(self, settings: Sequence[Setting]) -> Float64[Array, " n"]:
        """Return the expected surface on the validation split."""
        features = _Features.of(settings)
        level = prior_mean(features, self._constants)
        if self._root is None:
            return level
        return np.asarray(level + covariance(features, self._features, self._constants) @ self._alpha)

    def draws(self, settings: Sequence[Setting]) -> Float64[Array, " draws n"]:
        """Return surfaces on the test split drawn from the posterior; the same whenever they are asked for."""
        features = _Features.of(settings)
        mean = prior_mean(features, self._constants)
        spread = covariance(features, features, self._constants) + self._offset
        if self._root is not None:
            cross = covariance(features, self._features, self._constants)
            cross += self._offset * self._seen.is_test[None, :]
            mean = mean + cross @ self._alpha
            half = solve_triangular(self._root, cross.T, lower=True, check_finite=False)
            spread = spread - half.T @ half
        spread[np.diag_indices_from(spread)] += 1e-6
        root = cholesky(spread, lower=True, check_finite=False)
        noise = np.random.default_rng(0).standard_normal((DRAWS, len(mean)))
        return np.asarray(mean + noise @ root.T)

    def spread(self, settings: Sequence[Setting]) -> Float64[Array, " n n"]:
        """Return the posterior covariance of the surface on the validation split."""
        features = _Features.of(settings)
        spread = covariance(features, features, self._constants)
        if self._root is None:
            return spread
        cross = covariance(features, self._features, self._constants)
        half = solve_triangular(self._root, cross.T, lower=True, check_finite=False)
        return np.asarray(spread - half.T @ half)

    def target(self, target_error: float) -> float:
        """Return a target error on the surface's scale: a hair above it, because counts that equal it meet it."""
        space = self._space
        return float(
            link(
                np.array([target_error + 0.5 / space.n_test * max(1.0, space.chance_error)]),
                space.chance_error,
                space.n_test,
            )[0]
        )


def _observations(space: Space, history: History, sees_tests: bool) -> _Observations:
    values: dict[tuple[Setting, bool], list[float]] = {}
    for setting, errors in history.errors().items():
        values.setdefault((setting, False), []).extend(errors)
    for test in history.tests:
        values.setdefault((test.setting, False), []).extend(test.val_errors)
        if sees_tests:
            values.setdefault((test.setting, True), []).extend(test.test_errors)
    links = {
        (setting, is_test): link(np.array(errors), space.chance_error, space.n_test if is_test else space.n_val)
        for (setting, is_test), errors in values.items()
    }
    middles = {key: float(np.median(found) + np.mean(found)) / 2 for key, found in links.items()}
    return _Observations(
        settings=[setting for setting, _ in links],
        is_test=np.array([float(is_test) for _, is_test in links]),
        mean=np.array(list(middles.values())),
        count=np.array([float(len(found)) for found in links.values()]),
        spread=np.array([float(((found - found.mean()) ** 2).sum()) for found in links.values()]),
        freedom=np.array([len(found) - 1.0 for found in links.values()]),
    )
