"""Balanced accuracy: the same number as scikit-learn's, wherever it is computed."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import final

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from harness import plugins
from harness.baselines import run_baselines
from harness.datasets.base import Dataset, Split, Splits
from harness.metrics import class_sizes, fitting, gaps, scored
from harness.place import Place
from harness.space import space_of
from harness.stack import errors_and_losses
from harness.study import Study
from harness.train import packs, run_pack
from harness.trial import Shape, Trial
from registry.errors import UsageError
from registry.metrics import BALANCED, comes_with, family_of, folder_of
from registry.outcomes import balanced_accuracy, metric_of, unpack

TASK = scored("tabular-cls", BALANCED)
PLAIN = scored("tabular-cls")
TRIAL = Trial(
    "breast-cancer", "mlp", Shape(0, 0), 120, 3, learning_rate=0.02, weight_decay=0.0, steps=40, batch_size=32,
    phase="certify", tested=True,
)  # fmt: skip


def sklearns(labels: np.ndarray, predicted: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a class that nobody has was predicted
        return float(balanced_accuracy_score(labels, predicted))


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions of up to 6 classes, of which some may have no example."""
    n_classes = draw(st.integers(2, 6))
    one = st.integers(0, n_classes - 1)
    labels = draw(st.lists(one, min_size=1, max_size=60))
    predicted = draw(st.lists(one, min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(predicted)


@settings(deadline=None)
@given(answers())
def test_it_is_scikit_learns_from_outcomes_weights_and_the_packed_record(
    both: tuple[np.ndarray, np.ndarray],
) -> None:
    labels, predicted = both
    right, wanted = (labels == predicted)[np.newaxis], sklearns(*both)
    weights = TASK.weights(labels)
    [row] = unpack(TASK.encode(right, labels), 1, len(labels), BALANCED)
    [error] = TASK.error_from_outcomes(right, labels)

    assert weights is not None
    assert weights.sum() == pytest.approx(1)
    assert (weights * right).sum() == pytest.approx(wanted)
    assert error == pytest.approx(1 - wanted)
    assert metric_of(row, len(labels), BALANCED, class_sizes(labels, 9)) == pytest.approx(wanted)
    assert metric_of(row, len(labels), BALANCED, class_sizes(labels)) == TASK.metric_from_error(float(error))
    assert np.array_equal(TASK.decode(TASK.encode(right, labels), labels), right)


@pytest.mark.parametrize("n_classes", [2, 3, 7, 10])
@pytest.mark.parametrize("size", [20, 100, 40_000])
def test_a_share_that_every_class_has_meets_itself_as_a_target_and_not_the_next(n_classes: int, size: int) -> None:
    """And so where one class is as much above it as another is below."""
    step = size // 20
    errors = [1 - balanced_accuracy([k * step] * n_classes, [size] * n_classes) for k in range(21)]
    uneven = [balanced_accuracy([(k - 1) * step, (k + 1) * 2 * step], [size, 2 * size]) for k in range(1, 20)]
    targets = [round(k / 20, 2) for k in range(1, 20)]
    allowed = [TASK.target_to_error(target) for target in targets]

    assert all(round(error, 12) <= most for error, most in zip(errors[1:], allowed, strict=False))
    assert not any(round(error, 12) <= most for error, most in zip(errors, allowed, strict=False))
    assert uneven == targets


def test_rare_items_weigh_as_much_as_frequent_ones() -> None:
    labels = np.array([0] * 9 + [1])
    right = np.array([[True] * 9 + [False], [False] * 9 + [True], [True] * 10])

    assert TASK.error_from_outcomes(right, labels).tolist() == [0.5, 0.5, 0.0]
    assert PLAIN.error_from_outcomes(right, labels).tolist() == [0.1, 0.9, 0.0]


def test_items_are_as_many_as_even_classes_would_need() -> None:
    even, skewed = np.repeat([0, 1], 50), np.repeat([0, 1], [95, 5])

    assert TASK.n_items(even) == PLAIN.n_items(even) == 100
    assert TASK.n_items(skewed) == round(4 / (1 / 95 + 1 / 5))
    assert PLAIN.n_items(skewed) == 100


def test_the_space_counts_them_so_and_answers_one_class_by_chance() -> None:
    data, family = plugins.load("datasets", "breast-cancer"), plugins.load("families", "mlp")
    space = space_of(TASK, data, family)

    assert space.n_test == TASK.n_items(data.test().labels) < len(data.test())
    assert space.chance_error == 0.5
    assert TASK.chance(data) == 0.5


def test_methods_without_a_network_are_scored_by_it() -> None:
    data = plugins.load("datasets", "breast-cancer")
    [majority, linear] = run_baselines(TASK, data, ("majority", "linear"))
    [_, plain] = run_baselines(PLAIN, data, ("majority", "linear"))

    assert majority["metric"] == TASK.chance(data)
    assert 0.5 < linear["metric"] < 1
    assert linear["metric"] != plain["metric"]


def test_a_run_keeps_the_checkpoint_that_is_best_by_it_and_is_tested_by_it() -> None:
    """The weights of a run that both metrics keep at the same step are the same, and so are its answers."""
    plain, balanced = run_pack([TRIAL]) + run_pack([replace(TRIAL, metric=BALANCED)])
    test = plugins.load("datasets", "breast-cancer").test()
    right = TASK.decode(balanced.test_outcomes, test.labels)

    assert balanced.test_error == TASK.error_from_outcomes(right, test.labels)[0]
    assert min(point[1] for point in balanced.curve) == pytest.approx(balanced.val_error, abs=1e-6)
    assert [point[2] for point in balanced.curve] == [point[2] for point in plain.curve]  # what is minimised is as ever
    assert [point[1] for point in balanced.curve] != [point[1] for point in plain.curve]
    if balanced.best_step == plain.best_step:
        assert np.array_equal(right, PLAIN.decode(plain.test_outcomes, test.labels))


def test_runs_by_different_metrics_are_of_different_packs() -> None:
    assert len(packs([TRIAL, replace(TRIAL, metric=BALANCED), replace(TRIAL, seed=4)])) == 2


def test_a_wrong_metric_is_refused_with_those_that_fit() -> None:
    with pytest.raises(UsageError) as caught:
        scored("tabular-cls", "r2")

    assert caught.value.message == "task tabular-cls is scored by accuracy or balanced-accuracy, not by r2"
    assert caught.value.hint == "use --target accuracy=VALUE or --target balanced-accuracy=VALUE"


@pytest.mark.parametrize("name", plugins.names("tasks"))
def test_it_fits_the_tasks_of_classes(name: str) -> None:
    assert (BALANCED in fitting(name)) == name.endswith("-cls")
    assert scored(name) is plugins.load("tasks", name)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (85.0, "target balanced-accuracy 85 is not a fraction in (0, 1); did you mean 0.85?"),
        (1.0, "target balanced-accuracy 1 is not a fraction in (0, 1)"),
    ],
)
def test_an_impossible_target_is_refused(value: float, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        TASK.check_target(value)

    assert caught.value.message == message


def test_accuracy_keeps_its_configuration_and_another_metric_has_a_place_of_its_own(tmp_path: object) -> None:
    plain = Study("tabular-cls", "wine", "mlp", (0.9,))
    balanced = replace(plain, metric=BALANCED)

    assert list(plain.configuration()) == [
        "protocol", "task", "dataset", "dataset_sha256", "family", "search", "seed", "batch_size",
    ]  # fmt: skip
    assert balanced.configuration() == {**plain.configuration(), "metric": BALANCED}
    assert Place.of(plain, tmp_path, resume=False).folder != Place.of(balanced, tmp_path, resume=False).folder


@pytest.mark.parametrize(
    ("family", "metric", "folder"),
    [("mlp", "accuracy", "mlp"), ("mlp", BALANCED, "mlp-balanced-accuracy"), ("gru", "bits-per-byte", "gru")],
)
def test_a_record_by_another_metric_stands_beside(family: str, metric: str, folder: str) -> None:
    assert folder_of(family, metric) == folder
    assert family_of(folder, metric) == family


def test_right_and_wrong_answers_give_both_metrics_of_classes() -> None:
    assert comes_with(BALANCED, ["accuracy"])
    assert comes_with("accuracy", [BALANCED, "f1"])
    assert not comes_with(BALANCED, ["r2"])
    assert not comes_with("f1", ["accuracy"])


@final
class Gappy(Dataset):
    """Three classes, one of which test does not have."""

    name, task, source, licence = "gappy", "tabular-cls", "invented", "CC0-1.0"
    group, input_shape, n_classes = None, (1,), 3

    def load(self) -> Splits:
        def split(*labels: int) -> Split:
            return Split(np.zeros((len(labels), 1), np.float32), np.array(labels))

        return Splits(split(0, 1, 2), split(0, 1, 2), split(0, 0, 1))


def test_a_class_that_test_lacks_is_left_out_and_that_is_said() -> None:
    right = np.array([[True, False, True]])

    assert TASK.error_from_outcomes(right, Gappy().test().labels).tolist() == [0.25]
    assert gaps(Gappy()) == [
        "test has no example of 1 of 3 classes: balanced accuracy there is the mean over the others"
    ]
    assert TASK.chance(Gappy()) == 0.5


def test_validation_reads_the_same_error_in_whatever_order_it_is_added_up() -> None:
    network = plugins.load("families", "mlp").stacked((5,), 3, Shape(4, 1), 2)
    generator = torch.Generator().manual_seed(0)
    network = network.over(torch.randn(network.parameters.shape, generator=generator))
    inputs, labels = torch.randn(70, 5, generator=generator), torch.arange(70) ** 2 % 7 % 3
    weights = torch.tensor(TASK.weights(labels.numpy()))
    outputs = torch.cat(list(network.outputs(inputs)), dim=1).numpy()
    found = set()
    for _ in range(10):
        order = torch.randperm(70, generator=generator)
        errors, _ = errors_and_losses(network, inputs[order], labels[order], weights[order])
        found.add(tuple(errors.tolist()))

    assert found == {tuple(TASK.error_from_outcomes(TASK.outcomes(outputs, labels.numpy()), labels.numpy()).tolist())}


@pytest.mark.parametrize(("dataset", "family"), [("digits", "mlp"), ("digits", "cnn"), ("wine", "residual-mlp")])
def test_every_task_of_classes_trains_and_tests_by_it(dataset: str, family: str) -> None:
    data = plugins.load("datasets", dataset)
    trial = replace(TRIAL, dataset=dataset, family=family, shape=Shape(2, 1, 8 if data.resolutions else None), steps=4)
    [outcome] = run_pack([replace(trial, n_train=64, metric=BALANCED)])
    task, labels = scored(data.task, BALANCED), data.test().labels

    assert outcome.test_error == task.error_from_outcomes(task.decode(outcome.test_outcomes, labels), labels)[0]
    assert outcome.val_error == round(outcome.val_error, 12) <= 1
