import numpy as np
import pytest
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

from harness import baselines, plugins
from harness.baselines import run_baselines
from harness.baselines.neighbours import fit_nearest_neighbours
from harness.baselines.trees import fit_boosted_trees
from harness.datasets.base import Dataset, Split, Splits
from harness.own.fetched import FetchedTable
from harness.pictures.fetched import Fetched
from registry import schema
from registry.errors import UnknownName


def run(name):
    dataset = plugins.load("datasets", name)
    rows = run_baselines(plugins.load("tasks", dataset.task), dataset)
    return {row["name"]: row for row in rows}


def says_something_soon(name):
    """Whether methods can be compared on it here: no stand-in for what is fetched, and no large set."""
    dataset = plugins.load("datasets", name)
    if isinstance(dataset, Fetched | FetchedTable) or dataset.symbols or dataset.task not in plugins.names("tasks"):
        return False
    return len(dataset.train()) <= 10_000


WITH_THE_PACKAGE = [name for name in plugins.names("datasets") if says_something_soon(name)]


@pytest.fixture(scope="module", params=WITH_THE_PACKAGE)
def name_and_rows(request):
    return request.param, run(request.param)


def test_every_baseline_fits_the_record(name_and_rows):
    _, rows = name_and_rows

    assert [schema.Baseline(**row).name for row in rows.values()] == list(rows)


def test_the_constant_answer_comes_first_and_scores_chance(name_and_rows):
    name, rows = name_and_rows
    dataset = plugins.load("datasets", name)
    constant = next(iter(rows.values()))

    assert constant["metric"] == pytest.approx(plugins.load("tasks", dataset.task).chance(dataset), abs=1e-6)


def test_every_method_that_looks_beats_the_constant_answer(name_and_rows):
    name, rows = name_and_rows
    constant, *others = (row["metric"] for row in rows.values())

    # one neighbour alone repeats the noise of its target, which is large in diabetes
    losers = [other for other in others if other <= constant]
    assert len(losers) == (1 if name == "diabetes" else 0)


def test_a_second_run_gives_the_same_rows():
    assert run("wine") == run("wine")


def test_costs_on_digits_equal_the_hand_count():
    rows = run("digits")

    assert (rows["majority"]["bytes"], rows["majority"]["flops"]) == (8, 0)
    assert (rows["linear"]["bytes"], rows["linear"]["flops"]) == (4 * (64 * 10 + 10), 2 * 64 * 10)
    assert rows["1-nearest-neighbour"]["bytes"] == 1000 * (64 * 4 + 8)
    assert rows["1-nearest-neighbour"]["flops"] == 3 * 1000 * 64


def test_two_classes_need_one_linear_output():
    linear = run("breast-cancer")["linear"]

    assert (linear["bytes"], linear["flops"]) == (4 * (30 + 1), 2 * 30)


def test_the_nearest_neighbour_on_digits_equals_a_search_by_hand():
    dataset = plugins.load("datasets", "digits")
    train, test = (
        split.inputs.reshape(len(split), -1).astype(np.float64) for split in (dataset.train(), dataset.test())
    )
    distances = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)
    nearest = dataset.train().labels[distances.argmin(axis=1)]

    assert run("digits")["1-nearest-neighbour"]["metric"] == pytest.approx(
        np.mean(nearest == dataset.test().labels), abs=1e-12
    )


class OneCut(Dataset):
    """One feature, the class is its sign; alike in all three splits."""

    name, task, source, licence, group = "one-cut", "tabular-cls", "made here", "CC0-1.0", None
    input_shape, n_classes = (1,), 2

    def load(self):
        values = np.linspace(-1, 1, 100, dtype=np.float32)[:, np.newaxis]
        split = Split(values, (values[:, 0] > 0).astype(np.int64))
        return Splits(split, split, split)


def test_trees_of_one_cut_take_three_nodes():
    data = OneCut()
    fitted = fit_boosted_trees(data.train(), data.val())

    assert fitted.n_bytes == 3 * PREDICTOR_RECORD_DTYPE.itemsize
    assert np.array_equal(fitted.predict(data.test().inputs), data.test().labels)


def test_the_number_of_neighbours_is_chosen_on_validation():
    # One label of train in five is wrong: one neighbour repeats the mistake, three outvote it.
    positions = np.arange(60, dtype=np.float32)[:, np.newaxis]
    truth = (positions[:, 0] >= 30).astype(np.int64)
    noisy = np.where(np.arange(60) % 5 == 2, 1 - truth, truth)
    train, val = Split(positions, noisy), Split(positions, truth)
    fitted = fit_nearest_neighbours(train, val)

    assert np.mean(fitted.predict(val.inputs) == val.labels) > np.mean(noisy == truth)


def test_an_unknown_baseline_is_refused(monkeypatch):
    task = plugins.load("tasks", "tabular-cls")
    monkeypatch.delitem(baselines.METHODS, "linear")

    with pytest.raises(UnknownName, match="unknown baseline 'linear'"):
        run_baselines(task, OneCut())


def test_test_is_read_once_a_method_and_only_after_it_is_fitted(monkeypatch):
    events = []
    dataset = plugins.load("datasets", "wine")
    task = plugins.load("tasks", "tabular-cls")

    def watched_test(self):
        events.append("test")
        return self._splits.test

    monkeypatch.setattr(Dataset, "test", watched_test)

    def watch(name, fit):
        def watched(train, val):
            fitted = fit(train, val)
            events.append(name)
            return fitted

        return watched

    for name, fit in list(baselines.METHODS.items()):
        monkeypatch.setitem(baselines.METHODS, name, watch(name, fit))
    run_baselines(task, dataset)

    assert events == [event for name in task.baselines(dataset) for event in (name, "test")]
