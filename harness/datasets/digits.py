"""Handwritten digits, 8 x 8 pixels: the test part of UCI's Optical Recognition of Handwritten Digits."""

from __future__ import annotations

from typing import final

import numpy as np

from harness.datasets.base import Dataset, Splits
from harness.splits import stratified_splits


@final
class Digits(Dataset):
    """1,797 grey images, 1,000 / 200 / 597; pixels 0 to 16 divided by 16. Writers are not told apart."""

    name = "digits"
    task = "image-cls"
    source = "Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (test part), UCI, doi:10.24432/C50P49"
    licence = "CC-BY-4.0"
    group = None
    input_shape = (1, 8, 8)
    n_classes = 10

    def load(self) -> Splits:
        """Return the images that scikit-learn ships."""
        from sklearn.datasets import load_digits

        pixels, labels = load_digits(return_X_y=True)
        return stratified_splits(pixels.reshape(-1, 1, 8, 8) / 16, labels.astype(np.int64), n_val=200, n_test=597)


PLUGIN = Digits()
