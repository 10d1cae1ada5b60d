import warnings

import numpy as np
import pytest

from harness.baselines import linear, neighbours, trees
from harness.baselines.base import DRAWN, capped, is_regression, is_symbols, n_classes
from harness.baselines.constants import fit_mean
from harness.baselines.linear import fit_character_runs, fit_linear
from harness.baselines.neighbours import fit_nearest_neighbour, fit_nearest_neighbours
from harness.baselines.trees import fit_boosted_trees
from harness.datasets.base import Split

RNG = np.random.default_rng(0)


def symbols(n, seed=0):
    """The class is the second of four symbols."""
    inputs = np.random.default_rng(seed).integers(5, size=(n, 4)).astype(np.uint8)
    return Split(inputs, inputs[:, 1].astype(np.int64))


def targets(n, seed=0):
    """A line of two numbers and a little noise."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((n, 2)).astype(np.float32)
    return Split(inputs, (inputs @ [0.6, -0.8] + 0.01 * rng.standard_normal(n)).astype(np.float32))


def classes(n, seed=0):
    """Two features, the class is the sign of the first."""
    inputs = np.random.default_rng(seed).standard_normal((n, 2)).astype(np.float32)
    return Split(inputs, (inputs[:, 0] > 0).astype(np.int64))


def test_kinds_are_told_by_their_types():
    assert [is_symbols(split) for split in (symbols(9), targets(9), classes(9))] == [True, False, False]
    assert [is_regression(split) for split in (symbols(9), targets(9), classes(9))] == [False, True, False]
    assert [n_classes(split) for split in (symbols(99), targets(9), classes(99))] == [5, 1, 2]


def test_a_set_below_the_cap_is_seen_whole():
    train = classes(10)

    assert capped(train, 10) is train
    assert capped(train, 3, fewest=10) is train


def test_the_part_that_is_seen_is_the_same_each_time_and_holds_pairs_as_they_were():
    train = targets(1_000)
    part = capped(train, 100)
    rows = [np.flatnonzero((train.inputs == row).all(axis=1))[0] for row in part.inputs]

    assert len(part) == 100
    assert np.array_equal(train.labels[rows], part.labels)
    assert np.all(np.diff(rows) > 0)
    assert np.array_equal(part.inputs, capped(train, 100).inputs)


def test_a_part_has_every_class_and_is_else_as_it_was_drawn():
    drawn = np.random.default_rng(DRAWN).permutation(1_000)
    inputs, labels = np.arange(1_000, dtype=np.float32)[:, np.newaxis], np.zeros(1_000, dtype=np.int64)
    plain = capped(Split(inputs, labels), 100)
    labels[drawn[[500, 700, 3]]] = 1, 2, 3
    part = capped(Split(inputs, labels), 100)

    assert set(plain.inputs[:, 0]) == set(drawn[:100])
    assert set(part.inputs[:, 0]) == {*drawn[:98], *drawn[[500, 700]]}
    assert len(capped(Split(inputs, labels), 2)) == 2


@pytest.mark.parametrize("fit", [fit_linear, fit_boosted_trees, fit_character_runs])
def test_symbols_that_decide_are_found(fit):
    fitted = fit(symbols(2_000), symbols(200, seed=1))
    right = fitted.outcomes(symbols(500, seed=2))

    assert right.dtype == bool
    # where a symbol stands is lost in runs of characters
    assert right.mean() > (0.3 if fit is fit_character_runs else 0.99)


def test_runs_of_characters_find_a_run_wherever_it_is():
    def with_run(n, seed):
        inputs = np.random.default_rng(seed).integers(1, 9, size=(n, 12)).astype(np.uint8)
        labels = np.arange(n, dtype=np.int64) % 2
        for row in range(n):
            at = row % 10
            inputs[row, at : at + 3] = (0, 1, 2) if labels[row] else (2, 1, 0)
        return Split(inputs, labels)

    fitted = fit_character_runs(with_run(600, 0), with_run(100, 1))

    assert fitted.outcomes(with_run(200, 2)).mean() > 0.97
    assert fitted.n_bytes == 4 * (2**16 + 1)


def test_a_linear_model_of_symbols_costs_an_addition_a_place_and_class():
    fitted = fit_linear(symbols(500), symbols(100, seed=1))

    assert fitted.flops == 4 * 5
    assert fitted.n_bytes == 4 * (4 * 5 * 5 + 5)


def test_a_symbol_that_train_never_had_counts_for_nothing():
    train = symbols(500)
    fitted = fit_linear(train, symbols(100, seed=1))
    strange = train.inputs.copy()
    strange[:, 0] = 200

    assert np.mean(fitted.predict(strange) == train.labels) > 0.99


@pytest.mark.parametrize(
    ("fit", "most"),
    [(fit_mean, 1.2), (fit_linear, 2e-4), (fit_nearest_neighbour, 0.02), (fit_nearest_neighbours, 0.01),
     (fit_boosted_trees, 0.02)],
)  # fmt: skip
def test_targets_are_met_as_well_as_a_method_can(fit, most):
    fitted = fit(targets(2_000), targets(300, seed=1))
    errors = fitted.outcomes(targets(500, seed=2))

    assert errors.dtype == np.float64
    assert errors.shape == (500,)
    assert errors.mean() < most


def test_the_mean_is_off_by_the_variance_of_targets():
    test = targets(500, seed=2)
    errors = fit_mean(targets(2_000), test).outcomes(test)

    assert errors.mean() == pytest.approx(test.labels.var(), rel=0.05)


def test_ridge_costs_one_weight_a_feature():
    fitted = fit_linear(targets(100), targets(50, seed=1))

    assert (fitted.n_bytes, fitted.flops) == (4 * 3, 4.0)


def test_a_set_above_the_cap_is_seen_in_part(monkeypatch):
    train, val = classes(1_000), classes(100, seed=1)
    monkeypatch.setattr(neighbours, "MOST_NUMBERS", 400)
    monkeypatch.setattr(trees, "MOST_NUMBERS", 400)
    monkeypatch.setattr(linear, "MOST_PRODUCTS", 400)
    monkeypatch.setattr(linear, "MOST_PRODUCTS_BRIEFLY", 800)
    fitted = fit_nearest_neighbours(train, val)

    assert fitted.n_bytes == 200 * (2 * 4 + 8)
    assert fit_boosted_trees(train, val).outcomes(val).mean() > 0.9
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # fits that are meant to stop early do not warn
        assert fit_linear(train, val).outcomes(val).mean() > 0.9
