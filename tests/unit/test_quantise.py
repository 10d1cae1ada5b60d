"""The static int8 form: what it stores, what it answers, what it refuses."""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from harness.export import OPSET, Exported, export_onnx, write_model
from harness.inference import FloatArray, predict_onnx
from harness.measure import weight_bytes_int8
from harness.quantise import quantise_static
from registry.errors import InvalidData, InvalidRecord


class Cnn(nn.Module):
    """A convolution, its depthwise-separable follower, global average pooling, a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.pointwise = nn.Conv2d(4, 8, 1)
        self.head = nn.Linear(8, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        x = nn.functional.max_pool2d(self.first(inputs).relu(), 2)
        logits: Tensor = self.head(self.pointwise(self.depthwise(x)).relu().mean((2, 3)))
        return logits


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(64, 10), (64,)),
    "mlp": (lambda: nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 10)), (64,)),
    "cnn": (Cnn, (1, 8, 8)),
}


def built(name: str) -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[name][0]()


def examples(name: str, n: int, seed: int = 0) -> FloatArray:
    drawn = np.random.default_rng(seed).standard_normal((n, *NETWORKS[name][1]))
    return drawn.astype(np.float32)


@pytest.fixture(scope="module")
def floats(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The float file of each network, exported once."""
    files: dict[str, Exported] = {}

    def export(name: str) -> Path:
        if name not in files:
            path = tmp_path_factory.mktemp(name) / "network.onnx"
            files[name] = export_onnx(built(name), NETWORKS[name][1], path)
        return files[name].path

    return export


@pytest.mark.parametrize("name", NETWORKS)
def test_int8_answers_nearly_like_float_at_any_batch(floats: Callable[[str], Path], name: str, tmp_path: Path) -> None:
    file = quantise_static(floats(name), examples(name, 100), tmp_path / "int8.onnx")
    unseen = examples(name, 50, seed=1)
    expected = predict_onnx(floats(name), unseen)
    spread = expected.max() - expected.min()

    assert file.bytes == file.path.stat().st_size
    for batch in (1, 7, 50):
        found = predict_onnx(file.path, unseen, batch_size=batch)
        assert 0 < np.abs(found - expected).max() < 0.05 * spread  # steps of 1/255, over two or three layers


@pytest.mark.parametrize("name", NETWORKS)
def test_int8_bytes_are_those_of_the_file(floats: Callable[[str], Path], name: str, tmp_path: Path) -> None:
    quantise_static(floats(name), examples(name, 100), tmp_path / "int8.onnx")
    graph = onnx.load(tmp_path / "int8.onnx").graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    dequantised = {node.output[0]: node.input for node in graph.node if node.op_type == "DequantizeLinear"}
    informative = 0
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        inputs, weights, biases = (dequantised[name] for name in node.input)
        input_scale = stored[inputs[1]]
        weight, scale, zero = (stored[name] for name in weights)
        bias, bias_scale, bias_zero = (stored[name] for name in biases)
        informative += weight.nbytes + scale.nbytes + bias.nbytes

        assert [array.dtype.name for array in (weight, scale, bias)] == ["int8", "float32", "int32"]
        assert not zero.any()
        assert not bias_zero.any()
        assert np.allclose(bias_scale, input_scale * scale, rtol=1e-6, atol=0)

    assert informative == weight_bytes_int8(built(name))


def test_quantising_twice_gives_the_same_bytes(floats: Callable[[str], Path], tmp_path: Path) -> None:
    first = quantise_static(floats("cnn"), examples("cnn", 100), tmp_path / "first.onnx")
    second = quantise_static(floats("cnn"), examples("cnn", 100), tmp_path / "second.onnx")

    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256


def test_ranges_come_from_all_calibration_examples(floats: Callable[[str], Path], tmp_path: Path) -> None:
    calibration = examples("linear", 100)
    calibration[99] *= 50  # in the second batch of the calibration
    quantise_static(floats("linear"), calibration, tmp_path / "int8.onnx")
    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(tmp_path / "int8.onnx").graph.initializer}

    assert stored["input_scale"] == pytest.approx((calibration.max() - calibration.min()) / 255, rel=1e-5)


def test_quantising_leaves_one_file_and_says_nothing(
    floats: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    before = sorted(path.name for path in floats("mlp").parent.iterdir())
    handlers, disabled = list(logging.getLogger().handlers), logging.root.manager.disable
    quantise_static(floats("mlp"), examples("mlp", 10), tmp_path / "int8.onnx")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["int8.onnx", "scratch"]
    assert list(scratch.iterdir()) == []
    assert sorted(path.name for path in floats("mlp").parent.iterdir()) == before
    assert capfd.readouterr() == ("", "")
    assert (logging.getLogger().handlers, logging.root.manager.disable) == (handlers, disabled)


def test_a_recurrent_network_has_no_static_int8_form(tmp_path: Path) -> None:
    units, n_inputs, steps = 6, 8, 5
    weights = {"w": (1, 4 * units, n_inputs), "r": (1, 4 * units, units)}
    graph = helper.make_graph(
        [
            helper.make_node("Transpose", ["input"], ["steps first"], perm=[1, 0, 2]),
            helper.make_node("LSTM", ["steps first", "w", "r"], ["", "state"], hidden_size=units),
            helper.make_node("Flatten", ["state"], ["logits"], axis=2),
        ],
        "lstm",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", steps, n_inputs])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", units])],
        [numpy_helper.from_array(np.ones(shape, dtype=np.float32), name) for name, shape in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    write_model(model, tmp_path / "network.onnx")

    with pytest.raises(InvalidRecord, match=r"^network.onnx: weight '[wr]' has no static int8 form in onnxruntime\n"):
        quantise_static(tmp_path / "network.onnx", np.ones((3, steps, n_inputs), np.float32), tmp_path / "int8.onnx")

    assert [path.name for path in tmp_path.iterdir()] == ["network.onnx"]


def test_an_int8_form_that_does_not_run_is_refused_and_removed(
    floats: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no kernel")

    monkeypatch.setattr("harness.quantise.predict_onnx", fail)
    with pytest.raises(InvalidRecord, match=r"^network.onnx: onnxruntime cannot run its static int8 form\n"):
        quantise_static(floats("mlp"), examples("mlp", 10), tmp_path / "int8.onnx")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(0, 64), (3, 63), (3, 1, 8, 8)])
def test_calibration_that_does_not_fit_is_refused(
    floats: Callable[[str], Path], shape: tuple[int, ...], tmp_path: Path
) -> None:
    with pytest.raises(InvalidData) as refusal:
        quantise_static(floats("mlp"), np.zeros(shape, dtype=np.float32), tmp_path / "int8.onnx")

    assert refusal.value.message == f"calibration inputs of shape {shape} do not fit: expected (n, 64), n >= 1"


def test_calibration_that_is_not_finite_is_refused(floats: Callable[[str], Path], tmp_path: Path) -> None:
    calibration = examples("mlp", 10)
    calibration[4, 2] = np.inf

    with pytest.raises(InvalidData, match="calibration inputs hold a value that is not finite"):
        quantise_static(floats("mlp"), calibration, tmp_path / "int8.onnx")


def test_weights_are_int8_in_the_file(floats: Callable[[str], Path], tmp_path: Path) -> None:
    quantise_static(floats("cnn"), examples("cnn", 10), tmp_path / "int8.onnx")
    kinds = {t.data_type for t in onnx.load(tmp_path / "int8.onnx").graph.initializer if len(t.dims) > 1}

    assert kinds == {TensorProto.INT8}
