"""Transformers over symbols: a decoder where every position is answered, an encoder where an example has one answer."""

from __future__ import annotations

import math
from typing import Final, final

import torch
from torch import nn
from torch.nn import functional

from harness.families.base import Family, Outputs
from harness.functional import StackedForward, Tensors, dense
from harness.stack import StackedNetwork
from harness.trial import Shape

NETWORK_CLASS = "Transformer"
LADDER: Final = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
HEAD_WIDTH: Final = 16


class Transformer(nn.Module):
    """Embedded symbols and learned places, ``depth`` blocks of attention and two dense layers, a dense layer.

    Normalised before each part of a block and before the last layer; ReLU; about 16 numbers a head; attention without
    biases, as those of keys change nothing. Where an example
    has one answer every place attends to all, and the last layer reads their mean; where each place is answered, it
    attends to itself and to what stands before it.

    Args:
        input_shape: Length of a text, number of symbols.
        n_outputs: Number of logits; or (length, number) for so many at every position.
        width: Numbers a symbol is embedded as; twice as many units between the dense layers.
        depth: Number of blocks.
    """

    reads_symbols = True

    def __init__(self, input_shape: tuple[int, ...], n_outputs: int | tuple[int, int], width: int, depth: int) -> None:
        super().__init__()
        self.heads = max(1, width // 16)
        self.causal = not isinstance(n_outputs, int)
        self.embedding = nn.Embedding(input_shape[-1], width)
        self.places = nn.Parameter(torch.zeros(input_shape[0], width))
        self.attention_norm = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.attention = nn.ModuleList(nn.Linear(width, 3 * width, bias=False) for _ in range(depth))
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.dense_norm = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.inner = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(depth))
        self.outer = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_outputs if isinstance(n_outputs, int) else n_outputs[1])

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map symbols (batch, length) to logits (batch, n_outputs), or (batch, length, n_outputs)."""
        hidden = self.embedding(inputs) + self.places
        for i in range(len(self.attention)):
            hidden = hidden + self.mix[i](self.attend(self.attention[i](self.attention_norm[i](hidden))))
            hidden = hidden + self.outer[i](torch.relu(self.inner[i](self.dense_norm[i](hidden))))
        hidden = self.norm(hidden)
        logits: torch.Tensor = self.head(hidden if self.causal else hidden.mean(1))
        return logits

    def attend(self, asked: torch.Tensor) -> torch.Tensor:
        """Map queries, keys and values (batch, length, 3 x width) to (batch, length, width), head by head."""
        batch, length, _ = asked.shape
        split = asked.view(batch, length, 3, self.heads, -1)
        queries, keys, values = (split[:, :, i].transpose(1, 2) for i in range(3))
        scores = (queries * queries.shape[3] ** -0.5) @ keys.transpose(2, 3)
        if self.causal:
            scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), -1e9)
        attended: torch.Tensor = scores.softmax(3) @ values
        return attended.transpose(1, 2).flatten(2)


def _normalised(hidden: torch.Tensor, named: Tensors, name: str) -> torch.Tensor:
    """Apply each member's ``nn.LayerNorm``: (members, rows, width)."""
    flat = functional.layer_norm(hidden, hidden.shape[2:])
    return torch.addcmul(named[f"{name}.bias"].unsqueeze(1), flat, named[f"{name}.weight"].unsqueeze(1))


def _forward(named: Tensors, inputs: torch.Tensor, depth: int, once: bool) -> torch.Tensor:
    """Map parameters of all members and symbols (members, batch, length) to logits."""
    members, batch, length = inputs.shape
    _, n_symbols, width = named["embedding.weight"].shape
    heads = max(1, width // HEAD_WIDTH)
    rows = inputs + n_symbols * torch.arange(members, device=inputs.device).view(-1, 1, 1)
    hidden = functional.embedding(rows, named["embedding.weight"].flatten(0, 1))
    hidden = (hidden + named["places"].unsqueeze(1)).flatten(1, 2)
    for i in range(depth):
        asked = dense(_normalised(hidden, named, f"attention_norm.{i}"), named, f"attention.{i}")
        split = asked.view(members * batch, length, 3, heads, -1)
        queries, keys, values = (split[:, :, j].transpose(1, 2) for j in range(3))
        mixed = functional.scaled_dot_product_attention(queries, keys, values, is_causal=not once)
        hidden = hidden + dense(mixed.transpose(1, 2).reshape(hidden.shape), named, f"mix.{i}")
        inner = dense(_normalised(hidden, named, f"dense_norm.{i}"), named, f"inner.{i}")
        hidden = hidden + dense(torch.relu(inner), named, f"outer.{i}")
    hidden = _normalised(hidden, named, "norm")
    if once:
        return dense(hidden.view(members, batch, length, width).mean(2), named, "head")
    return dense(hidden, named, "head").view(members, batch, length, -1)


@final
class TransformerFamily(Family):
    """Transformers over symbols. Each width has a program of its own: normalisation would see what is padded."""

    name = "transformer"
    tasks = ("text-cls", "lang-model")
    depths = (1, 2)
    reads_symbols = True
    buckets = ()
    pack_steps = 2_000  # measured: 150 a second at width 32, 64 symbols; 300 at width 8
    most_steps = 2_000
    initialisation = "normal embeddings and places, LeCun uniform, He uniform before ReLU, zero biases"
    prunable = False

    def fits(self, input_shape: tuple[int, ...]) -> bool:
        """Take texts (length, symbols)."""
        return len(input_shape) == 2

    def ladder(self, depth: int) -> tuple[int, ...]:
        """Return the coarse ladder, the same at every depth."""
        return LADDER

    def network(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape) -> nn.Module:
        """Build the plain network."""
        return Transformer(input_shape, n_outputs, shape.width, shape.depth)

    def initialise(self, network: nn.Module, generator: torch.Generator) -> None:
        """Draw normal embeddings and places, LeCun-uniform weights (He-uniform before ReLU), zero biases.

        What a block adds begins smaller the more blocks there are.

        Source:
            Vaswani et al. 2017, arXiv:1706.03762; LeCun et al. 1998, "Efficient BackProp"; He et al. 2015,
            arXiv:1502.01852; blocks: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".
        """
        assert isinstance(network, Transformer)  # noqa: S101 - narrows the type: this family builds nothing else
        blocks = len(network.attention)
        for name, layer in network.named_modules():
            if isinstance(layer, nn.Embedding):
                nn.init.normal_(layer.weight, generator=generator)
            elif isinstance(layer, nn.Linear):
                relu = name.startswith("inner")
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu" if relu else "linear", generator=generator)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
                if name.startswith(("mix", "outer")):
                    layer.weight.data.div_(math.sqrt(2 * blocks))
        nn.init.normal_(network.places, generator=generator)

    def stacked(self, input_shape: tuple[int, ...], n_outputs: Outputs, shape: Shape, members: int) -> StackedNetwork:
        """Build the batched program."""

        def forward(named: Tensors, inputs: torch.Tensor) -> torch.Tensor:
            return _forward(named, inputs, shape.depth, isinstance(n_outputs, int))

        return StackedForward(lambda: self.network(input_shape, n_outputs, shape), forward, members, 8)

    def head(self, network: nn.Module) -> nn.Module:
        """Return the last dense layer."""
        assert isinstance(network, Transformer)  # noqa: S101 - narrows the type: this family builds nothing else
        return network.head


PLUGIN = TransformerFamily()
