"""What follows a symbol, by counting and by compressing: bits per symbol without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from harness.baselines.base import LanguageModel, capped
from harness.datasets.base import Split

BASE: Final = 256  # of the number that stands for a run of symbols; also how many there may be
LONGEST: Final = 6  # symbols of context
DISCOUNTS: Final = (0.5, 0.75, 0.9)
MOST_SYMBOLS: Final = 2**24  # of train that are counted, or compressed
ENTRY: Final = 8 + 4  # bytes of a run and its count


@final
@dataclass(frozen=True)
class Counts:
    """How often each run of ``context + 1`` symbols occurs in train.

    Args:
        context: Symbols before the last.
        runs: Distinct runs as numbers, ascending.
        counts: Of each run.
        contexts: Distinct runs without their last symbol, ascending.
        totals: How often each of those is followed by anything.
        followers: By how many distinct symbols.
    """

    context: int
    runs: Int64[np.ndarray, " runs"]
    counts: Int64[np.ndarray, " runs"]
    contexts: Int64[np.ndarray, " contexts"]
    totals: Int64[np.ndarray, " contexts"]
    followers: Int64[np.ndarray, " contexts"]

    def refine(
        self, runs: Int64[np.ndarray, "n places"], shorter: Float64[np.ndarray, "n places"], discount: float
    ) -> Float64[np.ndarray, "n places"]:
        """Return the probability of each run's last symbol, given what a shorter context says.

        Each count is lowered by ``discount``, and what that frees is shared out as the shorter context has it. Where
        the context was never seen, the shorter one's probability stays.

        Source:
            Ney, Essen & Kneser 1994, doi:10.1006/csla.1994.1001: interpolated absolute discounting.
        """
        at, seen = _find(self.contexts, runs // BASE)
        run_at, run_seen = _find(self.runs, runs)
        counts = np.where(run_seen, self.counts[run_at], 0)
        freed = discount * self.followers[at] * shorter
        mixed: Float64[np.ndarray, "n places"] = np.where(
            seen, (np.maximum(counts - discount, 0) + freed) / self.totals[at], shorter
        )
        return mixed


def fit_unigram(train: Split, val: Split) -> LanguageModel:
    """Give each symbol its share of train, one added to each of 256 counts: 256 float32, looked up."""
    counts = np.bincount(train.labels.ravel(), minlength=BASE) + 1.0
    bits = -np.log2(counts / counts.sum())
    return LanguageModel(4 * BASE, 0.0, lambda split: bits[split.labels].mean(axis=1))


def fit_n_gram(train: Split, val: Split) -> LanguageModel:
    """Count runs of symbols, longer contexts before shorter ones; length, 1 to 6, and discount chosen on validation.

    Only the window's own symbols are context, as of a network. Bytes are 12 a distinct run; a prediction, of a whole
    window, is 4 flops a place, symbol and length (subtract, multiply, add, divide). At most 2^24 symbols are counted.
    """
    seen = capped(train, MOST_SYMBOLS // train.labels.shape[1])
    lengths = min(LONGEST, train.labels.shape[1])
    counts = [count(seen, context) for context in range(lengths + 1)]
    scores = [
        (float(np.mean(bits)), length, discount)
        for discount in DISCOUNTS
        for length, bits in enumerate(_bits_by_length(counts, val, discount))
        if length
    ]
    _, length, discount = min(scores)  # of equals the shortest context
    kept = counts[: length + 1]
    n_symbols = len(counts[0].runs)
    return LanguageModel(
        ENTRY * sum(len(one.runs) for one in kept),
        4.0 * train.labels.shape[1] * n_symbols * (length + 1),
        lambda split: _bits_by_length(kept, split, discount)[-1],
    )


def fit_lzma(train: Split, val: Split) -> LanguageModel:
    """Compress train, and train with the windows after it: what they add, in bits, over their number of symbols.

    Every window gets that mean. A compressor reads on: for each window it has train and all windows before it at hand,
    more than a network that sees the window alone. Bytes are those of train, compressed; at most its last 2^24 symbols.
    """
    import lzma

    kept = train.labels[-(MOST_SYMBOLS // train.labels.shape[1]) :].astype(np.uint8).tobytes()
    alone = len(lzma.compress(kept, preset=9))

    def bits(split: Split) -> Float64[np.ndarray, " n"]:
        both = len(lzma.compress(kept + split.labels.astype(np.uint8).tobytes(), preset=9))
        return np.full(len(split), 8 * (both - alone) / split.labels.size)

    return LanguageModel(alone, None, bits)


def count(split: Split, context: int) -> Counts:
    """Count the runs of ``context + 1`` symbols inside windows."""
    runs, counts = np.unique(_runs(_whole(split), context), return_counts=True)
    contexts, first = np.unique(runs // BASE, return_index=True)
    totals = np.add.reduceat(counts, first)
    followers = np.diff(np.append(first, len(runs)))
    return Counts(context, runs, counts, contexts, totals, followers)


def _bits_by_length(counts: Sequence[Counts], split: Split, discount: float) -> list[Float64[np.ndarray, " n"]]:
    """Return bits per symbol of each window, for contexts of up to 0, 1 ... symbols."""
    whole = _whole(split)
    chances = np.full(split.labels.shape, 1 / BASE)
    found = []
    for one in counts:
        # at a place with fewer symbols before it than this context has, what shorter ones said stays
        places = slice(max(one.context - 1, 0), None)
        runs = _runs(whole, one.context)
        chances[:, places] = one.refine(runs, chances[:, places], discount)
        found.append(-np.log2(chances).mean(axis=1))
    return found


def _whole(split: Split) -> UInt8[np.ndarray, "n length_and_one"]:
    """Return each window with the symbol after its last."""
    return np.concatenate([split.inputs, split.labels[:, -1:].astype(np.uint8)], axis=1)


def _runs(whole: UInt8[np.ndarray, "n length"], context: int) -> Int64[np.ndarray, "n places"]:
    """Return each run of ``context + 1`` symbols that ends in a label, as a number, its first symbol first."""
    whole = whole if context else whole[:, 1:]  # no label is the first
    places = whole.shape[1] - context
    runs = np.zeros((len(whole), places), dtype=np.int64)
    for at in range(context + 1):
        runs = runs * BASE + whole[:, at : at + places]
    return runs


def _find(
    ascending: Int64[np.ndarray, " m"], wanted: Int64[np.ndarray, "n places"]
) -> tuple[Int64[np.ndarray, "n places"], Bool[np.ndarray, "n places"]]:
    """Return where each number stands, and whether it does."""
    at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
    return at, ascending[at] == wanted
