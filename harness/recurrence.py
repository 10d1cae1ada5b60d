"""Stack recurrent networks over symbols: the steps of all members at once, with the gradient written out by hand.

Mapped by ``torch.func`` a loop over positions costs several times as much. Three things are saved here: what a symbol
contributes to the first layer's gates is worked out once a symbol, not once a position; both directions of a network
take their steps together; and weights are differentiated over all positions in one product.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final, final

import torch
from torch import nn

from harness.cells import Cell, Saved, States
from harness.functional import PlainLayout, Tensors, loss_gradient, shapes_alone

Layer = tuple[torch.Tensor, list[Saved], list[torch.Tensor]]  # what it read; at each step what it saved, its state

DIRECTIONS: Final = ("before", "after")
LADDER: Final = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw normal embeddings, uniform weights within 1 / sqrt(what a unit reads), zero biases; forget gates open.

    Source:
        torch's own layers; forget gates that begin open: Jozefowicz et al. 2015, "An Empirical Exploration of Recurrent
        Network Architectures".
    """
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, nn.Embedding):
                nn.init.normal_(parameter, generator=generator)
            elif parameter.dim() == 2:
                bound = 1 / math.sqrt(parameter.shape[1])
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
            else:
                nn.init.zeros_(parameter)
                if isinstance(module, nn.LSTM) and name == "bias_ih_l0":
                    nn.init.ones_(parameter.chunk(4)[1])


@final
class StackedRecurrent(PlainLayout):
    """K recurrent networks of symbols as one program.

    The plain network's parameters are ``embedding.weight``, those of one-layer ``nn.GRU`` or ``nn.LSTM`` modules
    ``before.0``, ``before.1`` ... that read forwards, of ``after.0`` ... that read backwards where there is one answer
    an example, and ``head``.

    Args:
        build: Makes the plain network, of the (padded) shape.
        cell: Its cell.
        per_position: Whether every position is answered.
        members: How many, K.
        members_at_once: As in :class:`harness.stack.StackedNetwork`.
    """

    def __init__(
        self, build: Callable[[], nn.Module], cell: Cell, per_position: bool, members: int, members_at_once: int
    ) -> None:
        self._cell, self.members_at_once = cell, members_at_once
        self._directions = DIRECTIONS[:1] if per_position else DIRECTIONS
        with shapes_alone():
            names = [name for name, _ in build().named_parameters()]
        blocks = {name: (cell.gates, 1)[: 1 if "bias" in name else 2] for name in names if name.endswith("_l0")}
        self._depth = sum(name.startswith("before.") and name.endswith(".weight_hh_l0") for name in names)
        super().__init__(build, members, blocks | {"head.weight": (1, len(self._directions))})

    def forward(self, leaves: Sequence[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """Map leaves and symbols (members, batch, length) to logits (members, batch, n_outputs), or as many a place."""
        return self._run(self.named(leaves), inputs, keep=False)[0]

    def differentiate(self, inputs: torch.Tensor, labels: torch.Tensor) -> None:
        """Write the gradient of each member's mean loss on its batch."""
        with torch.no_grad():
            named, found = self.named(self._leaves), self.named(self._gradients)
            logits, read, layers = self._run(named, inputs, keep=True)
            by_logits = loss_gradient(logits, labels).flatten(1, -2)
            torch.sum(by_logits, dim=1, out=found["head.bias"])
            found["head.weight"].copy_(_summed_products(by_logits, read))
            by_read = torch.bmm(by_logits, named["head.weight"])
            if labels.dim() == 3:
                by_hidden = by_read.view(*labels.shape, -1).transpose(1, 2)
            else:  # each direction's last state alone
                by_hidden = torch.cat(by_read.chunk(len(self._directions), dim=2)).unsqueeze(1)
            for i in reversed(range(self._depth)):
                by_hidden = self._layer_back(named, found, i, *layers[i], by_hidden)

    def _run(self, named: Tensors, inputs: torch.Tensor, keep: bool) -> tuple[torch.Tensor, torch.Tensor, list[Layer]]:
        """Return logits, what the head read, (members, rows, n), and of each layer what it read and, to keep, saved."""
        members, batch, length = inputs.shape
        if len(self._directions) == 2:  # each ends in the middle, which both read where the length is odd
            half = (length + 1) // 2
            inputs = torch.cat([inputs[..., :half], inputs[..., length - half :].flip(-1)])
        rows, _, length = inputs.shape
        weight, bias = self._both(named, 0, "weight_ih"), self._both(named, 0, "bias_ih")
        symbols = named["embedding.weight"].repeat(len(self._directions), 1, 1)
        table = torch.baddbmm(bias.unsqueeze(1), symbols, weight.transpose(1, 2))
        n_symbols = table.shape[1]
        places = inputs + n_symbols * torch.arange(rows, device=inputs.device).view(-1, 1, 1)
        flat = table.flatten(0, 1)
        own: Iterable[torch.Tensor] = (
            flat.index_select(0, each.flatten()).view(rows, batch, -1) for each in places.unbind(2)
        )
        layers: list[Layer] = []
        hidden, saved = self._layer(named, 0, own, keep)
        layers.append((places, saved, hidden))
        for i in range(1, self._depth):
            read = torch.stack(hidden, dim=1).flatten(1, 2)
            bias = self._both(named, i, "bias_ih").unsqueeze(1)
            by_input = torch.baddbmm(bias, read, self._both(named, i, "weight_ih").transpose(1, 2))
            hidden, saved = self._layer(named, i, by_input.view(rows, length, batch, -1).unbind(1), keep)
            layers.append((read, saved, hidden))
        if len(self._directions) == 2:
            read = torch.cat(hidden[-1].chunk(2), dim=2)
        else:
            read = torch.stack(hidden, dim=2).flatten(1, 2)
        logits = torch.baddbmm(named["head.bias"].unsqueeze(1), read, named["head.weight"].transpose(1, 2))
        return (logits if len(self._directions) == 2 else logits.view(members, batch, length, -1)), read, layers

    def _layer(
        self, named: Tensors, i: int, own: Iterable[torch.Tensor], keep: bool
    ) -> tuple[list[torch.Tensor], list[Saved]]:
        """Take every step of one layer.

        Args:
            named: The parameters.
            i: Which layer.
            own: What the input contributes to the gates at each step, (rows, batch, gates x width).
            keep: Whether its gradient is asked for next.

        Returns:
            At each step the hidden state, (rows, batch, width), and what is saved.
        """
        weight = self._both(named, i, "weight_hh").transpose(1, 2).contiguous()
        bias = self._both(named, i, "bias_hh").unsqueeze(1)
        hidden: list[torch.Tensor] = []
        kept: list[Saved] = []
        states: States = ()
        for each in own:
            states = states or (each.new_zeros(*each.shape[:2], weight.shape[1]),) * self._cell.n_states
            states, saved = self._cell.step(each, torch.baddbmm(bias, states[0], weight), states)
            hidden.append(states[0])
            if keep:
                kept.append(saved)
        return hidden, kept

    def _layer_back(
        self,
        named: Tensors,
        found: Tensors,
        i: int,
        read: torch.Tensor,
        saved: list[Saved],
        hidden: list[torch.Tensor],
        by_hidden: torch.Tensor,
    ) -> torch.Tensor:
        """Write the gradients of one layer's parameters (of the first, also the embedding's); return that by its input.

        Args:
            named: The parameters.
            found: Where their gradients go.
            i: Which layer.
            read: Its input, (rows, length x batch, width); of the first, rows of the table, (rows, batch, length).
            saved: At each step.
            hidden: At each step.
            by_hidden: Gradient by the hidden states, (rows, length, batch, width); or by the last alone, length 1.
        """
        cell, weight = self._cell, self._both(named, i, "weight_hh")
        rows, batch, width = hidden[0].shape
        by_gates = weight.new_empty(rows, len(hidden), batch, cell.blocks * width)
        fed_back = slice(cell.fed_back[0] * width, cell.fed_back[1] * width)
        states: States = (torch.zeros_like(hidden[0]),) * cell.n_states
        given = len(hidden) - by_hidden.shape[1]
        for t in reversed(range(len(hidden))):
            if t >= given:
                states = (states[0] + by_hidden[:, t - given], *states[1:])
            states = cell.back(saved[t], states, by_gates[:, t])
            states = (torch.baddbmm(states[0], by_gates[:, t, :, fed_back], weight), *states[1:])
        flat = by_gates.flatten(1, 2)
        before = torch.stack([torch.zeros_like(hidden[0]), *hidden[:-1]], dim=1).flatten(1, 2)
        self._write(found, i, "weight_hh", _summed_products(flat[..., fed_back], before))
        if i == 0:
            flat, read = self._by_symbol(flat, read, named)
        biases = flat.sum(dim=1)
        self._write(found, i, "bias_hh", biases[:, fed_back])
        self._write(found, i, "bias_ih", self._torch_order(biases))
        by_weight = _summed_products(flat, read)
        self._write(found, i, "weight_ih", self._torch_order(by_weight))
        by_input = torch.bmm(flat[..., : cell.gates * width], self._own_order(self._both(named, i, "weight_ih")))
        if i:
            return by_input.view(rows, len(hidden), batch, width)
        first, *others = by_input.chunk(len(self._directions))
        found["embedding.weight"].copy_(sum(others, first))
        return by_input

    def _torch_order(self, gates: torch.Tensor) -> torch.Tensor:
        """Return the columns, at axis 1, of gradients by what the input contributes, as torch orders gates."""
        cell = self._cell
        width = gates.shape[1] // cell.blocks
        return gates[:, cell.own[0] * width : cell.own[1] * width].roll(-cell.rolled * width, dims=1)

    def _own_order(self, weight: torch.Tensor) -> torch.Tensor:
        """Return a weight of the gates as :meth:`_torch_order` finds them."""
        return weight.roll(self._cell.rolled * (weight.shape[1] // self._cell.gates), dims=1)

    def _by_symbol(
        self, by_gates: torch.Tensor, places: torch.Tensor, named: Tensors
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the first layer's gradients by gates summed over where each symbol stands, and the symbols.

        Both (rows, symbols, ...): what is linear in them need not be worked out position by position.
        """
        symbols = named["embedding.weight"].repeat(len(self._directions), 1, 1)
        n = symbols.shape[0] * symbols.shape[1]
        order = places.transpose(1, 2).flatten()
        summed = torch.ops.aten.embedding_dense_backward(by_gates.flatten(0, 1), order, n, -1, False)
        return summed.view(*symbols.shape[:2], -1), symbols

    def _both(self, named: Tensors, i: int, name: str) -> torch.Tensor:
        """Return one parameter of layer ``i`` in all directions: (directions x members, ...)."""
        return torch.cat([named[f"{direction}.{i}.{name}_l0"] for direction in self._directions])

    def _write(self, found: Tensors, i: int, name: str, gradient: torch.Tensor) -> None:
        """Write the gradient of what :meth:`_both` returns."""
        for direction, each in zip(self._directions, gradient.chunk(len(self._directions)), strict=True):
            found[f"{direction}.{i}.{name}_l0"].copy_(each)


def _summed_products(gradients: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    """Return a layer's weight gradients, (rows, n_out, n_in), from (rows, n, n_out) and (rows, n, n_in).

    measured: with 8 numbers in, MKL may take 12 times as long for this product as for its transpose; so computed, a
    training step of width 8 on bytes takes 0.77 x as long.
    """
    if inputs.shape[2] < gradients.shape[2]:
        return torch.bmm(inputs.transpose(1, 2), gradients).transpose(1, 2)
    return torch.bmm(gradients.transpose(1, 2), inputs)
