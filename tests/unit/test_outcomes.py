"""Right and wrong answers survive packing, and no text unpacks to more than it may."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from registry.errors import InvalidRecord
from registry.outcomes import decode_bits, encode_bits, encode_losses, is_worst, losses, metric_of, unpack, worst_row


@pytest.mark.parametrize(("n_seeds", "n_items"), [(1, 1), (3, 8), (20, 597), (2, 9), (5, 64)])
def test_rows_come_back_as_they_went_in(n_seeds: int, n_items: int) -> None:
    rows = (np.random.default_rng(n_items).random((n_seeds, n_items)) < 0.9).tolist()

    assert decode_bits(encode_bits(rows), n_seeds, n_items) == rows


def test_packed_rows_say_how_many_are_right() -> None:
    rows = unpack(encode_bits([[True] * 9, [True, False] * 4 + [False]]), 2, 9)

    assert rows == [b"\xff\x80", b"\xaa\x00"]
    assert [metric_of(row, 9, "accuracy") for row in rows] == [1.0, 4 / 9]


def test_bits_are_packed_as_numpy_packs_them() -> None:
    rows = np.random.default_rng(0).random((4, 21)) < 0.5

    packed = zlib.decompress(base64.b64decode(encode_bits(rows.tolist())))

    assert packed == np.packbits(rows, axis=1).tobytes()


def test_597_items_and_20_seeds_stay_small() -> None:
    wrong = np.random.default_rng(0).random((20, 597)) < 0.05

    assert len(encode_bits((~wrong).tolist())) < 20 * 597 / 8


def test_a_small_text_that_inflates_to_much_is_refused_without_inflating_it() -> None:
    bomb = base64.b64encode(zlib.compress(bytes(50_000_000), 9)).decode()

    with pytest.raises(InvalidRecord, match="outcomes do not hold exactly 20 seeds x 40 items"):
        decode_bits(bomb, 20, 40)


def test_more_bits_than_the_limit_are_refused_before_anything_is_inflated() -> None:
    with pytest.raises(InvalidRecord, match="outcomes of 20 seeds x 9007199254740991 items: expected 1 to 1,000,000"):
        decode_bits("", 20, 2**53 - 1)


@pytest.mark.parametrize("text", ["", "!", "AAAA", "é", encode_bits([[True] * 8])[:-4]])
def test_what_is_no_zlib_stream_is_refused(text: str) -> None:
    with pytest.raises(InvalidRecord, match="outcomes"):
        decode_bits(text, 1, 8)


def test_another_number_of_items_is_refused() -> None:
    with pytest.raises(InvalidRecord, match="do not hold exactly 2 seeds x 17 items"):
        decode_bits(encode_bits([[True] * 16] * 2), 2, 17)


def test_bits_beyond_the_last_item_are_refused() -> None:
    with pytest.raises(InvalidRecord, match="bits set beyond the last item"):
        decode_bits(encode_bits([[True] * 8]), 1, 5)


def test_bytes_after_the_stream_are_refused() -> None:
    text = base64.b64encode(zlib.compress(b"\xff") + b"more").decode()

    with pytest.raises(InvalidRecord, match="do not hold exactly 1 seeds x 8 items"):
        decode_bits(text, 1, 8)


@pytest.mark.parametrize("rows", [[], [[]], [[True], [True, False]]])
def test_rows_of_no_or_of_different_length_are_a_bug_of_the_caller(rows: list[list[bool]]) -> None:
    with pytest.raises(ValueError, match="rows of one length"):
        encode_bits(rows)


@pytest.mark.parametrize(("metric", "expected"), [("bits-per-byte", [1.0, 2.0]), ("r2", [0.0, -1.0])])
def test_losses_come_back_as_float16_and_say_what_the_metric_is(metric: str, expected: list[float]) -> None:
    rows = unpack(encode_losses([[0.5, 1.0, 1.5], [2.0, 4.0, 0.0]]), 2, 3, metric)

    assert [losses(row) for row in rows] == [(0.5, 1.0, 1.5), (2.0, 4.0, 0.0)]
    assert [metric_of(row, 3, metric) for row in rows] == expected


def test_losses_are_packed_as_numpy_packs_them() -> None:
    rows = np.random.default_rng(0).exponential(size=(4, 21)).astype(np.float16)

    packed = zlib.decompress(base64.b64decode(encode_losses(rows.astype(float).tolist())))

    assert packed == rows.astype("<f2").tobytes()


@pytest.mark.parametrize("loss", [-1.0, float("nan"), float("inf")])
def test_a_loss_that_is_none_is_refused(loss: float) -> None:
    text = base64.b64encode(zlib.compress(np.array([1.0, loss], dtype="<f2").tobytes())).decode()

    with pytest.raises(InvalidRecord, match="a loss that is negative or not finite"):
        unpack(text, 1, 2, "r2")
    with pytest.raises(ValueError, match="losses from 0 to 65504 are needed"):
        encode_losses([[1.0, loss]])


@pytest.mark.parametrize(("metric", "worst"), [("accuracy", 0.0), ("r2", -1.0), ("bits-per-byte", 16.0)])
def test_the_row_of_a_diverged_run_has_the_worst_metric(metric: str, worst: float) -> None:
    row = worst_row(13, metric)

    assert metric_of(row, 13, metric) == worst
    assert is_worst(row, metric)
    assert not is_worst(b"\x01" + row[1:], metric)
