"""What laws answer of metrics that are no fractions: R2, which may lie below 0, and bits per byte, often above 1."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import registry
from tests.example_record import example_record
from tests.laws import INTERVAL, stored
from tests.unit.conftest import Result, write

pytestmark = pytest.mark.usefixtures("alone")

Guides = Callable[..., Result]
R2 = {"name": "r2", "unit": "r2", "direction": "higher", "chance": 0.0}
BITS = {"name": "bits", "unit": "bits-per-byte", "direction": "lower", "chance": 3.0}
FLOOR = {"r2": {"value": 0.1, "low": 0.05, "high": 0.15}, "bits": {"value": 1.5, "low": 1.3, "high": 1.7}}
CHANCE = {"r2": 1.0, "bits": 3.0}  # in the law: an error
LEAST = {"r2": 0.1, "bits": 1.5}


def recorded(root: Path, metric: dict[str, Any], *, surface: bool = False, **changes: Any) -> None:
    """Write a record of a metric, nothing but its law: floor + 20 / sqrt(n) (+ 5 / sqrt(params))."""
    record, _ = example_record()
    record["law"] = example_record(surface=surface)[0]["law"]
    name = metric["name"]
    law = stored("additive" if surface else "power-law", n_draws=20)
    parameters = law["forms"][0]["parameters"]
    if surface:
        new = {"data_coefficient": 20.0, "data_exponent": 0.5, "size_coefficient": 5.0, "size_exponent": 0.5}
        law["valid_range"] = {"n_train": [60, 1000], "params": [160, 2410]}
    else:
        new = {"coefficient": 20.0, "exponent": 0.5}
        law["valid_range"] = {"n_train": [60, 1000]}
    parameters |= {**new, "floor": LEAST[name]}
    law["draws"] = [[0, 20 * math.exp(0.1 * math.sin(i)), *list(parameters.values())[1:]] for i in range(20)]
    law |= {"chance": CHANCE[name], "irreducible_error": FLOOR[name], "width_floor": None, **changes}
    record["question"]["metric"] = metric
    record["frontier"], record["knee"] = [], []
    record["law"].update(law)
    write(root, record)


def error(metric: dict[str, Any], n: float) -> float:
    return LEAST[metric["name"]] + 20 / math.sqrt(n)


def value(metric: dict[str, Any], n: float) -> float:
    return 1 - error(metric, n) if metric is R2 else error(metric, n)


def answers(guides: Guides, root: Path, *question: str) -> list[dict[str, Any]]:
    result = guides(*question, "--json", "--registry", root)
    assert result.err.splitlines() == []
    assert result.code == 0
    found: list[dict[str, Any]] = json.loads(result.out)["answers"]
    return found


@pytest.mark.parametrize("metric", [R2, BITS], ids=["r2", "bits"])
@pytest.mark.parametrize("n", [60, 100, 1000])
def test_a_network_may_be_predicted_to_do_worse_than_the_best_constant_answer(
    guides: Guides, root: Path, metric: dict[str, Any], n: int
) -> None:
    recorded(root, metric)
    (answer,) = answers(guides, root, "predict", "--task", "image-cls", "--n-train", str(n))
    low, high = answer["mean"]["90"]

    assert answer["error"] == pytest.approx(error(metric, n))
    assert answer["value"] == pytest.approx(value(metric, n))
    assert low < answer["value"] < high
    assert answer["one_run"]["90"][0] < low < answer["mean"]["80"][0]
    assert sorted((value(metric, n), answer["with_endless_data"])) == pytest.approx(
        sorted((value(metric, n), 1 - 0.1 if metric is R2 else 1.5))
    )


@pytest.mark.parametrize("metric", [R2, BITS], ids=["r2", "bits"])
@pytest.mark.parametrize("n", [60, 120, 400])
def test_data_needed_inverts_predict_above_and_below_chance(
    guides: Guides, root: Path, metric: dict[str, Any], n: int
) -> None:
    recorded(root, metric)
    target = f"{metric['name']}={value(metric, n)!r}"
    (answer,) = answers(guides, root, "data-needed", "--task", "image-cls", "--target", target, "--extrapolate")
    needed = answer["n_train"]

    assert needed["value"] == pytest.approx(n, rel=1e-9)
    assert 1 < needed["low"] < n < needed["high"]


@pytest.mark.parametrize(("metric", "easy", "hard"), [(R2, -1.0, 0.9), (BITS, 4.0, 1.6)], ids=["r2", "bits"])
def test_targets_are_met_or_missed_by_the_right_side(
    guides: Guides, root: Path, metric: dict[str, Any], easy: float, hard: float
) -> None:
    recorded(root, metric)
    name = metric["name"]
    targets = ("--target", f"{name}={easy}", "--target", f"{name}={hard}", "--target", f"{name}={value(metric, 500)}")
    question = ("predict", "--task", "image-cls", "--n-train", "500", *targets)
    (answer,) = answers(guides, root, *question)
    out = guides(*question, "--registry", root).out

    assert [each["verdict"] for each in answer["targets"]] == ["met", "missed", "undecided"]
    assert f"image-cls, validation {name} after training on 500 examples" in out
    assert f"wice the examples {value(metric, 1000):.3f}." in out
    assert ("The floor binds: by the law endless data, far outside the range, bring 1.500." in out) == (metric is BITS)


@pytest.mark.parametrize("metric", [R2, BITS], ids=["r2", "bits"])
def test_at_chance_nothing_binds_and_nothing_is_cut(guides: Guides, root: Path, metric: dict[str, Any]) -> None:
    recorded(root, metric)
    out = guides("predict", "--task", "image-cls", "--n-train", "60", "--registry", root).out

    assert "The law says chance here: what binds cannot be told." in out
    assert f"  {value(metric, 60):.3f}  [" in out


@pytest.mark.parametrize(
    ("metric", "target", "message"),
    [
        (R2, "r2=0.96", "no amount of data reaches r2 0.960: the floor's 90 % interval is r2 0.850 to 0.950"),
        (R2, "r2=1", "no amount of data reaches r2 1.000: the floor's 90 % interval is r2 0.850 to 0.950"),
        (
            R2,
            "r2=0.92",
            "r2 0.920 is undecided: the law levels off at r2 0.900, and the floor may lie on either side of it "
            "(90 % sure: 0.850 to 0.950)",
        ),
        (BITS, "bits=1.2", "no amount of data reaches bits 1.200: the floor's 90 % interval is bits 1.300 to 1.700"),
        (BITS, "bits=0", "no amount of data reaches bits 0.000: the floor's 90 % interval is bits 1.300 to 1.700"),
        (
            BITS,
            "bits=1.4",
            "bits 1.400 is undecided: the law levels off at bits 1.500, and the floor may lie on either side of it "
            "(90 % sure: 1.300 to 1.700)",
        ),
        (
            BITS,
            "bits=2",
            "bits 2.000 needs about 1,600 training examples, outside the range 60 to 1,000 that the law was fitted on",
        ),
        (
            R2,
            "r2=0.4",
            "r2 0.400 needs about 1,600 training examples, outside the range 60 to 1,000 that the law was fitted on",
        ),
    ],
)
def test_what_no_data_reach_is_said_in_the_metric(
    guides: Guides, root: Path, metric: dict[str, Any], target: str, message: str
) -> None:
    recorded(root, metric)
    result = guides("data-needed", "--task", "image-cls", "--target", target, "--registry", root)

    assert result.code == 3
    assert result.err.splitlines()[0] == f"image-cls/digits/mlp v1: {message}"


@pytest.mark.parametrize(("metric", "target"), [(R2, -0.2), (BITS, 2.6)], ids=["r2", "bits"])
def test_the_cheapest_mix_meets_a_target_of_any_metric(
    guides: Guides, root: Path, metric: dict[str, Any], target: float
) -> None:
    recorded(root, metric, surface=True)
    asked = ("tradeoff", "--task", "image-cls", "--target", f"{metric['name']}={target}")
    (answer,) = answers(guides, root, *asked)
    mix, out = answer["mix"], guides(*asked, "--registry", root).out

    assert mix["value"] == pytest.approx(target, abs=1e-6)
    assert mix["error"] == pytest.approx(LEAST[metric["name"]] + 20 / mix["n_train"] ** 0.5 + 5 / mix["params"] ** 0.5)
    assert f"the cheapest mix for validation {metric['name']} {target:.3f}, predicted" in out


@pytest.mark.parametrize("metric", [R2, BITS], ids=["r2", "bits"])
def test_the_best_mix_for_a_budget_is_the_same_in_every_metric(
    guides: Guides, root: Path, metric: dict[str, Any]
) -> None:
    recorded(root, metric, surface=True)
    (answer,) = answers(guides, root, "tradeoff", "--task", "image-cls", "--budget-flops", "1e9")
    beside = [mix["error"] for mix in answer["beside"]]

    assert answer["mix"]["error"] > 1
    assert answer["mix"]["value"] == pytest.approx(
        1 - answer["mix"]["error"] if metric is R2 else answer["mix"]["error"]
    )
    assert answer["mix"]["error"] < min(beside)


@pytest.mark.parametrize("metric", [R2, BITS], ids=["r2", "bits"])
def test_changes_above_chance_are_told_apart(guides: Guides, root: Path, metric: dict[str, Any]) -> None:
    recorded(root, metric, surface=True)
    question = ("tradeoff", "--task", "image-cls", "--at", "70,500", "--compare", "data*2,params*2")
    (answer,) = answers(guides, root, *question)
    now, then = answer["mix"]["error"], answer["changes"][0]["mix"]["error"]

    assert then > 1  # of R2 chance: cut there, no change would help
    assert answer["changes"][0]["error_ratio"]["value"] == pytest.approx(then / now)
    assert answer["winner"] == "data*2"


def test_outside_the_range_a_mix_that_may_be_as_bad_as_guessing_is_left_out(guides: Guides, root: Path) -> None:
    recorded(root, R2, surface=True, interval={**INTERVAL, "drift": 1.0}, chance=None)  # that of R2 is known
    result = guides("tradeoff", "--task", "image-cls", "--target", "r2=0.55", "--extrapolate", "--registry", root)

    assert "90 % interval reaches down to chance" in result.out + result.err


def test_from_python_too_r2_lies_below_0(root: Path) -> None:
    recorded(root, R2)
    (found,) = registry.predict("image-cls", 60, registry=[str(root)])
    (needed,) = registry.data_needed("image-cls", -1.0, metric="r2", registry=[str(root)])

    assert found.error.value > 2
    assert found.source.metric(found.error.value) < -1
    assert needed.bounds is not None
    assert needed.bounds.value == pytest.approx((20 / 1.9) ** 2)
