"""Which keyword is hidden: the characters before it and after it, in the code of a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from harness.corpora import alphabet
from harness.corpora.spread import spread
from harness.corpora.tokens import keyword_places
from harness.datasets.base import Split

REACH: Final = 40  # characters on either side


def cloze(contents: Iterable[bytes], keywords: Sequence[str], n: int | None = None) -> Split:
    """Return one example a keyword: symbols (n, 80), those before it and those after it; its place in ``keywords``.

    Where the file begins or ends within reach, the rest is :data:`alphabet.OTHER`. Other keywords stand as they are.

    Args:
        contents: Files, UTF-8.
        keywords: The classes; others are not hidden, and stay visible.
        n: How many examples, spread evenly over all there are; None for all.
    """
    number = {keyword: label for label, keyword in enumerate(keywords)}
    inputs, labels = [], []
    beyond = np.full(REACH, alphabet.OTHER, dtype=np.uint8)
    for content in contents:
        text = content.decode("utf-8")
        places = [(begin, end, number[word]) for begin, end, word in keyword_places(text) if word in number]
        if not places:
            continue
        begin, end, label = np.array(places, dtype=np.int64).T
        symbols = np.concatenate([beyond, alphabet.of_characters(text), beyond])
        reaches = np.lib.stride_tricks.sliding_window_view(symbols, REACH)
        inputs.append(np.concatenate([reaches[begin], reaches[end + REACH]], axis=1))
        labels.append(label)
    split = Split(np.concatenate(inputs), np.concatenate(labels))
    chosen = spread(len(split) if n is None else n, len(split))
    return Split(split.inputs[chosen], split.labels[chosen])
