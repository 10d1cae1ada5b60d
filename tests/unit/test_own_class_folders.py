"""Which folders are classes: splits and folders around the classes are told from classes with folders of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.own import class_folders
from registry.errors import InvalidData


def tree(folder: Path, *places: str) -> Path:
    """Make two empty files called like pictures in each place."""
    for place in places:
        (folder / place).mkdir(parents=True)
        for name in ("a.jpg", "b.PNG"):
            (folder / place / name).touch()
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(InvalidData) as caught:
        class_folders.found(folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("places", "said", "first"),
    [
        (("train", "test"), "'test', 'train'", "train"),
        (
            ("training_set/cat", "training_set/dog", "test_set/cat", "test_set/dog"),
            "'test_set', 'training_set'",
            "training_set",
        ),
        (("training_set/cat", "training_set/dog", "test_set"), "'test_set', 'training_set'", "training_set"),
        (("train/cat", "train/dog", "test/cat", "test/dog", "images/all"), "'test', 'train'", "train"),
        (
            ("seg_train/seg_train/a", "seg_train/seg_train/b", "seg_test/x", "pred"),
            "'seg_test', 'seg_train'",
            "seg_train",
        ),
        (("TrainData", "ValidationData"), "'TrainData', 'ValidationData'", "TrainData"),
        (("fold1 val/cat", "fold1 testset/cat"), "'fold1 testset', 'fold1 val'", "fold1 testset"),
        (("TrainImages/cat", "TestImages/cat"), "'TestImages', 'TrainImages'", "TrainImages"),
    ],
    ids=["flat", "sets", "test-flat", "images", "deep", "one-word", "no-train", "camel-case"],
)
def test_folders_called_like_splits_are_refused(tmp_path: Path, places: tuple[str, ...], said: str, first: str) -> None:
    folder = tree(tmp_path / "data", *places)

    assert refusal(folder) == (
        f"{folder}: has folders called {said}, expected one for each class\n"
        f"  give one of them, such as {folder / first}, or merge them: the splits are made here"
    )


@pytest.mark.parametrize(
    "places",
    [
        ("bullet train", "steam train"),
        ("valid", "invalid"),
        ("train", "car", "test tube"),
        ("train_station", "test_tube"),
        ("train_station/day", "train_station/night", "test_tube", "tree"),
        ("test positive/2019", "test positive/2020", "test negative"),
        ("cat/train", "cat/test", "dog/train", "dog/test"),
        ("cat/2019", "cat/2020", "dog/2020", "dog/2021"),
        ("cat/more", "dog/more"),
        ("cat", "cat/left", "cat/right", "dog", "dog/left", "dog/right"),
    ],
    ids=[
        "one-kind",
        "part-of-a-word",
        "among-others",
        "two-things",
        "two-things-inside",
        "two-alike",
        "splits-inside",
        "years",
        "one-inside",
        "both",
    ],
)
def test_classes_that_look_like_splits_or_have_folders_are_classes(tmp_path: Path, places: tuple[str, ...]) -> None:
    folder = tmp_path / "data"
    for place in places:
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / "a.jpg").touch()
    found = class_folders.found(folder)

    assert [place.name for place in found.pictures] == sorted({place.split("/")[0] for place in places})
    assert sum(map(len, found.pictures.values())) == len(places)
    assert not found.notes
    assert not found.warnings


def test_the_same_folders_in_every_class_are_warned_of(tmp_path: Path) -> None:
    folder = tree(tmp_path, "amazon/images/cat", "amazon/images/dog", "webcam/cat", "webcam/dog")

    assert class_folders.found(folder).warnings == [
        "every class has the folders 'cat', 'dog': if those are the classes, give one of the folders they are in, "
        f"such as {folder / 'amazon'}, or merge them"
    ]


def test_a_folder_around_the_classes_is_named(tmp_path: Path) -> None:
    assert refusal(tree(tmp_path, "photos/cat", "photos/dog")) == (
        f"{tmp_path}: holds 1 folder, expected one folder of pictures for each of at least 2 classes\n"
        f"  are its folders the classes? Then give {tmp_path / 'photos'}"
    )


def test_pictures_without_folders_are_sent_to_folders(tmp_path: Path) -> None:
    assert refusal(tree(tmp_path / "data", ".")).endswith(
        "holds 0 folders, expected one folder of pictures for each of at least 2 classes\n"
        "  move the pictures of each class to a folder that is called like it"
    )


def test_a_link_to_a_class_is_no_class(tmp_path: Path) -> None:
    folder = tree(tmp_path / "data", "cat", "dog")
    (folder / "latest").symlink_to(folder / "cat")
    found = class_folders.found(folder)

    assert [place.name for place in found.pictures] == ["cat", "dog"]
    assert found.notes == ["1 link passed over: to nothing, or to folders read anyway"]


def test_a_link_to_an_empty_folder_is_an_empty_class(tmp_path: Path) -> None:
    folder = tree(tmp_path / "data", "cat", "dog")
    (tmp_path / "elsewhere").mkdir()
    (folder / "bird").symlink_to(tmp_path / "elsewhere")

    assert refusal(folder).startswith(f"{folder / 'bird'}: holds no pictures")


@pytest.mark.parametrize("inside", ["bird", "dog"])
def test_splits_of_two_things_are_told_by_the_same_classes_inside(tmp_path: Path, inside: str) -> None:
    folder = tree(tmp_path / "data", "train_day/cat", "train_day/dog", "test_night/cat", f"test_night/{inside}")
    if inside == "dog":
        assert "expected one for each class" in refusal(folder)
    else:
        assert len(class_folders.found(folder).pictures) == 2


def test_pictures_beside_the_classes_are_passed_over_and_said(tmp_path: Path) -> None:
    folder = tree(tmp_path, "cat", "dog")
    (folder / "plan.png").touch()

    assert class_folders.found(folder).notes == ["passed over: 1 picture beside the folders of the classes"]


def test_a_class_without_pictures_tells_what_was_passed_over(tmp_path: Path) -> None:
    folder = tree(tmp_path, "cat", "dog", "emu/.old")
    (folder / "emu" / "a.jpg").symlink_to(folder / "gone.jpg")

    assert refusal(folder).endswith(
        "\n  remove it or fill it; 2 hidden files passed over; "
        "1 link passed over: to nothing, or to folders read anyway"
    )
