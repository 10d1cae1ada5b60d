"""By how much the best learning rate moves with width: as networks are trained here, and with muP's rule."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Final, NamedTuple

import click
import numpy as np
import torch

from harness import plugins
from harness.batches import BatchStream
from harness.datasets.base import Dataset
from harness.families.base import Family
from harness.rates import maximal_update
from harness.stack import train
from harness.trial import Shape

RATES: Final = tuple(0.01 * 2.0**octave for octave in range(-6, 5))
WIDTHS: Final = (16, 32, 64, 128, 256)
SEEDS: Final = 3
BATCH: Final = 32


class Row(NamedTuple):
    """The rate of least validation error at one width, between the rates tried by a parabola in their logs.

    ``errors`` are means over seeds, one a rate of :data:`RATES`.
    """

    rule: str
    width: int
    rate: float
    errors: tuple[float, ...]


@click.command("rates")
@click.option("--dataset", default="glyphs", show_default=True, help="Data set.")
@click.option("--family", default="mlp", show_default=True, help="Family.")
@click.option("--depth", default=2, show_default=True, type=click.IntRange(1, 8), help="Hidden layers or blocks.")
@click.option("--resolution", type=int, help="Side of images, where the data set has several.")
@click.option("--steps", default=2000, show_default=True, type=click.IntRange(64), help="Steps of each training.")
@click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows here, too.")
def COMMAND(  # the name the group looks for
    dataset: str, family: str, depth: int, resolution: int | None, steps: int, file: Path | None
) -> None:
    """Train widths 16 to 256 at eleven rates with and without muP's rule and print the best rate of each."""
    data, networks = plugins.load("datasets", dataset).at(resolution), plugins.load("families", family)
    rows = []
    for rule in ("none", "mup"):
        for width in WIDTHS:
            rows.append(best_rate(data, networks, Shape(width, depth, resolution), steps, rule))
            click.echo(f"{rule:5} width {width:4}: best rate {rows[-1].rate:.4f}, error {min(rows[-1].errors):.4f}")
        click.echo(f"{rule:5} moves by {moves([row for row in rows if row.rule == rule]):.2f} x")
    if file is not None:
        file.write_text(json.dumps({"rates": RATES, "rows": [row._asdict() for row in rows]}), encoding="utf-8")


def moves(rows: list[Row]) -> float:
    """Return the highest of the best rates over the lowest."""
    found = [row.rate for row in rows]
    return max(found) / min(found)


def best_rate(data: Dataset, family: Family, shape: Shape, steps: int, rule: str) -> Row:
    """Train one shape at every rate; return where validation error is least.

    Args:
        data: At the shape's resolution.
        family: Of the networks.
        shape: Their shape.
        steps: Of each training.
        rule: ``none`` or ``mup``.
    """
    torch.set_num_threads(1)
    trials = [(rate, seed) for rate in RATES for seed in range(SEEDS)]
    network = family.stacked(data.input_shape, data.n_outputs, shape, len(trials))
    network.n_symbols = family.one_hot(data)
    factors = maximal_update(family.network(data.input_shape, data.n_outputs, shape), shape.width)
    scales = network.over(torch.ones_like(network.parameters))
    for member, (_, seed) in enumerate(trials):
        generator = torch.Generator().manual_seed(seed)
        state = family.initial_state(data.input_shape, data.n_outputs, shape, generator)
        network.load(member, state)
        scales.load(member, {name: torch.full_like(leaf, factors.get(name, 1.0)) for name, leaf in state.items()})
    n_train = len(data.train())
    progress = train(
        network,
        inputs=torch.tensor(data.train().inputs),
        labels=torch.tensor(data.train().labels),
        val_inputs=torch.tensor(data.val().inputs),
        val_labels=torch.tensor(data.val().labels),
        streams=[BatchStream(data.subset(n_train, seed), min(BATCH, n_train), seed) for _, seed in trials],
        learning_rates=[rate for rate, _ in trials],
        weight_decays=[0.0] * len(trials),
        steps=steps,
        scales=scales.parameters if rule == "mup" else None,
    )
    errors = progress.best_error.view(len(RATES), SEEDS).mean(dim=1).numpy()
    return Row(rule, shape.width, lowest(errors), tuple(round(float(error), 6) for error in errors))


def lowest(errors: np.ndarray) -> float:
    """Return the rate where a parabola through the least error and its neighbours, all in logs, is lowest."""
    best = int(np.argmin(errors))
    if not 0 < best < len(errors) - 1 or not np.isfinite(errors[best - 1 : best + 2]).all():
        return RATES[best]
    left, middle, right = np.log(errors[best - 1 : best + 2])
    bend = left - 2 * middle + right
    return RATES[best] * math.pow(2.0, 0.5 * (left - right) / bend if bend > 0 else 0.0)
