"""Columns that give the label away by what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from harness.own.checks import giveaways
from harness.own.columns import Categories, Numbers

RNG = np.random.default_rng(0)
TWO = np.arange(60) % 2
THREE = np.arange(60) % 3
NOISE = RNG.normal(size=60)
TARGETS = RNG.normal(size=60)
EMPTY = "column 'x' predicts 'y' perfectly by where it is empty"
ALONE = "column 'x' alone predicts 'y' perfectly"
CODES = np.arange(60) * 7.0 % 10
FIFTH = np.arange(60) % 5 == 0


@pytest.mark.parametrize(
    ("values", "right", "said"),
    [
        (np.where(TWO == 1, NOISE, np.nan), TWO, EMPTY),
        (np.where(THREE == 2, np.nan, THREE + 0.01 * NOISE), THREE, ALONE),
        (np.where(THREE == 0, np.nan, THREE + 0.01 * NOISE), THREE, ALONE),
        (np.where(FIFTH, np.nan, TWO + 0.01 * NOISE), TWO, f"{ALONE} where it is not empty"),
        (np.where(FIFTH, np.nan, NOISE), TWO, ""),
        (np.where(np.arange(60) < 50, np.nan, TWO + 0.01 * NOISE), TWO, ""),
        (np.where(FIFTH, np.nan, NOISE), FIFTH.astype(np.int64), EMPTY),
        (np.where(FIFTH | (TWO == 0), np.nan, NOISE), TWO, ""),
        (np.where(FIFTH, np.nan, 3 * TARGETS + 2), TARGETS, f"{ALONE} where it is not empty"),
        (np.where(FIFTH, np.nan, 1e300 * TARGETS), TARGETS, f"{ALONE} where it is not empty"),
        (np.where(FIFTH, np.nan, NOISE), TARGETS, ""),
        (np.where(FIFTH, np.nan, NOISE), np.where(FIFTH, 7.0, 2.0), EMPTY),
        (1e-300 * TARGETS, TARGETS, ALONE),
        (np.exp(TARGETS), TARGETS, ALONE),
        (-np.exp(TARGETS).round(4), TARGETS, ALONE),
        ((9 * TARGETS + 32).round(2), TARGETS, ALONE),
        (TARGETS + 0.01 * NOISE, TARGETS, ""),
        (np.where(TARGETS > 0, 1.0, 0.0), TARGETS, ""),
        (CODES, (CODES % 2).astype(np.int64), ALONE),
        (CODES, (CODES * 7) % 11, ALONE),
        (CODES, (np.arange(60) % 20 == 0).astype(np.int64), ""),
        (np.where(FIFTH, np.nan, CODES), (CODES % 2).astype(np.int64), f"{ALONE} where it is not empty"),
        (np.arange(60) // 6 * 1.0, np.arange(60) // 6 % 2, ALONE),
        (np.arange(60) // 2 * 1.0, np.arange(60) // 4 % 2, ""),
        (np.where(np.arange(60) < 20, np.arange(60) // 2, NOISE), np.arange(60) // 4 % 2, ""),
        (np.where(np.arange(60) < 50, np.arange(60) % 5, NOISE), (np.arange(60) > 55).astype(np.int64), ""),
    ],
    ids=[
        "only-in-one-class", "missing-above", "missing-below", "some-missing", "noise", "mostly-missing",
        "class-missing", "one-class-there", "line", "huge-line", "no-line", "two-targets", "tiny-line",
        "curve", "rounded-curve", "rounded-line", "near-line", "halves", "code", "code-of-targets", "no-code",
        "code-missing", "sixes", "rows-twice", "few-pairs", "rare-class-once-each",
    ],
)  # fmt: skip
def test_numbers_that_are_missing_may_tell(values: np.ndarray, right: np.ndarray, said: str) -> None:
    assert [one.partition(":")[0] for one in giveaways([Numbers("x", values)], right, "y")] == ([said] if said else [])


def test_categories_that_are_missing_may_tell() -> None:
    names = ("", "blue", "red")
    by_empty = Categories("x", np.where(TWO == 0, 0, 1 + THREE % 2), names)
    where_there = Categories("x", np.where(FIFTH, 0, 1 + TWO), names)
    noise = Categories("x", THREE, names)
    said = [giveaways([one], TWO, "y") for one in (by_empty, where_there, noise)]

    assert [[one.partition(":")[0] for one in found] for found in said] == [
        [EMPTY], [f"{ALONE} where it is not empty"], [],
    ]  # fmt: skip


def test_numbers_of_a_group_are_no_codes() -> None:
    rows = [Numbers("x", np.repeat(NOISE[:10], 6)), Categories("y", np.repeat(np.arange(10), 6), tuple("abcdefghij"))]
    right = np.repeat(np.arange(10) % 2, 6)

    assert [one.split()[1] for one in giveaways(rows, right, "z")] == ["'x'", "'y'"]
    assert [one.split()[1] for one in giveaways(rows, right, "z", has_groups=True)] == ["'y'"]
