"""torchvision's weights as records: what is stated, what is counted, and where the two differ."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from harness import vision
from harness.__main__ import main
from harness.published import torchvision as source
from harness.published.zoo import counts, networks, page, sizes
from harness.published.zoo.networks import Regions
from registry.errors import InvalidData, MissingDependency
from tests.shipped import ROOT

TABLE = counts.read()


@pytest.fixture(scope="module")
def models() -> Any:
    """torchvision's builders; needs no compiled operators."""
    try:
        return vision.load().models
    except MissingDependency as missing:
        pytest.skip(missing.message)


def weights_of(models: Any, builder: str, name: str = "DEFAULT") -> Any:
    return models.get_model_weights(builder)[name]


def shipped() -> list[dict[str, Any]]:
    """Return every point of a shipped record that is from torchvision."""
    records = [json.loads(path.read_bytes()) for path in sorted(ROOT.glob("*/*/*/v*/guideline.json"))]
    points = [point for record in records if record["evidence"] == "published" for point in record["frontier"]]
    return [point for point in points if point["citation"].startswith("torchvision ")]


@pytest.mark.parametrize(
    ("builder", "width", "depth"),
    [
        ("resnet18", 64, 18),
        ("wide_resnet50_2", 128, 50),
        ("quantized_resnet18", 64, 18),
        ("mobilenet_v3_small", None, None),
        ("vit_b_32", 768, 12),
        ("swin_t", 96, 12),
        ("mc3_18", 64, 18),
        ("squeezenet1_1", None, None),
    ],
)
def test_a_network_is_counted_as_it_is_stated(models: Any, builder: str, width: int | None, depth: int | None) -> None:
    weights = weights_of(models, builder)
    counted = networks.count(weights)

    assert counts.same_params(weights, counted)
    assert counts.same_flops(weights, counted)
    assert (counted.width, counted.depth) == (width, depth)
    assert TABLE[str(weights)].counted == replace(counted, flops=round(counted.flops))


def test_a_builder_that_reads_values_builds_on_the_cpu(models: Any) -> None:
    counted = networks.count(weights_of(models, "regnet_y_400mf"))

    assert counted.rule == "as built for its weights; built on the CPU"
    assert counted.params == 4_344_144


def test_what_explains_a_difference_is_found_by_counting_otherwise(models: Any) -> None:
    weights = weights_of(models, "fasterrcnn_mobilenet_v3_large_320_fpn")
    row = counts.count(weights)

    assert not counts.same_flops(weights, row.counted)
    assert row.explained == "flops are stated of 0 proposals, 0 of them detections"
    assert counts.same_flops(weights, networks.count(weights, Regions(0, 0)))


def test_every_shipped_point_is_as_counted_or_is_listed_as_not() -> None:
    points = shipped()
    listed = (ROOT.parent / "docs" / "torchvision.md").read_text(encoding="utf-8")
    differing = []
    for point in points:
        name = point["where"].removeprefix("metadata of ")
        counted = TABLE[name].counted
        exact = counted.params == point["params"]
        near = abs(counted.flops / point["flops"] - 1) <= counts.WITHIN
        if not (exact and near):
            differing.append(name)
            assert f"| {name} |" in listed
            assert "We count" in point["note"]

    assert len(points) == len(TABLE) - 1 == 165  # one states no figure
    assert len(differing) == 5


def test_the_records_and_the_page_are_those_of_the_installed_version(models: Any, tmp_path: Path) -> None:
    if source.version() != "0.28.0":
        pytest.skip(f"the records are of torchvision 0.28.0, installed is {source.version()}")
    every = list(counts.every())
    made = {record["id"]: record for record in source.records(every, TABLE)}
    files = {path.parents[1].relative_to(ROOT).as_posix(): path for path in ROOT.glob("*/*/*/v1/guideline.json")}

    for record_id, record in made.items():
        kept = json.loads(files[record_id].read_bytes())
        del kept["created"]
        assert kept == record
    assert page.text(every, TABLE) == (ROOT.parent / "docs" / "torchvision.md").read_text(encoding="utf-8")


def test_the_command_writes_the_same_records_twice(models: Any, tmp_path: Path) -> None:
    first = CliRunner().invoke(source.COMMAND, ["--out", str(tmp_path)])
    before = {path: path.read_bytes() for path in tmp_path.rglob("guideline.json")}
    second = CliRunner().invoke(source.COMMAND, ["--out", str(tmp_path)])

    assert f"{len(before)} changed" in first.output
    assert "0 changed; 1 state no figure" in second.output
    assert {path: path.read_bytes() for path in tmp_path.rglob("guideline.json")} == before


def test_without_torchvision_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(vision, "importlib", SimpleNamespace(import_module=missing))

    with pytest.raises(MissingDependency, match="torchvision is not installed: pip install torchvision"):
        vision.load()


def test_a_source_that_is_not_known_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["published", "torchvsion"])

    assert ended.value.code == 2
    assert "unknown source 'torchvsion'. Did you mean 'torchvision'?" in capsys.readouterr().err


def test_every_source_is_listed_and_what_they_share_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["published", "--help"])
    listed = capsys.readouterr().out.partition("Commands:")[2]

    assert "torchvision" in listed
    assert "zoo" not in listed


def test_weights_that_were_never_counted_are_refused(models: Any) -> None:
    weights = weights_of(models, "squeezenet1_1")

    with pytest.raises(InvalidData, match=r"SqueezeNet1_1_Weights\.IMAGENET1K_V1 was never counted"):
        list(source.records([weights], {}))


def test_a_data_set_that_is_not_known_is_refused(models: Any) -> None:
    weights = SimpleNamespace(meta={"_metrics": {"ImageNet-2K": {"acc@1": 50.0}}})

    with pytest.raises(InvalidData, match="states figures on 'ImageNet-2K'"):
        source.question_of(weights)


def test_a_damaged_table_of_counts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("weights,params\nA.B,many\n")

    with pytest.raises(InvalidData, match=r"counts.csv is no table of counts: (Key|Value)Error"):
        counts.read(path)


def test_counts_are_read_as_they_were_written(tmp_path: Path) -> None:
    counts.write(TABLE.values(), tmp_path / "counts.csv")

    assert counts.read(tmp_path / "counts.csv") == TABLE
    assert (tmp_path / "counts.csv").read_bytes() == counts.FILE.read_bytes()


def test_the_builder_is_found_by_its_weights(models: Any) -> None:
    assert sizes.builder_name(weights_of(models, "quantized_resnet50")) == "quantized_resnet50"
    assert sizes.kind(weights_of(models, "raft_small")) == "optical_flow"
