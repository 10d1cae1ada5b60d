"""What every member minimises."""

from __future__ import annotations

import torch
from torch.nn import functional


def summed_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the sum over members of their mean cross-entropies: its gradient is that of each member by itself.

    Args:
        logits: (members, batch, n_outputs).
        labels: (members, batch).
    """
    return functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / labels.shape[1]
