"""One live search: a strategy and a way of training, from nothing to a certified shape, on the wall clock."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

import torch
from torch.nn import functional

from harness import plugins
from harness.batches import BatchStream
from harness.certify import fresh_trials
from harness.search.base import Setting, Strategy
from harness.smallest import Request, Result, find_smallest
from harness.stack import checkpoints
from harness.study import Investigation, Study
from harness.train import packs, run_pack
from harness.trial import Outcome, Trial


@final
@dataclass(frozen=True)
class Finished:
    """How a live search ended.

    Attributes:
        setting: What was certified; None where nothing was.
        params: Its trainable scalars, 0 where nothing was certified.
        wall_s: Seconds from start to certificate.
        search_s: Of those, before and between certifications.
        n_trainings: Runs in all.
        train_flops: Flops of all runs.
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
    """
    investigation = Investigation(study)
    space = investigation.space
    [target] = study.targets
    made: Counter[Setting] = Counter()
    certified: Counter[int] = Counter()
    spent = {"search": 0.0, "certify": 0.0, "flops": 0.0}
    n_trainings = 0

    def answer(requests: list[Request]) -> list[list[Result]]:
        nonlocal n_trainings
        trials: list[Trial] = []
        for request in requests:
            run = investigation.trial(request.setting)
            if request.attempt is None:
                trials += [replace(run, seed=made[request.setting] + i) for i in range(request.n)]
                made[request.setting] += request.n
            else:
                have = certified[request.attempt]
                fresh = fresh_trials(run, "certify", have + request.n, study.seed, target)
                trials += fresh[have:]
                certified[request.attempt] += request.n
            spent["flops"] += request.n * space.train_flops(request.setting)
        started = time.perf_counter()
        plain = training == "one by one" and all(request.attempt is None for request in requests)
        outcomes = [train_alone(trial) for trial in trials] if plain else _stacked(trials)
        spent["certify" if requests[0].attempt else "search"] += time.perf_counter() - started
        n_trainings += len(trials)
        results = iter(outcomes)
        return [[_result(next(results)) for _ in range(request.n)] for request in requests]

    started = time.perf_counter()
    rounds = find_smallest(strategy, space, investigation.task.target_to_error(target))
    try:
        requests = next(rounds)
        while True:
            requests = rounds.send(answer(requests))
    except StopIteration as end:
        setting: Setting | None = end.value.certified
    wall_s = time.perf_counter() - started
    params = space.params[setting.shape] if setting else 0
    return Finished(setting, params, wall_s, wall_s - spent["certify"], n_trainings, spent["flops"])


def train_alone(trial: Trial) -> Outcome:
    """Train one network by an ordinary loop, read validation where a stack would, and keep the best checkpoint."""
    family, data = plugins.load("families", trial.family), plugins.load("datasets", trial.dataset)
    data = data.at(trial.shape.resolution)
    network = family.network(data.input_shape, data.n_classes, trial.shape)
    network.load_state_dict(
        family.initial_state(data.input_shape, data.n_classes, trial.shape, torch.Generator().manual_seed(trial.seed))
    )
    inputs, labels = torch.from_numpy(data.train().inputs.copy()), torch.from_numpy(data.train().labels.copy())
    val_inputs, val_labels = torch.from_numpy(data.val().inputs.copy()), torch.from_numpy(data.val().labels.copy())
    stream = BatchStream(data.subset(trial.n_train, trial.seed), min(trial.batch_size, trial.n_train), trial.seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=trial.learning_rate, weight_decay=trial.weight_decay)
    best, done = math.inf, 0
    for checkpoint in checkpoints(trial.steps):
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
        if bool(torch.isfinite(logits).all()):
            best = min(best, float((logits.argmax(dim=1) != val_labels).double().mean()))
    if not math.isfinite(best):
        return Outcome(status="diverged", reason="loss or weights stopped being finite")
    return Outcome(status="ok", val_error=best, val_loss=0.0, best_step=trial.steps)


def _stacked(trials: Sequence[Trial]) -> list[Outcome]:
    done = {}
    for pack in packs(trials):
        for trial, outcome in zip(pack, run_pack(pack), strict=True):
            done[trial.key] = outcome
    return [done[trial.key] for trial in trials]


def _result(outcome: Outcome) -> Result:
    return Result(math.inf if outcome.val_error is None else outcome.val_error, outcome.test_error)
