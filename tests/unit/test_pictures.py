"""MNIST, Fashion-MNIST and CIFAR from a local folder, on small files in their true form."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import plugins
from harness.datasets.base import Dataset
from harness.pictures import cifar
from harness.pictures.cifar import read_batch
from harness.pictures.files import data_folder
from harness.pictures.idx import read_idx
from registry import cli
from registry.errors import InvalidData
from tests import picture_files
from tests.picture_files import NAMES, batch, declare, files_of, fresh, idx, sizes, write

PATH = Path("folder/file")
ROWS = np.arange(2 * 3072, dtype=np.uint32).astype(np.uint8).reshape(2, 3072)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, empty."""
    monkeypatch.setenv("GUIDES_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Dataset]:
    """Write the small files of a set, some of them changed, as official ones; return the set, not loaded yet."""

    def make(name: str, **changed: bytes) -> Dataset:
        files = {place: changed.get(Path(place).name.split(".")[0], old) for place, old in files_of(name).items()}
        write(folder, files)
        declare(monkeypatch, name, files)
        return fresh(name)

    return make


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(InvalidData) as caught:
        call()
    message = str(caught.value.message)

    assert "\n" not in message
    return message


# --- what is loaded


@pytest.mark.parametrize("name", NAMES)
def test_train_and_val_are_the_official_train_part_in_its_order(name: str, small: Callable[..., Dataset]) -> None:
    data = small(name)
    n_train, n_val, _ = sizes(data.n_classes)
    train, val = data.train(), data.val()
    official = read_all(name, data)
    place = {image.tobytes(): row for row, (image, _) in enumerate(official)}
    rows = [[place[(image * 256).astype(np.uint8).tobytes()] for image in split.inputs] for split in (train, val)]

    assert sorted(rows[0] + rows[1]) == list(range(n_train))
    assert rows == [sorted(rows[0]), sorted(rows[1])]
    assert [official[row][1] for row in rows[0] + rows[1]] == [*train.labels, *val.labels]
    assert np.bincount(val.labels).tolist() == [n_val // data.n_classes] * data.n_classes


def read_all(name: str, data: Dataset) -> list[tuple[np.ndarray, int]]:
    """Return what was drawn for the train part, as (channels, height, width) and label."""
    flat = (3072,) if name.startswith("cifar") else (28, 28)
    images, labels = picture_files.pictures(sizes(data.n_classes)[0], data.n_classes, flat, seed=0)
    return [(image.reshape(data.input_shape), label) for image, label in zip(images, labels, strict=True)]


def test_the_first_third_of_a_row_of_cifar_is_red() -> None:
    images, labels = read_batch(PATH, batch(ROWS, [3, 4]), "labels")

    assert np.array_equal(images[1, 0].ravel(), ROWS[1, :1024])
    assert labels.tolist() == [3, 4]


def test_a_batch_stored_by_column_is_the_same() -> None:
    by_row, by_column = (batch(ROWS, [3, 4], by_column=choice) for choice in (False, True))

    assert by_row != by_column
    assert np.array_equal(read_batch(PATH, by_row, "labels")[0], read_batch(PATH, by_column, "labels")[0])


def test_the_batches_of_these_tests_are_what_pickle_and_numpy_make_arrays_of() -> None:
    known = pickle.loads(batch(ROWS, [3, 4]).replace(b"numpy.core", b"numpy._core"), encoding="latin1")  # noqa: S301 # ours

    assert np.array_equal(known["data"], ROWS)
    assert known["labels"] == [3, 4]


def test_naming_the_data_sets_imports_neither_torchvision_nor_torch() -> None:
    probe = (
        "import sys; from harness import plugins; [plugins.load('datasets', n) for n in plugins.names('datasets')];"
        "print([m for m in ('torchvision', 'torch', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


# --- what is refused


@pytest.mark.parametrize(
    ("name", "place"),
    [("mnist", "MNIST/raw/train-images-idx3-ubyte.gz"), ("cifar-10", "cifar-10-batches-py/data_batch_1")],
)
def test_data_that_are_not_there_are_asked_for(name: str, place: str, folder: Path) -> None:
    with pytest.raises(InvalidData) as caught:
        fresh(name).train()

    assert caught.value.message == f"{name} is not on this machine: there is no file {folder / place}"
    assert caught.value.hint.startswith(f"fetch it: python -m harness fetch {name} (into the folder that GUIDES_DATA")


def test_without_a_folder_of_ones_own_it_is_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GUIDES_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert data_folder() == tmp_path / "sizing-guides" / "data"


@pytest.mark.parametrize(
    ("name", "place"),
    [("fashion-mnist", "FashionMNIST/raw/t10k-labels-idx1-ubyte.gz"), ("cifar-100", "cifar-100-python/test")],
)
def test_a_missing_test_part_is_named(name: str, place: str, small: Callable[..., Dataset], folder: Path) -> None:
    data = small(name)
    (folder / place).unlink()

    assert f"there is no file {folder / place}" in refusal(data.train)


def test_a_file_with_another_checksum_is_not_even_parsed(
    small: Callable[..., Dataset], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = small("cifar-10")
    path = folder / "cifar-10-batches-py" / "data_batch_3"
    parsed = []

    def parse(at: Path, *_: object) -> tuple[np.ndarray, np.ndarray]:
        parsed.append(at.name)
        return ROWS, ROWS

    monkeypatch.setattr(cifar, "read_batch", parse)
    path.write_bytes(path.read_bytes()[:-1])
    message = refusal(data.train)

    assert message.startswith(f"{path}: damaged or not the official file: ")
    assert parsed == ["data_batch_1", "data_batch_2"]


@pytest.mark.parametrize(
    ("name", "place", "md5"),
    [
        ("mnist", "MNIST/raw/train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("fashion-mnist", "FashionMNIST/raw/train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("cifar-10", "cifar-10-batches-py/data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("cifar-100", "cifar-100-python/train", "16019d7e3df5f24257cddd939b257f8d"),
    ],
)
def test_other_files_than_the_official_ones_are_refused(
    name: str, place: str, md5: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture_files.undeclare(monkeypatch, name)
    write(folder, files_of(name))

    assert refusal(fresh(name).train).startswith(f"{folder / place}: damaged or not the official file: ")
    assert refusal(fresh(name).train).endswith(f"expected {md5}")


def packed(content: bytes) -> bytes:
    """Pack without the time: it would make another test of each process's."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "starts with the bytes (none), expected 00 00 08 01 and 1 sizes"),
        (b"no gzip", "cannot be unpacked: Not a gzipped file (b'no')"),
        (idx(np.zeros(9, np.uint8))[:-9], "cannot be unpacked: Compressed file ended before the end-of-stream marker"),
        (packed(b"\0\0\x0d\1\0\0\0\1\0\0\0\0"), "starts with the bytes 00 00 0d 01, expected 00 00 08 01"),
        (idx(np.zeros((2, 2), np.uint8)), "starts with the bytes 00 00 08 02, expected 00 00 08 01 and 1 sizes"),
        (packed(b"\0\0\x08\1\0\0\0\5abcd"), "holds 4 values, expected 5 as its header says"),
    ],
)
def test_a_damaged_idx_file_is_refused(content: bytes, message: str) -> None:
    assert refusal(lambda: read_idx(PATH, content, dimensions=1)).startswith(f"{PATH}: {message}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no batch of pictures: EOFError: Ran out of input"),
        (b"\x80\x02cposix\nsystem\n(U\x04truetR.", "it asks for posix.system, which no picture needs"),
        (b"\x80\x02cbuiltins\neval\n(U\x041+1tR.", "it asks for builtins.eval, which no picture needs"),
        (b"\x80\x02}.", "no batch of pictures: KeyError: b'data'"),
        (batch(ROWS, [3, 4]).replace(b"U\x02u1", b"U\x02O8"), "its data are no array of bytes"),
        (batch(ROWS, [3]), "holds 2 x 3072 bytes for 1 labels, expected 3,072 a label"),
        (batch(ROWS[:, :99], [3, 4]), "holds 2 x 99 bytes for 2 labels, expected 3,072 a label"),
        (batch(ROWS, [3, 4], key="coarse_labels"), "no batch of pictures: KeyError: b'labels'"),
        (batch(ROWS, [3, 4]).replace(b"](K\x03K\x04e", b"](K\x03Ne"), "labels are no list of integers"),
    ],
)
def test_a_batch_that_is_anything_else_is_refused(content: bytes, message: str) -> None:
    found = refusal(lambda: read_batch(PATH, content, "labels"))

    assert found.startswith(f"{PATH}: ")
    assert message in found


def test_a_batch_cut_anywhere_is_refused() -> None:
    content = batch(ROWS, [3, 4])

    for end in [*range(300), *range(len(content) - 40, len(content))]:
        assert refusal(partial(read_batch, PATH, content[:end], "labels")).startswith(f"{PATH}: no batch")


LABELS = np.arange(30, dtype=np.uint8)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"t10k-labels-idx1-ubyte": idx(LABELS[:29] % 10)}, "holds 29 labels for 30 pictures"),
        ({"t10k-labels-idx1-ubyte": idx(LABELS % 11)}, "labels are 0 to 10, expected each of 0 to 9"),
        ({"t10k-labels-idx1-ubyte": idx(LABELS % 9)}, "labels are 0 to 8, expected each of 0 to 9"),
        ({"t10k-images-idx3-ubyte": idx(np.zeros((30, 28, 27), np.uint8))}, "shape (1, 28, 27), expected (1, 28, 28)"),
        (
            {
                "t10k-images-idx3-ubyte": idx(np.zeros((20, 28, 28), np.uint8)),
                "t10k-labels-idx1-ubyte": idx(LABELS[:20] % 10),
            },
            "holds 20 pictures, expected 30",
        ),
    ],
)
def test_files_that_do_not_fit_together_are_refused(
    changed: dict[str, bytes], message: str, small: Callable[..., Dataset], folder: Path
) -> None:
    found = refusal(small("mnist", **changed).train)

    assert found.startswith(f"{folder / 'MNIST' / 'raw' / 't10k-labels-idx1-ubyte.gz'}: ")
    assert message in found


# --- what bench says


def test_bench_asks_for_data_that_are_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(plugins.load("datasets", "cifar-100").__dict__, "_loaded", raising=False)
        words = ["bench", "--task", "image-cls", "--dataset", "cifar-100", "--family", "mlp", "--target-acc", "0.5"]
        code = cli.run([*words, "--executor", "inline", "--dry-run"])

    assert code == 1
    assert "cifar-100 is not on this machine: there is no file" in capsys.readouterr().err
