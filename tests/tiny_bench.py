"""`guides` with runs so short that a whole bench takes seconds: its tests call this as a program, or its `shorten`."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any, Protocol

from harness import smallest, space, study
from harness.fit import fit_power_law
from harness.tuning import settle
from registry import cli

WINE = ("bench", "--task", "tabular-cls", "--dataset", "wine", "--family", "mlp", "--executor", "inline")
WINE += ("--search", "bisect")  # the fastest to propose


class SetAttribute(Protocol):
    def __call__(self, target: Any, name: str, value: Any) -> None: ...


def shorten(set_attribute: SetAttribute = setattr) -> None:
    """Make steps, rates and attempts few; nothing else is changed."""
    set_attribute(study, "settle", partial(settle, first_steps=40, most_steps=80))
    set_attribute(space, "FEWEST_STEPS", 40)
    set_attribute(space, "MOST_STEPS", 80)
    set_attribute(space, "EPOCHS", 1)
    set_attribute(space, "RATES", space.RATES[5:8])
    set_attribute(smallest, "MOST_ATTEMPTS", 3)
    set_attribute(study, "fit_power_law", partial(fit_power_law, n_draws=10))


if __name__ == "__main__":
    shorten()
    cli.main(sys.argv[1:])
