"""The members of a surface: forms fitted to cells, and how well each predicts the cells it was not shown.

Every form is fitted to the inner cells and asked for the outer ones: those with the largest value of any variable, and
those with the one or two largest of each. What they say decides the weight of each in the average.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from harness.laws.counts import Counts, deviance, draw_counts, log_share
from harness.laws.surface_cells import Table
from harness.laws.surface_fit import Problem, solve
from harness.laws.surface_forms import SHAPE_FORMS, SIZE_FORMS, SurfaceForm
from registry.errors import InvalidData

# assumption: no error is known better than this, relative, whatever the fit's own residuals say
LEAST_MISFIT: Final = 0.003
FIRST_MISFIT: Final = 0.02
# measured: docs/log.md, on back-tests within the parts fitted of published grids, and on grids drawn from other forms
DEAR_POWER: Final = 0.5  # a cell's weight in a fit is its cost to this power
WEIGHT_POWER: Final = 6.0  # a member's weight is its back-test error ** -power ...
WORST_RATIO: Final = 2.0  # ... up to this multiple of the best one's
PARSIMONY: Final = 0.2  # of the log of a back-test error, for each parameter
HELD_OUT_SHARES: Final = (0.15, 0.25, 0.4)
MISFIT_STEPS: Final = 40  # halvings
JITTER: Final = 0.4  # of theta, where a refit starts beside the fit it repeats
FEWEST_TRAINED: Final = 5


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
    problem = Problem(x, target, noise, recent(data)[np.newaxis], chance, data.counts)
    theta, _ = solve(form, problem)
    misfit = _misfit(data, form.log_error(theta, x, chance), form.n_parameters)
    noise = np.sqrt(data.noise**2 + misfit**2)
    theta, _ = solve(form, problem._replace(noise=noise), warm=theta + jitter(theta.shape[1]))
    return Member(form, theta[0], centre, noise, misfit)


def _misfit(data: Table, value: Float64[np.ndarray, " 1 cells"], n_parameters: int) -> float:
    """Return how far a form misses beyond noise: what makes the median residual that of a normal distribution."""
    residual = value[0] - data.log_error
    spare = max(len(residual) - n_parameters, 1)
    if data.counts is None:
        spread = 1.4826 * float(np.median(np.abs(residual))) * np.sqrt(len(residual) / spare)
        return float(np.sqrt(max(spread**2 - np.mean(data.noise**2), LEAST_MISFIT**2)))
    widen = 1.4826 * np.sqrt(len(residual) / spare)
    # the noise of counts differs too much from cell to cell for one mean of it
    of_counts = (data.counts.sd * deviance(value, data.counts)[0])[0]
    size = np.abs(np.where(np.isfinite(data.counts.items), of_counts, residual))
    low, high = LEAST_MISFIT, max(2 * LEAST_MISFIT, float(widen * size.max()))
    for _ in range(MISFIT_STEPS):
        middle = (low + high) / 2
        too_small = widen * np.median(size / np.hypot(data.noise, middle)) > 1
        low, high = (middle, high) if too_small else (low, middle)
    return low


def redrawn(
    data: Table, n_draws: int, rng: np.random.Generator
) -> tuple[Float64[np.ndarray, " draws cells"], Counts | None]:
    """Return log errors, and counts, as other seeds may have given them: by the noise of each cell's mean."""
    target = data.log_error + data.noise * rng.standard_normal((n_draws, len(data.log_error)))
    if data.counts is None:
        return target, None
    counts = draw_counts(data.counts, data.noise, n_draws, rng)
    return np.where(np.isfinite(counts.items), log_share(counts), target), counts


def recent(data: Table) -> Float64[np.ndarray, " cells"]:
    """Return the weight of each cell in a fit, 1 on average: dear cells are nearer to what the law is asked."""
    weight = (data.cost / data.cost.max()) ** DEAR_POWER
    return np.asarray(weight / weight.mean())


def jitter(k: int) -> Float64[np.ndarray, " 3 k"]:
    """Return three small moves of theta, the same every time, the first of them none."""
    moves = np.random.default_rng(0).normal(size=(3, k))
    moves[0] = 0
    return JITTER * moves


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


def weigh_blindly(
    data: Table, forms: Sequence[SurfaceForm], chance: float, test: BackTest
) -> Float64[np.ndarray, " forms"]:
    """Return the weights that the cells ``test`` was fitted to would have chosen, by back-tests among themselves.

    Where these are too few to be split again the weights are those of forms that did equally well.
    """
    inner = data.part(test.train)
    try:
        scores = score([back_test(inner, forms, chance, *fold) for fold in outer_folds(inner)])
    except InvalidData:
        scores = np.ones(len(forms))
    return weigh(scores, [form.n_parameters for form in forms])


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


def dear_folds(data: Table) -> list[Fold]:
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
