"""Which examples train, validate and test: decided by what they hold, so that their order in a file means nothing."""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int64, UInt64

from registry.errors import InvalidData

FEWEST: Final = 50  # examples a data set must have
FEWEST_A_CLASS: Final = 3  # one for each split
TEST_SHARE, VAL_SHARE = 0.2, 0.1
MOST_TEST, MOST_VAL = 10_000, 5_000
LONGEST_RUN: Final = 0.05  # equal examples stay in one split unless they are more than this share of their class
SALTS: Final = 200  # ways of dealing groups out that are tried


class Parts(NamedTuple):
    """Positions of the examples of each split, in order."""

    train: Int64[np.ndarray, " n_train"]
    val: Int64[np.ndarray, " n_val"]
    test: Int64[np.ndarray, " n_test"]


def sizes(n: int) -> tuple[int, int]:
    """Return how many of ``n`` examples validate and how many test."""
    return min(MOST_VAL, round(VAL_SHARE * n)), min(MOST_TEST, round(TEST_SHARE * n))


def check_count(n: int, where: str, what: str = "examples") -> None:
    """Pass if there are enough examples for three splits.

    Raises:
        InvalidData: If there are not.
    """
    if n < FEWEST:
        raise InvalidData(
            f"{where}: holds {n:,} {what}, expected at least {FEWEST}",
            "a tenth validates and a fifth tests: with fewer nothing can be claimed",
        )


def by_content(hashes: UInt64[np.ndarray, " n"], labels: Int64[np.ndarray, " n"] | None) -> Parts:
    """Deal examples out by their hashes, each class by its share and with at least one in every split.

    Equal examples stay together, so that none is tested on what it was trained on.

    Args:
        hashes: Of inputs and label together.
        labels: Classes, each with at least ``FEWEST_A_CLASS`` examples; None where there are none.
    """
    n = len(hashes)
    n_val, n_test = sizes(n)
    classes = np.zeros(n, dtype=np.int64) if labels is None else labels
    dealt: tuple[list[np.ndarray], ...] = ([], [], [])
    order = np.lexsort((hashes, classes))
    for rows in np.split(order, np.flatnonzero(np.diff(classes[order])) + 1):
        test = _whole(hashes[rows], max(1, round(len(rows) * n_test / n)))
        val = _whole(hashes[rows], test + max(1, round(len(rows) * n_val / n)))
        for part, found in zip(dealt, (rows[val:], rows[test:val], rows[:test]), strict=True):
            part.append(found)
    return Parts(*(np.sort(np.concatenate(part)) for part in dealt))


def _whole(hashes: UInt64[np.ndarray, " n"], cut: int) -> int:
    """Move a cut behind the equal examples that it would part, unless they are very many."""
    end = int(np.searchsorted(hashes, hashes[cut - 1], side="right"))
    return end if end - cut <= LONGEST_RUN * len(hashes) and end <= len(hashes) - 2 else cut


def by_group(
    groups: Int64[np.ndarray, " n"],
    names: UInt64[np.ndarray, " groups"],
    labels: Int64[np.ndarray, " n"] | None,
    where: str,
) -> Parts:
    """Deal whole groups out by the hashes of their names, so that no group is in two splits.

    Of many ways the first is taken in which every split has every class and about its size.

    Args:
        groups: Position of each example's group.
        names: Hash of each group's name.
        labels: Classes, or None.
        where: The file, for messages.

    Raises:
        InvalidData: If no way was found.
    """
    counts = np.bincount(groups, minlength=len(names))
    wanted = np.array(sizes(len(groups)))
    for salt in range(SALTS):
        owner = _dealt(counts, mixed(names, salt), wanted)
        parts = Parts(*(np.flatnonzero(owner[groups] == part) for part in range(3)))
        if _balanced(parts, wanted, labels):
            return parts
    kind = "every class" if labels is not None else "enough examples"
    raise InvalidData(
        f"{where}: its {len(names):,} groups cannot be dealt out so that train, validation and test have {kind}",
        "group by something finer, or leave --group out",
    )


def _dealt(counts: np.ndarray, order: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the split of each group: 2 (test) and 1 (validation) until they are full, else 0."""
    owner = np.zeros(len(counts), dtype=np.int64)
    n_val, n_test = 0, 0
    for group in np.argsort(order, kind="stable"):
        if n_test + counts[group] / 2 <= wanted[1]:
            owner[group], n_test = 2, n_test + counts[group]
        elif n_val + counts[group] / 2 <= wanted[0]:
            owner[group], n_val = 1, n_val + counts[group]
    return owner


def _balanced(parts: Parts, wanted: np.ndarray, labels: np.ndarray | None) -> bool:
    found = np.array([len(parts.val), len(parts.test)])
    if not len(parts.train) or (found < wanted / 2).any() or (found > 2 * wanted).any():
        return False
    if labels is None:
        return True
    n_classes = len(np.unique(labels))
    return all(len(np.unique(labels[part])) == n_classes for part in parts)


def mixed(values: UInt64[np.ndarray, " n"], salt: int) -> UInt64[np.ndarray, " n"]:
    """Scramble 64-bit values: splitmix64 (Steele, Lea & Flood 2014), seeded by ``salt``."""
    step = np.array((salt + 1) * 0x9E3779B97F4A7C15 & (2**64 - 1), dtype=np.uint64)
    found: UInt64[np.ndarray, " n"] = values + step
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        found = (found ^ (found >> np.uint64(shift))) * np.uint64(factor)
    found ^= found >> np.uint64(31)
    return found


def hash_of(content: bytes) -> int:
    """Return 64 bits of a hash of some bytes."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
