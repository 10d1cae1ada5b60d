"""Networks as they will be used."""

import numpy as np
import pytest
import torch
from torch import nn

from harness.inference import evaluating, predict_network, predict_onnx
from harness.latency import reference_model
from registry.errors import InvalidData


def examples(n: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, 64)).astype(np.float32)


def test_evaluation_puts_back_each_modules_mode_even_after_an_error() -> None:
    network = nn.Sequential(nn.Dropout(), nn.Dropout())
    network[0].eval()

    inside = []

    def fail() -> None:
        inside.extend([network.training, network[0].training, network[1].training])
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"), evaluating(network):
        fail()

    assert inside == [False, False, False]
    assert [network.training, network[0].training, network[1].training] == [True, False, True]


def test_pytorch_predicts_without_dropout() -> None:
    network = nn.Sequential(nn.Dropout(0.9), nn.Flatten())

    assert np.array_equal(predict_network(network, examples(3)), examples(3))


def test_batches_do_not_change_what_onnxruntime_predicts() -> None:
    whole = predict_onnx(reference_model(), examples(10), batch_size=10)

    assert whole.shape == (10, 10)
    assert np.allclose(predict_onnx(reference_model(), examples(10), batch_size=4), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 64), (3, 63), (3, 8, 8), (64,)])
def test_inputs_that_do_not_fit_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidData) as refusal:
        predict_onnx(reference_model(), np.zeros(shape, dtype=np.float32))

    assert refusal.value.message == f"inputs of shape {shape} do not fit the network: expected (n, 64), n >= 1"


def test_predicting_leaves_gradients_on() -> None:
    predict_network(nn.Flatten(), examples(1))

    assert torch.is_grad_enabled()
