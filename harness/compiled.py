"""Make the steps of a pack with one compiled program: gather, gradient and optimiser fused by torch's compiler."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, NoReturn, final

import click
import torch

from harness.adam import BETA1, BETA2, EPSILON
from harness.loss import summed_loss
from harness.stepping import Stepper
from harness.symbols import as_read

if TYPE_CHECKING:
    from harness.stack import StackedNetwork

Tensors = Sequence[torch.Tensor]
COMPILED: Final = "compiled step"
MOST_PROGRAMS: Final = 10_000  # torch gives up on a function after 8 shapes: a study has more, one a kind of pack


@cache
def can_compile(device: str) -> bool:
    """Say whether this machine compiles for ``device``: on a CPU that takes a C++ compiler. If not, say so once."""
    compiler = os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")
    if device != "cpu" or shutil.which(compiler):
        return True
    click.echo(f"no C++ compiler ({compiler}): training without compiling, which is slower", err=True)
    return False


@final
class Compiled(Stepper):
    """One compiled call a step. Fused arithmetic rounds otherwise than the eager one, in the last digits.

    Each parameter tensor of the network is kept apart, in one piece, and written back to the flat ones after the steps.
    """

    shrinks = False  # another number of members is another program to compile

    def __init__(self, network: StackedNetwork, scales: torch.Tensor | None = None) -> None:
        super().__init__(network, scales)
        self._scales = None if scales is None else [leaf.contiguous() for leaf in network.leaves(scales)]
        self._leaves = [leaf.contiguous() for leaf in network.leaves(network.parameters.clone())]
        self._means = [torch.zeros_like(leaf) for leaf in self._leaves]
        self._squares = [torch.zeros_like(leaf) for leaf in self._leaves]
        if COMPILED not in network.shared:
            n_symbols, dtype = network.n_symbols, network.parameters.dtype
            network.shared[COMPILED] = _compile(network.forward, lambda inputs: as_read(inputs, n_symbols, dtype))
        self._step: Callable[..., None] = network.shared[COMPILED]

    def over(self, places: torch.Tensor) -> NoReturn:
        """Refuse: see ``shrinks``."""
        raise NotImplementedError("a compiled program keeps its members")

    def advance(
        self,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        rows: torch.Tensor,
        done: int,
        rate: torch.Tensor,
        keep: torch.Tensor | None,
    ) -> None:
        """Make one compiled call a step; what changes from step to step goes in as tensors."""
        roots = rate.new_tensor([1 / math.sqrt(1 - BETA2**t) for t in range(done + 1, done + len(rows) + 1)])
        with torch._dynamo.config.patch(recompile_limit=MOST_PROGRAMS):
            for i, row in enumerate(rows):
                kept = None if keep is None else keep[i]
                self._step(
                    self._leaves, self._means, self._squares, self._scales, inputs, labels, row, rate[i], kept, roots[i]
                )
        for place, leaf in zip(self.network.leaves(self.network.parameters), self._leaves, strict=True):
            place.copy_(leaf)


def _compile(
    forward: Callable[[Tensors, torch.Tensor], torch.Tensor], read: Callable[[torch.Tensor], torch.Tensor]
) -> Callable[..., None]:
    """Compile one step of a network, which takes inputs as ``read`` returns them; what is given is changed in place."""

    def loss(leaves: Tensors, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return summed_loss(forward(leaves, inputs), labels)

    def step(
        leaves: Tensors,
        means: Tensors,
        squares: Tensors,
        scales: Tensors | None,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        rows: torch.Tensor,
        rate: torch.Tensor,
        keep: torch.Tensor | None,
        root: torch.Tensor,
    ) -> None:
        gradients = torch.func.grad(loss)(leaves, read(inputs[rows]), labels[rows])
        for i, (leaf, mean, square, gradient) in enumerate(zip(leaves, means, squares, gradients, strict=True)):
            each = (-1, *[1] * (leaf.dim() - 1))
            mean.lerp_(gradient, 1 - BETA1)
            square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
            if keep is not None:
                leaf.mul_(keep.view(each))
            change = mean / (square.sqrt() * root + EPSILON) * rate.view(each)
            leaf.sub_(change if scales is None else change * scales[i])

    compiled: Callable[..., None] = torch.compile(step, fullgraph=True, dynamic=False)
    return compiled
