"""`python -m harness fetch`, without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.__main__ import main
from tests.picture_files import declare, files_of, fresh, write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, empty."""
    monkeypatch.setenv("GUIDES_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


class Network:
    """In torchvision's place: answers with prepared files, or not at all."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def download_url(self, url: str, root: Path, filename: str, md5: str) -> None:
        self.asked.append(url)
        if filename not in self.files:
            raise OSError("no route\nto host")
        write(Path(root), {filename: self.files[filename]})

    def download_and_extract_archive(self, url: str, root: Path, filename: str, md5: str) -> None:
        self.asked.append(url)
        write(Path(root), self.files)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, bytes]], Network]:
    """Replace the network."""

    def replace(files: dict[str, bytes]) -> Network:
        from harness import vision

        made, utils = Network(files), vision.load().datasets.utils
        monkeypatch.setattr(utils, "download_url", made.download_url)
        monkeypatch.setattr(utils, "download_and_extract_archive", made.download_and_extract_archive)
        return made

    return replace


def test_fetch_downloads_what_is_missing_and_nothing_twice(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    network: Callable[[dict[str, bytes]], Network],
    capsys: pytest.CaptureFixture[str],
) -> None:
    sent = {**{Path(place).name: content for place, content in files_of("mnist").items()}, **files_of("cifar-100")}
    declare(monkeypatch, "mnist", files_of("mnist"))
    declare(monkeypatch, "cifar-100", files_of("cifar-100"))
    internet = network(sent)
    for _ in range(2):
        main_ends(["fetch", "mnist", "cifar-100"], 0)

    assert capsys.readouterr().out.splitlines()[:2] == [
        f"mnist: 110 pictures in {folder}",
        f"cifar-100: 1,100 pictures in {folder}",
    ]
    assert len(internet.asked) == 5
    assert len(fresh("mnist").train()) == 60


def main_ends(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == code


def test_without_a_network_fetch_says_so_in_a_line(
    folder: Path, network: Callable[[dict[str, bytes]], Network], capsys: pytest.CaptureFixture[str]
) -> None:
    internet = network({})
    main_ends(["fetch", "fashion-mnist"], 1)

    assert internet.asked
    assert capsys.readouterr().err.splitlines() == [
        "fashion-mnist could not be downloaded: no route to host",
        f"  try again where there is a network, or copy torchvision's folder of it to {folder}",
    ]


def test_fetch_checks_what_was_sent(
    folder: Path, network: Callable[[dict[str, bytes]], Network], capsys: pytest.CaptureFixture[str]
) -> None:
    network({f"cifar-10-batches-py/{name}": b"?" for name in ("data_batch_1", "test_batch")})
    main_ends(["fetch", "cifar-10"], 1)

    assert f"{folder / 'cifar-10-batches-py' / 'data_batch_1'}: damaged or not the official" in capsys.readouterr().err


def test_fetch_refuses_what_comes_with_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    main_ends(["fetch", "digits"], 2)

    assert capsys.readouterr().err.splitlines() == [
        "digits needs no download",
        "  those that do: california-housing, cifar-10, cifar-100, fashion-mnist, mnist, openml-<number>",
    ]
