"""Classification of short texts, scored by accuracy."""

from __future__ import annotations

from typing import final

from harness.datasets.base import Dataset
from harness.tasks.base import AccuracyTask


@final
class TextClassification(AccuracyTask):
    """A text of symbols in, one class out."""

    name = "text-cls"

    def baselines(self, dataset: Dataset) -> tuple[str, ...]:
        """Return the methods for text; linear models are the ones to beat."""
        return ("majority", "linear", "character-runs")


PLUGIN = TextClassification()
