"""Breast-cancer diagnosis from measurements of cell nuclei: UCI's Breast Cancer Wisconsin (Diagnostic)."""

from __future__ import annotations

from typing import final

import numpy as np

from harness.datasets.base import Dataset, Splits
from harness.splits import standardise, stratified_splits


@final
class BreastCancer(Dataset):
    """569 tumours, 300 / 100 / 169; 30 features standardised by train; 0 malignant, 1 benign."""

    name = "breast-cancer"
    task = "tabular-cls"
    source = "Wolberg, Mangasarian, Street & Street 1993, Breast Cancer Wisconsin Diagnostic, UCI, doi:10.24432/C5DW2B"
    licence = "CC-BY-4.0"
    group = None
    input_shape = (30,)
    n_classes = 2

    def load(self) -> Splits:
        """Return the table that scikit-learn ships."""
        from sklearn.datasets import load_breast_cancer

        features, labels = load_breast_cancer(return_X_y=True)
        return standardise(stratified_splits(features, labels.astype(np.int64), n_val=100, n_test=169))


PLUGIN = BreastCancer()
