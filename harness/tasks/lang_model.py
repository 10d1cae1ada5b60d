"""Language modelling: what follows each symbol of a text, scored by bits per byte."""

from __future__ import annotations

import math
from typing import final

import numpy as np
from jaxtyping import Float32

from harness.datasets.base import Dataset
from harness.tasks.base import LossTask, Metric, Outcomes, bounded
from registry.errors import UsageError
from registry.outcomes import WORST_LOSS

BITS: float = 8.0  # of a byte


@final
class LanguageModel(LossTask):
    """A window of symbols in, a distribution over the next symbol out at every position.

    An item is a window; its loss is the mean over its positions, each of them told by what stands before it in the
    window and by nothing else.
    """

    name = "lang-model"
    metric = Metric(name="bits-per-byte", unit="bits-per-byte", direction="lower")
    worst_error = WORST_LOSS["bits-per-byte"]

    def chance(self, dataset: Dataset) -> float:
        """Return the bits, on the test split, of train's frequencies of symbols (each counted once more)."""
        counts = np.bincount(dataset.train().labels.reshape(-1), minlength=dataset.n_classes or 0) + 1.0
        labels = dataset.test().labels
        bits = -np.log2(counts / counts.sum())[labels].mean(axis=1)
        return self.metric_from_error(float(self.error_from_outcomes(bounded(bits[np.newaxis]), labels)[0]))

    def outcomes(self, outputs: Float32[np.ndarray, " seeds items *outputs"], labels: np.ndarray) -> Outcomes:
        """Return the bits of each window, the mean of its positions."""
        logits = outputs.astype(np.float64)
        highest = logits.max(axis=-1)
        total = np.log(np.exp(logits - highest[..., np.newaxis]).sum(axis=-1)) + highest
        picked = np.take_along_axis(logits, np.broadcast_to(labels, logits.shape[:-1])[..., np.newaxis], axis=-1)
        return bounded(((total - picked[..., 0]) / math.log(2)).mean(axis=2).clip(min=0))

    def target_to_error(self, target: float) -> float:
        """Return the target itself."""
        return target

    def metric_from_error(self, error: float) -> float:
        """Return the error itself."""
        return error

    def check_target(self, value: float) -> None:
        """Pass if ``value`` lies between 0 and 8 bits.

        Raises:
            UsageError: If it does not.
        """
        if not 0 < value < BITS:
            raise UsageError(
                f"target bits-per-byte {value:.12g} is not between 0 and {BITS:g}",
                "bits per byte is what a text takes to write down, such as 2.2",
            )

    def baselines(self, dataset: Dataset) -> tuple[str, ...]:
        """Return the methods for text; the n-gram model is the one to beat."""
        return ("unigram", "n-gram", "lzma")


PLUGIN = LanguageModel()
