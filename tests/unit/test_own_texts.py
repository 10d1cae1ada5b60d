"""Texts of your own: labelled ones of a table, and whole files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from harness import plugins
from harness.own import language, texts
from harness.own.place import found_in
from harness.own.read import Own, keep
from registry.errors import InvalidData
from tests import own_files

WORDS = ("sun", "moon", "star", "cloud", "rain", "wind")


def sentences(n: int = 200, words: int = 4) -> list[list[str]]:
    rng = np.random.default_rng(0)
    return [[" ".join(rng.choice(WORDS, size=words)) + f" {i}", ("day", "night")[i % 2]] for i in range(n)]


def written(tmp_path: Path, cells: list[list[str]], header: tuple[str, ...] = ("said", "label")) -> Path:
    return own_files.table(tmp_path / "texts.csv", cells, header)


def test_texts_are_the_bytes_of_their_utf_8_padded_by_zeros(tmp_path: Path) -> None:
    cells = sentences()
    cells[0][0] = "æther"
    made = texts.read(written(tmp_path, cells), "label", None)
    rows = [row.tobytes() for split in made.splits for row in split.inputs]

    assert made.facts.input_shape == (32, 256)
    assert made.facts.symbols
    assert not made.facts.per_position
    assert "æther".encode().ljust(32, b"\0") in rows
    assert {row.rstrip(b"\0").decode() for row in rows} == {cell[0] for cell in cells}


@pytest.mark.parametrize(("length", "expected"), [(5, 8), (9, 16), (64, 64), (65, 128), (300, 256), (5000, 256)])
def test_the_input_covers_nine_texts_of_ten_but_is_no_longer_than_256(
    tmp_path: Path, length: int, expected: int
) -> None:
    cells = [[f"{i:04}".ljust(length if i % 8 == 0 else 5, "x"), "ab"[i % 2]] for i in range(200)]
    made = texts.read(written(tmp_path, cells), "label", None)

    assert made.facts.input_shape == (expected, 256)
    assert any("longer" in note for note in made.facts.notes) == (length > 256)


def test_texts_that_are_cut_are_counted(tmp_path: Path) -> None:
    cells = [[f"{i:04}".ljust(300 if i < 10 else 6, "x"), "ab"[i % 2]] for i in range(200)]
    made = texts.read(written(tmp_path, cells), "label", None)

    assert made.facts.notes[:2] == (
        "200 texts in column 'said', read as 8 bytes of UTF-8",
        "10 of 200 texts are longer and lose their end",
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [(("number", "text", "label"), "text"), (("number", "said", "label"), "said")],
    ids=["by-name", "by-length"],
)
def test_the_column_of_texts_is_found(tmp_path: Path, header: tuple[str, ...], expected: str) -> None:
    path = written(tmp_path, [[str(i), *row] for i, row in enumerate(sentences())], header)

    assert f"in column '{expected}'" in texts.read(path, "label", None).facts.notes[0]


def test_columns_that_are_no_use_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, [[str(i), *row] for i, row in enumerate(sentences())], ("n", "text", "label"))

    assert texts.read(path, "label", None).facts.notes[1] == "left out: 'n': one column of texts is read"


def test_groups_of_texts_are_kept_apart(tmp_path: Path) -> None:
    cells = [[f"{row[0][:9]} by {i % 20:02}", f"{i % 20}", row[1]] for i, row in enumerate(sentences(400))]
    cells = [[f"{'x' * 20} {i} by {i % 20:02}", *row[1:2], "ab"[i // 20 % 2]] for i, row in enumerate(cells)]
    made = texts.read(written(tmp_path, cells, ("text", "author", "label")), "label", "author")
    authors = [{row.tobytes().rstrip(b"\0")[-2:] for row in split.inputs} for split in made.splits]

    assert made.facts.group == "a column of the data"
    assert not authors[0] & authors[1]
    assert not authors[0] & authors[2]
    assert not authors[1] & authors[2]


def test_texts_that_are_missing_are_warned_of(tmp_path: Path) -> None:
    cells = sentences()
    cells[3][0] = cells[4][0] = ""

    assert texts.read(written(tmp_path, cells), "label", None).facts.warnings[0] == "2 rows without text"


def test_the_same_text_under_two_labels_across_splits_is_warned_of(tmp_path: Path) -> None:
    cells = [[f"text {i // 8}", "ab"[i % 2]] for i in range(200)]
    cells += [[f"more {i}", "a"] for i in range(40)]  # so that the classes are cut at different places
    made = texts.read(written(tmp_path, cells), "label", None)
    known = {one.tobytes() for split in made.splits[:2] for one in split.inputs}
    n = sum(one.tobytes() in known for one in made.splits.test.inputs)

    assert n > 0
    assert made.facts.warnings[0].startswith(f"{n} of {len(made.splits.test)} test examples (")


def test_a_text_of_megabytes_is_read(tmp_path: Path) -> None:
    cells = sentences()
    cells[0][0] = "long " * 400_000

    assert sum(map(len, texts.read(written(tmp_path, cells), "label", None).splits)) == 200


def test_windows_say_at_each_position_what_follows(tmp_path: Path) -> None:
    path = own_files.text(tmp_path / "text.txt", 20_000)
    made = language.read(path)
    content = path.read_bytes()

    assert made.facts.input_shape == (64, 256)
    assert made.facts.n_classes == 256
    assert made.facts.symbols
    assert made.facts.per_position
    assert made.facts.group is None
    assert sum(map(len, made.splits)) == 312
    for split in made.splits:
        assert np.array_equal(split.inputs[:, 1:], split.labels[:, :-1])
        for inputs, labels in zip(split.inputs, split.labels, strict=True):
            at = content.index(inputs.tobytes())

            assert at % 64 == 0
            assert content[at + 64] == labels[-1]


def test_one_text_is_dealt_out_in_blocks(tmp_path: Path) -> None:
    path = own_files.text(tmp_path / "text.txt", 100_000)
    made = language.read(path)
    content = path.read_bytes()
    starts = sorted(content.index(row.tobytes()) // 64 for row in made.splits.test.inputs)
    n_runs = 1 + int((np.diff(starts) > 1).sum())

    assert len(starts) == pytest.approx(312, rel=0.1)
    assert n_runs <= len(starts) / 10
    assert made.facts.notes[1].endswith("split by blocks of the text, one after the other: the same source")


def test_many_files_are_dealt_out_whole(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    owner = {}
    for i in range(20):
        path = own_files.text(folder / f"{i}.txt", 2000 + 100 * i, seed=i)
        content = path.read_bytes()
        owner |= {content[at : at + 64]: i for at in range(0, len(content) - 64, 64)}
    (folder / ".hidden").write_bytes(b"\xff")
    (folder / "picture").write_bytes(b"GIF\0\xff" * 100)
    made = language.read(folder)
    files = [{owner[row.tobytes()] for row in split.inputs} for split in made.splits]

    assert made.facts.group == "file"
    assert set.union(*files) == set(range(20))
    assert sum(map(len, files)) == 20
    assert made.facts.notes[1] == "passed over: 1 file with zero bytes, and so without text"
    assert made.facts.warnings == ()


def test_files_that_are_no_text_are_not_counted_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "MOST_BYTES", 20_000)
    monkeypatch.setattr(language, "PEEKED", 100)
    folder = tmp_path / "texts"
    folder.mkdir()
    own_files.text(folder / "b.txt", 15_000)
    own_files.text(folder / "c.txt", 64)
    (folder / "a.mp4").write_bytes(b"\0" * 30_000)
    (folder / "d.bin").write_bytes(b"x" * 4000 + b"\0")
    made = language.read(folder)

    assert made.facts.notes[:3] == (
        "15,064 bytes of text in 2 files, 234 windows of 64",
        "passed over: 2 files with zero bytes, and so without text",
        "passed over: 1 file of at most 64 bytes, less than a window",
    )


def test_a_folder_without_any_text_is_refused(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    with pytest.raises(InvalidData, match=r"data: holds 60 files with zero bytes, and so without text, expected text$"):
        language.read(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"text"), "is compressed, expected text\n  unpack it"),
        (b"PK\x03\x04\0", "is an archive, as Excel's workbooks are, expected text\n  save the sheet as CSV, UTF-8"),
        ("text".encode("utf-16"), "is in UTF-16, expected text\n  save the file as UTF-8"),
    ],
    ids=["gzip", "archive", "utf-16"],
)
def test_a_file_that_is_known_to_be_no_text_is_called_what_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidData) as caught:
        language.read(path)

    assert str(caught.value) == f"{path}: {said}"


def test_a_file_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(10):
        path = own_files.text(folder / f"{i}.txt", 3000, seed=i)
        path.with_suffix(".copy").write_bytes(path.read_bytes())
    made = language.read(folder)

    assert "passed over: 10 files like another to the byte" in made.facts.notes
    assert made.facts.warnings == ()


def test_two_files_are_dealt_out_in_blocks(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(2):
        own_files.text(folder / f"{i}.txt", 20_000, seed=i)

    assert language.read(folder).facts.group is None


def test_windows_of_test_that_are_in_train_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"again and again " * 4 * 200)

    assert language.read(path).facts.warnings[0].startswith("44 of 44 test examples (100.0%) have the same inputs")


@pytest.mark.parametrize("task", ["text-cls", "lang-model"])
def test_texts_are_loaded_as_a_data_set(tmp_path: Path, task: str) -> None:
    path = written(tmp_path, sentences()) if task == "text-cls" else own_files.text(tmp_path / "text.txt")
    with found_in(tmp_path / "kept"):
        data = plugins.load("datasets", keep(Own(task, path), tmp_path / "kept").name)
        train = data.train()

    assert (data.task, data.symbols, data.per_position) == (task, True, task == "lang-model")
    assert train.inputs.dtype == np.uint8
    assert train.labels.ndim == (2 if task == "lang-model" else 1)
