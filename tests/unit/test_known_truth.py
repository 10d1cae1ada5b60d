from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_hastie_10_2

from harness import plugins
from harness.datasets import waveform
from harness.datasets.hastie_10_2 import Hastie102
from harness.datasets.waveform import Waveform
from harness.known_truth import KnownTruth
from registry.errors import UsageError

CLEAN = ("hastie-10-2", "ringnorm", "twonorm", "waveform")
N = 100_000


@pytest.fixture(params=[*CLEAN, *(f"{name}-noise20" for name in CLEAN)])
def problem(request: pytest.FixtureRequest) -> KnownTruth:
    found: KnownTruth = plugins.load("datasets", request.param)
    return found


def clean(name: str) -> KnownTruth:
    found: KnownTruth = plugins.load("datasets", name)
    return found


@pytest.mark.parametrize(
    ("name", "published", "apart"),
    [("twonorm", 0.023, 0.0005), ("ringnorm", 0.013, 0.001), ("waveform", 0.14, 0.01), ("hastie-10-2", 0.0, 0.0)],
)
def test_the_best_possible_error_is_the_published_one(name: str, published: float, apart: float) -> None:
    assert clean(name).bayes_error() == pytest.approx(published, abs=apart)


def test_the_best_rule_errs_as_often_as_said(problem: KnownTruth) -> None:
    sample = problem.sample(N, seed=0)
    error = np.mean(problem.bayes_predict(sample.inputs) != sample.labels)
    truth = problem.bayes_error()

    assert error == pytest.approx(truth, abs=4 * np.sqrt(truth * (1 - truth) / N) + 1e-12)


def test_the_posterior_is_right_where_it_is_sure_and_where_it_is_not(problem: KnownTruth) -> None:
    sample = problem.sample(N, seed=1)
    posterior = problem.posterior(sample.inputs)
    surest = posterior.max(axis=1)
    right = posterior.argmax(axis=1) == sample.labels

    assert posterior.sum(axis=1) == pytest.approx(np.ones(N))
    assert np.mean(1 - surest) == pytest.approx(problem.bayes_error(), abs=4 * surest.std() / np.sqrt(N) + 1e-12)
    for part in (surest <= np.quantile(surest, 0.2), surest > np.quantile(surest, 0.2)):
        if part.any():
            spread = 4 * np.sqrt(0.25 / part.sum())
            assert right[part].mean() == pytest.approx(surest[part].mean(), abs=spread)


def test_classes_are_equally_frequent(problem: KnownTruth) -> None:
    counts = np.bincount(problem.sample(N, seed=2).labels, minlength=problem.n_classes)

    assert counts / N == pytest.approx(np.full(problem.n_classes, 1 / problem.n_classes), abs=4 * np.sqrt(0.25 / N))


def test_a_seed_draws_the_same_and_no_seed_draws_what_the_splits_hold(problem: KnownTruth) -> None:
    again, other = problem.sample(500, seed=0), problem.sample(500, seed=1)
    rows = {row.tobytes() for split in (problem.train(), problem.val(), problem.test()) for row in split.inputs}

    assert np.array_equal(problem.sample(500, seed=0).inputs, again.inputs)
    assert not np.array_equal(again.inputs, other.inputs)
    assert not any(row.tobytes() in rows for seed in range(4) for row in problem.sample(500, seed=seed).inputs)


def test_fresh_examples_are_on_the_scale_of_the_splits(problem: KnownTruth) -> None:
    train, fresh = problem.train().inputs, problem.sample(10_000, seed=3).inputs

    assert fresh.mean(axis=0) == pytest.approx(train.mean(axis=0), abs=0.12)
    assert fresh.std(axis=0) == pytest.approx(train.std(axis=0), rel=0.06)


@pytest.mark.parametrize("name", CLEAN)
def test_noise_replaces_the_said_share_of_labels_and_changes_no_input(name: str) -> None:
    quiet, noisy = clean(name).sample(N, seed=4), clean(f"{name}-noise30").sample(N, seed=4)
    replaced = quiet.labels != noisy.labels
    others = (noisy.labels - quiet.labels)[replaced] % clean(name).n_classes

    assert np.array_equal(quiet.inputs, noisy.inputs)
    assert replaced.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / N))
    assert np.bincount(others)[1:] / replaced.sum() == pytest.approx(1 / (clean(name).n_classes - 1), abs=0.02)


def test_less_noise_replaces_some_of_the_same_labels_by_the_same_classes() -> None:
    quiet, some, more = (clean(name).train().labels for name in ("waveform", "waveform-noise10", "waveform-noise40"))
    changed = quiet != some

    assert 0 < changed.sum() < (quiet != more).sum()
    assert np.array_equal(some[changed], more[changed])


def test_noise_of_two_classes_adds_up_as_a_flipped_coin_does() -> None:
    error = clean("twonorm").bayes_error()

    assert clean("twonorm-noise10").bayes_error() == pytest.approx(error * 0.9 + (1 - error) * 0.1)


@pytest.mark.parametrize("suffix", ["noise0", "noise05", "noise", "noise100", "noise1.5", "quiet"])
def test_an_unknown_variant_is_refused_with_what_is_possible(suffix: str) -> None:
    with pytest.raises(UsageError) as caught:
        plugins.load("datasets", f"waveform-{suffix}")

    assert caught.value.message == f"waveform has no variant '{suffix}'"
    assert caught.value.hint == "expected waveform-noise<percent>, such as waveform-noise10"


@pytest.mark.parametrize(("name", "most"), [("twonorm", 49), ("waveform", 66)])
def test_noise_that_leaves_nothing_to_learn_is_refused(name: str, most: int) -> None:
    plugins.load("datasets", f"{name}-noise{most}")
    with pytest.raises(UsageError) as caught:
        plugins.load("datasets", f"{name}-noise{most + 1}")

    assert caught.value.message.startswith(f"label noise of {most + 1} % is not possible with")
    assert caught.value.hint == f"expected 0 to {most}"


def test_hastie_is_labelled_as_scikit_learn_does() -> None:
    inputs, labels = make_hastie_10_2(n_samples=5_000, random_state=0)
    posterior = Hastie102().posterior(inputs.astype(np.float32))

    assert np.array_equal(posterior.argmax(axis=1), labels == 1)


def test_waveforms_are_standardised_by_their_known_mean_and_deviation() -> None:
    inputs = Waveform().sample(N, seed=5).inputs.astype(np.float64)

    assert inputs.mean(axis=0) == pytest.approx(np.zeros(21), abs=4 / np.sqrt(N))
    assert inputs.std(axis=0) == pytest.approx(np.ones(21), abs=0.012)


def test_the_triangles_are_those_of_the_book() -> None:
    peaks = waveform.POINTS[waveform.TRIANGLES.argmax(axis=1)]

    assert peaks.tolist() == [11, 15, 7]
    assert waveform.TRIANGLES[0].tolist() == [0] * 5 + [1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1] + [0] * 5


def test_the_sum_over_the_plane_has_converged() -> None:
    coarse, fine = (waveform._bayes_error(step, margin=7.0) for step in (0.1, 0.04))

    assert coarse == pytest.approx(fine, abs=1e-5)
    assert Waveform().bayes_error() == pytest.approx(fine, abs=1e-5)
