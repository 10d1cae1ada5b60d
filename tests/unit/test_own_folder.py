"""What of a folder is data: nothing hidden, nothing of an archive's, no answers written there; links are followed."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from harness.own import language, pictures
from harness.own.folder import check_apart, check_there, found
from harness.own.read import Own, keep
from registry.errors import InvalidData, UsageError
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

    assert made.facts.notes == (plain.facts.notes[0], "4 hidden files passed over", *plain.facts.notes[1:])
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


@pytest.mark.parametrize("task", DATA)
def test_linked_folders_are_read_like_others(tmp_path: Path, task: str) -> None:
    data = DATA[task](tmp_path / "data")
    whole = keep(Own(task, data), tmp_path / "kept")
    more = data / ("cat" if task == "image-cls" else "more")
    more.mkdir(exist_ok=True)
    if task == "lang-model":
        (data / "0.txt").rename(more / "0.txt")
        whole = keep(Own(task, data), tmp_path / "kept")
    more.rename(tmp_path / "elsewhere")
    more.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(data)

    assert keep(Own(task, data), tmp_path / "kept") == whole
    assert keep(Own(task, tmp_path / "link"), tmp_path / "kept") == whole


def test_each_folder_is_read_once_and_links_to_nothing_are_counted(tmp_path: Path) -> None:
    data, other = texts(tmp_path / "data"), texts(tmp_path / "other")
    plain = found(data).files
    for name, target in {"self": ".", "up": "..", "lost": "gone", "loop": "loop"}.items():
        (data / name).symlink_to(target)
    (data / "a").symlink_to(other)
    (data / "b").symlink_to(other)
    (other / "back").symlink_to(data)

    assert found(data).files == sorted([*plain, *(data / "a" / f"{i}.txt" for i in range(10))])
    assert found(data).notes == ["6 links passed over: to nothing, or to folders read anyway"]


def test_a_folder_that_is_hidden_is_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    texts(tmp_path / "data" / ".store")
    (tmp_path / "data" / "now").symlink_to(".store")

    assert len(found(tmp_path / "data").files) == 10
    assert found(tmp_path / "data").notes == ["10 hidden files passed over"]


def test_a_file_that_may_not_be_reached_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_file(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    own_files.text(tmp_path / "a.txt")
    monkeypatch.setattr(Path, "is_file", is_file)

    with pytest.raises(InvalidData, match=r"a.txt: cannot be read: Permission denied"):
        check_there(tmp_path)
