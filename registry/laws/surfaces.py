"""The forms of surfaces: error as a function of data and one or more sizes.

All are one pattern, with a term a power law in some of the variables and mix 1 where there is none::

    term  = coefficient * product over its variables of variable**-exponent
    sum   = (sum over terms of term**(1/mix))**mix
    raw   = floor + sum
    error = raw                                                       no link
          = chance * raw / sqrt(raw**2 + transition**2)               envelope
          = floor + (chance - floor) * sum / (chance - floor + sum)   saturating
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from registry.laws.forms import Form, Logs, log, log_sum

_LEAST_ROOM: Final = 1e-12  # between floor and chance, where a fit left less

Terms = tuple[tuple[str, tuple[tuple[int, str], ...]], ...]  # coefficient, and the exponent of each variable in it


def _surface(formula: str, terms: Terms, *, mixed: bool = False, link: str = "") -> Form:
    """Return a form by its terms; its parameters are those of each term, floor, mix, chance and transition."""
    names = [name for coefficient, powers in terms for name in (coefficient, *(exponent for _, exponent in powers))]
    extra = {"": (), "ratio": ("chance",), "root": ("chance", "transition")}[link]
    parameters = (*names, "floor", *(("mix",) if mixed else ()), *extra)
    at = {name: i for i, name in enumerate(parameters)}
    coefficients = [at[coefficient] for coefficient, _ in terms]
    powers = [[(variable, at[exponent]) for variable, exponent in each] for _, each in terms]
    size = len(parameters)

    def ready(values: Sequence[float]) -> tuple[float, ...]:
        logged = list(values)
        for i in (*coefficients, at["floor"]):
            logged[i] = log(values[i])
        if link == "root":
            logged[-2:] = [log(values[-2]), 2 * log(values[-1])]
        elif link == "ratio":
            logged[-1] = math.log(max(values[-1] - values[at["floor"]], _LEAST_ROOM))
        return tuple(logged)

    def log_error(p: tuple[float, ...], x: Logs) -> float:
        logs = []
        for coefficient, each in zip(coefficients, powers, strict=True):
            term = p[coefficient]
            for variable, exponent in each:
                term -= p[exponent] * x[variable]
            logs.append(term)
        total = _mixed(logs, p[at["mix"]]) if mixed else _added(logs)
        if link == "ratio":
            room = p[size - 1]
            total += room - log_sum(room, total)
        raw = log_sum(p[at["floor"]], total)
        return raw if link != "root" else p[-2] + raw - log_sum(2 * raw, p[-1]) / 2

    def some_term(values: Sequence[float]) -> bool:
        return values[at["floor"]] > 0 or any(values[i] > 0 for i in coefficients)

    positive = tuple(name for name in ("mix", "chance", "transition") if name in at)
    words = "nothing but zeros, expected a term or a floor above 0"
    n_variables = 1 + max(variable for each in powers for variable, _ in each)
    return Form(formula, parameters, n_variables, positive, (), ready, log_error, (words, some_term))


def _added(logs: Sequence[float]) -> float:
    total = logs[0]
    for term in logs[1:]:
        total = log_sum(total, term)
    return total


def _mixed(logs: Sequence[float], mix: float) -> float:
    largest = max(logs)
    if largest == -math.inf:
        return largest
    return largest + mix * math.log(math.fsum(math.exp((term - largest) / mix) for term in logs))


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
