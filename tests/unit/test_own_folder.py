"""What of a folder is data: nothing hidden, nothing of an archive's, and no answers that were written there."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.own import language, pictures
from harness.own.folder import check_apart
from harness.own.read import Own, keep
from registry.errors import UsageError
from tests import own_files


def texts(folder: Path) -> Path:
    folder.mkdir()
    for i in range(10):
        own_files.text(folder / f"{i}.txt", 2000, seed=i)
    return folder


DATA = {"image-cls": own_files.pictures, "lang-model": texts}


@pytest.mark.parametrize("task", DATA)
def test_answers_inside_the_data_are_no_data(tmp_path: Path, task: str) -> None:
    data = DATA[task](tmp_path / "data")
    out = data / "my-guidelines"
    first = keep(Own(task, data), out / ".runs" / "data")
    own_files.pictures(out / "image-cls", 3)
    own_files.text(out / "notes.txt")
    elsewhere = keep(Own(task, data), tmp_path / "kept")

    assert keep(Own(task, data), out / ".runs" / "data") == first
    assert elsewhere == first


@pytest.mark.parametrize(("task", "inside"), [("image-cls", "."), ("image-cls", "cat"), ("lang-model", ".")])
def test_answers_among_the_data_are_refused(tmp_path: Path, task: str, inside: str) -> None:
    data = DATA[task](tmp_path / "data")
    with pytest.raises(UsageError) as caught:
        keep(Own(task, data), data / inside / ".runs" / "data")

    assert str(caught.value) == (
        f"{data / inside}: answers would be written among the data\n  give a folder of its own: --out DIR"
    )
    assert not (data / inside / ".runs").exists()


def test_answers_beside_or_around_the_data_are_apart(tmp_path: Path) -> None:
    data = own_files.pictures(tmp_path / "data")

    check_apart(data, tmp_path / "out" / ".runs" / "data")
    check_apart(data, tmp_path / ".runs" / "data")
    (data / "empty").mkdir()
    check_apart(data, data / "empty" / ".runs" / "data")


def test_hidden_pictures_and_those_of_an_archive_are_passed_over_and_counted(tmp_path: Path) -> None:
    plain = pictures.read(own_files.pictures(tmp_path / "plain"))
    folder = own_files.pictures(tmp_path / "data")
    picture = (folder / "cat" / "000.png").read_bytes()
    for place in ("cat/.ipynb_checkpoints/a.png", "__MACOSX/cat/._a.png", ".git/b.png", "dog/__MACOSX/c.png"):
        (folder / place).parent.mkdir(parents=True)
        (folder / place).write_bytes(picture)
    made = pictures.read(folder)

    assert made.facts.notes == (*plain.facts.notes, "4 hidden files passed over")
    assert made.facts.n_classes == 2


def test_hidden_texts_are_passed_over_and_counted(tmp_path: Path) -> None:
    folder = texts(tmp_path / "data")
    plain = language.read(folder)
    (folder / ".cache").mkdir()
    own_files.text(folder / ".cache" / "a.txt", seed=77)

    assert language.read(folder).facts.notes == (*plain.facts.notes, "1 hidden file passed over")


def test_a_hidden_file_that_changes_leaves_the_name(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    first = keep(Own("image-cls", folder), tmp_path / "kept")
    (folder / "cat" / ".DS_Store").write_bytes(b"1")

    assert keep(Own("image-cls", folder), tmp_path / "kept") == first
