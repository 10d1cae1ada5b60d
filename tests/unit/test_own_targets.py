"""Numbers of your own to predict: of any size that can be told apart, and in digits that do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness import plugins
from harness.own import csv_table, table
from harness.own.beside import _Part
from harness.own.place import found_in
from harness.own.prepared import Prepared
from harness.own.read import Own, keep
from registry.errors import InvalidData
from tests import own_files
from tests.own_files import rows

SECONDS = 1_700_000_000  # since 1970: float32 knows every 128th


def prepared(tmp_path: Path, targets: list[str]) -> Prepared:
    cells = [[*row[:3], target] for row, target in zip(rows(len(targets)), targets, strict=True)]
    return table.prepare(csv_table.read(own_files.table(tmp_path / "data.csv", cells)), "tabular-reg", "fruit")


def test_dates_in_seconds_stay_apart(tmp_path: Path) -> None:
    targets = [str(SECONDS + i) for i in range(300)]
    cells = [[*row[:3], target] for row, target in zip(rows(300), targets, strict=True)]
    own = Own("tabular-reg", own_files.table(tmp_path / "data.csv", cells), "fruit")
    with found_in(tmp_path / "kept"):
        data = plugins.load("datasets", keep(own, tmp_path / "kept").name)
        splits, (mean, sd) = (data.train(), data.val(), data.test()), data.target_scale()
        part = _Part(data, len(data.train()))
        scale_of_part = part.target_scale()
    found = np.concatenate([split.labels for split in splits])

    assert found.dtype == np.float32
    assert np.sort(found.astype(np.float64) * sd + mean) == pytest.approx(SECONDS + np.arange(300), abs=1e-4)
    assert scale_of_part == pytest.approx((mean, sd), rel=1e-8)


@pytest.mark.parametrize(
    ("first", "step", "said"),
    [
        (SECONDS, 1, "'fruit' has targets from 1700000000 to 1700000059, mean 1700000029.5, deviation 17.3181"),
        (0, 1, "'fruit' has targets from 0 to 59, mean 29.5, deviation 17.3181"),
        (3, 1e-9, "'fruit' has targets from 3 to 3.000000059, mean 3.0000000295, deviation 1.73181e-08"),
    ],
    ids=["seconds", "small", "close"],
)
def test_targets_are_told_in_digits_that_tell_them_apart(tmp_path: Path, first: int, step: float, said: str) -> None:
    made = prepared(tmp_path, [f"{first + step * i:.9f}" for i in range(60)])

    assert made.facts.notes[-1] == said


@pytest.mark.parametrize("unit", [1e99, 1e-99], ids=["large", "small"])
def test_targets_of_any_other_size_are_read(tmp_path: Path, unit: float) -> None:
    made = prepared(tmp_path, [f"{unit * (i % 7):g}" for i in range(60)])
    labels = np.concatenate([split.labels for split in made.splits])

    assert np.array_equal(np.unique(labels), np.array([float(f"{unit * i:g}") for i in range(7)]))


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (
            ["-2e300" if i == 30 else str(i) for i in range(60)],
            "data.csv, row 32: column 'fruit' holds -2e+300, expected targets of at most 1e+100\n"
            "  give them in another unit, or predict their logarithm",
        ),
        (
            [f"{i}e-200" for i in range(60)],
            "data.csv: the targets differ by 5.9e-199 at most, expected 1e-100 or more\n  give them in another unit",
        ),
        (
            ["1e60" if i == 6 else str(i) for i in range(60)],
            "data.csv, row 8: the target 1e+60 is 6e+58 deviations away from the mean of those to train on, expected "
            "at most 1e+15\n  correct it, or remove the row",
        ),
        (
            ["4" if i == 7 else "3" for i in range(60)],
            "data.csv: every target to train on is 3, expected targets that differ\n"
            "  nearly all rows have the same one: say which with --task tabular-cls",
        ),
    ],
    ids=["too-large", "too-close", "too-far", "all-but-one"],
)
def test_targets_that_no_network_can_learn_are_refused_with_file_and_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, targets: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidData) as caught:
        prepared(Path(), targets)

    assert str(caught.value) == message
