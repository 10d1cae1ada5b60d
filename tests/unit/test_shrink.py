from __future__ import annotations

import copy
import warnings

import pytest
import torch
from torch import nn

from harness.families.base import Family
from harness.inference import blank
from harness.plugins import load
from harness.shrink import prune
from harness.trial import Shape
from registry.errors import UsageError

IMAGE = (1, 8, 8)
TABLE = (13,)
MLP: Family = load("families", "mlp")
CNN: Family = load("families", "cnn")
RESIDUAL: Family = load("families", "residual-mlp")
NGRAM: Family = load("families", "ngram-mlp")
TEXT = (20, 6)


def trained(family: Family, input_shape: tuple[int, ...], shape: Shape, seed: int = 0) -> nn.Module:
    """A network with made-up weights and biases, none of them zero."""
    network = family.network(input_shape, 3, shape)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return network


def layers(network: nn.Module) -> list[nn.Linear | nn.Conv2d]:
    return [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]


@pytest.mark.parametrize(
    ("family", "input_shape", "widest", "depth"),
    [
        (MLP, TABLE, 12, 1),
        (MLP, TABLE, 9, 2),
        (MLP, IMAGE, 7, 1),
        (CNN, IMAGE, 9, 1),
        (CNN, IMAGE, 7, 2),
        (CNN, IMAGE, 6, 3),
        (RESIDUAL, TABLE, 7, 1),
        (RESIDUAL, TABLE, 6, 2),
        (NGRAM, TEXT, 6, 1),
        (NGRAM, TEXT, 5, 2),
    ],
    ids=["mlp-1", "mlp-2", "mlp-image", "cnn-1", "cnn-2", "cnn-3", "residual-1", "residual-2", "ngram-1", "ngram-2"],
)
def test_every_width_is_reached(family: Family, input_shape: tuple[int, ...], widest: int, depth: int) -> None:
    large = trained(family, input_shape, Shape(widest, depth))

    for width in range(1, widest + 1):
        small = prune(family, copy.deepcopy(large), input_shape, 3, Shape(width, depth))
        params = sum(parameter.numel() for parameter in small.parameters())

        assert type(small) is type(large)
        assert params == family.params(input_shape, 3, Shape(width, depth))
        assert small(blank(small, input_shape, n=2)).shape == (2, 3)


def test_wide_ladder_widths_are_reached_exactly() -> None:
    large = trained(MLP, TABLE, Shape(192, 1))

    for width in (1, 5, 7, 24, 28, 48, 96, 127, 191):
        small = prune(MLP, copy.deepcopy(large), TABLE, 3, Shape(width, 1))

        assert layers(small)[0].out_features == width  # type: ignore[union-attr]


def test_pruning_to_the_same_width_changes_nothing() -> None:
    large = trained(MLP, TABLE, Shape(6, 2))
    small = prune(MLP, copy.deepcopy(large), TABLE, 3, Shape(6, 2))

    assert all(torch.equal(a, b) for a, b in zip(small.parameters(), large.parameters(), strict=True))


@pytest.mark.parametrize(("family", "input_shape"), [(MLP, TABLE), (CNN, IMAGE)], ids=["mlp", "cnn"])
def test_channels_with_the_largest_weights_are_kept_in_their_order(
    family: Family, input_shape: tuple[int, ...]
) -> None:
    large = trained(family, input_shape, Shape(6, 1))
    first = layers(large)[0]
    strong = [1, 4, 5]
    with torch.no_grad():
        for channel in range(6):
            first.weight[channel].fill_(1.0 + channel if channel in strong else 0.01)
    kept = first.weight[strong].clone()

    small = prune(family, large, input_shape, 3, Shape(3, 1))

    assert torch.equal(layers(small)[0].weight, kept)


def test_strength_is_the_l2_norm_and_not_the_sum_of_weights() -> None:
    large = trained(MLP, (16,), Shape(2, 1))
    first, head = layers(large)
    with torch.no_grad():
        head.weight.fill_(1.0)
        head.bias.zero_()
        first.bias.zero_()
        first.weight[0] = 0.0
        first.weight[0, 0] = 3.0  # L2 3, sum 3
        first.weight[1] = 0.5  # L2 2, sum 8
    kept = first.weight[0].clone()

    small = prune(MLP, large, (16,), 3, Shape(1, 1))

    assert torch.equal(layers(small)[0].weight[0], kept)


def test_weights_that_leave_a_channel_count_too() -> None:
    large = trained(MLP, TABLE, Shape(2, 1))
    first, head = layers(large)
    with torch.no_grad():
        first.weight.fill_(1.0)
        head.weight[:, 0] = 0.1
        head.weight[:, 1] = 9.0
    small = prune(MLP, large, TABLE, 3, Shape(1, 1))

    assert torch.equal(layers(small)[1].weight, torch.full((3, 1), 9.0))


@pytest.mark.parametrize(
    ("family", "input_shape", "depth"),
    [(MLP, TABLE, 1), (MLP, TABLE, 2), (CNN, IMAGE, 1), (CNN, IMAGE, 3)],
    ids=["mlp-1", "mlp-2", "cnn-1", "cnn-3"],
)
def test_removing_dead_units_leaves_the_function_as_it_was(
    family: Family, input_shape: tuple[int, ...], depth: int
) -> None:
    small = trained(family, input_shape, Shape(3, depth))
    stacked = family.stacked(input_shape, 3, Shape(7, depth), 1)  # pads with units that are dead
    stacked.load(0, dict(small.state_dict()))
    large = family.network(input_shape, 3, Shape(7, depth))
    large.load_state_dict(stacked.state(0, dict(large.state_dict())))
    inputs = torch.randn(20, *input_shape, generator=torch.Generator().manual_seed(1))
    before = large(inputs).detach()

    pruned = prune(family, large, input_shape, 3, Shape(3, depth))

    assert torch.allclose(pruned(inputs), before, rtol=1e-5, atol=1e-4)
    assert all(torch.equal(a, b) for a, b in zip(pruned.parameters(), small.parameters(), strict=True))


def test_outputs_are_never_pruned() -> None:
    large = trained(MLP, TABLE, Shape(8, 1))
    biases = layers(large)[1].bias.clone()
    small = prune(MLP, large, TABLE, 3, Shape(1, 1))

    assert torch.equal(layers(small)[1].bias, biases)


def test_linear_network_is_refused() -> None:
    large = trained(MLP, TABLE, Shape(0, 0))

    with pytest.raises(UsageError, match="a linear network has no hidden units to prune"):
        prune(MLP, large, TABLE, 3, Shape(0, 0))


@pytest.mark.parametrize("shape", [Shape(9, 1), Shape(4, 2)], ids=["wider", "deeper"])
def test_shape_that_cannot_be_reached_is_refused(shape: Shape) -> None:
    large = trained(MLP, TABLE, Shape(8, 1))

    with pytest.raises(UsageError) as refused:
        prune(MLP, large, TABLE, 3, shape)

    assert refused.value.message == f"pruning mlp from width 8 does not reach {shape}"
    assert refused.value.hint == "prune from a wider network"


def test_pruning_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prune(MLP, trained(MLP, TABLE, Shape(4, 1)), TABLE, 3, Shape(2, 1))


@pytest.mark.parametrize(("family", "input_shape"), [(RESIDUAL, TABLE), (NGRAM, TEXT)], ids=["residual", "ngram"])
def test_units_that_do_nothing_go_first_and_the_answers_stay(family: Family, input_shape: tuple[int, ...]) -> None:
    """A network padded with zero units is pruned back to what it was."""
    small = trained(family, input_shape, Shape(5, 2))
    stacked = family.stacked(input_shape, 3, Shape(8, 2), 1)
    stacked.load(0, dict(small.state_dict()))
    wide = family.network(input_shape, 3, Shape(8, 2))
    wide.load_state_dict(stacked.state(0, dict(wide.state_dict())))
    inputs = blank(small, input_shape, n=4)
    inputs = torch.randint(6, inputs.shape) if family.reads_symbols else torch.randn(inputs.shape)

    pruned = prune(family, wide, input_shape, 3, Shape(5, 2))

    assert torch.allclose(pruned(inputs), small(inputs), rtol=1e-5, atol=1e-5)


def test_recurrent_networks_and_transformers_are_not_pruned() -> None:
    for name in ("gru", "lstm", "transformer"):
        family: Family = load("families", name)
        network = family.network(TEXT, 3, Shape(8, 1))

        with pytest.raises(UsageError, match=f"^{name} networks cannot be pruned"):
            prune(family, network, TEXT, 3, Shape(4, 1))
