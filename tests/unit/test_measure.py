"""Counts against numbers derived by hand: the derivation stands beside each, in the order of the words above it."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from harness.measure import count_flops, count_params, train_flops, weight_bytes, weight_bytes_int8
from registry.errors import InvalidData


class Applies(nn.Module):
    """A function as a network with one (8, 3) matrix."""

    def __init__(self, function: Callable[[Tensor, Tensor], object]) -> None:
        super().__init__()
        self.function = function
        self.matrix = nn.Parameter(torch.ones(8, 3))

    def forward(self, inputs: Tensor) -> object:
        return self.function(inputs, self.matrix)


class SelfAttention(nn.Module):
    """Attention of a sequence of 8 numbers a step to itself, 2 heads."""

    def __init__(self, need_weights: bool) -> None:
        super().__init__()
        self.layer = nn.MultiheadAttention(8, 2, batch_first=True)
        self.need_weights = need_weights

    def forward(self, inputs: Tensor) -> Tensor:
        attended: Tensor = self.layer(inputs, inputs, inputs, need_weights=self.need_weights)[0]
        return attended


DENSE = {
    # 2 x in x out
    "linear": (nn.Linear(64, 10), (64,), 2 * 64 * 10),
    # 2 x steps x in x out
    "linear over a sequence": (nn.Linear(8, 3), (5, 8), 2 * 5 * 8 * 3),
    "two dense layers": (
        nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
        (64,),
        2 * (64 * 32 + 32 * 10),
    ),
}
CONVOLUTIONS = {
    # 2 x output positions x out x (in / groups) x kernel
    "conv": (nn.Conv2d(3, 8, 3, padding=1), (3, 8, 8), 2 * (8 * 8) * 8 * 3 * 9),
    "strided conv": (nn.Conv2d(3, 8, 3, stride=2), (3, 9, 9), 2 * (4 * 4) * 8 * 3 * 9),
    "dilated conv": (nn.Conv2d(3, 8, 3, dilation=2), (3, 9, 9), 2 * (5 * 5) * 8 * 3 * 9),
    "grouped conv": (nn.Conv2d(4, 6, 3, groups=2), (4, 8, 8), 2 * (6 * 6) * 6 * 2 * 9),
    "depthwise conv": (nn.Conv2d(8, 8, 3, padding=1, groups=8), (8, 8, 8), 2 * (8 * 8) * 8 * 1 * 9),
    "one-dimensional conv": (nn.Conv1d(2, 4, 5), (2, 10), 2 * 6 * 4 * 2 * 5),
    # 2 x input positions x in x (out / groups) x kernel
    "transposed conv": (nn.ConvTranspose2d(3, 4, 2, stride=2), (3, 5, 5), 2 * (5 * 5) * 3 * 4 * 4),
    "grouped transposed conv": (nn.ConvTranspose2d(4, 6, 3, groups=2), (4, 5, 5), 2 * (5 * 5) * 4 * 3 * 9),
}
RECURRENT = {
    # 2 x steps x gates x units x (in + units); biases and gates' products are elementwise
    "rnn": (nn.RNN(5, 7, batch_first=True), (3, 5), 2 * 3 * 1 * 7 * (5 + 7)),
    "gru": (nn.GRU(5, 7, batch_first=True), (3, 5), 2 * 3 * 3 * 7 * (5 + 7)),
    "lstm": (nn.LSTM(5, 7, batch_first=True), (3, 5), 2 * 3 * 4 * 7 * (5 + 7)),
    "gru without biases": (nn.GRU(5, 7, batch_first=True, bias=False), (3, 5), 2 * 3 * 3 * 7 * (5 + 7)),
    # the second layer reads both directions of the first: 14 inputs
    "two bidirectional gru layers": (
        nn.GRU(5, 7, num_layers=2, bidirectional=True, batch_first=True),
        (3, 5),
        2 * 3 * 2 * (3 * 7 * (5 + 7) + 3 * 7 * (14 + 7)),
    ),
    # units are projected from 7 to 3 after each step, and 3 come back
    "lstm with projection": (nn.LSTM(5, 7, proj_size=3, batch_first=True), (3, 5), 2 * 3 * (4 * 7 * (5 + 3) + 7 * 3)),
    "lstm cell": (nn.LSTMCell(5, 7), (5,), 2 * 4 * 7 * (5 + 7)),
    "gru cell": (nn.GRUCell(5, 7), (5,), 2 * 3 * 7 * (5 + 7)),
}
PROJECTIONS = 4 * 2 * 5 * 8 * 8  # queries, keys, values, output: 2 x steps x 8 x 8 each
SCORES_AND_MIX = 2 * (2 * 5 * 5 * 8)  # each 2 x steps x steps x 8, whatever the number of heads
ATTENTION = {
    "attention": (SelfAttention(need_weights=True), (5, 8), PROJECTIONS + SCORES_AND_MIX),
    "attention without its weights": (SelfAttention(need_weights=False), (5, 8), PROJECTIONS + SCORES_AND_MIX),
    # attention, then 8 -> 16 -> 8 at each step
    "transformer layer": (
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        (5, 8),
        PROJECTIONS + SCORES_AND_MIX + 2 * 5 * (8 * 16 + 16 * 8),
    ),
    "two transformer layers": (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
        (5, 8),
        2 * (PROJECTIONS + SCORES_AND_MIX + 2 * 5 * (8 * 16 + 16 * 8)),
    ),
    "functional attention": (
        Applies(lambda x, _: functional.scaled_dot_product_attention(x, x, x)),
        (5, 8),
        SCORES_AND_MIX,
    ),
    "causal attention counts what it masks": (
        Applies(lambda x, _: functional.scaled_dot_product_attention(x, x, x, is_causal=True)),
        (5, 8),
        SCORES_AND_MIX,
    ),
}
FUNCTIONS = {
    "@": (Applies(lambda x, w: x @ w), (8,), 2 * 8 * 3),
    "functional linear": (Applies(lambda x, w: functional.linear(x, w.T)), (8,), 2 * 8 * 3),
    "einsum": (Applies(lambda x, w: torch.einsum("bti,io->bto", x, w)), (5, 8), 2 * 5 * 8 * 3),
    "matrix times vector": (Applies(lambda x, w: torch.mv(w.T, x[0])), (8,), 2 * 8 * 3),
    "dot": (Applies(lambda x, _: torch.dot(x[0], x[0])), (8,), 2 * 8),
    "bmm": (Applies(lambda x, _: torch.bmm(x, x.mT)), (5, 8), 2 * 5 * 8 * 5),
    "baddbmm": (Applies(lambda x, _: torch.baddbmm(torch.zeros(1, 5, 5), x, x.mT)), (5, 8), 2 * 5 * 8 * 5),
    "addmv": (Applies(lambda x, w: torch.addmv(torch.zeros(3), w.T, x[0])), (8,), 2 * 8 * 3),
    "functional conv": (Applies(lambda x, w: functional.conv1d(x, w.T[:, :, None])), (8, 6), 2 * 6 * 3 * 8),
    "inference mode inside": (Applies(torch.inference_mode()(lambda x, w: functional.linear(x, w.T))), (8,), 2 * 8 * 3),
}
COUNTED = DENSE | CONVOLUTIONS | RECURRENT | ATTENTION | FUNCTIONS


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(("network", "input_shape", "by_hand"), COUNTED.values(), ids=COUNTED)
def test_flops_are_those_counted_by_hand(network: nn.Module, input_shape: tuple[int, ...], by_hand: int) -> None:
    assert count_flops(network, input_shape) == by_hand


SEEN_BY_TORCH = DENSE | CONVOLUTIONS


@pytest.mark.parametrize(("network", "input_shape", "by_hand"), SEEN_BY_TORCH.values(), ids=SEEN_BY_TORCH)
def test_flops_agree_with_torchs_counter_where_it_is_right(
    network: nn.Module, input_shape: tuple[int, ...], by_hand: int
) -> None:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *input_shape))

    assert counter.get_total_flops() == by_hand == count_flops(network, input_shape)


@pytest.mark.parametrize(
    "network",
    [
        nn.ReLU(),
        nn.GELU(),
        nn.Softmax(dim=-1),
        nn.BatchNorm2d(4),
        nn.GroupNorm(2, 4),
        nn.LayerNorm(8),
        nn.MaxPool2d(2),
        nn.AvgPool2d(2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        Applies(lambda x, _: functional.normalize(x)),
    ],
    ids=lambda network: type(network).__name__,
)
def test_activation_norm_and_pooling_cost_nothing(network: nn.Module) -> None:
    assert count_flops(network, (4, 8, 8)) == 0


def test_a_layer_used_twice_counts_twice_but_its_parameters_once() -> None:
    layer = nn.Linear(8, 8)
    network = nn.Sequential(layer, nn.ReLU(), layer)

    assert count_flops(network, (8,)) == 2 * (2 * 8 * 8)
    assert count_params(network) == 8 * 8 + 8


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        (lambda x, _: torch.cdist(x, x), "aten::_cdist_forward"),
        (lambda x, _: torch.fft.fft(x), "aten::_fft_r2c"),
        (lambda x, _: functional.bilinear(x, x, torch.ones(2, 8, 8)), "aten::_trilinear"),
        (lambda x, _: torch.linalg.inv(x @ x.mT + torch.eye(8)), "aten::linalg_inv_ex"),
    ],
    ids=["cdist", "fft", "bilinear", "inverse"],
)
def test_arithmetic_without_a_formula_is_refused(function: Callable[..., object], operator: str) -> None:
    with pytest.raises(InvalidData) as refusal:
        count_flops(Applies(function), (8, 8))

    assert refusal.value.message == f"cannot count the arithmetic of operator '{operator}': it has no formula"


def test_operators_of_other_libraries_are_refused() -> None:
    @torch.library.custom_op("sizing_test::triple", mutates_args=())
    def triple(inputs: Tensor) -> Tensor:
        return inputs * 3

    with pytest.raises(InvalidData, match="operator 'sizing_test::triple'"):
        count_flops(Applies(lambda x, _: triple(x)), (8,))


@pytest.mark.parametrize("fails", [False, True])
def test_counting_leaves_network_and_process_as_they_were(fails: bool) -> None:
    network = nn.Sequential(
        nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.Dropout(), Applies(lambda x, _: torch.rand(2) + x[0, 0, :2])
    )
    network[0].eval()
    if fails:
        network.append(Applies(lambda x, _: torch.fft.fft(x)))
    modes = [module.training for module in network.modules()]
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    onednn = torch.backends.mkldnn.enabled
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)

    try:
        count_flops(network, (2, 5))
    except InvalidData:
        assert fails

    assert torch.equal(torch.rand(4), expected)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in state.items())
    assert torch.backends.mha.get_fastpath_enabled()
    assert torch.backends.mkldnn.enabled == onednn
    assert torch.is_grad_enabled()


def test_params_count_biases_and_embeddings_frozen_or_not_and_no_buffers() -> None:
    network = nn.Sequential(nn.Embedding(20, 4), nn.Linear(4, 3), nn.BatchNorm1d(3))
    network[0].weight.requires_grad_(False)

    assert count_params(network) == 20 * 4 + (4 * 3 + 3) + (3 + 3)
    assert weight_bytes(network) == 4 * (20 * 4 + (4 * 3 + 3) + (3 + 3))


@pytest.mark.parametrize(
    ("network", "by_hand"),
    [
        # elements of the matrix + 4 x scales + 4 x elements of the bias
        (nn.Linear(64, 10), 640 + 4 * 10 + 4 * 10),
        (nn.Linear(64, 10, bias=False), 640 + 4 * 10),
        (nn.Conv2d(3, 8, 3), 8 * 3 * 9 + 4 * 8 + 4 * 8),
        (nn.Conv2d(8, 8, 3, groups=8), 8 * 9 + 4 * 8 + 4 * 8),
        (nn.ConvTranspose2d(3, 4, 2), 3 * 4 * 4 + 4 * 4 + 4 * 4),
        (nn.Embedding(20, 4), 80 + 4),
        # two matrices (28 x 5, 28 x 7), each with 28 scales, and two biases
        (nn.LSTM(5, 7), (28 * 5 + 4 * 28) + (28 * 7 + 4 * 28) + 2 * 4 * 28),
        (nn.Sequential(shared := nn.Linear(8, 8, bias=False), shared), 64 + 4 * 8),
    ],
    ids=["linear", "no bias", "conv", "depthwise", "transposed", "embedding", "lstm", "shared"],
)
def test_int8_bytes_are_those_counted_by_hand(network: nn.Module, by_hand: int) -> None:
    assert weight_bytes_int8(network) == by_hand


def test_counting_does_not_import_the_compiler() -> None:
    code = """
import sys
from torch import nn
from harness.measure import count_flops
assert count_flops(nn.Linear(64, 10), (64,)) == 1280
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_training_costs_three_forward_passes_an_example() -> None:
    assert train_flops(1280.0, 50 * 32) == 3 * 1280 * 50 * 32
