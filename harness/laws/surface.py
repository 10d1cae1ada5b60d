"""Fit a surface: the error as a function of n_train and size, averaged over the forms that predict the dear cells best.

Every form is fitted to the inner cells and asked for the outer ones: those with the largest value of any variable, and
those with the one or two largest of each. Members are averaged, in log error, by how well they answered and how few
parameters they needed. To calibrate intervals they are asked as well for the dearest 15, 25 and 40 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from harness.laws.surface_cells import GridCell, Table, point, table
from harness.laws.surface_fit import Problem, solve
from harness.laws.surface_forms import SHAPE_FORMS, SIZE_FORMS, SurfaceForm
from registry.errors import InvalidData

# assumption: no error is known better than this, relative, whatever the fit's own residuals say
LEAST_MISFIT: Final = 0.003
FIRST_MISFIT: Final = 0.02
DEAR_POWER: Final = 0.5  # a cell's weight is its cost to this power
JITTER: Final = 0.4  # of theta, where a refit starts beside the fit it repeats
HELD_OUT_SHARES: Final = (0.15, 0.25, 0.4)
WEIGHT_POWER: Final = 6.0  # weight = back-test error ** -power ...
PARSIMONY: Final = 0.2  # of the log of a back-test error, for each parameter
WORST_RATIO: Final = 2.0  # ... of members up to this multiple of the best one's
FEWEST_TRAINED: Final = 5
EXPONENT_DOUBT: Final = 0.1  # assumption: outside the range the log-log slope is never known better than this share
MOST_DRAWS: Final = 200
BACKTEST_DRAWS: Final = 40
ENDLESS: Final = 400.0  # log of so much that only floors are left
Z80, Z90 = 1.2815515655446004, 1.6448536269514722


def _range(values: Sequence[float]) -> list[float]:
    """Return least and largest, whole numbers as such."""
    return [int(end) if float(end).is_integer() else float(end) for end in (min(values), max(values))]


def _place(cell: GridCell) -> tuple[float, ...]:
    """Order cells as a record does."""
    return (cell.n_train, *(value or 0 for value in (cell.width, cell.depth, cell.resolution, cell.params)))


class Member(NamedTuple):
    """A form fitted to a table: ``theta`` about ``centre``, with the noise it was fitted by."""

    form: SurfaceForm
    theta: Float64[np.ndarray, " k"]
    centre: Float64[np.ndarray, " variables"]
    noise: Float64[np.ndarray, " cells"]
    misfit: float

    def log_error(
        self, logs: Float64[np.ndarray, " variables points"], chance: float
    ) -> Float64[np.ndarray, " points"]:
        """Evaluate at logs of the variables."""
        return np.asarray(self.form.log_error(self.theta[np.newaxis], logs - self.centre[:, np.newaxis], chance)[0])


class BackTest(NamedTuple):
    """What each form, fitted to ``train``, says of the cells ``held``."""

    train: Int64[np.ndarray, " train"]
    held: Int64[np.ndarray, " held"]
    members: list[Member]
    residual: Float64[np.ndarray, " forms held"]


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
        n_val: Number of validation examples, where a cell may have no error at all.
        seed: Seed of the resampling.
        n_draws: How many refits to resampled cells and seeds are kept, at most 200. 0: every interval is open.

    Returns:
        A law as records hold it, without ``shape`` and ``examples_seen_rule``; ``members`` beside it gives the
        back-test error and the weight of each form that was tried, by name, and is no part of a record.

    Raises:
        InvalidData: If the cells cannot carry a surface; see :func:`harness.laws.surface_cells.table`.
        UsageError: If the variables are none of a surface.
    """
    data = table(cells, variables, n_val=n_val)
    level = chance if chance is not None else float("inf")
    forms = candidates(data, chance)
    folds, dear_folds = outer_folds(data), _dear_folds(data)
    tests = [back_test(data, forms, level, *fold) for fold in folds]
    scores = score(tests)
    weights = weigh(scores, [form.n_parameters for form in forms])
    summary = {
        form.name: {"backtest_error": float(value), "weight": float(weight)}
        for form, value, weight in zip(forms, scores, weights, strict=True)
    }
    chosen = np.flatnonzero(weights)
    forms, weights = [forms[i] for i in chosen], weights[chosen]
    tests = [test._replace(members=[test.members[i] for i in chosen], residual=test.residual[chosen]) for test in tests]
    members = [fit_member(form, data, level) for form in forms]
    rng = np.random.default_rng(seed)
    draws = _draws(members, weights, data, level, min(n_draws, MOST_DRAWS), rng)
    backtest_error = float(np.mean(np.abs(weights @ tests[0].residual)))
    if n_draws:
        tests += [back_test(data, forms, level, *fold) for fold in dear_folds]
    written = [member.form.parameters(member.theta[np.newaxis], member.centre, level)[0] for member in members]
    return {
        "variables": list(data.variables),
        "forms": [
            {
                "form": form.written_as,
                "weight": float(weight),
                "parameters": dict(zip(form.keys, values.tolist(), strict=True)),
            }
            for form, weight, values in zip(forms, weights, written, strict=True)
        ],
        "draws": [
            [k, *row.tolist()]
            for k, (member, thetas) in enumerate(zip(members, draws, strict=True))
            for row in member.form.parameters(thetas, member.centre, level)
        ],
        "interval": _interval(data, tests, members, weights, level, rng) if n_draws else None,
        "valid_range": {name: _range([getattr(cell, name) for cell in data.cells]) for name in data.variables},
        "points": [point(cell) for cell in sorted(cells, key=_place)],
        "backtest_error": backtest_error,
        "width_floor": _floor(members, weights, draws, data, level, at_largest_n=True),
        "irreducible_error": _floor(members, weights, draws, data, level, at_largest_n=False),
        "regions": {"small_data_end": None, "irreducible_start": None},
        "chance": chance,
        "members": summary,
    }


def candidates(data: Table, chance: float | None) -> list[SurfaceForm]:
    """Return the forms that these cells can carry.

    Each has two cells more than parameters, and a chance where it needs one. A loss (chance above 1, or an error above
    1 where no chance is given) never gets below its entropy: forms without a floor are for errors that are fractions.
    """
    every = SIZE_FORMS if len(data.variables) == 2 else SHAPE_FORMS
    spare = len(data.log_error) - 2
    is_loss = (chance if chance is not None else float(np.exp(data.log_error.max()))) > 1
    return [
        form
        for form in every
        if form.n_parameters <= spare and (chance is not None or form.link == "none") and (form.floor or not is_loss)
    ]


def fit_member(form: SurfaceForm, data: Table, chance: float) -> Member:
    """Fit one form, twice: the first fit's residuals say how far the form misses beyond the noise of seeds."""
    centre = data.logs.mean(axis=1)
    x, target = data.logs - centre[:, np.newaxis], data.log_error[np.newaxis]
    noise = np.sqrt(data.noise**2 + FIRST_MISFIT**2)
    problem = Problem(x, target, noise, recent(data)[np.newaxis], chance)
    theta, _ = solve(form, problem)
    residual = form.log_error(theta, x, chance)[0] - data.log_error
    spare = max(len(residual) - form.n_parameters, 1)
    spread = 1.4826 * float(np.median(np.abs(residual))) * np.sqrt(len(residual) / spare)
    misfit = float(np.sqrt(max(spread**2 - np.mean(data.noise**2), LEAST_MISFIT**2)))
    noise = np.sqrt(data.noise**2 + misfit**2)
    theta, _ = solve(form, problem._replace(noise=noise), warm=theta + JITTER * _unit(theta.shape[1]))
    return Member(form, theta[0], centre, noise, misfit)


def recent(data: Table) -> Float64[np.ndarray, " cells"]:
    """Return the weight of each cell in a fit, 1 on average: dear cells are nearer to what the law is asked."""
    weight = (data.cost / data.cost.max()) ** DEAR_POWER
    return np.asarray(weight / weight.mean())


def _unit(k: int) -> Float64[np.ndarray, " 3 k"]:
    """Return the same three small moves every time, the first of them none."""
    moves = np.random.default_rng(0).normal(size=(3, k))
    moves[0] = 0
    return moves


def back_test(
    data: Table,
    forms: Sequence[SurfaceForm],
    chance: float,
    train: Int64[np.ndarray, " train"],
    held: Int64[np.ndarray, " held"],
) -> BackTest:
    """Fit every form to the cells ``train`` and compare it with those left out."""
    members = [fit_member(form, data.part(train), chance) for form in forms]
    said = np.stack([member.log_error(data.logs[:, held], chance) for member in members])
    return BackTest(train, held, members, said - data.log_error[held])


def score(tests: Sequence[BackTest]) -> Float64[np.ndarray, " forms"]:
    """Return each form's back-test error: the root mean square in log error, every test counting alike."""
    return np.asarray(np.sqrt(np.mean([np.mean(test.residual**2, axis=1) for test in tests], axis=0)))


def weigh(scores: Float64[np.ndarray, " forms"], n_parameters: Sequence[int]) -> Float64[np.ndarray, " forms"]:
    """Return the weight of each form in the average; 0 for those twice as far off as the best, or farther.

    A parameter more has to earn its place: it counts as a back-test error larger by a fifth.
    """
    scores = np.maximum(scores, 1e-4) * np.exp(PARSIMONY * (np.array(n_parameters) - min(n_parameters)))
    weights = np.where(scores <= WORST_RATIO * scores.min(), scores**-WEIGHT_POWER, 0.0)
    return np.asarray(weights / weights.sum())


Fold = tuple[Int64[np.ndarray, " _"], Int64[np.ndarray, " _"]]


def outer_folds(data: Table) -> list[Fold]:
    """Return pairs (inner cells, outer cells): outer in any variable first, then in each by one value and by two.

    Where a variable has 8 values or more, its largest quarter and its largest two fifths stand for one and two values.
    measured: docs/log.md; these tests chose better members than those that hold out the dearest cells, on parts of
    published grids and on grids drawn from other forms.

    Raises:
        InvalidData: If no part is large enough to be fitted.
    """
    outer: list[list[Bool[np.ndarray, " cells"]]] = []
    for n_values, share in ((2, 0.75), (3, 0.6)):
        layer = []
        for row in data.logs:
            distinct = np.unique(row)
            cut = np.quantile(row, share) if len(distinct) >= 8 else distinct[max(0, len(distinct) - n_values)]
            layer.append(row > cut)
        outer.append(layer)
    kept = _usable(data, [np.any(outer[0], axis=0), *outer[0], *outer[1]])
    if not kept:
        raise InvalidData(
            f"{len(data.log_error)} cells are too few to hold the largest out and fit the rest",
            "add cells: 3 values of n_train at each of 3 sizes are enough",
        )
    return kept


def _dear_folds(data: Table) -> list[Fold]:
    """Return pairs (cheap cells, dear cells)."""
    rank = np.argsort(np.argsort(data.cost, kind="stable"))
    n_cells = len(rank)
    return _usable(data, [rank >= n_cells - max(1, round(share * n_cells)) for share in HELD_OUT_SHARES])


def _usable(data: Table, splits: Sequence[Bool[np.ndarray, " cells"]]) -> list[Fold]:
    """Return the splits, as indices, that leave enough to fit: 5 cells with 2 values of each variable."""
    folds = [(np.flatnonzero(~held), np.flatnonzero(held)) for held in splits]
    return [
        (train, held)
        for train, held in folds
        if len(train) >= FEWEST_TRAINED and len(held) and all(len(np.unique(row[train])) >= 2 for row in data.logs)
    ]


def _draws(
    members: Sequence[Member],
    weights: Float64[np.ndarray, " members"],
    data: Table,
    chance: float,
    n_draws: int,
    rng: np.random.Generator,
) -> list[Float64[np.ndarray, " _ _"]]:
    """Fit each member again to resampled data, in proportion to its weight.

    Cells are resampled by random weights (Rubin's Bayesian bootstrap: no cell is ever quite absent, so that a grid
    stays a grid), and the errors of a cell with several seeds by the noise of its mean.
    """
    shares = np.floor(weights * n_draws).astype(int)
    left = n_draws - shares.sum()
    shares[np.argsort(-(weights * n_draws - shares), kind="stable")[:left]] += 1
    drawn = []
    for member, n in zip(members, shares, strict=True):
        if not n:
            drawn.append(np.empty((0, member.form.n_parameters)))
            continue
        weight = recent(data) * rng.exponential(size=(n, len(data.log_error)))
        weight *= len(data.log_error) / weight.sum(axis=1, keepdims=True)
        target = data.log_error + data.noise * rng.standard_normal(weight.shape)
        x = data.logs - member.centre[:, np.newaxis]
        warm = member.theta + JITTER * _unit(len(member.theta))
        problem = Problem(x, target, member.noise, weight, chance)
        drawn.append(solve(member.form, problem, warm=warm)[0])
    return drawn


def _interval(
    data: Table,
    tests: Sequence[BackTest],
    members: Sequence[Member],
    weights: Float64[np.ndarray, " members"],
    chance: float,
    rng: np.random.Generator,
) -> dict[str, float | None]:
    """Learn on the back-tests how far the scale of doubt reaches, and how doubt grows outside the range."""
    noise = float(np.sqrt(weights @ np.array([member.misfit**2 for member in members]) / len(data.log_error)))
    missed, spread, beyond, share = [], [], [], []
    for test in tests:
        part = data.part(test.train)
        logs = data.logs[:, test.held]
        drawn = _draws(test.members, weights, part, chance, BACKTEST_DRAWS, rng)
        values = [
            member.form.log_error(thetas, logs - member.centre[:, np.newaxis], chance)
            for member, thetas in zip(test.members, drawn, strict=True)
        ]
        said = weights @ test.residual + data.log_error[test.held]
        spread.append(np.mean((np.concatenate(values) - said) ** 2, axis=0) + noise**2)
        # what a held-out cell's own seeds leave open is no fault of the law
        missed.append(np.maximum((weights @ test.residual) ** 2 - data.noise[test.held] ** 2, 0.0))
        ends = part.logs.min(axis=1, keepdims=True), part.logs.max(axis=1, keepdims=True)
        beyond.append(np.sum(np.maximum(ends[0] - logs, 0) + np.maximum(logs - ends[1], 0), axis=0))
        share.append(np.full(len(test.held), 1 / len(test.held)))
    squared, variance, distance, weight = (np.concatenate(each) for each in (missed, spread, beyond, share))
    far = float(np.sum(weight * distance**2))
    least = EXPONENT_DOUBT * _slope(members, weights, data, chance)
    excess = np.sum(weight * (squared - variance)) / far if far > 0 else 0.0
    drift = max(float(np.sqrt(max(0.0, excess))), least)
    scores = np.sqrt(squared / (variance + (drift * distance) ** 2))
    return {
        "factor80": _conformal(scores, weight, 0.8, Z80),
        "factor90": _conformal(scores, weight, 0.9, Z90),
        "noise": noise,
        "drift": drift,
        "run_sd": data.run_sd,
    }


def _slope(members: Sequence[Member], weights: Float64[np.ndarray, " members"], data: Table, chance: float) -> float:
    """Return by how much the log error falls, at the largest cell, per e-fold of a variable, on average over them."""
    corner = data.logs.max(axis=1, keepdims=True)
    here, beyond = (weights @ [m.log_error(corner + step, chance)[0] for m in members] for step in (0.0, 1.0))
    return float(here - beyond) / len(corner)


def _conformal(
    scores: Float64[np.ndarray, " held"], weight: Float64[np.ndarray, " held"], level: float, least: float
) -> float:
    """Return the weighted quantile of the scores, not below that of a normal distribution.

    assumption: a factor below the normal one is luck with a handful of overlapping tests.
    """
    order = np.argsort(scores)
    reached = np.cumsum(weight[order]) / weight.sum()
    at = min(int(np.searchsorted(reached, level)), len(scores) - 1)
    return max(least, float(scores[order][at]))


def _floor(
    members: Sequence[Member],
    weights: Float64[np.ndarray, " members"],
    draws: Sequence[Float64[np.ndarray, " _ _"]],
    data: Table,
    chance: float,
    *,
    at_largest_n: bool,
) -> dict[str, float | None]:
    """Return the limit of the error as size (and n_train) grow without end, with its 5 % and 95 % points or None."""
    logs = np.full((len(data.variables), 1), ENDLESS)
    if at_largest_n:
        logs[0] = data.logs[0].max()
    with np.errstate(divide="ignore", under="ignore"):
        limits = np.array([member.log_error(logs, chance)[0] for member in members])
        # the median member: the law itself has no floor as soon as one member has none
        order = np.argsort(limits)
        value = float(np.exp(limits[order][np.searchsorted(np.cumsum(weights[order]), 0.5 - 1e-9)]))
        drawn = [
            member.form.log_error(thetas, logs - member.centre[:, np.newaxis], chance)[:, 0]
            for member, thetas in zip(members, draws, strict=True)
        ]
        ends = np.exp(np.concatenate(drawn))
    if not len(ends):
        return {"value": value, "low": None, "high": None}
    smallest = float(np.exp(data.log_error.min()))
    low, high = (float(q) for q in np.percentile(ends, (5, 95)))
    return {"value": value, "low": low if low > 1e-3 * smallest else None, "high": high if high < smallest else None}
