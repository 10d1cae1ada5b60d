"""A stored law made ready to be evaluated: checked, its logs taken once."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

from registry.errors import InvalidRecord
from registry.laws.forms import CURVES
from registry.laws.surfaces import SURFACES
from registry.tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from registry.laws.forms import Form, Logs, Numbers

DATA: Final = ("n_train", "steps")  # the first variable of a law
SIZES: Final = ("params", "width", "depth")  # the others, in this order
FORMS: Final[Mapping[str, Form]] = {**CURVES, **SURFACES}
MOST_DRAWS: Final = 200
Z: Final = {80: 1.2815515655446004, 90: 1.6448536269514722}  # of the normal distribution, two-sided
_KEPT: Final = 8  # sizes whose curve is kept, and points whose draws are
_SAFE: Final = 300.0  # logs of the doubles lie within +-700: what is lost at their ends is nothing beside these
_LOG_2: Final = math.log(2)
_ENDLESS: Final = 1e6  # log of so much data that only floors are left


class Calibration(NamedTuple):
    """How far the scale of doubt reaches: learnt on back-tests by the fitter.

    Args:
        factors: Multiple of the scale that the interval of each level reaches, in percent.
        noise: Doubt, in log error, that is there however well the draws agree.
        drift: Doubt per unit of log-distance outside the range.
        run_sd: Standard deviation of the log error between runs; None: unknown.
        known: Whether a fitter calibrated it; else it is the scatter of the draws alone, taken for normal.
    """

    factors: Mapping[int, float]
    noise: float
    drift: float
    run_sd: float | None
    known: bool


@final
class Curve:
    """A law at fixed sizes: error as a function of data alone. What the sizes contribute is worked out once.

    Args:
        sizes: Log of each size.
        members: Weight, form and parameters, ready, of each member.
        draws: Forms, and parameters, ready, of the draws of each that come one after another.
    """

    def __init__(
        self,
        sizes: Numbers,
        members: Sequence[tuple[float, Form, Numbers]],
        draws: Sequence[tuple[Form, Sequence[Numbers]]],
    ) -> None:
        self.sizes = sizes
        self._members = [(weight, form.along, form.at(ready, sizes)) for weight, form, ready in members]
        self._all_draws = draws

    @cached_property
    def _draws(self) -> list[tuple[Form, list[Numbers]]]:
        return [(form, [form.at(one, self.sizes) for one in ready]) for form, ready in self._all_draws]

    @cached_property
    def _scatter(self) -> list[Callable[[float, float], float]] | None:
        try:
            return [form.scatter(fixed) for form, fixed in self._draws if form.scatter]
        except ArithmeticError:
            return None

    def log_error(self, log_n: float) -> float:
        """Return the log of the predicted error, from the log of the data."""
        if len(self._members) == 1:
            _, along, fixed = self._members[0]
            return along(fixed, log_n)
        return math.fsum([weight * along(fixed, log_n) for weight, along, fixed in self._members])

    def log_draws(self, log_n: float) -> list[float]:
        """Return the log of the error that each draw predicts."""
        return [form.along(one, log_n) for form, fixed in self._draws for one in fixed]

    def spread(self, log_n: float) -> float:
        """Return the mean square distance of the draws, of which there are some, from the law in log error."""
        centre, n_draws = self.log_error(log_n), sum(len(fixed) for _, fixed in self._draws)
        if self._scatter is not None and len(self._scatter) == len(self._draws) and abs(centre) < _SAFE:
            try:
                bits = math.fsum([scatter(log_n, centre / _LOG_2) for scatter in self._scatter])
            except (ArithmeticError, ValueError):
                bits = math.inf
            if bits < _SAFE**2:  # then every draw is as safe as the law
                return bits * _LOG_2**2 / n_draws
        return math.fsum([(draw - centre) ** 2 for draw in self.log_draws(log_n)]) / n_draws


@final
class Law:
    """A stored law.

    Args:
        values: A record's law, as JSON values.

    Attributes:
        variables: What the error depends on: data first, then sizes.
        ranges: Log of the ends of each variable's range.
        calibration: How the scale of doubt becomes an interval.
        chance: Error of the best constant answer, which no prediction exceeds; None: unknown.
        n_draws: How many times it was fitted again to resampled data.

    Raises:
        InvalidRecord: If this version cannot read it.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        try:
            self._read(values)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise InvalidRecord(f"the law cannot be read: {type(error).__name__} {error}") from None

    def _read(self, values: Mapping[str, Any]) -> None:
        self.variables: tuple[str, ...] = tuple(values.get("variables") or ("n_train",))
        first, *sizes = self.variables
        if first not in DATA or sizes != [name for name in SIZES if name in sizes]:
            raise InvalidRecord(
                f"a law in {', '.join(map(str, self.variables))} cannot be evaluated, "
                f"expected {' or '.join(DATA)}, then any of {', '.join(SIZES)}, in this order"
            )
        self.ranges = tuple(_range(name, values["valid_range"]) for name in self.variables)
        forms = values["forms"]
        named = [(each["form"], _form(each["form"], len(self.variables))) for each in forms]
        self._members = [
            (float(each["weight"]), form, _ready(name, form, _in_order(name, form, each["parameters"])))
            for each, (name, form) in zip(forms, named, strict=True)
        ]
        total = math.fsum(weight for weight, _, _ in self._members)
        if not math.isclose(total, 1.0, abs_tol=1e-9) or any(weight < 0 for weight, _, _ in self._members):
            raise InvalidRecord(f"a law's weights sum to {total:g}, expected shares that sum to 1")
        draws = values["draws"]
        if len(draws) > MOST_DRAWS:
            raise InvalidRecord(f"a law has {len(draws)} draws, expected at most {MOST_DRAWS}")
        self.n_draws = len(draws)
        self._draws: list[tuple[Form, list[Numbers]]] = []
        for i, draw in enumerate(draws):
            form, numbers = _draw(i, draw, named)
            if not self._draws or self._draws[-1][0] is not form:
                self._draws.append((form, []))
            self._draws[-1][1].append(numbers)
        self._curves: dict[Numbers, Curve] = {}
        self._drawn: dict[Numbers, list[float]] = {}
        self.calibration = _calibration(values.get("interval"))
        self.chance = _chance(values.get("chance"))
        self._most = math.inf if self.chance is None else math.log(self.chance)

    def steepest(self) -> tuple[float, ...]:
        """Return the largest exponents of members and draws: of the data, and of any size, for each of the sizes.

        No log error of theirs falls faster by the log of that variable: a term falls with its exponents, and floors,
        means of terms and what saturates at chance lessen that.
        """
        sets = [(form, (ready,)) for _, form, ready in self._members] + self._draws
        of_data, of_sizes = 0.0, 0.0
        for form, several in sets:
            for i, name in enumerate(form.parameters):
                if name in ("exponent", "data_exponent"):
                    of_data = max(of_data, *(ready[i] for ready in several))
                elif name.endswith("_exponent"):
                    of_sizes = max(of_sizes, *(ready[i] for ready in several))
        return (of_data, *(of_sizes for _ in self.variables[1:]))

    def curve(self, sizes: Logs) -> Curve:
        """Return the law at fixed sizes, given by their logs; the last few are kept, as most is asked at the same."""
        sizes = tuple(sizes)
        found = self._curves.get(sizes)
        if found is None:
            if len(self._curves) >= _KEPT:
                self._curves.clear()
            found = self._curves[sizes] = Curve(sizes, self._members, self._draws)
        return found

    def log_error(self, x: Logs) -> float:
        """Return the log of the predicted error, from the log of each variable."""
        return self.curve(x[1:]).log_error(x[0])

    def capped(self, log_error: float) -> float:
        """Return the log of an error, or that of chance where this is less: what the forms say, as one can meet it."""
        return min(log_error, self._most)

    def log_draws(self, x: Logs) -> list[float]:
        """Return the log of the error that each draw predicts; what was asked last is kept, as much is asked twice."""
        x = tuple(x)
        found = self._drawn.get(x)
        if found is None:
            if len(self._drawn) >= _KEPT:
                self._drawn.clear()
            found = self._drawn[x] = self.curve(x[1:]).log_draws(x[0])
        return found

    def outside(self, x: Logs) -> float:
        """Return how far ``x`` lies outside the range: log-distances, summed over the variables."""
        return sum(map(abs, self.beyond(x)))

    def beyond(self, x: Logs) -> list[float]:
        """Return the log-distance of each variable outside its range: below it negative, inside 0."""
        distances = [
            min(value - low, max(value - high, 0.0)) for value, (low, high) in zip(x, self.ranges, strict=True)
        ]
        # exp(log(n)) may miss the end of the range by a few units in the last place
        return [distance if abs(distance) > 1e-9 else 0.0 for distance in distances]

    def doubt(self, x: Logs) -> float | None:
        """Return the scale of doubt of the log error at ``x``; None without draws."""
        if not self._draws:
            return None
        return self._scale(self.curve(x[1:]).spread(x[0]), self.outside(x), self.calibration.noise)

    def doubt_between(self, x: Logs, y: Logs) -> float | None:
        """Return the scale of doubt of log error at ``y`` less that at ``x``, draw by draw; None without draws."""
        most, gain = self._most, self.capped(self.log_error(y)) - self.capped(self.log_error(x))
        pairs = zip(self.log_draws(x), self.log_draws(y), strict=True)
        scatter = [min(after, most) - min(before, most) - gain for before, after in pairs]
        between = sum(abs(after - before) for before, after in zip(self.beyond(x), self.beyond(y), strict=True))
        return self.scale(scatter, between, noise=0.0)

    def limit(self, x: Logs) -> float:
        """Return the error that is left with endless data, the sizes as in ``x``."""
        return math.exp(self.capped(self.log_error((_ENDLESS, *x[1:]))))

    def scale(self, scatter: Sequence[float], outside: float, noise: float | None = None) -> float | None:
        """Return the scale of doubt.

        Args:
            scatter: For each draw, how far it is from the law.
            outside: Log-distance outside the range.
            noise: Instead of the law's own.

        Returns:
            The root of mean square scatter, squared noise and squared drift; None without draws.
        """
        if not scatter:
            return None
        spread = math.fsum([value * value for value in scatter]) / len(scatter)
        return self._scale(spread, outside, self.calibration.noise if noise is None else noise)

    def _scale(self, spread: float, outside: float, noise: float) -> float:
        return math.sqrt(spread + noise**2 + (self.calibration.drift * outside) ** 2)


def _form(name: object, n_variables: int) -> Form:
    if name not in FORMS:
        raise InvalidRecord(
            f"a law of {name} cannot be evaluated, expected {', '.join(FORMS)}",
            "a newer version of sizing-guides may read it",
        )
    form = FORMS[str(name)]
    if form.n_variables != n_variables:
        raise InvalidRecord(f"a law of {name} has {n_variables} variables, expected {form.n_variables}")
    return form


def _in_order(name: str, form: Form, parameters: Mapping[str, float]) -> list[float]:
    if sorted(parameters) != sorted(form.parameters):
        raise InvalidRecord(f"a {name} has {', '.join(sorted(parameters))}, expected {', '.join(form.parameters)}")
    return [parameters[key] for key in form.parameters]


def _ready(name: str, form: Form, parameters: Sequence[float], draw: int | None = None) -> Numbers:
    if fault := form.fault(parameters):
        raise InvalidRecord(f"{'' if draw is None else f'draw {draw} of '}a {name} has {fault}")
    return form.ready(parameters)


def _draw(i: int, draw: Sequence[float], named: Sequence[tuple[str, Form]]) -> tuple[Form, Numbers]:
    """Read a draw: the member's position, then its parameters. Without a position where there is one member."""
    first, *rest = draw
    if len(named) == 1:
        n_parameters = len(named[0][1].parameters)
        if len(draw) == n_parameters:
            first, rest = 0, list(draw)
        elif len(draw) != n_parameters + 1:
            raise InvalidRecord(
                f"draw {i} has {len(draw)} numbers, expected the form's position and its {n_parameters} parameters"
            )
    if not (first == int(first) and 0 <= first < len(named)):
        raise InvalidRecord(f"draw {i} is of form {first:g}, expected 0 to {len(named) - 1}")
    name, form = named[int(first)]
    return form, _ready(name, form, rest, i)


def _calibration(values: Mapping[str, Any] | None) -> Calibration:
    if values is None:
        return Calibration(Z, 0.0, 0.0, None, known=False)
    factors = {80: _at_least_0("factor80", values), 90: _at_least_0("factor90", values)}
    run_sd = None if values["run_sd"] is None else _at_least_0("run_sd", values)
    return Calibration(factors, _at_least_0("noise", values), _at_least_0("drift", values), run_sd, known=True)


def _at_least_0(name: str, values: Mapping[str, Any]) -> float:
    value = float(values[name])
    if not 0 <= value < math.inf:
        raise InvalidRecord(f"an interval has {name} {value:g}, expected a finite number from 0 up")
    return value


def _chance(value: float | None) -> float | None:
    """Read the error of the best constant answer; one of 0 bounds nothing that a law could say."""
    if value is None:
        return None
    if not 0 <= value < math.inf:
        raise InvalidRecord(f"a law has chance {value:g}, expected a finite error from 0 up")
    return float(value) or None


def _range(name: str, ranges: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    if ranges.get(name) is None:
        raise InvalidRecord(f"a law has no range of {name}, expected one for each of its variables")
    low, high = ranges[name]
    if not 0 < low <= high < math.inf:
        raise InvalidRecord(f"a law's range of {name} is {low:g} to {high:g}, expected two ascending numbers above 0")
    return math.log(low), math.log(high)
