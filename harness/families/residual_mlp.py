"""Residual perceptrons: blocks of two dense layers, each added to what it reads."""

from __future__ import annotations

import math
from typing import Final, Literal, final

import torch
from torch import nn

from harness.families.base import DENSE_LADDER, Family, Outputs, single
from harness.functional import StackedForward, Tensors, dense
from harness.stack import StackedNetwork
from harness.trial import Shape

NETWORK_CLASS = "ResidualMlp"
PARAMETERS_AT_ONCE: Final = 1 << 18


class ResidualMlp(nn.Module):
    """A dense layer, then ``depth`` blocks of two dense layers of ``width`` units; ReLU before all but the first.

    A block of two: with one alone, ReLU would let a block add nothing negative.

    Args:
        input_shape: Shape of one example; flattened.
        n_outputs: Number of logits.
        width: Units of each layer.
        depth: Number of blocks.
    """

    def __init__(self, input_shape: tuple[int, ...], n_outputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Linear(math.prod(input_shape), width)
        self.inner = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.outer = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.head = nn.Linear(width, n_outputs)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map (batch, *input_shape) to logits (batch, n_outputs)."""
        hidden = self.first(inputs.flatten(1))
        for inner, outer in zip(self.inner, self.outer, strict=True):
            hidden = hidden + outer(torch.relu(inner(torch.relu(hidden))))
        logits: torch.Tensor = self.head(torch.relu(hidden))
        return logits


@final
class ResidualMlpFamily(Family):
    """Residual perceptrons over flattened inputs; of symbols, such as a text's, over one-hot rows."""

    name = "residual-mlp"
    tasks = ("image-cls", "tabular-cls", "tabular-reg", "text-cls")
    depths = (1, 2)
    buckets = (8, 16, 32, 64, 128, 256)
    pack_steps = 150_000
    initialisation = "He uniform, LeCun uniform for the last layer, blocks begin as nothing added, zero biases"

    def fits(self, input_shape: tuple[int, ...]) -> bool:
        """Take any input: it is flattened."""
        return math.prod(input_shape) > 0

    def ladder(self, depth: int) -> tuple[int, ...]:
        """Return the dense ladder, the same at every depth."""
        return DENSE_LADDER

    def network(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> nn.Module:
        """Build the plain network."""
        return ResidualMlp(input_shape, single(n_outputs), shape.width, shape.depth)

    def initialise(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw He-uniform weights, LeCun-uniform for the logits; each block begins as nothing added; zero biases.

        Source:
            He et al. 2015, arXiv:1502.01852; LeCun et al. 1998, "Efficient BackProp"; blocks that begin at zero:
            Goyal et al. 2017, arXiv:1706.02677.
        """
        assert isinstance(network, ResidualMlp)  # noqa: S101 - narrows the type: this family builds nothing else
        for layer in (network.first, *network.inner, *network.outer, network.head):
            assert isinstance(layer, nn.Linear)  # noqa: S101 - a list of modules has no type of its own
            gain: Literal["linear", "relu"] = "linear" if layer is network.head else "relu"
            nn.init.kaiming_uniform_(layer.weight, nonlinearity=gain, generator=generator)
            nn.init.zeros_(layer.bias)
        for layer in network.outer:
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]  # likewise

    def stacked(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape, members: int) -> StackedNetwork:
        """Build the batched program."""

        def forward(named: Tensors, inputs: torch.Tensor) -> torch.Tensor:
            hidden = dense(inputs.flatten(2), named, "first")
            for i in range(shape.depth):
                inner = dense(torch.relu(hidden), named, f"inner.{i}")
                hidden = hidden + dense(torch.relu(inner), named, f"outer.{i}")
            return dense(torch.relu(hidden), named, "head")

        at_once = min(64, max(8, PARAMETERS_AT_ONCE // self.params(input_shape, n_outputs, shape)))
        return StackedForward(lambda: self.network(input_shape, n_outputs, shape), forward, members, at_once)

    def head(self, network: nn.Module) -> nn.Module:
        """Return the last dense layer."""
        assert isinstance(network, ResidualMlp)  # noqa: S101 - narrows the type: this family builds nothing else
        return network.head


PLUGIN = ResidualMlpFamily()
