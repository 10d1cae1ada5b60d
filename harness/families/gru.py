"""Gated recurrent networks over symbols.

Where every position is answered, it is by the state after it. Where an example has one answer, one network reads from
the start to the middle and another from the end to the middle, and the head reads both last states: in a cloze both
then end at what is hidden, and in any text each remembers over half the length, at the price of one reading.
"""

from __future__ import annotations

from typing import final

import torch
from torch import nn

from harness.cells import GruCell
from harness.families.base import Family, Outputs
from harness.recurrence import LADDER, StackedRecurrent, initialise
from harness.stack import StackedNetwork
from harness.trial import Shape

NETWORK_CLASS = "Gru"


class Gru(nn.Module):
    """Embedded symbols, ``depth`` layers of gated recurrent units, a dense layer on states.

    Args:
        input_shape: Length of a text, number of symbols.
        n_outputs: Number of logits; or (length, number) for so many at every position, each told by what is not after
            it.
        width: Numbers a symbol is embedded as, and units of each layer.
        depth: Number of layers, in each direction.
    """

    reads_symbols = True

    def __init__(self, input_shape: tuple[int, ...], n_outputs: int | tuple[int, int], width: int, depth: int) -> None:
        super().__init__()
        once = isinstance(n_outputs, int)
        self.embedding = nn.Embedding(input_shape[-1], width)
        self.before = nn.ModuleList(nn.GRU(width, width, batch_first=True) for _ in range(depth))
        self.after = nn.ModuleList(nn.GRU(width, width, batch_first=True) for _ in range(depth if once else 0))
        self.head = nn.Linear(2 * width, n_outputs) if isinstance(n_outputs, int) else nn.Linear(width, n_outputs[1])

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map symbols (batch, length) to logits (batch, n_outputs), or (batch, length, n_outputs)."""
        half = (inputs.shape[1] + 1) // 2 if len(self.after) else inputs.shape[1]
        before = self.embedding(inputs[:, :half])
        for layer in self.before:
            before = layer(before)[0]
        logits: torch.Tensor
        if not len(self.after):
            logits = self.head(before)
            return logits
        after = self.embedding(inputs[:, inputs.shape[1] - half :].flip(1))
        for layer in self.after:
            after = layer(after)[0]
        logits = self.head(torch.cat([before[:, -1], after[:, -1]], dim=1))
        return logits


@final
class GruFamily(Family):
    """Gated recurrent networks over symbols."""

    name = "gru"
    tasks = ("text-cls", "lang-model")
    depths = (1, 2)
    reads_symbols = True
    buckets = (8, 16, 32, 64, 128)
    pack_steps = 5_000  # measured: 250 to 400 a second at width 32, 64 to 80 symbols; 1e3 at width 8
    most_steps = 2_000
    initialisation = "normal embeddings, uniform weights within 1 / sqrt(inputs), zero biases"
    prunable = False

    def fits(self, input_shape: tuple[int, ...]) -> bool:
        """Take texts (length, symbols)."""
        return len(input_shape) == 2

    def ladder(self, depth: int) -> tuple[int, ...]:
        """Return the coarse ladder, the same at every depth."""
        return LADDER

    def network(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> nn.Module:
        """Build the plain network."""
        return Gru(input_shape, n_outputs, shape.width, shape.depth)

    def initialise(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw weights as :func:`harness.recurrence.initialise` does."""
        initialise(network, generator)

    def stacked(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape, members: int) -> StackedNetwork:
        """Build the batched program."""
        every = not isinstance(n_outputs, int)
        return StackedRecurrent(lambda: self.network(input_shape, n_outputs, shape), GruCell(), every, members, 16)

    def head(self, network: nn.Module) -> nn.Module:
        """Return the dense layer."""
        assert isinstance(network, Gru)  # noqa: S101 - narrows the type: this family builds nothing else
        return network.head


PLUGIN = GruFamily()
