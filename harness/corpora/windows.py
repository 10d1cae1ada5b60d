"""Windows of consecutive bytes, and the byte that follows each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from harness.corpora import alphabet
from harness.corpora.spread import spread
from harness.datasets.base import Split

LENGTH: Final = 64  # bytes a window


def windows(contents: Iterable[bytes], n: int | None = None) -> Split:
    """Return symbols (n, 64), and (n, 64) those one place further on; windows follow one another in each file.

    Each byte but a file's first is predicted once; the last ones of a file, too few for a window, are left out.

    Args:
        contents: Files.
        n: How many windows, spread evenly over all there are; None for all.
    """
    inputs, labels = [], []
    for content in contents:
        symbols = alphabet.of_bytes(content)
        whole = max(len(symbols) - 1, 0) // LENGTH * LENGTH
        inputs.append(symbols[:whole].reshape(-1, LENGTH))
        labels.append(symbols[1 : whole + 1].reshape(-1, LENGTH))
    before, after = np.concatenate(inputs), np.concatenate(labels)
    chosen = spread(len(before) if n is None else n, len(before))
    return Split(before[chosen], after[chosen].astype(np.int64))
