"""muP's rule: which layers' rates fall with width, and that training heeds it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from harness import plugins
from harness.adam import Adam
from harness.compare.rates import RATES, SEEDS, best_rate, lowest, moves
from harness.rates import maximal_update
from harness.trial import Shape


def network(family: str, width: int) -> nn.Module:
    shapes = {"mlp": (12,), "cnn": (1, 8, 8), "ngram-mlp": (20, 9), "gru": (20, 9)}
    built: nn.Module = plugins.load("families", family).network(shapes[family], 5, Shape(width, 2))
    return built


@pytest.mark.parametrize(
    ("family", "scaled"),
    [
        ("mlp", {"layers.1.weight", "layers.2.weight"}),
        ("gru", None),
    ],
)
def test_rates_of_layers_that_read_hidden_units_fall_as_one_over_width(family: str, scaled: set[str] | None) -> None:
    found = maximal_update(network(family, 64), 64)

    assert set(found.values()) == {0.5}
    if scaled is not None:
        assert set(found) == scaled
    assert not any(name.endswith("bias") or "embedding" in name for name in found)


def test_at_the_base_width_nothing_changes() -> None:
    assert set(maximal_update(network("mlp", 32), 32).values()) == {1.0}


def test_adam_multiplies_each_rate() -> None:
    plain, scaled = torch.ones(2, 3), torch.ones(2, 3)
    scales = torch.tensor([[1.0, 0.5, 0.0], [2.0, 1.0, 1.0]])
    gradient, rate = torch.full((2, 3), 0.3), torch.full((2, 1), 0.1)
    Adam(plain).step(gradient, 1, rate, None)
    Adam(scaled, scales).step(gradient, 1, rate, None)

    assert torch.allclose(1 - scaled, (1 - plain) * scales)


def test_the_best_rate_lies_between_those_tried() -> None:
    logs = np.log2(np.array(RATES) / RATES[4])

    assert lowest(np.exp(0.1 * (logs - 0.3) ** 2)) == pytest.approx(RATES[4] * 2**0.3)
    assert lowest(np.linspace(1, 2, len(RATES))) == RATES[0]


def test_the_rule_changes_what_training_finds() -> None:
    data, family = plugins.load("datasets", "wine"), plugins.load("families", "mlp")
    rows = [best_rate(data, family, Shape(64, 2), 64, rule) for rule in ("none", "mup")]

    assert rows[0].errors != rows[1].errors
    assert len(rows[0].errors) == len(RATES)
    assert moves(rows) >= 1
    assert SEEDS == 3
