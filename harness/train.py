"""Turn trials into packs and packs into outcomes: the pure function that executors map."""

from __future__ import annotations

import io
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import torch

from harness import measure, plugins
from harness.batches import BatchStream
from harness.datasets.base import Dataset, Split
from harness.families.base import Family, State
from harness.ledger import sync_folder
from harness.metrics import scored
from harness.shrink import prune
from harness.stack import Progress, StackedNetwork, train
from harness.tasks.base import Task
from harness.trial import Outcome, Shape, Trial

MOST_MEMBERS: Final = 64
# Packs smaller than this take about as long as one of 8: a step is overhead, and grouped convolution fills up to 8.
FEWEST_MEMBERS: Final = 8


def packs(trials: Sequence[Trial], workers: int = 1) -> list[Sequence[Trial]]:
    """Group trials that can train as one program, each group small enough to be one pack but no smaller than pays.

    Members of a pack share data set, family, padded shape, batch size, route, metric and the same of what they are
    pruned from.
    Their steps may differ, the longest first: a few members cost as much as ``FEWEST_MEMBERS``, so a pack of long runs
    takes short ones along for nothing. Where there are fewer packs than workers the longest are halved. The grouping
    decides speed only: no outcome depends on it.
    """
    groups: dict[tuple[object, ...], list[Trial]] = defaultdict(list)
    for trial in sorted(trials, key=_steps, reverse=True):
        groups[_program(trial)].append(trial)
    found: list[Sequence[Trial]] = [pack for members in groups.values() for pack in _even(members)]
    found.sort(key=_work)
    while len(found) < workers and found and len(found[-1]) >= 2 * FEWEST_MEMBERS:
        longest = found.pop()
        found += [longest[::2], longest[1::2]]
        found.sort(key=_work)
    return found[::-1]


def _even(trials: list[Trial]) -> list[list[Trial]]:
    """Cut trials of one program into as few packs as may be, of about equal work."""
    family: Family = plugins.load("families", trials[0].family)
    high = family.pack_steps
    low, count = 0, len(_cut(trials, high))
    while high - low > 1:  # the least work a pack that makes no more packs
        middle = (low + high) // 2
        low, high = (low, middle) if len(_cut(trials, middle)) == count else (middle, high)
    return _cut(trials, high)


def _cut(trials: list[Trial], work: int) -> list[list[Trial]]:
    """Fill packs in order, each up to ``MOST_MEMBERS`` and, beyond ``FEWEST_MEMBERS``, up to ``work`` member-steps."""
    found: list[list[Trial]] = [[]]
    filled = 0
    for trial in trials:
        full = len(found[-1]) >= FEWEST_MEMBERS and filled + _steps(trial) > work
        if full or len(found[-1]) == MOST_MEMBERS:
            found.append([])
            filled = 0
        found[-1].append(trial)
        filled += _steps(trial)
    return found


def _work(pack: Sequence[Trial]) -> int:
    return sum(map(_steps, pack))


def run_pack(
    trials: Sequence[Trial], weights: Path | None = None, *, device: str = "cpu", compiled: bool = False
) -> list[Outcome]:
    """Train one pack on one thread.

    Args:
        trials: Members, as grouped by :func:`packs`.
        weights: Folder that receives ``<key>.npz`` of each ``tested`` member; None keeps no weights.
        device: Where to train, as torch names it. Outcomes of another device differ in the last digits.
        compiled: Whether to compile the steps, see :func:`harness.stack.train`: for large packs; outcomes differ in
            the last digits from the eager ones.

    Returns:
        One outcome a member, in order.
    """
    with _single_thread():
        return _run_pack(trials, weights, device, compiled)


@contextmanager
def _single_thread() -> Iterator[None]:
    """Train on one thread with denormal numbers flushed to zero: they slow arithmetic down many times over."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _run_pack(trials: Sequence[Trial], weights: Path | None, device: str, compiled: bool) -> list[Outcome]:
    started = time.perf_counter()
    filled = [
        *trials,
        *[trials[-1]]
        * max(0, _program_of(trials[0].family, trials[0].dataset, _padded(trials[0])).least_members - len(trials)),
    ]
    states = (
        [_initial_state(trial) for trial in filled]
        if trials[0].route == "scratch"
        else _pruned_states(filled, device, compiled)
    )
    progress, trained = _train(filled, states, device, compiled)
    tested = _test(filled, trained, device) if any(t.tested for t in trials) else None
    share = (time.perf_counter() - started) / len(trials)
    outcomes = [_outcome(i, trial, progress, tested, share) for i, trial in enumerate(trials)]
    if weights is not None:
        for trial, outcome, state in zip(trials, outcomes, trained, strict=False):
            if trial.tested and outcome.status == "ok":
                save_weights(weights / f"{trial.key}.npz", state)
    return outcomes


def save_weights(path: Path, state: State) -> None:
    """Write a state atomically as an uncompressed npz; when this returns, it is on disk, its name included."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: tensor.numpy() for name, tensor in state.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(buffer.getvalue())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def load_weights(path: Path) -> State:
    """Read what :func:`save_weights` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


@cache
def flops(family: str, dataset: str, shape: Shape) -> float:
    """Return the forward flops of one example for a shape of a family on a data set."""
    data = plugins.load("datasets", dataset).at(shape.resolution)
    network = plugins.load("families", family).network(data.input_shape, data.n_outputs, shape)
    return measure.count_flops(network, data.input_shape)


def train_flops(trial: Trial) -> float:
    """Return the flops of one run, unpadded, what it was pruned from included: 3 x forward x examples seen."""
    forward = flops(trial.family, trial.dataset, trial.shape)
    own = measure.train_flops(forward, trial.steps * batch_size(trial))
    return own + (train_flops(trial.pruned_from) if trial.pruned_from else 0.0)


def batch_size(trial: Trial) -> int:
    """Return examples a step: the batch, or all training examples where there are fewer."""
    return min(trial.batch_size, trial.n_train)


def _program(trial: Trial) -> tuple[object, ...]:
    parent = _program(trial.pruned_from) if trial.pruned_from else None
    shape = _padded(trial)
    return (trial.dataset, trial.family, shape, batch_size(trial), trial.route, trial.tested, trial.metric, parent)


def _steps(trial: Trial) -> int:
    return trial.steps + (_steps(trial.pruned_from) if trial.pruned_from else 0)


def _initial_state(trial: Trial) -> State:
    family: Family = plugins.load("families", trial.family)
    data = plugins.load("datasets", trial.dataset).at(trial.shape.resolution)
    generator = torch.Generator().manual_seed(trial.seed)
    return family.initial_state(data.input_shape, data.n_outputs, trial.shape, generator)


def _pruned_states(trials: Sequence[Trial], device: str, compiled: bool) -> list[State]:
    """Train what the members are pruned from, as one pack, and cut each down to its shape."""
    parents = [trial.pruned_from for trial in trials]
    assert all(parents)  # noqa: S101 - route and pruned_from are set together
    large = [parent for parent in parents if parent is not None]
    _, trained = _train(large, [_initial_state(parent) for parent in large], device, compiled)
    family: Family = plugins.load("families", trials[0].family)
    data = plugins.load("datasets", trials[0].dataset).at(trials[0].shape.resolution)
    small = []
    for trial, parent, state in zip(trials, large, trained, strict=True):
        network = family.network(data.input_shape, data.n_outputs, parent.shape)
        network.load_state_dict(state)
        small.append(dict(prune(family, network, data.input_shape, data.n_outputs, trial.shape).state_dict()))
    return small


def _train(trials: Sequence[Trial], states: list[State], device: str, compiled: bool) -> tuple[Progress, list[State]]:
    """Train members from given states; return what training found and the best checkpoints as plain states."""
    data = plugins.load("datasets", trials[0].dataset).at(trials[0].shape.resolution)
    network = _stacked(trials, states)
    inputs, labels = _on(device, data.train())
    val_inputs, val_labels = _on(device, data.val())
    weights = _task(trials[0]).weights(data.val().labels)
    progress = train(
        network.over(network.parameters.to(device)),
        inputs=inputs,
        labels=labels,
        val_inputs=val_inputs,
        val_labels=val_labels,
        streams=[BatchStream(data.subset(t.n_train, t.seed), batch_size(t), t.seed) for t in trials],
        learning_rates=[t.learning_rate for t in trials],
        weight_decays=[t.weight_decay for t in trials],
        steps=[t.steps for t in trials],
        val_weights=None if weights is None else torch.tensor(weights, device=device),
        compiled=compiled,
    )
    best = network.over(progress.best_parameters.cpu())
    return progress, [best.state(i, state) for i, state in enumerate(states)]


def _test(trials: Sequence[Trial], states: list[State], device: str) -> np.ndarray:
    """Return the outcome of each member's best checkpoint on each test item, (members, items)."""
    network = _stacked(trials, states)
    network = network.over(network.parameters.to(device))
    data: Dataset = plugins.load("datasets", trials[0].dataset)
    task = _task(trials[0])
    test = data.at(trials[0].shape.resolution).test()
    found, start = [], 0
    for outputs in network.outputs(torch.tensor(test.inputs, device=device)):
        labels = test.labels[start : start + outputs.shape[1]]
        found.append(task.outcomes(outputs.cpu().numpy(), labels))
        start += outputs.shape[1]
    return np.concatenate(found, axis=1)


def _stacked(trials: Sequence[Trial], states: list[State]) -> StackedNetwork:
    """Return the members as one program, loaded."""
    one = _program_of(trials[0].family, trials[0].dataset, _padded(trials[0]))
    network = one.over(one.parameters.new_zeros(len(trials), one.parameters.shape[1]))
    for member, state in enumerate(states):
        network.load(member, state)
    return network


@cache
def _program_of(family: str, dataset: str, shape: Shape) -> StackedNetwork:
    """Return a program of one member; packs of this process share what is compiled for it."""
    data: Dataset = plugins.load("datasets", dataset).at(shape.resolution)
    chosen: Family = plugins.load("families", family)
    network = chosen.stacked(data.input_shape, data.n_outputs, shape, 1)
    network.n_symbols = chosen.one_hot(data)
    if data.n_outputs == 1:  # a product of one matrix with one column is computed otherwise than several of them
        network.least_members = max(network.least_members, 2)
    return network


def _padded(trial: Trial) -> Shape:
    padded: Shape = plugins.load("families", trial.family).padded(trial.shape)
    return padded


def _on(device: str, split: Split) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(split.inputs, device=device), torch.tensor(split.labels, device=device)


def _outcome(i: int, trial: Trial, progress: Progress, tested: np.ndarray | None, wall_s: float) -> Outcome:
    common = Outcome(status="ok", curve=progress.curves[i], train_flops=train_flops(trial), wall_s=round(wall_s, 6))
    if bool(progress.diverged[i]) or not np.isfinite(float(progress.best_loss[i])):
        return replace(common, status="diverged", reason="loss or weights stopped being finite")
    found = replace(
        common,
        val_error=round(float(progress.best_error[i]), 12),
        val_loss=round(float(progress.best_loss[i]), 9),
        best_step=int(progress.best_step[i]),
    )
    if not trial.tested or tested is None:
        return found
    task, labels = _task(trial), plugins.load("datasets", trial.dataset).test().labels
    error = float(task.error_from_outcomes(tested[i : i + 1], labels)[0])
    return replace(found, test_outcomes=task.encode(tested[i : i + 1], labels), test_error=round(error, 12))


def _task(trial: Trial) -> Task:
    """Return what scores a trial."""
    return scored(plugins.load("datasets", trial.dataset).task, trial.metric)
