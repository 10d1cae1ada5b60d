"""The contract of `harness/tasks`, for every file there."""

import math

import numpy as np
import pytest

from harness import plugins
from harness.baselines import METHODS
from harness.tasks.base import Task
from registry import schema
from registry.errors import UsageError

# Four data sets are files that have to be fetched: here they are small ones of the same form.
pytestmark = pytest.mark.usefixtures("small_pictures")


@pytest.fixture(params=plugins.names("tasks"))
def task(request):
    return plugins.load("tasks", request.param)


@pytest.fixture
def datasets(task):
    return [d for d in (plugins.load("datasets", name) for name in plugins.names("datasets")) if d.task == task.name]


def test_it_is_named_like_its_file(task):
    assert isinstance(task, Task)
    assert plugins.load("tasks", task.name) is task


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

        assert names[0] == "majority"
        assert set(names) <= set(METHODS)


@pytest.mark.parametrize("target", [0.5, 0.9, 0.95, 0.987, 0.9999])
def test_the_metric_of_the_error_of_a_target_is_the_target(task, target):
    assert task.metric_from_error(task.target_to_error(target)) == target


def test_a_harder_target_allows_less_error(task):
    better, worse = (0.99, 0.9) if task.metric.direction == "higher" else (0.9, 0.99)

    assert task.target_to_error(better) < task.target_to_error(worse)


def test_errors_are_one_a_seed_and_fall_as_more_is_right(task):
    correct = np.array([[False, False, False, False], [True, True, True, False], [True, True, True, True]])
    errors = task.error_from_outcomes(correct)

    assert errors.tolist() == [1.0, 0.25, 0.0]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_target_that_is_no_number_is_refused(task, value):
    with pytest.raises(UsageError):
        task.check_target(value)


accuracy_tasks = pytest.mark.parametrize("name", ["image-cls", "tabular-cls"])


@accuracy_tasks
def test_every_share_of_100_meets_itself_as_a_target_and_not_the_next(name):
    task = plugins.load("tasks", name)
    right = np.arange(100) < np.arange(1, 100)[:, np.newaxis]  # row k - 1 has k right
    errors = task.error_from_outcomes(right)
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
