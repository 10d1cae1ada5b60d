"""What a stored law says at any n, in NumPy: its value, its draws, and intervals that back-tests have calibrated.

The scale of doubt s(x) holds the scatter of the draws (sampling noise and the members' disagreement), the noise of what
is compared with, and the distance outside the range fitted. Factors times s give intervals: conformal quantiles of
|log actual - log predicted| / s over back-tests inside the parts that laws were fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from harness.laws.forms import PARAMETERS, Logs, Points, evaluate

# measured: `python -m harness compare laws --data DIR --calibrate`, on LCDB and the 46 curves; docs/log.md
ENOUGH: Final = 16  # points; of fewer, the law bends more than they tell


class Calibration(NamedTuple):
    """Factors of s at 80 and 90 %, and the drift: log error a factor e outside the range."""

    factor80: float
    factor90: float
    drift: float


# of all drifts tried, those with the least mean half-width
MANY: Final = Calibration(1.325, 1.826, 0.02)
FEW: Final = Calibration(1.201, 1.751, 0.04)
DOUBT_OF_BACKTESTS: Final = 0.2  # share of the law's own back-test errors that counts as noise


class Doubt(NamedTuple):
    """The interval of a mean curve in log error: ``value`` -+ ``half80`` or ``half90``; ``scale`` is s."""

    value: Points
    scale: Points
    half80: Points
    half90: Points


def log_values(law: Mapping[str, Any], n: Points) -> Points:
    """Return the log error of a law: the average over its forms."""
    total = np.zeros(len(n))
    for form in law["forms"]:
        parameters = np.array([[form["parameters"][name] for name in PARAMETERS[form["form"]]]])
        total += form["weight"] * evaluate(form["form"], parameters, n)[0]
    return total


def log_draws(law: Mapping[str, Any], n: Points) -> Logs:
    """Return the log error of each draw, in stored order."""
    values = np.empty((len(law["draws"]), len(n)))
    for at, form in enumerate(law["forms"]):
        rows = [row for row, draw in enumerate(law["draws"]) if int(draw[0]) == at]
        if rows:
            values[rows] = evaluate(form["form"], np.array([law["draws"][row][1:] for row in rows]), n)
    return values


def spread(law: Mapping[str, Any], n: Points) -> Points:
    """Return the root mean square distance of the draws from the law, in log error."""
    return np.asarray(np.sqrt(np.mean((log_draws(law, n) - log_values(law, n)) ** 2, axis=0)))


def outside(law: Mapping[str, Any], n: Points) -> Points:
    """Return how far n lies outside the range fitted, in log n; 0 inside."""
    low, high = next(iter(law["valid_range"].values()))
    return np.asarray(np.maximum(np.maximum(np.log(n / high), np.log(low / n)), 0.0))


def doubt(law: Mapping[str, Any], n: Points) -> Doubt:
    """Return value and interval of the mean curve; a law without draws has infinite ones."""
    value, interval = log_values(law, n), law["interval"]
    if not law["draws"] or interval is None:
        infinite = np.full(len(n), np.inf)
        return Doubt(value, infinite, infinite, infinite)
    away = interval["drift"] * outside(law, n)
    scale = np.sqrt(spread(law, n) ** 2 + interval["noise"] ** 2 + away**2)
    return Doubt(value, scale, interval["factor80"] * scale, interval["factor90"] * scale)


def interval_fields(
    noise: float, run_sd: float | None, backtests: Sequence[float], n_points: int
) -> dict[str, float | None]:
    """Return the ``interval`` of a law.

    Args:
        noise: Standard error of a mean log error at large n.
        run_sd: Standard deviation of the log error of one run, None where it is unknown.
        backtests: The law's own back-test errors, in log error.
        n_points: How many points were fitted.
    """
    missed = float(np.sqrt(np.mean(np.square(backtests)))) if len(backtests) else 0.0
    factor80, factor90, drift = MANY if n_points >= ENOUGH else FEW
    return {
        "factor80": factor80,
        "factor90": factor90,
        "noise": float(np.hypot(noise, DOUBT_OF_BACKTESTS * missed)),
        "drift": drift,
        "run_sd": run_sd,
    }
