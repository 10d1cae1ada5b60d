"""What a question's run folder says of its record."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.noted import Published


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """A record that answers 0.9 and 0.95, and what is noted of it."""
    place = tmp_path / "tabular-cls" / "wine" / "mlp" / "v1"
    place.mkdir(parents=True)
    (place / "guideline.json").write_bytes(b"{}")
    noted = Published(tmp_path / "published.json")
    noted.write(place, tmp_path, hashlib.sha256(b"{}").hexdigest(), (0.9, 0.95), knee=True)
    return Published(tmp_path / "published.json")


def test_what_was_noted_is_read_again(published: Published, tmp_path: Path) -> None:
    assert published.targets == (0.9, 0.95)
    assert published.knee
    assert published.folder(tmp_path) == tmp_path / "tabular-cls" / "wine" / "mlp" / "v1"


@pytest.mark.parametrize(("targets", "stands"), [((0.9,), True), ((0.9, 0.95), True), ((0.9, 0.97), False)])
def test_record_stands_for_the_targets_it_holds(
    published: Published, tmp_path: Path, targets: tuple[float, ...], stands: bool
) -> None:
    assert published.stands(tmp_path, targets, knee=False) is stands
    assert published.stands(tmp_path, targets, knee=True) is stands


def test_record_without_a_knee_does_not_stand_for_one(published: Published, tmp_path: Path) -> None:
    published.write(published.folder(tmp_path), tmp_path, hashlib.sha256(b"{}").hexdigest(), (0.9,), knee=False)

    assert published.stands(tmp_path, (0.9,), knee=False)
    assert not published.stands(tmp_path, (0.9,), knee=True)


def test_record_that_was_edited_or_removed_does_not_stand(published: Published, tmp_path: Path) -> None:
    file = published.folder(tmp_path) / "guideline.json"
    file.write_bytes(b"{ }")

    assert not published.stands(tmp_path, (0.9,), knee=False)

    file.unlink()

    assert not published.stands(tmp_path, (0.9,), knee=False)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"targets": [0.9]}', b'{"targets": 1, "record_hash": "", "place": ""}']
)
def test_half_a_file_counts_as_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "published.json").write_bytes(data)

    assert Published(tmp_path / "published.json").targets == ()
