from __future__ import annotations

import os
from pathlib import Path

import pytest

from registry import stamps


def test_a_file_has_another_stamp_once_it_is_edited(tmp_path: Path) -> None:
    file = tmp_path / "guideline.json"
    file.write_text("{}")
    before = stamps.stamp(str(file), is_file=True)
    file.write_text("{ }")

    assert stamps.stamp(str(file), is_file=True) != before


def test_a_folder_has_another_stamp_once_it_gains_an_entry(tmp_path: Path) -> None:
    os.utime(tmp_path, ns=(0, 0))
    before = stamps.stamp(str(tmp_path), is_file=False)
    (tmp_path / "v2").mkdir()

    assert stamps.stamp(str(tmp_path), is_file=False) != before


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    assert stamps.stamp(str(tmp_path / "v1"), is_file=False) == "missing"
    assert stamps.generation(str(tmp_path)) == ""
    assert stamps.commit(str(tmp_path / "guidelines")) == "missing"


def test_a_commit_changes_the_stamp_of_the_checkout(tmp_path: Path) -> None:
    log = tmp_path / ".git" / "logs" / "HEAD"
    log.parent.mkdir(parents=True)
    log.write_text("first\n")
    before = stamps.commit(str(tmp_path / "guidelines"))
    log.write_text("first\nsecond\n")

    assert stamps.commit(str(tmp_path / "guidelines")) != before != "missing"


@pytest.mark.parametrize(("n_families", "is_large"), [(2, False), (3, True)])
def test_a_root_is_large_by_its_guidelines_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_families: int, is_large: bool
) -> None:
    monkeypatch.setattr(stamps, "SMALL", 3)
    for i in range(n_families):
        (tmp_path / "image-cls" / "digits" / f"family-{i}").mkdir(parents=True)
    (tmp_path / "image-cls" / "digits" / ".hidden").mkdir()
    (tmp_path / ".runs" / "a" / "b").mkdir(parents=True)

    assert stamps.is_large(str(tmp_path)) == is_large


def test_a_name_that_is_no_text_can_be_read_all_the_same() -> None:
    assert stamps.readable("image-cls/ziffern-ü") == "image-cls/ziffern-ü"
    assert stamps.readable(os.fsdecode(b"digits-\xff")) == "digits-\\udcff"
