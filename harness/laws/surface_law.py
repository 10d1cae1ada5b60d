"""Evaluate a stored surface on arrays: the curve itself, its draws, its scale of doubt and its intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from harness.laws.surface_forms import FORMULAS, log_error
from registry.errors import UsageError
from registry.laws.stored import Z


def logs_of(law: Mapping[str, Any], points: Mapping[str, Any]) -> Float64[np.ndarray, " variables points"]:
    """Return the logs of a law's variables at ``points``: one array, or number, for each variable by name.

    Raises:
        UsageError: If a variable is missing.
    """
    for name in law["variables"]:
        if name not in points:
            raise UsageError(f"no {name} given, and the law depends on {', '.join(law['variables'])}")
    columns = np.broadcast_arrays(*(np.asarray(points[name], dtype=np.float64) for name in law["variables"]))
    return np.asarray(np.log(np.stack([np.atleast_1d(column) for column in columns])))


def mean_log_error(
    law: Mapping[str, Any], logs: Float64[np.ndarray, " variables points"]
) -> Float64[np.ndarray, " points"]:
    """Return the log of the law's error: the weighted mean of its members' logs."""
    total = np.zeros(logs.shape[1])
    for member in law["forms"]:
        keys = FORMULAS[member["form"]].keys
        parameters = np.array([[member["parameters"][key] for key in keys]])
        total += member["weight"] * log_error(member["form"], parameters, logs)[0]
    return total


def draw_log_errors(
    law: Mapping[str, Any], logs: Float64[np.ndarray, " variables points"]
) -> Float64[np.ndarray, " draws points"]:
    """Return the log of the error of each draw, in their order."""
    values = np.empty((len(law["draws"]), logs.shape[1]))
    member = np.array([draw[0] for draw in law["draws"]], dtype=int)
    for k in np.unique(member):
        chosen = np.flatnonzero(member == k)
        parameters = np.array([law["draws"][i][1:] for i in chosen])
        values[chosen] = log_error(law["forms"][k]["form"], parameters, logs)
    return values


def outside(law: Mapping[str, Any], logs: Float64[np.ndarray, " variables points"]) -> Float64[np.ndarray, " points"]:
    """Return the log-distance outside the valid range, summed over variables; 0 inside."""
    ends = np.log([law["valid_range"][name] for name in law["variables"]])
    beyond = np.maximum(ends[:, [0]] - logs, 0) + np.maximum(logs - ends[:, [1]], 0)
    return np.asarray(beyond.sum(axis=0))


def doubt(
    law: Mapping[str, Any], logs: Float64[np.ndarray, " variables points"]
) -> Float64[np.ndarray, " points"] | None:
    """Return the scale of doubt of the log error at each point, or None (open) where the law has no draws."""
    if not law["draws"]:
        return None
    scatter = draw_log_errors(law, logs) - mean_log_error(law, logs)
    interval = law["interval"]
    drift = interval["drift"] * outside(law, logs)
    return np.asarray(np.sqrt(np.mean(scatter**2, axis=0) + interval["noise"] ** 2 + drift**2))


def half_width(
    law: Mapping[str, Any],
    logs: Float64[np.ndarray, " variables points"],
    *,
    level: int = 90,
    new_run: bool = False,
) -> Float64[np.ndarray, " points"] | None:
    """Return the half-width, in log error, of the interval of the mean surface or of one new run; None is open.

    Args:
        law: As :func:`harness.laws.surface.fit_surface` returns it.
        logs: Where, as :func:`logs_of` gives it.
        level: 80 or 90, in percent.
        new_run: Whether the noise between runs is added; the same as without where no cell has two seeds.
    """
    scale = doubt(law, logs)
    if scale is None:
        return None
    width = law["interval"][f"factor{level}"] * scale
    if new_run and law["interval"]["run_sd"] is not None:
        width = np.hypot(width, Z[level] * law["interval"]["run_sd"])
    return np.asarray(width)
