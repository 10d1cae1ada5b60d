"""The general path, ``harness/functional.py``: any module as a stack, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from harness.batches import BatchStream
from harness.families.base import Family
from harness.functional import StackedModule
from harness.plugins import load
from harness.stack import StackedNetwork, train
from harness.trial import Shape
from registry.errors import UsageError

BATCH, STEPS, DRAWN = 5, 20, 40


class Tied(nn.Module):
    """Layer normalisation, a parameter of no layer, two names for one weight: what no family of ours has."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ModuleDict({"first": nn.Linear(6, 6), "again": nn.Linear(6, 6)})
        self.inner["again"].weight = self.inner["first"].weight
        self.norm = nn.LayerNorm(6)
        self.scale = nn.Parameter(torch.ones(()))
        self.out = nn.Linear(6, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.inner["again"](torch.tanh(self.inner["first"](inputs))))
        logits: torch.Tensor = self.out(self.norm(hidden) * self.scale)
        return logits


def states(n: int, build: type[Tied]) -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    return [dict(build().state_dict()) for _ in range(n)]


def examples() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(DRAWN, 6, generator=generator), torch.randint(3, (DRAWN,), generator=generator)


def trained(initial: list[dict[str, torch.Tensor]], seeds: list[int], build: type[Tied] = Tied) -> StackedNetwork:
    network = StackedModule(build, len(initial))
    for member, state in enumerate(initial):
        network.load(member, state)
    inputs, labels = examples()
    train(
        network,
        inputs=inputs,
        labels=labels,
        val_inputs=inputs[:3],
        val_labels=labels[:3],
        streams=[BatchStream(np.arange(DRAWN), BATCH, seed) for seed in seeds],
        learning_rates=[0.001 * (1 + seed) for seed in seeds],
        weight_decays=[0.1] * len(seeds),
        steps=STEPS,
    )
    return network


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def tolerance(request: pytest.FixtureRequest) -> Iterator[float]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(request.param)
    yield {torch.float32: 1e-5, torch.float64: 1e-9}[request.param]
    torch.set_default_dtype(before)


def test_any_module_trains_as_by_torchs_optimiser(tolerance: float) -> None:
    initial = states(3, Tied)
    stacked = trained(initial, [0, 1, 2])
    inputs, labels = examples()

    for member, state in enumerate(initial):
        network = Tied()
        network.load_state_dict(state)
        optimiser = torch.optim.AdamW(network.parameters(), lr=0.001 * (1 + member), weight_decay=0.1)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=STEPS)
        for rows in torch.from_numpy(BatchStream(np.arange(DRAWN), BATCH, member).take(STEPS)):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimiser.step()
            schedule.step()
        found, expected = stacked.state(member, state), network.state_dict()

        assert found.keys() == expected.keys()
        assert not torch.allclose(found["out.weight"], state["out.weight"], atol=1e-3)
        for name in expected:
            assert torch.allclose(found[name], expected[name], rtol=tolerance, atol=tolerance), name


def test_loaded_state_comes_back_under_every_name() -> None:
    [state] = states(1, Tied)
    network = StackedModule(Tied, 2)
    network.load(1, state)
    found = network.state(1, state)

    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert network.parameters[0].abs().sum() == 0


def test_a_dense_member_comes_to_the_same_bits_in_every_pack() -> None:
    initial = states(9, Tied)
    alone = trained(initial[4:5], [4]).state(0, initial[4])
    order = [8, 2, 4, 0, 1, 3, 5, 6, 7]
    together = trained([initial[i] for i in order], order).state(2, initial[4])

    assert all(torch.equal(alone[name], together[name]) for name in alone)


def test_a_convolutional_member_comes_to_the_same_bits_in_every_pack_of_8_or_more() -> None:
    family: Family = load("families", "cnn")
    inputs, labels = torch.randn(DRAWN, 1, 8, 8), torch.randint(3, (DRAWN,))

    def member(place: int, seeds: list[int]) -> torch.Tensor:
        network = Family.stacked(family, (1, 8, 8), 3, Shape(3, 2), len(seeds))
        for i, seed in enumerate(seeds):
            generator = torch.Generator().manual_seed(seed)
            network.load(i, family.initial_state((1, 8, 8), 3, Shape(3, 2), generator))
        train(
            network,
            inputs=inputs,
            labels=labels,
            val_inputs=inputs[:3],
            val_labels=labels[:3],
            streams=[BatchStream(np.arange(DRAWN), BATCH, seed) for seed in seeds],
            learning_rates=[0.01] * len(seeds),
            weight_decays=[0.0] * len(seeds),
            steps=8,
        )
        return network.parameters[place]

    least = Family.stacked(family, (1, 8, 8), 3, Shape(3, 2), 1).least_members
    filled = member(0, [4] * least)

    assert torch.equal(filled, member(7, [0, 1, 2, 3, 5, 6, 7, 4]))
    assert torch.equal(filled, member(5, [*range(19, 14, -1), 4, *range(5, 15), 0]))


@pytest.mark.parametrize(("name", "input_shape"), [("mlp", (6,)), ("cnn", (1, 8, 8))])
def test_a_family_that_writes_no_stack_gets_this_one(name: str, input_shape: tuple[int, ...]) -> None:
    family: Family = load("families", name)
    shape = Shape(3, 1)
    own, general = family.stacked(input_shape, 3, shape, 8), Family.stacked(family, input_shape, 3, shape, 8)
    for member in range(8):
        state = family.initial_state(input_shape, 3, shape, torch.Generator().manual_seed(member))
        own.load(member, state)
        general.load(member, state)
    inputs, labels = torch.randn(8, BATCH, *input_shape), torch.randint(3, (8, BATCH))
    for network in (own, general):
        network.differentiate(inputs, labels)
        network.parameters.copy_(network.gradient)

    assert isinstance(general, StackedModule)
    for name, gradient in own.state(5, state).items():
        assert torch.allclose(general.state(5, state)[name], gradient, atol=1e-6), name


class Dropping(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(6, 3), nn.Dropout(0.1))


class Normalising(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(6, 3), nn.BatchNorm1d(3))


class Frozen(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Linear(6, 3).requires_grad_(False))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (Dropping, "Dropping has dropout (1), expected none in a stack"),
        (
            Normalising,
            "Normalising has buffers (1.running_mean, 1.running_var, 1.num_batches_tracked), expected none in a stack",
        ),
        (Frozen, "Frozen has frozen parameters (0.weight, 0.bias), expected none in a stack"),
    ],
)
def test_what_would_tie_members_to_something_else_is_refused(build: type[nn.Module], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        StackedModule(build, 2)

    assert str(refused.value).splitlines() == [
        message,
        "  leave them out, or give the family a stacked form of its own",
    ]


def test_dropout_that_drops_nothing_is_none() -> None:
    assert StackedModule(lambda: nn.Sequential(nn.Linear(6, 3), nn.Dropout(0.0)), 2).members == 2
