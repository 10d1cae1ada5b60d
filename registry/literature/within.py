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
WITHIN: Final = 0.02  # share that a stated train_flops may differ from its working
_GUESSED: Final = 500  # citation keys that a misspelt one is compared with: a contributed file may have many
_WORKING: Final = re.compile(r"train_flops = ([^;]+)")
_FACTOR: Final = re.compile(r"(?:.* at |utilisation )?(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b")
_SECONDS: Final = re.compile(r"[\d.e+]+ s(?: \([\d.]+ h\))?")


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
            *_sized(row),
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
    if metric.unit == "fraction" and 1 < row.value <= 100:
        yield "value", "L-PERCENT", f"{row.value:g} is percent, expected a fraction: {row.value / 100:.6g}"
    elif not low <= row.value <= high:
        yield "value", "L-RANGE", f"{row.value:g} is no {metric.name}, expected {low:g} to {high:g}"
    elif _is_below_chance(row.value, metric):
        said = f"{row.value:g} is worse than chance, {metric.chance:g}: an error where {metric.name} is expected?"
        yield "value", "L-ERROR", said


def _is_below_chance(value: float, metric: Metric) -> bool:
    if metric.chance is None:
        return False
    return value < metric.chance if metric.direction == "higher" else value > metric.chance


def _sized(row: Row) -> Iterator[tuple[str, str, str]]:
    if row.params is None or row.flops is None:
        return
    least, most = FLOPS_PER_PARAM
    ratio = row.flops / row.params
    if not least <= ratio <= most:
        said = f"{row.flops:.4g} flops with {row.params:,} params are {ratio:.3g} each, expected {least:g} to {most:g}"
        yield "flops", "L-FLOPS", f"{said}: whole params, and flops with multiply-adds as 2"


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
    factors = working[1].strip().partition(":")[0].split(" x ")
    if how == "hardware x time" and not _SECONDS.fullmatch(factors[-1]):
        yield "notes", "L-TIME", f"'{factors[-1][:60]}' is no time, expected seconds, as in '28800 s (8 h)'"
        return
    numbers = [_FACTOR.match(factor) for factor in factors]
    if not all(numbers):
        said = f"'{factors[numbers.index(None)][:60]}' has no number"
        yield "notes", "L-HOW", f"{said}, expected factors joined by ' x '"
        return
    product = math.prod(float(number[1]) for number in numbers if number)
    if not math.isclose(product, stated, rel_tol=WITHIN):
        said = f"{stated:.4g} is not what its working gives, {product:.4g}"
        yield "train_flops", "L-HOW", f"{said}: {' x '.join(factors)[:120]}"
