from __future__ import annotations

import numpy as np
import pytest

from harness import plugins
from harness.known_regression import Friedman, KnownRegression
from registry.errors import UsageError

N = 200_000


@pytest.fixture(params=[(1, 1.0), (2, 125.0), (3, 0.1)], ids=["1", "2", "3"])
def problem(request: pytest.FixtureRequest) -> Friedman:
    return Friedman(*request.param)


def test_a_sample_is_inputs_and_one_number_each(problem: Friedman) -> None:
    sample = problem.sample(100, seed=0)

    assert sample.inputs.shape == (100, problem.n_features)
    assert sample.inputs.dtype == sample.labels.dtype == np.float32
    assert sample.labels.shape == (100,)
    assert np.array_equal(sample.labels, problem.sample(100, seed=0).labels)
    assert not np.array_equal(sample.labels, problem.sample(100, seed=1).labels)


def test_without_noise_the_best_prediction_is_the_target(problem: Friedman) -> None:
    sample = Friedman(problem.number, 0.0).sample(1_000, seed=0)

    assert problem.predict(sample.inputs.astype(np.float64)) == pytest.approx(sample.labels, rel=1e-4, abs=1e-4)
    assert Friedman(problem.number, 0.0).bayes_error == 0


def test_the_best_prediction_errs_as_said(problem: Friedman) -> None:
    sample = problem.sample(N, seed=0)
    targets = sample.labels.astype(np.float64)
    squares = (problem.predict(sample.inputs.astype(np.float64)) - targets) ** 2

    assert squares.mean() == pytest.approx(problem.noise_variance, rel=4 * np.sqrt(2 / N))
    assert targets.var() == pytest.approx(problem.signal_variance + problem.noise_variance, rel=0.02)
    assert squares.mean() / targets.var() == pytest.approx(problem.bayes_error, rel=0.03)


@pytest.mark.parametrize(
    ("number", "noise_sd", "message"),
    [
        (4, 1.0, "there is no Friedman function 4"),
        (1, -1.0, "noise of standard deviation -1 is not possible"),
        (1, np.nan, "noise of standard deviation nan is not possible"),
    ],
)
def test_an_impossible_problem_is_refused(number: int, noise_sd: float, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Friedman(number, noise_sd)

    assert caught.value.message == message


@pytest.fixture(params=["friedman-1", "friedman-2", "friedman-3"])
def dataset(request: pytest.FixtureRequest) -> KnownRegression:
    found: KnownRegression = plugins.load("datasets", request.param)
    return found


def test_inputs_are_scaled_by_formula(dataset: KnownRegression) -> None:
    inputs = np.concatenate([split.inputs for split in (dataset.train(), dataset.val(), dataset.test())])

    assert np.abs(inputs).max() <= np.float32(np.sqrt(3))
    assert inputs.mean(axis=0) == pytest.approx(np.zeros(dataset.input_shape), abs=0.04)
    assert inputs.std(axis=0) == pytest.approx(np.ones(dataset.input_shape), abs=0.02)


def test_the_best_prediction_of_the_data_set_errs_as_said(dataset: KnownRegression) -> None:
    test, (mean, sd) = dataset.test(), dataset.target_scale() or (0.0, 1.0)
    low, high = np.array(dataset.problem.ranges).T
    raw = test.inputs * (high - low) / np.sqrt(12) + (low + high) / 2
    squares = ((dataset.problem.predict(raw) - mean) / sd - test.labels) ** 2

    assert squares.mean() == pytest.approx(dataset.bayes_error(), rel=0.1)
