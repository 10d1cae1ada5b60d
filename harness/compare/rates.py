"""By how much the best learning rate moves with width: as networks are trained here, and with rules such as muP's."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click
import numpy as np
import torch

from harness import plugins
from harness.batches import BatchStream
from harness.datasets.base import Dataset
from harness.families.base import Family
from harness.question import check_family
from harness.rates import RULES, factors
from harness.stack import StackedNetwork, train
from harness.trial import Shape
from registry.errors import UsageError

RATES: Final = tuple(0.01 * 2.0**octave for octave in range(-6, 5))
WIDTHS: Final = (16, 32, 64, 128, 256)
SEEDS: Final = 9
BATCH: Final = 32
DRAWS: Final = 1000


class Row(NamedTuple):
    """The rate of least validation error at one width, between the rates tried by a parabola in their logs.

    ``errors`` holds one tuple a rate of :data:`RATES`: the error of each seed.
    """

    rule: str
    width: int
    rate: float
    errors: tuple[tuple[float, ...], ...]


@click.command("rates")
@click.option("--dataset", default="glyphs", show_default=True, help="Data set.")
@click.option("--family", default="mlp", show_default=True, help="Family.")
@click.option("--depth", default=2, show_default=True, type=click.IntRange(1, 8), help="Hidden layers or blocks.")
@click.option("--resolution", type=int, help="Side of images, where the data set has several.")
@click.option("--steps", default=2000, show_default=True, type=click.IntRange(64), help="Steps of each training.")
@click.option("--seeds", default=SEEDS, show_default=True, type=click.IntRange(2, 99), help="Trainings of each rate.")
@click.option(
    "--width", "widths", multiple=True, type=click.IntRange(1), default=WIDTHS, show_default=True, help="Widths."
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    type=click.Choice([*RULES]),
    default=("none", "mup"),
    show_default=True,
    help="What scales with width; give it again for more rules.",
)
@click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows here, too.")
def COMMAND(  # the name the group looks for
    dataset: str,
    family: str,
    depth: int,
    resolution: int | None,
    steps: int,
    seeds: int,
    widths: tuple[int, ...],
    rules: tuple[str, ...],
    file: Path | None,
) -> None:
    """Train some widths at eleven rates without a rule and with some, and print the best rate of each.

    Rules: mup is muP's, rates and the last layer's initial weights; aligned its rates alone; unaligned their square
    root (Everett et al. 2024). Intervals are of seeds drawn anew; noise alone makes rates seem to move.
    """
    data, networks = plugins.load("datasets", dataset).at(resolution), plugins.load("families", family)
    check_family(family, data)
    if file is not None and not file.parent.is_dir():
        raise UsageError(f"--json: {file.parent} is no folder", "make it first: the rows take minutes")
    rows = []
    for rule in dict.fromkeys(rules):
        for width in dict.fromkeys(widths):
            rows.append(best_rate(data, networks, Shape(width, depth, resolution), steps, rule, seeds))
            click.echo(described(rows[-1]))
        of_rule = [row for row in rows if row.rule == rule]
        low, high = interval(of_rule)
        click.echo(f"{rule:9} moves by {moves(of_rule):.2f} x (90 % {low:.2f} to {high:.2f} x)")
    if file is not None:
        file.write_text(json.dumps({"rates": RATES, "rows": [row._asdict() for row in rows]}), encoding="utf-8")


def described(row: Row) -> str:
    """Return one line on a row; where no rate beyond the best was tried, it says so."""
    end = ", at the end of the rates tried" if row.rate in (RATES[0], RATES[-1]) else ""
    error = min(np.mean(row.errors, axis=1))
    return f"{row.rule:9} width {row.width:4}: best rate {row.rate:.4f}{end}, error {error:.4f}"


def moves(rows: Sequence[Row]) -> float:
    """Return the highest of the best rates over the lowest."""
    found = [row.rate for row in rows]
    return max(found) / min(found)


def interval(rows: Sequence[Row]) -> tuple[float, float]:
    """Return between what :func:`moves` lies in 90 of 100 cases, were seeds drawn anew, at each width by itself.

    Of n seeds it is too narrow by about sqrt(1 - 1 / n): a fifth of 3, a twentieth of 9.

    Args:
        rows: One a width.

    Source:
        Efron 1979, "Bootstrap methods: another look at the jackknife": percentiles.
    """
    generator = np.random.default_rng(0)
    best = []
    for row in rows:
        errors = np.array(row.errors)
        drawn = generator.integers(errors.shape[1], size=(DRAWS, errors.shape[1]))
        best.append([lowest(of_rates) for of_rates in errors[:, drawn].mean(axis=2).T])
    low, high = np.quantile(np.max(best, axis=0) / np.min(best, axis=0), (0.05, 0.95))
    return float(low), float(high)


def best_rate(data: Dataset, family: Family, shape: Shape, steps: int, rule: str, seeds: int = SEEDS) -> Row:
    """Train one shape at every rate; return where validation error is least.

    Args:
        data: At the shape's resolution.
        family: Of the networks.
        shape: Their shape.
        steps: Of each training.
        rule: One of :data:`RULES`.
        seeds: How many trainings of each rate.
    """
    torch.set_num_threads(1)
    trials = [(rate, seed) for rate in RATES for seed in range(seeds)]
    network, scales = at_start(data, family, shape, rule, [seed for _, seed in trials])
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
        scales=scales,
    )
    errors = progress.best_error.view(len(RATES), seeds).numpy()
    rounded = tuple(tuple(round(float(error), 6) for error in of_rate) for of_rate in errors)
    return Row(rule, shape.width, lowest(errors.mean(axis=1)), rounded)


def at_start(
    data: Dataset, family: Family, shape: Shape, rule: str, seeds: Sequence[int]
) -> tuple[StackedNetwork, torch.Tensor]:
    """Return networks of one shape with a rule's initial weights, one a seed, and what multiplies their rates.

    Args:
        data: At the shape's resolution.
        family: Of the networks.
        shape: Their shape.
        rule: One of :data:`RULES`.
        seeds: Of the members' initial weights.

    Returns:
        The networks and, shaped like their parameters, the factors of Adam's rate.
    """
    network = family.stacked(data.input_shape, data.n_outputs, shape, len(seeds))
    network.n_symbols = family.one_hot(data)
    plain = family.network(data.input_shape, data.n_outputs, shape)
    found = factors(RULES[rule], plain, family.head(plain), shape.width)
    scales = network.over(torch.ones_like(network.parameters))
    for member, seed in enumerate(seeds):
        generator = torch.Generator().manual_seed(seed)
        state = family.initial_state(data.input_shape, data.n_outputs, shape, generator)
        network.load(member, {name: leaf * found.weights.get(name, 1.0) for name, leaf in state.items()})
        scales.load(member, {name: torch.full_like(leaf, found.rates.get(name, 1.0)) for name, leaf in state.items()})
    return network, scales.parameters


def lowest(errors: np.ndarray) -> float:
    """Return the rate where a parabola through the least error and its neighbours, all in logs, is lowest.

    Where the least error is 0 or a neighbour is missing, it is the rate of the least error itself.
    """
    best = int(np.argmin(errors))
    if not 0 < best < len(errors) - 1 or not np.isfinite(errors[best - 1 : best + 2]).all() or errors[best] == 0:
        return RATES[best]
    left, middle, right = np.log(errors[best - 1 : best + 2])
    bend = left - 2 * middle + right
    return RATES[best] * math.pow(2.0, 0.5 * (left - right) / bend if bend > 0 else 0.0)
