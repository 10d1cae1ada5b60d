"""Rules on somebody's figures: none twice, and as sure as the stated prior allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from registry.fields import BOUNDS
from registry.prior import published_bounds, size_of
from registry.rules.record import Problem, Record
from registry.schema import PublishedGuideline

TOLERANCE: Final = 1e-6  # bounds may be rounded to so much


def figures(record: Record) -> Iterator[Problem]:
    """No figure stands twice, its bounds are no narrower than the prior's, and a source goes with train_flops."""
    guideline = record.guideline
    if not isinstance(guideline, PublishedGuideline):
        return
    metric, n_test = guideline.question.metric, guideline.question.dataset.n_test
    seen: dict[tuple[str, str], int] = {}
    for i, point in enumerate(guideline.frontier):
        here = f"frontier.{i}"
        before = seen.setdefault((point.name, point.citation), i)
        if before != i:
            yield Problem(f"{here}.name", f"'{point.name}' of this citation stands at frontier.{before} already")
        if (point.train_flops is None) != (point.train_flops_source is None):
            yield Problem(f"{here}.train_flops_source", "stands exactly beside train_flops: how it was obtained")
        least, most = BOUNDS[metric.unit]
        if not least <= point.value <= most:
            continue  # another rule says so
        size = size_of(point.params, point.weight_bytes, point.weight_bytes_int8)
        low, high = published_bounds(point.value, metric.name, metric.unit, metric.direction, n_test, size)
        if point.low is not None and low + TOLERANCE < point.low <= point.value:
            yield Problem(f"{here}.low", f"is {point.low:.6g}, but the prior allows no more than {low:.6g}")
        if point.high is not None and point.value <= point.high < high - TOLERANCE:
            yield Problem(f"{here}.high", f"is {point.high:.6g}, but the prior allows no less than {high:.6g}")
