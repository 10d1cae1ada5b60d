"""Pack which test items each seed got right, so that every interval of a record can be derived again.

A row is one seed's correct/wrong bits in test order; a diverged seed is a row of wrong. Rows are padded to whole bytes,
first item in the highest bit (as ``numpy.packbits(rows, axis=1)``), joined, deflated at level 9 and written as base64.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Final

from registry.errors import InvalidRecord

PACKED_LIMIT: Final = 1_000_000  # bytes after inflating: 100 seeds on 80,000 items


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


def unpack(text: str, n_seeds: int, n_items: int) -> list[bytes]:
    """Return the rows that :func:`encode_bits` packed, eight items a byte; what pads the last byte is zero.

    Inflates at most what ``n_seeds`` rows of ``n_items`` bits take, so a small text cannot fill the memory.

    Raises:
        InvalidRecord: If ``text`` is not base64 of one zlib stream of exactly those rows with zero padding.
    """
    row_bytes = (n_items + 7) // 8
    expected = n_seeds * row_bytes
    if not 0 < expected <= PACKED_LIMIT:
        raise InvalidRecord(
            f"outcomes of {n_seeds} seeds x {n_items} items: expected 1 to {PACKED_LIMIT:,} bytes of bits"
        )
    try:
        inflater = zlib.decompressobj()
        packed = inflater.decompress(base64.b64decode(text, validate=True), expected + 1)
    except (ValueError, zlib.error):
        raise InvalidRecord("outcomes are not base64 of a zlib stream") from None
    if len(packed) != expected or not inflater.eof or inflater.unused_data:
        raise InvalidRecord(f"outcomes do not hold exactly {n_seeds} seeds x {n_items} items")
    rows = [packed[start : start + row_bytes] for start in range(0, expected, row_bytes)]
    padding = (1 << (8 * row_bytes - n_items)) - 1
    if any(row[-1] & padding for row in rows):
        raise InvalidRecord("outcomes have bits set beyond the last item")
    return rows


def share_right(row: bytes, n_items: int) -> float:
    """Return the accuracy of one row of :func:`unpack`."""
    return int.from_bytes(row).bit_count() / n_items


def _pack(row: Sequence[bool]) -> bytes:
    row_bytes = (len(row) + 7) // 8
    digits = "".join("1" if correct else "0" for correct in row).ljust(8 * row_bytes, "0")
    return int(digits, 2).to_bytes(row_bytes)
