"""One live search: a strategy and a way of training, from nothing to a certified shape, on the wall clock."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch.nn import functional

from harness import plugins
from harness.batches import BatchStream
from harness.investigation import Investigation
from harness.procedure import drive
from harness.search.base import Setting, Strategy
from harness.stack import checkpoints
from harness.study import Study
from harness.train import batch_size, packs, run_pack, train_flops
from harness.trial import Outcome, Trial


@final
@dataclass(frozen=True)
class Finished:
    """How a live search ended.

    Attributes:
        setting: What was certified; None where nothing was.
        params: Its trainable scalars, 0 where nothing was certified.
        wall_s: Seconds from start to end.
        search_s: Of those, what certifying runs did not take: trainings of the search, and thinking.
        n_trainings: Runs in all, certifying ones included.
        train_flops: Flops of these runs, unpadded.
    """

    setting: Setting | None
    params: int
    wall_s: float
    search_s: float
    n_trainings: int
    train_flops: float


def live_search(study: Study, strategy: Strategy, training: Literal["stacked", "one by one"]) -> Finished:
    """Search for the study's one target in this process, on one thread.

    Args:
        study: The question; its own search is not used.
        strategy: Proposes.
        training: How the runs of the search are trained: rounds as stacks, or an ordinary loop over one network at a
            time. Certification is the same for both: a stack.

    Raises:
        ValueError: If the study has not exactly one target.
    """
    investigation = Investigation(study)
    [target] = study.targets
    made: list[Trial] = []
    certify_s = 0.0

    def round_(trials: list[Trial]) -> list[Outcome]:
        nonlocal certify_s
        started = time.perf_counter()
        certifies = trials[0].tested  # a round is one certification, or all search
        plain = training == "one by one" and not certifies
        outcomes = [train_alone(trial) for trial in trials] if plain else _stacked(trials)
        certify_s += certifies * (time.perf_counter() - started)
        made.extend(trials)
        return outcomes

    started = time.perf_counter()
    setting = drive(investigation.search(target, [], strategy=strategy), round_).certified
    wall_s = time.perf_counter() - started
    params = investigation.params(setting.shape) if setting else 0
    return Finished(setting, params, wall_s, wall_s - certify_s, len(made), sum(map(train_flops, made)))


def train_alone(trial: Trial) -> Outcome:
    """Train one network from scratch by an ordinary loop on one thread, and read validation where a stack would.

    Returns:
        The best checkpoint's validation error and loss; the test split is not read.
    """
    torch.set_num_threads(1)
    family, data = plugins.load("families", trial.family), plugins.load("datasets", trial.dataset)
    data = data.at(trial.shape.resolution)
    network = family.network(data.input_shape, data.n_outputs, trial.shape)
    network.load_state_dict(
        family.initial_state(data.input_shape, data.n_outputs, trial.shape, torch.Generator().manual_seed(trial.seed))
    )
    inputs, labels = torch.from_numpy(data.train().inputs.copy()), torch.from_numpy(data.train().labels.copy())
    val_inputs, val_labels = torch.from_numpy(data.val().inputs.copy()), torch.from_numpy(data.val().labels.copy())
    stream = BatchStream(data.subset(trial.n_train, trial.seed), batch_size(trial), trial.seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=trial.learning_rate, weight_decay=trial.weight_decay)
    best, best_step, done = (math.inf, math.inf), 0, 0
    for checkpoint in checkpoints(trial.steps, batch_size(trial), len(val_labels)):
        for offset, batch in enumerate(torch.from_numpy(stream.take(checkpoint - done))):
            share = 0.5 * (1 + math.cos(math.pi * (done + offset) / trial.steps))
            optimiser.param_groups[0]["lr"] = trial.learning_rate * share
            optimiser.zero_grad()
            loss = functional.cross_entropy(network(inputs[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call] # torch says nothing of its type
            optimiser.step()
        done = checkpoint
        with torch.no_grad():
            logits = network(val_inputs)
        error = round(float((logits.argmax(dim=1) != val_labels).double().mean()), 12)
        loss = functional.cross_entropy(logits, val_labels)
        if not bool(torch.isfinite(loss)):
            return Outcome(status="diverged", reason="loss or weights stopped being finite")
        if (error, float(loss)) < best:
            best, best_step = (error, float(loss)), done
    return Outcome(status="ok", val_error=best[0], val_loss=best[1], best_step=best_step)


def _stacked(trials: Sequence[Trial]) -> list[Outcome]:
    done = {}
    for pack in packs(trials):
        for trial, outcome in zip(pack, run_pack(pack), strict=True):
            done[trial.key] = outcome
    return [done[trial.key] for trial in trials]
