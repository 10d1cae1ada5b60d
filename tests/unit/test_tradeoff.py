"""Data against parameters: the cheapest mix, the best for a budget, and paired verdicts on changes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import registry
from registry.commands.tradeoff import budget
from registry.errors import NoAnswer, OutsideRange, UsageError
from registry.laws import weighing
from registry.laws.costing import Costing
from tests.example_record import BATCH, example_record, write_record
from tests.unit.conftest import Result

pytestmark = pytest.mark.usefixtures("alone")

Guides = Callable[..., Result]
PER_PARAM = ((1184 / 610) ** 2 * 1776 / 910) ** (1 / 3)  # flops a parameter of the example's networks and knee


def surface(n: float, params: float) -> float:
    return float(0.01 + 1.2 * n**-0.5 + 0.8 * params**-0.6)


def seen(n: float) -> float:
    """Return the examples that a run sees by a line through the logs of the example's cells."""
    sizes = [60, 120, 250, 500, 1000]
    slope, start = np.polyfit(np.log(sizes), np.log([1000 * round(size**0.5) for size in sizes]), 1)
    return float(BATCH * np.exp(start + slope * np.log(n)))


def flops(n: float, params: float) -> float:
    return 3 * PER_PARAM * params * seen(n)


def with_law(root: Path, **changes: Any) -> list[str]:
    """Write an example record whose law is in n_train and params, with other values for some of its fields."""
    record, files = example_record(surface=True)
    record["law"].update(changes)
    write_record(root, record, files)
    return [str(root)]


def envelope(result: Result) -> dict[str, Any]:
    assert (result.code, result.err) == (0, "")
    values: dict[str, Any] = json.loads(result.out)
    return values


def data_for(error: float, params: float) -> float:
    above = error - 0.01 - 0.8 * params**-0.6
    return float((1.2 / above) ** 2) if above > 0 else math.inf


@pytest.mark.parametrize("prices", [(None, None), (1.0, 1e-8), (1.0, None), (None, 2.0)])
def test_the_cheapest_mix_for_a_target_is_the_one_found_by_search(
    root: Path, prices: tuple[float | None, float | None]
) -> None:
    where = with_law(root)
    per_example, per_flop = (0.0, 1.0) if prices == (None, None) else (prices[0] or 0.0, prices[1] or 0.0)

    def cost(log_params: float) -> float:
        n = max(data_for(0.06, math.exp(log_params)), 60)
        return math.inf if n > 1000 else per_example * n + per_flop * flops(n, math.exp(log_params))

    grid = np.linspace(math.log(160), math.log(2410), 20_001)
    best = min(map(cost, grid))
    (found,) = registry.tradeoff(
        "image-cls", 0.94, price_per_example=prices[0], price_per_flop=prices[1], registry=where
    )

    assert surface(found.mix.n_train, found.mix.params) == pytest.approx(0.06)
    assert cost(math.log(found.mix.params)) == pytest.approx(best, rel=1e-4)
    assert found.mix.train_flops == pytest.approx(flops(found.mix.n_train, found.mix.params))
    assert found.mix.cost == (None if prices == (None, None) else pytest.approx(best, rel=1e-4))
    assert all(surface(mix.n_train, mix.params) == pytest.approx(0.06) for mix in found.beside)


def test_the_best_mix_for_a_budget_is_the_one_found_by_search(root: Path) -> None:
    where = with_law(root)
    slope = math.log(seen(math.e) / seen(1))

    def error(log_params: float) -> float:
        n = (1e10 / (3 * PER_PARAM * math.exp(log_params)) / seen(1)) ** (1 / slope)
        return math.inf if n < 1 else surface(n, math.exp(log_params))

    best = minimize_scalar(error, bounds=(math.log(16), math.log(24_100)), method="bounded", options={"xatol": 1e-9})
    (found,) = registry.tradeoff("image-cls", budget_flops=1e10, extrapolate=True, registry=where)

    assert found.mix.forecast.error.value == pytest.approx(best.fun, rel=1e-6)
    assert found.mix.params == pytest.approx(math.exp(best.x), rel=1e-2)
    assert found.mix.train_flops == pytest.approx(1e10)
    assert found.mix.forecast.error.outside > 0
    (inside,) = registry.tradeoff("image-cls", budget_flops=1e10, registry=where)
    assert 60 <= inside.mix.n_train <= 1000 * (1 + 1e-9)
    assert inside.mix.forecast.error.outside == 0


def test_where_steps_do_not_grow_with_the_data_the_budget_only_bounds_the_params(root: Path) -> None:
    points = example_record(surface=True)[0]["law"]["points"]
    where = with_law(root, points=[{**point, "steps": 2000} for point in points])
    (found,) = registry.tradeoff("image-cls", budget_flops=3 * PER_PARAM * 1000 * 2000 * BATCH, registry=where)

    assert found.costing.slope == 0
    assert (found.mix.n_train, found.mix.params) == (pytest.approx(1000), pytest.approx(1000, rel=1e-3))


def test_what_no_budget_or_mix_reaches_is_refused_with_what_would(guides: Guides, filled: Path) -> None:
    ask = ("tradeoff", "--task", "image-cls", "--registry", filled)

    assert guides(*ask, "--budget-flops", "10").err.splitlines() == [
        "image-cls/digits/cnn v1: 10 train flops are too few for any mix in the range; "
        f"the smallest takes about {flops(60, 160):.3g}",
        "  give more, or --extrapolate",
    ]
    assert guides(*ask, "--target-acc", "0.96").err.splitlines() == [
        "image-cls/digits/cnn v1: no mix in the range reaches accuracy 0.960: "
        "with 1,000 examples and 2,410 params the law predicts 0.945",
        "  more data: with as many params about 2,840 examples, outside the range: --extrapolate",
    ]
    assert guides(*ask, "--target-acc", "0.99").err.splitlines()[1] == (
        "  other inputs, resolution, labels or family may; more data or params hardly will"
    )
    assert guides(*ask, "--target-acc", "0.999", "--extrapolate").code == 3


def test_where_what_is_irreducible_is_open_no_mix_is_said_to_be_hopeless(guides: Guides, root: Path) -> None:
    with_law(root, irreducible_error={"value": 0.01, "low": None, "high": 0.02})
    result = guides("tradeoff", "--task", "image-cls", "--target-acc", "0.99", "--registry", root)

    assert result.err.splitlines()[1] == (
        "  undecided, as what is irreducible is open: other inputs, resolution, labels or family may help more"
    )


def test_a_law_in_data_alone_cannot_weigh_them(guides: Guides, filled: Path) -> None:
    result = guides("tradeoff", "--task", "tabular-cls", "--target-acc", "0.9", "--registry", filled)

    assert (result.code, result.out) == (3, "")
    assert result.err.splitlines() == [
        "no law for tabular-cls is in params; that of tabular-cls/wine/mlp v1 is in n_train alone, "
        "for width 8, depth 1",
        "  guides predict and guides data-needed answer without params",
    ]


def test_changes_are_compared_pairwise(root: Path) -> None:
    where = with_law(root)
    changes = [("n_train", 2.0), ("params", 4.0)]
    (found,) = registry.tradeoff("image-cls", at=(200, 500), changes=changes, registry=where)
    data, size = found.changes

    assert data.ratio.ratio == pytest.approx(surface(400, 500) / surface(200, 500))
    assert size.ratio.ratio == pytest.approx(surface(200, 2000) / surface(200, 500))
    assert data.ratio.low < data.ratio.ratio < data.ratio.high < size.ratio.low
    assert (found.winner, found.priced, data.extra) == (0, False, None)


def test_prices_may_turn_the_verdict(guides: Guides, filled: Path) -> None:
    ask = ("tradeoff", "--task", "image-cls", "--at", "200,500", "--compare", "data*2", "--compare", "params*4")
    dear_data = ("--price-per-example", "1", "--price-per-flop", "1e-9")
    plain = envelope(guides(*ask, "--json", "--registry", filled))["answers"][0]
    priced = envelope(guides(*ask, *dear_data, "--json", "--registry", filled))["answers"][0]

    assert (plain["winner"], plain["verdict"]) == ("data*2", "data*2 helps more.")
    assert (priced["winner"], priced["verdict"]) == ("params*4", "params*4 helps more per price.")
    assert priced["changes"][0]["extra_cost"] == pytest.approx(200 + 1e-9 * (flops(400, 500) - flops(200, 500)))


def test_a_change_that_costs_nothing_is_weighed_without_prices(root: Path) -> None:
    where = with_law(root)
    changes = [("n_train", 0.5), ("params", 2.0)]
    (found,) = registry.tradeoff("image-cls", at=(200, 500), changes=changes, price_per_example=1.0, registry=where)

    assert found.changes[0].extra == -100
    assert (found.priced, found.winner) == (False, 1)


def scattered(record: dict[str, Any], by: float) -> list[list[float]]:
    """Return draws in which data and params trade places, by such a share."""
    (form,) = record["law"]["forms"]
    values = [form["parameters"][key] for key in ("data_coefficient", "data_exponent", "size_coefficient")]
    return [
        [0, values[0] * math.exp(sign * by), values[1], values[2] * math.exp(-2 * sign * by), 0.6, 0.01]
        for sign in (-1, 1)
    ]


@pytest.mark.parametrize(("by", "verdict"), [(0.01, "params*4 helps more."), (0.3, "Undecided: the paired 90 % in")])
def test_where_the_paired_interval_covers_equality_it_is_undecided(
    guides: Guides, root: Path, by: float, verdict: str
) -> None:
    with_law(root, draws=scattered(example_record(surface=True)[0], by))
    ask = ("tradeoff", "--task", "image-cls", "--at", "900,160", "--compare", "data*1.1,params*4", "--registry", root)

    assert any(line.strip().startswith(verdict) for line in guides(*ask).out.splitlines())


def test_without_draws_nothing_is_decided(guides: Guides, root: Path) -> None:
    with_law(root, draws=[])
    ask = ("tradeoff", "--task", "image-cls", "--at", "200,500", "--registry", root, "--compare")
    one, two = guides(*ask, "data*2").out.splitlines(), guides(*ask, "data*2,params*4").out.splitlines()

    assert "  Undecided: the 90 % interval of data*2 covers no change." in one
    assert "  Undecided: the paired 90 % interval covers that the changes help alike." in two
    assert one[3].split()[-2:] == ["0.782", "[open]"]


def test_one_change_helps_or_not(guides: Guides, filled: Path) -> None:
    ask = ("tradeoff", "--task", "image-cls", "--at", "200,500", "--registry", filled, "--compare")

    assert "  data*2 helps." in guides(*ask, "data*2").out.splitlines()
    assert "  Undecided: the 90 % interval of data*0.5 covers no change." not in guides(*ask, "data*0.5").out
    assert "  data*0.5 does not help." in guides(*ask, "data*0.5").out.splitlines()


def test_a_mix_outside_the_range_is_refused_unless_told(root: Path) -> None:
    where = with_law(root)

    with pytest.raises(OutsideRange, match="n_train 1,800 lies outside the range 60 to 1,000"):
        registry.tradeoff("image-cls", at=(900, 500), changes=[("n_train", 2.0)], registry=where)
    (found,) = registry.tradeoff(
        "image-cls", at=(900, 500), changes=[("n_train", 2.0)], extrapolate=True, registry=where
    )
    assert found.changes[0].mix.forecast.error.outside == pytest.approx(math.log(1.8))


def test_it_prints_the_mix_what_stands_beside_it_and_how_training_was_counted(guides: Guides, filled: Path) -> None:
    result = guides("tradeoff", "--task", "image-cls", "--target-acc", "0.9", "--registry", filled)

    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "image-cls, digits/cnn v1: the cheapest mix for validation accuracy 0.900, predicted, not measured:",
        "        examples  params  train flops  accuracy  90 % of the mean",
        "  best       535     160     6.92e+08     0.900    [0.893, 0.906]",
        "             343     320     1.11e+09     0.900    [0.892, 0.907]",
        "  These params are at an end of the range: beyond it may be better still (--extrapolate).",
        "  Fitted on n_train 60 to 1,000, params 160 to 2,410, at depth 1.",
        "  Fitted without its largest cells it missed their error by 4 %.",
        "  Train flops are 3 x flops x examples seen; flops are 1.94 x params (as in the record's networks),",
        "  examples seen grow as n_train ** 0.49, as in its cells.",
    ]


def test_rows_outside_the_range_are_marked_and_the_end_of_what_was_looked_at_too(guides: Guides, filled: Path) -> None:
    ask = ("tradeoff", "--task", "image-cls", "--target-acc", "0.8", "--extrapolate", "--registry", filled)
    lines = guides(*ask).out.splitlines()
    (answer,) = envelope(guides(*ask, "--json"))["answers"]

    assert lines[1].split()[-1] == "range"
    assert [line.split()[-1] for line in lines[2:4]] == ["outside", "outside"]
    assert "  Outside the range nothing was measured; intervals there are widened for the distance." in lines
    assert answer["mix"]["outside_range"] is True
    assert answer["mix"]["params"] < 160
    assert "(--extrapolate)" not in "".join(lines)


def test_an_end_of_the_widened_range_is_flagged(guides: Guides, filled: Path) -> None:
    ask = ("tradeoff", "--task", "image-cls", "--budget-flops", "1e20", "--extrapolate", "--registry", filled)
    lines = guides(*ask).out.splitlines()
    (answer,) = envelope(guides(*ask, "--json"))["answers"]

    assert (answer["mix"]["params"], answer["mix"]["n_train"]) == (pytest.approx(24_100), pytest.approx(100_000))
    assert answer["mix"]["params_at_end_of_range"] is True
    assert (
        "  These params are at an end of those looked at, outside the range: further out may be better still." in lines
    )
    assert "  Left out, though some may be better: mixes more than 100 times outside the range." in lines


def test_no_mix_lies_more_than_100_times_outside_the_range(root: Path, guides: Guides) -> None:
    with_law(root)
    ask = ("tradeoff", "--task", "image-cls", "--target-acc", "0.984", "--extrapolate", "--registry", root)
    (answer,) = envelope(guides(*ask, "--json"))["answers"]
    refused = guides("tradeoff", "--task", "image-cls", "--target-acc", "0.988", "--extrapolate", "--registry", root)

    assert data_for(0.016, answer["mix"]["params"] / 2) > 100_000  # what would stand beside it
    assert [mix["params"] > answer["mix"]["params"] for mix in answer["beside"]] in ([True], [])
    assert answer["mix"]["n_train"] <= 100_000 * (1 + 1e-6)
    assert answer["left_out"] == ["more than 100 times outside the range"]
    assert refused.code == 3
    assert refused.err.splitlines()[1] == (
        "  outside it only mixes that are left out: more than 100 times outside the range"
    )


def test_no_mix_outside_the_range_may_be_as_bad_as_guessing(root: Path, guides: Guides) -> None:
    doubt = {"factor80": 1.3, "factor90": 1.6, "noise": 0.02, "drift": 0.8, "run_sd": 0.05}
    with_law(root, interval=doubt, chance=0.9)
    everything = ("tradeoff", "--task", "image-cls", "--extrapolate", "--registry", root)
    ask = (*everything, "--target-acc", "0.75")
    refused = guides(*everything, "--budget-flops", "1e20")
    (answer,) = envelope(guides(*ask, "--json"))["answers"]
    out = guides(*ask).out

    assert all(mix["mean"]["90"][0] > 0.1 for mix in (answer["mix"], *answer["beside"]))
    assert "outside the range whose 90 % interval reaches down to chance" in answer["left_out"]
    assert "  Left out, though some may be better: mixes outside the range whose 90 % interval reaches down" in out
    assert refused.code == 3
    assert "1e+20 train flops are enough only for mixes that are left out: more than 100 times" in refused.err


def test_changes_that_lead_outside_are_marked_in_their_rows(guides: Guides, filled: Path) -> None:
    ask = ("tradeoff", "--task", "image-cls", "--at", "900,500", "--compare", "data*2,data*1000,params*1.1")
    lines = guides(*ask, "--extrapolate", "--registry", filled).out.splitlines()

    assert [line.split("  ")[-1].strip() for line in lines[2:6]] == ["inside", "outside", "far outside", "inside"]
    assert "range" not in guides(*ask[:-1], "data*1.1", "--registry", filled).out.splitlines()[1]


@pytest.mark.parametrize(("text", "flops"), [("1T", 1e12), ("0.5G", 5e8), ("7e9", 7e9), (" 2k ", 2e3)])
def test_a_budget_may_be_told_with_a_letter(text: str, flops: float) -> None:
    assert budget(text) == flops


@pytest.mark.parametrize("text", ["T", "1TT", "-1G", "0k", "1t"])
def test_a_budget_that_is_no_number_of_flops_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a number"):
        budget(text)


@pytest.mark.parametrize(("side", "per_param"), [(8, 1.0), (16, 4.0), (4, 0.25)], ids=["same", "larger", "smaller"])
def test_flops_are_those_at_the_resolution_of_the_laws_cells(root: Path, side: int, per_param: float) -> None:
    record, files = example_record(surface=True)
    for point in (*record["frontier"], *record["knee"]):
        point["shape"]["resolution"] = side
        point["flops"] = 40 * point["params"]
    for point in record["law"]["points"]:
        point["resolution"] = 8
    write_record(root, record, files)
    (found,) = registry.tradeoff("image-cls", 0.9, registry=[str(root)])

    assert found.costing.flops_per_param == pytest.approx(40 / per_param)
    assert found.costing.sides == (None if side == 8 else (side, 8))
    wording = "\n".join(weighing._rests(found.source, found.costing))
    assert (f"by pixels from the record's networks, resolution {side}, to 8" in wording) == (side != 8)


def test_a_record_that_does_not_say_how_it_trained_is_counted_as_dense_and_one_epoch(root: Path) -> None:
    record, files = example_record(surface=True)
    for point in (*record["frontier"], *record["knee"]):
        point["flops"] = None
    write_record(root, record, files)
    (found,) = registry.tradeoff("image-cls", 0.9, registry=[str(root)])

    assert (found.costing.flops_per_param, found.costing.measured) == (2.0, False)
    assert Costing(2.0, False, 0.0, 1.0, fitted=False).train_flops(100, 50) == pytest.approx(3 * 2 * 50 * 100)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"target": 0.9, "budget_flops": 1e9},
        {"at": (200, 500)},
        {"target": 0.9, "changes": [("n_train", 2.0)]},
    ],
)
def test_from_python_too_it_is_one_question_at_a_time(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="give exactly one of a target, a budget, or a mix with changes"):
        registry.tradeoff("image-cls", **wrong)


def test_an_unknown_task_has_no_law(root: Path) -> None:
    with pytest.raises(NoAnswer):
        registry.tradeoff("image-cls", 0.9, registry=[str(root)])


@pytest.mark.parametrize(
    "asked",
    [("--target-acc", "0.9"), ("--budget-flops", "1G"), ("--at", "200,500", "--compare", "data*2")],
    ids=["target", "budget", "changes"],
)
def test_every_table_says_that_it_is_of_validation(guides: Guides, filled: Path, asked: tuple[str, ...]) -> None:
    result = guides("tradeoff", "--task", "image-cls", *asked, "--registry", filled)

    assert "validation accuracy" in result.out.splitlines()[0]
    assert max(map(len, result.out.splitlines())) <= 100
