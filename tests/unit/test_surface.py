import numpy as np
import pytest

from harness.laws import surface_forms
from harness.laws.surface import fit_surface
from harness.laws.surface_cells import GridCell, table
from harness.laws.surface_fit import Form
from harness.laws.surface_forms import FORMULAS, SHAPE_FORMS, SIZE_FORMS
from harness.laws.surface_interval import drift_of
from harness.laws.surface_law import doubt, draw_log_errors, half_width, logs_of, mean_log_error
from harness.laws.surface_members import back_test, candidates, fit_member, outer_folds, weigh, weigh_blindly
from registry.errors import InvalidData, UnknownName, UsageError
from registry.law import evaluate
from tests.laws import SURFACES, stored

N = (300, 1000, 3000, 10_000)
PARAMS = (500, 1500, 5000, 20_000, 80_000)


def additive(n: float, params: float) -> float:
    return 0.02 + 3.0 * n**-0.4 + 4.0 * params**-0.5


def grid(*, noise: float = 0.0, seeds: int = 1, seed: int = 0) -> list[GridCell]:
    rng = np.random.default_rng(seed)
    return [
        GridCell(n, tuple(additive(n, p) * np.exp(noise * rng.standard_normal(seeds))), params=p)
        for n in N
        for p in PARAMS
    ]


@pytest.fixture(scope="module")
def noisy_law():
    return fit_surface(grid(noise=0.03, seeds=3), chance=0.9, n_draws=60)


def test_a_sum_of_power_laws_is_recovered_from_clean_cells():
    member = fit_member(FORMULAS["additive"], table(grid(), ("n_train", "params")), np.inf)
    a, alpha, b, beta, floor = member.form.parameters(member.theta[np.newaxis], member.centre, np.inf)[0]

    assert alpha == pytest.approx(0.4, rel=0.02)
    assert beta == pytest.approx(0.5, rel=0.02)
    assert a == pytest.approx(3.0, rel=0.1)
    assert b == pytest.approx(4.0, rel=0.1)
    assert floor == pytest.approx(0.02, abs=0.003)


@pytest.mark.parametrize("form", [*SIZE_FORMS, *SHAPE_FORMS], ids=lambda form: form.name)
def test_slopes_are_those_that_differences_give(form):
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1.5, (3 if form in SHAPE_FORMS else 2, 12))
    theta = rng.normal(-2, 0.3, (5, form.n_parameters))

    assert form.slopes(theta, x, 0.9) == pytest.approx(Form.slopes(form, theta, x, 0.9), abs=1e-8)


def test_a_noisy_grid_predicts_ten_times_the_data_and_twice_the_width(noisy_law):
    logs = logs_of(noisy_law, {"n_train": 100_000, "params": 320_000})

    assert np.exp(mean_log_error(noisy_law, logs)[0]) == pytest.approx(additive(1e5, 3.2e5), rel=0.15)


def crossed(n: float, params: float) -> float:
    return 0.03 + 3.0 * n**-0.4 * (params / 500) ** -0.1 + 4.0 * params**-0.5


def bottleneck(n: float, params: float) -> float:
    return float(np.hypot(3.0 * n**-0.35, 3.0 * params**-0.5))


def steepening(n: float, params: float) -> float:
    return 3.0 * n ** (-0.35 - 0.02 * np.log(params / 500)) + 3.0 * params**-0.6


def saturated(n: float, params: float) -> float:
    power = 12.0 * n**-0.5 + 6.0 * params**-0.5
    return 0.01 + 0.9 * power / (0.9 + power)


@pytest.mark.parametrize("truth", [crossed, bottleneck, steepening, saturated])
def test_grids_of_four_by_five_reach_ten_times_the_data_whatever_the_form_of_the_truth(truth):
    rng = np.random.default_rng(1)
    cells = [
        GridCell(n, tuple(truth(n, p) * np.exp(0.03 * rng.standard_normal(3))), params=p) for n in N for p in PARAMS
    ]
    law = fit_surface(cells, chance=0.91, n_draws=0)
    logs = logs_of(law, {"n_train": 100_000, "params": 200_000})

    assert np.exp(mean_log_error(law, logs)[0]) == pytest.approx(truth(1e5, 2e5), rel=0.2)


def test_a_record_holds_what_was_fitted(noisy_law):
    logs = logs_of(noisy_law, {"n_train": np.array([500.0, 1e4]), "params": 5000.0})

    assert sum(form["weight"] for form in noisy_law["forms"]) == pytest.approx(1.0)
    assert len(noisy_law["draws"]) == 60
    assert noisy_law["valid_range"] == {"n_train": pytest.approx([300, 1e4]), "params": pytest.approx([500, 8e4])}
    assert draw_log_errors(noisy_law, logs).shape == (60, 2)
    for draw in noisy_law["draws"]:
        assert len(draw) == 1 + len(noisy_law["forms"][draw[0]]["parameters"])


def test_doubt_grows_outside_the_range_and_a_new_run_is_less_sure_than_the_mean(noisy_law):
    logs = logs_of(noisy_law, {"n_train": [3000, 1e5, 1e7], "params": [5000, 3e5, 3e7]})
    scale = doubt(noisy_law, logs)

    assert (np.diff(scale) > 0).all()
    assert (half_width(noisy_law, logs, new_run=True) > half_width(noisy_law, logs)).all()
    assert (half_width(noisy_law, logs, level=90) > half_width(noisy_law, logs, level=80)).all()


def test_without_draws_every_interval_is_open():
    law = fit_surface(grid(), n_draws=0)

    assert law["draws"] == []
    assert law["interval"] is None
    assert doubt(law, logs_of(law, {"n_train": 1000, "params": 1000})) is None


def test_forms_that_saturate_need_a_chance_level_and_small_grids_carry_small_forms():
    data = table(grid(), ("n_train", "params"))
    small = data.part(np.arange(7))

    assert "saturating" in [form.name for form in candidates(data, 0.9)]
    assert "saturating" not in [form.name for form in candidates(data, None)]
    assert max(form.n_parameters for form in candidates(small, 0.9)) == 5


def test_a_loss_has_a_floor_in_every_form():
    data = table(grid(), ("n_train", "params"))

    assert all(form.floor for form in candidates(data, 10.8))
    assert not all(form.floor for form in candidates(data, 0.9))
    assert all(form.floor for form in candidates(data._replace(log_error=data.log_error + 3), None))


def test_a_depth_that_never_varies_is_dropped():
    cells = [
        GridCell(n, (0.01 + 2 * n**-0.4 + width**-1.0,), width=width, depth=2) for n in N for width in (4, 8, 16, 32)
    ]

    assert fit_surface(cells, variables=("n_train", "width", "depth"), n_draws=0)["variables"] == ["n_train", "width"]


def test_width_and_depth_are_told_apart():
    cells = [
        GridCell(n, (0.01 + 2 * n**-0.4 + 0.5 * width**-1.0 + 0.2 * depth**-2.0,), width=width, depth=depth)
        for n in N
        for width in (4, 8, 16, 32)
        for depth in (1, 2, 3)
    ]
    law = fit_surface(cells, variables=("n_train", "width", "depth"), n_draws=0)
    logs = logs_of(law, {"n_train": 3e4, "width": 64, "depth": 4})

    expected = 0.01 + 2 * 3e4**-0.4 + 0.5 / 64 + 0.2 / 16
    assert np.exp(mean_log_error(law, logs)[0]) == pytest.approx(expected, rel=0.05)


def test_width_and_depth_that_multiply_beside_the_data_are_recovered():
    cells = [
        GridCell(n, (0.02 + 3.0 * n**-0.4 + 2.0 * width**-0.9 * depth**-0.4,), width=width, depth=depth)
        for n in N
        for width in (4, 8, 16, 32)
        for depth in (1, 2, 4)
    ]
    member = fit_member(FORMULAS["additive-block"], table(cells, ("n_train", "width", "depth")), np.inf)
    parameters = member.form.parameters(member.theta[np.newaxis], member.centre, np.inf)[0]

    np.testing.assert_allclose(parameters, (3.0, 0.4, 2.0, 0.9, 0.4, 0.02), rtol=0.1)


@pytest.mark.parametrize("name", SURFACES)
def test_each_formula_is_that_of_the_registry(name):
    sizes = {"width": 12.0, "depth": 3.0} if name.endswith(("-shape", "-block")) else {"params": 700.0}
    logs = np.log([[137.0], *([size] for size in sizes.values())])
    theirs = evaluate(stored(name, n_draws=0), 137.0, **sizes).value

    assert np.exp(surface_forms.log_error(name, np.array([SURFACES[name]]), logs)[0, 0]) == pytest.approx(
        theirs, rel=1e-9
    )


def test_cells_that_agree_become_one_with_all_seeds():
    cells = grid()
    again = [GridCell(c.n_train, (c.errors[0] * 1.02,), params=c.params) for c in cells]
    merged = table(cells + again, ("n_train", "params"))

    assert len(merged.cells) == len(cells)
    assert {len(cell.errors) for cell in merged.cells} == {2}
    assert merged.run_sd == pytest.approx(0.02 / np.sqrt(2), rel=0.02)


def test_capped_cells_are_kept_as_points_and_not_fitted():
    high = GridCell(20_000, (0.9,), params=500, capped=True)
    law = fit_surface([*grid(), high], n_draws=0)

    assert law["valid_range"]["n_train"][1] == pytest.approx(1e4)
    assert law["points"][-1]["capped"] is True


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (grid()[:4], "at least 7 cells, got 4"),
        ([c for c in grid() if c.n_train < 3000], "at least 3 values of n_train, got 300, 1,000"),
        ([c for c in grid() if c.params in (500, 1500)], "at least 3 values of params"),
        ([*grid(), GridCell(5, (float("nan"),), params=3)], "error nan, expected a finite number"),
        ([*grid(), GridCell(5, (0.0,), params=3)], "no surface gets to 0"),
        ([*grid(), GridCell(5, (), params=3)], "has no errors, expected one a seed"),
        ([*grid(), GridCell(5, (0.3,))], "params None, expected a number from 1 up"),
        ([GridCell(c.n_train, (1 / c.errors[0],), params=c.params) for c in grid()], "does not fall with n_train"),
        (
            [GridCell(n, (3 * n**-0.4 * p**0.1,), params=p) for n in N for p in PARAMS],
            "error grows with params at the same n_train over these 20 cells",
        ),
    ],
)
def test_cells_that_carry_no_surface_are_refused_with_the_reason(cells, message):
    with pytest.raises(InvalidData, match=message):
        fit_surface(cells)


def test_weights_behind_the_back_test_error_have_not_seen_the_cells_held_out():
    data = table(grid(noise=0.03, seeds=3), ("n_train", "params"))
    forms = candidates(data, None)[:3]
    test = back_test(data, forms, np.inf, *outer_folds(data)[0])
    changed = data._replace(log_error=data.log_error + np.where(np.isin(np.arange(20), test.held), 0.5, 0.0))

    blind = weigh_blindly(data, forms, np.inf, test)

    assert blind.sum() == pytest.approx(1)
    assert blind.max() > blind.min()
    np.testing.assert_array_equal(weigh_blindly(changed, forms, np.inf, test), blind)


def test_cells_too_few_to_be_split_twice_weigh_forms_by_their_parameters():
    data = table([cell for cell in grid() if cell.n_train < 10_000 and cell.params < 20_000], ("n_train", "params"))
    forms = candidates(data, None)[:3]
    test = back_test(data, forms, np.inf, *outer_folds(data)[0])

    few = weigh_blindly(data, forms, np.inf, test._replace(train=test.train[:4]))

    np.testing.assert_allclose(few, weigh(np.ones(len(forms)), [form.n_parameters for form in forms]))


def test_sizes_without_effect_are_no_reason_to_refuse():
    flat = [[GridCell(c.n_train, tuple(3 * c.n_train**-0.4 * e / additive(c.n_train, c.params) for e in c.errors),
                      params=c.params) for c in grid(noise=0.03, seed=seed)] for seed in range(40)]  # fmt: skip

    assert all(len(table(cells, ("n_train", "params")).cells) == 20 for cells in flat)


def test_unknown_variables_and_forms_are_refused():
    with pytest.raises(UsageError, match="no surface in params, expected one of: n_train, params"):
        fit_surface(grid(), variables=("params",))
    with pytest.raises(UnknownName, match="Did you mean 'additive'"):
        surface_forms.log_error("aditive", np.ones((1, 5)), np.zeros((2, 1)))


def test_zero_errors_are_counts_where_the_size_of_validation_is_known():
    cells = [GridCell(c.n_train, (0.0,), params=c.params) if i == 19 else c for i, c in enumerate(grid())]

    assert np.exp(table(cells, ("n_train", "params"), n_val=999).log_error[-1]) == pytest.approx(0.5 / 1000)


def test_members_far_behind_the_best_have_no_weight():
    weights = weigh(np.array([0.01, 0.012, 0.05]), [5, 5, 5])

    assert weights.sum() == pytest.approx(1.0)
    assert weights[0] > weights[1] > 0
    assert weights[2] == 0


def test_of_two_members_alike_the_simpler_counts_for_more():
    simple, rich = weigh(np.array([0.0101, 0.01]), [4, 6])

    assert simple > 0.9
    assert rich > 0


@pytest.mark.parametrize("form", [*SIZE_FORMS, *SHAPE_FORMS], ids=lambda form: form.name)
def test_a_form_as_fitted_is_the_formula_as_written(form):
    rng = np.random.default_rng(1)
    n_variables = 1 + max(v for term in form.terms for v, _ in term)
    logs = rng.uniform(1, 10, size=(n_variables, 7))
    centre = logs.mean(axis=1)
    theta = form.starts(np.log(rng.uniform(0.1, 0.5, size=(1, 7))), 5)[0]
    fitted = form.log_error(theta, logs - centre[:, np.newaxis], 0.9)
    written = surface_forms.log_error(form.written_as, form.parameters(theta, centre, 0.9), logs)

    np.testing.assert_allclose(written, fitted, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("formula", "parameters", "expected"),
    [
        ("additive", (3, 0.5, 2, 0.25, 0.1), 0.1 + 3 / 10 + 2 / 10),
        ("envelope", (3, 0.5, 2, 0.25, 0.1, 0.9, 0.8), 0.9 * 0.6 / np.hypot(0.6, 0.8)),
        ("saturating", (3, 0.5, 2, 0.25, 0.1, 0.9), 0.1 + 0.8 * 0.5 / (0.8 + 0.5)),
        ("product", (3, 0.5, 0.25, 0.1), 0.1 + 3 / 100),
        ("power-mean", (3, 0.5, 2, 0.25, 0.1, 0.5), 0.1 + np.hypot(0.3, 0.2)),
        ("crossed", (3, 0.5, 0.25, 2, 0.25, 0.1), 0.1 + 3 / 100 + 2 / 10),
        ("saturating-mean", (3, 0.5, 4, 0.25, 0.1, 0.5, 0.9), 0.1 + 0.8 * 0.5 / (0.8 + 0.5)),
    ],
)  # fmt: skip
def test_formulas_say_what_their_names_promise(formula, parameters, expected):
    logs = np.log([[100.0], [10_000.0]])

    assert np.exp(surface_forms.log_error(formula, np.array([parameters], float), logs)[0, 0]) == pytest.approx(
        expected
    )


def test_few_cells_that_missed_nothing_do_not_make_the_slope_known():
    distance, weight, slope = np.array([0.5, 1.0, 2.0]), np.ones(3), 0.4
    few, many = (drift_of(np.zeros(3), distance, weight, slope, n_cells) for n_cells in (12, 1200))

    assert few == pytest.approx(0.5 * slope * 0.5**0.5)
    assert many == pytest.approx(0.1 * slope)  # no slope is known better than to a tenth
    assert drift_of(np.zeros(3), np.zeros(3), weight, slope, 1200) == pytest.approx(0.5 * slope)


def test_what_many_cells_missed_far_out_is_the_drift():
    distance, weight = np.array([0.5, 1.0, 2.0]), np.ones(3)

    assert drift_of((0.3 * distance) ** 2, distance, weight, 0.4, 12_000) == pytest.approx(0.3, rel=1e-3)
