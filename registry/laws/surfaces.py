"""The forms of surfaces: error as a function of data and one or more sizes.

All are one pattern, with a term a power law in some of the variables and mix 1 where there is none::

    term  = coefficient * product over its variables of variable**-exponent
    sum   = (sum over terms of term**(1/mix))**mix
    raw   = floor + sum
    error = raw                                                       no link
          = chance * raw / sqrt(raw**2 + transition**2)               envelope
          = floor + (chance - floor) * sum / (chance - floor + sum)   saturating
"""

from __future__ import annotations

from math import exp, inf, log1p, log2, sqrt
from math import log as natural_log
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from registry.laws.forms import Form, bounds, log, log_sum, power_law, power_laws

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from registry.laws.forms import Logs, Numbers

    Terms = tuple[tuple[str, tuple[tuple[int, str], ...]], ...]  # coefficient, and the exponent of each variable in it

_LEAST_ROOM: Final = 1e-12  # between floor and chance, where a fit left less


def _surface(formula: str, terms: Terms, *, mixed: bool = False, link: str = "") -> Form:
    """Return a form by its terms; its parameters are those of each term, floor, mix, chance and transition.

    The first term, and no other, has the data in it, as its first variable.
    """
    names = [name for coefficient, powers in terms for name in (coefficient, *(exponent for _, exponent in powers))]
    extra = {"": (), "ratio": ("chance",), "root": ("chance", "transition")}[link]
    parameters = (*names, "floor", *(("mix",) if mixed else ()), *extra)
    at = {name: i for i, name in enumerate(parameters)}
    coefficients = [at[coefficient] for coefficient, _ in terms]
    data, *others = (
        (at[coefficient], [(variable - 1, at[exponent]) for variable, exponent in powers if variable])
        for coefficient, powers in terms
    )
    floor, end = at["floor"], slice(at["floor"] + 1, None)
    logged = (*coefficients, floor)

    def ready(values: Sequence[float]) -> Numbers:
        p = list(values)
        for i in logged:
            p[i] = natural_log(p[i]) if p[i] > 0 else -inf  # log(), written out: 200 draws have 3 of them each
        if link == "root":
            p[-2:] = [log(values[-2]), 2 * log(values[-1])]
        elif link == "ratio":
            p[-1] = natural_log(max(values[-1] - values[floor], _LEAST_ROOM))
        return tuple(p)

    def fixed(p: Numbers, sizes: Logs) -> Numbers:
        """Return what is left of the data term, that of the other terms, and the parameters from floor on."""
        coefficient, powers = data
        start = p[coefficient]
        for size, exponent in powers:
            start -= p[exponent] * sizes[size]
        rest = -inf
        for coefficient, powers in others:
            term = p[coefficient]
            for size, exponent in powers:
                term -= p[exponent] * sizes[size]
            if rest == -inf:
                rest = term
            elif mixed:
                rest = _log_mean(rest, term, p[floor + 1])
            else:
                rest = log_sum(rest, term)
        if mixed or link == "ratio":
            return (start, p[1], rest, p[floor], *p[end])
        return (start, p[1], log_sum(rest, p[floor]), *p[end])

    def fixed_alone(p: Numbers, sizes: Logs) -> Numbers:
        """Return the same where data and one size have a term each: what most laws are, and are asked most."""
        rest = p[coefficient] - p[exponent] * sizes[size]
        if mixed or link == "ratio":
            return (p[0], p[1], rest, p[floor], *p[end])
        return (p[0], p[1], log_sum(rest, p[floor]), *p[end])

    is_alone = not data[1] and len(others) == 1 and len(others[0][1]) == 1
    coefficient, ((size, exponent),) = others[0] if is_alone else (0, [(0, 0)])

    def some_term(values: Sequence[float]) -> bool:
        return any(map(values.__getitem__, logged))  # none of these is below 0

    limits = bounds(parameters, ("mix", "chance", "transition"))
    n_variables = 1 + max(variable for _, powers in terms for variable, _ in powers)
    words = "nothing but zeros, expected a term or a floor above 0"
    along, scatter = _ALONG[mixed, link]
    at_sizes = fixed_alone if is_alone else fixed
    return Form(formula, parameters, n_variables, limits, ready, at_sizes, along, (words, some_term), scatter)


def _log_mean(a: float, b: float, mix: float) -> float:
    """Return log((exp(a)**(1/mix) + exp(b)**(1/mix))**mix)."""
    if a > b:
        return a + mix * log1p(exp((b - a) / mix))
    return b if b == -inf else b + mix * log1p(exp((a - b) / mix))


def _along_root(p: Numbers, log_n: float) -> float:
    start, exponent, rest, log_chance, log_transition_2 = p
    raw = log_sum(rest, start - exponent * log_n)
    return log_chance + raw - log_sum(2 * raw, log_transition_2) / 2


def _along_ratio(p: Numbers, log_n: float) -> float:
    start, exponent, rest, log_floor, log_room = p
    return _saturating(log_sum(rest, start - exponent * log_n), log_floor, log_room)


def _saturating(total: float, log_floor: float, log_room: float) -> float:
    """Return log(floor + room * sum / (room + sum)); log_sum, written out: much is asked of it."""
    if log_room > total:
        value = total + log_room - (log_room + log1p(exp(total - log_room)))
    else:
        value = total + log_room - (total + log1p(exp(log_room - total)))
    if log_floor > value:
        return log_floor + log1p(exp(value - log_floor))
    return value if value == -inf else value + log1p(exp(log_floor - value))


def _along_mean(p: Numbers, log_n: float) -> float:
    start, exponent, rest, log_floor, mix = p
    total = _log_mean(rest, start - exponent * log_n, mix)
    if log_floor > total:
        return log_floor + log1p(exp(total - log_floor))
    return total if total == -inf else total + log1p(exp(log_floor - total))


def _along_mean_ratio(p: Numbers, log_n: float) -> float:
    start, exponent, rest, log_floor, mix, log_room = p
    return _saturating(_log_mean(rest, start - exponent * log_n, mix), log_floor, log_room)


def _all_root(fixed: Sequence[Numbers]) -> Callable[[float, float], float]:
    curves = [(start, exponent, exp(p[0]), exp(p[1]), exp(p[2])) for start, exponent, *p in fixed]

    def scatter(log_n: float, centre: float) -> float:
        total = 0.0
        for start, exponent, rest, chance, bend in curves:
            raw = rest + exp(start - exponent * log_n)
            away = log2(chance / sqrt(1 + bend / raw / raw)) - centre
            total += away * away
        return total

    return scatter


def _all_ratio(fixed: Sequence[Numbers]) -> Callable[[float, float], float]:
    curves = [(start, exponent, exp(p[0]), exp(p[1]), exp(p[2])) for start, exponent, *p in fixed]

    def scatter(log_n: float, centre: float) -> float:
        total = 0.0
        for start, exponent, rest, floor, room in curves:
            away = log2(floor + room / (1 + room / (rest + exp(start - exponent * log_n)))) - centre
            total += away * away
        return total

    return scatter


def _all_mean(fixed: Sequence[Numbers]) -> Callable[[float, float], float]:
    curves = [
        ((start - rest) / mix, exponent / mix, exp(rest), exp(log_floor), mix)
        for start, exponent, rest, log_floor, mix in fixed
    ]

    def scatter(log_n: float, centre: float) -> float:
        total = 0.0
        for start, exponent, rest, floor, mix in curves:
            away = log2(floor + rest * (1 + exp(start - exponent * log_n)) ** mix) - centre
            total += away * away
        return total

    return scatter


def _all_mean_ratio(fixed: Sequence[Numbers]) -> Callable[[float, float], float]:
    curves = [
        ((start - rest) / mix, exponent / mix, exp(rest), exp(log_floor), mix, exp(log_room))
        for start, exponent, rest, log_floor, mix, log_room in fixed
    ]

    def scatter(log_n: float, centre: float) -> float:
        total = 0.0
        for start, exponent, rest, floor, mix, room in curves:
            mean = rest * (1 + exp(start - exponent * log_n)) ** mix
            away = log2(floor + room / (1 + room / mean)) - centre
            total += away * away
        return total

    return scatter


_ALONG: Final = {
    (False, ""): (power_law, power_laws),  # with sizes fixed no more than that is left
    (False, "root"): (_along_root, _all_root),
    (False, "ratio"): (_along_ratio, _all_ratio),
    (True, ""): (_along_mean, _all_mean),
    (True, "ratio"): (_along_mean_ratio, _all_mean_ratio),
}

_DATA: Final = ("data_coefficient", ((0, "data_exponent"),))
_SIZE: Final = ("size_coefficient", ((1, "size_exponent"),))
_WIDTH: Final = ("width_coefficient", ((1, "width_exponent"),))
_DEPTH: Final = ("depth_coefficient", ((2, "depth_exponent"),))
_CROSS: Final = ("data_coefficient", ((0, "data_exponent"), (1, "cross_exponent")))
_PRODUCT: Final = ("coefficient", ((0, "data_exponent"), (1, "size_exponent")))
_BLOCK: Final = ("size_coefficient", ((1, "width_exponent"), (2, "depth_exponent")))
_PRODUCT_SHAPE: Final = ("coefficient", ((0, "data_exponent"), (1, "width_exponent"), (2, "depth_exponent")))

SURFACES: Final[Mapping[str, Form]] = MappingProxyType(
    {
        # source: Hoffmann et al. 2022, arXiv:2203.15556
        "additive": _surface(
            "floor + data_coefficient * n**-data_exponent + size_coefficient * params**-size_exponent", (_DATA, _SIZE)
        ),
        # source: Rosenfeld et al. 2019, arXiv:1909.12673
        "envelope": _surface(
            "chance * raw / sqrt(raw**2 + transition**2) with raw as in additive", (_DATA, _SIZE), link="root"
        ),
        # source: alpha = 1 in Alabdulmohsin et al. 2022, arXiv:2209.06640
        "saturating": _surface(
            "floor + (chance - floor) * sum / (chance - floor + sum) with the sum of additive",
            (_DATA, _SIZE),
            link="ratio",
        ),
        "saturating-mean": _surface(
            "as saturating, with the sum of power-mean", (_DATA, _SIZE), mixed=True, link="ratio"
        ),
        "product": _surface("floor + coefficient * n**-data_exponent * params**-size_exponent", (_PRODUCT,)),
        # source: Kaplan et al. 2020, arXiv:2001.08361, where mix is the data exponent
        "power-mean": _surface(
            "floor + (term_data**(1/mix) + term_size**(1/mix))**mix with the terms of additive",
            (_DATA, _SIZE),
            mixed=True,
        ),
        "crossed": _surface(
            "floor + data_coefficient * n**-data_exponent * params**-cross_exponent "
            "+ size_coefficient * params**-size_exponent",
            (_CROSS, _SIZE),
        ),
        "additive-shape": _surface(
            "floor + data_coefficient * n**-data_exponent + width_coefficient * width**-width_exponent "
            "+ depth_coefficient * depth**-depth_exponent",
            (_DATA, _WIDTH, _DEPTH),
        ),
        "additive-block": _surface(
            "floor + data_coefficient * n**-data_exponent "
            "+ size_coefficient * width**-width_exponent * depth**-depth_exponent",
            (_DATA, _BLOCK),
        ),
        "product-shape": _surface(
            "floor + coefficient * n**-data_exponent * width**-width_exponent * depth**-depth_exponent",
            (_PRODUCT_SHAPE,),
        ),
        "power-mean-shape": _surface(
            "floor + (sum of term**(1/mix))**mix with the terms of additive-shape",
            (_DATA, _WIDTH, _DEPTH),
            mixed=True,
        ),
    }
)
