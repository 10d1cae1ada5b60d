"""Three cultivars of wine told apart by chemical analysis: UCI's Wine."""

from __future__ import annotations

from typing import final

import numpy as np

from harness.datasets.base import Dataset, Splits
from harness.splits import standardise, stratified_splits


@final
class Wine(Dataset):
    """178 wines, 90 / 30 / 58; 13 features standardised by train."""

    name = "wine"
    task = "tabular-cls"
    source = "Aeberhard & Forina 1992, Wine, UCI, doi:10.24432/C5PC7J"
    licence = "CC-BY-4.0"
    group = None
    input_shape = (13,)
    n_classes = 3

    def load(self) -> Splits:
        """Return the table that scikit-learn ships."""
        from sklearn.datasets import load_wine

        features, labels = load_wine(return_X_y=True)
        return standardise(stratified_splits(features, labels.astype(np.int64), n_val=30, n_test=58))


PLUGIN = Wine()
