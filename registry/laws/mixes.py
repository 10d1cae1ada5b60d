"""Mixes of training examples and params, what is found of them, and which of them a law knows nothing of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

from registry.law import predicted
from registry.laws.counting import FAR_TIMES, is_far
from registry.laws.predict import forecast
from registry.tuples import NamedTuple

if TYPE_CHECKING:
    from registry.law import Comparison
    from registry.laws.costing import Costing, Prices
    from registry.laws.predict import Forecast
    from registry.laws.sources import Source

FAR_OUT: Final = f"more than {FAR_TIMES} times outside the range"
VAGUE: Final = "outside the range whose 90 % interval reaches down to chance"

Change = tuple[Literal["n_train", "params"], float]


class Mix(NamedTuple):
    """Training examples and params with what they cost; ``edge``: the params are at an end of those looked at."""

    forecast: Forecast
    train_flops: float
    cost: float | None
    edge: bool

    @property
    def n_train(self) -> float:
        """Training examples."""
        return self.forecast.n_train

    @property
    def params(self) -> float:
        """Parameters."""
        return self.forecast.sizes["params"]


class Best(NamedTuple):
    """The cheapest mix for a target, or the best for a budget.

    Args:
        source: The law.
        target: The value of the metric; None for a budget.
        budget: Most train flops; None for a target.
        costing: How training was counted.
        mix: The answer.
        beside: The same with half and with twice the params, where these can be.
        extrapolated: Whether it was looked outside the range too.
        left_out: Which mixes outside the range were not looked at, as the law knows nothing of them.
    """

    source: Source
    target: float | None
    budget: float | None
    costing: Costing
    mix: Mix
    beside: tuple[Mix, ...]
    extrapolated: bool = False
    left_out: tuple[str, ...] = ()


class Changed(NamedTuple):
    """One change of a mix.

    Args:
        change: The variable and its factor.
        mix: What it leads to.
        ratio: The error then over that before, paired.
        extra: What it adds to the cost; None without prices.
    """

    change: Change
    mix: Mix
    ratio: Comparison
    extra: float | None


class Weighed(NamedTuple):
    """Changes of one mix, held against one another.

    Args:
        source: The law.
        costing: How training was counted.
        mix: The mix that is changed.
        changes: In the order given.
        winner: The change with the least error (with prices: the most log error saved per price), where the paired
            90 % interval leaves out that any other does as well; None: undecided.
        priced: Whether the verdict is per price.
    """

    source: Source
    costing: Costing
    mix: Mix
    changes: tuple[Changed, ...]
    winner: int | None
    priced: bool


def unknown(source: Source, x: tuple[float, float]) -> str | None:
    """Say why a mix outside the range is no answer: too far outside, or for all one knows as bad as guessing."""
    law = source.law
    if law.outside(x) == 0:
        return None
    if is_far(law, x):
        return FAR_OUT
    chance, error = source.chance or math.inf, predicted(law, x)
    return VAGUE if error.value * 2 < chance and error.high is not None and error.high >= chance else None


def mix_of(
    source: Source,
    count: Costing,
    prices: Prices | None,
    log_n: float,
    log_params: float,
    ends: tuple[float, float],
) -> Mix:
    """Return a mix with what it costs; ``ends`` are the logs of the ends of the params looked at."""
    x = (log_n, log_params)
    asked = {"params": math.exp(log_params)}
    found = forecast(source, x, predicted(source.law, x), asked)
    flops = count.train_flops(found.n_train, asked["params"])
    cost = None if prices is None else count.price(prices, found.n_train, asked["params"])
    low, high = ends
    return Mix(found, flops, cost, min(abs(log_params - low), abs(log_params - high)) < 1e-6)
