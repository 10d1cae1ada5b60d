"""What the form of a law is, and the forms of curves: error as a function of data alone.

Everything is in natural logs, so that 1e30 examples and a coefficient of e**300 are as safe as any other. Each form
falls, or stays level, in each of its variables: parameters for which it would not are refused.

A form is evaluated in three steps, as most questions are about many amounts of data at the same sizes: ``ready`` takes
the logs of the parameters, once for a law; ``at`` fixes the sizes and leaves a curve; ``along`` goes along that curve.
How far a law's 200 draws scatter is asked most often: ``scatter`` says it of all curves together, without calls and
with fewer logs. It is right where no number comes near the end of the doubles, and is believed there alone.
"""

from __future__ import annotations

import math
import sys
from math import exp, inf, log1p, log2
from math import log as natural_log
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from registry.tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Logs = Sequence[float]
    Numbers = tuple[float, ...]

_POWERS: Final = ("exponent", "second", "alpha", "sharpness", "mix")  # what multiplies logs
_LARGEST_POWER: Final = 1000.0  # with at most that much, no log here comes near the end of the doubles
_LARGEST: Final = sys.float_info.max
_ABOVE_0: Final = math.ulp(0.0)


class Form(NamedTuple):
    """One form of a law.

    Args:
        formula: What it says, ``n`` the training examples.
        parameters: Names, in the order of a stored draw.
        n_variables: How many variables it has: data first, then sizes.
        bounds: The least values of the parameters, and the largest.
        ready: Turns parameters, in order, into what ``at`` takes.
        at: From what is ready and the log of each size: what ``along`` takes.
        along: Log of the error, from what ``at`` made and the log of the data.
        expects: What more the parameters must obey, in words and as a check.
        scatter: From what ``at`` made of many sets of parameters: the sum, over these, of the squares of the log to
            base 2 of the error less another, from the log of the data and that other. An ArithmeticError or
            ValueError says that it cannot. None: there is no such way.
    """

    formula: str
    parameters: tuple[str, ...]
    n_variables: int
    bounds: tuple[tuple[float, ...], tuple[float, ...]]
    ready: Callable[[Sequence[float]], Numbers]
    at: Callable[[Numbers, Logs], Numbers]
    along: Callable[[Numbers, float], float]
    expects: tuple[str, Callable[[Sequence[float]], bool]]
    scatter: Callable[[Sequence[Numbers]], Callable[[float, float], float]] | None = None

    def fault(self, values: Sequence[float]) -> str | None:
        """Return what is wrong with parameters, in order; None where nothing is."""
        if len(values) != len(self.parameters):
            return f"{len(values)} parameters, expected {len(self.parameters)}: {', '.join(self.parameters)}"
        lows, highs = self.bounds
        for i in range(len(values)):  # by position: of 200 draws, a strict zip would take twice as long
            if not lows[i] <= values[i] <= highs[i]:  # nor is NaN
                return self._beyond(values)
        words, holds = self.expects
        return None if holds(values) else words

    def _beyond(self, values: Sequence[float]) -> str | None:
        for name, value, low, high in zip(self.parameters, values, *self.bounds, strict=True):
            if not math.isfinite(value):
                return f"{name} {value:g}, expected a finite number"
            if low > 0 and value <= 0:
                return f"{name} {value:g}, expected a number above 0: it must fall"
            if value > high:
                return f"{name} {value:g}, expected at most {high:g}"
            if value < low:
                return f"{name} {value:g}, expected a number from 0 up"
        return None


def bounds(
    parameters: Sequence[str], positive: Sequence[str], signed: Sequence[str] = ()
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the least values of parameters, 0 but for those named, and the largest."""
    return (
        tuple(_ABOVE_0 if name in positive else -_LARGEST if name in signed else 0.0 for name in parameters),
        tuple(_LARGEST_POWER if name.rpartition("_")[2] in _POWERS else _LARGEST for name in parameters),
    )


def log_sum(a: float, b: float) -> float:
    """Return log(exp(a) + exp(b)); -inf stands for a term that is 0."""
    if a > b:
        return a + log1p(exp(b - a))
    return b if b == -inf else b + log1p(exp(a - b))


def log(value: float) -> float:
    """Return the natural log, -inf of 0."""
    return natural_log(value) if value > 0 else -inf


def _softplus(x: float) -> float:
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))


def power_law(p: Numbers, log_n: float) -> float:
    """Return log(floor + coefficient * n**-exponent)."""
    log_coefficient, exponent, log_floor = p
    term = log_coefficient - exponent * log_n
    if log_floor > term:  # log_sum, written out: much is asked of it
        return log_floor + log1p(exp(term - log_floor))
    return term if term == -inf else term + log1p(exp(log_floor - term))


def power_laws(fixed: Sequence[Numbers]) -> Callable[[float, float], float]:
    """Return the scatter of power laws."""
    curves = [(start, exponent, exp(log_floor)) for start, exponent, log_floor in fixed]

    def scatter(log_n: float, centre: float) -> float:
        total = 0.0
        for start, exponent, floor in curves:
            away = log2(floor + exp(start - exponent * log_n)) - centre
            total += away * away
        return total

    return scatter


def _all_shifted(fixed: Sequence[Numbers]) -> Callable[[float, float], float]:
    curves = [(start, exponent, exp(log_floor), exp(log_shift)) for start, exponent, log_floor, log_shift in fixed]

    def scatter(log_n: float, centre: float) -> float:
        total, n = 0.0, exp(log_n)
        for start, exponent, floor, shift in curves:
            away = log2(floor + exp(start - exponent * natural_log(n + shift))) - centre
            total += away * away
        return total

    return scatter


def _shifted(p: Numbers, log_n: float) -> float:
    log_coefficient, exponent, log_floor, log_shift = p
    return log_sum(log_floor, log_coefficient - exponent * log_sum(log_n, log_shift))


def _m4(p: Numbers, log_n: float) -> float:
    """Solve (e - floor) / (chance - e)**alpha = coefficient * n**-exponent for e.

    With e = floor + range * sigmoid(u) the log of the left side is concave in u for alpha below 1 and convex above,
    and rises with a slope of at least min(1, alpha): after its first step Newton's method goes one way, to the root.
    """
    log_coefficient, exponent, log_floor, log_range, alpha = p
    wanted = log_coefficient - exponent * log_n
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


def _broken(p: Numbers, log_n: float) -> float:
    log_coefficient, exponent, log_floor, second, log_break, sharpness = p
    past = log_n - log_break
    bend = max(past, 0.0) + sharpness * math.log1p(math.exp(-abs(past) / sharpness))  # sharpness * softplus
    return log_sum(log_floor, log_coefficient - exponent * log_n - second * bend)


def _ready_power(values: Sequence[float]) -> Numbers:
    coefficient, exponent, floor = values
    return (log(coefficient), exponent, log(floor))


def _ready_m4(values: Sequence[float]) -> Numbers:
    coefficient, exponent, floor, chance, alpha = values
    return (log(coefficient), exponent, log(floor), log(chance - floor), alpha)


def _ready_broken(values: Sequence[float]) -> Numbers:
    coefficient, exponent, floor, second, at, sharpness = values
    return (log(coefficient), exponent, log(floor), second, log(at), sharpness)


def _m4_holds(values: Sequence[float]) -> bool:
    return values[4] == 0 or values[3] > values[2]


def _curve(
    formula: str,
    extra: tuple[str, ...],
    ready: Callable[[Sequence[float]], Numbers],
    along: Callable[[Numbers, float], float],
    *,
    positive: tuple[str, ...] = (),
    signed: tuple[str, ...] = (),
    expects: tuple[str, Callable[[Sequence[float]], bool]] = ("", lambda _: True),
    scatter: Callable[[Sequence[Numbers]], Callable[[float, float], float]] | None = None,
) -> Form:
    """Return a form without sizes: its parameters are coefficient, exponent and floor, then ``extra``."""
    parameters = ("coefficient", "exponent", "floor", *extra)
    limits = bounds(parameters, ("coefficient", "exponent", *positive), signed)
    return Form(formula, parameters, 1, limits, ready, lambda p, _: p, along, expects, scatter)


CURVES: Final[Mapping[str, Form]] = MappingProxyType(
    {
        # source: Hestness et al. 2017, arXiv:1712.00409
        "power-law": _curve("floor + coefficient * n**-exponent", (), _ready_power, power_law, scatter=power_laws),
        "shifted-power-law": _curve(
            "floor + coefficient * (n + shift)**-exponent",
            ("shift",),
            lambda values: (*_ready_power(values[:3]), log(values[3])),
            _shifted,
            scatter=_all_shifted,
        ),
        # source: Alabdulmohsin, Neyshabur, Zhai 2022, arXiv:2209.06640
        "m4": _curve(
            "the error e with (e - floor) / (chance - e)**alpha = coefficient * n**-exponent; alpha 0: without chance",
            ("chance", "alpha"),
            _ready_m4,
            _m4,
            signed=("chance",),
            expects=("a chance at or below the floor, expected one above it", _m4_holds),
        ),
        # source: Caballero et al. 2022, arXiv:2210.14891, with one break
        "broken-power-law": _curve(
            "floor + coefficient * n**-exponent * (1 + (n/break)**(1/sharpness))**(-second*sharpness)",
            ("second", "break", "sharpness"),
            _ready_broken,
            _broken,
            positive=("break", "sharpness"),
            signed=("second",),
            expects=(
                "a second exponent below minus the first, expected one that lets it fall",
                lambda values: values[1] + values[3] >= 0,
            ),
        ),
    }
)
