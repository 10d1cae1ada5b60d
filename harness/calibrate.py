"""`python -m harness calibrate`: choose the constants of the pooled surface by the tables of real trainings.

Half a dozen histories of 70 trainings are drawn from the first half of each table's seeds, cheap shapes more often. The
constants are those under which these histories are likeliest, held near where they are by a wide prior of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import click
import numpy as np
from jaxtyping import Float64
from scipy.optimize import minimize

from harness.posterior import CONSTANTS, Posterior
from harness.replay import space_of
from harness.search.base import History, Run, Space
from harness.tables import TABLES, Table, read_table

HISTORIES: Final = 6
RUNS: Final = 70
STEP: Final = 0.02  # of the numerical gradient
SIGNED: Final = ("slope", "gain", "bowl", "seed_width")  # the others are standard deviations and lengths, above 0
SHARES: Final = ("alike",)  # at most 1


@click.command("calibrate")
@click.option("--rounds", type=click.IntRange(min=1), default=14, show_default=True, help="Of the optimiser.")
@click.option(
    "--table", "names", multiple=True, default=("digits/mlp", "glyphs/mlp"), show_default=True, help="What to fit."
)
def calibrate(rounds: int, names: tuple[str, ...]) -> None:
    """Print the constants of the pooled surface that make the tables likeliest."""
    generator = np.random.default_rng(0)
    tables = [read_table(TABLES / f"{name.replace('/', '-')}.csv") for name in names]
    data = [(space_of(table), _history(table, generator)) for table in tables for _ in range(HISTORIES)]
    start = _pack(CONSTANTS)
    scale = np.array([0.5 if name in SIGNED else 1.0 for name in CONSTANTS])

    def loss(values: Float64[np.ndarray, " constants"]) -> float:
        return -log_likelihood(data, _unpack(values)) + 0.5 * float((((values - start) / scale) ** 2).sum())

    def slope(values: Float64[np.ndarray, " constants"]) -> Float64[np.ndarray, " constants"]:
        here = loss(values)
        return np.array([(loss(values + STEP * one) - here) / STEP for one in np.eye(len(values))])

    click.echo(f"log likelihood of {len(data)} histories: {log_likelihood(data, CONSTANTS):.1f}", err=True)
    found = minimize(loss, start, jac=slope, method="L-BFGS-B", options={"maxiter": rounds})
    constants = _unpack(found.x)
    click.echo(f"log likelihood of {len(data)} histories: {log_likelihood(data, constants):.1f}", err=True)
    for name, value in constants.items():
        click.echo(f'    "{name}": {value:.3g},')


def log_likelihood(data: Sequence[tuple[Space, History]], constants: dict[str, float]) -> float:
    """Return the log marginal likelihood of histories, up to a constant; minus infinity where it cannot be computed."""
    try:
        return sum(Posterior(space, history, 0.1, constants).log_likelihood() for space, history in data)
    except np.linalg.LinAlgError:
        return -math.inf


def _history(table: Table, generator: np.random.Generator) -> History:
    settings = list(table.rows)
    weights = np.array([table.params[setting.shape] ** -0.25 for setting in settings])
    picked = generator.choice(len(settings), size=RUNS, p=weights / weights.sum())
    half = table.val_errors.shape[1] // 2
    return History(
        tuple(
            Run(settings[i], float(table.val_errors[table.rows[settings[i]], generator.integers(half)])) for i in picked
        )
    )


def _pack(constants: dict[str, float]) -> Float64[np.ndarray, " constants"]:
    return np.array([value if name in SIGNED else math.log(value) for name, value in constants.items()])


def _unpack(values: Float64[np.ndarray, " constants"]) -> dict[str, float]:
    found = {}
    for name, value in zip(CONSTANTS, values.tolist(), strict=True):
        found[name] = value if name in SIGNED else math.exp(min(max(value, -5.0), 3.0))
        if name in SHARES:
            found[name] = min(found[name], 1.0)
    return found
