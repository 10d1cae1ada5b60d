"""Train many small networks as one batched program.

Small networks are bound by overhead, not arithmetic: K members in one program make 10-20 times as many steps a second
as K separate loops. Members never depend on their pack: each has its own generators for weights and batches, and every
operation here works member by member.

All parameters of a pack live in one flat tensor ``(members, scalars)``; layers are views into it, so Adam is a handful
of element-wise operations whatever the network.
"""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, final

import numpy as np
import torch

# MKL's default kernels round by where a matrix lies in memory, so by a member's place in its pack: ask for those that
# do not, the same on every x86 machine. Read at MKL's first call; other libraries ignore it.
# measured: mlp and cnn at K = 20, no slower
os.environ.setdefault("MKL_CBWR", "AVX2,STRICT")

BETA1: Final = 0.9
BETA2: Final = 0.999
EPSILON: Final = 1e-8
CHECKPOINTS: Final = 12


class StackedNetwork(ABC):
    """K networks of one padded shape.

    Args:
        members: How many networks, K.
        sizes: Scalars of each parameter tensor of one padded member, in the order of ``load``.

    Attributes:
        parameters: ``(members, scalars)``.
        gradient: Same shape; written by ``differentiate``.
        least_members: Smaller packs are filled up with copies, so that results do not depend on the pack.
    """

    least_members = 1

    def __init__(self, members: int, sizes: Sequence[int]) -> None:
        self.members = members
        self.parameters = torch.zeros(members, sum(sizes))
        self.gradient = torch.zeros_like(self.parameters)
        ends = np.cumsum(sizes)
        self.spans = [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]

    @abstractmethod
    def load(self, member: int, state: dict[str, torch.Tensor]) -> None:
        """Copy the state of a plain network, no larger than the padded shape, into one member."""

    @abstractmethod
    def state(self, member: int, like: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return one member as a plain network's state, cut to the shapes of ``like``."""

    @abstractmethod
    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map inputs (members, batch, *input_shape) to logits (members, batch, n_outputs), without gradients."""

    @abstractmethod
    def differentiate(self, inputs: torch.Tensor, labels: torch.Tensor) -> None:
        """Write the gradient of each member's mean cross-entropy on its batch into ``gradient``.

        Args:
            inputs: (members, batch, *input_shape).
            labels: (members, batch), class indices.
        """


@final
class BatchStream:
    """The batches of one member: epochs without replacement over its own subset, from its own generator.

    Where the subset is no multiple of the batch, the rest of an epoch is dropped; the next epoch shuffles anew.

    Args:
        subset: Row numbers into the training split.
        batch_size: Examples a step, at most ``len(subset)``.
        seed: Seeds the order of batches and nothing else.
    """

    def __init__(self, subset: np.ndarray, batch_size: int, seed: int) -> None:
        self._subset = subset
        self._size = batch_size
        self._per_epoch = len(subset) // batch_size
        self._generator = np.random.default_rng((seed, 2))
        self._left = np.empty((0, batch_size), dtype=np.int64)

    def take(self, steps: int) -> np.ndarray:
        """Return the next ``steps`` batches as row numbers, (steps, batch)."""
        parts = [self._left]
        have = len(self._left)
        while have < steps:
            order = self._generator.permutation(self._subset)[: self._per_epoch * self._size]
            parts.append(order.reshape(self._per_epoch, self._size))
            have += self._per_epoch
        batches = np.concatenate(parts)
        self._left = batches[steps:]
        return batches[:steps]


@final
@dataclass
class Progress:
    """What training found, per member.

    Attributes:
        best_error: Lowest validation error over the checkpoints, (members,); infinite if none was finite.
        best_loss: Validation cross-entropy there.
        best_step: Step of that checkpoint.
        best_parameters: Parameters there, (members, scalars).
        curves: Per member: [step, validation error, validation loss] at log-spaced steps.
        diverged: Whether loss or weights stopped being finite, (members,).
    """

    best_error: torch.Tensor
    best_loss: torch.Tensor
    best_step: torch.Tensor
    best_parameters: torch.Tensor
    curves: list[list[list[float]]] = field(default_factory=list)
    diverged: torch.Tensor = field(default_factory=lambda: torch.empty(0))


def checkpoints(steps: int) -> list[int]:
    """Return the steps at which validation is read: log-spaced over the last factor of 64, the last step included."""
    first = max(1, steps // 64)
    return sorted({round(first * (steps / first) ** (i / (CHECKPOINTS - 1))) for i in range(CHECKPOINTS)})


def train(
    network: StackedNetwork,
    *,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    val_inputs: torch.Tensor,
    val_labels: torch.Tensor,
    streams: Sequence[BatchStream],
    learning_rates: Sequence[float],
    weight_decays: Sequence[float],
    steps: int,
) -> Progress:
    """Train every member by Adam, annealed to 0, with decoupled weight decay; keep the best validation checkpoint.

    Args:
        network: The members, already loaded; its parameters end at the last step's.
        inputs: Training inputs, (n, *input_shape).
        labels: Training labels, (n,).
        val_inputs: Validation inputs, (n_val, *input_shape).
        val_labels: Validation labels, (n_val,).
        streams: One a member; all of one batch size.
        learning_rates: Peak rate of each member.
        weight_decays: Decoupled decay of each member.
        steps: Optimiser steps.

    Returns:
        The best checkpoints and the curves.

    Source:
        Adam: Kingma & Ba 2015, arXiv:1412.6980; decoupled decay: Loshchilov & Hutter 2019, arXiv:1711.05101;
        cosine annealing: Loshchilov & Hutter 2017, arXiv:1608.03983.
    """
    parameters, gradient = network.parameters, network.gradient
    mean, square = torch.zeros_like(parameters), torch.zeros_like(parameters)
    rates = torch.tensor(learning_rates, dtype=parameters.dtype).unsqueeze(1)
    decays = torch.tensor(weight_decays, dtype=parameters.dtype).unsqueeze(1)
    decaying = bool((decays > 0).any())
    progress = _empty_progress(network)
    done = 0
    for checkpoint in checkpoints(steps):
        rows = torch.from_numpy(np.stack([s.take(checkpoint - done) for s in streams], axis=1))
        for offset in range(checkpoint - done):
            batch = rows[offset]
            network.differentiate(inputs[batch], labels[batch])
            t = done + offset + 1
            share = 0.5 * (1 + math.cos(math.pi * (t - 1) / steps))
            mean.lerp_(gradient, 1 - BETA1)
            square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
            if decaying:
                parameters.mul_(1 - rates * decays * share)
            root = square.sqrt().div_(math.sqrt(1 - BETA2**t)).add_(EPSILON)
            parameters.sub_(torch.div(mean, root).mul_(rates * (share / (1 - BETA1**t))))
        done = checkpoint
        _check(network, progress, val_inputs, val_labels, done)
    return progress


def errors_and_losses(
    network: StackedNetwork, inputs: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each member's share of wrong answers and mean cross-entropy on one common split, both (members,)."""
    logits = network.logits(inputs.unsqueeze(0).expand(network.members, *inputs.shape))
    picked = labels.view(1, -1, 1).expand(network.members, -1, 1)
    losses = (torch.logsumexp(logits, dim=2) - logits.gather(2, picked).squeeze(2)).mean(dim=1)
    errors = (logits.argmax(dim=2) != labels).to(torch.float64).mean(dim=1)
    return errors, losses


def _empty_progress(network: StackedNetwork) -> Progress:
    worst = torch.full((network.members,), math.inf)
    return Progress(
        best_error=worst.double(),
        best_loss=worst,
        best_step=torch.zeros(network.members, dtype=torch.int64),
        best_parameters=network.parameters.clone(),
        curves=[[] for _ in range(network.members)],
        diverged=torch.zeros(network.members, dtype=torch.bool),
    )


def _check(network: StackedNetwork, progress: Progress, inputs: torch.Tensor, labels: torch.Tensor, step: int) -> None:
    """Read validation, keep what is better (error, then loss), note what diverged."""
    errors, losses = errors_and_losses(network, inputs, labels)
    finite = torch.isfinite(losses) & torch.isfinite(network.parameters).all(dim=1)
    progress.diverged |= ~finite
    better = (errors < progress.best_error) | ((errors == progress.best_error) & (losses < progress.best_loss))
    better &= ~progress.diverged
    progress.best_error[better] = errors[better]
    progress.best_loss[better] = losses[better]
    progress.best_step[better] = step
    progress.best_parameters[better] = network.parameters[better]
    for curve, error, loss in zip(progress.curves, errors.tolist(), losses.tolist(), strict=True):
        if math.isfinite(loss):
            curve.append([step, round(error, 6), round(loss, 6)])
