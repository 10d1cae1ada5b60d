"""A released record never changes: its file still has the hash that RELEASED.json lists."""

from __future__ import annotations

import hashlib
from pathlib import Path

from registry.store import Store, canonical_json, record_hash
from tests.example_record import example_record, write_record

ROOT = Path(__file__).parents[2] / "guidelines"


def changed(root: Path) -> list[str]:
    """The released ``id@version`` below ``root`` whose file is missing or has another hash than listed."""
    names = []
    for name, expected in Store(root).released().items():
        record_id, _, version = name.partition("@")
        file = root / record_id / f"v{version}" / "guideline.json"
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != expected:
            names.append(name)
    return names


def test_released_files_never_change() -> None:
    assert changed(ROOT) == []


def test_a_changed_and_a_missing_file_would_be_noticed(root: Path) -> None:
    record, files = example_record()
    other, _ = example_record("image-cls/digits/cnn")
    folder = write_record(root, record, files)
    hashes = {"image-cls/digits/mlp@1": record_hash(record), "image-cls/digits/cnn@1": record_hash(other)}
    (root / "RELEASED.json").write_bytes(canonical_json(hashes))
    missing = changed(root)
    (folder / "guideline.json").write_bytes(canonical_json({**record, "notes": []}))

    assert missing == ["image-cls/digits/cnn@1"]
    assert changed(root) == ["image-cls/digits/cnn@1", "image-cls/digits/mlp@1"]
