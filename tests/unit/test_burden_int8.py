"""What int8 does to k, from networks that stand in both precisions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness import vision
from harness.burden import report
from harness.burden.answer import burden, collect
from harness.burden.int8 import Pair, effect, pairs
from harness.published.zoo import counts
from tests.published_points import point, record
from tests.shipped import ROOT

ACCURACY = {"name": "accuracy", "unit": "fraction", "direction": "higher", "chance": None}
FILLED: dict[str, Any] = {
    "resolution": None,
    "input_shape": None,
    "metrics": {},
    "precision": None,
    "train_flops_source": None,
}


def figure(name: str, error: float, precision: str | None, **changes: Any) -> dict[str, Any]:
    return {**FILLED, **point(name, error, None, precision=precision), **changes}


def named(points: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    return [(one.name, round(one.error, 9), round(one.int8_error, 9)) for one in pairs([record(points)], ACCURACY)]


def both(slope: float, n: int, level: float = 0.05) -> list[Pair]:
    errors = [0.1 * 1.1**i for i in range(n)]
    return [Pair(f"net {i}", error, 2.718281828459045**level * error**slope) for i, error in enumerate(errors)]


def test_a_network_and_its_int8_form_are_told_by_their_precision() -> None:
    points = [
        figure("resnet18 IMAGENET1K_V1", 0.30, "float32"),
        figure("quantized_resnet18 IMAGENET1K_FBGEMM_V1", 0.31, "int8"),
        figure("Mobile v1 at 96 in float32", 0.4, "float32", resolution=96),
        figure("Mobile v1 at 96 in int8", 0.42, "int8", resolution=96),
    ]

    assert named(points) == [
        ("quantized_resnet18 IMAGENET1K_FBGEMM_V1", 0.3, 0.31),
        ("Mobile v1 at 96 in int8", 0.4, 0.42),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"precision": "float32"}, id="floats again"),
        pytest.param({"precision": None}, id="a precision nobody states"),
        pytest.param({"resolution": 128}, id="another input"),
        pytest.param({"route": "pruned"}, id="another route"),
        pytest.param({"name": "resnet18 IMAGENET1K_FBGEMM_V2"}, id="another training"),
        pytest.param({"low": None, "high": None}, id="a limit"),
        pytest.param({"value": 1.0}, id="no error"),
    ],
)
def test_what_differs_in_more_than_precision_is_no_pair(changes: dict[str, Any]) -> None:
    one = figure("resnet18 IMAGENET1K_V1", 0.3, "float32", resolution=224)
    other = figure("resnet18 IMAGENET1K_FBGEMM_V1", 0.31, "int8", resolution=224)

    assert len(named([one, other])) == 1
    assert named([one, {**other, **changes}]) == []


def test_errors_that_grow_in_proportion_leave_k_as_it_is() -> None:
    found = effect(both(1.0, 12))

    assert found is not None
    assert found.slope is not None
    assert found.slope == pytest.approx((1, 1, 1))
    assert found.exponent(9.0) == pytest.approx((9, 9, 9))
    assert found.ratio == pytest.approx((1.0512711,) * 3)


def test_errors_that_grow_faster_flatten_k() -> None:
    found = effect(both(1.5, 12))

    assert found is not None
    assert found.exponent(9.0) == pytest.approx((6, 6, 6))


@pytest.mark.parametrize(("n", "told"), [(9, False), (10, True)])
def test_ten_networks_in_both_tell_what_int8_does_to_k(n: int, told: bool) -> None:
    found = effect(both(1.1, n))

    assert found is not None
    assert (found.n, found.slope is not None, found.exponent(9.0) is not None) == (n, told, told)


def test_nothing_is_said_where_no_network_stands_in_both() -> None:
    assert effect([]) is None


def test_errors_that_fall_where_floats_rise_say_nothing_of_k() -> None:
    found = effect(both(-1.0, 12))

    assert found is not None
    assert found.slope is not None
    assert found.exponent(9.0) is None


def shipped() -> list[dict[str, Any]]:
    """Every published record of ImageNet, its points filled."""
    found = []
    for path in sorted((ROOT / "image-cls" / "imagenet-1k").glob("*/v1/guideline.json")):
        values = json.loads(path.read_bytes())
        found.append({**values, "frontier": [FILLED | one for one in values["frontier"]]})
    return found


def test_every_int8_network_of_torchvision_stands_beside_the_one_it_was_made_from() -> None:
    vision.load()
    made = {str(one): str(one.meta["unquantized"]) for one in counts.every() if "unquantized" in one.meta}
    where = {one["name"]: one["where"] for values in shipped() for one in values["frontier"]}
    float_of = {one.name: one.error for one in pairs(shipped(), ACCURACY)}
    error_at = {one["where"]: 1 - one["value"] for values in shipped() for one in values["frontier"]}
    own = {name: error for name, error in float_of.items() if where[name].startswith("metadata of ")}

    assert len(made) == len(own) == 14
    for name, error in own.items():
        assert error == error_at[f"metadata of {made[where[name].removeprefix('metadata of ')]}"]


def test_int8_on_imagenet_is_told_in_words_and_values() -> None:
    pooled, _ = collect(shipped(), "accuracy")
    found = burden(pooled, "image-cls on imagenet-1k")
    said = "\n".join(report.lines(found, "image-cls on imagenet-1k"))
    values = report.values(found)["int8_pairs"]

    assert "int8 makes 1.03 x the error of the same network in floats" in said
    assert "pruned (0), int8 (0)" in said
    assert values["n"] == 17
    assert 0.9 < values["slope"]["low"] < values["slope"]["value"] < 1.1
    assert values["exponent"]["low"] < found.all_points.exponent.value / values["slope"]["value"]  # type: ignore[union-attr]  # there is one


def test_a_benchmark_with_few_networks_in_both_says_how_many_it_takes() -> None:
    points = [{**FILLED, **point(f"net {i}", 0.3 / 1.1**i, 1e18 * 2.0**i, precision="float32")} for i in range(12)]
    rounded = [figure(one["name"], 1 - one["value"] + 0.01, "int8") for one in points[:9]]
    pooled, _ = collect([record([*points, *rounded])], "accuracy")
    said = "\n".join(report.lines(burden(pooled, "image-cls on blobs"), "image-cls on blobs"))

    assert "n 9): 10 tell what it does to k." in said
