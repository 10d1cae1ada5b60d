"""How fast the main paths are: looking up, reading a record, one step of stacked training. Compared night by night."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from harness.plugins import load
from harness.trial import Shape
from registry.loader import parse_json
from registry.store import Store
from tests.example_record import example_record

MEMBERS, BATCH, WIDTH, DEPTH = 64, 32, 16, 2


def run(*arguments: str | Path) -> str:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


def test_importing_click(benchmark: BenchmarkFixture) -> None:
    benchmark.pedantic(run, args=("-c", "import click"), rounds=20, warmup_rounds=2)


def test_looking_up(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    Store(tmp_path).publish(*example_record())
    question = ("-m", "registry", "lookup", "--task", "image-cls", "--target-acc", "0.9", "--registry", tmp_path)
    answer = benchmark.pedantic(run, args=question, rounds=20, warmup_rounds=2)

    assert "image-cls/digits/mlp" in answer


@pytest.mark.parametrize("question", [("predict", "--n-train", "500"), ("data-needed", "--target-acc", "0.92")])
def test_asking_a_law(benchmark: BenchmarkFixture, tmp_path: Path, question: tuple[str, ...]) -> None:
    Store(tmp_path).publish(*example_record(surface=True))
    command = ("-m", "registry", *question, "--task", "image-cls", "--registry", tmp_path)
    answer = benchmark.pedantic(run, args=command, rounds=20, warmup_rounds=2)

    assert "predicted, not measured" in answer


def test_reading_a_record(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    Store(tmp_path).publish(*example_record())
    (path,) = tmp_path.glob("*/*/*/v1/guideline.json")
    record = benchmark(parse_json, path.read_bytes(), str(path))

    assert record["id"] == "image-cls/digits/mlp"


@pytest.mark.parametrize(("family", "input_shape"), [("mlp", (64,)), ("cnn", (1, 8, 8))], ids=["mlp", "cnn"])
def test_one_stacked_gradient(benchmark: BenchmarkFixture, family: str, input_shape: tuple[int, ...]) -> None:
    plugin = load("families", family)
    shape = Shape(width=WIDTH, depth=DEPTH)
    network = plugin.stacked(input_shape, 10, shape, MEMBERS)
    for member in range(MEMBERS):
        plain = plugin.network(input_shape, 10, shape)
        plugin.initialise(plain, torch.Generator().manual_seed(member))
        network.load(member, plain.state_dict())
    generator = torch.Generator().manual_seed(MEMBERS)
    inputs = torch.rand((BATCH, MEMBERS, *input_shape), generator=generator).movedim(1, 0).contiguous()
    labels = torch.randint(10, (MEMBERS, BATCH), generator=generator)
    benchmark(network.differentiate, inputs, labels)

    assert torch.isfinite(network.gradient).all()
    assert network.gradient.any()


def test_drawing_a_thousand_glyphs(benchmark: BenchmarkFixture) -> None:
    glyphs = load("datasets", "glyphs")
    split = benchmark(glyphs.sample, 1024, seed=0)

    assert split.inputs.shape == (1024, 1, 16, 16)
    assert np.ptp(split.inputs) > 0.5
