"""Shrink images by averaging areas, exactly."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32


def area_average(images: Float32[np.ndarray, "n channels side side"], side: int) -> Float32[np.ndarray, "n c s s"]:
    """Return square images at a lower resolution: each new pixel is the mean of the area it covers.

    Where old pixels are cut, their parts count by area. Weights are whole numbers: for pixels that are multiples of
    2^-8, sums are exact and the result is the same to the bit on every machine.

    Args:
        images: Square images.
        side: The new side, at most the old one.
    """
    old = images.shape[-1]
    parts = math.lcm(old, side)  # both grids are cut into this many
    edges, new_edges = np.arange(old + 1) * (parts // old), np.arange(side + 1) * (parts // side)
    low = np.maximum(edges[:-1], new_edges[:-1, None])
    high = np.minimum(edges[1:], new_edges[1:, None])
    overlap = np.maximum(high - low, 0).astype(np.float32)  # (side, old)
    sums = np.matmul(np.matmul(overlap, images), overlap.T)
    averaged: Float32[np.ndarray, "n c s s"] = sums / np.float32((parts // side) ** 2)
    return averaged
