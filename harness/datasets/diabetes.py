"""Progression of diabetes within a year from 10 measurements: the table of the least-angle-regression paper."""

from __future__ import annotations

from typing import final

import numpy as np

from harness.datasets.base import Dataset, Split, Splits
from harness.splits import standardise


@final
class Diabetes(Dataset):
    """442 patients, 242 / 80 / 120; 10 features standardised by train; the target is a score of 25 to 346.

    scikit-learn, which ships the table, names no licence for it.
    """

    name = "diabetes"
    task = "tabular-reg"
    source = "Efron, Hastie, Johnstone & Tibshirani 2004, Least Angle Regression, doi:10.1214/009053604000000067"
    licence = "NOASSERTION"
    group = None
    input_shape = (10,)
    n_classes = None

    def load(self) -> Splits:
        """Return the table that scikit-learn ships, in its raw units."""
        from sklearn.datasets import load_diabetes
        from sklearn.model_selection import train_test_split

        features, targets = load_diabetes(return_X_y=True, scaled=False)
        rest, test = train_test_split(np.arange(len(targets)), test_size=120, random_state=0)
        train, val = train_test_split(rest, test_size=80, random_state=0)
        return standardise(
            Splits(
                *(
                    Split(features[rows].astype(np.float32), targets[rows].astype(np.float32))
                    for rows in (train, val, test)
                )
            )
        )


PLUGIN = Diabetes()
