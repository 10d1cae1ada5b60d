"""Rules over width, muP's above all: what they scale, what that does to logits, and how far a best rate moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from harness import plugins
from harness.adam import Adam
from harness.batches import BatchStream
from harness.compare import rates as compared
from harness.compare.rates import COMMAND, RATES, Row, at_start, best_rate, described, interval, lowest, moves
from harness.rates import RULES, Factors, factors
from harness.schedule import Schedule
from harness.stack import train
from harness.trial import Shape
from registry.errors import UsageError

STILL = tuple((1 + abs(octave - 4), 2 + abs(octave - 4)) for octave in range(len(RATES)))  # two seeds, one best rate


def of(rule: str, family: str, width: int) -> Factors:
    shapes = {"mlp": (12,), "cnn": (1, 8, 8), "ngram-mlp": (20, 9), "gru": (20, 9)}
    chosen = plugins.load("families", family)
    network: nn.Module = chosen.network(shapes[family], 5, Shape(width, 2))
    return factors(RULES[rule], network, chosen.head(network), width)


def change_of_logits(rule: str, width: int, depth: int) -> float:
    """Return by how much logits change over 4 steps of a constant rate, on average over examples and 4 seeds."""
    data, seeds = plugins.load("datasets", "wine"), range(4)
    network, scales = at_start(data, plugins.load("families", "mlp"), Shape(width, depth), rule, seeds)
    inputs, labels = torch.tensor(data.train().inputs), torch.tensor(data.train().labels)
    before = torch.cat([*network.outputs(inputs)])
    train(
        network,
        inputs=inputs,
        labels=labels,
        val_inputs=inputs[:1],
        val_labels=labels[:1],
        streams=[BatchStream(data.subset(len(labels), seed), 32, seed) for seed in seeds],
        learning_rates=[0.001] * len(seeds),
        weight_decays=[0.0] * len(seeds),
        steps=4,
        schedules=Schedule("constant"),
        scales=scales,
    )
    return float((torch.cat([*network.outputs(inputs)]) - before).abs().mean())


@pytest.mark.parametrize(
    ("family", "scaled"),
    [
        ("mlp", {"layers.1.weight", "layers.2.weight"}),
        ("gru", None),
    ],
)
def test_rates_of_layers_that_read_hidden_units_fall_as_one_over_width(family: str, scaled: set[str] | None) -> None:
    found = of("mup", family, 64).rates

    assert set(found.values()) == {0.5}
    if scaled is not None:
        assert set(found) == scaled
    assert not any(name.endswith("bias") or "embedding" in name for name in found)


def test_initial_weights_of_the_last_layer_alone_fall_faster_than_lecuns() -> None:
    assert of("mup", "mlp", 128).weights == {"layers.2.weight": 0.5}
    assert of("mup", "gru", 128).weights == {"head.weight": 0.5}
    assert of("aligned", "mlp", 128).weights == {"layers.2.weight": 1.0}


@pytest.mark.parametrize("rule", RULES)
def test_at_the_base_width_nothing_changes(rule: str) -> None:
    found = of(rule, "mlp", 32)

    assert {*found.rates.values(), *found.weights.values()} == {1.0}


@pytest.mark.parametrize("depth", [1, 2])
def test_under_mup_a_step_changes_logits_alike_at_all_widths(depth: int) -> None:
    changes = [change_of_logits("mup", width, depth) for width in (32, 128, 512)]

    assert max(changes) / min(changes) < 1.2


@pytest.mark.parametrize(("rule", "least"), [("none", 5), ("aligned", 2), ("unaligned", 3)])
def test_without_its_rates_or_its_initial_weights_a_step_changes_wide_networks_more(rule: str, least: float) -> None:
    assert change_of_logits(rule, 512, 1) > least * change_of_logits(rule, 32, 1)


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
    assert lowest(np.abs(logs)) == RATES[4]  # the log of no error is not finite


def test_the_interval_is_as_wide_as_seeds_disagree() -> None:
    apart = tuple((1 + abs(octave - 3), 1 + abs(octave - 6)) for octave in range(len(RATES)))
    certain = interval([Row("none", 16, RATES[4], STILL), Row("none", 32, RATES[4], STILL)])
    unsure = interval([Row("none", 16, RATES[4], STILL), Row("none", 32, RATES[4], apart)])

    assert certain == pytest.approx((1, 1), abs=0.2)
    assert unsure[0] < 2.5
    assert unsure[1] > 3.5


def test_a_best_rate_at_the_end_of_those_tried_is_said_to_be() -> None:
    assert described(Row("mup", 16, RATES[4], STILL)) == "mup       width   16: best rate 0.0025, error 1.5000"
    assert "rate 0.1600, at the end of the rates tried, error" in described(Row("none", 256, RATES[-1], STILL))


def test_rules_change_what_training_finds() -> None:
    data, family = plugins.load("datasets", "wine"), plugins.load("families", "mlp")
    rows = [best_rate(data, family, Shape(64, 2), 64, rule, seeds=2) for rule in RULES]

    assert len({row.errors for row in rows}) == len(RULES)
    assert {(len(row.errors), len(row.errors[0])) for row in rows} == {(len(RATES), 2)}
    assert moves(rows) >= 1


ASKED = ("--dataset", "wine", "--steps", "64", "--seeds", "2", "--width", "4", "--width", "8")


def test_each_rule_asked_for_is_shown_with_an_interval() -> None:
    asked = [*ASKED, "--rule", "aligned", "--rule", "none", "--rule", "aligned"]
    shown = CliRunner().invoke(COMMAND, asked, catch_exceptions=False).stdout.splitlines()

    assert [line.split()[0] for line in shown] == ["aligned"] * 3 + ["none"] * 3
    assert "width    8: best rate " in shown[1]
    assert " moves by " in shown[2]
    assert "x (90 % " in shown[2]


def test_a_family_that_does_not_fit_is_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="family cnn does not fit tabular-cls on wine") as caught:
        CliRunner().invoke(COMMAND, [*ASKED, "--family", "cnn"], catch_exceptions=False)

    assert caught.value.hint == "those that fit: mlp, residual-mlp"


def test_rows_that_could_not_be_written_are_not_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compared, "best_rate", lambda *_: pytest.fail("it trains"))
    with pytest.raises(UsageError, match="is no folder"):
        CliRunner().invoke(COMMAND, [*ASKED, "--json", str(tmp_path / "none" / "rows.json")], catch_exceptions=False)
