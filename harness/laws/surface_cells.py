"""The cells a surface is fitted to: a grid of n_train and sizes, each with the errors of its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float64
from scipy.stats import t

from harness.laws.counts import Counts, Items, counts_of, dispersion, fault, log_share, pooled, totals_of
from registry.errors import InvalidData, UsageError

SIZES: Final = (("n_train", "params"), ("n_train", "width"), ("n_train", "width", "depth"))
FEWEST_CELLS: Final = 7  # 5 parameters, and 2 cells that can contradict them
FEWEST_VALUES: Final = 3  # of each variable: a term and a floor, and a value that can contradict them
SMALLEST_SPAN: Final = 4  # largest n_train over smallest
TREND_LEVEL: Final = 0.999  # one-sided, before an error that grows with a size counts as one
STEADY: Final = 1e-6  # slope below which an error that does not change at all is none that grows
PRIOR_DEGREES: Final = 4  # degrees of freedom that the pooled noise lends to each cell


@final
@dataclass(frozen=True)
class GridCell:
    """What training at one number of examples and one shape gave.

    Args:
        n_train: Number of training examples (or tokens seen, where data are never repeated).
        errors: Error of each seed in the task's error form. Diverged runs are left out.
        params: Trainable scalars; needed where the surface is one in params.
        width: As in a shape; needed where the surface is one in width.
        depth: As in a shape.
        stderr: Standard error of the mean of ``errors``, where it is known from elsewhere.
        cost: What the cell cost to train, in any one unit; without it n_train times size stands in.
        steps: Optimiser steps of each run.
        capped: Whether steps hit their cap before the error settled; such a cell is kept but not fitted.
        resolution: Input side, where the task has one.
        learning_rate: The rate that tuning chose.
        n_items: How many examples the errors count wrong answers of, one number or one a seed; None: as of all cells.
    """

    n_train: int | float
    errors: tuple[float, ...]
    params: int | float | None = None
    width: int | float | None = None
    depth: int | float | None = None
    stderr: float | None = None
    cost: int | float | None = None
    steps: int = 0
    capped: bool = False
    resolution: int | None = None
    learning_rate: float | None = None
    n_items: Items = None


class Table(NamedTuple):
    """Cells as arrays: logs of variables and mean errors; ``noise`` is the sd of each log error, 0: unknown."""

    variables: tuple[str, ...]
    logs: Float64[np.ndarray, " variables cells"]
    log_error: Float64[np.ndarray, " cells"]
    noise: Float64[np.ndarray, " cells"]
    cost: Float64[np.ndarray, " cells"]
    run_sd: float | None
    cells: tuple[GridCell, ...]
    counts: Counts | None = None

    def part(self, chosen: Any) -> Table:
        """Return the cells at the indices ``chosen``."""
        return self._replace(
            logs=self.logs[:, chosen],
            log_error=self.log_error[chosen],
            noise=self.noise[chosen],
            cost=self.cost[chosen],
            cells=tuple(np.array(self.cells, dtype=object)[chosen]),
            counts=self.counts and self.counts.part(chosen),
        )

    def fewest_items(self) -> int | None:
        """Return the fewest examples that any cell's errors are shares of; None where no cell says."""
        totals = [totals_of(len(cell.errors), cell.n_items) or () for cell in self.cells]
        return min((each for some in totals for each in some), default=None)


def table(cells: Sequence[GridCell], variables: Sequence[str], *, n_val: int | None = None) -> Table:
    """Return the settled cells as arrays, or say why they carry no surface.

    Args:
        cells: In any order; capped ones are left out, those that agree in all variables become one with all seeds.
        variables: n_train and one or more sizes. A variable with one value is dropped: it cannot be told from a floor.
        n_val: Number of validation examples of cells that do not say theirs, needed where a cell has no error at all:
            it counts as .5 in n_val + 1.

    Raises:
        UsageError: If ``variables`` are not those of a surface.
        InvalidData: If the cells are too few or too narrow, have an error that is no number above 0 (0 only with
            ``n_val``), do not fall with n_train, or grow with a size at fixed n_train by more than their noise.
    """
    variables = tuple(variables)
    if variables not in SIZES:
        known = "; ".join(", ".join(names) for names in SIZES)
        raise UsageError(f"no surface in {', '.join(variables) or 'nothing'}, expected one of: {known}")
    settled = tuple(replace(cell, n_items=n_val) if cell.n_items is None else cell for cell in cells if not cell.capped)
    for cell in settled:
        _check(cell, variables)
    n_capped = len(cells) - len(settled)
    settled = _merged(settled, variables)
    if len(settled) < FEWEST_CELLS:
        raise InvalidData(
            f"a surface needs at least {FEWEST_CELLS} cells, got {len(settled)}",
            f"{n_capped} more hit the cap on steps: train them longer" if n_capped else "",
        )
    values = np.array([[getattr(cell, name) for cell in settled] for name in variables], dtype=np.float64)
    kept = _varying(values, variables)
    logs = np.log(values[kept])
    means = np.array([max(_mean(cell), _least(cell)) for cell in settled])
    noise, run_sd = _noise(settled, means)
    dear = np.array([np.nan if cell.cost is None else cell.cost for cell in settled], dtype=np.float64)
    cost = np.exp(logs.sum(axis=0)) if np.isnan(dear).any() else dear
    found = Table(tuple(variables[i] for i in kept), logs, np.log(means), noise, cost, run_sd, settled)
    found = _counted(found)
    _check_trend(found)
    return found


def point(cell: GridCell) -> dict[str, Any]:
    """Return the cell as a law keeps it; what it lacks is left out."""
    many = len(cell.errors) > 1
    kept: dict[str, Any] = {
        "n_train": cell.n_train,
        "error": _mean(cell),
        "sd": float(np.std(cell.errors, ddof=1)) if many else 0.0,
        "n_seeds": len(cell.errors),
        "steps": cell.steps,
        "capped": cell.capped,
    }
    for name in ("params", "width", "depth", "resolution", "learning_rate"):
        if getattr(cell, name) is not None:
            kept[name] = getattr(cell, name)
    return kept


def _mean(cell: GridCell) -> float:
    if isinstance(cell.n_items, tuple) and len(set(cell.n_items)) > 1:
        return pooled(cell.errors, cell.n_items)
    return float(np.mean(cell.errors))


def _least(cell: GridCell) -> float:
    """Return what no error at all counts as, 0 where it is no count."""
    totals = totals_of(len(cell.errors), cell.n_items)
    return 0.5 / (float(np.mean(totals)) + 1) if totals else 0.0


def _check(cell: GridCell, variables: tuple[str, ...]) -> None:
    for name in variables:
        value = getattr(cell, name)
        if value is None or not np.isfinite(value) or value < 1:
            hint = "leave linear models out: without a hidden layer they are on no such surface"
            raise InvalidData(f"a cell has {name} {value}, expected a number from 1 up", hint if value == 0 else "")
    where = ", ".join(f"{name} {getattr(cell, name):,.12g}" for name in variables)
    if not cell.errors:
        raise InvalidData(f"{where} has no errors, expected one a seed")
    for error in cell.errors:
        if not (np.isfinite(error) and error >= 0):
            raise InvalidData(f"{where} has error {error:g}, expected a finite number from 0 up")
    if wrong := fault(len(cell.errors), cell.n_items):
        raise InvalidData(f"{where} has {wrong}")
    if cell.n_items is None and not any(cell.errors):
        raise InvalidData(
            f"{where} has no error in any seed and no surface gets to 0",
            "say how many validation examples there were (n_val): 0 is then fitted as a count",
        )


def _merged(cells: tuple[GridCell, ...], variables: tuple[str, ...]) -> tuple[GridCell, ...]:
    """Make one cell of those that agree in all variables; a stated standard error is a lone cell's."""
    groups: dict[tuple[float, ...], list[GridCell]] = {}
    for cell in cells:
        groups.setdefault(tuple(getattr(cell, name) for name in variables), []).append(cell)
    return tuple(group[0] if len(group) == 1 else _one(group) for group in groups.values())


def _one(group: Sequence[GridCell]) -> GridCell:
    totals = [totals_of(len(cell.errors), cell.n_items) for cell in group]
    n_items = None if None in totals else tuple(each for some in totals for each in some or ())
    errors = tuple(error for cell in group for error in cell.errors)
    return replace(group[0], errors=errors, stderr=None, n_items=n_items)


def _varying(values: Float64[np.ndarray, " variables cells"], variables: tuple[str, ...]) -> list[int]:
    """Return the variables that vary, after checking that they vary enough."""
    kept = []
    for i, (name, row) in enumerate(zip(variables, values, strict=True)):
        distinct = np.unique(row)
        if len(distinct) == 1 and i > 0 and len(variables) > 2:
            continue
        if len(distinct) < FEWEST_VALUES:
            listed = ", ".join(f"{value:,.12g}" for value in distinct)
            raise InvalidData(f"a surface needs at least {FEWEST_VALUES} values of {name}, got {listed}")
        kept.append(i)
    n = values[0]
    if n.max() < SMALLEST_SPAN * n.min():
        raise InvalidData(
            f"n_train spans {n.min():,.12g} to {n.max():,.12g}, a factor {n.max() / n.min():.3g}; "
            f"a law needs a factor {SMALLEST_SPAN} or more"
        )
    if len(kept) < 2:
        raise InvalidData("neither width nor depth varies, expected at least 3 values of one of them")
    return kept


def _noise(
    cells: tuple[GridCell, ...], means: Float64[np.ndarray, " cells"]
) -> tuple[Float64[np.ndarray, " cells"], float | None]:
    """Return the sd of each mean's log and of one run's, variances drawn towards the pooled one."""
    n_seeds = np.array([len(cell.errors) for cell in cells])
    degrees = n_seeds - 1
    run_sd: float | None = None
    noise = np.zeros(len(cells))
    if degrees.any():
        sd = np.array([np.std(cell.errors, ddof=1) if len(cell.errors) > 1 else 0.0 for cell in cells])
        relative = (sd / means) ** 2
        pooled = float((degrees @ relative) / degrees.sum())
        noise = np.sqrt((PRIOR_DEGREES * pooled + degrees * relative) / (PRIOR_DEGREES + degrees) / n_seeds)
        run_sd = float(np.sqrt(pooled))
    given = np.array([np.nan if cell.stderr is None else cell.stderr for cell in cells], dtype=np.float64)
    return np.where(np.isnan(given), noise, given / means), run_sd


def _counted(found: Table) -> Table:
    """Return the table with the counts of its cells, and the noise of these; as it is where errors are no counts."""
    counts = counts_of(
        [cell.errors for cell in found.cells],
        [None if cell.stderr is not None else cell.n_items for cell in found.cells],
    )
    if counts is None:
        return found
    counted = np.isfinite(counts.items)
    varies = dispersion(counts, [cell.errors for cell in found.cells], 0.0, 0.0)
    return found._replace(
        log_error=np.where(counted, log_share(counts), found.log_error),
        noise=np.where(counted, np.sqrt(varies.of_mean), found.noise),
        counts=counts,
    )


def _check_trend(found: Table) -> None:
    """Refuse cells whose error does not fall with n_train at all, or grows with a size beyond noise."""
    design = np.vstack([found.logs - found.logs.mean(axis=1, keepdims=True), np.ones(len(found.log_error))])
    slope = np.linalg.lstsq(design.T, found.log_error, rcond=None)[0]
    if slope[0] >= 0:
        raise InvalidData(
            f"error does not fall with n_train over these {len(found.log_error)} cells (log-log slope {slope[0]:+.3g})",
            "a wider span of n_train, more steps or more seeds may show a trend",
        )
    for name, grows, doubt in zip(found.variables[1:], *_size_slopes(found), strict=True):
        spare = max(1, len(found.log_error) - len(found.variables) - 2)
        if grows > t.ppf(TREND_LEVEL, spare) * doubt + STEADY:
            raise InvalidData(
                f"error grows with {name} at the same n_train over these {len(found.log_error)} cells "
                f"(log-log slope {grows:+.3g}, standard error {doubt:.2g})",
                "more steps or other learning rates may help the large; leave out sizes that do not train",
            )


def _size_slopes(found: Table) -> tuple[Float64[np.ndarray, " sizes"], Float64[np.ndarray, " sizes"]]:
    """Return the log-log slope in each size at fixed n_train, and its standard error by the scatter of the cells.

    A parabola in log n_train stands for n_train: of a full grid any would do, and of scattered cells none is shared.
    """
    data, *sizes = found.logs - found.logs.mean(axis=1, keepdims=True)
    design = np.vstack([*sizes, np.ones(len(data)), data, data**2]).T
    slopes = np.linalg.lstsq(design, found.log_error, rcond=None)[0]
    rest = found.log_error - design @ slopes
    variance = max(float(rest @ rest) / max(1, len(rest) - design.shape[1]), float(np.mean(found.noise**2)))
    doubt = np.sqrt(variance * np.diag(np.linalg.pinv(design.T @ design)))
    return slopes[: len(sizes)], doubt[: len(sizes)]
