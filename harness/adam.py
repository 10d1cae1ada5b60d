"""Adam with decoupled weight decay over a whole pack, one rate and one decay a member."""

from __future__ import annotations

import math
from typing import Final, Self, final

import torch

BETA1: Final = 0.9
BETA2: Final = 0.999
EPSILON: Final = 1e-8


@final
class Adam:
    """The optimiser of one pack: a handful of element-wise operations, in place, whatever the network.

    Args:
        parameters: (members, scalars); changed by :meth:`step`.
        scales: What each scalar's rate is multiplied by, (members, scalars); None for 1 everywhere.

    Source:
        Kingma & Ba 2015, arXiv:1412.6980; decoupled decay: Loshchilov & Hutter 2019, arXiv:1711.05101.
    """

    def __init__(self, parameters: torch.Tensor, scales: torch.Tensor | None = None) -> None:
        self.parameters, self.scales = parameters, scales
        self.mean, self.square = torch.zeros_like(parameters), torch.zeros_like(parameters)
        self._root = torch.empty_like(parameters)

    def over(self, parameters: torch.Tensor, members: torch.Tensor) -> Self:
        """Return the optimiser of some of the members, as far as it has come, over a copy of their parameters."""
        kept = type(self)(parameters, None if self.scales is None else self.scales[members])
        kept.mean, kept.square = self.mean[members], self.square[members]
        return kept

    def step(self, gradient: torch.Tensor, t: int, rate: torch.Tensor, keep: torch.Tensor | None) -> None:
        """Take step ``t``, counted from 1.

        Args:
            gradient: (members, scalars).
            t: Which step this is.
            rate: Each member's rate now over ``1 - BETA1 ** t``, (members, 1).
            keep: What weight decay leaves of each member's weights, (members, 1); None where nothing decays.
        """
        self.mean.lerp_(gradient, 1 - BETA1)
        self.square.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        if keep is not None:
            self.parameters.mul_(keep)
        root = torch.sqrt(self.square, out=self._root).div_(math.sqrt(1 - BETA2**t)).add_(EPSILON)
        change = torch.div(self.mean, root, out=root).mul_(rate)
        self.parameters.sub_(change if self.scales is None else change.mul_(self.scales))
