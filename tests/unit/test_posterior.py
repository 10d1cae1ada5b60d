"""The surface: its scale, a Gaussian process solved by hand on a few settings, and what it makes of more runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pytest

from harness.posterior import CLIP, CONSTANTS, DRAWS, Array, Posterior, _Features, covariance, link, prior_mean
from harness.search import base
from harness.search.base import History, Run, Setting, Space
from harness.trial import Shape

SHAPES: Final = [Shape(0, 0), *(Shape(width, depth) for depth in (1, 2) for width in (2, 4, 8, 16))]
SPACE: Final = Space(
    params={shape: 10 + 20 * shape.width * (1 + shape.depth) for shape in SHAPES},
    flops=dict.fromkeys(SHAPES, 1.0),
    rates=(0.005, 0.01, 0.02, 0.04),
    steps=(500, 1000, 2000),
    n_val=300,
    n_test=600,
    chance_error=0.9,
)
EVERY: Final = [Setting(shape, rate, steps) for shape in SHAPES for rate in SPACE.rates for steps in SPACE.steps]
TRAINED: Final = [
    Setting(Shape(2, 1), 0.01, 1000),
    Setting(Shape(8, 1), 0.01, 1000),
    Setting(Shape(8, 1), 0.02, 500),
    Setting(Shape(4, 2), 0.02, 1000),
]
TARGET: Final = 0.1
EMPTY: Final = History()


def of(errors: Mapping[Setting, Sequence[float]], tests: Sequence[base.Test] = ()) -> Posterior:
    runs = [Run(setting, error) for setting, found in errors.items() for error in found]
    return Posterior(SPACE, History(runs, tests), TARGET)


def off_prior(setting: Setting, logits: float) -> float:
    """Return the error that lies so far above what the prior expects of ``setting``."""
    level = float(prior_mean(_Features.of([setting]), CONSTANTS)[0]) + logits
    return SPACE.chance_error / (1 + float(np.exp(-level)))


def kernel(a: Sequence[Setting], b: Sequence[Setting]) -> Array:
    return covariance(_Features.of(a), _Features.of(b), CONSTANTS)


def test_link_rises_with_the_error() -> None:
    values = link(np.linspace(0.01, 0.8, 50), 0.9, 300)

    assert (np.diff(values) > 0).all()


def test_link_is_odd_about_half_of_chance() -> None:
    shares = np.array([0.05, 0.2, 0.4, 0.5])

    assert link(0.9 * shares, 0.9, 300) == pytest.approx(-link(0.9 * (1 - shares), 0.9, 300))
    assert link(np.array([0.45]), 0.9, 300) == pytest.approx([0.0])


def test_link_says_no_error_is_half_an_item() -> None:
    n_items, half = 300, np.array([0.5 / 300])

    assert link(np.zeros(1), 0.9, n_items) == link(half, 0.9, n_items)
    assert np.isfinite(link(np.zeros(1), 0.9, n_items)).all()
    assert link(np.zeros(1), 0.9, 10 * n_items) < link(np.zeros(1), 0.9, n_items)


@pytest.mark.parametrize("error", [0.9, 0.95, 1.0, np.inf], ids=["chance", "worse", "all", "diverged"])
def test_link_tells_nothing_apart_beyond_chance(error: float) -> None:
    assert link(np.array([error]), 0.9, 300) == pytest.approx([np.log(CLIP / (1 - CLIP))])


def test_a_target_is_met_by_counts_that_equal_it() -> None:
    posterior = Posterior(SPACE, EMPTY, TARGET)
    at, above = (link(np.array([wrong / SPACE.n_test]), SPACE.chance_error, SPACE.n_test)[0] for wrong in (60, 61))

    assert at < posterior.target(TARGET) < above


def test_without_history_there_is_the_prior() -> None:
    posterior = Posterior(SPACE, EMPTY, TARGET)

    assert posterior.mean(EVERY) == pytest.approx(prior_mean(_Features.of(EVERY), CONSTANTS))
    assert posterior.spread(EVERY) == pytest.approx(kernel(EVERY, EVERY))
    assert posterior.seed_sd == CONSTANTS["seed"]
    assert posterior.log_likelihood() == 0


def test_covariance_is_that_of_random_surfaces() -> None:
    prior = kernel(EVERY, EVERY)

    assert prior == pytest.approx(prior.T)
    assert np.linalg.eigvalsh(prior).min() > -1e-9 * np.trace(prior)
    assert np.linalg.eigvalsh(of({s: [0.2] for s in TRAINED}).spread(EVERY)).min() > -1e-9 * np.trace(prior)


def solved_by_hand(posterior: Posterior, errors: Mapping[Setting, Sequence[float]]) -> tuple[Array, Array]:
    """Condition the prior on each setting's runs, half-way between mean and median; weights as in Student's t."""
    settings = list(errors)
    logits = [link(np.array(found), 0.9, 300) for found in errors.values()]
    seen = np.array([(found.mean() + np.median(found)) / 2 for found in logits])
    count = np.array([len(found) for found in errors.values()])
    above = seen - prior_mean(_Features.of(settings), CONSTANTS)
    seeds = posterior.noise_sd(settings) ** 2
    weights = np.ones(len(settings))
    for _ in range(3):
        inverse = np.linalg.inv(kernel(settings, settings) + np.diag(seeds / count / weights))
        left = above - kernel(settings, settings) @ inverse @ above  # what the surface does not follow
        weights = (4 + 1) / (4 + left**2 * count / seeds)
    across = kernel(EVERY, settings)
    mean = prior_mean(_Features.of(EVERY), CONSTANTS) + across @ inverse @ above
    return mean, kernel(EVERY, EVERY) - across @ inverse @ across.T


@pytest.mark.parametrize("departures", [(0.0, 0.1, -0.1, 0.2), (0.0, 0.1, 4.0, 0.2)], ids=["near", "outlier"])
@pytest.mark.parametrize("seeds", [(-0.1, 0.1), (-0.1, 0.0, 0.7)], ids=["even", "skewed"])
def test_the_surface_is_a_gaussian_process_solved_by_hand(
    departures: tuple[float, ...], seeds: tuple[float, ...]
) -> None:
    errors = {
        setting: [off_prior(setting, logits + off) for off in seeds]
        for setting, logits in zip(TRAINED, departures, strict=True)
    }
    posterior = of(errors)
    mean, spread = solved_by_hand(posterior, errors)

    assert posterior.mean(EVERY) == pytest.approx(mean)
    assert posterior.spread(EVERY) == pytest.approx(spread, abs=1e-9)


def test_more_runs_shrink_the_spread() -> None:
    spreads = []
    for n in (1, 4, 16):
        errors = [off_prior(TRAINED[0], off) for off in np.resize([0.1, -0.1], n)]
        posterior = of({TRAINED[0]: errors})
        spreads.append(np.diag(posterior.spread(EVERY)) / np.diag(kernel(EVERY, EVERY)))

    assert (spreads[0] < 1).all()
    assert (spreads[1] < spreads[0]).all()
    assert (spreads[2] < spreads[1]).all()


def test_narrow_networks_vary_more() -> None:
    noise = Posterior(SPACE, EMPTY, TARGET).noise_sd([Setting(Shape(width, 1), 0.01, 500) for width in (2, 8, 16)])

    assert noise[0] > noise[1] > noise[2]
    assert noise[1] == pytest.approx(CONSTANTS["seed"])  # width 8 is where it is given


def test_seeds_that_agree_tell_of_less_noise() -> None:
    def seed_sd(off: float) -> float:
        return of({s: [off_prior(s, -off), off_prior(s, off)] for s in TRAINED}).seed_sd

    assert seed_sd(0.02) < CONSTANTS["seed"] < seed_sd(1.0)


def test_a_run_far_off_pulls_less_than_its_distance() -> None:
    beside = [Setting(Shape(8, 1), 0.01, 500)]

    def pull(logits: float) -> float:
        errors: dict[Setting, Sequence[float]] = {s: [off_prior(s, -0.05), off_prior(s, 0.05)] for s in TRAINED}
        at_rest = of(errors)
        dead = Setting(Shape(8, 1), 0.01, 2000)
        moved = of({**errors, dead: [off_prior(dead, logits)]})
        return float(abs(moved.mean(beside) - at_rest.mean(beside))[0]) / logits

    assert pull(6.0) < 0.5 * pull(0.5)


def test_draws_are_the_same_whenever_asked_for() -> None:
    posterior = of({setting: [0.2, 0.25] for setting in TRAINED})
    first = posterior.draws(EVERY)

    assert first.shape == (DRAWS, len(EVERY))
    assert (posterior.draws(EVERY) == first).all()
    assert (of({setting: [0.2, 0.25] for setting in TRAINED}).draws(EVERY) == first).all()


def test_draws_vary_about_the_mean_as_much_as_the_spread_says() -> None:
    posterior = of({setting: [0.2, 0.25] for setting in TRAINED})
    settings = [TRAINED[0], Setting(Shape(16, 2), 0.04, 500)]
    draws = posterior.draws(settings)
    # what the splits may differ by at the target is common to all settings, and no test error is known
    apart = (1 - TARGET) / TARGET * (1 / SPACE.n_val + 1 / SPACE.n_test) / (1 - TARGET / SPACE.chance_error) ** 2
    expected = posterior.spread(settings) + apart
    sd = np.sqrt(np.diag(expected))

    assert (abs(draws.mean(axis=0) - posterior.mean(settings)) < 3.5 * sd / DRAWS**0.5).all()
    assert draws.std(axis=0) == pytest.approx(sd, rel=3.5 / (2 * DRAWS) ** 0.5)
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(expected[0, 1] / sd.prod(), abs=3.5 / DRAWS**0.5)


def test_a_test_that_reads_worse_than_validation_lifts_the_draws_and_not_the_mean() -> None:
    setting, runs = TRAINED[1], {s: [0.1] * 5 for s in TRAINED}

    def test_reading(error: float) -> Posterior:
        return of(runs, [base.Test(setting, (0.1,) * 20, (error,) * 20, certified=False)])

    same, worse = test_reading(0.1), test_reading(0.14)

    assert worse.draws([setting]).mean() > same.draws([setting]).mean() + 0.05
    assert worse.draws(EVERY).mean() - same.draws(EVERY).mean() > 2 * (worse.mean(EVERY) - same.mean(EVERY)).mean()
