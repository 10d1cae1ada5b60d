"""`guides` with runs so short that a whole bench takes seconds: its tests call this as a program, or its `shorten`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from copy import deepcopy
from functools import cache, partial
from typing import Any, Protocol

from harness import smallest, space, study_law
from harness.baselines import trees
from harness.fit import GridCell, fit_curve, fit_surface
from harness.laws import surface_members
from harness.laws.surface_forms import SIZE_FORMS
from registry import cli

WINE = ("bench", "--task", "tabular-cls", "--dataset", "wine", "--family", "mlp", "--executor", "inline")
WINE += ("--search", "bisect")  # the fastest to propose


class SetAttribute(Protocol):
    def __call__(self, target: Any, name: str, value: Any) -> None: ...


def small_law(
    set_attribute: SetAttribute, *, first_steps: int = 1000, most_steps: int = 8000, n_draws: int = 4
) -> None:
    """Make a study's grid small, its bootstrap short, and the forms of its law two."""
    set_attribute(surface_members, "SIZE_FORMS", [form for form in SIZE_FORMS if form.name in ("additive", "product")])
    set_attribute(study_law, "SIZES", 4)
    set_attribute(study_law, "WIDTHS", (1.0, 2.0, 4.0))
    set_attribute(study_law, "FIRST_STEPS", first_steps)
    set_attribute(study_law, "MOST_STEPS", most_steps)
    set_attribute(study_law, "fit_surface", partial(_fitted_once, n_draws=n_draws))
    set_attribute(study_law, "fit_curve", partial(fit_curve, n_draws=n_draws))


def _fitted_once(cells: Sequence[GridCell], **options: Any) -> dict[str, Any]:
    """Fit a surface, or say again what came of it: many studies end in the same cells."""
    return deepcopy(_fitted(tuple(cells), **options))


@cache
def _fitted(cells: tuple[GridCell, ...], **options: Any) -> dict[str, Any]:
    return fit_surface(cells, **options)


def shorten(set_attribute: SetAttribute = setattr) -> None:
    """Make steps, rates, attempts and rounds of boosting few; nothing else is changed."""
    set_attribute(trees, "ROUNDS", 5)
    set_attribute(space, "FEWEST_STEPS", 40)
    set_attribute(space, "MOST_STEPS", 80)
    set_attribute(space, "EPOCHS", 1)
    set_attribute(space, "RATES", space.RATES[5:8])
    set_attribute(smallest, "MOST_ATTEMPTS", 3)
    small_law(set_attribute, first_steps=40, most_steps=80, n_draws=10)


if __name__ == "__main__":
    shorten()
    cli.main(sys.argv[1:])
