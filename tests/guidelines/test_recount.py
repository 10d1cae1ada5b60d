"""What a record says of its data, networks, runs, law and baselines is what the harness derives again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import numpy_helper

from registry.errors import MissingDependency
from registry.store import canonical_json
from registry.validate import validate
from tests.recount import disagreements
from tests.shipped import FOLDERS, NO_RECORD, ROOT

pytestmark = pytest.mark.whole_study

made_once = pytest.mark.xdist_group("small-study")
BY_DATASET = [  # whose baselines are fitted once
    pytest.param(path, id=path.relative_to(ROOT).as_posix(), marks=pytest.mark.xdist_group(f"recount-{path.parts[-3]}"))
    for path in FOLDERS
]


@pytest.mark.parametrize("record", BY_DATASET or [NO_RECORD])
def test_every_figure_is_derived_again(record: Path) -> None:
    values = json.loads((record / "guideline.json").read_bytes())
    if values["evidence"] == "measured":
        assert disagreements(record) == []
    elif values["frontier"][0]["citation"].startswith("torchvision "):
        _recount_torchvision(values["frontier"][0])
    else:
        pytest.skip("published evidence of no network that can be built here")


def _recount_torchvision(point: dict[str, Any]) -> None:
    """Build the smallest network of a record, and count its params; flops: tests/unit/test_published_torchvision.py."""
    from harness import vision
    from harness.published.zoo import networks

    try:
        models = vision.load().models
    except MissingDependency as missing:
        pytest.skip(missing.message)
    builder, weights = point["name"].split()
    network, _ = networks.build(models.get_model_weights(builder)[weights])
    counted = sum(each.numel() for each in network.parameters())

    assert counted == point["params"] or f"We count {counted:,} params." in (point["note"] or "")


@made_once
def test_a_record_made_by_the_harness_keeps_every_rule_and_is_derived_again(small_record: Path) -> None:
    assert [str(each) for each in validate(small_record)] == []
    assert disagreements(small_record) == []


def _swap(record: dict[str, Any]) -> None:
    """Let each network's file stand for the other's answer."""
    first, second = record["frontier"]
    first["onnx"], second["onnx"] = second["onnx"], first["onnx"]
    first["onnx"]["metric"], second["onnx"]["metric"] = second["onnx"]["metric"], first["onnx"]["metric"]


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another data set": (
        lambda record: record["question"]["dataset"].update(sha256="0" * 64),
        "question.dataset.sha256: is 0000",
    ),
    "params": (lambda record: record["frontier"][1].update(params=651), "frontier.1.params: is 651, but 650"),
    "flops": (lambda record: record["frontier"][1].update(flops=1281.0), "frontier.1.flops: is 1281, but 1280.0"),
    "metric of the file": (
        lambda record: record["frontier"][1]["onnx"].update(metric=0.99),
        "frontier.1.onnx.metric: is 0.99, but ",
    ),
    "metric of the int8 file": (
        lambda record: record["frontier"][1]["onnx"]["int8"].update(metric=0.99),
        "frontier.1.onnx.int8.metric: is 0.99, but ",
    ),
    "seed": (lambda record: record["provenance"].update(seed=1), "provenance.seed: is 1, but None"),
    "law": (
        lambda record: record["law"]["forms"][0]["parameters"].update(exponent=0.5),
        "law.forms.0.parameters.exponent: is 0.5, but ",
    ),
    "a draw": (lambda record: record["law"]["draws"][0].__setitem__(1, 0.5), "law.draws.0.1: is 0.5, but "),
    "baseline": (
        lambda record: record["baselines"][2].update(metric=0.5),
        "baselines.2.metric: is 0.5, but 0.98",
    ),
}


@made_once
@pytest.mark.parametrize("change", CHANGES)
def test_a_figure_that_is_not_so_is_found(small_record: Path, tmp_path: Path, change: str) -> None:
    edit, finding = CHANGES[change]
    folder = _edited(small_record, tmp_path, edit)

    assert any(line.startswith(finding) for line in disagreements(folder)), disagreements(folder)


@made_once
def test_the_file_of_another_network_is_found(small_record: Path, tmp_path: Path) -> None:
    folder = _edited(small_record, tmp_path, _swap)

    with pytest.raises((RuntimeError, AssertionError), match=r"size mismatch|Missing key|has layers of"):
        disagreements(folder)


@made_once
def test_a_file_whose_weights_were_changed_is_found(small_record: Path, tmp_path: Path) -> None:
    folder = _edited(small_record, tmp_path, lambda record: None)
    path = folder / json.loads((folder / "guideline.json").read_bytes())["frontier"][1]["onnx"]["path"]
    model = onnx.load(path)
    weight = next(each for each in model.graph.initializer if list(each.dims) == [10, 64])
    weight.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weight), weight.name))
    path.write_bytes(model.SerializeToString())

    assert any(line.startswith("frontier.1.onnx.metric") for line in disagreements(folder))


def _edited(record: Path, folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    copy = folder / "copy"
    shutil.copytree(record, copy)
    values = json.loads((copy / "guideline.json").read_bytes())
    change(values)
    (copy / "guideline.json").write_bytes(canonical_json(values))
    return copy
