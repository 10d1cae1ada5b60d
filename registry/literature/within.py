"""Rules on one row of published results: its figures against each other and against what can be."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from registry.fields import BOUNDS
from registry.literature.benchmark import Benchmark, Metric
from registry.literature.columns import Row

# (line, column, rule, what is wrong)
Found = tuple[int, str, str, str]

FLOPS_PER_PARAM: Final = (1.0, 1e5)  # a weight is used at least once, and not once for each of 50,000 places
BYTES_PER_PARAM: Final = 0.1  # a bit each, and some that are shared
COUNTED: Final = ("examples", "epochs", "images", "iterations", "epoch")  # factors of a working that are no flops
SAME_PARAMS: Final = 0.03  # share that two counts of one network may differ, of sources that round
SECONDS_PER_HOUR: Final = 3600
PERCENT: Final = 2  # from here up a fraction is taken for percent; just above 1 it may be anything
WITHIN: Final = 0.02  # share that a stated train_flops may differ from its working
SLOWEST: Final = 10  # seconds that one inference may take on a board: people write milliseconds
FEW: Final = 1000  # test items of which all may be right
MORE: Final = 1.02  # times the training examples of a data set that a source may round to
_GUESSED: Final = 500  # citation keys that a misspelt one is compared with: a contributed file may have many
_WORKING: Final = re.compile(r"train_flops = ([^;]+)")
_FACTOR: Final = re.compile(r"(?:.* at |utilisation )?(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b")
_SECONDS: Final = re.compile(r"([\d.e+]+) s(?: \(([\d.]+) h\))?")


def faults(rows: Iterable[Row], benchmark: Benchmark, references: Mapping[str, str], this_year: int) -> Iterator[Found]:
    """Yield every place of a row that breaks a rule.

    Args:
        rows: Rows whose cells can be read.
        benchmark: The metrics that figures can be in.
        references: What can be cited.
        this_year: The last year a figure can be of.
    """
    for row in rows:
        for column, rule, message in (
            *_cited(row, references),
            *_dated(row, this_year),
            *_valued(row, benchmark),
            *_trained(row, benchmark.facts["n_train"]),
            *_sized(row, benchmark.facts["n_classes"]),
            *_on_device(row),
            *_worked_out(row),
        ):
            yield row.line, column, rule, message


def _cited(row: Row, references: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    if row.citation not in references:
        close = difflib.get_close_matches(row.citation, list(references)[:_GUESSED], n=1)
        hint = f"did you mean '{close[0]}'?" if close else "expected an entry there"
        yield "citation", "L-CITATION", f"'{row.citation}' is not in references.bib, {hint}"


def _dated(row: Row, this_year: int) -> Iterator[tuple[str, str, str]]:
    if row.year is not None and row.year > this_year:
        yield "year", "L-YEAR", f"{row.year} is in the future, expected at most {this_year}"


def _valued(row: Row, benchmark: Benchmark) -> Iterator[tuple[str, str, str]]:
    metric = benchmark.metrics.get(row.metric)
    if metric is None:
        yield "metric", "L-METRIC", f"'{row.metric}' is none of this benchmark: {', '.join(benchmark.metrics)}"
        return
    low, high = BOUNDS[metric.unit]
    if metric.unit == "fraction" and PERCENT <= row.value <= 100:
        yield "value", "L-PERCENT", f"{row.value:g} is percent, expected a fraction: {row.value / 100:.6g}"
    elif not low <= row.value <= high:
        yield "value", "L-RANGE", f"{row.value:g} is no {metric.name}, expected {low:g} to {high:g}"
    elif _is_below_chance(row.value, metric):
        said = f"{row.value:g} is worse than chance, {metric.least:g}: an error where {metric.name} is expected?"
        yield "value", "L-ERROR", said
    elif _is_perfect(row.value, metric, benchmark.facts["n_test"]):
        n_test = benchmark.facts["n_test"]
        items = "test items of unknown number" if n_test is None else f"{n_test:,} test items"
        said = f"{row.value:g} is without an error on {items}: rounded, or of the training set?"
        yield "value", "L-PERFECT", f"{said} Expected a few wrong at least"


def _is_perfect(value: float, metric: Metric, n_test: int | None) -> bool:
    """Tell a figure without an error from one with half of one at least, where there are not few items to get right."""
    if metric.unit != "fraction" or (n_test is not None and n_test <= FEW):
        return False
    error = 1 - value if metric.direction == "higher" else value
    return error == 0 or (n_test is not None and error < 0.5 / n_test)


def _trained(row: Row, n_train: int | None) -> Iterator[tuple[str, str, str]]:
    if row.n_train is not None and n_train is not None and row.n_train > MORE * n_train:
        said = f"{row.n_train:,} examples are more than the {n_train:,} of the data set"
        yield "n_train", "L-TRAIN", f"{said}: expected an empty cell, and the other data in pretrained_on"


def _is_below_chance(value: float, metric: Metric) -> bool:
    if metric.least is None:
        return False
    return value < metric.least if metric.direction == "higher" else value > metric.least


def _sized(row: Row, n_classes: int | None) -> Iterator[tuple[str, str, str]]:
    if row.params is not None and row.params < (n_classes or 0):
        said = f"{row.params:,} params cannot tell {n_classes:,} classes apart"
        yield "params", "L-UNIT", f"{said}: expected a whole number of params, not thousands or millions"
        return
    if row.params is None or row.flops is None:
        return
    least, most = FLOPS_PER_PARAM
    ratio = row.flops / row.params
    if not least <= ratio <= most:
        said = f"{row.flops:.4g} flops with {row.params:,} params are {ratio:.3g} each, expected {least:g} to {most:g}"
        yield "flops", "L-FLOPS", f"{said}: whole params, and flops with multiply-adds as 2"


def _on_device(row: Row) -> Iterator[tuple[str, str, str]]:
    """Bytes are bytes: weights take at least a bit each, activations at least the input."""
    if row.flash_bytes is not None and row.params is not None and row.flash_bytes < BYTES_PER_PARAM * row.params:
        said = f"{row.flash_bytes:,} bytes cannot hold {row.params:,} params"
        yield "flash_bytes", "L-UNIT", f"{said}: expected bytes, not KiB"
    if row.ram_bytes is not None and row.resolution is not None and row.ram_bytes < row.resolution**2:
        said = f"{row.ram_bytes:,} bytes cannot hold an input of {row.resolution} a side"
        yield "ram_bytes", "L-UNIT", f"{said}: expected bytes, not KiB"
    if row.latency_s is not None and row.latency_s > SLOWEST:
        said = f"{row.latency_s:g} s are more than {SLOWEST} for one inference"
        yield "latency_s", "L-LATENCY", f"{said}: expected seconds, not milliseconds or those of many"


def _worked_out(row: Row) -> Iterator[tuple[str, str, str]]:
    """Training compute goes with how it was obtained, and follows from the working in the notes."""
    how, stated = row.train_flops_how, row.train_flops
    if (stated is None) != (how is None):
        yield "train_flops_how", "L-HOW", "stands exactly beside train_flops: how it was obtained"
        return
    if stated is None or how is None or how == "stated":
        return
    working = _WORKING.search(row.notes or "")
    if working is None:
        yield "notes", "L-HOW", f"has no working, expected 'train_flops = ...' for {how}"
        return
    terms = [term.split(" x ") for term in working[1].strip().partition(":")[0].split(" + ")]
    if how != "derived" and len(terms) > 1:
        yield "train_flops_how", "L-HOW", f"is a sum of {len(terms)}, expected 'derived'"
        return
    total = 0.0
    for factors in terms:
        numbers = [_FACTOR.match(factor) for factor in factors]
        is_timed = how == "hardware x time" or "utilisation" in " ".join(factors)
        if is_timed and (wrong := _no_time(factors[-1])):
            yield "notes", "L-TIME", wrong
            return
        if not all(numbers):
            said = f"'{factors[numbers.index(None)][:60]}' has no number"
            yield "notes", "L-HOW", f"{said}, expected factors joined by ' x '"
            return
        values = [float(number[1]) for number in numbers if number]
        yield from _factors_differ(row, how, factors, values)
        total += math.prod(values)
    if not math.isclose(total, stated, rel_tol=WITHIN):
        said = f"{stated:.4g} is not what its working gives, {total:.4g}"
        yield "train_flops", "L-HOW", f"{said}: {' + '.join(' x '.join(factors) for factors in terms)[:120]}"


def _no_time(factor: str) -> str | None:
    """Say why the last factor of a working is no time in seconds; None where it is one."""
    found = _SECONDS.fullmatch(factor)
    if found is None:
        return f"'{factor[:60]}' is no time, expected seconds, as in '28800 s (8 h)'"
    try:
        seconds, hours = float(found[1]), float(found[2] or "nan")
    except ValueError:
        return f"'{factor[:60]}' is no time, expected seconds, as in '28800 s (8 h)'"
    if found[2] and not math.isclose(seconds, SECONDS_PER_HOUR * hours, rel_tol=WITHIN):
        return f"'{factor[:60]}' contradicts itself: {hours:g} h are {SECONDS_PER_HOUR * hours:g} s"
    return None


def _factors_differ(row: Row, how: str, factors: list[str], values: list[float]) -> Iterator[tuple[str, str, str]]:
    """Yield where a factor of the working is not what its column says: flops, params."""
    if how == "3 x flops x examples x epochs" and row.flops is not None:
        named = [f"{factor} " for factor in factors]
        of_example = [
            value
            for name, value in zip(named[1:], values[1:], strict=True)
            if not any(f" {what} " in name for what in COUNTED)
        ]
        flops = math.prod(of_example)
        if not math.isclose(flops, row.flops, rel_tol=WITHIN):
            yield "flops", "L-HOW", f"{row.flops:.4g} is not what the working of train_flops takes, {flops:.4g}"
    if how == "params x tokens" and row.params is not None:
        for factor, value in zip(factors, values, strict=True):
            if " params" in factor and not math.isclose(value, row.params, rel_tol=SAME_PARAMS):
                yield "params", "L-HOW", f"{row.params:,} is not what the working of train_flops takes, {value:,.0f}"
