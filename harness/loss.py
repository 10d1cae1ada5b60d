"""What every member minimises, and what it comes to on each example.

Labels say which: integers are classes, one an example or one a position (cross-entropy); floats are targets of a
regression (squared error).
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional


def mean_loss(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return one network's mean loss.

    Args:
        outputs: (batch, n_outputs), or (batch, length, n_outputs).
        labels: (batch,), or (batch, length).
    """
    if labels.is_floating_point():
        return functional.mse_loss(outputs.squeeze(-1), labels)
    return functional.cross_entropy(outputs.flatten(0, -2), labels.flatten())


def summed_loss(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the sum over members of their mean losses: its gradient is that of each member by itself.

    Args:
        outputs: (members, batch, n_outputs), or (members, batch, length, n_outputs).
        labels: (members, batch), or (members, batch, length).
    """
    each = labels[0].numel()
    if labels.is_floating_point():
        return (outputs.squeeze(-1) - labels).square().sum() / each
    return functional.cross_entropy(outputs.flatten(0, -2), labels.flatten(), reduction="sum") / each


def on_each(outputs: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what each example comes to, both (members, n): in the task's error form, and as training minimises it.

    The error is 1 for a wrong class and 0 for the right one; the squared error; or, where every position has a label,
    the mean of their bits.

    Args:
        outputs: (members, n, n_outputs), or (members, n, length, n_outputs).
        labels: (n,), or (n, length): the same for all members.
    """
    if labels.is_floating_point():
        squares = (outputs.squeeze(-1) - labels).square()
        return squares.to(torch.float64), squares
    picked = labels.expand(len(outputs), *labels.shape).unsqueeze(-1)
    losses = torch.logsumexp(outputs, dim=-1) - outputs.gather(-1, picked).squeeze(-1)
    if labels.dim() == 2:
        losses = losses.mean(dim=2)
        return losses.to(torch.float64) / math.log(2), losses
    return (outputs.argmax(dim=2) != labels).to(torch.float64), losses
