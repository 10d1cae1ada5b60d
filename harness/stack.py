"""Train many small networks as one batched program.

Small networks are bound by overhead, not arithmetic: K members in one program make 10-20 times as many steps a second
as K separate loops. Members never depend on their pack: each has its own generators for weights and batches, its own
rate, decay, schedule and number of steps, and every operation here works member by member.

All parameters of a pack live in one flat tensor ``(members, scalars)``; layers are views into it, so Adam is a handful
of element-wise operations whatever the network.
"""

from __future__ import annotations

import copy
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
import torch

from harness.adam import BETA1
from harness.allocator import keep_freed_memory
from harness.batches import BatchStream
from harness.compiled import Compiled, can_compile
from harness.loss import on_each
from harness.schedule import Schedule
from harness.stepping import Eager, Stepper
from harness.symbols import as_read

# MKL's default kernels round by where a matrix lies in memory, so by a member's place in its pack: ask for those that
# do not, the same on every x86 machine. Read at MKL's first call; other libraries ignore it.
# measured: mlp and cnn at K = 20, no slower
os.environ.setdefault("MKL_CBWR", "AVX2,STRICT")
keep_freed_memory()

# Readings of validation. measured on shipped runs: with 4 instead of 12 the best is 0.0 to 0.1 % worse on all examples
# of the large data sets, 0.1 to 3 % on the fewest; but 4 to 11 % on the small data sets, where readings cost little
MOST_CHECKPOINTS: Final = 12
FEWEST_CHECKPOINTS: Final = 4
ROWS_AHEAD: Final = 1 << 21  # row numbers drawn at a time: 16 MB
SYMBOLS_AT_ONCE: Final = 4096  # read at a time where only outputs are wanted
# Examples read at a time where only outputs are wanted. Last digits of losses depend on these, as they do on a device.
EXAMPLES_AT_ONCE: Final = 512  # measured: mlps of 8 to 512 wide on 4,000 and 20,000 rows, 256 to 1,024 are fastest
IMAGES_AT_ONCE: Final = 32  # by convolutions; measured: 64 of 8 channels, 3,000 images of 16x16: 2.5 x as fast as whole


class StackedNetwork(ABC):
    """K networks of one padded shape.

    A subclass sets what describes its shape, then calls this constructor, which calls :meth:`bind`.

    Args:
        members: How many networks, K.
        sizes: Scalars of each parameter tensor of one padded member, in the order of ``load``.

    Attributes:
        parameters: ``(members, scalars)``.
        gradient: Same shape; written by ``differentiate``.
        shared: What programs of this shape have in common, whatever their members: :meth:`over` hands it on.
        least_members: Smaller packs are filled up with copies, so that results do not depend on the pack.
        n_symbols: How many symbols there are, where they are turned into one-hot rows for these networks; else 0.
        members_at_once: So many members, with their optimiser and their activations, fit a core's cache: larger packs
            are trained in parts of about this many.
        examples_at_once: So many examples, where they are numbers, are read at a time on a CPU where only outputs are
            wanted: the activations of most packs then fit memory that is used again, instead of new pages each time.
    """

    least_members = 1
    members_at_once = 64
    examples_at_once = EXAMPLES_AT_ONCE
    n_symbols = 0

    def __init__(self, members: int, sizes: Sequence[int]) -> None:
        ends = np.cumsum(sizes)
        self.spans = [slice(int(end) - size, int(end)) for end, size in zip(ends, sizes, strict=True)]
        self.shared: dict[str, Any] = {}
        self._place(torch.zeros(members, sum(sizes)))

    @final
    def _place(self, parameters: torch.Tensor) -> None:
        self.members = len(parameters)
        self.parameters = parameters
        self.gradient = torch.zeros_like(parameters)
        self.bind()

    @final
    def over(self, parameters: torch.Tensor) -> StackedNetwork:
        """Return the same program over other members: whatever their number, device and type of number.

        Args:
            parameters: (members, scalars); kept, not copied.
        """
        other = copy.copy(self)
        other._place(parameters)
        return other

    @abstractmethod
    def bind(self) -> None:
        """Make the layers' views into ``parameters`` and ``gradient``, which have just been replaced."""

    @abstractmethod
    def leaves(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """View a tensor shaped like ``parameters`` as the tensors that :meth:`forward` takes."""

    @abstractmethod
    def forward(self, leaves: Sequence[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """Map ``leaves`` and inputs (members, batch, *input_shape) to logits, as a pure function torch can trace."""

    @abstractmethod
    def load(self, member: int, state: dict[str, torch.Tensor]) -> None:
        """Copy the state of a plain network, no larger than the padded shape, into one member."""

    @abstractmethod
    def state(self, member: int, like: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return one member as a plain network's state, cut to the shapes of ``like``."""

    @final
    def read(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return inputs as the networks take them.

        Numbers are left as they are. Symbols, uint8 (..., length), become int64 where the networks read symbols, and
        one-hot rows, float32 (..., length, n_symbols), where they do not.
        """
        return as_read(inputs, self.n_symbols, self.parameters.dtype)

    @final
    def outputs(self, inputs: torch.Tensor) -> Iterator[torch.Tensor]:
        """Yield the logits of a split, some examples at a time, without gradients: (members, some, *outputs).

        Args:
            inputs: (n, ...), as a data set gives them: the same for all members.
        """
        each = self.examples_at_once if inputs.device.type == "cpu" else len(inputs)
        if inputs.dtype == torch.uint8:
            each = SYMBOLS_AT_ONCE // inputs[0].numel()
        # always so many, whatever the members: no result depends on them
        for part in torch.split(inputs, max(1, each)):
            read = self.read(part)
            yield self.logits(read.unsqueeze(0).expand(self.members, *read.shape))

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map inputs (members, batch, *input_shape) to logits (members, batch, n_outputs), without gradients."""
        with torch.no_grad():
            return self.forward(self.leaves(self.parameters), inputs)

    @abstractmethod
    def differentiate(self, inputs: torch.Tensor, labels: torch.Tensor) -> None:
        """Write the gradient of each member's mean loss on its batch into ``gradient``.

        Args:
            inputs: (members, batch, *input_shape), as :meth:`read` returns them.
            labels: (members, batch): class indices, or targets; or (members, batch, length).
        """


@final
@dataclass
class Progress:
    """What training found, per member.

    Attributes:
        best_error: Lowest validation error over the checkpoints, (members,); infinite if none was finite.
        best_loss: Validation loss there: cross-entropy, or squared error.
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


def checkpoints(steps: int, batch_size: int, n_val: int) -> list[int]:
    """Return the steps at which validation is read: log-spaced over the last factor of 64, the last step included.

    They are as many as read at most half as many examples as training does, but at least 4 and at most 12.

    Args:
        steps: Of one run.
        batch_size: Examples a step.
        n_val: Examples of the validation split.
    """
    affordable = steps * batch_size // (2 * n_val)
    n = min(max(affordable, FEWEST_CHECKPOINTS), MOST_CHECKPOINTS)
    first = max(1, steps // 64)
    return sorted({round(first * (steps / first) ** (i / (n - 1))) for i in range(n)})


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
    steps: int | Sequence[int],
    schedules: Schedule | Sequence[Schedule] = Schedule(),  # noqa: B008 - frozen
    scales: torch.Tensor | None = None,
    val_weights: torch.Tensor | None = None,
    compiled: bool = False,
) -> Progress:
    """Train every member by Adam with decoupled weight decay; keep the best validation checkpoint.

    Trained eagerly, a member comes to the same bits whatever its company: members that have made their steps leave the
    program, and packs too large for a core's cache are trained in parts.

    Args:
        network: The members, already loaded, at least ``least_members``; each ends at its own last step.
        inputs: Training inputs, (n, *input_shape), on the network's device.
        labels: Training labels, (n,): classes or targets; or (n, length).
        val_inputs: Validation inputs, (n_val, *input_shape).
        val_labels: Validation labels, (n_val,).
        streams: One a member; all of one batch size.
        learning_rates: Peak rate of each member.
        weight_decays: Decoupled decay of each member.
        steps: Optimiser steps, one number for all or one a member.
        schedules: How the rate moves, one for all or one a member.
        scales: What the rate of each scalar is multiplied by, (members, scalars); None for 1 everywhere.
        val_weights: What each validation example counts in the error, (n_val,), 1 in all; None where all count alike.
        compiled: Whether to compile a whole step. It takes seconds to a minute for each new shape of a pack and a C++
            compiler; results differ from the eager ones in the last digits. Without a compiler it says so once, on
            stderr, and trains eagerly.

    Returns:
        The best checkpoints and the curves.

    Source:
        Adam: Kingma & Ba 2015, arXiv:1412.6980; decoupled decay: Loshchilov & Hutter 2019, arXiv:1711.05101;
        cosine annealing: Loshchilov & Hutter 2017, arXiv:1608.03983.
    """
    k = network.members
    run = _Run(
        inputs=inputs,
        labels=labels,
        val_inputs=val_inputs,
        val_labels=val_labels,
        streams=streams,
        rates=torch.tensor(learning_rates, dtype=network.parameters.dtype),
        decays=torch.tensor(weight_decays, dtype=network.parameters.dtype),
        steps=[steps] * k if isinstance(steps, int) else list(steps),
        schedules=[schedules] * k if isinstance(schedules, Schedule) else list(schedules),
        scales=scales,
        val_weights=val_weights,
        stepper=Compiled if compiled and can_compile(network.parameters.device.type) else Eager,
    )
    progress = _empty_progress(network)
    order = sorted(range(k), key=lambda member: -run.steps[member])  # of like length together: they end together
    fitting = round(k / network.members_at_once) if network.parameters.device.type == "cpu" else 1
    parts = max(1, min(fitting, k // network.least_members))
    for part in np.array_split(np.array(order), parts):
        _train_part(network, part.tolist(), run, progress)
    return progress


@final
@dataclass(frozen=True)
class _Run:
    """What :func:`train` was given, one entry a member."""

    inputs: torch.Tensor
    labels: torch.Tensor
    val_inputs: torch.Tensor
    val_labels: torch.Tensor
    streams: Sequence[BatchStream]
    rates: torch.Tensor
    decays: torch.Tensor
    steps: list[int]
    schedules: list[Schedule]
    scales: torch.Tensor | None
    val_weights: torch.Tensor | None
    stepper: type[Stepper]

    @property
    def batch_size(self) -> int:
        return self.streams[0].batch_size

    def checkpoints(self, member: int) -> list[int]:
        return checkpoints(self.steps[member], self.batch_size, len(self.val_labels))

    def rows(self, members: Sequence[int], n: int) -> torch.Tensor:
        """Draw the next ``n`` batches as row numbers, (n, members, batch); a copy of a member reads what that does."""
        taken = {member: self.streams[member].take(n) for member in dict.fromkeys(members)}
        rows = torch.from_numpy(np.stack([taken[member] for member in members], axis=1))
        return rows.to(self.inputs.device)

    def plan(self, members: Sequence[int], done: int, n: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return what :meth:`Adam.step` takes as ``rate`` and ``keep`` for ``n`` steps, each (n, members, 1)."""
        shares = np.zeros((n, len(members)))  # a member that has made its steps stands still
        for column, member in enumerate(members):
            left = self.schedules[member].shares(self.steps[member])[done : done + n]
            shares[: len(left), column] = left
        corrections = np.array([1 - BETA1**t for t in range(done + 1, done + n + 1)])
        rates, decays = self.rates[list(members)], self.decays[list(members)]
        rate = rates * torch.from_numpy(shares / corrections[:, None]).to(rates)
        keep = 1 - rates * decays * torch.from_numpy(shares).to(rates) if bool((decays > 0).any()) else None
        device = self.inputs.device
        return rate.unsqueeze(2).to(device), None if keep is None else keep.unsqueeze(2).to(device)


def _train_part(network: StackedNetwork, members: list[int], run: _Run, progress: Progress) -> None:
    """Train some of the members to their ends, and write their last parameters back."""
    places = _filled(members, network.least_members)  # the member in each place of the program
    scales = None if run.scales is None else run.scales[places]
    stepper = run.stepper(network.over(network.parameters[places]), scales)
    live, done = members, 0
    while live:
        due = min(next(c for c in run.checkpoints(member) if c > done) for member in live)
        for start in range(done, due, ahead := max(1, ROWS_AHEAD // (len(places) * run.batch_size))):
            n = min(ahead, due - start)
            stepper.advance(run.inputs, run.labels, run.rows(places, n), start, *run.plan(places, start, n))
        done = due
        _check(stepper.network, places, [m for m in live if done in run.checkpoints(m)], run, progress, done)
        ended = [member for member in live if run.steps[member] == done]
        network.parameters[ended] = stepper.network.parameters[[places.index(member) for member in ended]]
        stay = [member for member in live if run.steps[member] > done]
        if stepper.shrinks and 0 < len(stay) < len(live):
            following = _filled(stay, network.least_members)
            stepper = stepper.over(torch.tensor([places.index(member) for member in following]))
            places = following
        live = stay


def _filled(members: Sequence[int], least: int) -> list[int]:
    return [*members, *[members[0]] * (least - len(members))]


def errors_and_losses(
    network: StackedNetwork, inputs: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each member's error and mean loss on one common split, both (members,).

    Args:
        network: The members.
        inputs: Of the split.
        labels: Of the split.
        weights: What each example counts in the error; None where all count the same.
    """
    errors, losses, start = [], [], 0
    for outputs in network.outputs(inputs):
        error, each = on_each(outputs, labels[start : start + outputs.shape[1]])
        errors.append(error)
        losses.append(each)
        start += outputs.shape[1]
    every = torch.cat(errors, dim=1)
    # rounded, the same shares of right answers are the same error in whatever order they were added up
    mean = every.mean(dim=1) if weights is None else (every * weights).sum(dim=1).round(decimals=12)
    return mean, torch.cat(losses, dim=1).mean(dim=1)


def _empty_progress(network: StackedNetwork) -> Progress:
    k, device = network.members, network.parameters.device
    return Progress(
        best_error=torch.full((k,), math.inf, dtype=torch.float64, device=device),
        best_loss=network.parameters.new_full((k,), math.inf),
        best_step=torch.zeros(k, dtype=torch.int64, device=device),
        best_parameters=network.parameters.clone(),
        curves=[[] for _ in range(k)],
        diverged=torch.zeros(k, dtype=torch.bool, device=device),
    )


def _check(
    program: StackedNetwork, places: Sequence[int], due: Sequence[int], run: _Run, progress: Progress, step: int
) -> None:
    """Read validation of the members that are due, keep what is better (error, then loss), note what diverged."""
    at = _filled([places.index(member) for member in due], program.least_members)
    if at != list(range(len(places))):
        program = program.over(program.parameters[at])
    every_error, every_loss = errors_and_losses(program, run.val_inputs, run.val_labels, run.val_weights)
    errors, losses, parameters = every_error[: len(due)], every_loss[: len(due)], program.parameters[: len(due)]
    members = torch.tensor(due, device=losses.device)
    progress.diverged[members] |= ~(torch.isfinite(losses) & torch.isfinite(parameters).all(dim=1))
    best_error, best_loss = progress.best_error[members], progress.best_loss[members]
    better = (errors < best_error) | ((errors == best_error) & (losses < best_loss))
    better &= ~progress.diverged[members]
    kept = members[better]
    progress.best_error[kept] = errors[better]
    progress.best_loss[kept] = losses[better]
    progress.best_step[kept] = step
    progress.best_parameters[kept] = parameters[better]
    for member, error, loss in zip(due, errors.tolist(), losses.tolist(), strict=True):
        if math.isfinite(loss):
            progress.curves[member].append([step, round(error, 6), round(loss, 6)])
