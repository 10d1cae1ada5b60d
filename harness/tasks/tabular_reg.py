"""Regression on table rows, scored by R2."""

from __future__ import annotations

from typing import final

import numpy as np
from jaxtyping import Float32

from harness.datasets.base import Dataset
from harness.tasks.base import LossTask, Metric, Outcomes, bounded, refusal
from registry.outcomes import WORST_LOSS


@final
class TabularRegression(LossTask):
    """One row of numbers in, one number out.

    The error is the mean squared error on the test split over the variance of train's targets; R2 is 1 less that. So R2
    here compares with train's mean, not with the mean of the test split, which no network could know.
    """

    name = "tabular-reg"
    metric = Metric(name="r2", unit="r2", direction="higher")
    worst_error = WORST_LOSS["r2"]

    def chance(self, dataset: Dataset) -> float:
        """Return the R2, on the test split, of train's mean: near 0, and below."""
        labels = dataset.test().labels
        return self.metric_from_error(float(self.error_from_outcomes(bounded(labels[np.newaxis] ** 2), labels)[0]))

    def outcomes(self, outputs: Float32[np.ndarray, " seeds items *outputs"], labels: np.ndarray) -> Outcomes:
        """Return squared errors, in units of the variance of train's targets."""
        return bounded((outputs[..., 0].astype(np.float64) - labels) ** 2)

    def target_to_error(self, target: float) -> float:
        """Return 1 - target to 12 decimals."""
        return round(1 - target, 12)

    def metric_from_error(self, error: float) -> float:
        """Return 1 - error to 12 decimals."""
        return round(1 - error, 12)

    def check_target(self, value: float) -> None:
        """Pass if ``value`` is above 0 and below 1.

        Raises:
            UsageError: If it is not; a percentage is recognised.
        """
        if not 0 < value < 1:
            hint = "R2 is 1 for a perfect answer and 0 for the mean, such as 0.6"
            raise refusal(f"target r2 {value:.12g} is not between 0 and 1", value, hint)

    def baselines(self, dataset: Dataset) -> tuple[str, ...]:
        """Return the methods for tables; boosted trees are the one to beat."""
        return ("mean", "linear", "1-nearest-neighbour", "nearest-neighbours", "boosted-trees")


PLUGIN = TabularRegression()
