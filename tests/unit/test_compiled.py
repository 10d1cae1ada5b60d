"""Compiled steps come to the eager ones' numbers, but for the last digits; without a compiler all is eager."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import jaxtyping
import numpy as np
import pytest
import torch

from harness import compiled
from harness.batches import BatchStream
from harness.compiled import can_compile
from harness.families.base import Family
from harness.plugins import load
from harness.schedule import Schedule
from harness.stack import Progress, train
from harness.trial import Shape

MEMBERS = 8
NO_COMPILER = shutil.which(os.environ.get("CXX", "g++")) is None


@pytest.fixture(autouse=True)
def unchecked() -> Iterator[None]:
    """Torch's compiler cannot follow the shape checks that tests add to every function."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(autouse=True)
def ask_anew() -> Iterator[None]:
    can_compile.cache_clear()
    yield
    can_compile.cache_clear()


def trained(name: str, input_shape: tuple[int, ...], *, compiled: bool, decay: float = 0.0) -> Progress:
    family: Family = load("families", name)
    shape = Shape(3, 1)
    network = family.stacked(input_shape, 3, shape, MEMBERS)
    for member in range(MEMBERS):
        network.load(member, family.initial_state(input_shape, 3, shape, torch.Generator().manual_seed(member)))
    inputs = torch.randn(60, *input_shape, generator=torch.Generator().manual_seed(0))
    labels = inputs.flatten(1)[:, :3].argmax(dim=1)
    return train(
        network,
        inputs=inputs,
        labels=labels,
        val_inputs=inputs,
        val_labels=labels,
        streams=[BatchStream(np.arange(60), 10, member) for member in range(MEMBERS)],
        learning_rates=[0.01 * (1 + member) for member in range(MEMBERS)],
        weight_decays=[decay] * MEMBERS,
        steps=[20, 5, 20, 33, 20, 5, 20, 33],
        schedules=[Schedule("linear", warmup=0.2), Schedule()] * (MEMBERS // 2),
        compiled=compiled,
    )


@pytest.mark.skipif(NO_COMPILER, reason="there is no C++ compiler here")
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")  # by torch itself
@pytest.mark.parametrize(("name", "input_shape", "decay"), [("mlp", (5,), 0.3), ("cnn", (2, 9, 6), 0.0)])
def test_compiled_members_come_to_what_eager_ones_do(name: str, input_shape: tuple[int, ...], decay: float) -> None:
    eager = trained(name, input_shape, compiled=False, decay=decay)
    found = trained(name, input_shape, compiled=True, decay=decay)

    assert not torch.equal(found.best_parameters, eager.best_parameters)  # it is another program
    assert torch.allclose(found.best_parameters, eager.best_parameters, atol=1e-4)
    assert torch.allclose(found.best_loss, eager.best_loss, atol=1e-5)
    assert [[step for step, _, _ in curve] for curve in found.curves] == [
        [step for step, _, _ in curve] for curve in eager.curves
    ]


def test_without_a_compiler_training_is_eager_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(compiled, "_compile", lambda _forward: pytest.fail("it compiled"))
    eager = trained("mlp", (5,), compiled=False)
    first, second = trained("mlp", (5,), compiled=True), trained("mlp", (5,), compiled=True)

    assert torch.equal(first.best_parameters, eager.best_parameters)
    assert torch.equal(second.best_parameters, eager.best_parameters)
    assert capsys.readouterr().err == (
        "no C++ compiler (no-such-compiler): training without compiling, which is slower\n"
    )
