"""Pack what each seed made of each test item, so that every interval of a record can be derived again.

Where the metric is accuracy a row is one seed's correct/wrong bits in test order, padded to whole bytes, first item in
the highest bit (as ``numpy.packbits(rows, axis=1)``). Where it is balanced accuracy the items stand sorted by class, in
test order within one: beside the number of test items of each class that is all the metric needs, it is as exact as
whole counts are, and no item's label is kept. Elsewhere it is one seed's losses, little-endian float16: squared
errors in units of the training targets' variance where the metric is R2, bits per byte of each window of text. More
than :data:`MOST_KEPT` items are kept as the means of so many blocks of neighbours, as even as can be: a record has room
for no more. Rows are joined, deflated at level 9 and written as base64. A diverged seed is a row of the worst: wrong,
or a loss of :data:`WORST_LOSS`.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from registry.errors import InvalidRecord
from registry.metrics import BALANCED

PACKED_LIMIT: Final = 1_000_000  # bytes after inflating: 100 seeds on 80,000 items
# What a diverged run's items count with, by metric: of R2, answers drawn blindly from the training targets; of text,
# twice the bits of a uniform guess.
WORST_LOSS: Final = {"r2": 2.0, "bits-per-byte": 16.0}
TOLD: Final = ("accuracy", BALANCED, *WORST_LOSS)  # metrics that outcomes tell
MOST_LOSS: Final = 65504.0  # the largest float16
MOST_KEPT: Final = 100  # losses of a row


def encode_bits(rows: Sequence[Sequence[bool]]) -> str:
    """Return the code of ``rows``, seeds first.

    Args:
        rows: One sequence of correct (true) or wrong per seed, all of one length, at least one item.

    Raises:
        ValueError: If there is no row, no item, or the rows differ in length.
    """
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"rows of one length >= 1 are needed, got {len(rows)} rows of lengths {sorted(lengths)}")
    return base64.b64encode(zlib.compress(b"".join(_pack(row) for row in rows), 9)).decode("ascii")


def decode_bits(text: str, n_seeds: int, n_items: int) -> list[list[bool]]:
    """Return the rows that :func:`encode_bits` packed.

    Raises:
        InvalidRecord: As :func:`unpack`.
    """
    rows = unpack(text, n_seeds, n_items)
    return [[bit == "1" for bit in f"{int.from_bytes(row):0{8 * len(row)}b}"[:n_items]] for row in rows]


def encode_losses(rows: Sequence[Sequence[float]]) -> str:
    """Return the code of ``rows``, seeds first.

    Args:
        rows: One sequence of losses per seed, from 0 to :data:`MOST_LOSS`, all of one length, at least one item. They
            are rounded to float16.

    Raises:
        ValueError: If there is no row, no item, the rows differ in length, or a loss is out of range.
    """
    lengths = {len(row) for row in rows}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"rows of one length >= 1 are needed, got {len(rows)} rows of lengths {sorted(lengths)}")
    if not all(0 <= loss <= MOST_LOSS for row in rows for loss in row):
        raise ValueError(f"losses from 0 to {MOST_LOSS:g} are needed")
    packed = b"".join(struct.pack(f"<{len(row)}e", *row) for row in rows)
    return base64.b64encode(zlib.compress(packed, 9)).decode("ascii")


def unpack(text: str, n_seeds: int, n_items: int, metric: str = "accuracy") -> list[bytes]:
    """Return the packed rows: eight items a byte, what pads the last byte zero; or two bytes an item.

    Inflates at most what ``n_seeds`` rows of ``n_items`` take, so a small text cannot fill the memory.

    Raises:
        InvalidRecord: If ``text`` is not base64 of one zlib stream of exactly those rows with zero padding, or holds a
            loss that is negative or not finite.
    """
    row_bytes = 2 * min(n_items, MOST_KEPT) if metric in WORST_LOSS else (n_items + 7) // 8
    expected = n_seeds * row_bytes
    if not 0 < expected <= PACKED_LIMIT:
        raise InvalidRecord(f"outcomes of {n_seeds} seeds x {n_items} items: expected 1 to {PACKED_LIMIT:,} bytes")
    try:
        inflater = zlib.decompressobj()
        packed = inflater.decompress(base64.b64decode(text, validate=True), expected + 1)
    except (ValueError, zlib.error):
        raise InvalidRecord("outcomes are not base64 of a zlib stream") from None
    if len(packed) != expected or not inflater.eof or inflater.unused_data:
        raise InvalidRecord(f"outcomes do not hold exactly {n_seeds} seeds x {n_items} items")
    rows = [packed[start : start + row_bytes] for start in range(0, expected, row_bytes)]
    if metric in WORST_LOSS:
        if not all(0 <= loss <= MOST_LOSS for row in rows for loss in losses(row)):
            raise InvalidRecord("outcomes hold a loss that is negative or not finite")
        return rows
    padding = (1 << (8 * row_bytes - n_items)) - 1
    if any(row[-1] & padding for row in rows):
        raise InvalidRecord("outcomes have bits set beyond the last item")
    return rows


def losses(row: bytes) -> tuple[float, ...]:
    """Return the losses of one row of :func:`unpack`."""
    return struct.unpack(f"<{len(row) // 2}e", row)


def metric_of(row: bytes, n_items: int, metric: str, class_sizes: Sequence[int] = ()) -> float:
    """Return the metric of one row of :func:`unpack`: accuracy, R2 to 12 decimals, or bits per byte.

    Args:
        row: Of one seed.
        n_items: How many test items there are.
        metric: One of :data:`TOLD`.
        class_sizes: Where it is balanced accuracy, the test items of each class.
    """
    if metric == BALANCED:
        digits = f"{int.from_bytes(row):0{8 * len(row)}b}"
        ends = list(accumulate(class_sizes))
        right = [digits.count("1", end - size, end) for end, size in zip(ends, class_sizes, strict=True)]
        return balanced_accuracy(right, class_sizes)
    if metric not in WORST_LOSS:
        return int.from_bytes(row).bit_count() / n_items
    mean = mean_loss(losses(row), n_items)
    return round(1 - mean, 12) if metric == "r2" else mean


def balanced_accuracy(right: Iterable[int], class_sizes: Iterable[int]) -> float:
    """Return the mean over classes of the share of their items that are right, to 12 decimals.

    A class without items has no share and is left out, as scikit-learn's ``balanced_accuracy_score`` does.

    Args:
        right: Items of each class that are right.
        class_sizes: Items of each class; at least one class has some.
    """
    shares = [k / n for k, n in zip(right, class_sizes, strict=True) if n]
    return round(math.fsum(shares) / len(shares), 12)


def block_sizes(n_items: int) -> list[int]:
    """Return how many items each loss of a row stands for, in order."""
    kept = min(n_items, MOST_KEPT)
    return [(i + 1) * n_items // kept - i * n_items // kept for i in range(kept)]


def mean_loss(row: Sequence[float], n_items: int) -> float:
    """Return the mean over all items to 12 decimals, the same however it is added up."""
    sizes = block_sizes(n_items)
    return round(math.fsum(size * loss for size, loss in zip(sizes, row, strict=True)) / n_items, 12)


def is_worst(row: bytes, metric: str) -> bool:
    """Say whether one row of :func:`unpack` may be that of a diverged run."""
    if metric not in WORST_LOSS:
        return not any(row)
    return all(loss == WORST_LOSS[metric] for loss in losses(row))


def worst_row(n_items: int, metric: str) -> bytes:
    """Return the row of a diverged run."""
    if metric not in WORST_LOSS:
        return bytes((n_items + 7) // 8)
    return struct.pack("<e", WORST_LOSS[metric]) * min(n_items, MOST_KEPT)


def _pack(row: Sequence[bool]) -> bytes:
    row_bytes = (len(row) + 7) // 8
    digits = "".join("1" if correct else "0" for correct in row).ljust(8 * row_bytes, "0")
    return int(digits, 2).to_bytes(row_bytes)
