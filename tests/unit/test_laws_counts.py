"""Counts of wrong answers: their deviance, their noise, how they are drawn, and what laws make of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from harness.laws.counts import Counts, added, counts_of, deviance, dispersion, draw_counts, log_share
from harness.laws.curve import fit_curve
from harness.laws.intervals import log_values
from harness.laws.points import Point, curve_of, resampled, thinned
from harness.laws.surface_cells import GridCell, table
from harness.laws.surface_members import candidates, fit_member
from registry.errors import InvalidData

SIZES = (50, 100, 200, 400, 800, 1600, 3200)


def counts(wrong: list[float], items: int = 200) -> Counts:
    found = counts_of([[k / items] for k in wrong], [items] * len(wrong))
    assert found is not None
    return found


def drawn(*, items: int, seeds: int, sd: float = 0.0, n_points: int = 3000) -> tuple[Counts, list[tuple[float, ...]]]:
    """Counts of one error, .05, that varies from seed to seed by ``sd`` of its log."""
    rng = np.random.default_rng(0)
    error = np.minimum(0.05 * np.exp(sd * rng.standard_normal((n_points, seeds))), 1.0)
    errors = [tuple(row) for row in rng.binomial(items, error) / items]
    found = counts_of(errors, [items] * n_points)
    assert found is not None
    return found, errors


@pytest.mark.parametrize("wrong", [0.0, 1.0, 7.0, 100.0, 199.0, 200.0])
def test_squared_residuals_are_twice_the_log_likelihood_lost(wrong: float) -> None:
    error = np.array([1e-6, 0.003, 0.04, 0.5, 0.9])
    residual, _ = deviance(np.log(error)[:, np.newaxis], counts([wrong]))
    lost = 2 * (binom.logpmf(wrong, 200, wrong / 200) - binom.logpmf(wrong, 200, error))

    np.testing.assert_allclose(residual[:, 0] ** 2, lost, rtol=1e-6)
    assert (np.sign(residual[:, 0]) == np.sign(error - wrong / 200)).all()


@pytest.mark.parametrize("wrong", [0.0, 1.0, 7.0, 100.0, 200.0])
def test_slopes_are_those_of_the_residuals(wrong: float) -> None:
    at = np.log([[1e-4], [wrong / 200 + 1e-12], [0.037], [0.5], [0.99], [1.2]])
    ahead, behind = (deviance(at + step, counts([wrong]))[0] for step in (1e-5, -1e-5))

    np.testing.assert_allclose(deviance(at, counts([wrong]))[1], (ahead - behind) / 2e-5, rtol=2e-3)


def test_residuals_near_the_count_keep_their_digits() -> None:
    many = counts([1000.0], items=10_000)
    residual, slope = deviance(np.log([[0.1 * (1 + 1e-9)]]), many)

    assert residual[0, 0] * many.sd[0] == pytest.approx(1e-9, rel=1e-3)
    assert slope[0, 0] * many.sd[0] == pytest.approx(1, rel=1e-3)


def test_shares_that_count_nothing_are_no_counts() -> None:
    assert counts_of([[0.123, 0.2], [0.1, 0.1]], [10, 10]) is None
    assert counts_of([[0.1], [0.2]], [None, None]) is None
    assert counts_of([[1.5]], [10]) is None  # a loss above 1


def test_no_wrong_answer_is_half_a_one() -> None:
    assert np.exp(log_share(counts([0.0, 3.0]))) == pytest.approx([0.5 / 201, 3 / 200])


def test_binomial_counts_are_told_to_be_that() -> None:
    found, errors = drawn(items=500, seeds=3)
    varies = dispersion(found, errors, 0.0, 0.0)

    assert np.median(varies.of_run) == pytest.approx(0.95 / 0.05 / 500, rel=0.15)
    assert np.median(varies.of_mean) == pytest.approx(0.95 / 0.05 / 500 / 3, rel=0.15)


@pytest.mark.parametrize("sd", [0.0, 0.3])
def test_the_noise_of_seeds_that_read_different_numbers_of_items_is_that_of_all_their_answers(sd: float) -> None:
    rng, totals = np.random.default_rng(1), (100, 400, 1500)
    error = 0.05 * np.exp(sd * rng.standard_normal((3000, 3)) - sd**2 / 2)
    wrong = rng.binomial(totals, error)
    errors = [tuple(row) for row in wrong / totals]
    found = counts_of(errors, [totals] * 3000)
    assert found is not None
    varies = dispersion(found, errors, 0.0, 0.0)
    seen = float(np.var(wrong.sum(axis=1) / 2000)) / 0.05**2
    of_one_run = float(np.mean((0.95 / 0.05) / np.array(totals))) + float(np.expm1(sd**2))

    assert log_share(found)[0] == pytest.approx(np.log(wrong[0].sum() / 2000), abs=1e-12)
    assert np.median(varies.of_mean) == pytest.approx(seen, rel=0.15)
    assert np.median(varies.of_run) == pytest.approx(of_one_run, rel=0.2)


def test_totals_by_seed_that_do_not_differ_are_one_total() -> None:
    rng = np.random.default_rng(3)
    errors = [tuple(row) for row in rng.binomial(200, 5 / np.sqrt(SIZES)[:, np.newaxis] / 5, size=(7, 4)) / 200]
    one, by_seed = (
        fit_curve([Point(n, each, n_items=items) for n, each in zip(SIZES, errors, strict=True)], n_draws=20)
        for items in (200, (200,) * 4)
    )

    assert one == by_seed


def test_a_point_whose_totals_differ_is_drawn_again_with_its_seeds_by_their_items() -> None:
    uneven = Point(400, (0.5, 0.02, 0.03), n_items=(10, 5000, 5000))
    curve = curve_of([Point(n, (5 / n,) * 3, n_items=1000) for n in (50, 100, 200)] + [uneven])
    drawn, counts = resampled(curve, 4000, np.random.default_rng(0))

    assert counts is not None
    assert counts.wrong[:, -1] / counts.items[-1] == pytest.approx(np.exp(drawn[:, -1]))
    assert np.median(np.exp(drawn[:, -1])) == pytest.approx(uneven.mean, rel=0.1)  # of seeds that count alike: .19


@pytest.mark.parametrize("totals", [(500,), (500, 0)])
def test_totals_that_are_not_one_a_seed_are_refused(totals: tuple[int, ...]) -> None:
    points = [Point(n, (5 / n, 5 / n), n_items=500) for n in (50, 100, 200)]
    cells = [GridCell(n, (0.1, 0.2), 10 * k, n_items=totals) for n in (50, 100, 200) for k in (1, 2, 3)]

    with pytest.raises(InvalidData, match=r"n 400 has 1 totals of 2 errors|counts of 0 items"):
        curve_of([*points, Point(400, (0.01, 0.01), n_items=totals)])
    with pytest.raises(InvalidData, match=r"has 1 totals of 2 errors|counts of 0 items"):
        table(cells, ("n_train", "params"))


def test_cells_count_each_seed_by_its_own_total() -> None:
    rng, totals = np.random.default_rng(2), (50, 2000)
    error = {(n, p): 0.02 + 2 / n**0.6 + 0.5 / p**0.5 for n in SIZES[::2] for p in (30, 100, 300)}
    wrong = {place: rng.binomial(totals, value) for place, value in error.items()}
    cells = [GridCell(n, tuple(k / totals), p, n_items=totals) for (n, p), k in wrong.items()]
    apart = [GridCell(n, (k[i] / totals[i],), p, n_items=totals[i]) for (n, p), k in wrong.items() for i in range(2)]
    found, merged = (table(each, ("n_train", "params")) for each in (cells, apart))

    assert np.exp(found.log_error) == pytest.approx([k.sum() / 2050 for k in wrong.values()])
    np.testing.assert_array_equal(found.log_error, merged.log_error)
    np.testing.assert_array_equal(found.noise, merged.noise)
    assert found.fewest_items() == 50


def test_variation_between_seeds_is_added_to_that_of_counting() -> None:
    found, errors = drawn(items=500, seeds=3, sd=0.3)

    assert np.median(dispersion(found, errors, 0.0, 0.0).of_run) == pytest.approx(0.95 / 0.05 / 500 + 0.09, rel=0.2)


def test_seeds_that_miss_the_same_items_vary_less_than_binomially() -> None:
    errors = [(0.05, 0.05, 0.05), (0.02, 0.02, 0.02), (0.1, 0.1, 0.1)] * 4
    found = counts_of(errors, [500] * 12)
    assert found is not None

    assert dispersion(found, errors, 0.0, 0.0).of_run[0] < 0.3 * 0.95 / 0.05 / 500


def test_drawn_counts_have_their_mean_and_noise() -> None:
    found = counts([0.0, 4.0, 40.0])
    noise = np.array([1.4, 0.5, 0.2])
    many = draw_counts(found, noise, 20_000, np.random.default_rng(0)).wrong

    assert many.mean(axis=0) == pytest.approx([0.5, 4.5, 40.5], rel=0.05)
    assert many.std(axis=0) / many.mean(axis=0) == pytest.approx(noise, rel=0.05)


def test_counts_put_together_are_known_better() -> None:
    found = counts([4.0, 4.0, 40.0])
    together, noise = added(found, found.sd, [np.array([0, 1]), np.array([2])])

    assert together.wrong.tolist() == [8, 40]
    assert together.items.tolist() == [400, 200]
    assert noise[0] == pytest.approx(found.sd[0] / np.sqrt(2), rel=0.1)


def test_a_long_curve_of_counts_is_thinned_to_counts() -> None:
    n = np.geomspace(10, 1e5, 300)
    wrong = np.random.default_rng(0).binomial(200, 0.5 * (n / 10) ** -0.4)
    curve = curve_of([Point(float(at), (k / 200,), n_items=200) for at, k in zip(n, wrong, strict=True)])
    short = thinned(curve, 50)

    assert curve.counts is not None
    assert short.counts is not None
    assert short.counts.wrong.sum() == wrong.sum()
    assert np.abs(short.log_error - np.log(0.5 * (short.n / 10) ** -0.4)).max() < 3.5 * short.noise.max()


def test_laws_of_small_counts_are_right_in_the_middle() -> None:
    truth = {n: 0.8 * n**-0.6 for n in SIZES}
    rng = np.random.default_rng(2)
    said = []
    for _ in range(12):
        points = [Point(n, (rng.binomial(400, error) / 400,), n_items=400) for n, error in truth.items()]
        said.append(log_values(fit_curve(points, chance=0.9, n_draws=0), np.array([3200.0]))[0])

    assert np.median(said) == pytest.approx(np.log(truth[3200]), abs=0.3)


def test_as_many_items_as_one_likes_are_the_same_as_no_counts() -> None:
    rng = np.random.default_rng(0)
    errors = {n: np.round((0.02 + n**-0.5) * np.exp(0.1 * rng.standard_normal(3)), 6) for n in SIZES}
    known, counted = (
        fit_curve([Point(n, tuple(seeds), n_items=items) for n, seeds in errors.items()], n_draws=0)
        for items in (None, 10_000_000)
    )

    at = np.array([3200.0, 12_800.0])
    np.testing.assert_allclose(log_values(counted, at), log_values(known, at), atol=0.05)


def test_a_curve_of_counts_has_draws_and_an_interval() -> None:
    wrong = (40, 30, 17, 9, 4, 1, 0)
    law = fit_curve([Point(n, (k / 200,), n_items=200) for n, k in zip(SIZES, wrong, strict=True)], n_draws=20)

    assert len(law["draws"]) == 20
    assert np.isfinite([draw[1:4] for draw in law["draws"]]).all()
    assert law["interval"]["run_sd"] > 0.5  # of one wrong answer or none


def cells(n_val: int) -> list[GridCell]:
    rng = np.random.default_rng(0)
    return [
        GridCell(n, tuple(rng.binomial(n_val, min(0.9, 2.2 * n**-0.7 + 30 * params**-1.5), size=2) / n_val), params)
        for n in (50, 150, 500, 1600)
        for params in (100, 200, 400, 800)
    ]


def test_cells_of_counts_are_fitted_by_their_likelihood() -> None:
    data = table(cells(200), ("n_train", "params"), n_val=200)
    form = next(form for form in candidates(data, 0.9) if form.name == "additive")
    at = np.log([[1600.0], [800.0]])

    assert data.counts is not None
    assert data.noise[-1] > 2 * data.noise[0]  # fewer wrong answers are known less well
    assert fit_member(form, data, 0.9).log_error(at, 0.9)[0] == pytest.approx(
        np.log(2.2 * 1600**-0.7 + 30 * 800**-1.5), abs=0.5
    )


def test_cells_whose_errors_count_nothing_are_fitted_as_before() -> None:
    shares = [
        GridCell(cell.n_train, (cell.errors[0] + 0.0012, 0.0003 + cell.errors[1]), cell.params) for cell in cells(200)
    ]
    known, counted = (table(shares, ("n_train", "params"), n_val=n_val) for n_val in (None, 200))

    assert counted.counts is None
    np.testing.assert_array_equal(known.noise, counted.noise)
    np.testing.assert_array_equal(known.log_error, counted.log_error)
