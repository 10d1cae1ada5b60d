"""Cells of recurrent layers: one step of all members at once, and its gradient by hand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import torch

Saved = tuple[torch.Tensor, ...]
States = tuple[torch.Tensor, ...]  # what goes from one step to the next, the hidden state first; (rows, batch, width)


class Cell(ABC):
    """One step of a recurrent layer and its gradient, over rows: each member's network in each direction is one.

    Gradients by gates stand side by side, ``width`` columns each: ``own`` says which are those by what the input
    contributes, ``fed_back`` by what the state does.

    Attributes:
        gates: How many gates there are.
        n_states: How many tensors go from one step to the next.
        blocks: How many times ``width`` columns there are.
        own: Which of them: first and end. The gates stand there rolled by ``rolled``.
        fed_back: Likewise; the gates stand in torch's order.
        rolled: By how many gates.
    """

    gates: int
    n_states: int
    blocks: int
    own: tuple[int, int]
    fed_back: tuple[int, int]
    rolled: int

    @abstractmethod
    def step(self, own: torch.Tensor, fed_back: torch.Tensor, states: States) -> tuple[States, Saved]:
        """Take one step.

        Args:
            own: What the input contributes to the gates, (rows, batch, gates x width).
            fed_back: What the state contributes, likewise.
            states: As the step before left them.

        Returns:
            The new states, and what :meth:`back` needs.
        """

    @abstractmethod
    def back(self, saved: Saved, gradients: States, into: torch.Tensor) -> States:
        """Write the gradients by the gates; return those by the states before, but for what goes by ``fed_back``.

        Args:
            saved: As :meth:`step` returned it.
            gradients: By the new states.
            into: Where they go, (rows, batch, blocks x width).
        """


def _tanh(values: torch.Tensor) -> torch.Tensor:
    """Return the hyperbolic tangent. measured: by the logistic function it takes a quarter of torch's own time."""
    return torch.add(values.new_full((), -1.0), torch.sigmoid(values + values), alpha=2)


_sigmoid_back = torch.ops.aten.sigmoid_backward.grad_input
_tanh_back = torch.ops.aten.tanh_backward.grad_input


@final
class GruCell(Cell):
    """Gated recurrent unit with gates r, z, n, as torch computes it.

    Source:
        Cho et al. 2014, arXiv:1406.1078.
    """

    gates = 3
    n_states = 1
    blocks = 4  # n as the input sees it, r, z, n as the state sees it
    own = (0, 3)
    fed_back = (1, 4)
    rolled = 1

    def step(self, own: torch.Tensor, fed_back: torch.Tensor, states: States) -> tuple[States, Saved]:
        """Take one step."""
        [hidden] = states
        width = hidden.shape[2]
        r_z = torch.sigmoid(own[..., : 2 * width] + fed_back[..., : 2 * width])
        r, z = r_z[..., :width], r_z[..., width:]
        from_state = fed_back[..., 2 * width :]
        n = _tanh(torch.addcmul(own[..., 2 * width :], r, from_state))
        difference = hidden - n
        return (torch.addcmul(n, z, difference),), (r, z, n, from_state, difference)

    def back(self, saved: Saved, gradients: States, into: torch.Tensor) -> States:
        """Write the gradients of one step."""
        r, z, n, from_state, difference = saved
        [by_hidden] = gradients
        by_own_n, by_r, by_z, by_fed_n = into.chunk(4, dim=2)
        kept = by_hidden * z
        _sigmoid_back(by_hidden * difference, z, grad_input=by_z)
        _tanh_back(by_hidden - kept, n, grad_input=by_own_n)
        _sigmoid_back(by_own_n * from_state, r, grad_input=by_r)
        torch.mul(by_own_n, r, out=by_fed_n)
        return (kept,)


@final
class LstmCell(Cell):
    """Long short-term memory with gates i, f, g, o, as torch computes it.

    Source:
        Hochreiter & Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735.
    """

    gates = 4
    n_states = 2
    blocks = 4
    own = fed_back = (0, 4)
    rolled = 0

    def step(self, own: torch.Tensor, fed_back: torch.Tensor, states: States) -> tuple[States, Saved]:
        """Take one step."""
        _, memory = states
        width = memory.shape[2]
        gates = own + fed_back
        i_f, g = torch.sigmoid(gates[..., : 2 * width]), _tanh(gates[..., 2 * width : 3 * width])
        i, f, o = i_f[..., :width], i_f[..., width:], torch.sigmoid(gates[..., 3 * width :])
        remembered = torch.addcmul(f * memory, i, g)
        shown = _tanh(remembered)
        return (o * shown, remembered), (i, f, g, o, memory, shown)

    def back(self, saved: Saved, gradients: States, into: torch.Tensor) -> States:
        """Write the gradients of one step."""
        i, f, g, o, memory, shown = saved
        by_hidden, by_memory = gradients
        by_i, by_f, by_g, by_o = into.chunk(4, dim=2)
        by_memory = by_memory + torch.ops.aten.tanh_backward(by_hidden * o, shown)
        _sigmoid_back(by_memory * g, i, grad_input=by_i)
        _sigmoid_back(by_memory * memory, f, grad_input=by_f)
        _tanh_back(by_memory * i, g, grad_input=by_g)
        _sigmoid_back(by_hidden * shown, o, grad_input=by_o)
        return by_hidden.new_zeros(()).expand_as(by_hidden), by_memory * f
