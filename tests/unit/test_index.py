"""The index is a cache: always right, whoever changed the root and whatever became of the file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from registry import index, roots
from registry.index import Index
from registry.roots import Root
from registry.store import Store
from tests.example_record import example_record, published_record
from tests.unit.conftest import settle, write

pytestmark = pytest.mark.usefixtures("alone")


def names(root: Path) -> list[str]:
    """Return id@version of every indexed record."""

    def ask(indexes: list[Index]) -> list[str]:
        return [
            f"{name}@{version}" for name, version in indexes[0].rows("SELECT id, version FROM records ORDER BY 1, 2")
        ]

    return index.read([Root(str(root))], ask)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Root]:
    """Count rebuilds."""
    rebuilt: list[Root] = []
    original = index.rebuild

    def rebuild(root: Root) -> Index:
        rebuilt.append(root)
        return original(root)

    monkeypatch.setattr(index, "rebuild", rebuild)
    return rebuilt


def test_the_index_lies_beside_its_root(filled: Path) -> None:
    opened = index.open_fresh(Root(str(filled)))

    assert opened.n_records == 4
    assert opened.path == str(filled / ".index.sqlite3")
    opened.close()


def test_an_unchanged_root_is_indexed_once(filled: Path, counted: list[Root]) -> None:
    settle(filled)

    assert names(filled) == names(filled)
    assert len(counted) == 1


def test_a_root_changed_a_moment_ago_is_read_again_rather_than_trusted(filled: Path, counted: list[Root]) -> None:
    settle(filled)
    path = filled / "image-cls/digits/mlp/v1/guideline.json"
    os.utime(path)
    names(filled)
    names(filled)

    assert len(counted) == 2


def add_by_store(root: Path) -> None:
    Store(root).publish(*example_record("image-cls/digits/mlp", 2))


def add_by_hand(root: Path) -> None:
    write(root, example_record("image-cls/digits/mlp", 2)[0])


def add_published(root: Path) -> None:
    write(root, published_record("image-cls/digits/lenet"))


@pytest.mark.parametrize("change", [add_by_store, add_by_hand, add_published])
def test_a_new_record_is_seen(filled: Path, change: Callable[[Path], None]) -> None:
    settle(filled)
    before = names(filled)
    change(filled)

    assert len(names(filled)) == len(before) + 1


def test_a_hand_edit_is_seen(filled: Path) -> None:
    settle(filled)
    names(filled)
    record, _ = example_record("image-cls/digits/mlp")
    record["frontier"][0]["params"] += 1
    write(filled, record)

    params = index.read(
        [Root(str(filled))], lambda opened: [row[0] for row in opened[0].rows("SELECT params FROM points")]
    )

    assert record["frontier"][0]["params"] in params


def test_a_removed_record_is_gone(filled: Path) -> None:
    settle(filled)
    names(filled)
    version = filled / "tabular-cls/wine/mlp/v1"
    version.rename(filled / ".trash")

    assert "tabular-cls/wine/mlp@1" not in names(filled)


def test_a_large_root_goes_by_its_generation(
    filled: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Root]
) -> None:
    monkeypatch.setattr(index, "SMALL", 3)
    names(filled)
    add_by_hand(filled)
    names(filled)
    by_hand = len(counted)
    (filled / ".generation").write_text("another")

    assert by_hand == 1
    assert "image-cls/digits/mlp@2" in names(filled)


def test_a_large_root_in_a_checkout_goes_by_its_commit_too(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SMALL", 3)
    log = filled.parent / ".git" / "logs" / "HEAD"
    log.parent.mkdir(parents=True)
    log.write_text("one\n")
    names(filled)
    add_by_hand(filled)
    log.write_text("one\ntwo\n")

    assert "image-cls/digits/mlp@2" in names(filled)


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_index_is_rebuilt_without_a_word(
    filled: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    (filled / ".index.sqlite3").write_bytes(content)

    assert len(names(filled)) == 4
    assert capfd.readouterr() == ("", "")


def test_an_index_damaged_behind_its_header_is_rebuilt(filled: Path) -> None:
    settle(filled)
    names(filled)
    path = filled / ".index.sqlite3"
    data = bytearray(path.read_bytes())
    with sqlite3.connect(path) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'records'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    data[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(data)

    assert len(names(filled)) == 4


def test_an_index_of_another_format_is_rebuilt(
    filled: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Root]
) -> None:
    settle(filled)
    names(filled)
    monkeypatch.setattr(index, "FORMAT", "next")
    names(filled)
    names(filled)

    assert len(counted) == 2


def refuse_beside(path: str, *refused: Path) -> bool:
    return any(Path(path).is_relative_to(folder) for folder in refused)


@pytest.mark.parametrize(("n_refused", "place"), [(1, "cache"), (2, None)])
def test_where_the_root_is_read_only_the_index_goes_elsewhere(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_refused: int, place: str | None
) -> None:
    refused = (filled, tmp_path / "cache")[:n_refused]
    original = sqlite3.connect

    def connect(path: str, *, uri: bool = False) -> sqlite3.Connection:
        if not uri and refuse_beside(path, *refused):
            raise sqlite3.OperationalError("unable to open database file")
        return original(path, uri=uri)

    monkeypatch.setattr(sqlite3, "connect", connect)
    opened = index.open_fresh(Root(str(filled)))

    assert opened.n_records == 4
    assert not (filled / ".index.sqlite3").exists()
    assert (None if opened.path is None else Path(opened.path).relative_to(tmp_path).parts[0]) == place
    opened.close()


def test_the_cache_folders_index_is_used_again(
    filled: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Root]
) -> None:
    settle(filled)
    original = index.build

    def build(root: Root, path: str) -> None:
        if path.startswith(root.path):
            raise PermissionError(13, "Permission denied")
        original(root, path)

    monkeypatch.setattr(index, "build", build)

    assert names(filled) == names(filled)
    assert len(counted) == 1


def test_a_failed_build_leaves_nothing_behind(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(source: str, destination: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", replace)

    assert len(names(filled)) == 4
    assert not list(filled.glob(".index*"))
    assert not [path for path in Path(roots.cache_folder()).rglob("*") if path.is_file()]


def test_builds_may_race(filled: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: len(names(filled)), range(16)))

    assert counts == [4] * 16
    assert [path.name for path in filled.glob(".index*")] == [".index.sqlite3"]


def test_a_damaged_record_is_left_out_and_named(filled: Path) -> None:
    path = filled / "image-cls/digits/mlp/v1/guideline.json"
    path.write_text('{"id": NaN}')
    opened = index.open_fresh(Root(str(filled)))

    assert opened.n_records == 3
    assert opened.damaged() == [f"{path}:id: R-JSON NaN is not a number JSON knows, expected a finite one"]
    assert opened.damaged("tabular-cls") == []
    opened.close()


def test_a_repaired_record_is_indexed_again(filled: Path) -> None:
    path = filled / "image-cls/digits/mlp/v1/guideline.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:500])
    settle(filled)
    damaged = names(filled)
    path.write_bytes(whole)

    assert len(damaged) == 3
    assert len(names(filled)) == 4


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        (("frontier", 0, "test", "low"), 1.7, "frontier.0.test.low: 1.7 is not in [0, 1]"),
        (("frontier", 0, "params"), -1, "frontier.0.params: is not a count"),
        (("frontier", 0, "params"), True, "frontier.0.params: is not a count"),
        (("frontier", 0, "flops"), "many", "frontier.0.flops: is not a finite number"),
        (("frontier", 0, "route"), "magic", "frontier.0.route: 'magic' is none of scratch, pruned, distilled"),
        (("frontier",), {}, "frontier: is not a list"),
        (("frontier", 0), 3, "frontier.0: is not an object"),
        (("question", "metric", "direction"), None, "question.metric.direction: is not a line of text"),
        (("question", "task"), "other", "question: the task or data set is not the one in the id"),
        (("id",), "image-cls/digits/cnn", "id: 'image-cls/digits/cnn' version 1 does not belong into this folder"),
    ],
)
def test_a_record_that_cannot_be_is_left_out(
    root: Path, field: tuple[str | int, ...], value: object, problem: str
) -> None:
    record, _ = example_record()
    path = write(root, record)
    part = record
    for key in field[:-1]:
        part = part[key]  # type: ignore[index]
    part[field[-1]] = value  # type: ignore[index]
    write(root.parent / "other", record).replace(path)
    opened = index.open_fresh(Root(str(root)))

    assert opened.n_records == 0
    assert opened.damaged() == [f"{path}:{problem}"]
    opened.close()


def test_a_version_is_superseded_by_a_newer_one_that_says_so(root: Path) -> None:
    for version in (1, 2, 3):
        record, _ = example_record(version=version)
        if version == 3:
            record["supersedes"] = None
        write(root, record)

    marks = index.read(
        [Root(str(root))], lambda opened: dict(opened[0].rows("SELECT version, superseded FROM records").fetchall())
    )

    assert marks == {1: 1, 2: 0, 3: 0}
