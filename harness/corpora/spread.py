"""Choose a fixed number of many, evenly: without chance, so that no generator of it has to stay as it is."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64


def spread(n: int, of: int) -> Int64[np.ndarray, " n"]:
    """Return ``n`` positions of ``of``, ascending, as evenly apart as whole numbers can be.

    Args:
        n: How many, at most ``of``.
        of: Number of positions.
    """
    chosen: Int64[np.ndarray, " n"] = np.arange(n, dtype=np.int64) * of // n
    return chosen
