"""Forms of a surface: the error as a function of the number of examples and one or more sizes.

Every form is one pattern. A term is a power law in some of the variables; terms are summed, or averaged with a power;
a floor is added; the sum may saturate at the chance level::

    term i  = coefficient_i * product over its variables of variable ** -exponent
    sum     = (sum over i of term_i ** (1 / mix)) ** mix               mix is 1 where terms are simply added
    raw     = floor + sum
    error   = raw                                                       link none
            = chance * raw / sqrt(raw ** 2 + transition ** 2)           link root, arXiv:1909.12673
            = floor + (chance - floor) * sum / (chance - floor + sum)   link ratio, alpha = 1 in arXiv:2209.06640

A fit works in logs about the centre of the data (``theta``); a record holds the parameters of the formula as written.
Several members may be written by one formula: ``kaplan`` is a ``power-mean`` whose mix is its data exponent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, final

import numpy as np
from jaxtyping import Float64

from harness.laws.surface_fit import Form
from registry.errors import UnknownName

Link = Literal["none", "root", "ratio"]
Mix = Literal["one", "free", "data"]
Chance = float | Float64[np.ndarray, " problems 1"]

SMALLEST_EXPONENT: Final = 0.005
LARGEST_EXPONENT: Final = 3.0
SMALLEST_MIX: Final = 0.05
LARGEST_MIX: Final = 3.0
EXPONENT_PRIOR: Final = (float(np.log(0.3)), 1.2)  # mean and sd, in the log
FLOOR_PRIOR: Final = (float(np.log(0.02)), 2.0)
MIX_PRIOR: Final = (0.0, 1.0)
NO_FLOOR: Final = 1e-6  # a floor below this share of the smallest error is none
HIGHEST_FLOOR: Final = 0.995  # of the smallest error: an error below the floor has no log above it


class _Parts(NamedTuple):
    """What a form is put together from: ``below`` is the log of each term under the largest, ``shares`` its share."""

    exponents: np.ndarray
    mix: np.ndarray
    below: np.ndarray
    shares: np.ndarray
    log_sum: np.ndarray
    total: np.ndarray
    floor: np.ndarray


@final
@dataclass(frozen=True)
class SurfaceForm(Form):
    """One member that can be fitted.

    Args:
        name: Name of the member; no two are the same.
        written_as: Name of the formula that a record holds.
        keys: Parameter names of that formula, in order: each term's coefficient and exponents, floor, then the rest.
        terms: For each term, pairs (variable, exponent): indices of a variable, and of an exponent to be fitted.
        floor: Whether a floor is fitted; it is 0 otherwise.
        mix: How terms are combined: added, averaged with a fitted power, or (Kaplan) with the first exponent as power.
        link: What happens near the chance level.
    """

    name: str
    written_as: str
    keys: tuple[str, ...]
    terms: tuple[tuple[tuple[int, int], ...], ...]
    floor: bool = True
    mix: Mix = "one"
    link: Link = "none"

    @property
    def n_exponents(self) -> int:
        """Number of exponents that are fitted."""
        return 1 + max(exponent for term in self.terms for _, exponent in term)

    @property
    def n_parameters(self) -> int:
        """Length of ``theta``: a level a term, the logs of exponents, of the floor, of the mix."""
        return len(self.terms) + self.n_exponents + self.floor + (self.mix == "free")

    def log_error(
        self, theta: Float64[np.ndarray, " problems k"], x: Float64[np.ndarray, " variables points"], chance: Chance
    ) -> Float64[np.ndarray, " problems points"]:
        """Evaluate the log of the error at centred logs of the variables; without a link ``chance`` is not read."""
        parts = self._parts(theta, x)
        return np.asarray(np.log(self._linked(parts.total, parts.floor, chance)))

    def slopes(
        self, theta: Float64[np.ndarray, " problems k"], x: Float64[np.ndarray, " variables points"], chance: Chance
    ) -> Float64[np.ndarray, " problems points k"]:
        """Return the derivatives of the log error by ``theta``."""
        parts, n_terms = self._parts(theta, x), len(self.terms)
        error = self._linked(parts.total, parts.floor, chance)
        by_total, by_floor = self._link_slopes(parts.total, parts.floor, chance)
        jacobian = np.zeros((*error.shape, self.n_parameters))
        shares = parts.shares * (by_total * parts.total / error)
        for i, term in enumerate(self.terms):
            jacobian[:, :, i] = shares[i]
            for variable, exponent in term:
                jacobian[:, :, n_terms + exponent] -= shares[i] * parts.exponents[:, [exponent]] * x[variable]
        if self.mix != "one":
            at = n_terms if self.mix == "data" else self.n_parameters - 1
            spread = np.sum(parts.shares * parts.below, axis=0) / parts.mix
            jacobian[:, :, at] += shares.sum(axis=0) * parts.mix * (parts.log_sum - spread)
        if self.floor:
            jacobian[:, :, n_terms + self.n_exponents] = by_floor * parts.floor / error
        return jacobian

    def parameters(
        self, theta: Float64[np.ndarray, " problems k"], centre: Float64[np.ndarray, " variables"], chance: float
    ) -> Float64[np.ndarray, " problems keys"]:
        """Return the parameters of the formula as a record holds them, in the order of ``keys``."""
        n_terms = len(self.terms)
        exponents = np.exp(theta[:, n_terms : n_terms + self.n_exponents])
        columns = []
        for i, term in enumerate(self.terms):
            columns.append(np.exp(theta[:, i] + sum(exponents[:, e] * centre[v] for v, e in term)))
            columns.extend(exponents[:, e] for _, e in term)
        columns.append(np.exp(theta[:, n_terms + self.n_exponents]) if self.floor else np.zeros(len(theta)))
        if self.mix != "one":
            columns.append(self._mix(theta, exponents))
        columns.extend([np.full(len(theta), chance)] * {"none": 0, "ratio": 1, "root": 2}[self.link])
        return np.stack(columns, axis=1)

    def bounds(
        self, log_error: Float64[np.ndarray, " problems points"]
    ) -> tuple[Float64[np.ndarray, " problems k"], Float64[np.ndarray, " problems k"]]:
        """Return the least and greatest ``theta`` of each problem."""
        lowest, highest = log_error.min(axis=1), log_error.max(axis=1)
        low = [lowest - 30] * len(self.terms) + [np.full_like(lowest, np.log(SMALLEST_EXPONENT))] * self.n_exponents
        high = [highest + 10] * len(self.terms) + [np.full_like(lowest, np.log(LARGEST_EXPONENT))] * self.n_exponents
        if self.floor:
            low.append(lowest + np.log(NO_FLOOR))
            high.append(lowest + np.log(HIGHEST_FLOOR))
        if self.mix == "free":
            low.append(np.full_like(lowest, np.log(SMALLEST_MIX)))
            high.append(np.full_like(lowest, np.log(LARGEST_MIX)))
        return np.stack(low, axis=1), np.stack(high, axis=1)

    def starts(
        self, log_error: Float64[np.ndarray, " problems points"], n_starts: int
    ) -> Float64[np.ndarray, " problems starts k"]:
        """Return places to start from: exponents .05 to 1.5, floors up to .95 of the least error, terms of any ratio.

        The same places for every problem, relative to its errors: a refit differs by its data alone.
        """
        rng = np.random.default_rng(0)
        n_terms, middle = len(self.terms), np.median(log_error, axis=1)
        lowest = log_error.min(axis=1)
        share = rng.choice([1e-3, 0.3, 0.7, 0.95], size=n_starts)
        taken = share if self.floor else np.zeros(n_starts)
        above = np.log(np.exp(middle)[:, np.newaxis] - taken * np.exp(lowest)[:, np.newaxis])
        split = np.log(rng.dirichlet(np.ones(n_terms), size=n_starts) + 1e-3)
        exponents = rng.uniform(np.log(0.05), np.log(1.5), size=(n_starts, self.n_exponents))
        columns = [above + split[:, i] for i in range(n_terms)]
        columns += [np.broadcast_to(exponents[:, i], above.shape) for i in range(self.n_exponents)]
        if self.floor:
            columns.append(lowest[:, np.newaxis] + np.log(share))
        if self.mix == "free":
            columns.append(np.broadcast_to(rng.uniform(np.log(0.1), np.log(1.5), size=n_starts), above.shape))
        return np.stack(columns, axis=2)

    def prior(
        self, log_error: Float64[np.ndarray, " problems points"], chance: float
    ) -> tuple[Float64[np.ndarray, " problems k"], Float64[np.ndarray, " k"]]:
        """Return what is likely where cells leave it open.

        Exponents near .3 within a factor e^1.2 (Hestness et al. 2017: .07 to .35), a mix near 1. For errors that are
        fractions (chance at most 1) a floor at a fiftieth of the least error within a factor e^2: noise makes high
        floors, which spoil extrapolation more than low ones do. Losses have their entropy as floor, and no such prior.
        """
        mean, precision = np.zeros((len(log_error), self.n_parameters)), np.zeros(self.n_parameters)
        floor = len(self.terms) + self.n_exponents
        exponents = slice(len(self.terms), floor)
        mean[:, exponents], precision[exponents] = EXPONENT_PRIOR[0], EXPONENT_PRIOR[1] ** -2
        if self.floor and chance <= 1:
            mean[:, floor] = log_error.min(axis=1) + FLOOR_PRIOR[0]
            precision[floor] = FLOOR_PRIOR[1] ** -2
        if self.mix == "free":
            mean[:, -1], precision[-1] = MIX_PRIOR[0], MIX_PRIOR[1] ** -2
        return mean, precision

    def _parts(self, theta: np.ndarray, x: np.ndarray) -> _Parts:
        n_terms = len(self.terms)
        exponents = np.exp(theta[:, n_terms : n_terms + self.n_exponents])
        logs = np.stack([theta[:, [i]] - self._slope(exponents, term, x) for i, term in enumerate(self.terms)])
        mix = self._mix(theta, exponents)[:, np.newaxis]
        largest = logs.max(axis=0)
        below = logs - largest
        powers = np.exp(below / mix)
        sums = powers.sum(axis=0)
        log_sum = np.log(sums)
        floor = np.exp(theta[:, [n_terms + self.n_exponents]]) if self.floor else np.zeros((len(theta), 1))
        return _Parts(exponents, mix, below, powers / sums, log_sum, np.exp(largest + mix * log_sum), floor)

    def _link_slopes(self, total: np.ndarray, floor: np.ndarray, chance: Chance) -> tuple[np.ndarray, np.ndarray]:
        """Return the derivatives of the error by ``total`` and ``floor``."""
        if self.link == "root":
            slope = (1 + ((floor + total) / chance) ** 2) ** -1.5
            return slope, slope
        if self.link == "ratio":
            room = np.maximum(chance - floor, 1e-12)
            return (room / (room + total)) ** 2, 1 - (total / (room + total)) ** 2
        return np.ones_like(total), np.ones_like(total)

    def _slope(
        self,
        exponents: Float64[np.ndarray, " problems exponents"],
        term: tuple[tuple[int, int], ...],
        x: Float64[np.ndarray, " variables points"],
    ) -> Float64[np.ndarray, " problems points"]:
        slope: Float64[np.ndarray, " problems points"] = exponents[:, [e for _, e in term]] @ x[[v for v, _ in term]]
        return slope

    def _mix(
        self, theta: Float64[np.ndarray, " problems k"], exponents: Float64[np.ndarray, " problems exponents"]
    ) -> Float64[np.ndarray, " problems"]:
        if self.mix == "data":
            return exponents[:, 0]
        return np.exp(theta[:, -1]) if self.mix == "free" else np.ones(len(theta))

    def _linked(
        self, total: Float64[np.ndarray, " problems points"], floor: Float64[np.ndarray, " problems 1"], chance: Chance
    ) -> Float64[np.ndarray, " problems points"]:
        if self.link == "root":
            raw = floor + total
            return np.asarray(raw / np.sqrt(1 + (raw / chance) ** 2))
        if self.link == "ratio":
            room = np.maximum(chance - floor, 1e-12)
            return np.asarray(floor + room * total / (room + total))
        return np.asarray(floor + total)


_SUM = ("data_coefficient", "data_exponent", "size_coefficient", "size_exponent", "floor")
_PRODUCT = ("coefficient", "data_exponent", "size_exponent", "floor")
_CROSSED = ("data_coefficient", "data_exponent", "cross_exponent", "size_coefficient", "size_exponent", "floor")
_SHAPE = (
    "data_coefficient", "data_exponent", "width_coefficient", "width_exponent",
    "depth_coefficient", "depth_exponent", "floor",
)  # fmt: skip
_SHAPE_PRODUCT = ("coefficient", "data_exponent", "width_exponent", "depth_exponent", "floor")
_BLOCK = ("data_coefficient", "data_exponent", "size_coefficient", "width_exponent", "depth_exponent", "floor")
_DATA, _SIZE = ((0, 0),), ((1, 1),)

SIZE_FORMS: Final = (
    SurfaceForm("additive", "additive", _SUM, (_DATA, _SIZE)),  # arXiv:2203.15556
    SurfaceForm("additive-tied", "additive", _SUM, (_DATA, ((1, 0),))),  # one exponent for both, arXiv:2403.08540
    SurfaceForm("additive-floorless", "additive", _SUM, (_DATA, _SIZE), floor=False),
    SurfaceForm("envelope", "envelope", (*_SUM, "chance", "transition"), (_DATA, _SIZE), link="root"),
    SurfaceForm("saturating", "saturating", (*_SUM, "chance"), (_DATA, _SIZE), link="ratio"),
    SurfaceForm("saturating-tied", "saturating", (*_SUM, "chance"), (_DATA, ((1, 0),)), link="ratio"),
    SurfaceForm(
        "saturating-mean", "saturating-mean", (*_SUM, "mix", "chance"), (_DATA, _SIZE), mix="free", link="ratio"
    ),
    SurfaceForm("product", "product", _PRODUCT, (((0, 0), (1, 1)),)),
    SurfaceForm("product-floorless", "product", _PRODUCT, (((0, 0), (1, 1)),), floor=False),
    SurfaceForm("kaplan", "power-mean", (*_SUM, "mix"), (_DATA, _SIZE), floor=False, mix="data"),  # arXiv:2001.08361
    SurfaceForm("kaplan-floor", "power-mean", (*_SUM, "mix"), (_DATA, _SIZE), mix="data"),
    SurfaceForm("power-mean", "power-mean", (*_SUM, "mix"), (_DATA, _SIZE), mix="free"),
    SurfaceForm("crossed", "crossed", _CROSSED, (((0, 0), (1, 1)), ((1, 2),))),
)
_THREE = (_DATA, _SIZE, ((2, 2),))
_AS_ONE = (_DATA, ((1, 1), (2, 2)))  # as params are width**2 depth, but each with an exponent of its own
SHAPE_FORMS: Final = (
    SurfaceForm("additive-shape", "additive-shape", _SHAPE, _THREE),
    SurfaceForm("additive-shape-floorless", "additive-shape", _SHAPE, _THREE, floor=False),
    SurfaceForm("additive-block", "additive-block", _BLOCK, _AS_ONE),
    SurfaceForm("additive-block-floorless", "additive-block", _BLOCK, _AS_ONE, floor=False),
    SurfaceForm("product-shape", "product-shape", _SHAPE_PRODUCT, (((0, 0), (1, 1), (2, 2)),)),
    SurfaceForm("product-shape-floorless", "product-shape", _SHAPE_PRODUCT, (((0, 0), (1, 1), (2, 2)),), floor=False),
    SurfaceForm("power-mean-shape", "power-mean-shape", (*_SHAPE, "mix"), _THREE, mix="free"),
)

FORMULAS: Final[Mapping[str, SurfaceForm]] = MappingProxyType(
    {form.written_as: form for form in (*SIZE_FORMS, *SHAPE_FORMS) if form.name == form.written_as}
)


def log_error(
    formula: str,
    parameters: Float64[np.ndarray, " laws keys"],
    logs: Float64[np.ndarray, " variables points"],
) -> Float64[np.ndarray, " laws points"]:
    """Evaluate a formula as records hold it: the twin of the plain Python one, in logs of the variables.

    Raises:
        UnknownName: If it is none of a surface.
    """
    if formula not in FORMULAS:
        raise UnknownName("form", formula, FORMULAS)
    form = FORMULAS[formula]
    keys = list(form.keys)
    coefficients = [i for i, key in enumerate(keys) if key.endswith("coefficient")]
    exponents = [i for i, key in enumerate(keys) if key.endswith("exponent")]
    with np.errstate(divide="ignore"):  # the log of no floor, or of a term that is none
        columns = [np.log(parameters[:, i]) for i in (*coefficients, *exponents, keys.index("floor"))]
        if "mix" in keys:
            columns.append(np.log(parameters[:, keys.index("mix")]))
    chance = parameters[:, [keys.index("chance")]] if "chance" in keys else np.inf
    theta = np.stack(columns, axis=1)
    if form.link == "root":
        raw = replace(form, link="none").log_error(theta, logs, np.inf)
        transition = np.log(parameters[:, [keys.index("transition")]])
        return np.asarray(np.log(chance) + raw - np.logaddexp(2 * raw, 2 * transition) / 2)
    return form.log_error(theta, logs, chance)
