"""What a data set is like, in a dozen numbers that take seconds: what sizes are compared by."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, final

import numpy as np

from harness.datasets.base import Dataset
from harness.fields import choice, number, text, unlike, whole, whole_object
from harness.like.description import Description
from harness.like.dimension import intrinsic_dimension
from harness.like.probes import DRAWN, probe
from registry.errors import UsageError

Modality = Literal["image", "table", "text"]
MODALITIES: Final[dict[str, Modality]] = {
    "image-cls": "image",
    "text-cls": "text",
    "tabular-cls": "table",
    "tabular-reg": "table",
}
MOST_POINTS: Final = 2_000  # for the intrinsic dimension
DIGITS: Final = 6  # of what is written


@final
@dataclass(frozen=True)
class Descriptors(Description):
    """A data set of classes or targets in numbers.

    Attributes:
        task: Its task category.
        modality: ``image``, ``table`` or ``text``.
        n_train: Examples to train on.
        n_inputs: Numbers of one example; symbols count as one-hot rows.
        n_classes: Number of classes; None where targets are numbers.
        balance: Entropy of the shares of classes over that of equal shares: 1 where all are as frequent; None where
            targets are numbers.
        linear_error: Validation error of a linear probe: the share that is wrong, or squared error over variance.
        neighbour_error: The same of the nearest neighbour's answer.
        tree_error: The same of small boosted trees.
        intrinsic_dimension: Numbers that it takes to say where an example is, locally; None where inputs are symbols,
            whose distances tie, or too few.
        n_probed: Training examples the probes saw.
        n_asked: Validation examples they were asked.
        length: Symbols of a text; None where inputs are none, or it was not noted.
    """

    task: str
    modality: Modality
    n_train: int
    n_inputs: int
    n_classes: int | None
    balance: float | None
    linear_error: float
    neighbour_error: float
    tree_error: float
    intrinsic_dimension: float | None
    n_probed: int
    n_asked: int
    length: int | None = None

    @property
    def extent(self) -> str:
        """How long an example is: its numbers, or of a text its symbols."""
        return f"{self.n_inputs:,} inputs" if self.length is None else f"{self.length:,} symbols"

    @property
    def n_outputs(self) -> int:
        """Outputs of a network: one a class, or one."""
        return self.n_classes or 1

    @property
    def kind(self) -> str:
        """Its modality."""
        return f"{self.modality} data"

    @property
    def counts(self) -> tuple[str, ...]:
        """Examples, inputs and classes."""
        classes = () if self.n_classes is None else (f"{self.n_classes:,} classes",)
        return (f"{self.n_train:,} examples", self.extent, *classes)

    def lines(self) -> list[str]:
        """Say it."""
        classes = "a number to foretell" if self.n_classes is None else f"{self.n_classes:,} classes"
        balance = "" if self.balance is None else f", balance {self.balance:.2f}"
        dimension = "" if self.intrinsic_dimension is None else f"; intrinsic dimension {self.intrinsic_dimension:.1f}"
        return [
            f"{self.modality}: {classes}, {self.extent}, {self.n_train:,} examples to train on{balance}",
            f"errors of probes fitted to {self.n_probed:,}: linear {self.linear_error:.3f}, nearest neighbour "
            f"{self.neighbour_error:.3f}, boosted trees {self.tree_error:.3f}{dimension}",
        ]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, errors to six decimals."""
        values = asdict(self)
        if self.length is None:
            del values["length"]
        return {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in values.items()}

    @classmethod
    def from_json(cls, values: object, name: str) -> Descriptors:
        """Rebuild descriptors from :meth:`to_json`.

        Raises:
            ValueError: If a field is missing, unknown, of another type or out of range; starts with ``name``.
        """
        has_length = isinstance(values, dict) and "length" in values
        expected = {field.name for field in fields(cls) if has_length or field.name != "length"}
        found = whole_object(values, expected, name)
        text(found, "task", name)
        choice(found, "modality", name, ("image", "table", "text"))
        for count in ("n_train", "n_inputs", "n_probed", "n_asked"):
            whole(found, count, name, least=1)
        if has_length:
            whole(found, "length", name, least=1)
        for error in ("linear_error", "neighbour_error", "tree_error"):
            number(found, error, name)
        for optional in ("balance", "intrinsic_dimension"):
            if found[optional] is not None:
                number(found, optional, name)
        if found["n_classes"] is not None:
            whole(found, "n_classes", name, least=2)
        if (found["n_classes"] is None) != (found["balance"] is None):
            raise unlike(found["balance"], f"{name}.balance", "a number where there are classes, and null elsewhere")
        return cls(**found)


def describe(data: Dataset, n_train: int | None = None) -> Descriptors:
    """Describe a data set. Its test split is not read.

    Args:
        data: The data set, at the resolution that networks would see.
        n_train: Examples that networks would see; by default all of train.

    Raises:
        UsageError: If every position of an example has a label (:func:`harness.like.language.describe` is for those),
            or the task is none of pictures, texts and tables.
    """
    if data.per_position or data.task not in MODALITIES:
        raise UsageError(f"{data.task} has no such descriptors", "expected one class or one number an example")
    n = len(data.train()) if n_train is None else n_train
    errors = probe(data, n)
    return Descriptors(
        task=data.task,
        modality=MODALITIES[data.task],
        n_train=n,
        n_inputs=math.prod(data.input_shape),
        n_classes=data.n_classes,
        balance=None if data.n_classes is None else balance(data.train().labels, data.n_classes),
        linear_error=errors.linear,
        neighbour_error=errors.neighbour,
        tree_error=errors.trees,
        intrinsic_dimension=None if data.symbols else _dimension(data, n),
        n_probed=errors.n_rows,
        n_asked=errors.n_val,
        length=data.input_shape[0] if data.symbols else None,
    )


def balance(labels: np.ndarray, n_classes: int) -> float:
    """Return the entropy of the shares of classes over that of equal shares: 1 where equal, 0 where one has all."""
    shares = np.bincount(labels, minlength=n_classes) / len(labels)
    there = shares[shares > 0]
    return abs(float(-(there * np.log(there)).sum() / math.log(n_classes)))


def _dimension(data: Dataset, n_train: int) -> float | None:
    rows = data.subset(min(n_train, len(data.train())), seed=DRAWN)[:MOST_POINTS]
    return intrinsic_dimension(data.train().inputs[rows].reshape(len(rows), -1))
