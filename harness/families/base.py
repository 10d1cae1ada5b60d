"""A family: what stays fixed while size varies. It turns a shape into a network, plain and stacked.

Contract, tested for every file of this folder:

* ``network`` builds a self-contained ``nn.Module`` named by the module's ``NETWORK_CLASS``, with the constructor
  ``(input_shape, n_outputs, width, depth)`` and no import but torch and math: ``guides export --code`` prints it;
* where the family reads symbols, the network takes int64 (batch, length), and ``input_shape`` is (length, n_symbols);
  where it does not, symbols come as one-hot rows, float32 (batch, length, n_symbols);
* where widths are padded into buckets, units that are zero stay exactly zero in training: activations satisfy
  f(0) = 0 and there is no normalisation layer; where each width has a program of its own, anything goes;
* the stacked form and the plain network compute the same logits from the same state;
* along a ladder, params rise with width;
* ``initial_state`` draws from the generator it is given and from nothing else.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import Final

import torch
from torch import nn

from harness.datasets.base import Dataset
from harness.functional import StackedModule, shapes_alone
from harness.measure import count_flops
from harness.stack import StackedNetwork
from harness.trial import Shape
from registry.errors import UsageError

State = dict[str, torch.Tensor]
Outputs = int | tuple[int, int]  # so many logits; or (length, logits) for so many at every position

MOST_ONE_HOT: Final = 8_192  # numbers of an example as one-hot rows: beyond, 150 units alone weigh what a record may
DENSE_LADDER: Final = (*range(1, 25), 28, 32, 40, 48, 64, 96, 128, 192, 256)


class Family(ABC):
    """A family of networks over width and depth.

    Attributes:
        name: File name in kebab-case.
        tasks: Names of the task categories it fits.
        depths: The depths a search tries.
        reads_symbols: Whether its networks take symbols as they are; they then take nothing else.
        buckets: Padded widths, ascending: all widths up to one share its program. Empty: each width has its own.
        pack_steps: Member-steps that make a pack of 2 to 60 s on one core.
        most_steps: Steps beyond which nothing is tried, where a training takes long; None for what the data ask for.
        initialisation: What :meth:`initialise` draws, in words.
        prunable: Whether :func:`harness.shrink.prune` cuts its networks down.
    """

    name: str
    tasks: tuple[str, ...]
    depths: tuple[int, ...]
    reads_symbols: bool = False
    buckets: tuple[int, ...]
    pack_steps: int
    most_steps: int | None = None
    initialisation: str = "He uniform for hidden layers, LeCun uniform for the last, zero biases"
    prunable: bool = True

    @abstractmethod
    def fits(self, input_shape: tuple[int, ...]) -> bool:
        """Say whether networks of this family take inputs of this shape."""

    def takes(self, dataset: Dataset) -> bool:
        """Say whether this family fits a data set: its task, the shape of its inputs, symbols or numbers.

        Symbols as one-hot rows are taken up to 8,192 numbers an example: a text of 32 bytes, or 80 of 97 characters.
        """
        asked = dataset.task in self.tasks and self.fits(dataset.input_shape)
        if self.one_hot(dataset) and math.prod(dataset.input_shape) > MOST_ONE_HOT:
            return False
        return asked and (dataset.symbols or not self.reads_symbols)

    def one_hot(self, dataset: Dataset) -> int:
        """Return how many symbols inputs are turned into one-hot rows of; 0 where they are taken as they are."""
        return dataset.input_shape[-1] if dataset.symbols and not self.reads_symbols else 0

    @abstractmethod
    def ladder(self, depth: int) -> tuple[int, ...]:
        """Return the widths tried at ``depth``, ascending."""

    @abstractmethod
    def network(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> nn.Module:
        """Build the plain network: inputs (batch, *input_shape), logits (batch, n_outputs)."""

    @abstractmethod
    def initialise(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw the network's initial weights, in place."""

    def stacked(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape, members: int) -> StackedNetwork:
        """Build ``members`` networks of one (padded) shape as one batched program.

        The general path, which maps the plain network: a family may write a faster one of its own.
        """
        return StackedModule(lambda: self.network(input_shape, n_outputs, shape), members)

    @abstractmethod
    def head(self, network: nn.Module) -> nn.Module:
        """Return the layer that makes the logits: the one whose outputs are never pruned."""

    def flops(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> float:
        """Count the flops of one example's forward pass."""
        return _flops(self, input_shape, n_outputs, shape)

    def padded(self, shape: Shape) -> Shape:
        """Return ``shape`` with its width rounded up to a bucket, so that one program serves many widths."""
        width = next((bucket for bucket in self.buckets if bucket >= shape.width), shape.width)
        return Shape(width if shape.depth else 0, shape.depth, shape.resolution)

    def initial_state(
        self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape, generator: torch.Generator
    ) -> State:
        """Draw the initial weights of one member; independent of any pack or padding."""
        network = self.network(input_shape, n_outputs, shape)
        self.initialise(network, generator)
        return dict(network.state_dict())

    def shapes(self, depths: Sequence[int] | None = None) -> list[Shape]:
        """Return every ladder shape, by depth and then width."""
        return [Shape(width, depth) for depth in depths or self.depths for width in self.ladder(depth)]

    def params(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> int:
        """Count the trainable scalars of ``shape``, biases included, without allocating them."""
        return _params(self, input_shape, n_outputs, shape)


def single(n_outputs: Outputs) -> int:
    """Return the number of outputs of a family that answers once an example.

    Raises:
        UsageError: If every position is to be answered.
    """
    if isinstance(n_outputs, int):
        return n_outputs
    raise UsageError(f"{n_outputs[0]} positions are to be answered, expected one answer an example")


@cache
def _flops(family: Family, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> float:
    return count_flops(family.network(input_shape, n_outputs, shape), input_shape)


@cache
def _params(family: Family, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> int:
    with shapes_alone():
        network = family.network(input_shape, n_outputs, shape)
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
