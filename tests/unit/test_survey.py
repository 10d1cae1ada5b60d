from __future__ import annotations

from pathlib import Path

from registry import stamps
from registry.roots import Root
from registry.survey import Found, Given
from tests.example_record import example_record, write_record


def test_sound_records_are_found_damaged_ones_named_and_both_watched(root: Path) -> None:
    record, files = example_record()
    sound = write_record(root, record, files).relative_to(root).as_posix()
    broken = root / "image-cls" / "digits" / "cnn" / "v1"
    broken.mkdir(parents=True)
    (broken / "guideline.json").write_text("{")
    (root / "image-cls" / "digits" / "cnn" / "notes").mkdir()  # no version: not looked into
    found = Found(Root(str(root), shipped=False))

    assert [path for path, _ in found] == [f"{sound}/guideline.json"]
    assert list(found.damaged) == ["image-cls/digits/cnn/v1/guideline.json"]
    assert found.watched["image-cls/digits/cnn"] == stamps.stamp(str(broken.parent), is_file=False)
    assert {f"{sound}/guideline.json", *found.damaged} <= set(found.watched)
    assert not any("notes" in path for path in found.watched)


def test_records_handed_in_leave_nothing_to_watch() -> None:
    given = Given([("a/guideline.json", {"id": "a"})])

    assert list(given) == [("a/guideline.json", {"id": "a"})]
    assert (given.watched, given.damaged) == ({}, {})
