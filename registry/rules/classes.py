"""What balanced accuracy rests on beside right and wrong answers: how many test items each class has."""

from __future__ import annotations

from collections.abc import Iterator

from registry.metrics import BALANCED
from registry.rules.record import Problem
from registry.schema import MeasuredGuideline


def class_sizes(measured: MeasuredGuideline) -> Iterator[Problem]:
    """The test items of each class stand beside balanced accuracy and nowhere else, as many as there are."""
    facts, field = measured.question.dataset, "question.dataset.n_test_by_class"
    sizes, is_balanced = facts.n_test_by_class, measured.question.metric.name == BALANCED
    if sizes is None or not is_balanced:
        if (sizes is None) == is_balanced:
            yield Problem(field, f"stands exactly beside {BALANCED}")
        return
    if sum(sizes) != facts.n_test:
        yield Problem(field, f"sums to {sum(sizes):,}, but n_test is {facts.n_test:,}")
    if len(sizes) != facts.n_classes:
        yield Problem(field, f"has {len(sizes):,} classes, but n_classes is {facts.n_classes}")
