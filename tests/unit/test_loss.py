"""What members minimise: classes, targets and positions; and symbols as networks take them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from harness import plugins
from harness.datasets.base import Dataset, Split, Splits
from harness.loss import mean_loss, on_each, summed_loss
from harness.symbols import as_fed, as_read
from harness.trial import Shape
from registry.errors import InvalidData

OUTPUTS = torch.tensor([[[2.0, 0.0], [0.0, 1.0], [0.5, 0.5]], [[0.0, 3.0], [1.0, 0.0], [0.0, 0.0]]])
TARGETS = torch.tensor([0.5, -1.0, 2.0])


def test_the_loss_of_a_regression_is_the_squared_error() -> None:
    outputs = torch.tensor([[[1.0], [0.0], [2.0]]])
    errors, losses = on_each(outputs, TARGETS)

    assert errors.tolist() == [[0.25, 1.0, 0.0]]
    assert losses.tolist() == errors.tolist()
    assert mean_loss(outputs[0], TARGETS).item() == pytest.approx(1.25 / 3)
    assert summed_loss(outputs, TARGETS.unsqueeze(0)).item() == pytest.approx(1.25 / 3)


def test_the_error_of_positions_is_their_bits() -> None:
    labels = torch.tensor([[0, 1, 0]])
    even = torch.zeros(1, 1, 3, 4)
    errors, losses = on_each(even, labels)

    assert errors.item() == pytest.approx(2.0)  # four symbols, each as likely
    assert losses.item() == pytest.approx(2 * math.log(2))
    assert summed_loss(even, labels.unsqueeze(0)).item() == pytest.approx(2 * math.log(2))


def test_the_summed_loss_is_that_of_each_member_by_itself() -> None:
    labels = torch.tensor([[0, 1, 1], [1, 0, 0]])

    alone = sum(mean_loss(OUTPUTS[i], labels[i]).item() for i in range(2))

    assert summed_loss(OUTPUTS, labels).item() == pytest.approx(alone)


def test_the_hand_written_gradient_of_a_perceptron_is_that_of_the_squared_error() -> None:
    family = plugins.load("families", "mlp")
    network = family.stacked((5,), 1, Shape(4, 2), 3)
    generator = torch.Generator().manual_seed(1)
    network.parameters.copy_(torch.randn(network.parameters.shape, generator=generator) / 2)
    inputs, targets = torch.randn(3, 7, 5, generator=generator), torch.randn(3, 7, generator=generator)
    network.differentiate(inputs, targets)
    flat = network.parameters.clone().requires_grad_()
    summed_loss(network.forward(network.leaves(flat), inputs), targets).backward()

    assert flat.grad is not None
    assert torch.allclose(network.gradient, flat.grad, atol=1e-6)


def test_symbols_are_numbers_or_one_hot_rows() -> None:
    symbols = np.array([[0, 2], [1, 1]], dtype=np.uint8)

    assert as_read(torch.tensor(symbols), 0, torch.float32).dtype == torch.int64
    assert as_fed(symbols, 3).tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, 1, 0]]]
    assert as_fed(symbols, 0).tolist() == symbols.tolist()
    numbers = np.ones((2, 2), dtype=np.float32)
    assert as_fed(numbers, 0) is numbers


class Toy(Dataset):
    name, task, source, licence, group = "toy", "tabular-reg", "here", "CC0-1.0", None
    input_shape: tuple[int, ...] = (2,)
    n_classes: int | None = None

    def __init__(self, split: Split, **attributes: object) -> None:
        self.split = split
        self.__dict__.update(attributes)

    def load(self) -> Splits:
        return Splits(self.split, self.split, self.split)


def rows(n: int, kind: type = np.float32) -> np.ndarray:
    return np.arange(2 * n).reshape(n, 2).astype(kind)


def test_targets_are_standardised_by_train_and_the_scale_is_kept() -> None:
    data = Toy(Split(rows(4), np.array([1, 3, 5, 7], dtype=np.float32)))

    assert data.target_scale() == (4.0, math.sqrt(5))
    assert data.train().labels.mean() == pytest.approx(0, abs=1e-6)
    assert data.train().labels.std() == pytest.approx(1)
    assert (data.n_outputs, data.fewest) == (1, 2)


@pytest.mark.parametrize(
    ("split", "attributes", "message"),
    [
        (Split(rows(3), np.full(3, 2, dtype=np.float32)), {}, "every training target is 2, expected targets"),
        (Split(rows(3), np.array([0, 1, 0])), {}, "train has int64 labels, expected float32 targets"),
        (
            Split(rows(3, np.uint8), np.ones(3, dtype=np.float32)),
            {},
            "train has uint8 inputs, expected float32 numbers",
        ),
        (
            Split(rows(3, np.uint8), np.array([0, 1, 0])),
            {"symbols": True, "input_shape": (2, 4), "n_classes": 2},
            "train needs symbols, all in 0 to 3",
        ),
        (
            Split(rows(3, np.uint8), np.array([0, 1, 0])),
            {"symbols": True, "input_shape": (2, 9), "n_classes": 2, "per_position": True},
            r"train has labels of shape \(3,\), expected one at every position",
        ),
    ],
    ids=["constant", "classes", "symbols", "beyond", "positions"],
)
def test_a_split_that_is_not_what_is_promised_is_refused(
    split: Split, attributes: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidData, match=message):
        Toy(split, **attributes).train()


def test_where_every_position_is_labelled_there_are_outputs_for_each() -> None:
    symbols = rows(3, np.uint8)
    data = Toy(
        Split(symbols, symbols.astype(np.int64)), symbols=True, per_position=True, input_shape=(2, 9), n_classes=9
    )

    assert data.n_outputs == (2, 9)
    assert data.fewest == 2
    assert data.target_scale() is None
    assert data.sha256() == data.sha256()
