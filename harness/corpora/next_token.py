"""The type of the next token from the types of those before it, in the code of a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from harness.corpora.spread import spread
from harness.corpora.tokens import token_types
from harness.datasets.base import Split

BEFORE: Final = 8  # tokens to predict from
RARE: Final = "RARE"  # every type that has no number of its own


def next_token(contents: Iterable[bytes], types: Sequence[str], n: int | None = None) -> Split:
    """Return one example a token that has 8 before it in its file: their types (n, 8), the first first; its own type.

    Args:
        contents: Files, UTF-8.
        types: What each number means; the first is :data:`RARE`, and stands for whatever is not listed.
        n: How many examples, spread evenly over all there are; None for all.
    """
    number = {name: at for at, name in enumerate(types)}
    rows = []
    for content in contents:
        found = np.array([number.get(name, 0) for name in token_types(content.decode("utf-8"))], dtype=np.uint8)
        if len(found) > BEFORE:
            rows.append(np.lib.stride_tricks.sliding_window_view(found, BEFORE + 1))
    windows = np.concatenate(rows)
    chosen = windows[spread(len(windows) if n is None else n, len(windows))]
    return Split(chosen[:, :BEFORE], chosen[:, BEFORE].astype(np.int64))
