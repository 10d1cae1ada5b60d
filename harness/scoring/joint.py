"""Joint laws in data and size, scored on published grids: fit the cheap runs, predict the dear ones."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

from harness.laws.chinchilla import fit_parametric
from harness.laws.surface import fit_surface
from harness.laws.surface_cells import GridCell, table
from harness.laws.surface_forms import SIZE_FORMS
from harness.laws.surface_law import half_width, logs_of, mean_log_error
from harness.laws.surface_members import fit_member
from harness.scoring.row import Row
from registry.errors import InvalidData

CHEAP_SHARE: Final = 0.75  # of the runs, by training flops
VOCABULARY: Final = {"gadre_c4": 50432, "chinchilla": 32000}  # a uniform guess among tokens costs the log of this
# source: arXiv:2404.10102, golden numbers of the replication on 240 points
GOLDEN: Final = (477.84, 2143.86, 1.8172, 0.3473, 0.3672)
GOLDEN_ERRORS: Final = (125.0, 1290.0, 0.026, 0.015, 0.021)
GOLDEN_OBJECTIVE: Final = 1.01827e-3


class Grid(NamedTuple):
    """Runs of one file, which of them are fitted, and the error of guessing."""

    n_train: Float64[np.ndarray, " runs"]
    params: Float64[np.ndarray, " runs"]
    error: Float64[np.ndarray, " runs"]
    cost: Float64[np.ndarray, " runs"]
    fitted: Bool[np.ndarray, " runs"]
    chance: float


def rows(data: Path, say: Callable[[str], None]) -> Iterator[Row]:
    """Score every joint form, and ours, on the grids of a folder; what is missing or bad is said and left out.

    Args:
        data: Folder with chinchilla.csv, gadre_c4.csv, cifar10_cnn_width_depth_data.csv.
        say: Takes each line of what is no row: Chinchilla's parameters, divergences, which form was picked.
    """
    readers: Mapping[str, Callable[[Path], Grid]] = {
        "chinchilla": read_chinchilla,
        "gadre_c4": read_gadre,
        "cifar10_cnn_width_depth_data": read_cifar,
    }
    for stem, read in readers.items():
        path = data / f"{stem}.csv"
        if not path.exists():
            say(f"{stem}: no such file in {data.name or data}, left out")
            continue
        try:
            grid = read(path)
            if stem == "chinchilla":
                _say_parameters(grid, say)
            yield from _score(stem, grid, say)
        except InvalidData as error:
            say(f"{stem}: refused: {error.message}")


def read_chinchilla(path: Path) -> Grid:
    """Read the runs that the replication used; tokens are n_train."""
    table_ = [row for row in _read(path) if row.get("used_in_replication") == "1"]
    cost = _column(table_, "train_flops")
    columns = (_column(table_, "tokens"), _column(table_, "params"), _column(table_, "loss"))
    return Grid(*columns, cost, cheap(cost), float(np.log(VOCABULARY["chinchilla"])))


def read_gadre(path: Path) -> Grid:
    """Read the runs; training flops are 6 params tokens."""
    table_ = _read(path)
    tokens, params = _column(table_, "tokens"), _column(table_, "params")
    cost = 6 * tokens * params
    return Grid(tokens, params, _column(table_, "c4_val"), cost, cheap(cost), float(np.log(VOCABULARY["gadre_c4"])))


def read_cifar(path: Path) -> Grid:
    """Read the runs; those with at most .3 M params and 25,000 images are fitted. Ten classes: chance is .9."""
    table_ = _read(path)
    n, params = _column(table_, "D"), _column(table_, "N")
    error = 1 - _column(table_, "final_test_acc_avg_last5")
    return Grid(n, params, error, _column(table_, "total_flops"), (params <= 3e5) & (n <= 25_000), 0.9)


def cheap(cost: Float64[np.ndarray, " runs"]) -> Bool[np.ndarray, " runs"]:
    """Return which runs are the cheapest three quarters."""
    chosen = np.zeros(len(cost), dtype=bool)
    chosen[np.argsort(cost, kind="stable")[: round(CHEAP_SHARE * len(cost))]] = True
    return chosen


def divergence(log_ratio: Float64[np.ndarray, " runs"]) -> tuple[float, float, float]:
    """Return mean, mean absolute and sd of (predicted - actual) / actual, from log(predicted / actual).

    Source: Rosenfeld et al. 2019, arXiv:1909.12673 (there: mu and sigma of delta).
    """
    delta = np.expm1(log_ratio)
    return float(delta.mean()), float(np.abs(delta).mean()), float(delta.std(ddof=1))


def _score(stem: str, grid: Grid, say: Callable[[str], None]) -> Iterator[Row]:
    if not (grid.error > 0).all():
        raise InvalidData("an error of 0 has no logarithm")
    cells = [
        GridCell(n, (error,), params=params, cost=cost)
        for n, params, error, cost, fitted in zip(*grid[:5], strict=True)
        if fitted
    ]
    held = ~grid.fitted
    points = {"n_train": grid.n_train[held], "params": grid.params[held]}
    actual = np.log(grid.error[held])
    say(f"{stem}: {len(cells)} runs fitted, {held.sum()} predicted")

    start = time.perf_counter()
    law = fit_surface(cells, chance=grid.chance)
    seconds = time.perf_counter() - start
    logs = logs_of(law, points)
    ours = mean_log_error(law, logs) - actual
    inside = {level: half_width(law, logs, level=level) for level in (80, 90)}
    covered = {level: None if w is None else float(np.mean(np.abs(ours) <= w)) for level, w in inside.items()}
    wide = inside[90]
    ratio = None if wide is None else float(np.median(wide) / np.median(np.abs(ours)))

    data = table(cells, ("n_train", "params"))
    errors = {}
    for form in SIZE_FORMS:
        each = fit_member(form, data, grid.chance).log_error(logs, grid.chance) - actual
        errors[form.name] = each
    found = {name: _rmse(each) for name, each in errors.items()}
    members = law["members"]
    picked = max(members, key=lambda name: members[name]["weight"])
    best = min(found, key=found.__getitem__)
    for name, each in {"ours": ours, **errors}.items():
        mean, absolute, sd = divergence(each)
        tested = " " * 32
        if name in members:
            tested = "back-test {backtest_error:.4f}  weight {weight:4.0%}  ".format(**members[name])
        say(
            f"  {name:20} {tested}held out {_rmse(each):.4f}  "
            f"divergence: mean {mean:+.1%}, mean absolute {absolute:.1%}, sd {sd:.1%}"
        )
    say(
        f"  picked by back-test: {picked}, {found[picked] / found[best]:.2f} of the best form's error ({best}); "
        f"ours (average) {_rmse(ours) / found[best]:.2f}"
    )
    yield Row(
        stem,
        "all",
        "ours",
        None,
        1,
        _rmse(ours),
        cover80=covered[80],
        cover90=covered[90],
        half_width_ratio=ratio,
        seconds_per_curve=seconds,
    )
    yield Row(stem, "all", "picked", None, 1, found[picked])
    for name, value in found.items():
        yield Row(stem, "all", name, None, 1, value)


def _say_parameters(grid: Grid, say: Callable[[str], None]) -> None:
    """Print Chinchilla's parameters beside the replication's."""
    start = time.perf_counter()
    fit = fit_parametric(grid.n_train, grid.params, grid.error)
    seconds = time.perf_counter() - start
    say(f"chinchilla: L = E + A / N^alpha + B / D^beta on {len(grid.error)} runs, {seconds:.1f} s with bootstrap")
    say(f"  objective {fit.objective:.6g} (published {GOLDEN_OBJECTIVE:.6g})")
    for name, value, error, golden, golden_error in zip(
        ("A", "B", "E", "alpha", "beta"), fit[:5], fit.errors, GOLDEN, GOLDEN_ERRORS, strict=True
    ):
        say(f"  {name:5} {value:10.5g} +- {error:<8.3g} published {golden:10.5g} +- {golden_error:.3g}")


def _rmse(log_ratio: Float64[np.ndarray, " runs"]) -> float:
    return float(np.sqrt(np.mean(log_ratio**2)))


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except UnicodeDecodeError as error:
        raise InvalidData(f"{path.name} is no text that can be read: {error}") from None


def _column(table_: list[dict[str, str]], name: str) -> Float64[np.ndarray, " runs"]:
    try:
        values = np.array([float(row[name] or "") for row in table_])
    except (KeyError, ValueError) as error:
        raise InvalidData(f"column {name} is missing or holds something that is no number: {error}") from None
    if not (len(values) and np.isfinite(values).all() and (values > 0).all()):
        raise InvalidData(f"column {name} holds no runs or a number that is not above 0 and finite")
    return values
