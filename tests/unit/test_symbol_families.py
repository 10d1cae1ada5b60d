"""Families one by one: what each costs by hand, what each position sees, and the files that they become."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from harness.export import export_onnx, parity
from harness.families.base import Family, Outputs
from harness.families.ngram_mlp import NgramMlp
from harness.inference import predict_network, predict_onnx
from harness.loss import mean_loss
from harness.measure import count_flops, count_params
from harness.memory import ram_bytes
from harness.plugins import load
from harness.quantise import quantise_static
from harness.trial import Shape
from registry.errors import InvalidRecord
from registry.onnx_wire import read_network

LENGTH, N_SYMBOLS, N = 9, 11, 4
TEXT = (LENGTH, N_SYMBOLS)
HALF = 5  # places that each direction of a recurrent network reads
RECURRENT = ("gru", "lstm")
LANGUAGE = (*RECURRENT, "transformer")


def made(name: str, shape: Shape, n_outputs: Outputs = N) -> nn.Module:
    family: Family = load("families", name)
    network = family.network(TEXT, n_outputs, shape)
    generator = torch.Generator().manual_seed(0)
    family.initialise(network, generator)
    with torch.no_grad():
        for parameter in network.parameters():  # what begins alike would stand in a file once
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return network.eval()


def texts(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(N_SYMBOLS, (n, LENGTH), generator=torch.Generator().manual_seed(seed))


# A multiply-add is 2; looking a symbol up is none; biases, gates' products, normalisation and pooling count 0.
FLOPS = {
    # all of the input, two layers a block, the logits
    "residual-mlp": (6, 2, N, 2 * (99 * 6 + 2 * 2 * 6 * 6 + 6 * 4)),
    # 7 windows of 3; 7 cells (4 + 3 on either side of window 3, all single); one more layer; the logits
    "ngram-mlp": (6, 2, N, 2 * (7 * 3 * 6 * 6 + 7 * 6 * 6 + 6 * 6 + 6 * 4)),
    # directions x places x gates x units x (input + state), twice as many layers; both states
    "gru": (6, 2, N, 2 * (2 * 2 * HALF * 3 * 6 * (6 + 6) + 2 * 6 * 4)),
    "lstm": (6, 2, N, 2 * (2 * 2 * HALF * 4 * 6 * (6 + 6) + 2 * 6 * 4)),
    "gru everywhere": (6, 1, (LENGTH, N), 2 * LENGTH * (3 * 6 * (6 + 6) + 6 * 4)),
    # a place: queries, keys and values 3, mixing 1, dense layers 2 + 2 times width squared; scores and their products
    "transformer": (6, 2, N, 2 * (2 * (LENGTH * 8 * 6 * 6 + 2 * LENGTH * LENGTH * 6) + 6 * 4)),
    "transformer everywhere": (32, 1, (LENGTH, N), 2 * (LENGTH * 8 * 32**2 + 2 * LENGTH**2 * 32 + LENGTH * 32 * 4)),
}
PARAMS = {
    "residual-mlp": (6, 2, N, 99 * 6 + 6 + 4 * (36 + 6) + 6 * 4 + 4),
    "ngram-mlp": (6, 2, N, 11 * 6 + (3 * 36 + 6) + (7 * 36 + 6) + (36 + 6) + 6 * 4 + 4),
    "gru": (6, 2, N, 11 * 6 + 4 * 3 * (36 + 36 + 6 + 6) + 12 * 4 + 4),
    "lstm everywhere": (6, 1, (LENGTH, N), 11 * 6 + 4 * (36 + 36 + 6 + 6) + 6 * 4 + 4),
    # symbols, places; a block: two norms, attention 3 + 1 without biases in the first, dense layers; a norm; the logits
    "transformer": (6, 1, N, (11 + 9) * 6 + (2 * 12 + 4 * 36 + 6 + 2 * 72 + 12 + 6) + 12 + 6 * 4 + 4),
}


@pytest.mark.parametrize("case", FLOPS)
def test_flops_are_those_counted_by_hand(case: str) -> None:
    width, depth, n_outputs, expected = FLOPS[case]

    assert count_flops(made(case.split()[0], Shape(width, depth), n_outputs), TEXT) == expected


@pytest.mark.parametrize("case", PARAMS)
def test_params_are_those_counted_by_hand(case: str) -> None:
    width, depth, n_outputs, expected = PARAMS[case]

    assert count_params(made(case.split()[0], Shape(width, depth), n_outputs)) == expected


# --- what an answer sees


@pytest.mark.parametrize("name", LANGUAGE)
@pytest.mark.parametrize("width", [8, 32])
def test_a_place_is_answered_by_what_is_not_after_it(name: str, width: int) -> None:
    network, symbols = made(name, Shape(width, 2), (LENGTH, N)), texts(3)
    changed = symbols.clone()
    changed[:, 4] = (changed[:, 4] + 1) % N_SYMBOLS
    moved = (network(changed) - network(symbols)).abs().amax(2)

    assert moved[:, :4].max() == 0
    assert moved[:, 4:].min() > 0


@pytest.mark.parametrize("name", [*LANGUAGE, "ngram-mlp"])
def test_one_answer_is_by_every_place_and_their_order(name: str) -> None:
    network, symbols = made(name, Shape(16, 1)), texts(8)
    at_once = torch.stack([symbols] * LENGTH)
    for place in range(LENGTH):
        at_once[place, :, place] = (symbols[:, place] + 1) % N_SYMBOLS
    moved = (network(at_once.flatten(0, 1)) - network(symbols).repeat(LENGTH, 1)).abs().amax(1)

    assert moved.view(LENGTH, -1).amax(1).min() > 0
    assert not torch.allclose(network(symbols), network(symbols.flip(1)), atol=1e-3)


def test_cells_are_single_windows_near_the_middle_and_double_outwards() -> None:
    edges = [0, 5, 21, 29, 33, 35, 36, 37, 38, 39, 40, 41, 42, 43, 45, 49, 57, 73, 78]

    assert NgramMlp((80, 5), 2, 3, 1).cells == list(itertools.pairwise(edges))
    assert NgramMlp((3, 5), 2, 3, 1).cells == [(0, 1)]


def test_blocks_of_a_fresh_residual_network_add_nothing() -> None:
    family: Family = load("families", "residual-mlp")
    network = family.network((7,), N, Shape(6, 2))
    family.initialise(network, torch.Generator().manual_seed(0))
    inputs = torch.randn(5, 7)
    expected = network.head(torch.relu(network.first(inputs)))  # type: ignore[operator]  # a module calls its layers

    assert torch.equal(network(inputs), expected)


def test_stacked_gradients_of_a_regression_are_the_plain_networks() -> None:
    family: Family = load("families", "residual-mlp")
    shape = Shape(8, 2)
    states = [family.initial_state((7,), 1, shape, torch.Generator().manual_seed(seed)) for seed in range(3)]
    inputs, targets = torch.randn(3, 5, 7), torch.randn(3, 5)
    stacked = family.stacked((7,), 1, shape, 3)
    for i, state in enumerate(states):
        stacked.load(i, state)
    stacked.differentiate(inputs, targets)
    stacked.parameters.copy_(stacked.gradient)

    for i, state in enumerate(states):
        network = family.network((7,), 1, shape)
        network.load_state_dict(state)
        mean_loss(network(inputs[i]), targets[i]).backward()
        found = stacked.state(i, state)
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None
            assert torch.allclose(found[name], parameter.grad, rtol=1e-5, atol=1e-6), name


# --- files


FILES = {
    "residual-mlp": Shape(6, 2),
    "ngram-mlp": Shape(6, 2),
    "gru": Shape(8, 2),
    "lstm": Shape(8, 1),
    "transformer": Shape(32, 2),
}


@pytest.fixture(scope="module", params=FILES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, nn.Module, Path]:
    """A family, a network of it and its file; lstm and transformer answer at every place."""
    name = request.param
    network = made(name, FILES[name], (LENGTH, N) if name in ("lstm", "transformer") else N)
    path = tmp_path_factory.mktemp(name) / "network.onnx"
    export_onnx(network, TEXT, path)
    return name, network, path


def inputs_of(name: str) -> np.ndarray:
    if load("families", name).reads_symbols:
        return texts(20).numpy()
    return np.random.default_rng(0).standard_normal((20, *TEXT), dtype=np.float32)


def test_a_file_answers_as_the_network_at_any_batch(exported: tuple[str, nn.Module, Path]) -> None:
    name, network, path = exported

    assert parity(network, path, inputs_of(name)) < 1e-5


def test_a_file_is_of_plain_operators_and_holds_the_params_alone(exported: tuple[str, nn.Module, Path]) -> None:
    _, network, path = exported
    found = read_network(path.read_bytes(), "float")

    assert found.params == count_params(network)
    assert found.largest_integers <= 16


def test_memory_is_counted(exported: tuple[str, nn.Module, Path]) -> None:
    name, _, path = exported
    model = onnx.load(path)
    expected = {
        # the input; then, of a block, what it adds to, and one of two layers' outputs twice
        "residual-mlp": 4 * (99 + 6),
        # all windows' embedded symbols, (6, 9), and outputs, (6, 7)
        "ngram-mlp": 4 * (2 * 6 * 9),
    }

    assert ram_bytes(model) > ram_bytes(model, int8=True) > 0
    if name in expected:
        assert ram_bytes(model) == expected[name]


def test_int8_forms_exist_or_are_refused(exported: tuple[str, nn.Module, Path], tmp_path: Path) -> None:
    name, network, path = exported
    if name in RECURRENT:
        with pytest.raises(InvalidRecord, match="static int8 form"):
            quantise_static(path, inputs_of(name), tmp_path / "int8.onnx")
    else:
        written = quantise_static(path, inputs_of(name), tmp_path / "int8.onnx")
        found = predict_onnx(written.path, inputs_of(name))
        expected = predict_network(network, inputs_of(name))

        assert "QuantizeLinear" in read_network(written.path.read_bytes(), "int8").operators
        assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
