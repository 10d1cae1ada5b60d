"""Data of your own that cannot be used: one clear line that names file and row, and nothing half-written."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.own import language, parts, pictures, texts
from harness.own.read import Own, keep
from registry.errors import GuidesError, InvalidData, UsageError
from tests import own_files
from tests.own_files import rows


def changed(row: int, column: int, cell: str) -> list[list[str]]:
    """Rows of which one cell is another; counted as a person does, the header being row 1."""
    cells = rows()
    cells[row - 2][column] = cell
    return cells


def refusal(own: Own, folder: Path, kind: type[GuidesError] = InvalidData) -> str:
    """Check that data are refused and nothing is written; return the words."""
    with pytest.raises(kind) as caught:
        keep(own, folder)

    assert not folder.exists()
    return str(caught.value)


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Refuse a table, written from cells or given as bytes."""
    monkeypatch.chdir(tmp_path)

    def refuse(
        cells: list[list[str]] | bytes,
        task: str = "tabular-cls",
        kind: type[GuidesError] = InvalidData,
        label: str | None = "fruit",
        **options: Any,
    ) -> str:
        path = Path("data.csv")
        if isinstance(cells, bytes):
            path.write_bytes(cells)
        else:
            own_files.table(path, cells)
        return refusal(Own(task, path, label, **options), Path("kept"), kind)

    return refuse


def joined(*lines: str) -> bytes:
    return "\n".join(lines).encode() + b"\n"


TABLES = {
    "ragged": ([*rows(), ["1", "red", "2"]], "data.csv, row 62: has 3 cells, expected 4 as in the first row"),
    "empty": (b"", "data.csv: is empty, expected a row of column names and rows below it"),
    "no-rows": ([], "data.csv: holds no rows below the names of its columns, expected examples"),
    "no-names": (
        b"1,2,3\n4,5,6\n",
        "data.csv, row 1: holds numbers alone, expected the names of the columns\n  add a row of names on top",
    ),
    "name-twice": (b"a,b,a\n1,2,3\n", "data.csv, row 1: two columns are called 'a', expected different names"),
    "not-utf-8": (
        joined("age,fruit", "1,apple").replace(b"apple", b"p\xe9che"),
        "data.csv, line 2: not UTF-8: byte 0xe9 at position 4\n  save the file as UTF-8",
    ),
    "zero-byte": (
        b"age,fruit\n1,\0\n",
        "data.csv, line 2: holds a zero byte, expected text\n  save the file as CSV, UTF-8",
    ),
    "parquet": (
        b"PAR1\x15\x04\n",
        "data.csv: is a Parquet file, expected CSV\n"
        "  a table may be one if its name ends in .parquet; texts are read from CSV alone",
    ),
    "workbook": (
        b"PK\x03\x04\x14\n",
        "data.csv: is an archive, as Excel's workbooks are, expected CSV\n  save the sheet as CSV, UTF-8",
    ),
    "gzip": (b"\x1f\x8b\x08\n", "data.csv: is compressed, expected CSV\n  unpack it"),
    "utf-16": (
        "age,fruit\n".encode("utf-16"),
        "data.csv: is in UTF-16, expected CSV\n  save the file as CSV, UTF-8",
    ),
    "open-quote": (b'age,fruit\n1,"apple\n2,pear\n', "data.csv, row 2: not CSV: unexpected end of data"),
    "million-columns": (
        b"a," * 1_000_000 + b"fruit\n",
        "data.csv, row 1: holds 1,000,001 columns, expected at most 10,000\n"
        "  keep the columns that matter; a table on its side has to be turned",
    ),
    "one-class": (
        [[*row[:3], "pear"] for row in rows()],
        "data.csv: every label is 'pear', expected at least 2 classes\n  with one class there is nothing to predict",
    ),
    "few": (
        rows(20),
        "data.csv: holds 20 rows, expected at least 50\n"
        "  a tenth validates and a fifth tests: with fewer nothing can be claimed",
    ),
    "one-example": (
        changed(17, 3, "quince"),
        "data.csv, row 17: label 'quince' has 1 example, expected at least 3, one for each split\n"
        "  add examples, remove it, or give it the label of a class like it",
    ),
    "no-label": (
        changed(9, 3, ""),
        "data.csv, row 9: has no label in column 'fruit', expected one in every row\n  fill it in, or remove the row",
    ),
    "own-label-each": (
        [[*row[:3], str(i)] for i, row in enumerate(rows())],
        "data.csv: column 'fruit' has 60 different labels in 60 rows, expected at most 1,000 and several rows of each\n"
        "  a number is predicted with --task tabular-reg",
    ),
    "infinite": (
        changed(33, 0, "-inf"),
        "data.csv, row 33: column 'age' holds an infinite number, expected finite ones\n"
        "  correct it, or leave the cell empty if it is missing",
    ),
    "overflow": (
        changed(34, 0, "1e999"),
        "data.csv, row 34: column 'age' holds an infinite number, expected finite ones\n"
        "  correct it, or leave the cell empty if it is missing",
    ),
    "mistyped": (
        changed(12, 2, "1,5"),
        "data.csv, row 12: column 'size' holds '1,5', expected a number as in 59 other rows\n"
        "  correct such cells, or leave them empty if they are missing; if all are names, put a letter before each",
    ),
    "not-measured": (
        [["-" if i % 10 == 7 else row[0], *row[1:]] for i, row in enumerate(rows())],
        "data.csv, row 9: column 'age' holds '-', expected a number as in 54 other rows\n"
        "  correct such cells, or leave them empty if they are missing; if all are names, put a letter before each",
    ),
    "seldom-written-otherwise": (
        [[f"{i},{i:03}" if i % 10 == 7 else row[0], *row[1:]] for i, row in enumerate(rows())],
        "data.csv, row 9: column 'age' holds '7,007', expected a number as in 54 other rows\n"
        "  correct such cells, or leave them empty if they are missing; if all are names, put a letter before each",
    ),
    "few-of-a-class-of-numbers": (
        [[*row[:3], str(min(i // 2, 25))] for i, row in enumerate(rows())],
        "data.csv, row 2: label '0' has 2 examples, expected at least 3, one for each split (24 more classes are as "
        "small)\n  add examples, remove it, or give it the label of a class like it; "
        "a number is predicted with --task tabular-reg",
    ),
    "own-price-each": (
        [[*row[:3], f"{i + 1},000"] for i, row in enumerate(rows())],
        "data.csv: column 'fruit' has 60 different labels in 60 rows, expected at most 1,000 and several rows of each\n"
        "  a number is predicted with --task tabular-reg, if all are written as 1234.5 is, and not '1,000'",
    ),
    "nothing-to-learn-from": (
        [["7", "red", "7", row[3]] for row in rows()],
        "data.csv: no column is left to predict 'fruit' from\n  left out: 'age', the same in every row",
    ),
    "texts": (
        [["7", f"a {row[1]} one, no. {i}", "7", row[3]] for i, row in enumerate(rows())],
        "data.csv: no column is left to predict 'fruit' from\n"
        "  left out: 'age', the same in every row; texts are read with --task text-cls",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_used_is_refused(refused: Callable[..., str], name: str) -> None:
    cells, message = TABLES[name]

    assert refused(cells) == message


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            rows(),
            "data.csv, row 2: column 'fruit' holds 'apple', expected a number\n"
            "  a name is predicted with --task tabular-cls",
        ),
        (
            [[*row[:3], f"{i + 1},000"] for i, row in enumerate(rows())],
            "data.csv, row 2: column 'fruit' holds '1,000', expected a number\n"
            "  write such cells as 1234.5, or remove their rows",
        ),
        (
            [[*row[:3], "-" if i == 4 else str(i)] for i, row in enumerate(rows())],
            "data.csv, row 6: column 'fruit' holds '-', expected a number as in 59 other rows\n"
            "  write such cells as 1234.5, or remove their rows",
        ),
        (
            [[*row[:3], "" if i == 4 else str(i)] for i, row in enumerate(rows())],
            "data.csv, row 6: has no number in column 'fruit', expected one in every row\n"
            "  fill it in, or remove the row",
        ),
        (
            [[*row[:3], "NaN" if i == 5 else str(i)] for i, row in enumerate(rows())],
            "data.csv, row 7: has no number in column 'fruit', expected one in every row\n"
            "  fill it in, or remove the row",
        ),
        ([[*row[:3], "3"] for row in rows()], "data.csv: every target is 3, expected targets that differ"),
    ],
    ids=["names", "thousands", "not-measured", "missing", "nan", "all-alike"],
)
def test_targets_that_cannot_be_used_are_refused(
    refused: Callable[..., str], cells: list[list[str]], message: str
) -> None:
    assert refused(cells, "tabular-reg") == message


@pytest.mark.parametrize("task", ["tabular-cls", "tabular-reg", "text-cls"])
def test_a_label_column_that_is_not_there_is_guessed(refused: Callable[..., str], task: str) -> None:
    said = refused(rows(), task, kind=UsageError, label="friut")

    assert said == "data.csv: has no column 'friut' (--label). Did you mean 'fruit'?"


def test_a_label_column_like_no_other_lists_them(refused: Callable[..., str]) -> None:
    said = refused(rows(), kind=UsageError, label="outcome")

    assert said == "data.csv: has no column 'outcome' (--label)\n  columns: 'age', 'colour', 'size', 'fruit'"


def test_a_group_column_that_is_not_there_is_guessed(refused: Callable[..., str]) -> None:
    said = refused(rows(), kind=UsageError, group="color")

    assert said == "data.csv: has no column 'color' (--group). Did you mean 'colour'?"


def test_without_a_plain_label_it_is_asked_for(refused: Callable[..., str]) -> None:
    said = refused(rows(), kind=UsageError, label=None)

    assert said == (
        "which column of data.csv is the label? Give --label COLUMN\n  columns: 'age', 'colour', 'size', 'fruit'"
    )


def test_a_column_cannot_be_label_and_group(refused: Callable[..., str]) -> None:
    assert refused(rows(), kind=UsageError, group="fruit") == "column 'fruit' cannot be both --label and --group"


def test_too_few_groups_are_refused(refused: Callable[..., str]) -> None:
    said = refused([[str(i % 2), *row[1:]] for i, row in enumerate(rows())], group="age")

    assert said == (
        "data.csv: its 2 groups cannot be dealt out so that train, validation and test have every class\n"
        "  group by something finer, or leave --group out"
    )


@pytest.mark.parametrize("task", ["tabular-cls", "image-cls", "text-cls", "lang-model"])
def test_a_path_that_does_not_exist_is_refused(tmp_path: Path, task: str) -> None:
    said = refusal(Own(task, tmp_path / "nothing.csv", None), tmp_path / "kept")

    assert said == f"{tmp_path / 'nothing.csv'}: there is no such file or folder"


@pytest.mark.parametrize("task", ["tabular-cls", "image-cls", "text-cls", "lang-model"])
def test_a_path_that_cannot_be_followed_is_refused(tmp_path: Path, task: str) -> None:
    path = tmp_path / ("long" * 100)

    assert refusal(Own(task, path), tmp_path / "kept") == f"{path}: cannot be read: File name too long"


@pytest.mark.parametrize("task", ["tabular-cls", "image-cls", "text-cls", "lang-model"])
def test_a_pipe_is_refused_before_anybody_waits_for_it(tmp_path: Path, task: str) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    assert refusal(Own(task, path), tmp_path / "kept") == (
        f"{path}: is a pipe or a device, expected a file or a folder\n  data are read twice: write them to a file"
    )


@pytest.mark.parametrize("task", ["image-cls", "lang-model"])
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    locked = own_files.pictures(tmp_path / "data") / "emu"
    locked.mkdir()
    (tmp_path / "data" / ".trash").mkdir()
    listed = os.scandir

    def scandir(path: str | Path) -> Any:
        if Path(path).name in ("emu", ".trash"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)

    assert refusal(Own(task, tmp_path / "data"), tmp_path / "kept") == f"{locked}: cannot be read: Permission denied"


def test_a_task_without_a_reader_names_those_with_one(tmp_path: Path) -> None:
    said = refusal(Own("segmentation", tmp_path), tmp_path / "kept", UsageError)

    assert said == (
        "--data cannot be read for task segmentation\n"
        "  tasks that read your own data: tabular-cls, tabular-reg, image-cls, text-cls, lang-model"
    )


@pytest.mark.parametrize(("task", "expected"), [("tabular-cls", "a CSV or Parquet file"), ("text-cls", "a CSV file")])
def test_a_folder_in_place_of_a_table_is_refused(tmp_path: Path, task: str, expected: str) -> None:
    said = refusal(Own(task, tmp_path, "fruit"), tmp_path / "kept")

    assert said == f"{tmp_path}: is a folder, expected {expected}"


@pytest.mark.parametrize("task", ["image-cls", "lang-model"])
def test_a_label_where_there_are_no_columns_is_refused(tmp_path: Path, task: str) -> None:
    said = refusal(Own(task, tmp_path, "fruit"), tmp_path / "kept", UsageError)

    assert said == f"--label names a column, and {task} has none: leave it out"


def spoil(folder: Path) -> Path:
    path = folder / "dog" / "007.png"
    path.write_bytes(path.read_bytes()[:200])
    return path


def empty(folder: Path) -> Path:
    path = folder / "cat" / "003.png"
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("damage", "reason"), [(spoil, "image file is truncated"), (empty, "unknown format or damaged")]
)
def test_a_corrupt_picture_is_named(tmp_path: Path, damage: Callable[[Path], Path], reason: str) -> None:
    path = damage(own_files.pictures(tmp_path / "data"))
    said = refusal(Own("image-cls", tmp_path / "data"), tmp_path / "kept")

    assert said.startswith(f"{path}: not a picture that can be read: {reason}")
    assert said.endswith("\n  remove or replace it")


def test_a_picture_of_too_many_pixels_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own_files.pictures(tmp_path / "data")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    said = refusal(Own("image-cls", folder), tmp_path / "kept")

    assert said == f"{folder / 'cat' / '000.png'}: has too many pixels to be opened safely\n  make it smaller"


def test_pictures_of_one_class_are_refused(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data", classes=["cat"])
    said = refusal(Own("image-cls", folder), tmp_path / "kept")

    assert said == (
        f"{folder}: holds 1 folder, expected one folder of pictures for each of at least 2 classes\n"
        "  with one class there is nothing to predict"
    )


def test_a_class_with_too_few_pictures_is_named(tmp_path: Path) -> None:
    folder = own_files.pictures(own_files.pictures(tmp_path / "data"), 2, classes=["emu"])
    said = refusal(Own("image-cls", folder), tmp_path / "kept")

    assert said.startswith(f"{folder}/emu: label 'emu' has 2 examples, expected at least 3, one for each split\n")


@pytest.mark.parametrize(("others", "more"), [(["fox"], "1 more class is"), (["fox", "gnu"], "2 more classes are")])
def test_other_classes_with_too_few_pictures_are_counted(tmp_path: Path, others: list[str], more: str) -> None:
    folder = own_files.pictures(own_files.pictures(tmp_path / "data"), 2, classes=["emu", *others])

    assert f"({more} as small)" in refusal(Own("image-cls", folder), tmp_path / "kept")


def test_a_class_without_pictures_is_named(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    (folder / "emu").mkdir()
    (folder / "emu" / "notes.txt").write_text("none yet")
    said = refusal(Own("image-cls", folder), tmp_path / "kept")

    assert said.startswith(f"{folder / 'emu'}: holds no pictures (.bmp, .gif, .jfif, .jpeg")


def test_few_pictures_are_refused(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data", 10)
    said = refusal(Own("image-cls", folder), tmp_path / "kept")

    assert said.startswith(f"{folder}: holds 20 pictures, expected at least 50\n")


def test_a_file_in_place_of_a_folder_of_pictures_is_refused(tmp_path: Path) -> None:
    path = own_files.text(tmp_path / "data")
    said = refusal(Own("image-cls", path), tmp_path / "kept")

    assert said == f"{path}: is a file, expected a folder with one folder of pictures for each class"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": is empty, expected text"),
        (
            b"one\ntwo\nthr\xff",
            ", line 3: not UTF-8: byte 0xff\n  save the file as UTF-8",
        ),
        (b"one\n\0", ", line 2: holds a zero byte, expected text"),
        (
            b"short\n" * 100,
            ": holds 9 windows of 64 bytes, expected at least 50\n"
            "  a tenth validates and a fifth tests: with fewer nothing can be claimed",
        ),
        (b"a" * 20_000, ": every byte of its text is 0x61, expected bytes that differ"),
    ],
    ids=["empty", "not-utf-8", "zero-byte", "short", "one-byte"],
)
def test_a_text_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)

    assert refusal(Own("lang-model", path), tmp_path / "kept") == f"{path}{message}"


def test_a_text_of_a_folder_that_is_not_utf_8_may_be_removed(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    own_files.text(folder / "a.txt")
    (folder / "b.txt").write_bytes(b"p\xeache")

    assert refusal(Own("lang-model", folder), tmp_path / "kept") == (
        f"{folder / 'b.txt'}, line 1: not UTF-8: byte 0xea\n  save the file as UTF-8, or remove it from the folder"
    )


def test_files_that_are_all_too_short_for_a_window_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(90):
        own_files.text(folder / f"{i}.txt", 64, seed=i)

    assert refusal(Own("lang-model", folder), tmp_path / "kept") == (
        f"{folder}: holds 0 windows of 64 bytes, expected at least 50\n"
        "  each lies in one file, and 90 files have at most 64 bytes: join short ones"
    )


def test_what_is_too_much_to_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "MOST_BYTES", 5000)
    monkeypatch.setattr(pictures, "MOST_NUMBERS", 40_000)
    monkeypatch.setattr("harness.own.table.MOST_CELLS", 239)
    monkeypatch.setattr(texts, "MOST_TEXTS", 59)
    text, table = own_files.text(tmp_path / "text"), own_files.table(tmp_path / "data.csv")
    folder = own_files.pictures(tmp_path / "pictures")
    asked = {
        Own("lang-model", text): f"{text}: holds more than 5,000 bytes of text\n  take a part of it",
        Own("image-cls", folder): f"{folder}: holds 60 pictures, expected at most 52\n  take a part of them",
        Own("tabular-cls", table, "fruit"): f"{table}: holds 60 rows of 4 columns, expected at most 239 cells\n"
        "  keep the columns that matter, or a part of the rows",
        Own("text-cls", table, "fruit"): f"{table}: holds more than 59 texts\n  take a part of them",
    }

    assert {own: refusal(own, tmp_path / "kept") for own in asked} == asked


def test_a_table_whose_categories_become_too_many_inputs_is_refused(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.own.table.MOST_INPUTS", 4)

    assert refused(rows()).startswith(
        "data.csv: its columns become 5 inputs a row in 60 rows, expected at most 4 inputs"
    )


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(GuidesError, match="no space left for the prepared data in") as caught:
        keep(Own("tabular-cls", own_files.table(tmp_path / "data.csv"), "fruit"), tmp_path / "kept")

    assert caught.value.exit_code == 5
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_fewest_examples_leave_some_for_each_split() -> None:
    n_val, n_test = parts.sizes(parts.FEWEST)

    assert min(n_val, n_test, parts.FEWEST - n_val - n_test) >= 5
