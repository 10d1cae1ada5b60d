"""How many steps a second stacked training makes, beside one network at a time."""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal, NamedTuple, final

import click
import numpy as np
import torch

from harness import plugins
from harness.batches import BatchStream
from harness.compiled import can_compile
from harness.families.base import Family
from harness.schedule import Schedule
from harness.stack import StackedNetwork, train
from harness.trial import Shape
from registry.errors import UsageError

Mode = Literal["eager", "compiled"]

INPUT_SHAPES: Final = {"mlp": (64,), "cnn": (1, 16, 16)}
N_CLASSES: Final = 10
DEPTH: Final = 2
BATCH: Final = 32
RATE: Final = 0.003
DRAWN: Final = 2000  # examples that batches are taken from
READ: Final = 8  # examples validation reads: a loop of one's own would read it too


class Row(NamedTuple):
    """Steps a second of all members together, on one core, and how many times the loops' they are.

    ``ratio`` is over the plain loop, ``ratio_fused`` over the one with fused Adam: medians of ratios taken in turn.
    """

    family: str
    width: int
    depth: int
    k: int
    mode: Mode
    steps_per_s: float
    ratio: float
    ratio_fused: float


@final
@dataclass(frozen=True)
class Settings:
    """What is measured.

    Args:
        widths: Widths of each family.
        members: How many networks a stack has.
        modes: How stacks are trained.
        repeats: Turns; in each, every way is measured once.
        seconds: About how long each measurement lasts.
        least_steps: Steps of a measurement however long they take, by family: a perceptron's few would be overshadowed
            by the 12 readings of validation, which real runs spread over thousands.
    """

    widths: dict[str, tuple[int, ...]]
    members: tuple[int, ...] = (16, 64, 256)
    modes: tuple[Mode, ...] = ("eager", "compiled")
    repeats: int = 5
    seconds: float = 1.0
    least_steps: Mapping[str, int] = field(default_factory=lambda: {"mlp": 200, "cnn": 1})


FULL: Final = Settings({"mlp": (8, 32, 128), "cnn": (4, 8, 32)})
QUICK: Final = replace(FULL, widths={"mlp": (8, 32), "cnn": (8,)}, members=(64,), repeats=3, seconds=0.5)


@click.command("throughput")
@click.option("--json", "json_", type=click.Path(path_type=Path), metavar="FILE", help="Write the rows here too.")
@click.option("--quick", is_flag=True, help="Small networks and 64 members alone.")
def COMMAND(json_: Path | None, quick: bool) -> None:
    """Stacked training against one network at a time, with torch's Adam and with its fused Adam; one thread."""
    if json_ is not None and (json_.is_dir() or not os.access(json_.parent, os.W_OK)):
        raise UsageError(f"cannot write '{json_}'", "expected a file in a folder that may be written to")
    settings = QUICK if quick else FULL
    if not can_compile("cpu"):
        settings = replace(settings, modes=("eager",))
    rows: list[Row] = []
    for family, widths in settings.widths.items():
        for width in widths:
            for row in measure(family, width, settings):
                rows.append(row)
                click.echo(
                    f"{row.family}  width {row.width:>3}  {row.k:>3} members  {row.mode:<8}  "
                    f"{row.steps_per_s:>8,.0f} steps/s  {row.ratio:5.1f} x plain  {row.ratio_fused:5.1f} x fused Adam"
                )
    written: dict[str, object] = {"rows": [row._asdict() for row in rows]}
    if (os.cpu_count() or 1) > 1:
        gain = processes_over_threads(settings)
        written["processes_over_threads"] = gain
        click.echo(f"two processes of one thread over one process of two: {gain:.2f} x the steps (mlp, width 32)")
    if json_ is not None:
        json_.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def measure(family: str, width: int, settings: Settings) -> list[Row]:
    """Measure every stack of one network beside both loops, in turns, so that a busy machine slows all alike."""
    ways: dict[tuple[int, Mode] | str, Callable[[int], float]] = {
        "plain": partial(loop_rate, family, width, False),
        "fused": partial(loop_rate, family, width, True),
    }
    one = _stack(family, width, 1)
    for k in settings.members:
        for mode in settings.modes:
            ways[k, mode] = partial(stack_rate, _stack(family, width, k, one), family, k, mode)
    with _one_thread():
        steps = {}
        for name, rate in ways.items():
            rate(2)  # warms up, and compiles
            k = 1 if isinstance(name, str) else name[0]
            steps[name] = max(settings.least_steps[family], round(settings.seconds * rate(2) / k))
        found: dict[object, list[float]] = {name: [] for name in ways}
        for _ in range(settings.repeats):
            for name, rate in ways.items():
                found[name].append(rate(steps[name]))
    return [
        Row(
            family=family,
            width=width,
            depth=DEPTH,
            k=k,
            mode=mode,
            steps_per_s=statistics.median(found[k, mode]),
            ratio=_ratio(found[k, mode], found["plain"]),
            ratio_fused=_ratio(found[k, mode], found["fused"]),
        )
        for k in settings.members
        for mode in settings.modes
    ]


def processes_over_threads(settings: Settings) -> float:
    """Return how many times the steps two single-threaded processes make of one with two threads (mlp, width 32)."""
    rate = partial(_rate_with, settings.seconds)
    gains = []
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(rate, [1, 1]))  # both are up
        for _ in range(settings.repeats):
            each = sum(pool.map(rate, [1, 1]))
            gains.append(each / pool.submit(rate, 2).result())
    return statistics.median(gains)


def loop_rate(family: str, width: int, fused: bool, steps: int) -> float:
    """Return steps a second of the ordinary loop over one network."""
    network = plugins.load("families", family).network(INPUT_SHAPES[family], N_CLASSES, Shape(width, DEPTH))
    network.load_state_dict(_initial(family, width, 0))
    inputs, labels = _examples(family)
    rows = torch.from_numpy(BatchStream(np.arange(DRAWN), BATCH, 0).take(steps))
    started = time.perf_counter()
    train_plainly(network, inputs, labels, rows, fused)
    return steps / (time.perf_counter() - started)


def train_plainly(
    network: torch.nn.Module, inputs: torch.Tensor, labels: torch.Tensor, rows: torch.Tensor, fused: bool
) -> None:
    """Train one network the way a tutorial does."""
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE, fused=fused)
    for batch in rows:
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(inputs[batch]), labels[batch])
        loss.backward()  # type: ignore[no-untyped-call] # torch says nothing of its type
        optimiser.step()


def stack_rate(network: StackedNetwork, family: str, k: int, mode: Mode, steps: int) -> float:
    """Return steps a second of all members of a stack together, everything that training does included."""
    inputs, labels = _examples(family)
    copy = network.over(network.parameters.clone())
    streams = [BatchStream(np.arange(DRAWN), BATCH, member) for member in range(k)]
    started = time.perf_counter()
    train_stacked(copy, inputs, labels, streams, steps, mode)
    return k * steps / (time.perf_counter() - started)


def train_stacked(
    network: StackedNetwork,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    streams: list[BatchStream],
    steps: int,
    mode: Mode,
) -> None:
    """Train a stack as the loop trains one: Adam at a constant rate."""
    train(
        network,
        inputs=inputs,
        labels=labels,
        val_inputs=inputs[:READ],
        val_labels=labels[:READ],
        streams=streams,
        learning_rates=[RATE] * network.members,
        weight_decays=[0.0] * network.members,
        steps=steps,
        schedules=Schedule("constant"),
        compiled=mode == "compiled",
    )


class _one_thread:  # noqa: N801 - read as the statement it is
    """Train as packs do: on one thread, denormal numbers flushed to zero."""

    def __enter__(self) -> None:
        self._threads = torch.get_num_threads()
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)

    def __exit__(self, *_: object) -> None:
        torch.set_flush_denormal(False)
        torch.set_num_threads(self._threads)


def _rate_with(seconds: float, threads: int) -> float:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    network = _stack("mlp", 32, 64)
    steps = max(2, round(seconds * stack_rate(network, "mlp", 64, "eager", 10) / 64))
    return stack_rate(network, "mlp", 64, "eager", steps)


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _examples(family: str) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(DRAWN, *INPUT_SHAPES[family], generator=generator)
    return inputs, torch.randint(N_CLASSES, (DRAWN,), generator=generator)


def _initial(family: str, width: int, member: int) -> dict[str, torch.Tensor]:
    plugin: Family = plugins.load("families", family)
    generator = torch.Generator().manual_seed(member)
    return plugin.initial_state(INPUT_SHAPES[family], N_CLASSES, Shape(width, DEPTH), generator)


def _stack(family: str, width: int, k: int, one: StackedNetwork | None = None) -> StackedNetwork:
    """Return ``k`` loaded members; with ``one``, of its program, so that what is compiled is shared."""
    plugin: Family = plugins.load("families", family)
    one = one or plugin.stacked(INPUT_SHAPES[family], N_CLASSES, Shape(width, DEPTH), 1)
    network = one.over(one.parameters.new_zeros(k, one.parameters.shape[1]))
    for member in range(k):
        network.load(member, _initial(family, width, member))
    return network
