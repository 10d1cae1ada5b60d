"""What the form of a law is, and the forms of curves: error as a function of data alone.

Everything is in natural logs, so that 1e30 examples and a coefficient of e**300 are as safe as any other. Each form
falls, or stays level, in each of its variables: parameters for which it would not are refused.

No ``from __future__ import annotations`` here: a named tuple compiles every annotation that is text, 1 ms in all.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from registry.tuples import NamedTuple

Logs = Sequence[float]

_POWERS: Final = ("exponent", "second", "alpha", "sharpness", "mix")  # what multiplies logs
_LARGEST_POWER: Final = 1000.0  # with at most that much, no log here comes near the end of the doubles


class Form(NamedTuple):
    """One form of a law.

    Args:
        formula: What it says, ``n`` the training examples.
        parameters: Names, in the order of a stored draw.
        n_variables: How many variables it has: data first, then sizes.
        positive: Parameters that must lie above 0; all but the signed ones must be at least 0.
        signed: Parameters that may be below 0.
        ready: Turns parameters, in order, into what ``log_error`` takes.
        log_error: Log of the error, from what is ready and the log of each variable.
        expects: What more the parameters must obey, in words and as a check.
    """

    formula: str
    parameters: tuple[str, ...]
    n_variables: int
    positive: tuple[str, ...]
    signed: tuple[str, ...]
    ready: Callable[[Sequence[float]], tuple[float, ...]]
    log_error: Callable[[tuple[float, ...], Logs], float]
    expects: tuple[str, Callable[[Sequence[float]], bool]]

    def fault(self, values: Sequence[float]) -> str | None:
        """Return what is wrong with parameters, in order; None where nothing is."""
        if len(values) != len(self.parameters):
            return f"{len(values)} parameters, expected {len(self.parameters)}: {', '.join(self.parameters)}"
        for name, value in zip(self.parameters, values, strict=True):
            if not math.isfinite(value):
                return f"{name} {value:g}, expected a finite number"
            if name in self.positive and value <= 0:
                return f"{name} {value:g}, expected a number above 0: it must fall"
            if value > _LARGEST_POWER and name.rpartition("_")[2] in _POWERS:
                return f"{name} {value:g}, expected at most {_LARGEST_POWER:g}"
            if value < 0 and name not in self.signed:
                return f"{name} {value:g}, expected a number from 0 up"
        words, holds = self.expects
        return None if holds(values) else words


def log_sum(a: float, b: float) -> float:
    """Return log(exp(a) + exp(b)); -inf stands for a term that is 0."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))


def log(value: float) -> float:
    """Return the natural log, -inf of 0."""
    return math.log(value) if value > 0 else -math.inf


def _softplus(x: float) -> float:
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))


def _power_law(p: tuple[float, ...], x: Logs) -> float:
    log_coefficient, exponent, log_floor = p
    return log_sum(log_floor, log_coefficient - exponent * x[0])


def _shifted(p: tuple[float, ...], x: Logs) -> float:
    log_coefficient, exponent, log_floor, log_shift = p
    return log_sum(log_floor, log_coefficient - exponent * log_sum(x[0], log_shift))


def _m4(p: tuple[float, ...], x: Logs) -> float:
    """Solve (e - floor) / (chance - e)**alpha = coefficient * n**-exponent for e.

    With e = floor + range * sigmoid(u) the log of the left side is concave in u for alpha below 1 and convex above,
    and rises with a slope of at least min(1, alpha): after its first step Newton's method goes one way, to the root.
    """
    log_coefficient, exponent, log_floor, log_range, alpha = p
    wanted = log_coefficient - exponent * x[0]
    if alpha == 0:
        return log_sum(log_floor, wanted)
    wanted -= (1 - alpha) * log_range
    u = min(wanted, 0.0)
    for _ in range(200):
        small = math.exp(-abs(u))
        rest = math.log1p(small)  # softplus(u) is max(u, 0) + rest, softplus(-u) max(-u, 0) + rest
        share = (1.0 if u > 0 else small) / (1 + small)  # sigmoid(u)
        left = (u - rest + alpha * rest) if u < 0 else (alpha * (u + rest) - rest)
        step = (wanted - left) / (1 - share + alpha * share)
        u = min(u + step, 1e300)  # beyond it alpha is as good as 0 and the error as good as chance
        if abs(step) <= 1e-8 * (1 + abs(u)):  # the next step would be its square
            break
    return log_sum(log_floor, log_range - _softplus(-u))


def _broken(p: tuple[float, ...], x: Logs) -> float:
    log_coefficient, exponent, log_floor, second, log_break, sharpness = p
    past = x[0] - log_break
    bend = max(past, 0.0) + sharpness * math.log1p(math.exp(-abs(past) / sharpness))  # sharpness * softplus
    return log_sum(log_floor, log_coefficient - exponent * x[0] - second * bend)


def _ready_power(values: Sequence[float]) -> tuple[float, ...]:
    coefficient, exponent, floor = values
    return (log(coefficient), exponent, log(floor))


def _ready_m4(values: Sequence[float]) -> tuple[float, ...]:
    coefficient, exponent, floor, chance, alpha = values
    return (log(coefficient), exponent, log(floor), log(chance - floor), alpha)


def _ready_broken(values: Sequence[float]) -> tuple[float, ...]:
    coefficient, exponent, floor, second, at, sharpness = values
    return (log(coefficient), exponent, log(floor), second, log(at), sharpness)


def _m4_holds(values: Sequence[float]) -> bool:
    return values[4] == 0 or values[3] > values[2]


_ANY: Final = ("", lambda _: True)
_CURVE: Final = ("coefficient", "exponent")

CURVES: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "power-law": Form(  # source: Hestness et al. 2017, arXiv:1712.00409
            "floor + coefficient * n**-exponent",
            (*_CURVE, "floor"),
            1,
            _CURVE,
            (),
            _ready_power,
            _power_law,
            _ANY,
        ),
        "shifted-power-law": Form(
            "floor + coefficient * (n + shift)**-exponent",
            (*_CURVE, "floor", "shift"),
            1,
            _CURVE,
            (),
            lambda values: (*_ready_power(values[:3]), log(values[3])),
            _shifted,
            _ANY,
        ),
        "m4": Form(  # source: Alabdulmohsin, Neyshabur, Zhai 2022, arXiv:2209.06640
            "the error e with (e - floor) / (chance - e)**alpha = coefficient * n**-exponent; alpha 0: without chance",
            (*_CURVE, "floor", "chance", "alpha"),
            1,
            _CURVE,
            ("chance",),
            _ready_m4,
            _m4,
            ("a chance at or below the floor, expected one above it", _m4_holds),
        ),
        "broken-power-law": Form(  # source: Caballero et al. 2022, arXiv:2210.14891, with one break
            "floor + coefficient * n**-exponent * (1 + (n/break)**(1/sharpness))**(-second*sharpness)",
            (*_CURVE, "floor", "second", "break", "sharpness"),
            1,
            (*_CURVE, "break", "sharpness"),
            ("second",),
            _ready_broken,
            _broken,
            (
                "a second exponent below minus the first, expected one that lets it fall",
                lambda values: values[1] + values[3] >= 0,
            ),
        ),
    }
)
