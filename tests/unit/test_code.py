"""The program that `guides export --code` prints: one class cut out of a family's file, running as it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from registry import code, plugins
from registry.errors import InvalidData, MissingDependency
from tests.example_record import example_record

FAMILY = '''"""A family for tests."""

import math

import harness_is_never_imported
import torch
from torch import nn

NETWORK_CLASS = "Dense"


class Other(nn.Module):
    """Not this one."""


class Dense(nn.Module):
    """Dense layers."""

    def __init__(
        self, input_shape: tuple[int, ...], n_outputs: int, width: int, depth: int, activation: str = "relu"
    ) -> None:
        super().__init__()
        sizes = [math.prod(input_shape), *[width] * depth, n_outputs]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = inputs.flatten(1)
        for layer in self.layers[:-1]:
            hidden = torch.relu(layer(hidden))
        return self.layers[-1](hidden)


def after() -> None:
    """Not this either."""
'''


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A harness folder with one family, ``mlp``."""
    folder = tmp_path / "harness"
    (folder / "families").mkdir(parents=True)
    path = folder / "families" / "mlp.py"
    path.write_text(FAMILY)
    monkeypatch.setattr(plugins, "folder", lambda: str(folder))
    return path


@pytest.mark.usefixtures("family")
def test_the_program_runs_as_it_stands(tmp_path: Path) -> None:
    record, _ = example_record()
    program = code.program(record, record["frontier"][0], "0.9")
    path = tmp_path / "net.py"
    path.write_text(program)

    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"(2, 10) {record['frontier'][0]['params']} params\n"


@pytest.mark.usefixtures("family")
def test_the_header_names_the_record_its_licence_and_the_call() -> None:
    record, _ = example_record()
    lines = code.program(record, record["frontier"][0], "0.9").splitlines()

    assert lines[0] == "# image-cls/digits/mlp v1, target 0.9: scratch, 610 params."
    assert lines[2] == "# SPDX-License-Identifier: Apache-2.0"
    assert lines[3] == "# Usage: guides export image-cls/digits/mlp@1 0.9 --code > net.py && python net.py"
    assert not any("harness_is_never_imported" in line or "Other" in line or "after" in line for line in lines)


def test_an_option_that_the_constructor_does_not_take_is_a_comment(family: Path) -> None:
    family.write_text(FAMILY.replace(', activation: str = "relu"', ""))
    record, _ = example_record()
    program = code.program(record, record["frontier"][0], "0.9")

    assert "# Fixed in this family: activation relu" in program.splitlines()
    assert "activation=" not in program


@pytest.mark.parametrize("name", sorted(plugins.known("family")))
def test_the_program_of_every_family_here_runs(name: str, tmp_path: Path) -> None:
    assert printed(name, tmp_path).startswith("(2, 10) ")


def test_the_program_of_a_language_model_answers_at_every_place(tmp_path: Path) -> None:
    assert printed("gru", tmp_path, per_position=True).startswith("(2, 40, 10) ")


def printed(name: str, folder: Path, per_position: bool = False) -> str:
    """What the program of a family prints about a network of 10 classes: over 40 symbols, or over images."""
    record, _ = example_record(f"image-cls/digits/{name}")
    symbols = "reads_symbols = True" in plugins.family_source(name)
    dataset = record["question"]["dataset"]
    dataset |= {"input_shape": [40, 12] if symbols else [1, 8, 8], "per_position": per_position}
    (folder / "net.py").write_text(code.program(record, record["frontier"][0], "0.9"))

    done = subprocess.run([sys.executable, "-I", str(folder / "net.py")], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    return done.stdout


def test_decorators_come_along() -> None:
    text = 'NETWORK_CLASS: str = "A"\n\n\n@final\nclass A:\n    x = 1\n'

    assert code.network_class(text, "mlp") == ("A", "@final\nclass A:\n    x = 1")


@pytest.mark.parametrize(
    "text", ["", "class A: ...\n", 'NETWORK_CLASS = "B"\nclass A: ...\n', "NETWORK_CLASS = A\nclass A: ...\n"]
)
def test_a_file_without_a_network_class_is_refused(text: str) -> None:
    with pytest.raises(InvalidData, match="the family 'mlp' names no network class"):
        code.network_class(text, "mlp")


@pytest.mark.usefixtures("family")
def test_a_family_that_is_not_installed_is_named() -> None:
    with pytest.raises(MissingDependency, match="the family 'cnn' is not installed\n  installed: mlp"):
        plugins.family_source("cnn")


def test_without_the_harness_the_install_line_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "folder", lambda: None)

    with pytest.raises(MissingDependency, match=r"pip install 'sizing-guides\[harness\]'"):
        plugins.family_source("mlp")
    assert plugins.known("family") == set()


def test_plug_ins_are_known_by_their_files(family: Path) -> None:
    (family.parent / "base.py").touch()
    (family.parent / "two_words.py").touch()

    assert plugins.known("family") == {"mlp", "two-words"}
    assert plugins.known("task") == set()
