"""Made-up data sets, ladders and knees for what compares sizes."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from harness.datasets.base import Dataset, Split, Splits
from harness.like.descriptors import Descriptors
from harness.like.estimate import Known
from harness.like.ladder import Ladder, Rung

DESCRIPTORS = Descriptors(
    task="tabular-cls", modality="table", n_train=1000, n_inputs=20, n_classes=3, balance=0.99, linear_error=0.2,
    neighbour_error=0.1, tree_error=0.1, intrinsic_dimension=5.0, n_probed=1000, n_asked=399,
)  # fmt: skip
FACTS = {
    "dataset": "waveform", "family": "mlp", "depth": 1, "n_train": 1000, "n_val": 400, "chance_error": 0.67,
    "batch_size": 32, "resolution": None, "subset": None,
}  # fmt: skip


@final
class MadeUp(Dataset):
    """Inputs and labels as given, dealt out 3 : 1 : 1 in their order."""

    name = "made-up"
    task = "tabular-cls"
    source = "made up"
    licence = "CC0-1.0"
    group: str | None = None

    def __init__(self, inputs: np.ndarray, labels: np.ndarray, *, n_symbols: int = 0, **kinds: Any) -> None:
        self._inputs, self._labels = inputs, labels
        self.symbols = n_symbols > 0
        self.input_shape = (*inputs.shape[1:], *([n_symbols] if n_symbols else []))
        self.n_classes = int(labels.max()) + 1 if labels.dtype == np.int64 else None
        for kind, value in kinds.items():
            setattr(self, kind, value)

    def load(self) -> Splits:
        """Return the parts."""
        ends = [3 * len(self._labels) // 5, 4 * len(self._labels) // 5]
        parts = zip(np.split(self._inputs, ends), np.split(self._labels, ends), strict=True)
        return Splits(*(Split(inputs, labels) for inputs, labels in parts))

    def blank_test(self) -> None:
        """Make all of the test split zero."""
        start = 4 * len(self._labels) // 5
        self._inputs, self._labels = self._inputs.copy(), self._labels.copy()
        self._inputs[start:], self._labels[start:] = 0, 0
        self.__dict__.pop("_loaded")


def ladder(errors: dict[int, tuple[float, ...]], **facts: Any) -> Ladder:
    """A ladder whose widths have the given errors."""
    rungs = [Rung(w, 24 * w + 3, 46.0 * w, 0.01, 4000, False, found) for w, found in errors.items()]
    return Ladder({**FACTS, **facts}, DESCRIPTORS, tuple(rungs))


def known(name: str, width: int, source: str | None = None, **changed: Any) -> Known:
    """A knee of a made-up data set."""
    values = {**DESCRIPTORS.to_json(), **changed}
    return Known(name, name, source or name, Descriptors.from_json(values, name), width)
