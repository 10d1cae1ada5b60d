"""Small convolutional networks: 3x3 convolutions with ReLU and pooling, a coarse grid of averages, one dense layer.

Each block is a convolution and, while the side is at least 4, a halving of the side; the next block then has twice as
many channels. The last maps are averaged onto a grid of about 2 x 2 cells: it keeps the coarse layout (a global average
loses it, and small networks need it) and costs the same at every resolution.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final, Literal, final

import torch
from torch import nn
from torch.nn import functional

from harness.families.base import Family, Outputs, State, single
from harness.loss import summed_loss
from harness.stack import IMAGES_AT_ONCE, StackedNetwork
from harness.trial import Shape

NETWORK_CLASS = "Cnn"
PIXELS_AT_ONCE: Final = 1 << 15
LADDER: Final = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64)


class Cnn(nn.Module):
    """Blocks of 3x3 convolution, ReLU and pooling; averages on a coarse grid; one dense layer.

    Args:
        input_shape: Channels, height, width of one example.
        n_outputs: Number of logits.
        width: Channels of the first block; doubled after each halving of the side.
        depth: Number of blocks, at least 1.
    """

    def __init__(self, input_shape: tuple[int, ...], n_outputs: int, width: int, depth: int) -> None:
        super().__init__()
        channels, height, breadth = input_shape
        blocks: list[nn.Module] = []
        for _ in range(depth):
            blocks += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.ReLU()]
            channels = width
            if min(height, breadth) >= 4:
                blocks.append(nn.MaxPool2d(2))
                height, breadth, width = height // 2, breadth // 2, width * 2
        cell = (max(1, height // 2), max(1, breadth // 2))
        self.blocks = nn.Sequential(*blocks, nn.AvgPool2d(cell))
        self.head = nn.Linear(channels * (height // cell[0]) * (breadth // cell[1]), n_outputs)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map (batch, channels, height, width) to logits (batch, n_outputs)."""
        logits: torch.Tensor = self.head(self.blocks(inputs).flatten(1))
        return logits


@final
class StackedCnn(StackedNetwork):
    """K convolutional networks as one: grouped convolutions over members, channels last.

    Grouped convolution picks its kernel by the number of groups: below 8 members results would depend on the pack.
    """

    least_members = 8
    examples_at_once = IMAGES_AT_ONCE

    def __init__(self, input_shape: tuple[int, ...], n_outputs: int, shape: Shape, members: int) -> None:
        with torch.device("meta"):
            plain = Cnn(input_shape, n_outputs, shape.width, shape.depth)
        self._stages = _pooled_first([*plain.blocks])
        self._names = [name for name, _ in plain.named_parameters()]
        self._shapes = [tuple(p.shape) for p in plain.parameters()]
        # measured: with 1 MB a member in its first maps (batches of 32) 16 members at once, with 1/4 MB all of 64
        self.members_at_once = min(64, max(8, PIXELS_AT_ONCE // (shape.width * math.prod(input_shape[1:]))))
        super().__init__(members, [p.numel() for p in plain.parameters()])
        self._grid = self._shapes[-2][1] // self._shapes[-4][0]  # cells of the coarse grid

    def bind(self) -> None:
        """View each parameter as a leaf that torch differentiates by."""
        self._leaves = [leaf.detach().requires_grad_() for leaf in self.leaves(self.parameters)]

    def leaves(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """View flat parameters as (members, scalars of the parameter) each."""
        return [flat[:, span] for span in self.spans]

    def _as_plain(self, flat: torch.Tensor, i: int) -> torch.Tensor:
        """View one member's flat parameter ``i`` in the plain network's layout."""
        return flat.view(self._shapes[i])

    def load(self, member: int, state: State) -> None:
        """Copy a plain network's state into one member; what is padded stays zero."""
        with torch.no_grad():
            for i, name in enumerate(self._names):
                given, place = state[name], self._as_plain(self.parameters[member, self.spans[i]], i)
                place.zero_()
                if name == "head.weight":
                    # the dense layer reads channels x cells: pad channels, not the flattened axis
                    n_out, n_in = given.shape
                    place = place.view(n_out, -1, self._grid)
                    given = given.view(n_out, n_in // self._grid, self._grid)
                place[tuple(slice(n) for n in given.shape)] = given

    def state(self, member: int, like: State) -> State:
        """Return one member as a plain network's state, cut to the shapes of ``like``."""
        cut: State = {}
        for i, name in enumerate(self._names):
            place, shape = self._as_plain(self.parameters[member, self.spans[i]], i), like[name].shape
            if name == "head.weight":
                place = place.view(shape[0], -1, self._grid)[:, : shape[1] // self._grid].reshape(shape)
            cut[name] = place[tuple(slice(n) for n in shape)].detach().clone()
        return cut

    def forward(self, leaves: Sequence[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """Map leaves and inputs (members, batch, channels, height, width) to logits (members, batch, n_outputs)."""
        k, batch = inputs.shape[:2]
        maps = inputs.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        layer = iter(range(0, len(leaves), 2))
        for stage in self._stages:
            if isinstance(stage, nn.Conv2d):
                i = next(layer)
                weight = leaves[i].reshape(-1, *self._shapes[i][1:])
                maps = functional.conv2d(maps, weight, leaves[i + 1].reshape(-1), padding=1, groups=k)
            elif isinstance(stage, nn.MaxPool2d):
                maps = _largest_of_4(maps) if torch.compiler.is_compiling() else functional.max_pool2d(maps, 2)
            else:
                maps = stage(maps)
        cells = maps.reshape(batch, k, -1).transpose(0, 1)
        head = leaves[-2].view(k, -1, cells.shape[2]).transpose(1, 2)
        return torch.baddbmm(leaves[-1].unsqueeze(1), cells, head)

    def differentiate(self, inputs: torch.Tensor, labels: torch.Tensor) -> None:
        """Write the gradient of each member's mean loss on its batch."""
        loss = summed_loss(self.forward(self._leaves, inputs), labels)
        for span, gradient in zip(self.spans, torch.autograd.grad(loss, self._leaves), strict=True):
            self.gradient[:, span] = gradient


def _largest_of_4(maps: torch.Tensor) -> torch.Tensor:
    """Pool 2 x 2 by comparing quarters: the compiler fuses that, and torch's own pooling it does not."""
    height, breadth = maps.shape[2] // 2 * 2, maps.shape[3] // 2 * 2
    a, b, c, d = (maps[:, :, i:height:2, j:breadth:2] for i in (0, 1) for j in (0, 1))
    return torch.maximum(torch.maximum(a, b), torch.maximum(c, d))


def _pooled_first(layers: list[nn.Module]) -> list[nn.Module]:
    """Put each ReLU behind the pooling that follows it: the same to the last bit, on a quarter of the numbers."""
    for i, (layer, following) in enumerate(itertools.pairwise(layers)):
        if isinstance(layer, nn.ReLU) and isinstance(following, nn.MaxPool2d):
            layers[i : i + 2] = [following, layer]
    return layers


@final
class CnnFamily(Family):
    """Convolutional networks over images."""

    name = "cnn"
    tasks = ("image-cls",)
    depths = (1, 2, 3)
    buckets = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64)
    pack_steps = 60_000  # measured: 3e3 to 9e3 a second on digits, up to width 8

    def fits(self, input_shape: tuple[int, ...]) -> bool:
        """Take images (channels, height, width)."""
        return len(input_shape) == 3

    def ladder(self, depth: int) -> tuple[int, ...]:
        """Return the channel ladder, the same at every depth."""
        return LADDER

    def network(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> nn.Module:
        """Build the plain network."""
        return Cnn(input_shape, single(n_outputs), shape.width, shape.depth)

    def initialise(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw He-uniform weights for convolutions, LeCun-uniform for the dense layer, zero biases.

        Source:
            He et al. 2015, arXiv:1502.01852; LeCun et al. 1998, "Efficient BackProp".
        """
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                gain: Literal["linear", "relu"] = "relu" if isinstance(layer, nn.Conv2d) else "linear"
                nn.init.kaiming_uniform_(layer.weight, nonlinearity=gain, generator=generator)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def stacked(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape, members: int) -> StackedNetwork:
        """Build the batched program."""
        return StackedCnn(input_shape, single(n_outputs), shape, members)

    def head(self, network: nn.Module) -> nn.Module:
        """Return the dense layer."""
        assert isinstance(network, Cnn)  # noqa: S101 - narrows the type: this family builds nothing else
        return network.head


PLUGIN = CnnFamily()
