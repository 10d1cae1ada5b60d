"""How a program of stacked members makes its steps: one operation after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self, final

import torch

from harness.adam import Adam

if TYPE_CHECKING:
    from harness.stack import StackedNetwork


class Stepper(ABC):
    """A program, its optimiser, and a way to make steps.

    Args:
        network: The members, loaded; their parameters are changed in place.
        scales: As in :class:`Adam`.

    Attributes:
        network: The members, up to date between calls.
        shrinks: Whether members that have made their steps are worth taking out.
    """

    shrinks: ClassVar[bool]

    def __init__(self, network: StackedNetwork, scales: torch.Tensor | None = None) -> None:
        self.network, self.scales = network, scales

    @abstractmethod
    def over(self, places: torch.Tensor) -> Self:
        """Return what steps the members at ``places`` alone, as far as they have come."""

    @abstractmethod
    def advance(
        self,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        rows: torch.Tensor,
        done: int,
        rate: torch.Tensor,
        keep: torch.Tensor | None,
    ) -> None:
        """Make some steps.

        Args:
            inputs: Training inputs, (n, *input_shape).
            labels: Training labels, (n,).
            rows: The batches, as row numbers: (steps, members, batch).
            done: Steps made before.
            rate: As in :meth:`Adam.step`, for every step: (steps, members, 1).
            keep: Likewise.
        """


@final
class Eager(Stepper):
    """Every operation by itself; a member's bits do not depend on its company."""

    shrinks = True

    def __init__(self, network: StackedNetwork, scales: torch.Tensor | None = None) -> None:
        super().__init__(network, scales)
        self._adam = Adam(network.parameters, scales)

    def over(self, places: torch.Tensor) -> Self:
        """Copy the members at ``places``."""
        rest = type(self)(self.network.over(self.network.parameters[places]))
        rest._adam = self._adam.over(rest.network.parameters, places)
        return rest

    def advance(
        self,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        rows: torch.Tensor,
        done: int,
        rate: torch.Tensor,
        keep: torch.Tensor | None,
    ) -> None:
        """Gather, differentiate, update; row by row of ``rows``."""
        flat = inputs.flatten(1)
        taken = flat.new_empty(rows[0].numel(), flat.shape[1])  # one place for every batch: it stays in the cache
        batch_inputs = taken.view(*rows.shape[1:], *inputs.shape[1:])
        batch_labels = labels[rows]
        for i, row in enumerate(rows.flatten(1)):
            torch.index_select(flat, 0, row, out=taken)
            self.network.differentiate(self.network.read(batch_inputs), batch_labels[i])
            self._adam.step(self.network.gradient, done + i + 1, rate[i], None if keep is None else keep[i])
