"""The contract of `harness/tasks`, for every file there."""

import math

import numpy as np
import pytest
import torch

from harness import plugins
from harness.baselines import METHODS
from harness.loss import mean_loss, on_each
from harness.metrics import fitting, scored
from harness.tasks.base import Task
from registry import schema
from registry.errors import UsageError
from registry.outcomes import losses, metric_of, unpack

# Four data sets are files that have to be fetched: here they are small ones of the same form.
pytestmark = pytest.mark.usefixtures("small_pictures")


@pytest.fixture(params=[(name, metric) for name in plugins.names("tasks") for metric in fitting(name)], ids="-".join)
def task(request):
    return scored(*request.param)


@pytest.fixture
def datasets(task):
    return [d for d in (plugins.load("datasets", name) for name in plugins.names("datasets")) if d.task == task.name]


def test_it_is_named_like_its_file(task):
    assert isinstance(task, Task)
    assert plugins.load("tasks", task.name).name == task.name
    assert scored(task.name, task.metric.name).metric == task.metric


def test_it_has_a_data_set_and_a_family(task, datasets):
    families = [plugins.load("families", name) for name in plugins.names("families")]

    assert datasets
    assert any(d.task == task.name and f.takes(d) for f in families for d in datasets)


def test_its_metric_fits_the_record(task, datasets):
    for dataset in datasets:
        metric = schema.Metric(
            name=task.metric.name,
            unit=task.metric.unit,
            direction=task.metric.direction,
            chance=task.chance(dataset),
        )

        assert metric.name == task.metric.name


def test_its_baselines_exist_and_start_with_the_best_constant_answer(task, datasets):
    for dataset in datasets:
        names = task.baselines(dataset)

        assert names[0] in ("majority", "mean", "unigram")
        assert set(names) <= set(METHODS)


@pytest.mark.parametrize("target", [0.5, 0.9, 0.95, 0.987, 0.9999])
def test_the_metric_of_the_error_of_a_target_is_the_target(task, target):
    assert task.metric_from_error(task.target_to_error(target)) == target


def test_a_harder_target_allows_less_error(task):
    better, worse = (0.99, 0.9) if task.metric.direction == "higher" else (0.9, 0.99)

    assert task.target_to_error(better) < task.target_to_error(worse)


def test_errors_are_one_a_seed_and_fall_as_more_is_right(task):
    losses = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    labels = np.array([0, 1, 2, 3])  # one item a class: balanced accuracy is accuracy
    errors = task.error_from_outcomes(losses == 0 if is_right_or_wrong(task) else losses.astype(np.float16), labels)

    assert errors.tolist() == [1.0, 0.25, 0.0]


def test_an_error_is_a_number_however_far_off_an_answer_is(task):
    losses = np.array([[1e9, 0.0, 0.0, 0.0], [np.nan, 0.0, 0.0, 0.0]])
    [far, unknown] = task.error_from_outcomes(losses == 0 if is_right_or_wrong(task) else losses, np.arange(4))

    assert far == unknown < math.inf


def test_outcomes_are_kept_and_found_again(task):
    outputs, labels = some_outputs(task)
    outcomes = task.outcomes(outputs, labels)
    again = np.concatenate([task.decode(task.encode(row[np.newaxis], labels), labels) for row in outcomes])

    assert outcomes.shape == outputs.shape[:2]
    assert np.allclose(again, outcomes, rtol=1e-3)
    assert np.array_equal(again, outcomes) or not is_right_or_wrong(task)
    assert np.array_equal(task.error_from_outcomes(again, labels), task.error_from_outcomes(outcomes, labels))


def test_a_diverged_run_counts_with_the_worst_error(task):
    labels = some_outputs(task)[1]

    assert task.error_from_outcomes(task.decode(None, labels), labels).tolist() == [task.worst_error]


def test_outcomes_agree_with_what_training_reads(task):
    outputs, labels = some_outputs(task)
    errors, losses = on_each(torch.from_numpy(outputs), torch.from_numpy(labels))

    weights = task.weights(labels)
    read = errors.mean(dim=1) if weights is None else (errors * torch.from_numpy(weights)).sum(dim=1)

    assert np.allclose(task.error_from_outcomes(task.outcomes(outputs, labels), labels), read, rtol=2e-3)
    assert mean_loss(torch.from_numpy(outputs[1]), torch.from_numpy(labels)) == pytest.approx(float(losses[1].mean()))


def is_right_or_wrong(task):
    return task.metric.unit == "fraction"


def some_outputs(task):
    rng = np.random.default_rng(3)
    if task.name == "lang-model":
        return rng.standard_normal((2, 5, 4, 3)).astype(np.float32), rng.integers(0, 3, size=(5, 4))
    if task.name == "tabular-reg":
        return rng.standard_normal((2, 6, 1)).astype(np.float32), rng.standard_normal(6).astype(np.float32)
    return rng.standard_normal((2, 6, 3)).astype(np.float32), rng.integers(0, 3, size=6)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_target_that_is_no_number_is_refused(task, value):
    with pytest.raises(UsageError):
        task.check_target(value)


accuracy_tasks = pytest.mark.parametrize("name", ["image-cls", "tabular-cls", "text-cls"])


@accuracy_tasks
def test_every_share_of_100_meets_itself_as_a_target_and_not_the_next(name):
    task = plugins.load("tasks", name)
    right = np.arange(100) < np.arange(1, 100)[:, np.newaxis]  # row k - 1 has k right
    errors = task.error_from_outcomes(right, np.zeros(100, dtype=int))
    targets = [float(f"0.{k:02d}") for k in range(1, 100)]
    allowed = np.array([task.target_to_error(target) for target in targets])

    assert np.array_equal(errors[:, np.newaxis] <= allowed, np.tri(99, dtype=bool))
    assert [task.metric_from_error(float(error)) for error in errors] == targets


@accuracy_tasks
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (97.0, "target accuracy 97 is not a fraction in (0, 1); did you mean 0.97?"),
        (99.5, "target accuracy 99.5 is not a fraction in (0, 1); did you mean 0.995?"),
        (1.01, "target accuracy 1.01 is not a fraction in (0, 1)"),
        (1.0, "target accuracy 1 is not a fraction in (0, 1)"),
        (0.0, "target accuracy 0 is not a fraction in (0, 1)"),
        (-0.5, "target accuracy -0.5 is not a fraction in (0, 1)"),
        (math.nan, "target accuracy nan is not a fraction in (0, 1)"),
        (math.inf, "target accuracy inf is not a fraction in (0, 1)"),
    ],
)
def test_an_impossible_accuracy_is_refused_in_one_line(name, value, message):
    with pytest.raises(UsageError) as caught:
        plugins.load("tasks", name).check_target(value)

    assert caught.value.message == message
    assert ("did you mean" in message) != bool(caught.value.hint)


@accuracy_tasks
@pytest.mark.parametrize("value", [0.01, 0.5, 0.95, 0.9999])
def test_a_possible_accuracy_passes(name, value):
    plugins.load("tasks", name).check_target(value)


@pytest.mark.parametrize(
    ("name", "majority", "of"), [("breast-cancer", 106, 169), ("digits", 60, 597), ("wine", 23, 58)]
)
def test_chance_is_the_share_in_test_of_the_class_most_frequent_in_train(name, majority, of):
    dataset = plugins.load("datasets", name)

    assert plugins.load("tasks", dataset.task).chance(dataset) == pytest.approx(majority / of, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("tabular-reg", 60.0, "target r2 60 is not between 0 and 1; did you mean 0.6?"),
        ("tabular-reg", 0.0, "target r2 0 is not between 0 and 1"),
        ("tabular-reg", 1.0, "target r2 1 is not between 0 and 1"),
        ("lang-model", 0.0, "target bits-per-byte 0 is not between 0 and 8"),
        ("lang-model", 9.5, "target bits-per-byte 9.5 is not between 0 and 8"),
    ],
)
def test_an_impossible_target_is_refused_in_one_line(name, value, message):
    with pytest.raises(UsageError) as caught:
        plugins.load("tasks", name).check_target(value)

    assert caught.value.message == message


def test_losses_too_large_for_what_keeps_them_stand_at_the_largest():
    task = plugins.load("tasks", "tabular-reg")
    outputs = np.array([[[1e6], [np.nan], [np.inf]]], dtype=np.float32)

    assert task.outcomes(outputs, np.zeros(3, dtype=np.float32)).tolist() == [[65504.0] * 3]


@pytest.mark.parametrize("n_items", [100, 101, 250, 2000])
def test_losses_of_many_items_are_kept_as_means_of_blocks(n_items):
    task = plugins.load("tasks", "tabular-reg")
    squares = np.random.default_rng(n_items).exponential(size=(2, n_items))
    labels = np.zeros(n_items, dtype=np.float32)
    text = task.encode(squares, labels)
    rows = unpack(text, 2, n_items, "r2")

    assert [len(losses(row)) for row in rows] == [100, 100]
    errors = task.error_from_outcomes(squares, labels)
    again = np.concatenate([task.decode(task.encode(row[np.newaxis], labels), labels) for row in squares])

    assert errors == pytest.approx(squares.mean(axis=1), rel=1e-3)
    assert [1 - metric_of(row, n_items, "r2") for row in rows] == pytest.approx(errors)
    assert task.encode(again, labels) == text
