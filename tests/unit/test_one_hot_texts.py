"""Perceptrons over texts: symbols come to them as one-hot rows, up to a number of them."""

from __future__ import annotations

from pathlib import Path
from typing import final

import numpy as np
import pytest
import torch

from harness import plugins
from harness.datasets.base import Dataset, Split, Splits
from harness.export import export_onnx, parity
from harness.families.base import MOST_ONE_HOT
from harness.measure import count_params
from harness.own.aloud import Aloud
from harness.own.read import Own
from harness.plugins import load
from harness.shrink import prune
from harness.symbols import as_fed
from harness.train import run_pack
from harness.trial import Shape, Trial

PERCEPTRONS = ("mlp", "residual-mlp")


@final
class Texts(Dataset):
    """Made-up texts, told apart by their third symbol."""

    name = "made-up-texts"
    task = "text-cls"
    source = "made up"
    licence = "CC0-1.0"
    group = None
    n_classes = 2
    symbols = True

    def __init__(self, length: int, n_symbols: int) -> None:
        self.input_shape = (length, n_symbols)

    def load(self) -> Splits:
        """Draw them."""
        drawn = np.random.default_rng(0).integers(self.input_shape[1], size=(3, 200, self.input_shape[0]))
        return Splits(*(Split(part.astype(np.uint8), part[:, 2] % 2) for part in drawn))


@pytest.mark.parametrize("name", PERCEPTRONS)
def test_a_text_is_learnt_place_by_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, found = Texts(6, 4), plugins.load
    monkeypatch.setattr(plugins, "load", lambda seam, asked: texts if asked == "made-up-texts" else found(seam, asked))
    trials = [
        Trial("made-up-texts", name, Shape(8, 1), 200, seed, 0.01, 0.0, 300, 32, tested=True) for seed in range(2)
    ]

    assert load("families", name).takes(texts)
    assert [outcome.test_error for outcome in run_pack(trials)] == [0, 0]


@pytest.mark.parametrize("name", PERCEPTRONS)
@pytest.mark.parametrize(("length", "expected"), [(32, True), (33, False), (64, False)])
def test_a_text_of_more_one_hot_numbers_than_a_record_has_room_for_is_left_to_others(
    name: str, length: int, expected: bool
) -> None:
    texts = Texts(length, 256)

    assert load("families", name).takes(texts) is expected
    assert load("families", "ngram-mlp").takes(texts)
    assert (length * 256 <= MOST_ONE_HOT) is expected


def test_wide_inputs_that_are_numbers_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = Texts(1, MOST_ONE_HOT + 1)
    monkeypatch.setattr(wide, "symbols", False)
    monkeypatch.setattr(wide, "task", "tabular-cls")

    assert all(load("families", name).takes(wide) for name in PERCEPTRONS)


def test_the_cloze_is_taken_and_fed_as_rows_of_its_alphabet() -> None:
    cloze, mlp = load("datasets", "cloze-sympy-1-14"), load("families", "mlp")

    assert mlp.takes(cloze)
    assert mlp.one_hot(cloze) == 97
    assert as_fed(np.zeros((2, 80), dtype=np.uint8), 97).shape == (2, *cloze.input_shape)


@pytest.mark.parametrize(
    ("task", "expected"), [("text-cls", "ngram-mlp"), ("tabular-cls", "mlp"), ("tabular-reg", "mlp")]
)
def test_what_is_chosen_for_data_of_your_own_is_made_for_them(
    task: str, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own, found = Texts(32, 256), plugins.load
    own.task, own.symbols = task, task == "text-cls"
    monkeypatch.setattr(plugins, "load", lambda seam, asked: own if asked == "own" else found(seam, asked))

    assert Aloud(Own(task, Path("own.csv")), is_quiet=False).family("own") == expected
    assert "residual-mlp" in capsys.readouterr().err


@pytest.mark.parametrize("name", PERCEPTRONS)
def test_a_network_of_texts_is_pruned_and_exported(name: str, tmp_path: Path) -> None:
    texts, family = Texts(6, 4), load("families", name)
    whole = family.network(texts.input_shape, 2, Shape(8, 1))
    family.initialise(whole, torch.Generator().manual_seed(0))
    pruned = prune(family, whole, texts.input_shape, 2, Shape(3, 1))
    export_onnx(pruned, texts.input_shape, tmp_path / "network.onnx")

    assert count_params(pruned) == family.params(texts.input_shape, 2, Shape(3, 1))
    assert parity(pruned, tmp_path / "network.onnx", as_fed(texts.test().inputs, family.one_hot(texts))) < 1e-5
