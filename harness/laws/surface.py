"""Fit a surface: the error as a function of n_train and size, averaged over the forms that predict the dear cells best.

Every form is fitted to the inner cells and asked for the outer ones: those with the largest value of any variable, and
those with the one or two largest of each. Members are averaged, in log error, by how well they answered and how few
parameters they needed. To calibrate intervals they are asked as well for the dearest 15, 25 and 40 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float64

from harness.laws import regions
from harness.laws.surface_cells import GridCell, Table, point, table
from harness.laws.surface_forms import SurfaceForm
from harness.laws.surface_interval import calibrate, draw, draw_freely
from harness.laws.surface_members import (
    BackTest,
    Member,
    back_test,
    candidates,
    dear_folds,
    fit_member,
    outer_folds,
    score,
    weigh,
    weigh_blindly,
)
from registry.laws.stored import Z

MOST_DRAWS: Final = 200
NOTHING: Final = 1e-3  # a floor below this share of the smallest error is none
ENDLESS: Final = 400.0  # log of so much that only floors are left


def _range(values: Sequence[int | float]) -> list[int | float]:
    """Return least and largest, whole numbers as such."""
    return [int(end) if float(end).is_integer() else float(end) for end in (min(values), max(values))]


def _place(cell: GridCell) -> tuple[int | float, ...]:
    """Order cells as a record does."""
    return (cell.n_train, *(value or 0 for value in (cell.width, cell.depth, cell.resolution, cell.params)))


def fit_surface(
    cells: Sequence[GridCell],
    *,
    variables: Sequence[str] = ("n_train", "params"),
    chance: float | None = None,
    n_val: int | None = None,
    seed: int = 0,
    n_draws: int = MOST_DRAWS,
) -> dict[str, Any]:
    """Fit the error as a function of ``variables``.

    Args:
        cells: At least 7, over at least 3 values of each variable. They need not be a full grid.
        variables: (n_train, params), (n_train, width) or (n_train, width, depth); a depth that never varies is dropped.
        chance: Error of guessing, in the task's error form: the forms that saturate need it. None: they are left out.
        n_val: Number of validation examples of cells that do not say theirs, where a cell may have no error at all.
        seed: Seed of the resampling.
        n_draws: How many refits to resampled cells and seeds are kept, at most 200. 0: every interval is open.

    Returns:
        A law as records hold it, without ``shape`` and ``examples_seen_rule``. Its ``backtest_error`` is that of the
        outer cells, of which neither the members nor their weights in it have seen any. ``members`` beside it gives
        the back-test error and the weight of each form that was tried, by name, and is no part of a record.

    Raises:
        InvalidData: If the cells cannot carry a surface; see :func:`harness.laws.surface_cells.table`.
        UsageError: If the variables are none of a surface.
    """
    data = table(cells, variables, n_val=n_val)
    n_read = data.fewest_items()
    level = chance if chance is not None else float("inf")
    tested = _test(data, candidates(data, chance), level)
    forms, tests, weights = tested.forms, tested.tests, tested.weights
    members = [fit_member(form, data, level) for form in forms]
    rng = np.random.default_rng(seed)
    draws = draw(members, weights, data, level, min(n_draws, MOST_DRAWS), rng)
    free = draw_freely(data, level, rng)
    if n_draws:
        tests += [back_test(data, forms, level, *fold) for fold in dear_folds(data)]
    law: dict[str, Any] = {
        "variables": list(data.variables),
        **_written(members, weights, draws, level),
        "interval": calibrate(data, tests, members, weights, level, rng) if n_draws else None,
        "valid_range": {name: _range([getattr(cell, name) for cell in data.cells]) for name in data.variables},
        "points": [point(cell) for cell in sorted(cells, key=_place)],
        "backtest_error": tested.error,
        "width_floor": _floor(members, draws, free, data, level, n_read, at_largest_n=True),
        "irreducible_error": _floor(members, draws, free, data, level, n_read, at_largest_n=False),
        "chance": chance,
        "members": tested.summary,
    }
    return {**law, "regions": regions.locate(law)}


class _Tested(NamedTuple):
    """The forms that back-tests chose: with their tests and weights, and what came of all that were tried.

    ``error`` is that of the outer cells, of which neither the forms nor their weights in it have seen any.
    """

    forms: list[SurfaceForm]
    tests: list[BackTest]
    weights: Float64[np.ndarray, " forms"]
    error: float
    summary: dict[str, dict[str, float]]


def _test(data: Table, forms: list[SurfaceForm], level: float) -> _Tested:
    tests = [back_test(data, forms, level, *fold) for fold in outer_folds(data)]
    scores = score(tests)
    weights = weigh(scores, [form.n_parameters for form in forms])
    summary = {
        form.name: {"backtest_error": float(value), "weight": float(weight)}
        for form, value, weight in zip(forms, scores, weights, strict=True)
    }
    blind = weigh_blindly(data, forms, level, tests[0])
    error = float(np.mean(np.abs(blind @ tests[0].residual)))
    chosen = np.flatnonzero(weights)
    tests = [test._replace(members=[test.members[i] for i in chosen], residual=test.residual[chosen]) for test in tests]
    return _Tested([forms[i] for i in chosen], tests, weights[chosen], error, summary)


def _written(
    members: Sequence[Member],
    weights: Float64[np.ndarray, " members"],
    draws: Sequence[Float64[np.ndarray, " _ _"]],
    level: float,
) -> dict[str, Any]:
    """Return members and draws as a law holds them."""
    parameters = [member.form.parameters(member.theta[np.newaxis], member.centre, level)[0] for member in members]
    return {
        "forms": [
            {
                "form": member.form.written_as,
                "weight": float(weight),
                "parameters": dict(zip(member.form.keys, values.tolist(), strict=True)),
            }
            for member, weight, values in zip(members, weights, parameters, strict=True)
        ],
        "draws": [
            [k, *row.tolist()]
            for k, (member, thetas) in enumerate(zip(members, draws, strict=True))
            for row in member.form.parameters(thetas, member.centre, level)
        ],
    }


def _floor(
    members: Sequence[Member],
    draws: Sequence[Float64[np.ndarray, " _ _"]],
    free: tuple[Member, Float64[np.ndarray, " _ _"]],
    data: Table,
    chance: float,
    n_read: int | None,
    *,
    at_largest_n: bool,
) -> dict[str, float | None]:
    """Return the limit of the error as size (and n_train) grow without end, with its 5 % and 95 % points or None.

    The value is the median of fits without beliefs about floors (``free``), and the interval reaches over these and the
    draws of the members: what members believe of floors serves extrapolation, and is no evidence that there is none.
    All cells read the same ``n_read`` examples, so what these leave open is open in every one of them.
    """
    logs = np.full((len(data.variables), 1), ENDLESS)
    if at_largest_n:
        logs[0] = data.logs[0].max()
    with np.errstate(divide="ignore", under="ignore"):
        drawn = [
            np.exp(member.form.log_error(thetas, logs - member.centre[:, np.newaxis], chance)[:, 0])
            for member, thetas in (*zip(members, draws, strict=True), free)
        ]
    smallest = float(np.exp(data.log_error.min()))
    if not sum(map(len, draws)):
        return {"value": float(np.median(drawn[-1])), "low": None, "high": None}
    values = np.array([np.percentile(ends, (5, 50, 95)) for ends in (np.concatenate(drawn[: len(members)]), drawn[-1])])
    common = Z[90] * math.sqrt(smallest * max(0.0, 1 - smallest) / n_read) if n_read else 0.0
    low, high = float(values[:, 0].min()) - common, float(values[:, 2].max()) + common
    return {
        "value": float(values[1, 1]) if values[1, 1] > NOTHING * smallest else 0.0,
        "low": low if low > 1e-3 * smallest else None,
        "high": high if high < smallest else None,
    }
