"""What a record says about its seeds: one plain-Python definition for the harness that writes and the rules that check.

"Meets the target" means that the median fresh run does, by the exact sign test (Conover 1999, section 3.4):
of ``n`` seeds at least ``c`` reach it, where ``c`` is the smallest count with P(Binomial(n, 1/2) >= c) <= level.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Final, Literal

from registry.errors import UsageError

LEVEL: Final = 0.05  # one-sided: every bound of a record is a 95 % bound
KNEE: Final = 1.1  # a knee's error may be this many times that of the widest networks


def sign_test_count(n: int, level: float = LEVEL) -> int:
    """Return how many of ``n`` seeds must meet a target for the median run to meet it.

    Args:
        n: Seeds, fixed in advance.
        level: One-sided error probability.

    Returns:
        The smallest ``c`` with P(Binomial(n, 1/2) >= c) <= ``level``: 5 of 5, 15 of 20, 40 of 64.

    Raises:
        UsageError: If ``n`` is so small that not even all of them are enough.
    """
    tail, count = 1, n  # tail: ways of at least `count` heads in n tosses
    if n < 1 or tail / 2**n > level:
        least = math.ceil(-math.log2(level))
        raise UsageError(f"a sign test at level {level:g} needs at least {least} seeds, got {n}")
    while (tail + math.comb(n, count - 1)) / 2**n <= level:
        count -= 1
        tail += math.comb(n, count)
    return count


LOOKS: Final = (5, 20, 64)  # fresh seeds of a certification, so many after each look
HOPELESS: Final = {5: 1, 20: 12}  # so few of the first 5, of 20, meeting the target end it


def spent_level(attempt: int) -> float:
    """Return the error probability that the ``attempt``-th certification for a target (from 1) may spend.

    They fall as 1 / attempt ** 2 and sum to 5 % over any number of attempts.
    """
    return LEVEL * 6 / (math.pi * attempt) ** 2


@cache
def sequential_counts(attempt: int) -> Mapping[int, int]:
    """Return how many fresh seeds must meet the target for a claim at each look that can end in one.

    A certification looks after 5, 20 and 64 seeds. At 5 it can only end as hopeless. At 20 it claims if the sign test
    does at :func:`spent_level`; at 64 if the chance of a claim at either look, for a shape whose runs meet the target
    half the time, stays within that level. Ending early as hopeless only makes claims rarer.

    Returns:
        The least count by number of seeds; a look at which not even all seeds would do is missing.

    Source:
        The level is spent over looks as in Lan & DeMets 1983, Biometrika 70; over attempts by Bonferroni's inequality.
    """
    level = spent_level(attempt)
    _, few, many = LOOKS
    counts: dict[int, int] = {}
    spent = 0.0
    if 2.0**-few <= level:
        counts[few] = sign_test_count(few, level)
        spent = sum(math.comb(few, k) for k in range(counts[few], few + 1)) / 2**few
    stops = counts.get(few, few + 1)
    more = many - few
    tails = [sum(math.comb(more, k) for k in range(max(0, least), more + 1)) / 2**more for least in range(more + 2)]
    for count in range(many // 2, many + 1):  # runs that went on after the first look, and reach `count` in the end
        crossing = sum(
            math.comb(few, k) / 2**few * (tails[count - k] if 0 <= count - k <= more else float(count - k <= 0))
            for k in range(stops)
        )
        if spent + crossing <= level:
            counts[many] = count
            break
    return MappingProxyType(counts)


def decide(n_meeting: int, n_seeds: int, attempt: int) -> Literal["claim", "fail", "go on"]:
    """Say what a certification makes of its seeds at one look.

    Args:
        n_meeting: Seeds that meet the target, of all so far.
        n_seeds: Seeds so far: 5, 20 or 64.
        attempt: Which certification for this target it is, from 1.
    """
    needed = sequential_counts(attempt).get(n_seeds)
    if needed is not None and n_meeting >= needed:
        return "claim"
    if n_seeds == LOOKS[-1] or n_meeting <= HOPELESS[n_seeds]:
        return "fail"
    return "go on"


def median_bounds(values: Sequence[float]) -> tuple[float, float]:
    """Return the one-sided 95 % lower and upper bound of the median run.

    With ``c = sign_test_count(n)`` these are the c-th largest and the c-th smallest value, so ``low >= target``
    exactly when at least ``c`` values are at or above the target.

    Raises:
        UsageError: If there are fewer than 5 values.
    """
    count = sign_test_count(len(values))
    ordered = sorted(values)
    return ordered[-count], ordered[count - 1]


def clopper_pearson_low(k: int, n: int, level: float = LEVEL) -> float:
    """Return the one-sided Clopper-Pearson lower bound of a share of which ``k`` of ``n`` were seen.

    The p with P(Binomial(n, p) >= k) = ``level``, by bisection; 0 where ``k`` is 0.

    Source:
        Clopper & Pearson 1934, Biometrika 26.
    """
    if not 0 <= k <= n or n < 1:
        raise ValueError(f"0 <= k <= n and n >= 1 are needed, got k={k}, n={n}")
    if k == 0:
        return 0.0
    low, high = 0.0, 1.0
    while low < (middle := (low + high) / 2) < high:  # until two neighbouring doubles are left
        if _upper_tail(k, n, middle) < level:
            low = middle
        else:
            high = middle
    return high


def best_of_3(test_values: Sequence[float], val_errors: Sequence[float | None]) -> float:
    """Return the mean test metric of the best by validation of three runs, over all triples of these runs.

    Args:
        test_values: Test metric of each run.
        val_errors: Validation error of each run, in the same order; None where it diverged. Of equal ones the
            earlier run counts as better.

    Raises:
        UsageError: If there are fewer than 3 runs.
    """
    n = len(test_values)
    if n != len(val_errors):
        raise ValueError(f"one validation error per run is needed, got {len(val_errors)} for {n}")
    if n < 3:
        raise UsageError(f"best of 3 needs at least 3 seeds, got {n}")
    ranked = sorted(range(n), key=lambda run: (math.inf if (error := val_errors[run]) is None else error, run))
    # The run of rank r is the best of every triple whose other two rank below it.
    total = math.fsum(math.comb(n - 1 - rank, 2) * test_values[run] for rank, run in enumerate(ranked))
    return total / math.comb(n, 3)


def summarise(values: Sequence[float], target: float | None, direction: Literal["higher", "lower"]) -> dict[str, Any]:
    """Return what a record's ``test`` group says of the test metric over seeds.

    Args:
        values: Test metric of each seed, diverged ones included at their worst value.
        target: In the metric's unit; None where the result stands beside no target, then ``reach`` is None.
        direction: Which way is better.

    Returns:
        ``median``, ``mean``, ``low``, ``high``, ``sd``, ``n_seeds``, ``reach``. What needs more than the values
        (``n_diverged``, ``best_of_3``, ``outcomes``) is the caller's to add.

    Raises:
        UsageError: If there are fewer than 5 values.
    """
    low, high = median_bounds(values)
    return {
        "median": statistics.median(values),
        "mean": statistics.fmean(values),
        "low": low,
        "high": high,
        "sd": statistics.stdev(values),
        "n_seeds": len(values),
        "reach": None if target is None else _reach(values, target, direction),
    }


def meets(value: float, target: float, direction: Literal["higher", "lower"]) -> bool:
    """Say whether ``value`` is at or beyond ``target`` in the better direction."""
    return value >= target if direction == "higher" else value <= target


def knee_limit(median: float, direction: Literal["higher", "lower"], n_items: int | None) -> float:
    """Return the worst value of a metric that is within 1.1 x the error of ``median``: what a knee is held to.

    Where the error is the share of items that are wrong, k of n count as (k + 0.5) / (n + 1): none wrong of 58 do not
    show that the error is 0. Of fewer than 5 wrong the limit then allows no more, of 0 none.

    Args:
        median: Metric of the median run of the reference that stands for the widest networks.
        direction: Which way is better.
        n_items: Items of the split, where the error is a share of them; None for any other metric.
    """
    error = 1 - median if direction == "higher" else median
    if n_items is not None:
        error = (round(error * n_items, 6) + 0.5) / (n_items + 1)
    error *= KNEE
    return round(1 - error if direction == "higher" else error, 12)


def _reach(values: Sequence[float], target: float, direction: Literal["higher", "lower"]) -> dict[str, float]:
    k, n = sum(meets(value, target, direction) for value in values), len(values)
    return {"value": k / n, "low": clopper_pearson_low(k, n)}


def _upper_tail(k: int, n: int, p: float) -> float:
    """P(Binomial(n, p) >= k) for 0 < p < 1, in logarithms: no term underflows before it counts."""
    inside, outside = math.log(p), math.log1p(-p)
    choices = math.lgamma(n + 1)
    return math.fsum(
        math.exp(choices - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * inside + (n - i) * outside)
        for i in range(k, n + 1)
    )
