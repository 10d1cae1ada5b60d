"""One network that several sources tell of is listed once, with all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry import index, lookup, plain, report
from registry.answers import Answer, Query, Reply
from registry.literature.names import network
from registry.roots import Root
from tests.example_record import published_record, write_record
from tests.shipped import ROOT

OURS = {"name": "regnet_x_800mf IMAGENET1K_V1", "params": 7_259_656, "n_train": 50_000, "citation": "A library"}
THEIRS = {"name": "RegNetX-800MF (pycls)", "params": 7_300_000, "n_train": 50_000, "citation": "A paper"}


def answered(root: Path, **changes: Any) -> Answer:
    """Ask for a network of one record of two, the other's point with these values changed."""
    for family, values in (("regnet", OURS), ("literature", THEIRS | changes)):
        record = published_record(f"image-cls/digits/{family}")
        record["frontier"][0].update(values)
        write_record(root, record, {})
    query = Query("image-cls", (0.9,), family="regnet")
    (answer,) = index.read([Root(str(root))], lambda indexes: lookup.reply(indexes, query)).answers
    return answer


def test_the_same_network_of_another_source_is_named_beside_the_answer(tmp_path: Path) -> None:
    answer = answered(tmp_path, value=0.9805)
    query = Query("image-cls", (0.9,), family="regnet")
    said = "\n".join(report.lines(query, Reply((answer,), (), False, ())))

    assert [(one.name, one.citation, one.median) for one in answer.also] == [(THEIRS["name"], "A paper", 0.9805)]
    assert "the same network: 'RegNetX-800MF (pycls)' in image-cls/digits/literature v1: 7,300,000 params" in said
    assert "(A paper, table 2)" in said
    (values,) = plain.values(query, Reply((answer,), (), False, ()))["answers"]
    assert [(one["id"], one["where"]) for one in values["also"]] == [("image-cls/digits/literature", "table 2")]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"name": "RegNetY-800MF (pycls)"}, id="another name"),
        pytest.param({"params": 7_400_000}, id="another size"),
        pytest.param({"params": None}, id="no size"),
        pytest.param({"value": 0.9811}, id="another figure"),
        pytest.param({"n_train": 40_000}, id="other examples"),
        pytest.param({"n_train": None}, id="other data"),
        pytest.param({"route": "pruned"}, id="another route"),
        pytest.param({"citation": "A library"}, id="two trainings of one source"),
    ],
)
def test_another_network_is_not_named(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert answered(tmp_path, **changes).also == ()


def test_another_precision_is_another_network_and_none_stated_is_any(tmp_path: Path) -> None:
    for family, values, precision in (("regnet", OURS, "int8"), ("literature", THEIRS, "float32")):
        record = published_record(f"image-cls/digits/{family}")
        record["frontier"] = [
            {**record["frontier"][0], **values, "precision": precision},
            {**record["frontier"][0], **values, "name": f"{values['name']} again", "precision": None},
        ]
        write_record(tmp_path, record, {})
    query = Query("image-cls", (0.9,), family="regnet", int8=True)
    (answer,) = index.read([Root(str(tmp_path))], lambda indexes: lookup.reply(indexes, query)).answers

    assert answer.network.precision == "int8"
    assert [one.name for one in answer.also] == ["RegNetX-800MF (pycls) again"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tf_efficientnetv2_m.in1k", "efficientnet_v2_m IMAGENET1K_V1"),
        ("mobilenetv3_small_100.lamb_in1k", "mobilenet_v3_small IMAGENET1K_V1"),
        ("resnext101_32x8d_b32x8_imagenet", "resnext101_32x8d IMAGENET1K_V1"),
        ("RegNetX-8.0GF (pycls)", "regnet_x_8gf IMAGENET1K_V1"),
        ("RegNetX-1.6GF (pycls)", "regnet_x_1_6gf IMAGENET1K_V1"),
    ],
)
def test_one_network_has_one_name_whoever_lists_it(one: str, other: str) -> None:
    assert network(one) == network(other)


def test_sizes_and_variants_stay_apart() -> None:
    names = ("resnet50", "resnet50d", "resnet101", "resnext50_32x4d", "resnext101_32x4d", "mobilenetv3_large_075")

    assert len({network(name) for name in names}) == len(names)


def test_a_shipped_network_of_torchvision_names_the_library_it_came_from() -> None:
    query = Query("image-cls", (0.772,), dataset="imagenet-1k", family="efficientnet")
    (answer,) = index.read([Root(str(ROOT))], lambda indexes: lookup.reply(indexes, query)).answers

    assert answer.network.name == "efficientnet_b0 IMAGENET1K_V1"
    assert [one.name for one in answer.also] == ["efficientnet_b0.ra_in1k"]
