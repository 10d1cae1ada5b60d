"""The forms of a curve in n: their values, and their derivatives for the fit.

Each form is fitted in coordinates of its own, ``theta``, in which the fit is well conditioned and every point of the
box is a law that falls: x is log(n / largest n), the first coordinate is the log error there, a floor is a share of
that error. :func:`stored` turns them into the parameters of a record, in the order of :data:`PARAMETERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64

Theta = Float64[np.ndarray, " problems coordinates"]
Points = Float64[np.ndarray, " points"]
Logs = Float64[np.ndarray, " problems points"]
Slopes = Float64[np.ndarray, " problems points coordinates"]

PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "power-law": ("coefficient", "exponent", "floor"),
    "shifted-power-law": ("coefficient", "exponent", "floor", "shift"),
    "m4": ("coefficient", "exponent", "floor", "chance", "alpha"),
    "broken-power-law": ("coefficient", "exponent", "floor", "second", "break", "sharpness"),
}
_NEWTON_STEPS: Final = 7  # of the error of M4 at given n; it is right to 1e-12 after 6
_NO_FLOOR: Final = 1e-6  # a floor below this share of the error at the largest n is none


class Form(NamedTuple):
    """One form as it is fitted.

    Args:
        name: As in a record.
        lower: Least value of each coordinate.
        upper: Largest value of each coordinate.
        linearise: Log error and its derivatives by theta.
    """

    name: str
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    linearise: Callable[[Theta, Points], tuple[Logs, Slopes]]


def evaluate(name: str, parameters: Float64[np.ndarray, " laws parameters"], n: Points) -> Logs:
    """Return the log error of stored laws at ``n``; rows of ``parameters`` are in the order of :data:`PARAMETERS`."""
    log_n = np.log(n)[np.newaxis]
    coefficient, exponent, floor = (parameters[:, at, np.newaxis] for at in range(3))
    if name == "m4":
        return _m4_stored(parameters, log_n)
    power = np.log(coefficient) - exponent * log_n
    if name == "shifted-power-law":
        power = np.log(coefficient) - exponent * np.log(n[np.newaxis] + parameters[:, 3, np.newaxis])
    elif name == "broken-power-law":
        second, broken, sharpness = (parameters[:, at, np.newaxis] for at in (3, 4, 5))
        power = power - second * sharpness * np.logaddexp(0, (log_n - np.log(broken)) / sharpness)
    return np.asarray(np.log(floor + np.exp(power)))


def stored(name: str, theta: Theta, log_largest: float) -> Float64[np.ndarray, " problems parameters"]:
    """Return the parameters of a record for fitted coordinates, where x was log(n) - ``log_largest``."""
    with np.errstate(under="ignore"):
        level, exponent = np.exp(theta[:, 0]), np.exp(theta[:, 1])
        share = _expit(theta[:, 2])
        floor = np.where(share > _NO_FLOOR, share * level, 0.0)
        # without its floor a law keeps its value at the largest n
        log_power = np.log(level - floor)
        if name == "power-law":
            return np.stack([np.exp(log_power + exponent * log_largest), exponent, floor], axis=1)
        if name == "shifted-power-law":
            shift = np.exp(theta[:, 3])
            coefficient = np.exp(log_power + exponent * (log_largest + np.log1p(shift)))
            return np.stack([coefficient, exponent, floor, shift * np.exp(log_largest)], axis=1)
        if name == "broken-power-law":
            second = np.exp(theta[:, 3]) - exponent
            at, sharpness = theta[:, 4], np.exp(theta[:, 5])
            bend = second * sharpness * np.logaddexp(0, -at / sharpness)
            coefficient = np.exp(log_power + exponent * log_largest + bend)
            return np.stack([coefficient, exponent, floor, second, np.exp(at + log_largest), sharpness], axis=1)
        chance = level * (1 + np.exp(theta[:, 3]))
        alpha = np.exp(theta[:, 4])
        log_coefficient = log_power - alpha * np.log(chance - level) + exponent * log_largest
        return np.stack([np.exp(log_coefficient), exponent, floor, chance, alpha], axis=1)


def _power(theta: Theta, x: Points) -> tuple[Logs, Slopes]:
    """Linearise level + log(share + (1 - share) exp(-exponent x)); theta is level, log exponent, logit share."""
    exponent = np.exp(theta[:, 1:2])
    return _with_floor(theta, -exponent * x, {1: -exponent * x})


def _shifted(theta: Theta, x: Points) -> tuple[Logs, Slopes]:
    """As a power law of n + shift; the fourth coordinate is log(shift / largest n)."""
    exponent, shift = np.exp(theta[:, 1:2]), np.exp(theta[:, 3:4])
    n = np.exp(x)
    bent = -exponent * (np.log(n + shift) - np.log1p(shift))
    by_shift = -exponent * shift * (1 / (n + shift) - 1 / (1 + shift))
    return _with_floor(theta, bent, {1: bent, 3: by_shift})


def _broken(theta: Theta, x: Points) -> tuple[Logs, Slopes]:
    """As a power law whose slope changes.

    The further coordinates are log of the slope far beyond the break, log(break / largest n), log sharpness.
    """
    first, last, at, width = np.exp(theta[:, 1:2]), np.exp(theta[:, 3:4]), theta[:, 4:5], np.exp(theta[:, 5:6])
    beyond, end = (x - at) / width, -at / width
    rise, rise_end = _softplus(beyond), _softplus(end)
    past, past_end = _expit(beyond), _expit(end)
    gone = width * (rise - rise_end)  # how much of x lies beyond the break
    change = last - first
    power = -first * x - change * gone
    slopes = {
        1: -first * (x - gone),
        3: -last * gone,
        4: change * (past - past_end),
        5: -change * (gone - width * (past * beyond - past_end * end)),
    }
    return _with_floor(theta, power, slopes)


def _with_floor(theta: Theta, power: Logs, slopes: Mapping[int, Logs]) -> tuple[Logs, Slopes]:
    share = _expit(theta[:, 2:3])
    falling = (1 - share) * np.exp(np.minimum(power, 700.0))
    total = share + falling
    part = falling / total
    jacobian = np.empty((*power.shape, theta.shape[1]))
    jacobian[:, :, 0] = 1.0
    jacobian[:, :, 2] = share * (1 - share) * (1 - falling / (1 - share)) / total
    for at, slope in slopes.items():
        jacobian[:, :, at] = part * slope
    return theta[:, :1] + np.log(total), jacobian


def _m4(theta: Theta, x: Points) -> tuple[Logs, Slopes]:
    """M4 with all errors in units of that at the largest n.

    theta is log error at x = 0, log exponent, logit of the floor's share, log(chance / error - 1), log alpha.
    """
    exponent, share = np.exp(theta[:, 1:2]), _expit(theta[:, 2:3])
    above, alpha = np.exp(theta[:, 3:4]), np.exp(theta[:, 4:5])
    span = 1 + above - share  # from floor to chance
    start = np.log1p(-share) - alpha * theta[:, 3:4]  # what x = 0 gives
    right = start - exponent * x
    place = _place(right - (1 - alpha) * np.log(span), alpha)
    log_to_chance = np.log(span) - _softplus(place)
    from_floor, to_chance = span * np.exp(-_softplus(-place)), np.exp(log_to_chance)
    value = share + from_floor
    # implicit derivatives: log(e - floor) - alpha log(chance - e) = right
    by_error = 1 / from_floor + alpha / to_chance
    share_slope = share * (1 - share)
    jacobian = np.empty((*right.shape, 5))
    jacobian[:, :, 0] = 1.0
    jacobian[:, :, 1] = -exponent * x / by_error / value
    jacobian[:, :, 2] = share_slope * (1 / from_floor - 1 / (1 - share)) / by_error / value
    jacobian[:, :, 3] = alpha * (above / to_chance - 1) / by_error / value
    jacobian[:, :, 4] = alpha * (log_to_chance - theta[:, 3:4]) / by_error / value
    return theta[:, :1] + np.log(value), jacobian


def _m4_stored(parameters: Float64[np.ndarray, " laws 5"], log_n: Float64[np.ndarray, " 1 points"]) -> Logs:
    coefficient, exponent, floor, chance, alpha = (parameters[:, at, np.newaxis] for at in range(5))
    right = np.log(coefficient) - exponent * log_n
    place = _place(right - (1 - alpha) * np.log(chance - floor), alpha)
    return np.asarray(np.log(floor + (chance - floor) * _expit(place)))


def _place(right: Logs, alpha: Float64[np.ndarray, " problems 1"]) -> Logs:
    """Solve log s(u) - alpha log s(-u) = right for u by Newton, s being the logistic function.

    The left side is nearly u far below 0 and alpha u far above; its slope lies between the two everywhere.
    """
    alpha = np.broadcast_to(alpha, right.shape)
    place = np.where(right < 0, right, right / alpha)
    for _ in range(_NEWTON_STEPS):
        low = _expit(place)
        value = place - (1 - alpha) * _softplus(place)
        place = place - (value - right) / (1 - low + alpha * low)
    return place


def _expit(u: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * u)))


def _softplus(u: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u))))


_FALL: Final = (-5.0, 1.6)  # log exponent
_SHARE: Final = (-16.0, 5.0)  # logit of the floor's share
FORMS: Final[Mapping[str, Form]] = {
    form.name: form
    for form in (
        Form("power-law", (-40.0, _FALL[0], _SHARE[0]), (40.0, _FALL[1], _SHARE[1]), _power),
        Form("shifted-power-law", (-40.0, _FALL[0], _SHARE[0], -16.0), (40.0, _FALL[1], _SHARE[1], 3.0), _shifted),
        Form("m4", (-40.0, _FALL[0], _SHARE[0], -7.0, -3.0), (40.0, _FALL[1], _SHARE[1], 8.0, 3.0), _m4),
        Form(
            "broken-power-law",
            (-40.0, _FALL[0], _SHARE[0], _FALL[0], -12.0, -2.5),
            (40.0, _FALL[1], _SHARE[1], _FALL[1], 3.0, 1.5),
            _broken,
        ),
    )
}
