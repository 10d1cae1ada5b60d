"""What int8 does to k, told by networks that stand in both precisions: no training compute is needed for that.

A network and its int8 form were trained with the same compute, but for calibration or a few epochs of tuning, which
sources do not count. Where log int8 error = a + s x log float error, a line of log float error over log compute with
the exponent k becomes one with k / s: s = 1 moves the line and leaves k as it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from harness.burden.exponent import LEAST, Interval, by_point, levels, slopes

INT8: Final = ("int8", "int8-mixed")
_ENGINES: Final = re.compile(r"^quantized|fbgemm|qnnpack")  # what torchvision calls int8 builders and weights


@final
@dataclass(frozen=True)
class Pair:
    """A network in both precisions.

    Attributes:
        name: Of the int8 one.
        error: Of the one in 32-bit floats, above 0.
        int8_error: Of the int8 one, above 0.
    """

    name: str
    error: float
    int8_error: float

    @property
    def ratio(self) -> float:
        """Return how many times the error int8 makes."""
        return self.int8_error / self.error


@final
@dataclass(frozen=True)
class Effect:
    """What int8 does to errors.

    Attributes:
        n: Pairs.
        ratio: int8 error over float error: least, median, most.
        slope: Of log int8 error over log float error, with its 90 % interval; None below ``LEAST`` pairs.
    """

    n: int
    ratio: tuple[float, float, float]
    slope: Interval | None

    def exponent(self, k: float) -> Interval | None:
        """Return the exponent of int8 networks where float ones have ``k``; the interval is that of the slope."""
        if self.slope is None or self.slope.value <= 0:
            return None
        high, low = (None if end is None or end <= 0 else k / end for end in self.slope[1:])
        return Interval(k / self.slope.value, low, high)


def pairs(records: Iterable[Mapping[str, Any]], metric: Mapping[str, Any]) -> tuple[Pair, ...]:
    """Return the networks that records have in 32-bit floats and in int8, by the points' precision, each once.

    A pair has one name, but for what says its precision, one input and one route; the first of each counts. Figures
    without bounds are limits, not results.

    Args:
        records: Published records as plain JSON values.
        metric: One of those that records ask or have as a further figure.
    """
    floats: dict[tuple[Any, ...], float] = {}
    rounded: dict[tuple[Any, ...], tuple[str, float]] = {}
    for point, error in _errors(records, metric):
        place = (_stem(point), _side(point), point["route"])
        if point["precision"] == "float32":
            floats.setdefault(place, error)
        elif point["precision"] in INT8:
            rounded.setdefault(place, (point["name"], error))
    return tuple(Pair(name, floats[place], error) for place, (name, error) in rounded.items() if place in floats)


def effect(found: Sequence[Pair]) -> Effect | None:
    """Return what int8 does to errors; None where there is no pair."""
    if not found:
        return None
    ratios = sorted(pair.ratio for pair in found)
    return Effect(len(found), (ratios[0], float(np.median(ratios)), ratios[-1]), _slope(found))


def _slope(found: Sequence[Pair]) -> Interval | None:
    if len(found) < LEAST or len({pair.error for pair in found}) < LEAST:
        return None
    x, y = (np.log([getattr(pair, name) for pair in found]) for name in ("error", "int8_error"))
    (value,) = slopes(x, y, np.ones((1, len(x))))
    low, high = np.quantile(slopes(x, y, by_point(len(x))), levels(len(x)))
    return Interval(float(value), float(low), float(high))


def _errors(
    records: Iterable[Mapping[str, Any]], metric: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], float]]:
    for record in records:
        is_asked = record["question"]["metric"]["name"] == metric["name"]
        for point in record["frontier"]:
            value = point["value"] if is_asked else point["metrics"].get(metric["name"])
            if value is None or (is_asked and point["low"] is None and point["high"] is None):
                continue
            error = 1 - value if metric["direction"] == "higher" else float(value)
            if error > 0 and math.isfinite(error):
                yield point, error


def _stem(point: Mapping[str, Any]) -> str:
    name = point["name"].removesuffix(f" in {point['precision']}").removesuffix(f" at {_side(point)}")
    return _ENGINES.sub("", re.sub(r"[\s_-]+", "", name.casefold()))


def _side(point: Mapping[str, Any]) -> int | None:
    if point["resolution"] is not None:
        return int(point["resolution"])
    return int(point["input_shape"][-1]) if point["input_shape"] else None


def lines(effects: Mapping[str, tuple[Effect, float | None]]) -> list[str]:
    """Return a table of what int8 does on each benchmark, by name, beside the k of its float networks if known."""
    out = [
        "| benchmark | networks in both | int8 / float error: least | median | most | s | k of floats | of int8 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, (one, k) in effects.items():
        moved = None if k is None else one.exponent(k)
        cells = (
            *(f"{ratio:.2f}" for ratio in one.ratio),
            "too few" if one.slope is None else _with_ends(one.slope, 2),
            "-" if k is None else f"{k:.1f}",
            "-" if moved is None else _with_ends(moved, 1),
        )
        out.append(f"| {name} | {one.n} | {' | '.join(cells)} |")
    return out


def _with_ends(found: Interval, digits: int) -> str:
    low, high = ("open" if end is None else f"{end:.{digits}f}" for end in found[1:])
    return f"{found.value:.{digits}f} ({low} to {high})"
