"""Classification of table rows, scored by accuracy."""

from __future__ import annotations

from typing import final

from harness.datasets.base import Dataset
from harness.tasks.base import AccuracyTask


@final
class TabularClassification(AccuracyTask):
    """One row of numbers in, one class out."""

    name = "tabular-cls"

    def baselines(self, dataset: Dataset) -> tuple[str, ...]:
        """Return the methods for tables; boosted trees are the one to beat."""
        if dataset.symbols:
            return ("majority", "linear", "boosted-trees")
        return ("majority", "linear", "1-nearest-neighbour", "nearest-neighbours", "boosted-trees")


PLUGIN = TabularClassification()
