"""Find where a function of one number crosses 0, in as few evaluations as it takes."""

import math
from collections.abc import Callable
from typing import Final

_EXACT: Final = 1e-15  # so near 0 ends the search
_GRID: Final = 32  # points tried between two ends before the best is refined
_CLOSE: Final = 1e-10  # the same where each evaluation costs one of every draw


def falls_to(above: Callable[[float], float], low: float, high: float) -> float | None:
    """Return where a falling function crosses 0 in [low, high]: ``low`` if it is below there, None if above at high."""
    at_low = above(low)
    if at_low <= 0:
        return low
    at_high = above(high)
    return None if at_high > 0 else _root(above, low, at_low, high, at_high, _EXACT)


def crossing_below(above: Callable[[float], float], start: float, at_start: float, slope: float) -> float:
    """Return the nearest point below ``start`` where ``above`` gets past 0; 0 if it stays below.

    Args:
        above: A function that rises, as a rule, from ``start`` down.
        start: Where to begin.
        at_start: Its value there, at most 0.
        slope: How fast it is expected to rise, per unit.
    """
    if at_start >= 0:  # no doubt at all
        return start
    right, at_right, step = start, at_start, _stride(at_start, slope)
    while right > 0:
        left = max(right - step, 0.0)
        at_left = above(left)
        if at_left > 0:
            return _root(above, left, at_left, right, at_right, _CLOSE)
        right, at_right, step = left, at_left, 2 * step
    return 0.0


def crossing_above(
    above: Callable[[float], float], start: float, at_start: float, slope: float, most: float
) -> float | None:
    """Return the nearest point in [``start``, ``most``] where ``above`` gets down to 0; None if it turns before.

    Args:
        above: A function that falls, then may rise.
        start: Where to begin.
        at_start: Its value there, at least 0.
        slope: How fast it is expected to fall, per unit.
        most: Where to end.
    """
    if at_start <= 0:
        return start
    before, left, at_left, step = start, start, at_start, _stride(at_start, slope)
    while left < most:
        right = min(left + step, most)
        at_right = above(right)
        if at_right <= 0:
            return _root(above, left, at_left, right, at_right, _CLOSE)
        if at_right >= at_left:  # it turned between here and the point before last
            bottom = lowest(above, before, right, 0.02)  # near it a smooth function is flat
            at_bottom = above(bottom)
            return None if at_bottom > 0 else _root(above, before, above(before), bottom, at_bottom, _CLOSE)
        before, left, at_left, step = left, right, at_right, 1.5 * step
    return None


def _stride(value: float, slope: float) -> float:
    """Return how far off a crossing is expected, and a bit: not so far that it could be jumped over and missed."""
    return min(max(1.2 * abs(value) / slope, 1e-6), 2.0) if slope > 0 else 0.5


def _root(
    above: Callable[[float], float], left: float, at_left: float, right: float, at_right: float, close: float
) -> float:
    """Return where ``above`` crosses 0 between a point above it and one at or below it, by the Illinois method."""
    side = 0
    for _ in range(200):
        if right - left <= 1e-13 * (1 + abs(right)):
            break
        middle = (left * at_right - right * at_left) / (at_right - at_left)
        if not left < middle < right:
            middle = (left + right) / 2
        value = above(middle)
        if value == 0:
            return middle
        if value > 0:
            left, at_left = middle, value
            at_right, side = (at_right / 2, 1) if side == 1 else (at_right, 1)
        else:
            right, at_right = middle, value
            at_left, side = (at_left / 2, -1) if side == -1 else (at_left, -1)
        if abs(value) < close:
            return middle
    return right


def lowest(function: Callable[[float], float], left: float, right: float, within: float) -> float:
    """Return where a function that falls, then rises, is lowest, to ``within``, by golden sections."""
    ratio = (math.sqrt(5) - 1) / 2
    a, b = right - ratio * (right - left), left + ratio * (right - left)
    at_a, at_b = function(a), function(b)
    while right - left > within:
        if at_a <= at_b:
            right, b, at_b = b, a, at_a
            a = right - ratio * (right - left)
            at_a = function(a)
        else:
            left, a, at_a = a, b, at_b
            b = left + ratio * (right - left)
            at_b = function(b)
    return (left + right) / 2


def least(value: Callable[[float], float], low: float, high: float) -> float | None:
    """Return where ``value`` is least in [low, high]: on a grid, then by golden sections; None if nowhere finite."""
    points = [low + (high - low) * i / _GRID for i in range(_GRID + 1)]
    values = [value(point) for point in points]
    best = min(range(len(points)), key=values.__getitem__)
    if values[best] == math.inf:
        return None
    left, right = points[max(best - 1, 0)], points[min(best + 1, _GRID)]
    middle = lowest(value, left, right, 1e-5)
    return min((points[best], middle), key=value)


def beside(value: Callable[[float], float], best: float, low: float, high: float) -> list[float]:
    """Return half and twice as much as ``best`` where these lie in [low, high] and have a finite value."""
    around = (best - math.log(2), best + math.log(2))
    return [at for at in around if low <= at <= high and value(at) < math.inf]
