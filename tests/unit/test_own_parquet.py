"""Parquet files of your own: the same columns as the same table in CSV; skipped where pyarrow is not installed."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.like.asked import task_of
from harness.own import csv_table, parquet
from harness.own.columns import Categories, Dropped, Numbers
from harness.own.read import Own, keep
from registry.errors import InvalidData, MissingDependency
from tests import own_files


@pytest.fixture
def pyarrow() -> Any:
    return pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")


def written(pyarrow: Any, path: Path, **changed: list[Any]) -> Path:
    """Write the rows of :func:`own_files.rows`, numbers as numbers; some columns replaced or added."""
    import pyarrow as arrow

    ages, colours, sizes, fruits = map(list, zip(*own_files.rows(), strict=True))
    columns = {"age": list(map(float, ages)), "colour": colours, "size": list(map(float, sizes)), "fruit": fruits}
    pyarrow.write_table(arrow.table({**columns, **changed}), path)
    return path


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependency) as caught:
        keep(Own("tabular-cls", path, "fruit"), tmp_path / "kept")

    assert str(caught.value) == (
        f"{path} is a Parquet file, and pyarrow is not installed: pip install 'sizing-guides[tables]'\n"
        "  or save the table as CSV"
    )
    assert not (tmp_path / "kept").exists()


def test_a_parquet_file_holds_what_the_csv_file_does(pyarrow: Any, tmp_path: Path) -> None:
    one = parquet.read(written(pyarrow, tmp_path / "data.parquet"), ("fruit",))
    other = csv_table.read(own_files.table(tmp_path / "data.csv"), ("fruit",))

    for found, expected in zip(one.columns, other.columns, strict=True):
        assert type(found) is type(expected)
        if isinstance(found, Numbers) and isinstance(expected, Numbers):
            assert np.array_equal(found.values, expected.values)
        if isinstance(found, Categories) and isinstance(expected, Categories):
            assert found.names == expected.names
            assert np.array_equal(found.codes, expected.codes)


def test_strings_that_are_many_numbers_are_read_as_such_and_others_are_names(pyarrow: Any, tmp_path: Path) -> None:
    path = written(
        pyarrow, tmp_path / "data.parquet", age=[None if i == 2 else f"{i}.25" for i in range(60)],
        code=[f"{i:03}" for i in range(60)], colour=[f"{i}%" for i in range(60)], size=[f"{i % 9}" for i in range(60)],
        tags=[f"{i},5" for i in range(60)],
    )  # fmt: skip
    made = parquet.read(path)
    age, *others = (made.column(name) for name in ("age", "code", "colour", "size", "tags"))

    assert isinstance(age, Numbers)
    assert np.array_equal(age.values, [np.nan if i == 2 else i + 0.25 for i in range(60)], equal_nan=True)
    assert all(isinstance(other, Categories) for other in others)
    assert made.notes == ()
    assert [one.partition(",")[0] for one in made.warnings] == [
        f"column '{name}' is not read as numbers" for name in ("colour", "tags")
    ]
    assert isinstance(parquet.read(path, ("age",)).column("age"), Categories)


def test_a_string_among_numbers_is_warned_of_by_its_row(pyarrow: Any, tmp_path: Path) -> None:
    cells = ["-" if i % 10 == 7 else f"{i}" for i in range(60)]
    path = written(pyarrow, tmp_path / "data.parquet", age=cells)
    made = parquet.read(path)

    assert isinstance(made.column("age"), Categories)
    assert "54 of 60 cells look like some: row 8 holds '-'" in made.warnings[0]
    with pytest.raises(InvalidData, match=r"row 8: column 'age' holds '-', expected a number as in 54 other rows"):
        parquet.read(path, target="age")


def test_a_column_declared_to_be_categories_stays_so(pyarrow: Any, tmp_path: Path) -> None:
    import pyarrow as arrow

    codes = arrow.array([f"{i}" for i in range(60)]).dictionary_encode()
    path = written(pyarrow, tmp_path / "data.parquet", code=codes)

    assert isinstance(parquet.read(path).column("code"), Categories)


def test_targets_may_be_strings_that_are_numbers(pyarrow: Any, tmp_path: Path) -> None:
    path = written(pyarrow, tmp_path / "data.parquet", fruit=[f"{i}.5" for i in range(60)])
    kept = keep(Own("tabular-reg", path, "fruit"), tmp_path / "kept")

    assert any("'fruit' has targets from 0.5 to 59.5" in note for note in kept.facts.notes)
    assert task_of(path, "fruit") == "tabular-reg"


def test_nothing_is_missing_and_truth_is_a_category(pyarrow: Any, tmp_path: Path) -> None:
    path = written(
        pyarrow, tmp_path / "data.parquet",
        age=[None if i % 3 else 1.5 * i for i in range(60)], colour=[i % 2 == 0 for i in range(60)],
        size=[[i] for i in range(60)],
    )  # fmt: skip
    age, colour, size, _ = parquet.read(path).columns

    assert isinstance(age, Numbers)
    assert np.isnan(age.values).sum() == 40
    assert isinstance(colour, Categories)
    assert colour.names == ("False", "True")
    assert isinstance(size, Dropped)


def test_an_infinite_number_is_refused_by_its_row(pyarrow: Any, tmp_path: Path) -> None:
    path = written(pyarrow, tmp_path / "data.parquet", age=[np.inf if i == 6 else i * 1.5 for i in range(60)])
    with pytest.raises(InvalidData, match=r"row 7: column 'age' holds an infinite number, expected finite ones"):
        parquet.read(path)


def test_a_file_that_is_none_is_refused(pyarrow: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(b"age,fruit\n1,apple\n")
    with pytest.raises(InvalidData, match="not a Parquet file that can be read"):
        keep(Own("tabular-cls", path, "fruit"), tmp_path / "kept")


def test_a_page_that_is_not_what_was_written_is_refused(pyarrow: Any, tmp_path: Path) -> None:
    path = written(pyarrow, tmp_path / "data.parquet", age=[1.5 * i for i in range(60)])
    table, plain = pyarrow.read_table(path), {"compression": "none", "use_dictionary": False}
    pyarrow.write_table(table, path, write_page_checksum=True, **plain)
    content = bytearray(path.read_bytes())
    content[content.index(np.array([1.5, 3.0]).tobytes())] ^= 1
    path.write_bytes(content)

    with pytest.raises(InvalidData, match=r"data\.parquet: not a Parquet file that can be read: could not verify page"):
        parquet.read(path)


def test_a_column_called_as_a_field_of_another_is_itself(pyarrow: Any, tmp_path: Path) -> None:
    path = written(
        pyarrow, tmp_path / "data.parquet",
        age=[{"a": i} for i in range(60)], **{"age.a": [1.5 * i for i in range(60)]},
    )  # fmt: skip
    whole, *_, part = parquet.read(path).columns

    assert isinstance(whole, Dropped)
    assert isinstance(part, Numbers)
    assert part.values.tolist() == [1.5 * i for i in range(60)]


def test_dates_are_names_where_names_are_asked_for(pyarrow: Any, tmp_path: Path) -> None:
    days = [datetime(2026, 1, 1 + i % 20, 12, 30) for i in range(60)]
    path = written(pyarrow, tmp_path / "data.parquet", age=days, size=[day.date() for day in days])
    age, _, size, _ = parquet.read(path).columns
    moments, _, dates, _ = parquet.read(path, ("age", "size")).columns

    assert isinstance(age, Dropped)
    assert isinstance(size, Dropped)
    assert isinstance(moments, Categories)
    assert moments.names[1] == "2026-01-02 12:30:00.000000"
    assert isinstance(dates, Categories)
    assert dates.names[1] == "2026-01-02"


def test_every_kind_of_string_is_text(pyarrow: Any, tmp_path: Path) -> None:
    import pyarrow as arrow

    kinds = [arrow.string(), arrow.large_string(), arrow.string_view()]
    names = ("age", "colour", "size")
    columns = {name: arrow.array(["a", "b", None] * 20, kind) for name, kind in zip(names, kinds, strict=True)}
    found = parquet.read(written(pyarrow, tmp_path / "data.parquet", **columns)).columns[:3]

    assert [one.names for one in found if isinstance(one, Categories)] == [("", "a", "b")] * 3


@pytest.mark.parametrize(
    ("task", "said"),
    [("tabular-cls", "expected labels to predict"), ("tabular-reg", "expected numbers to predict")],
)
def test_a_label_that_is_neither_number_nor_text_is_refused(pyarrow: Any, tmp_path: Path, task: str, said: str) -> None:
    path = written(pyarrow, tmp_path / "data.parquet", fruit=[[i] for i in range(60)])
    with pytest.raises(InvalidData) as caught:
        keep(Own(task, path, "fruit"), tmp_path / "kept")

    assert str(caught.value) == (
        f"{path}: column 'fruit' is of type list<element: int64>, which is neither number nor text, {said}"
    )


def test_groups_that_are_neither_number_nor_text_are_refused(pyarrow: Any, tmp_path: Path) -> None:
    path = written(pyarrow, tmp_path / "data.parquet", age=[[i] for i in range(60)])
    with pytest.raises(InvalidData, match=r"column 'age' \(--group\) is of type list.*, expected names of groups"):
        keep(Own("tabular-cls", path, "fruit", "age"), tmp_path / "kept")


def test_strings_that_are_not_utf_8_are_refused(pyarrow: Any, tmp_path: Path) -> None:
    import pyarrow as arrow

    spoilt = arrow.array([b"p\xeache", b"pear"] * 30).view(arrow.string())
    path = written(pyarrow, tmp_path / "data.parquet", colour=spoilt)
    with pytest.raises(InvalidData) as caught:
        keep(Own("tabular-cls", path, "fruit"), tmp_path / "kept")

    assert str(caught.value) == f"{path}: holds text that is not UTF-8: byte 0xea"
