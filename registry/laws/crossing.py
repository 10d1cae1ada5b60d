"""Find where a function of one number crosses 0, in as few evaluations as it takes."""

from __future__ import annotations

import math
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Point = tuple[float, float]  # where, and the value there

_EXACT: Final = 1e-12  # so near 0 ends the search
_ROUNDING: Final = 4e-15  # what is above 0 by no more, at most units in the last place of a log, is not above it
_SAME: Final = 1e-14  # values that differ by this share differ by rounding: the one found first is kept
_GOLDEN: Final = (3 - math.sqrt(5)) / 2
_GRID: Final = 32  # parts between two ends, whose ends are tried before the best is refined
_COARSE: Final = 4  # so many parts at once are left out where none can be better
_MOST_STEPS: Final = 100
_CLOSE: Final = 1e-10  # the same where each evaluation costs one of every draw


def falls_to(above: Callable[[float], float], low: float, high: float, between: tuple[float, float]) -> float | None:
    """Return where a falling function crosses 0 in [low, high]: ``low`` if it is below there, None if above at high.

    Args:
        above: The function.
        low: Where to begin.
        high: Where to end.
        between: Two points in [low, high] that the crossing is expected to lie between, the lesser first.
    """
    left, right = between
    at_left, at_right, step = above(left), above(right), right - left
    while at_left <= _ROUNDING:
        if left <= low:
            return low
        left, right, at_right, step = max(left - step, low), left, at_left, 2 * step
        at_left = above(left)
    while at_right > _ROUNDING:
        if right >= high:
            return None
        left, at_left, right, step = right, at_right, min(right + step, high), 2 * step
        at_right = above(right)
    return right if at_right >= -_ROUNDING else _root(above, left, at_left, right, at_right, _EXACT)


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
    before = left, at_left = start, at_start
    step = _stride(at_start, slope)
    while left < most:
        right = min(left + step, most)
        at_right = above(right)
        if at_right <= 0:
            return _root(above, left, at_left, right, at_right, _CLOSE)
        if at_right >= at_left:  # it turned between here and the point before last
            # Near its lowest point a smooth function is flat.
            bottom, at_bottom = lowest(above, before, (left, at_left), (right, at_right), 0.02)
            return None if at_bottom > 0 else _root(above, *before, bottom, at_bottom, _CLOSE)
        before, left, at_left, step = (left, at_left), right, at_right, 1.5 * step
    return None


def _stride(value: float, slope: float) -> float:
    """Return how far off a crossing is expected, and a bit: not so far that it could be jumped over and missed."""
    return min(max(1.2 * abs(value) / slope, 1e-6), 2.0) if slope > 0 else 0.5


def _root(
    above: Callable[[float], float], left: float, at_left: float, right: float, at_right: float, close: float
) -> float:
    """Return where ``above`` crosses 0 between a point above it and one at or below it.

    By inverse interpolation through both ends and the one given up last, halving where that does not get on: what
    Brent's method does.
    """
    spare, at_spare = left, at_left
    slow = 0  # steps on end that did not halve the least value so far
    least = math.inf
    for _ in range(200):
        if right - left <= 1e-13 * (1 + abs(right)):
            break
        middle = _interpolated(left, at_left, right, at_right, spare, at_spare)
        if slow > 1 or not left < middle < right:
            middle, slow = (left + right) / 2, 0
        value = above(middle)
        if abs(value) < close:
            return middle
        slow = slow + 1 if abs(value) > least / 2 else 0
        least = min(least, abs(value))
        if value > 0:
            spare, at_spare, left, at_left = left, at_left, middle, value
        else:
            spare, at_spare, right, at_right = right, at_right, middle, value
    return right


def _interpolated(a: float, at_a: float, b: float, at_b: float, c: float, at_c: float) -> float:
    """Return where a parabola in the value, through three points, is 0; a line through the first two if no other."""
    if at_a == at_b:
        return math.nan
    line = (a * at_b - b * at_a) / (at_b - at_a)
    if at_c in (at_a, at_b):
        return line
    across = (a * at_c - c * at_a) / (at_c - at_a)
    return (line * at_c - across * at_b) / (at_c - at_b)


def lowest(function: Callable[[float], float], left: Point, inner: Point, right: Point, within: float) -> Point:
    """Return where a function that falls, then rises, is lowest, to ``within``: the best of the points tried.

    By parabolas through the three best points, else golden sections, as in Brent's method for minima.

    Args:
        function: The function; it may be infinite.
        left: Where to begin, and the value there.
        inner: A point inside, or one of the ends where none is known.
        right: Where to end.
        within: How near.

    Source:
        Brent 1973, Algorithms for Minimization without Derivatives, chapter 5.
    """
    low, high = left[0], right[0]
    best, second, third = sorted((left, inner, right), key=itemgetter(1))
    last = before = high - low  # steps; a parabola is trusted while its steps shrink
    for _ in range(_MOST_STEPS):
        x = best[0]
        longer = low - x if x - low > high - x else high - x
        if abs(longer) <= within:
            break
        step = within if x in (low, high) else _vertex(best, second, third)
        if not (low < x + step < high and abs(step) < abs(before) / 2):
            last, step = longer, _GOLDEN * longer
        if abs(step) <= within / 2:  # no nearer: it could not be told from the best
            step = math.copysign(within / 2, longer)
        before, last = last, step
        point = (x + step, function(x + step))
        if point[1] < best[1] - _SAME * abs(best[1]):
            low, high = (x, high) if step > 0 else (low, x)
            best, second, third = point, best, second
        else:
            low, high = (low, point[0]) if step > 0 else (point[0], high)
            second, third = (point, second) if point[1] <= second[1] else (second, point)
    return best


def _vertex(a: Point, b: Point, c: Point) -> float:
    """Return how far from the first the parabola through three points turns; NaN where it does not."""
    if math.inf in (a[1], b[1], c[1]):
        return math.nan
    to_b, to_c = b[0] - a[0], c[0] - a[0]
    up, down = to_b * (c[1] - a[1]), to_c * (b[1] - a[1])
    return (to_c * down - to_b * up) / (2 * (down - up)) if down != up else math.nan


def least(
    value: Callable[[float], float],
    low: float,
    high: float,
    bound: Callable[[float, float], float] | None = None,
) -> float | None:
    """Return where ``value`` is least in [low, high]: on a grid, then beside its best; None if nowhere finite.

    Args:
        value: The function; it may be infinite.
        low: Where to begin.
        high: Where to end.
        bound: A number that ``value`` is nowhere below between two points, which spares looking there.
    """
    points = [low + (high - low) * i / _GRID for i in range(_GRID + 1)]
    found = {i: value(points[i]) for i in range(0, _GRID + 1, _COARSE)}
    for i in range(0, _GRID, _COARSE):
        if bound is None or bound(points[i], points[i + _COARSE]) < min(found.values()):
            found |= {inner: value(points[inner]) for inner in range(i + 1, i + _COARSE)}
    best = min(sorted(found), key=found.__getitem__)
    if found[best] == math.inf:
        return None
    around = (max(best - 1, 0), best, min(best + 1, _GRID))
    left, inner, right = ((points[i], found[i] if i in found else value(points[i])) for i in around)
    return lowest(value, left, inner, right, 1e-5)[0]


def beside(value: Callable[[float], float], best: float, low: float, high: float) -> list[float]:
    """Return half and twice as much as ``best`` where these lie in [low, high] and have a finite value."""
    around = (best - math.log(2), best + math.log(2))
    return [at for at in around if low <= at <= high and value(at) < math.inf]
