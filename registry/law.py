"""Evaluate a stored law and its intervals, invert it for the data a wanted error needs, compare two of its points.

Plain Python on the JSON of a record (:class:`registry.schema.Law`): nothing is fitted here and nothing heavy imported.
Forms are in :mod:`registry.laws.forms` and :mod:`registry.laws.surfaces`. With L(x) the weighted log-average of the
law's members, s(x) its scale of doubt (scatter of the draws, noise, drift outside the range) and q the level's factor
learnt on back-tests,

* the interval of the mean curve is L exp(-+ q s): where the mean over fresh runs lies;
* that of one new run is L exp(-+ sqrt((q s)**2 + (z r)**2)), r the standard deviation of log error between runs;
* none of these exceeds the error of the best constant answer, where the law knows it (chance).

All forms fall in every variable, so where a size is left open the largest in the range is the best.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from registry.errors import NoAnswer, OutsideRange, UsageError
from registry.laws.counting import about
from registry.laws.crossing import crossing_above, crossing_below, falls_to
from registry.laws.stored import FORMS, Law, Z
from registry.tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry.laws.forms import Logs

__all__ = ["FORMS", "LEVELS", "Bounds", "Comparison", "Interval", "Law", "Prediction", "bounds", "compare"]
__all__ += ["data_needed", "evaluate", "interval", "locate", "needed", "predicted", "refuse_outside"]

LEVELS: Final = (80, 90)
_LARGEST: Final = 1e300  # an end of an interval beyond it is cut: JSON has no infinity
_STEEP: Final = math.log(_LARGEST)
_MOST: Final = math.log(1e30)  # beyond this a number of examples means "never"; a record holds no larger number


class Interval(NamedTuple):
    """The ends of an interval of the error."""

    low: float
    high: float


class Prediction(NamedTuple):
    """A predicted error.

    Args:
        value: The error in the task's error form, at most that of the best constant answer where the law knows it.
        mean: Interval of the mean curve by level, 80 and 90 %; None where the law has no draws.
        run: Interval of one new run by level; None where the law has no draws or does not know the runs' spread.
        outside: Log-distance outside the range the law was fitted on; 0 inside.
    """

    value: float
    mean: Mapping[int, Interval] | None
    run: Mapping[int, Interval] | None
    outside: float

    @property
    def low(self) -> float | None:
        """The lower end of the 90 % interval of the mean curve; None: open."""
        return self.mean[90].low if self.mean else None

    @property
    def high(self) -> float | None:
        """The upper end of the 90 % interval of the mean curve; None: open."""
        return self.mean[90].high if self.mean else None


class Bounds(NamedTuple):
    """How much data an error takes; None is open: no draws, or an end that never gets there."""

    value: float
    low: float | None
    high: float | None


class Comparison(NamedTuple):
    """Error at one point over that at another; ``low`` and ``high`` are a 90 % interval, None without draws."""

    ratio: float
    low: float | None
    high: float | None

    @property
    def is_decided(self) -> bool:
        """Whether the interval leaves out that both are equal."""
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high


def evaluate(
    law: Mapping[str, Any] | Law, n_train: float, *, extrapolate: bool = False, **sizes: float | None
) -> Prediction:
    """Predict the validation error after training on ``n_train`` examples.

    Args:
        law: A record's law.
        n_train: Number of training examples, at least 1; steps for a law in steps.
        extrapolate: Answer outside the range the law was fitted on; intervals widen with the distance.
        **sizes: ``params``, or ``width`` and ``depth``, of a law that has them; one left open is the best in the range.

    Raises:
        UsageError: If a number cannot be, or the law knows nothing of such a size.
        OutsideRange: If the point lies outside ``valid_range`` and ``extrapolate`` is false.
        InvalidRecord: If this version cannot read the law.
    """
    known = _as_law(law)
    x = locate(known, n_train, **sizes)
    if not extrapolate:
        refuse_outside(known, x)
    return predicted(known, x)


def data_needed(
    law: Mapping[str, Any] | Law,
    error: float,
    *,
    extrapolate: bool = False,
    level: int = 90,
    **sizes: float | None,
) -> Bounds:
    """Return how much data brings the validation error down to ``error``: the inverse of :func:`evaluate`.

    Args:
        law: A record's law.
        error: Wanted error in the task's error form, above 0.
        extrapolate: Answer outside the range the law was fitted on; the interval widens with the distance.
        level: Of the interval of the mean curve, 80 or 90 %.
        **sizes: As for :func:`evaluate`.

    Returns:
        Examples, not rounded, at least 1: where the curve gets to ``error``, where the lower end of its interval does,
        where the upper end does. An end is None where it never does, up to 1e30. An error that the best constant
        answer has takes 1 example.

    Raises:
        UsageError: If a number cannot be, or the law knows nothing of such a size.
        NoAnswer: If the law levels off at or above ``error``.
        OutsideRange: If the answer lies outside ``valid_range`` and ``extrapolate`` is false.
        InvalidRecord: If this version cannot read the law.
    """
    if not (math.isfinite(error) and error > 0):
        raise UsageError(f"error {error:g} cannot be reached by data, expected a number above 0")
    known = _as_law(law)
    x = locate(known, math.exp(known.ranges[0][0]), **sizes)
    log_n = needed(known, error, x)
    if log_n is None:
        limit = known.limit(x)
        raise NoAnswer(
            f"no {known.variables[0]} up to {math.exp(_MOST):g} reaches error {error:.4g}; the law "
            f"{'gets there later' if limit < error else f'levels off at {limit:.4g}'}",
            "more data alone will not do: try another width, family, resolution or better labels",
        )
    if not extrapolate:
        unit = _UNITS[known.variables[0]]
        refuse_outside(known, (log_n, *x[1:]), f"error {error:.4g} needs {about(known, log_n)} {unit},")
    return bounds(known, error, (log_n, *x[1:]), level)


def bounds(law: Law, error: float, x: Logs, level: int = 90) -> Bounds:
    """Return the data at ``x``, where the curve gets down to ``error``, with the interval of :func:`data_needed`."""
    low, high = _ends(law, error, x, law.calibration.factors[level])
    return Bounds(math.exp(x[0]), low, high)


def compare(
    law: Mapping[str, Any] | Law,
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    extrapolate: bool = False,
) -> Comparison:
    """Compare two points of a law draw by draw, so that what they have in common does not count as doubt.

    Args:
        law: A record's law.
        before: Value of each variable at the first point, by name.
        after: The same at the second.
        extrapolate: Answer outside the range the law was fitted on; the interval widens by what drift they differ in.

    Raises:
        UsageError: If a number cannot be, or the law knows nothing of such a variable.
        OutsideRange: If a point lies outside ``valid_range`` and ``extrapolate`` is false.
        InvalidRecord: If this version cannot read the law.
    """
    known = _as_law(law)
    x, y = (_located(known, point) for point in (before, after))
    if not extrapolate:
        refuse_outside(known, x)
        refuse_outside(known, y)
    gain = known.capped(known.log_error(y)) - known.capped(known.log_error(x))
    doubt = known.doubt_between(x, y)
    ratio = math.exp(min(gain, _STEEP))
    if doubt is None:
        return Comparison(ratio, None, None)
    return Comparison(ratio, *interval(ratio, known.calibration.factors[90] * doubt))


def locate(law: Law, data: float, **sizes: float | None) -> tuple[float, ...]:
    """Return the log of each variable of a law; a size left open is the largest in the range.

    Raises:
        UsageError: If a number cannot be, or the law knows nothing of such a size.
    """
    asked = {name: value for name, value in sizes.items() if value is not None}
    for name in asked:
        if name not in law.variables[1:]:
            raise UsageError(f"this law is in {' and '.join(law.variables)}: it knows nothing of {name}")
    for name, value in ((law.variables[0], data), *asked.items()):
        if not (math.isfinite(value) and value >= 1):
            raise UsageError(f"{name} {value:g} is not a number of {_UNITS[name]}, expected at least 1")
    pairs = zip(law.variables[1:], law.ranges[1:], strict=True)
    return (math.log(data), *(math.log(asked[name]) if name in asked else high for name, (_, high) in pairs))


def predicted(law: Law, x: Logs) -> Prediction:
    """Return the prediction at the logs of all variables, wherever they lie: nothing in it exceeds chance."""
    log_value, doubt, known = law.log_error(x), law.doubt(x), law.calibration

    def kept(reach: float) -> Interval:
        low, high = interval(math.exp(log_value), reach)
        return Interval(min(low, most), min(high, most))

    most = math.inf if law.chance is None else law.chance
    mean = run = None
    if doubt is not None:
        reach = {level: known.factors[level] * doubt for level in LEVELS}
        mean = {level: kept(reach[level]) for level in LEVELS}
        if known.run_sd is not None:
            run = {level: kept(math.hypot(reach[level], Z[level] * known.run_sd)) for level in LEVELS}
    return Prediction(min(math.exp(log_value), most), mean, run, law.outside(x))


def interval(value: float, reach: float) -> Interval:
    """Return ``value`` divided and multiplied by exp(``reach``)."""
    return Interval(value * math.exp(-reach), min(value * math.exp(min(reach, _STEEP)), _LARGEST))


def needed(law: Law, error: float, x: Logs, between: tuple[float, float] | None = None) -> float | None:
    """Return the log of the least data at which the curve gets down to ``error``; None: never up to 1e30.

    Args:
        law: The law.
        error: Above 0.
        x: Log of each variable; that of the data does not matter.
        between: Logs of data that the answer is expected to lie between, the lesser first; the range of the law unless
            given. They matter for speed alone.
    """
    if _is_chance(law, error):
        return 0.0
    wanted, curve = math.log(error), law.curve(x[1:])
    low, high = between or law.ranges[0]
    low = min(max(low, 0.0), _MOST - 1)
    high = min(high, _MOST) if high > low else low + 1
    return falls_to(lambda log_n: curve.log_error(log_n) - wanted, 0.0, _MOST, (low, high))


def refuse_outside(law: Law, x: Logs, what: str = "") -> None:
    """Pass if every variable lies in the range the law was fitted on.

    Raises:
        OutsideRange: If one does not, with the range; ``what`` leads the message.
    """
    for name, value, (low, high) in zip(law.variables, x, law.ranges, strict=True):
        if not low - 1e-9 <= value <= high + 1e-9:
            start = what if what and name == law.variables[0] else f"{name} {math.exp(value):,.12g} lies"
            raise OutsideRange(
                f"{start} outside the range {_whole(low)} to {_whole(high)} that the law was fitted on",
                "--extrapolate answers all the same",
            )


_UNITS: Final = {
    "n_train": "training examples",
    "steps": "optimiser steps",
    "params": "parameters",
    "width": "units",
    "depth": "layers",
}


def _as_law(law: Mapping[str, Any] | Law) -> Law:
    return law if isinstance(law, Law) else Law(law)


def _located(law: Law, point: Mapping[str, float]) -> tuple[float, ...]:
    data = law.variables[0]
    missing = [name for name in law.variables if name not in point]
    if missing:
        raise UsageError(f"a point of this law has {', '.join(law.variables)}, {', '.join(missing)} is missing")
    return locate(law, point[data], **{name: value for name, value in point.items() if name != data})


def _is_chance(law: Law, error: float) -> bool:
    """Say whether the best constant answer is as good as that: no data are needed for it."""
    return law.chance is not None and error >= law.chance


def _ends(law: Law, error: float, x: Logs, factor: float) -> tuple[float | None, float | None]:
    """Return the least data at which each end of the interval gets down to ``error``, going out from the curve's own.

    The lower end is met going down, the upper one going up. As doubt grows outside the range the upper end may turn
    and rise: where its lowest point is above ``error`` it never gets there.
    """
    doubt = law.doubt(x)
    if doubt is None:
        return None, None
    if _is_chance(law, error):
        return 1.0, 1.0
    wanted, curve = math.log(error), law.curve(x[1:])

    def above(log_n: float, sign: int) -> float:
        return curve.log_error(log_n) + sign * factor * (law.doubt((log_n, *x[1:])) or 0.0) - wanted

    at_x = curve.log_error(x[0]) - wanted
    slope = 100 * (curve.log_error(x[0] - 0.01) - curve.log_error(x[0]))
    low = crossing_below(lambda log_n: above(log_n, -1), x[0], at_x - factor * doubt, slope)
    high = crossing_above(lambda log_n: above(log_n, 1), x[0], at_x + factor * doubt, slope, _MOST)
    return math.exp(low), None if high is None else math.exp(high)


def _whole(log_value: float) -> str:
    return f"{math.exp(log_value):,.0f}"
