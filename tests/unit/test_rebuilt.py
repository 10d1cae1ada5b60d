"""A network's weights out of its file: the exporter packs and turns some, and none may be lost or mixed up."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch

from harness.export import export_onnx
from harness.families.base import Outputs
from harness.plugins import load
from harness.trial import Shape
from tests.rebuilt import weights_of

TEXT = (10, 7)


@pytest.mark.parametrize(
    ("family", "n_outputs", "shape"),
    [
        ("gru", 3, Shape(4, 1)), ("gru", TEXT, Shape(4, 2)), ("gru", TEXT, Shape(64, 1)), ("lstm", 3, Shape(4, 2)),
        ("lstm", 3, Shape(64, 1)), ("transformer", TEXT, Shape(4, 2)), ("ngram-mlp", 3, Shape(4, 1)),
    ],
    ids=str,
)  # fmt: skip
def test_every_weight_of_a_file_is_that_of_the_network(
    tmp_path: Path, family: str, n_outputs: Outputs, shape: Shape
) -> None:
    network = load("families", family).network(TEXT, n_outputs, shape)
    torch.manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter)
    export_onnx(network, TEXT, tmp_path / "net.onnx")
    found = weights_of(onnx.load(tmp_path / "net.onnx"), network, TEXT)

    assert found.keys() == network.state_dict().keys()
    for name, weight in network.state_dict().items():
        assert torch.equal(found[name], weight), name
