import math

import numpy as np
import pytest
from scipy.optimize import least_squares

from harness.fit import Cell, fit_power_law
from registry import law, schema
from registry.errors import InvalidData

SIZES = (20, 50, 100, 200, 400, 700, 1000)


def curve(coefficient, exponent, floor, *, sizes=SIZES, n_seeds=5, noise=0.0, seed=0):
    """Cells of a known law; ``noise`` is the relative noise of one run."""
    rng = np.random.default_rng(seed)
    return [
        Cell(
            n_train=n,
            errors=tuple((floor + coefficient * n**-exponent) * np.exp(noise * rng.standard_normal(n_seeds))),
            steps=1000,
            capped=False,
        )
        for n in sizes
    ]


def parameters(fitted):
    return fitted["forms"][0]["parameters"]


LAWS = pytest.mark.parametrize(
    ("coefficient", "exponent", "floor"),
    [(1.0, 0.3, 0.0), (2.0, 0.5, 0.02), (5.0, 1.0, 0.05), (1.0, 0.1, 0.0), (3.0, 0.7, 0.1), (0.4, 2.0, 0.001)],
)


@LAWS
def test_a_clean_law_is_recovered(coefficient, exponent, floor):
    sizes = SIZES if exponent < 2 else (2, 4, 8, 16, 32)
    fitted = fit_power_law(curve(coefficient, exponent, floor, sizes=sizes), n_draws=0)

    assert parameters(fitted) == pytest.approx(
        {"coefficient": coefficient, "exponent": exponent, "floor": floor}, rel=1e-5, abs=1e-7
    )
    assert fitted["backtest_error"] < 1e-5


@pytest.mark.parametrize("seed", range(3))
@LAWS
def test_a_noisy_law_is_predicted_inside_its_range(coefficient, exponent, floor, seed):
    sizes = SIZES if exponent < 2 else (2, 4, 8, 16, 32)
    fitted = fit_power_law(curve(coefficient, exponent, floor, sizes=sizes, noise=0.05, seed=seed), n_draws=0)

    for n in (sizes[0] * 2, sizes[-1]):
        truth = floor + coefficient * n**-exponent
        assert law.evaluate(fitted, n).value == pytest.approx(truth, rel=0.08)


def test_one_wild_cell_does_not_carry_the_fit_away():
    cells = curve(2.0, 0.5, 0.02, noise=0.01)
    cells[3] = Cell(200, tuple(1.3 * error for error in cells[3].errors), 1000, False)
    predicted = law.evaluate(fit_power_law(cells, n_draws=0), 200).value

    assert predicted == pytest.approx(0.02 + 2 * 200**-0.5, rel=0.03)  # plain least squares is 6 % off


@pytest.mark.parametrize("seed", range(8))
def test_no_better_minimum_is_found_by_scipy(seed):
    rng = np.random.default_rng(seed)
    cells = curve(
        math.exp(rng.uniform(-1, 2)), math.exp(rng.uniform(-2.5, 0.4)), rng.uniform(0, 0.2), n_seeds=1, noise=0.05
    )
    x, log_error = np.log(SIZES), np.log([cell.errors[0] for cell in cells])
    noise = math.hypot(0.05, 0.02)  # of single runs, and the least

    def residuals(theta):
        return (np.log(theta[2] + np.exp(theta[0] - theta[1] * x)) - log_error) / noise

    lowest = math.exp(log_error.min())
    theirs = min(
        least_squares(
            residuals,
            [scale, exponent, share * lowest],
            bounds=([-20, 0.005, 0], [60, 3, 2]),
            loss="soft_l1",
        ).cost
        for scale in (-1.0, 1.0)
        for exponent in (0.1, 0.5, 1.5)
        for share in (1e-4, 0.5, 0.9)
    )
    ours = parameters(fit_power_law(cells))
    theta = [math.log(ours["coefficient"]), ours["exponent"], ours["floor"]]
    cost = np.sum(np.sqrt(1 + residuals(theta) ** 2) - 1)

    assert cost <= theirs * (1 + 1e-5) + 1e-9


def test_the_law_fits_the_record():
    capped = Cell(2000, (0.01, 0.02), 8000, True)
    fitted = fit_power_law([capped, *curve(2.0, 0.5, 0.02, noise=0.05)])
    stored = schema.Law(**fitted, shape=schema.Shape(width=8, depth=1), examples_seen_rule="steps x batch size")

    assert len(stored.draws) == 200
    assert [point.n_train for point in stored.points] == [*SIZES, 2000]
    assert stored.valid_range.n_train == [20, 1000]
    assert stored.width_floor is None
    assert list(parameters(fitted)) == sorted(parameters(fitted))


def test_a_capped_cell_is_kept_and_not_fitted():
    cells = curve(2.0, 0.5, 0.02, noise=0.05)
    with_capped = fit_power_law([*cells, Cell(2000, (0.5, 0.5), 8000, True)])

    assert parameters(with_capped) == parameters(fit_power_law(cells))
    assert with_capped["points"][-1] == {
        "n_train": 2000,
        "error": 0.5,
        "sd": 0.0,
        "n_seeds": 2,
        "steps": 8000,
        "capped": True,
    }


def test_the_same_seed_gives_the_same_draws_and_another_does_not():
    cells = curve(2.0, 0.5, 0.02, noise=0.05)
    first = fit_power_law(cells, seed=1)

    assert fit_power_law(cells, seed=1) == first
    assert fit_power_law(cells, seed=2)["draws"] != first["draws"]


def test_the_order_of_the_cells_does_not_matter():
    cells = curve(2.0, 0.5, 0.02, noise=0.05)

    assert fit_power_law(cells[::-1]) == fit_power_law(cells)


def test_scaling_n_train_changes_only_the_coefficient():
    small = fit_power_law(curve(2.0, 0.5, 0.02, noise=0.05))
    cells = [Cell(c.n_train * 1000, c.errors, c.steps, c.capped) for c in curve(2.0, 0.5, 0.02, noise=0.05)]
    large = fit_power_law(cells)

    exponent = parameters(small)["exponent"]
    assert parameters(large)["exponent"] == pytest.approx(exponent, rel=1e-6)
    assert parameters(large)["floor"] == pytest.approx(parameters(small)["floor"], rel=1e-6)
    assert parameters(large)["coefficient"] == pytest.approx(
        parameters(small)["coefficient"] * 1000**exponent, rel=1e-5
    )
    assert large["backtest_error"] == pytest.approx(small["backtest_error"], rel=1e-5)


def test_backtest_error_is_that_of_a_law_that_never_saw_the_largest_n_train():
    cells = curve(2.0, 0.5, 0.02, noise=0.05)
    without = parameters(fit_power_law(cells[:-1], n_draws=0))
    predicted = without["floor"] + without["coefficient"] * 1000 ** -without["exponent"]

    # The pooled noise differs a little between the two fits: the last cell's seeds speak in one of them only.
    assert fit_power_law(cells, n_draws=0)["backtest_error"] == pytest.approx(
        abs(math.log(predicted / np.mean(cells[-1].errors))), abs=0.005
    )


def test_a_clear_floor_is_bounded_on_both_sides():
    floor = fit_power_law(curve(5.0, 1.0, 0.05, noise=0.05))["irreducible_error"]

    assert 0.04 < floor["low"] <= floor["value"] <= floor["high"] < 0.055


def test_a_floor_that_the_data_cannot_locate_is_open():
    low_open = fit_power_law(curve(1.0, 0.3, 0.0, noise=0.05))["irreducible_error"]
    both_open = fit_power_law(curve(1.0, 0.3, 0.0, n_seeds=1, noise=0.01))["irreducible_error"]

    assert low_open["low"] is None
    assert low_open["high"] > 0
    assert (both_open["low"], both_open["high"]) == (None, None)


def test_one_seed_a_cell_gives_no_draws():
    assert fit_power_law(curve(2.0, 0.5, 0.02, n_seeds=1))["draws"] == []


def test_more_noise_between_seeds_gives_wider_intervals():
    quiet, loud = (law.evaluate(fit_power_law(curve(2.0, 0.5, 0.02, noise=noise)), 1000) for noise in (0.01, 0.1))

    assert loud.high - loud.low > 3 * (quiet.high - quiet.low)


def test_no_error_at_all_is_fitted_as_a_count():
    cells = [*curve(8.0, 1.0, 0.0, sizes=(20, 50, 100, 200, 400)), Cell(1000, (0.0, 0.0, 0.0), 1000, False)]
    fitted = fit_power_law(cells, n_val=100)

    assert fitted["points"][-1]["error"] == 0.0
    assert law.evaluate(fitted, 1000).value == pytest.approx(0.008, rel=0.05)


def refusal(cells, **options):
    with pytest.raises(InvalidData) as caught:
        fit_power_law(cells, **options)
    return caught.value


def test_too_few_sizes_are_refused():
    assert refusal(curve(2.0, 0.5, 0.0, sizes=(10, 20))).message == (
        "a law with 3 parameters needs at least 5 distinct n_train, got 2 (10, 20)"
    )
    assert refusal([]).message == "a law with 3 parameters needs at least 5 distinct n_train, got 0"


def test_capped_cells_do_not_count_and_the_hint_says_so():
    cells = curve(2.0, 0.5, 0.0, sizes=(10, 20, 40, 80))
    error = refusal([*cells, Cell(160, (0.1,), 8000, True)])

    assert error.message == "a law with 3 parameters needs at least 5 distinct n_train, got 4 (10, 20, 40, 80)"
    assert error.hint == "1 more hit the cap on steps: train them longer"


@pytest.mark.parametrize(("error", "shown"), [(math.nan, "nan"), (math.inf, "inf"), (-0.1, "-0.1")])
def test_an_error_that_is_no_error_is_refused(error, shown):
    cells = [*curve(2.0, 0.5, 0.0), Cell(2000, (0.1, error), 1000, False)]

    assert refusal(cells).message == f"n_train 2,000 has error {shown}, expected a finite number from 0 up"


def test_a_cell_without_errors_is_refused():
    assert refusal([*curve(2.0, 0.5, 0.0), Cell(2000, (), 1000, False)]).message == (
        "n_train 2,000 has no errors, expected one a seed"
    )


def test_a_size_below_one_is_refused():
    assert refusal([*curve(2.0, 0.5, 0.0), Cell(0, (0.9,), 1000, False)]).message == (
        "n_train 0 is not a number of training examples, expected at least 1"
    )


def test_two_cells_of_one_size_are_refused():
    cells = curve(2.0, 0.5, 0.0)

    assert refusal([*cells, cells[2]]).message == (
        "n_train 100 comes in more than one cell, expected one with all its seeds"
    )


def test_a_narrow_range_is_refused():
    assert refusal(curve(2.0, 0.5, 0.0, sizes=(100, 150, 200, 250, 300))).message == (
        "n_train spans 100 to 300, a factor 3; a law needs a factor 4 or more"
    )


def test_no_error_at_all_without_the_size_of_validation_is_refused():
    cells = [*curve(2.0, 0.5, 0.0), Cell(2000, (0.0, 0.0), 1000, False)]

    assert refusal(cells).message == "n_train 2,000 has no error in any seed and a power law never gets to 0"
    assert "n_val" in refusal(cells).hint


def test_double_descent_is_refused():
    cells = curve(2.0, 0.5, 0.0, noise=0.02)
    cells[4] = Cell(400, tuple(2.5 * error for error in cells[4].errors), 1000, False)

    message = refusal(cells).message
    assert message.startswith("error rises from 0.14")
    assert message.endswith("standard errors: no power law rises")


def test_a_flat_curve_is_refused():
    assert refusal(curve(0.0, 1.0, 0.5, noise=0.05)).message == (
        "error does not fall by more than its noise between n_train 20 and 1,000"
    )


def test_noise_on_a_plateau_is_not_taken_for_double_descent():
    refused = 0
    for seed in range(60):
        try:
            fit_power_law(curve(1.0, 0.4, 0.1, n_seeds=3, noise=0.15, seed=seed), n_draws=0)
        except InvalidData:
            refused += 1

    assert refused <= 3
