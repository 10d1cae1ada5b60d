"""Descriptors of made-up data whose answers are known: dimension, balance, errors of probes."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from harness import plugins
from harness.like import descriptors
from harness.like.descriptors import Descriptors, balance, describe
from harness.like.dimension import intrinsic_dimension
from harness.like.ladder import KNEES, read_ladder
from harness.like.probes import MOST_ROWS, probe
from registry.errors import UsageError
from tests.like_data import DESCRIPTORS, MadeUp


def bent_plane(n: int, dimension: int, inputs: int = 20) -> np.ndarray:
    """Points of a cube, turned into so many inputs."""
    rng = np.random.default_rng(0)
    turned, _ = np.linalg.qr(rng.normal(size=(inputs, dimension)))
    return (rng.uniform(size=(n, dimension)) @ turned.T).astype(np.float32)


def squares(n: int = 1500) -> MadeUp:
    """A board of four fields: the class is whether the signs of two numbers agree, which no linear model sees."""
    inputs = np.random.default_rng(1).uniform(-1, 1, size=(n, 2)).astype(np.float32)
    return MadeUp(inputs, (inputs.prod(axis=1) > 0).astype(np.int64))


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_a_plane_in_twenty_dimensions_has_its_own(dimension: int) -> None:
    assert intrinsic_dimension(bent_plane(2000, dimension)) == pytest.approx(dimension, rel=0.12)


def test_the_dimension_does_not_hang_on_scale_or_on_points_that_stand_twice() -> None:
    points = bent_plane(500, 3)

    assert intrinsic_dimension(np.concatenate([8 * points, 8 * points])) == pytest.approx(intrinsic_dimension(points))


def test_few_points_and_points_of_a_grid_have_no_dimension() -> None:
    grid = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1).reshape(-1, 2).astype(np.float32)

    assert intrinsic_dimension(bent_plane(19, 2)) is None
    assert intrinsic_dimension(np.repeat(bent_plane(19, 2), 10, axis=0)) is None
    assert intrinsic_dimension(grid) is None


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([0, 1, 2, 3], 1.0), ([0, 0, 0, 1], (0.75 * math.log(4 / 3) + 0.25 * math.log(4)) / math.log(2)), ([1, 1], 0.0)],
)
def test_balance_is_the_entropy_of_shares(labels: list[int], expected: float) -> None:
    assert balance(np.array(labels), max(2, max(labels) + 1)) == pytest.approx(expected)


def test_a_class_that_never_occurs_counts_against_balance() -> None:
    assert balance(np.array([0, 1]), 4) == pytest.approx(0.5)


def test_a_linear_probe_fails_where_signs_must_agree_and_others_do_not() -> None:
    found = probe(squares(), 900)

    assert found.linear > 0.35
    assert found.neighbour < 0.1
    assert found.trees < 0.1
    assert (found.n_rows, found.n_val) == (900, 300)


def test_a_linear_probe_does_where_a_line_parts_the_classes() -> None:
    inputs = np.random.default_rng(0).normal(size=(1000, 30)).astype(np.float32)
    found = probe(MadeUp(inputs, (inputs[:, 0] > 0).astype(np.int64)), 600)

    assert found.linear < 0.1 < 0.3 < found.neighbour


def test_errors_of_targets_are_shares_of_their_variance() -> None:
    inputs = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    found = probe(MadeUp(inputs, 100 + 7 * inputs[:, 0], task="tabular-reg"), 600)

    assert found.linear < 0.001
    assert found.linear < found.trees < 0.2
    assert found.linear < found.neighbour < 0.6


def test_symbols_are_compared_as_symbols() -> None:
    symbols = np.random.default_rng(0).integers(9, size=(1500, 4)).astype(np.uint8)
    data = MadeUp(symbols, (symbols[:, 1] % 2).astype(np.int64), n_symbols=9)
    found = describe(data)

    assert (found.n_inputs, found.n_classes, found.intrinsic_dimension) == (36, 2, None)
    assert found.linear_error == 0
    assert found.tree_error < 0.05


def test_where_the_part_has_one_class_the_answer_is_that() -> None:
    inputs = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    labels = np.zeros(1000, dtype=np.int64)
    data = MadeUp(inputs, labels)
    data.n_classes = 2
    labels[data.subset(600, seed=0)[-1]], labels[600:610] = 1, 1  # of train the last that is drawn, of validation ten
    found = probe(data, 100)

    assert found[:3] == (0.05, 0.05, 0.05)


def test_probes_see_no_more_than_they_are_allowed() -> None:
    inputs = np.random.default_rng(0).normal(size=(10_000, 2)).astype(np.float32)

    assert probe(MadeUp(inputs, (inputs[:, 0] > 0).astype(np.int64)), 6000).n_rows == MOST_ROWS
    assert probe(squares(), 100).n_rows == 100


def test_data_may_have_more_classes_than_points_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "MOST_POINTS", 5)
    described = describe(plugins.load("datasets", "digits"))

    assert described.n_classes == 10
    assert described.intrinsic_dimension is None  # of fewer than 20 points


def test_the_test_split_is_not_read() -> None:
    data = squares(300)
    before = describe(data)
    data.blank_test()

    assert (data.test().inputs == 0).all()
    assert describe(data) == before


def test_text_without_labels_has_other_descriptors() -> None:
    windows = np.zeros((100, 8), dtype=np.uint8)
    data = MadeUp(windows, windows.astype(np.int64), n_symbols=9, task="lang-model", per_position=True)

    with pytest.raises(UsageError, match=r"lang-model has no such descriptors"):
        describe(data)


def test_data_of_another_task_have_no_descriptors() -> None:
    data = MadeUp(np.zeros((100, 8), dtype=np.float32), np.arange(100) % 2, task="audio-cls")

    with pytest.raises(UsageError, match=r"audio-cls has no such descriptors"):
        describe(data)


def test_descriptors_survive_json() -> None:
    assert Descriptors.from_json(json.loads(json.dumps(DESCRIPTORS.to_json())), "d") == DESCRIPTORS


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_train": 0}, "d.n_train is 0"),
        ({"modality": "sound"}, "d.modality is"),
        ({"linear_error": None}, "d.linear_error is null"),
        ({"balance": None}, "d.balance is null, expected a number where there are classes"),
        ({"hue": 1}, "d.hue is unknown"),
    ],
)
def test_damaged_descriptors_are_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Descriptors.from_json({**DESCRIPTORS.to_json(), **changed}, "d")


def test_committed_descriptors_come_out_again() -> None:
    committed = read_ladder(KNEES / "digits.csv").descriptors.to_json()
    again = describe(plugins.load("datasets", "digits")).to_json()

    # trees and linear models may differ by an answer from one version of scikit-learn to the next
    assert again.pop("linear_error") == pytest.approx(committed.pop("linear_error"), abs=0.011)
    assert again.pop("tree_error") == pytest.approx(committed.pop("tree_error"), abs=0.021)
    again["intrinsic_dimension"] = pytest.approx(again["intrinsic_dimension"], rel=1e-4)
    assert again == committed
