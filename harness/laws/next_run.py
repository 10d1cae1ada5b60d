"""Which one run to make next: the one that shrinks an asked interval most per flop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np

from harness.laws.intervals import log_draws, log_values
from harness.laws.surface_law import draw_log_errors, logs_of, mean_log_error
from registry.errors import Inconclusive, UsageError


@final
@dataclass(frozen=True)
class Candidate:
    """A run that could be made.

    Args:
        at: Value of each of the law's variables by name.
        seeds: How many runs of it.
        cost: Training flops of all of them together.
    """

    at: Mapping[str, int | float]
    seeds: int
    cost: int | float


class Gain(NamedTuple):
    """What a candidate promises.

    Args:
        candidate: The run.
        half_width: Expected half-width, in log error, of the asked interval afterwards.
        shrinks: Half-width before less after.
        per_flop: ``shrinks`` per flop.
    """

    candidate: Candidate
    half_width: float
    shrinks: float
    per_flop: float


def rank_runs(
    law: Mapping[str, Any], candidates: Sequence[Candidate], ask: Mapping[str, int | float], *, level: int = 90
) -> list[Gain]:
    """Rank runs by how much each would shrink the interval of the mean error at ``ask``, per flop.

    The law's draws stand for what the truth may be. Were ``y`` measured with variance v of its log error, linear-normal
    updating takes cov(x, y) ** 2 / (var(y) + v) off the variance at x. The law's range then reaches to y, so the drift
    at x counts from there. assumption: noise between runs is .05 where the law does not know it.

    Args:
        law: With draws and an interval, as :func:`harness.laws.surface.fit_surface` or
            :func:`harness.laws.curve.fit_curve` returns it.
        candidates: Runs that could be made.
        ask: The question: value of each of the law's variables.
        level: Of the asked interval, 80 or 90.

    Returns:
        One entry a candidate, the best first.

    Raises:
        Inconclusive: If the law has no draws: nothing says then what is uncertain.
        UsageError: If there is no candidate, or one costs nothing.
    """
    if not law["draws"]:
        raise Inconclusive(
            "the law has no draws, so nothing says which run would tell most",
            "fit it again with seeds, or with n_draws above 0",
        )
    if not candidates or any(candidate.cost <= 0 or candidate.seeds < 1 for candidate in candidates):
        raise UsageError("expected one or more candidates, each with at least one seed and a cost above 0")
    names = law["variables"]
    points = {name: [ask[name], *(c.at[name] for c in candidates)] for name in names}
    logs = logs_of(law, points)
    scatter = _scatter(law, logs)
    interval = law["interval"]
    run_variance = (interval["run_sd"] if interval["run_sd"] is not None else 0.05) ** 2
    ends = np.log([law["valid_range"][name] for name in names])
    at_x = scatter[:, 0]
    before = _half_width(float(np.mean(at_x**2)), _distance(logs[:, 0], ends), interval, level)

    gains = []
    for i, candidate in enumerate(candidates, start=1):
        at_y, y = scatter[:, i], logs[:, i]
        known = float(np.mean(at_y**2)) + run_variance / candidate.seeds + interval["noise"] ** 2
        left = float(np.mean(at_x**2)) - float(np.mean(at_x * at_y)) ** 2 / known
        reached = np.stack([np.minimum(ends[:, 0], y), np.maximum(ends[:, 1], y)], axis=1)
        after = _half_width(max(left, 0.0), _distance(logs[:, 0], reached), interval, level)
        gains.append(Gain(candidate, after, before - after, (before - after) / candidate.cost))
    return sorted(gains, key=lambda gain: -gain.per_flop)


def _scatter(law: Mapping[str, Any], logs: Any) -> Any:
    """Return how far each draw lies from the law at each point, in log error."""
    if len(law["variables"]) == 1:
        return log_draws(law, np.exp(logs[0])) - log_values(law, np.exp(logs[0]))
    return draw_log_errors(law, logs) - mean_log_error(law, logs)


def _distance(x: Any, ends: Any) -> float:
    return float(np.sum(np.maximum(ends[:, 0] - x, 0) + np.maximum(x - ends[:, 1], 0)))


def _half_width(variance: float, outside: float, interval: Mapping[str, Any], level: int) -> float:
    scale = np.sqrt(variance + interval["noise"] ** 2 + (interval["drift"] * outside) ** 2)
    return float(interval[f"factor{level}"] * scale)
