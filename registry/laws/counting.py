"""Write down numbers of examples no more exactly than a law knows them, and none that lies far outside its range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from registry.laws.forms import Logs
    from registry.laws.stored import Law

FAR_TIMES: Final = 100  # assumption: so many times outside what was measured a law says nothing in particular
FAR: Final = math.log(FAR_TIMES)


def is_far(law: Law, x: Logs) -> bool:
    """Say whether any variable lies more than 100 times outside the range the law was fitted on."""
    return any(max(low - value, value - high) > FAR + 1e-9 for value, (low, high) in zip(x, law.ranges, strict=True))


def count(value: float) -> str:
    """Return a number of examples, rounded up, to 3 figures: a law knows no more."""
    if value >= 1e12:
        return f"{value:.2e}"
    value *= 1 - 1e-9  # 10,000 that came out of a logarithm is not 10,100
    unit = 10 ** max(len(str(int(value))) - 3, 0)
    return f"{-(-value // unit) * unit:,.0f}"


def is_far_data(law: Law, log_n: float) -> bool:
    """Say whether so many examples lie more than 100 times beyond the most that the law was fitted on."""
    return log_n > law.ranges[0][1] + FAR + 1e-9


def most(law: Law) -> str:
    """Return ``more than 100,000``: 100 times the most examples that the law was fitted on."""
    return f"more than {count(math.exp(law.ranges[0][1]) * FAR_TIMES)}"


def about(law: Law, log_n: float) -> str:
    """Return ``about 2,840``; where that lies far outside the range ``more than 100,000``."""
    return most(law) if is_far_data(law, log_n) else f"about {count(math.exp(log_n))}"
