"""Evaluate a stored law and its interval, and invert it for the data a wanted error needs.

Plain Python on the JSON of a record (:class:`registry.schema.Law`): nothing is fitted here and nothing heavy imported.
The one form so far is ``power-law``: error = floor + coefficient * n_train ** -exponent.

Intervals are the 5 % and 95 % points of the stored bootstrap draws. They cover the mean curve, not one new run,
and are too narrow: they know of the noise between seeds, not of a law that bends outside its range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from registry.errors import InvalidRecord, NoAnswer, OutsideRange, UsageError

_MOST_EXAMPLES = 1e30  # beyond this a number of examples means "never"; a record holds no larger number


class Prediction(NamedTuple):
    """A predicted error; ``low`` and ``high`` are None where the law has no draws."""

    value: float
    low: float | None
    high: float | None


class Bounds(NamedTuple):
    """A number of training examples; None is open: no draws, or too many of them never get there."""

    value: float
    low: float | None
    high: float | None


class _PowerLaw(NamedTuple):
    """Parameters in key order, the order of a stored draw."""

    coefficient: float
    exponent: float
    floor: float

    def error(self, n_train: float) -> float:
        return self.floor + self.coefficient * math.exp(-self.exponent * math.log(n_train))

    def n_train(self, error: float) -> float:
        """Return where the law reaches ``error``, at least 1; infinite where it never does."""
        if error <= self.floor:
            return math.inf
        log_n = (math.log(self.coefficient) - math.log(error - self.floor)) / self.exponent
        return math.exp(max(log_n, 0.0)) if log_n <= math.log(_MOST_EXAMPLES) else math.inf


def evaluate(law: Mapping[str, Any], n_train: float, *, extrapolate: bool = False) -> Prediction:
    """Predict the validation error after training on ``n_train`` examples.

    Args:
        law: A record's law.
        n_train: Number of training examples, at least 1.
        extrapolate: Answer outside the range the law was fitted on. The interval does not know how wrong that may be.

    Returns:
        The error in the task's error form. May exceed 1 for tiny ``n_train``.

    Raises:
        UsageError: If ``n_train`` is not a number of examples.
        OutsideRange: If ``n_train`` lies outside ``valid_range`` and ``extrapolate`` is false.
        InvalidRecord: If the law has a form this version cannot read.
    """
    if not (math.isfinite(n_train) and n_train >= 1):
        raise UsageError(f"n_train {n_train:g} is not a number of training examples, expected at least 1")
    curve, draws = _read(law)
    smallest, largest = law["valid_range"]["n_train"]
    if not (extrapolate or smallest <= n_train <= largest):
        raise OutsideRange(
            f"n_train {n_train:,.12g} lies outside the range {smallest:,} to {largest:,} that the law was fitted on",
            "--extrapolate answers all the same",
        )
    errors = sorted(draw.error(n_train) for draw in draws)
    return Prediction(curve.error(n_train), _quantile(errors, 0.05), _quantile(errors, 0.95))


def data_needed(law: Mapping[str, Any], error: float, *, extrapolate: bool = False) -> Bounds:
    """Return how many training examples bring the validation error down to ``error``: the inverse of :func:`evaluate`.

    Args:
        law: A record's law.
        error: Wanted error in the task's error form, above 0.
        extrapolate: Answer outside the range the law was fitted on. The interval does not know how wrong that may be.

    Returns:
        Examples, not rounded, at least 1. ``high`` is None where more than 5 % of the draws never reach ``error``.

    Raises:
        UsageError: If ``error`` is not a positive number.
        NoAnswer: If the law levels off at or above ``error``.
        OutsideRange: If the answer lies outside ``valid_range`` and ``extrapolate`` is false.
        InvalidRecord: If the law has a form this version cannot read.
    """
    if not (math.isfinite(error) and error > 0):
        raise UsageError(f"error {error:g} cannot be reached by data, expected a number above 0")
    curve, draws = _read(law)
    value = curve.n_train(error)
    if math.isinf(value):
        raise NoAnswer(
            f"no n_train up to {_MOST_EXAMPLES:g} reaches error {error:.4g}; the law levels off at {curve.floor:.4g}",
            "more data alone will not do: try another width, family, resolution or better labels",
        )
    smallest, largest = law["valid_range"]["n_train"]
    # exp(log(n)) may miss the end of the range by a few units in the last place
    if not (extrapolate or smallest * (1 - 1e-9) <= value <= largest * (1 + 1e-9)):
        raise OutsideRange(
            f"error {error:.4g} needs about {value:,.0f} training examples, outside the range {smallest:,} to "
            f"{largest:,} that the law was fitted on",
            "--extrapolate answers all the same",
        )
    needed = sorted(draw.n_train(error) for draw in draws)
    return Bounds(value, _quantile(needed, 0.05), _quantile(needed, 0.95))


def _read(law: Mapping[str, Any]) -> tuple[_PowerLaw, list[_PowerLaw]]:
    """Return the law's curve and its draws."""
    names = [form["form"] for form in law["forms"]]
    if names != ["power-law"]:
        raise InvalidRecord(
            f"a law of {' + '.join(names)} cannot be evaluated, expected one power-law",
            "a newer version of sizing-guides may read it",
        )
    parameters = law["forms"][0]["parameters"]
    if sorted(parameters) != sorted(_PowerLaw._fields):
        raise InvalidRecord(f"a power-law has {', '.join(sorted(parameters))}, expected {', '.join(_PowerLaw._fields)}")
    return _falling(list(map(parameters.get, _PowerLaw._fields))), [_falling(draw) for draw in law["draws"]]


def _falling(values: Sequence[float]) -> _PowerLaw:
    if len(values) != 3 or not (values[0] > 0 and values[1] > 0 and values[2] >= 0):
        raise InvalidRecord(
            f"a power-law with {', '.join(f'{value:g}' for value in values)} does not fall, "
            "expected a coefficient above 0, an exponent above 0 and a floor from 0 up"
        )
    return _PowerLaw(*values)


def _quantile(ascending: list[float], share: float) -> float | None:
    """Return the quantile by linear interpolation; None for no values or an infinite one."""
    if not ascending:
        return None
    position = share * (len(ascending) - 1)
    below = math.floor(position)
    low, high = ascending[below], ascending[min(below + 1, len(ascending) - 1)]
    if position == below:
        high = low
    return None if math.isinf(high) else low + (position - below) * (high - low)
