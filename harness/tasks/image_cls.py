"""Image classification, scored by accuracy."""

from __future__ import annotations

from typing import final

from harness.datasets.base import Dataset
from harness.tasks.base import AccuracyTask


@final
class ImageClassification(AccuracyTask):
    """One image (channels, height, width) in, one class out."""

    name = "image-cls"

    def baselines(self, dataset: Dataset) -> tuple[str, ...]:
        """Return the methods that take pixels as they are."""
        return ("majority", "linear", "1-nearest-neighbour", "nearest-neighbours")


PLUGIN = ImageClassification()
