"""Mixes of training examples and params, what is found of them, and which of them a law knows nothing of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, final

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
_MARGIN: Final = 1e-9  # of a log error: what rounding may make of it

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


@final
class Unknown:
    """Says why a mix outside the range is no answer: too far outside, or for all one knows as bad as guessing.

    Draws are asked where they decide. The log error that each predicts falls by no more than its exponents a unit of
    each log, so their root mean square distance from the law changes by no more than the largest of these: what it is
    at one mix settles the mixes around it.

    Args:
        source: The law, in data and params.
    """

    def __init__(self, source: Source) -> None:
        self._law, self._chance = source.law, source.chance or math.inf
        self._steepest = source.law.steepest()
        self._known: list[tuple[tuple[float, float], float]] = []  # mixes, and the distance there

    def why(self, x: tuple[float, float]) -> str | None:
        """Return why a mix is no answer; None where it is one."""
        law = self._law
        if (outside := law.outside(x)) == 0:
            return None
        if is_far(law, x):
            return FAR_OUT
        log_error = law.log_error(x)
        if math.exp(law.capped(log_error)) * 2 >= self._chance or not law.n_draws or self._chance == math.inf:
            return None
        return VAGUE if self._reaches(x, log_error, outside) else None

    def _reaches(self, x: tuple[float, float], log_error: float, outside: float) -> bool:
        """Say whether the 90 % interval reaches down to chance."""
        known = self._law.calibration
        factor = known.factors[90]
        wide = (math.log(self._chance) - log_error) / factor if factor else math.inf
        rest = wide**2 - known.noise**2 - (known.drift * outside) ** 2
        least = math.sqrt(max(rest, 0.0))
        if rest <= 0 or least == math.inf:
            return rest <= 0
        for y, spread in self._known:
            moved = math.fsum([steep * abs(a - b) for steep, a, b in zip(self._steepest, x, y, strict=True)])
            if abs(spread - least) > moved + _MARGIN:
                return spread > least
        spread = math.sqrt(self._law.curve(x[1:]).spread(x[0]))
        self._known.append((x, spread))
        return spread >= least


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
