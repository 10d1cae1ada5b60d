"""Which recorded texts without labels are near: within a factor of 4 in windows, their length and their symbols."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from harness.like.language import Language
from harness.like.recorded import (
    FARTHEST,
    LANGUAGE,
    UNLIKE,
    Near,
    RecordedLanguage,
    apart,
    both,
    both_n_train,
    by_params,
    closest,
    read,
    sizes_of,
)
from registry.roots import Root

METRIC: Final = "bits-per-byte"
BASELINES: Final = ("unigram", "n-gram")
ALL_BYTES: Final = 256
DOUBLINGS: Final = math.log2(FARTHEST)  # bits are logarithms to base 2


def nearest(data: Language, recorded: Iterable[RecordedLanguage]) -> list[Near]:
    """Return the recorded texts that are near, the nearest first: at most three.

    Distance adds up the logarithms, to base 4, of the ratios of windows, lengths, symbols and perplexities (2 to the
    bits) of the baselines.
    """
    found = []
    for one in recorded:
        ratios = times_apart(data, one)
        if max(ratios) <= FARTHEST:
            distance = sum(math.log(ratio, FARTHEST) for ratio in ratios) + _unlike(data, one)
            found.append(Near(one, distance, reason(data, one)))
    return closest(found)


def times_apart(data: Language, one: RecordedLanguage) -> list[float]:
    """Return how many times apart two are in windows, their length, and symbols where both were counted."""
    pairs = [(one.n_train, data.n_train), (one.length, data.length)]
    pairs += [] if one.n_symbols is None else [(one.n_symbols, data.n_symbols)]
    return [apart(theirs, own) for theirs, own in pairs]


def reason(data: Language, one: RecordedLanguage) -> str:
    """Say what the two have in common and where they differ: the recorded one's figure against the asker's."""
    said = [
        both_n_train(one.n_train, data.n_train, "windows"),
        both(one.length, data.length, "symbols each"),
        *([] if one.n_symbols is None else [both(one.n_symbols, data.n_symbols, "different symbols")]),
        *(f"{name} {bits:.2f} bits against {data.bits[name]:.2f}" for name, bits in one.bits.items()),
    ]
    return ", ".join(said)


def of_registry(where: Sequence[Root], tell: Callable[[list[str]], None] | None = None) -> list[RecordedLanguage]:
    """Return the texts without labels that the roots hold sizes of: see :func:`harness.like.recorded.read`."""
    every = read(where, lambda task: task == LANGUAGE, tell)
    return [found for one in every if (found := of_record(one.name, one.path, one.record))]


def of_record(name: str, path: str, record: dict[str, Any]) -> RecordedLanguage | None:
    """Return what a record says; None where it gives no size, is not of symbols, or not in bits per byte."""
    question = record["question"]
    dataset = question["dataset"]
    sizes = (*_knee(record), *sizes_of(record, "frontier"))
    is_known = dataset["input_shape"] and dataset["n_train"] and dataset.get("symbols")
    if question["task"] != LANGUAGE or question["metric"]["name"] != METRIC or not is_known or not sizes:
        return None
    length, n_symbols = dataset["input_shape"][0], dataset["input_shape"][-1]
    baselines = {one["name"]: one for one in record.get("baselines", [])}
    return RecordedLanguage(
        name, path, "text", dataset["n_train"], length, None if n_symbols == ALL_BYTES else n_symbols,
        {known: baselines[known]["metric"] for known in BASELINES if known in baselines}, sizes,
        _without_network(record, baselines),
    )  # fmt: skip


def _knee(record: dict[str, Any]) -> tuple[str, ...]:
    """Say how large the knee is, and how many bits it takes."""
    return tuple(
        f"{size}, {point['test']['median']:.3f} {METRIC}"
        for size, point in zip(sizes_of(record, "knee"), by_params(record, "knee"), strict=False)
    )


def _without_network(record: dict[str, Any], baselines: dict[str, dict[str, Any]]) -> str:
    """Say what the n-gram model takes where no network of the record takes less."""
    points = [*record.get("knee", []), *record.get("frontier", [])]
    points += [point["reference"] for point in record.get("knee", []) if point.get("reference")]
    least = min((point["test"]["median"] for point in points if point.get("test")), default=math.inf)
    one = baselines.get("n-gram")
    if one is None or one["metric"] >= least:
        return ""
    return (
        f"without a network: an n-gram model of {one['bytes']:,} bytes takes {one['metric']:.3f} {METRIC}, "
        f"the best network here {least:.3f}"
    )


def _unlike(data: Language, one: RecordedLanguage) -> float:
    """Return how far the baselines' bits are apart."""
    return sum(abs(one.bits[name] - data.bits[name]) / DOUBLINGS if name in one.bits else UNLIKE for name in BASELINES)
