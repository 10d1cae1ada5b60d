from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness import stack
from harness.batches import BatchStream
from harness.families.base import Family, State
from harness.plugins import load
from harness.schedule import Schedule
from harness.stack import Progress, StackedNetwork, checkpoints, errors_and_losses, train
from harness.trial import Shape

FAMILY = load("families", "mlp")
INPUTS, OUTPUTS = (5,), 3
SHAPE = Shape(8, 1)


@dataclass(frozen=True)
class Member:
    """One member of a mixed pack."""

    seed: int
    rate: float
    steps: int
    n_train: int
    schedule: Schedule
    decay: float = 0.0


def draw(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Points whose class is the largest of their first three features."""
    inputs = torch.randn(n, *INPUTS, generator=torch.Generator().manual_seed(seed))
    return inputs, inputs[:, :OUTPUTS].argmax(dim=1)


def states(n: int) -> list[State]:
    return [FAMILY.initial_state(INPUTS, OUTPUTS, SHAPE, torch.Generator().manual_seed(seed)) for seed in range(n)]


def run(
    rates: Sequence[float],
    *,
    steps: int = 40,
    val: tuple[torch.Tensor, torch.Tensor] | None = None,
    members: Sequence[int] | None = None,
) -> tuple[Progress, StackedNetwork]:
    """Train one member a rate; ``members`` gives the seed of each."""
    seeds = list(range(len(rates))) if members is None else list(members)
    network = FAMILY.stacked(INPUTS, OUTPUTS, SHAPE, len(rates))
    initial = states(max(seeds) + 1)
    for member, seed in enumerate(seeds):
        network.load(member, initial[seed])
    inputs, labels = draw(60)
    val_inputs, val_labels = val or draw(30, seed=1)
    progress = train(
        network,
        inputs=inputs,
        labels=labels,
        val_inputs=val_inputs,
        val_labels=val_labels,
        streams=[BatchStream(np.arange(60), 10, seed) for seed in seeds],
        learning_rates=rates,
        weight_decays=[0.0] * len(rates),
        steps=steps,
    )
    return progress, network


# --- batches


@given(n=st.integers(1, 60), data=st.data(), seed=st.integers(0, 2**40))
def test_an_epoch_takes_no_example_twice_and_drops_less_than_a_batch(n: int, data: st.DataObject, seed: int) -> None:
    size = data.draw(st.integers(1, n))
    subset = np.arange(n) * 3 + 1
    per_epoch = n // size
    batches = BatchStream(subset, size, seed).take(3 * per_epoch)

    assert batches.shape == (3 * per_epoch, size)
    for epoch in np.split(batches, 3):
        taken = epoch.ravel().tolist()
        assert len(set(taken)) == len(taken)
        assert set(taken) <= set(subset.tolist())


def test_epochs_are_shuffled_anew() -> None:
    first, second = np.split(BatchStream(np.arange(40), 10, seed=0).take(8), 2)

    assert sorted(first.ravel()) == sorted(second.ravel()) == list(range(40))
    assert first.tolist() != second.tolist()


def test_what_one_epoch_drops_is_drawn_later() -> None:
    seen = BatchStream(np.arange(19), 10, seed=0).take(30)

    assert set(seen.ravel().tolist()) == set(range(19))


@given(pieces=st.lists(st.integers(0, 12), max_size=8), n=st.integers(4, 40))
def test_taking_in_pieces_is_taking_at_once(pieces: list[int], n: int) -> None:
    whole = BatchStream(np.arange(n), 4, seed=9).take(sum(pieces))
    stream = BatchStream(np.arange(n), 4, seed=9)
    parts = [stream.take(steps) for steps in pieces]

    assert [len(part) for part in parts] == pieces
    assert np.concatenate([np.empty((0, 4), dtype=np.int64), *parts]).tolist() == whole.tolist()


def test_batches_depend_on_the_seed_alone() -> None:
    np.random.seed(1)  # the global state is what must not matter
    torch.manual_seed(1)
    first = BatchStream(np.arange(30), 5, seed=3).take(20).tolist()
    np.random.seed(2)
    torch.manual_seed(2)

    assert BatchStream(np.arange(30), 5, seed=3).take(20).tolist() == first
    assert BatchStream(np.arange(30), 5, seed=4).take(20).tolist() != first


def test_batches_do_not_repeat_the_order_of_the_subset() -> None:
    order = np.random.default_rng(3).permutation(30)

    assert BatchStream(np.arange(30), 30, seed=3).take(1)[0].tolist() != order.tolist()


# --- checkpoints


@given(st.integers(1, 100_000), st.integers(1, 512), st.integers(1, 100_000))
def test_checkpoints_ascend_to_the_last_step(steps: int, batch_size: int, n_val: int) -> None:
    found = checkpoints(steps, batch_size, n_val)

    assert found == sorted(set(found))
    assert found[0] >= 1
    assert found[-1] == steps
    assert len(found) <= 12
    assert len(found) <= 4 or 2 * len(found) * n_val <= steps * batch_size


def test_checkpoints_are_log_spaced_over_the_last_factor_of_64() -> None:
    found = checkpoints(64_000, 32, 100)
    ratios = [later / earlier for earlier, later in pairwise(found)]

    assert found[0] == 1000
    assert len(found) == 12
    assert all(ratio == pytest.approx(64 ** (1 / 11), rel=0.01) for ratio in ratios)


@pytest.mark.parametrize(("n_val", "n"), [(666, 12), (1000, 8), (1600, 5), (4000, 4), (100_000, 4)])
def test_checkpoints_are_fewer_where_validation_is_large_beside_training(n_val: int, n: int) -> None:
    found = checkpoints(500, 32, n_val)

    assert len(found) == n
    assert found[0] == 7
    assert found[-1] == 500


def test_curve_holds_every_checkpoint() -> None:
    progress, _ = run([0.01, 0.02], steps=50)

    for curve in progress.curves:
        assert [step for step, _, _ in curve] == checkpoints(50, 10, 30)


# --- errors


@pytest.mark.parametrize("examples_at_once", [512, 50, 7, 1])
def test_errors_and_losses_are_those_of_each_member(examples_at_once: int) -> None:
    network = FAMILY.stacked(INPUTS, OUTPUTS, SHAPE, 3)
    network.examples_at_once = examples_at_once
    for member, state in enumerate(states(3)):
        network.load(member, state)
    inputs, labels = draw(50)
    errors, losses = errors_and_losses(network, inputs, labels)

    for i, state in enumerate(states(3)):
        plain = FAMILY.network(INPUTS, OUTPUTS, SHAPE)
        plain.load_state_dict(state)
        logits = plain(inputs).detach()
        wrong = int((logits.argmax(dim=1) != labels).sum())

        assert float(errors[i]) == pytest.approx(wrong / 50)
        assert float(losses[i]) == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels)), rel=1e-5)


# --- training


def test_training_learns() -> None:
    progress, _ = run([0.02], steps=300)
    [curve] = progress.curves

    assert float(progress.best_error) < 0.2
    assert curve[-1][2] < curve[0][2]


def test_best_checkpoint_is_kept_where_the_last_is_worse() -> None:
    inputs, labels = draw(30, seed=1)
    progress, network = run([0.03], steps=64, val=(inputs, (labels + 1) % OUTPUTS))  # the better it fits, the worse
    [curve] = progress.curves
    last = errors_and_losses(network, inputs, (labels + 1) % OUTPUTS)
    network.parameters.copy_(progress.best_parameters)
    best = errors_and_losses(network, inputs, (labels + 1) % OUTPUTS)

    assert int(progress.best_step) < 64
    assert float(last[0]) > float(progress.best_error)
    assert torch.equal(best[0], progress.best_error)
    assert torch.equal(best[1], progress.best_loss)
    assert min(error for _, error, _ in curve) == pytest.approx(float(progress.best_error), abs=1e-6)


def test_of_equal_errors_the_lower_loss_is_kept() -> None:
    inputs, labels = draw(1, seed=5)
    progress, _ = run([0.01], steps=64, val=(inputs, labels))  # one example: the error is 0 or 1
    [curve] = progress.curves
    best = min((error, loss) for _, error, loss in curve)

    assert len([1 for _, error, _ in curve if error == best[0]]) > 1
    assert (float(progress.best_error), float(progress.best_loss)) == pytest.approx(best, abs=1e-6)
    assert {step for step, error, loss in curve if (error, loss) == best} == {int(progress.best_step)}


def test_network_ends_at_the_last_step() -> None:
    inputs, labels = draw(30, seed=1)
    progress, network = run([0.01, 0.05], val=(inputs, labels))
    _, losses = errors_and_losses(network, inputs, labels)

    assert [curve[-1][2] for curve in progress.curves] == pytest.approx(losses.tolist(), abs=1e-6)


def test_members_with_another_rate_or_seed_differ() -> None:
    progress, _ = run([0.01, 0.01, 0.02], members=[0, 1, 0])
    losses = progress.best_loss.tolist()

    assert len(set(losses)) == 3


# --- divergence


@pytest.mark.parametrize("wild", [1e30, math.inf], ids=["huge-rate", "infinite-rate"])
def test_diverged_member_is_noted_and_leaves_the_others_as_they_are(wild: float) -> None:
    progress, network = run([0.01, wild, 0.02])
    alone, network_alone = run([0.01, 0.01, 0.02])

    assert progress.diverged.tolist() == [False, True, False]
    for member in (0, 2):
        assert progress.curves[member] == alone.curves[member]
        assert torch.equal(progress.best_parameters[member], alone.best_parameters[member])
        assert torch.equal(network.parameters[member], network_alone.parameters[member])


def test_best_parameters_of_a_diverged_member_are_finite() -> None:
    progress, _ = run([1e30])

    assert torch.isfinite(progress.best_parameters).all()


def test_curve_of_a_diverged_member_holds_finite_numbers_alone() -> None:
    progress, _ = run([math.inf, 0.01])

    assert all(math.isfinite(value) for curve in progress.curves for row in curve for value in row)
    assert len(progress.curves[0]) < len(progress.curves[1])


# --- members of one pack, each in its own way


MIXED = [
    Member(seed=3, rate=0.02, steps=30, n_train=60, schedule=Schedule()),
    Member(seed=1, rate=0.01, steps=90, n_train=40, schedule=Schedule("linear", warmup=0.2)),
    Member(seed=4, rate=0.03, steps=30, n_train=25, schedule=Schedule("constant"), decay=0.1),
    Member(seed=2, rate=0.02, steps=7, n_train=60, schedule=Schedule("linear")),
    Member(seed=0, rate=0.01, steps=64, n_train=10, schedule=Schedule("constant", warmup=0.5), decay=0.3),
]


def mixed(members: Sequence[Member], name: str = "mlp", at_once: int | None = None) -> tuple[Progress, StackedNetwork]:
    """Train members of a family, filled up with copies of the first to as many as it needs."""
    family: Family = load("families", name)
    input_shape = INPUTS if name == "mlp" else (1, 6, 6)
    network = family.stacked(input_shape, OUTPUTS, SHAPE, 1)
    members = [*members, *[members[0]] * (network.least_members - len(members))]
    network = family.stacked(input_shape, OUTPUTS, SHAPE, len(members))
    network.members_at_once = at_once or network.members_at_once
    for i, member in enumerate(members):
        generator = torch.Generator().manual_seed(member.seed)
        network.load(i, family.initial_state(input_shape, OUTPUTS, SHAPE, generator))
    inputs = torch.randn(90, *input_shape, generator=torch.Generator().manual_seed(0))
    labels = inputs.flatten(1)[:, :OUTPUTS].argmax(dim=1)
    progress = train(
        network,
        inputs=inputs[:60],
        labels=labels[:60],
        val_inputs=inputs[60:],
        val_labels=labels[60:],
        streams=[BatchStream(np.arange(m.n_train), 10, m.seed) for m in members],
        learning_rates=[m.rate for m in members],
        weight_decays=[m.decay for m in members],
        steps=[m.steps for m in members],
        schedules=[m.schedule for m in members],
    )
    return progress, network


@pytest.mark.parametrize("name", ["mlp", "cnn"])
@pytest.mark.parametrize("at_once", [64, 2], ids=["whole", "in parts"])
def test_members_that_differ_in_everything_are_as_if_alone(name: str, at_once: int) -> None:
    members = [*MIXED, *[replace(m, seed=m.seed + 10) for m in MIXED], *[replace(m, seed=m.seed + 20) for m in MIXED]]
    together, network = mixed(members, name, at_once)

    for i in range(len(MIXED)):
        alone, own = mixed([members[i]], name)

        assert together.curves[i] == alone.curves[0]
        assert together.best_step[i] == alone.best_step[0]
        assert torch.equal(together.best_parameters[i], alone.best_parameters[0])
        assert torch.equal(network.parameters[i], own.parameters[0])


def test_each_member_is_read_at_its_own_checkpoints() -> None:
    progress, _ = mixed(MIXED)

    for member, curve in zip(MIXED, progress.curves, strict=True):
        assert [step for step, _, _ in curve] == checkpoints(member.steps, 10, 30)


def test_only_members_that_are_due_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(network: StackedNetwork, *args: Any) -> tuple[torch.Tensor, torch.Tensor]:
        read.append(network.members)
        return errors_and_losses(network, *args)

    monkeypatch.setattr(stack, "errors_and_losses", counted)
    mixed(MIXED)

    assert sum(read) == sum(len(checkpoints(member.steps, 10, 30)) for member in MIXED)
    assert min(read) < len(MIXED)


@pytest.mark.parametrize("member", MIXED, ids=lambda m: f"{m.schedule.form}-{m.schedule.warmup:g}")
def test_schedule_and_decay_are_those_of_a_plain_loop(member: Member) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        _, network = mixed([MIXED[1], member])
        plain = FAMILY.network(INPUTS, OUTPUTS, SHAPE)
        state = FAMILY.initial_state(INPUTS, OUTPUTS, SHAPE, torch.Generator().manual_seed(member.seed))
        plain.load_state_dict(state)
        inputs = torch.randn(90, *INPUTS, generator=torch.Generator().manual_seed(0))
        labels = inputs[:, :OUTPUTS].argmax(dim=1)
        optimiser = torch.optim.AdamW(plain.parameters(), lr=member.rate, weight_decay=member.decay)
        rows = torch.from_numpy(BatchStream(np.arange(member.n_train), 10, member.seed).take(member.steps))
        for batch, share in zip(rows, member.schedule.shares(member.steps).tolist(), strict=True):
            optimiser.param_groups[0]["lr"] = member.rate * share
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(plain(inputs[batch]), labels[batch]).backward()
            optimiser.step()
    finally:
        torch.set_default_dtype(before)
    found = network.state(1, state)

    for name, tensor in plain.state_dict().items():
        assert torch.allclose(found[name], tensor, rtol=1e-9, atol=1e-9), name


def test_steps_are_drawn_in_pieces_without_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    _, at_once = mixed(MIXED)
    monkeypatch.setattr(stack, "ROWS_AHEAD", 150)
    _, in_pieces = mixed(MIXED)

    assert torch.equal(at_once.parameters, in_pieces.parameters)


# --- another device


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_members_train_on_cuda_as_on_the_processor(name: str) -> None:
    family: Family = load("families", name)
    input_shape = INPUTS if name == "mlp" else (1, 6, 6)
    one = family.stacked(input_shape, OUTPUTS, SHAPE, 8)
    for member in range(8):
        one.load(member, family.initial_state(input_shape, OUTPUTS, SHAPE, torch.Generator().manual_seed(member)))
    found = {}
    for device in ("cpu", "cuda"):
        network = one.over(one.parameters.to(device, torch.float64))
        inputs = torch.randn(60, *input_shape, generator=torch.Generator().manual_seed(0)).to(device, torch.float64)
        labels = inputs.flatten(1)[:, :OUTPUTS].argmax(dim=1)
        train(
            network,
            inputs=inputs,
            labels=labels,
            val_inputs=inputs,
            val_labels=labels,
            streams=[BatchStream(np.arange(60), 10, seed) for seed in range(8)],
            learning_rates=[0.01] * 8,
            weight_decays=[0.1] * 8,
            steps=[20, 9] * 4,
        )
        found[device] = network.parameters.cpu()

    assert torch.allclose(found["cpu"], found["cuda"], rtol=1e-6, atol=1e-6)
