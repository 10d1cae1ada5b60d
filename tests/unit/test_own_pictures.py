"""Folders of pictures of your own: sizes, colours, what counts as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.own import pictures
from harness.own.prepared import Prepared
from harness.own.read import Own, keep
from registry.errors import InvalidData
from tests import own_files


def everything(made: Prepared) -> np.ndarray:
    return np.concatenate([split.inputs for split in made.splits])


def save(folder: Path, array: np.ndarray, mode: str | None = None, suffix: str = "png") -> None:
    """Make every picture of a folder this one, shifted by its number so that no two are alike."""
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        image = Image.fromarray(np.roll(array, number, axis=1))
        path.unlink()
        (image if mode is None else image.convert(mode)).save(path.with_suffix(f".{suffix}"))


def test_small_squares_stay_as_they_are_divided_by_256(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data", size=16)
    made = pictures.read(folder)
    first = np.asarray(Image.open(folder / "cat" / "000.png")).transpose(2, 0, 1) / 256

    assert made.facts.input_shape == (3, 16, 16)
    assert made.facts.resolutions == (8, 16)
    assert made.facts.n_classes == 2
    assert any(np.array_equal(one, first) for one in everything(made))
    assert made.facts.notes == (
        "60 pictures in colour, 16 x 16 pixels",
        "42 pictures to train on, 6 to validate, 12 to test",
        "2 classes: 'cat' 50.0%, 'dog' 50.0%",
    )
    assert made.facts.warnings == ()


@pytest.mark.parametrize(("size", "resolutions"), [(12, (12,)), (28, (14, 28)), (9, (9,)), (64, (32, 64))])
def test_half_the_size_is_offered_where_it_divides_and_shows_something(
    tmp_path: Path, size: int, resolutions: tuple[int, ...]
) -> None:
    assert pictures.read(own_files.pictures(tmp_path / "data", size=size)).facts.resolutions == resolutions


def test_large_pictures_are_averaged_down_to_32(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    small = (np.arange(1024) % 240 + 8).reshape(32, 32)
    chequered = np.tile([[-4, 4], [4, -4]], (64, 64))
    save(folder, (np.kron(small, np.ones((4, 4), dtype=int)) + chequered).astype(np.uint8))
    made = pictures.read(folder)

    assert made.facts.input_shape == (1, 32, 32)
    assert any(np.array_equal(one[0] * 256, small) for one in everything(made))
    assert made.facts.notes[0] == "60 pictures in grey, made 32 x 32 pixels from 128 x 128"


def test_pictures_of_many_sizes_become_squares_and_that_is_said(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(256, size=(20, 50, 3), dtype=np.uint8)).save(folder / "cat" / "000.png")
    made = pictures.read(folder)

    assert made.facts.input_shape == (3, 32, 32)
    assert made.facts.notes[0] == "60 pictures in colour, made 32 x 32 pixels from 16 x 16 to 50 x 20"
    assert made.facts.warnings == ("1 of 60 pictures are squashed to squares: cut them first if that matters",)


@pytest.mark.parametrize(
    ("mode", "suffix", "channels"),
    [("L", "png", 1), ("1", "png", 1), ("LA", "png", 1), ("P", "png", 3), ("RGBA", "png", 3), ("CMYK", "jpg", 3)],
)
def test_every_kind_of_picture_is_read(tmp_path: Path, mode: str, suffix: str, channels: int) -> None:
    folder = own_files.pictures(tmp_path / "data")
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    save(folder, np.stack([ramp] * 3, axis=2), mode, suffix)
    made = pictures.read(folder)

    assert made.facts.input_shape == (channels, 16, 16)
    assert 0.4 < float(everything(made).mean()) < 0.6


def outlined(folder: Path, mode: str) -> np.ndarray:
    """Make pictures black, or one shade of grey, with shapes in transparency alone; return one as it is seen."""
    shape = np.arange(256, dtype=np.uint8).reshape(16, 16)
    black = np.stack([np.zeros_like(shape)] * 3 + [shape], axis=2)
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        image = Image.fromarray(np.roll(black, number, axis=1))
        (image if mode == "RGBA" else image.convert(mode)).save(path)
    return 255 - shape


@pytest.mark.parametrize(("mode", "channels"), [("RGBA", 3), ("LA", 1)])
def test_white_shows_through_transparent_pictures(tmp_path: Path, mode: str, channels: int) -> None:
    folder = own_files.pictures(tmp_path / "data")
    seen = outlined(folder, mode)
    made = pictures.read(folder)

    assert made.facts.input_shape == (channels, 16, 16)
    assert any((one * 256 == seen).all() for one in everything(made))
    assert made.facts.notes[1] == "laid on white: 60 pictures with an alpha channel or a transparent colour"


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_a_transparent_colour_of_a_palette_becomes_white(tmp_path: Path, suffix: str) -> None:
    folder = own_files.pictures(tmp_path / "data")
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        image = Image.fromarray(np.roll(np.arange(256, dtype=np.uint8).reshape(16, 16) % 64, number, axis=1), "P")
        image.putpalette([0, 0, 0, *(level for i in range(1, 64) for level in (i, 2 * i, 3 * i))])
        path.unlink()
        image.save(path.with_suffix(f".{suffix}"), transparency=0)
    found = everything(pictures.read(folder)) * 256

    assert (found == 255).all(axis=1).sum() == 4 * len(found)
    assert not (found == 0).all(axis=1).any()


def test_grey_pictures_of_16_bits_are_read(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    ramp = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    save(folder, ramp)

    assert sorted(everything(pictures.read(folder))[0].ravel() * 256) == list(range(256))


def test_one_picture_in_colour_makes_all_of_them_so(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    colour = (folder / "cat" / "000.png").read_bytes()
    save(folder, np.arange(256, dtype=np.uint8).reshape(16, 16))
    (folder / "cat" / "000.png").write_bytes(colour)

    assert pictures.read(folder).facts.input_shape == (3, 16, 16)


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    save(folder, ramp)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(np.rot90(ramp, 2).copy()).save(folder / "cat" / "000.png", exif=exif)

    found = everything(pictures.read(folder))[:, 0] * 256
    assert any(np.array_equal(one, ramp) for one in found)
    assert not any(np.array_equal(one, np.rot90(ramp, 2)) for one in found)


def test_what_is_no_picture_by_its_name_is_passed_over_and_said(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    for name in ("Thumbs.db", ".DS_Store", "readme.txt"):
        (folder / "cat" / name).write_bytes(b"?")
    (folder / "labels.csv").write_bytes(b"?")

    assert pictures.read(folder).facts.notes[1] == "passed over: 2 files not named like a picture"


def test_pictures_in_folders_of_folders_are_found(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    (folder / "cat" / "more").mkdir()
    (folder / "cat" / "000.png").rename(folder / "cat" / "more" / "a.PNG")

    assert sum(map(len, pictures.read(folder).splits)) == 60


def test_the_same_picture_in_two_classes_is_warned_of(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    for path in (folder / "cat").iterdir():
        (folder / "dog" / path.name).write_bytes(path.read_bytes())
    rng = np.random.default_rng(1)
    for i in range(30):  # so that the classes are cut at different places
        pixels = rng.integers(256, size=(16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "dog" / f"more-{i}.png")
    made = pictures.read(folder)
    known = {one.tobytes() for split in made.splits[:2] for one in split.inputs}
    n = sum(one.tobytes() in known for one in made.splits.test.inputs)

    assert n > 0
    assert made.facts.warnings[0].startswith(f"{n} of 18 test examples (")


def test_the_same_picture_twice_stays_in_one_split(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    for path in sorted(folder.rglob("*.png")):
        path.with_name(f"copy-{path.name}").write_bytes(path.read_bytes())

    [said] = pictures.read(folder).facts.warnings
    assert "training examples (50.0%) have the inputs and the answer of an earlier one" in said


def test_the_name_changes_with_a_folder_that_is_renamed_and_not_with_its_place(tmp_path: Path) -> None:
    folder = own_files.pictures(tmp_path / "data")
    first = keep(Own("image-cls", folder), tmp_path / "kept").name
    moved = folder.rename(tmp_path / "moved")

    assert keep(Own("image-cls", moved), tmp_path / "kept").name == first
    (moved / "cat").rename(moved / "ape")
    assert keep(Own("image-cls", moved), tmp_path / "kept").name != first


@pytest.mark.parametrize(("white", "bits"), [(4095, 12), (65535, 16), (255, 8), (1023, 10)])
@pytest.mark.parametrize("kind", [np.uint16, np.int32])
def test_deep_grey_levels_keep_their_upper_eight_bits(tmp_path: Path, white: int, bits: int, kind: type) -> None:
    folder = own_files.pictures(tmp_path / "data")
    save(folder, (np.arange(256).reshape(16, 16) * white // 255).astype(kind), suffix="tif")
    made = pictures.read(folder)

    assert len(np.unique(everything(made))) == 256
    assert everything(made).max() == 255 / 256
    assert (f"grey levels of {bits} bits become 256" in made.facts.notes) == (bits > 8)


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (
            np.linspace(0, 1, 256, dtype=np.float32),
            "grey levels with fractions, whose white is unknown",
        ),
        (np.arange(256, dtype=np.int32) - 1, "grey levels from -1 to 254, expected 0 to 65,535"),
        (np.arange(256, dtype=np.int32) * 257 + 1, "grey levels from 1 to 65,536, expected 0 to 65,535"),
    ],
    ids=["fractions", "negative", "too-large"],
)
def test_grey_levels_whose_white_is_unknown_are_refused(tmp_path: Path, levels: np.ndarray, said: str) -> None:
    folder = own_files.pictures(tmp_path / "data")
    path = folder / "dog" / "005.tif"
    Image.fromarray(levels.reshape(16, 16)).save(path)
    with pytest.raises(InvalidData, match=f"{path}: holds {said}"):
        pictures.read(folder)
