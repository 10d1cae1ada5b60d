"""Exported files: whole, the same twice, silent, equal to PyTorch; and what torch does unless told otherwise."""

import hashlib
import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from harness.export import OPSET, Exported, export_onnx, parity, write_model
from harness.inference import FloatArray, predict_onnx
from harness.memory import ram_bytes
from registry.errors import InvalidRecord


def linear() -> nn.Linear:
    return nn.Linear(64, 10)


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 10))


class Cnn(nn.Module):
    """Two convolutions, max pooling between them, global average pooling, a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 8, 3, padding=1)
        self.head = nn.Linear(8, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        x = nn.functional.max_pool2d(self.first(inputs).relu(), 2)
        logits: Tensor = self.head(self.second(x).relu().mean((2, 3)))
        return logits


def separable() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, groups=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1, groups=4),
        nn.Conv2d(4, 8, 1),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.recurrence = nn.LSTM(8, 6, batch_first=True)
        self.head = nn.Linear(6, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.head(self.recurrence(inputs)[0][:, -1])
        return logits


class Fails(nn.Module):
    """A network that a function of its input spoils."""

    def __init__(self, function: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.function = function
        self.head = nn.Linear(64, 10)

    def forward(self, inputs: Tensor) -> object:
        return self.function(self.head(inputs))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (linear, (64,)),
    "mlp": (mlp, (64,)),
    "cnn": (Cnn, (1, 8, 8)),
    "separable": (separable, (1, 8, 8)),
    "recurrent": (Recurrent, (5, 8)),
}


def built(name: str) -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[name][0]()


def built_linear() -> nn.Linear:
    torch.manual_seed(0)
    return linear()


def examples(name: str, n: int) -> FloatArray:
    drawn = np.random.default_rng(0).standard_normal((n, *NETWORKS[name][1]))
    return drawn.astype(np.float32)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Exported]:
    """Each network once, in a folder of its own."""
    files: dict[str, Exported] = {}

    def export(name: str) -> Exported:
        if name not in files:
            path = tmp_path_factory.mktemp(name) / "network.onnx"
            files[name] = export_onnx(built(name), NETWORKS[name][1], path)
        return files[name]

    return export


@pytest.mark.parametrize("name", NETWORKS)
def test_export_is_one_file_with_a_dynamic_batch_that_equals_pytorch(
    exported: Callable[[str], Exported], name: str
) -> None:
    file = exported(name)
    graph = onnx.load(file.path).graph
    axes = [
        (value.name, [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim])
        for value in (*graph.input, *graph.output)
    ]

    assert [path.name for path in file.path.parent.iterdir()] == ["network.onnx"]
    assert axes == [("input", ["batch", *NETWORKS[name][1]]), ("logits", ["batch", 10])]
    assert file.opset == OPSET
    assert parity(built(name), file.path, examples(name, 20)) < 1e-5


def test_torch_alone_freezes_the_batch_and_writes_a_second_file_with_local_paths(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(built("mlp").eval(), (torch.zeros(2, 64),), tmp_path / "network.onnx", verbose=False)
    model = onnx.load(tmp_path / "network.onnx", load_external_data=False)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["network.onnx", "network.onnx.data"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2
    assert str(Path(torch.__file__).parent) in str(model.graph.node[0].metadata_props)


def test_export_says_what_it_wrote(exported: Callable[[str], Exported]) -> None:
    file = exported("mlp")
    content = file.path.read_bytes()

    assert file.bytes == len(content)
    assert file.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_the_same_weights_give_the_same_bytes(exported: Callable[[str], Exported], name: str, tmp_path: Path) -> None:
    first = exported(name)
    exported("linear")  # another export between the two
    second = export_onnx(built(name), NETWORKS[name][1], tmp_path / "another_name.onnx")

    assert second.path.read_bytes() == first.path.read_bytes()


@pytest.mark.parametrize("name", ["mlp", "separable"])
def test_a_file_holds_nothing_of_the_machine_it_was_made_on(exported: Callable[[str], Exported], name: str) -> None:
    content = exported(name).path.read_bytes()
    model = onnx.load_from_string(content)

    for trace in (str(Path.cwd()), str(Path.home()), "site-packages", ".py", torch.__version__):
        assert trace.encode() not in content
    assert not model.metadata_props
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)


def test_batch_norm_and_dropout_are_gone_from_the_graph(exported: Callable[[str], Exported]) -> None:
    operators = {node.op_type for node in onnx.load(exported("separable").path).graph.node}

    assert operators == {"Conv", "Relu", "ReduceMean", "Reshape", "Gemm"}


def test_export_is_silent_and_leaves_network_and_process_as_they_were(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network = separable()
    network[1].eval()
    modes = [module.training for module in network.modules()]
    levels = {name: logging.getLogger(name).level for name in ("torch.onnx", "onnxscript")}
    handlers = list(logging.getLogger().handlers)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    export_onnx(network, (1, 8, 8), tmp_path / "network.onnx")

    assert capfd.readouterr() == ("", "")
    assert [module.training for module in network.modules()] == modes
    assert {name: logging.getLogger(name).level for name in levels} == levels
    assert logging.getLogger().handlers == handlers
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda logits: logits.reshape(2, 10), r"the exported network is \(2, 64\) -> \(2, 10\); expected \(batch, "),
        (lambda logits: logits.sum(0), r"the exported network is \(batch, 64\) -> \(10\); expected \(batch, "),
        (
            lambda logits: (logits, logits),
            r"the exported network is \(batch, 64\) -> \(batch, 10\) and \(batch, 10\); ",
        ),
        (
            lambda logits: logits if logits.sum() > 0 else -logits,
            "the network cannot be exported to ONNX with a dynamic batch: .*data-dependent",
        ),
    ],
    ids=["fixed batch", "sums the batch away", "two outputs", "looks at values"],
)
def test_a_network_that_no_file_can_stand_for_is_refused(
    function: Callable[[Tensor], object], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidRecord, match=message) as refusal:
        export_onnx(Fails(function), (64,), tmp_path / "network.onnx")

    assert "\n" not in refusal.value.message
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_parity_is_the_largest_difference_of_a_logit(exported: Callable[[str], Exported]) -> None:
    network = built_linear()
    with torch.no_grad():
        network.bias[3] += 5e-5

    assert parity(network, exported("linear").path, examples("linear", 20)) == pytest.approx(5e-5, rel=0.05)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_parity_compares_batches_of_one_seven_and_all(
    exported: Callable[[str], Exported], n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[tuple[int, int]] = []

    def predict(path: Path, inputs: FloatArray, batch_size: int) -> FloatArray:
        batches.append((len(inputs), batch_size))
        return predict_onnx(path, inputs, batch_size)

    monkeypatch.setattr("harness.export.predict_onnx", predict)
    parity(built("linear"), exported("linear").path, examples("linear", n))

    assert batches == [(1, 1), (7, 7), (n, n)]


def test_parity_refuses_a_file_of_other_weights(exported: Callable[[str], Exported]) -> None:
    network = built_linear()
    with torch.no_grad():
        network.bias[3] += 0.25

    with pytest.raises(InvalidRecord) as refusal:
        parity(network, exported("linear").path, examples("linear", 20))

    assert refusal.value.message == (
        "network.onnx: onnxruntime and PyTorch differ by 0.25 at batch 1; at most 0.0001 is allowed"
    )


def test_parity_refuses_logits_that_are_not_finite(exported: Callable[[str], Exported]) -> None:
    network = built_linear()
    with torch.no_grad():
        network.weight[0, 0] = torch.nan

    with pytest.raises(InvalidRecord, match=r"^network.onnx: a logit is not finite at batch 1"):
        parity(network, exported("linear").path, examples("linear", 20))


def test_parity_refuses_a_file_with_other_classes(exported: Callable[[str], Exported]) -> None:
    with pytest.raises(InvalidRecord, match=r"logits of shape \(1, 10\) at batch 1; PyTorch gives \(1, 9\)"):
        parity(nn.Linear(64, 9), exported("linear").path, examples("linear", 20))


def test_memory_of_an_exported_network_is_that_counted_by_hand(exported: Callable[[str], Exported]) -> None:
    model = onnx.load(exported("cnn").path)

    assert ram_bytes(model) == 4 * (4 * 8 * 8 + 4 * 8 * 8)  # the first activation: 4 channels of 8 x 8, in and out
    assert ram_bytes(model, int8=True) == 2 * 4 * 8 * 8


def test_writing_refuses_a_model_that_breaks_onnxs_rules(exported: Callable[[str], Exported], tmp_path: Path) -> None:
    model = onnx.load(exported("linear").path)
    del model.graph.initializer[:]

    with pytest.raises(onnx.checker.ValidationError):
        write_model(model, tmp_path / "network.onnx")

    assert list(tmp_path.iterdir()) == []
