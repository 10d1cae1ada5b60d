"""Published tables, fetched from files in their true form, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import _california_housing

from harness.__main__ import main
from harness.datasets.california_housing import CaliforniaHousing
from harness.sources import openml
from harness.sources.openml import OpenMLTable
from registry.errors import InvalidData, UsageError
from tests import table_files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, empty; nothing is ever asked of a network."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no route\nto host")

    monkeypatch.setenv("GUIDES_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("sklearn.datasets._openml.urlopen", refuse)
    monkeypatch.setattr("sklearn.datasets._base.urlretrieve", refuse)
    return tmp_path / "data"


@pytest.fixture
def rows(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """What California housing's archive holds, and may be fetched."""
    from urllib.request import urlretrieve

    monkeypatch.setattr("sklearn.datasets._base.urlretrieve", urlretrieve)  # of a file: address
    return table_files.california(tmp_path / "archive", monkeypatch)


def main_ends(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == code


def test_california_housing_has_ratios_and_values_in_100_000_dollars(rows: np.ndarray) -> None:
    data = CaliforniaHousing()
    data.fetch()
    splits = (data.train(), data.val(), data.test())
    mean, sd = data.target_scale() or (0, 1)
    values = np.concatenate([split.labels for split in splits]) * sd + mean
    inputs = np.concatenate([split.inputs for split in splits])

    assert list(map(len, splits)) == [140, 20, 40]
    assert np.sort(values) == pytest.approx(np.sort(rows[:, 8] / 100_000), abs=1e-5)
    assert splits[0].inputs.mean(axis=0) == pytest.approx(np.zeros(8), abs=1e-6)
    by_value = inputs[np.argsort(values)]
    published = rows[np.argsort(rows[:, 8])]
    for column, feature in {0: 7, 1: 2, 4: 5, 6: 1, 7: 0}.items():
        assert np.corrcoef(by_value[:, column], published[:, feature])[0, 1] == pytest.approx(1, abs=1e-5)
    assert np.corrcoef(by_value[:, 2], published[:, 3] / published[:, 6])[0, 1] == pytest.approx(1, abs=1e-5)


def test_what_was_fetched_is_mapped_and_not_fetched_again(
    rows: np.ndarray, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = CaliforniaHousing()
    first.fetch()
    monkeypatch.setattr(_california_housing, "ARCHIVE", None)
    second = CaliforniaHousing()
    second.fetch()

    assert [path.name for path in folder.iterdir()] == ["california-housing"]
    assert not list(folder.rglob("*.pkz"))
    assert second.sha256() == first.sha256()


def test_fetch_says_how_many_rows_there_are(rows: np.ndarray, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main_ends(["fetch", "california-housing"], 0)

    assert capsys.readouterr().out == f"california-housing: {len(rows)} rows in {folder}\n"


@pytest.mark.filterwarnings("ignore:Retry downloading")
@pytest.mark.parametrize("name", ["california-housing", "openml-554"])
def test_without_a_network_fetch_says_so_in_a_line(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    main_ends(["fetch", name], 1)

    assert capsys.readouterr().err.splitlines() == [
        f"{name} could not be downloaded: no route to host",
        f"  try again where there is a network, or copy the folder {folder / name} from a machine that has one",
    ]
    assert not (folder / name).exists()


def test_an_archive_with_another_checksum_is_refused(
    rows: np.ndarray, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "archive" / "cal_housing.tgz").write_bytes(b"?")
    main_ends(["fetch", "california-housing"], 1)

    assert "The SHA256 checksum of cal_housing.tgz" in capsys.readouterr().err
    assert not (folder / "california-housing").exists()


def test_a_table_that_is_not_here_says_how_to_fetch_it(folder: Path) -> None:
    hint = "fetch it: python -m harness fetch {} \\(into the folder that GUIDES_DATA names"
    with pytest.raises(InvalidData, match=hint.format("california-housing")):
        CaliforniaHousing().train()
    with pytest.raises(InvalidData, match=hint.format("openml-61")):
        OpenMLTable(61).task  # noqa: B018
    with pytest.raises(InvalidData, match=hint.format("openml-61")):
        OpenMLTable(61).train()


def test_a_table_of_openml_is_read_as_ones_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table_files.openml(folder)
    main_ends(["fetch", "openml-61"], 0)
    data = OpenMLTable(61)

    assert capsys.readouterr().out == f"openml-61: 90 rows in {folder}\n"
    assert (data.task, data.n_classes) == ("tabular-cls", 2)
    assert data.input_shape == (1 + 2 + 4,)  # a number, one that may be missing, three colours and none
    assert data.source == "OpenML data set 61: iris, version 1, https://www.openml.org/d/61"
    assert data.licence == "CC-BY-4.0"
    assert [len(split) for split in (data.train(), data.val(), data.test())] == [64, 8, 18]
    assert sum(len(split) for split in (data.train(), data.val(), data.test())) == 90


def test_a_target_of_numbers_makes_it_a_regression(folder: Path) -> None:
    table_files.openml(folder, target="length")
    data = OpenMLTable(61)
    data.fetch()

    assert (data.task, data.n_classes) == ("tabular-reg", None)
    assert data.train().labels.std() == pytest.approx(1, abs=1e-4)


def test_what_openml_warns_of_is_passed_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table_files.openml(folder, status="deactivated", licence="Public")
    main_ends(["fetch", "openml-61"], 0)

    assert "warning: Version 1 of dataset iris is inactive" in capsys.readouterr().err
    assert OpenMLTable(61).licence == "NOASSERTION"


@pytest.mark.filterwarnings("ignore:Invalid cache, redownloading file")
def test_a_table_with_another_checksum_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table_files.openml(folder, md5_checksum="0" * 32)
    main_ends(["fetch", "openml-61"], 1)

    assert capsys.readouterr().err.startswith("openml-61 could not be downloaded: ")
    assert not (folder / "openml-61").exists()


@pytest.mark.parametrize("suffix", ["iris", "0", "-1", "1e3", "61x", ""])
def test_what_is_no_number_is_refused(suffix: str) -> None:
    with pytest.raises(UsageError, match="is no number of an OpenML data set"):
        openml.PLUGIN.variant(suffix)
