"""Which examples each step of a member reads."""

from __future__ import annotations

from typing import final

import numpy as np


@final
class BatchStream:
    """The batches of one member: epochs without replacement over its own subset, from its own generator.

    Where the subset is no multiple of the batch, the rest of an epoch is dropped; the next epoch shuffles anew.

    Args:
        subset: Row numbers into the training split.
        batch_size: Examples a step, at most ``len(subset)``.
        seed: Seeds the order of batches and nothing else.
    """

    def __init__(self, subset: np.ndarray, batch_size: int, seed: int) -> None:
        self.batch_size = batch_size
        self._subset = subset
        self._per_epoch = len(subset) // batch_size
        self._generator = np.random.default_rng((seed, 2))
        self._left = np.empty((0, batch_size), dtype=np.int64)

    def take(self, steps: int) -> np.ndarray:
        """Return the next ``steps`` batches as row numbers, (steps, batch)."""
        parts = [self._left]
        have = len(self._left)
        while have < steps:
            order = self._generator.permutation(self._subset)[: self._per_epoch * self.batch_size]
            parts.append(order.reshape(self._per_epoch, self.batch_size))
            have += self._per_epoch
        batches = np.concatenate(parts)
        self._left = batches[steps:]
        return batches[:steps]
