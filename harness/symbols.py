"""Inputs that are symbols, such as characters: how a network takes them."""

from __future__ import annotations

import numpy as np
import torch


def as_fed(inputs: np.ndarray, n_symbols: int) -> np.ndarray:
    """Return a split's inputs as an exported network takes them: what :func:`as_read` makes of them, in NumPy.

    Args:
        inputs: (n, ...), as a data set gives them.
        n_symbols: As in :func:`as_read`.
    """
    return inputs if inputs.dtype != np.uint8 else as_read(torch.tensor(inputs), n_symbols, torch.float32).numpy()


def as_read(inputs: torch.Tensor, n_symbols: int, dtype: torch.dtype) -> torch.Tensor:
    """Return symbols, uint8 (..., length), as numbers, int64; or as rows of ``n_symbols``, one of them 1, if not 0.

    Anything else is returned as it is.
    """
    if inputs.dtype != torch.uint8:
        return inputs
    if not n_symbols:
        return inputs.long()
    rows = torch.zeros(*inputs.shape, n_symbols, dtype=dtype, device=inputs.device)
    return rows.scatter_(-1, inputs.long().unsqueeze(-1), 1.0)
