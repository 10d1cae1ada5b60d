"""The index is a cache: always right, whoever changed the root and whatever became of the file."""

from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from registry import index, roots, rows, stamps, survey
from registry.index import Index
from registry.roots import Root
from registry.store import Store, canonical_json
from tests.example_record import example_record, published_record
from tests.unit.conftest import Result, settle, write

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
    monkeypatch.setattr(stamps, "SMALL", 3)
    names(filled)
    add_by_hand(filled)
    names(filled)
    by_hand = len(counted)
    (filled / ".generation").write_text("another")

    assert by_hand == 1
    assert "image-cls/digits/mlp@2" in names(filled)


def test_a_large_root_in_a_checkout_goes_by_its_commit_too(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps, "SMALL", 3)
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
        (
            ("question", "dataset", "input_shape"),
            [2**53 - 1, 2],
            "question.dataset.input_shape: holds more than 9,007,199,254,740,991 values",
        ),
        (("id",), "image-cls/digits/cnn", "id: 'image-cls/digits/cnn' version 1 does not belong into this folder"),
    ],
)
def test_a_record_that_cannot_be_is_left_out_even_where_the_schema_cannot_be_checked(
    root: Path, monkeypatch: pytest.MonkeyPatch, field: tuple[str | int, ...], value: object, problem: str
) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError("No module named 'pydantic'", name="pydantic")

    monkeypatch.setattr(importlib, "import_module", missing)
    path = written(root, lambda record: put(record, field, value))

    assert left_out(root) == [f"{path}:{problem}"]


def put(record: dict[str, Any], field: tuple[str | int, ...], value: object) -> None:
    part: Any = record
    for key in field[:-1]:
        part = part[key]
    part[field[-1]] = value


def written(root: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Write the example record with one thing changed, into the folder it had before."""
    record, _ = example_record()
    path = write(root, record)
    change(record)
    path.write_bytes(canonical_json(record))
    return path


def left_out(root: Path) -> list[str]:
    """Return the lines on what was left out, all there was."""
    opened = index.open_fresh(Root(str(root)))
    try:
        assert opened.n_records == 0
        return opened.damaged()
    finally:
        opened.close()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda record: record.update(schema_version="2.0.0"),
            "schema_version: R-SCHEMA a sizing-guides with schema 2.x reads 2.0.0; this one reads 1.x",
        ),
        (lambda record: record.update(schema_version="x"), "schema_version: R-SCHEMA"),
        (lambda record: record.update(extra=1), "extra: R-SCHEMA Extra inputs are not permitted"),
        (lambda record: record["frontier"][0]["test"].update(n_seeds=0), "frontier.0.test.n_seeds: R-SCHEMA"),
        *(
            (lambda record, key=key: record.pop(key), f"{key}: R-SCHEMA Field required")
            for key in ("trials", "recipe", "law", "cite", "notes")
        ),
        (
            lambda record: record["trials"].update(sha256="0" * 64),
            " R-FILES trials.jsonl has another SHA-256 than the record says",
        ),
        (lambda record: record["frontier"][0]["onnx"].update(bytes=7), " R-FILES onnx/w8-d1.onnx has"),
        (
            lambda record: record["frontier"][0]["onnx"].update(path="onnx/gone.onnx"),
            " R-FILES onnx/gone.onnx cannot be read: No such file or directory",
        ),
    ],
)
def test_a_record_that_breaks_the_schema_or_names_other_files_is_left_out(
    root: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    path = written(root, change)

    (line,) = left_out(root)

    assert line.startswith(f"{path}:{problem}")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda law: law["draws"].append([3, 1.0, 1.0, 1.0]), "law: draw 20 is of form 3, expected 0 to 0"),
        (lambda law: law["draws"].append(["x"]), "law: draw 20 has 1 numbers, expected"),
        (lambda law: law.update(draws=None), "law: the law cannot be read: TypeError"),
        (lambda law: law.update(forms=[]), "law: a law's weights sum to 0"),
        (lambda law: law.update(variables=[[]]), "law: a law in [] cannot be evaluated"),
        (lambda law: law["forms"][0]["parameters"].update(exponent="0.5"), "law: the law cannot be read: TypeError"),
        (lambda law: law["forms"][0]["parameters"].update(exponent=1e9), "law: a power-law has exponent 1e+09"),
        (lambda law: law["points"][0].update(steps="many"), "law.points.0.steps: is not a count"),
        (lambda law: law.update(irreducible_error={"value": None}), "law.irreducible_error.value: is missing"),
        (lambda law: law.update(shape=[8, 1]), "law.shape: is not an object"),
        (lambda law: law.update(backtest_error=True), "law.backtest_error: is not a finite number"),
        (lambda law: law.update(examples_seen_rule=7), "law.examples_seen_rule: is not a line of text"),
    ],
)
def test_without_the_schema_at_hand_a_law_that_cannot_be_evaluated_is_still_left_out(
    root: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    monkeypatch.setattr(survey, "_auditor", lambda: None)
    path = written(root, lambda record: change(record["law"]))

    (line,) = left_out(root)

    assert line.startswith(f"{path}:{problem}")


def test_a_record_whose_shape_holds_more_values_than_a_database_counts_leaves_the_others_readable(filled: Path) -> None:
    record, _ = example_record("image-cls/digits/mlp")
    record["question"]["dataset"]["input_shape"] = [2**53 - 1, 2**53 - 1]
    path = write(filled, record)
    opened = index.open_fresh(Root(str(filled)))

    assert opened.n_records == 3
    assert [line.partition(": ")[0] for line in opened.damaged()] == [f"{path}:question.dataset.input_shape"]
    opened.close()


@pytest.mark.parametrize("error", [OverflowError, TypeError, KeyError, AttributeError])
def test_whatever_one_record_does_the_others_are_indexed(
    filled: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    original = rows.insert

    def insert(connection: sqlite3.Connection, values: Mapping[str, Any], path: str) -> None:
        if values["id"] == "image-cls/digits/mlp":
            raise error("odd")
        original(connection, values, path)

    monkeypatch.setattr(rows, "insert", insert)
    opened = index.open_fresh(Root(str(filled)))

    assert opened.n_records == 3
    assert f"cannot be indexed: {error.__name__}" in opened.damaged()[0]
    opened.close()


def test_a_file_that_is_put_back_mends_its_record(filled: Path) -> None:
    trials = filled / "image-cls/digits/mlp/v1/trials.jsonl"
    trials.rename(filled.parent / "elsewhere")
    settle(filled)
    without = names(filled)
    (filled.parent / "elsewhere").rename(trials)

    assert len(without) == 3
    assert len(names(filled)) == 4


def test_a_wheels_records_lack_their_trials(filled: Path) -> None:
    (filled / "image-cls/digits/mlp/v1/trials.jsonl").unlink()
    opened = index.rebuild(Root(str(filled), shipped=True))

    assert opened.n_records == 4
    opened.close()


def forge(root: Path) -> None:
    """Claim other figures, and that the root is too large to be looked at."""
    with sqlite3.connect(root / ".index.sqlite3") as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'large'")
        connection.execute("UPDATE points SET params = 1")
    connection.close()


def fewest_params(root: Path) -> int:
    return index.read(
        [Root(str(root))], lambda opened: int(opened[0].rows("SELECT MIN(params) FROM points").fetchone()[0])
    )


def test_an_index_that_claims_a_large_root_is_held_against_the_folders(filled: Path) -> None:
    settle(filled)
    honest = fewest_params(filled)
    forge(filled)

    assert fewest_params(filled) == honest


def test_an_index_that_came_with_a_copied_root_is_built_again(
    filled: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Root]
) -> None:
    monkeypatch.setattr(stamps, "SMALL", 3)
    names(filled)
    copied = filled.parent / "copied"
    shutil.copytree(filled, copied)
    names(copied)

    assert [root.path for root in counted] == [str(filled), str(copied)]


def test_an_index_of_another_version_of_this_package_is_rebuilt(
    filled: Path, monkeypatch: pytest.MonkeyPatch, counted: list[Root]
) -> None:
    settle(filled)
    names(filled)
    monkeypatch.setattr(index, "__version__", "9.9.9")
    names(filled)

    assert len(counted) == 2


def test_a_fresh_index_of_a_root_is_refreshed_only_where_there_is_one(filled: Path) -> None:
    index.refresh(Root(str(filled)))
    before = (filled / ".index.sqlite3").exists()
    settle(filled)
    honest = fewest_params(filled)
    with sqlite3.connect(filled / ".index.sqlite3") as connection:
        connection.execute("UPDATE points SET params = 1")
    connection.close()
    index.refresh(Root(str(filled)))

    assert not before
    assert fewest_params(filled) == honest


def test_a_folder_whose_name_is_not_utf8_is_left_out(filled: Path) -> None:
    for folder in (filled, filled / "image-cls"):
        (folder / os.fsdecode(b"\xff")).mkdir()
    opened = index.open_fresh(Root(str(filled)))

    assert opened.n_records == 4
    assert opened.damaged() == [
        f"{filled}/{name}: R-PATH is not a folder name of a guideline" for name in ("\\udcff", "image-cls/\\udcff")
    ]
    opened.close()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_bytes_an_index_holds_the_answer_is_given_or_refused_in_one_line(
    guides: Callable[..., Result], filled: Path, seed: int
) -> None:
    settle(filled)
    names(filled)
    path = filled / ".index.sqlite3"
    data = bytearray(path.read_bytes())
    random = Random(seed)  # noqa: S311  # no secret
    for _ in range(400):
        data[random.randrange(100, len(data))] = random.randrange(256)
    path.write_bytes(data)
    result = guides("lookup", "--task", "image-cls", "--target-acc", "0.9", "--registry", filled)

    assert result.code in (0, 2, 3)
    assert len(result.err.splitlines()) <= 2


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
