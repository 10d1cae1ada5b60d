"""`guides bench --target balanced-accuracy=...` of an uneven table: its record, its rules, and what answers from it."""

from __future__ import annotations

import copy
import hashlib
import json
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness import investigation
from harness.baselines import trees
from harness.commands import bench
from harness.own.place import found_in
from harness.procedure import Procedure
from harness.study import Study
from harness.study_law import Law
from registry import cli, roots
from registry.outcomes import unpack
from registry.store import Store, canonical_json
from registry.validate import validate
from tests import own_files, tiny_bench
from tests.example_record import example_record
from tests.recount import disagreements
from tests.unit.conftest import Result

pytestmark = [pytest.mark.xdist_group("balanced"), pytest.mark.whole_study]

Guides = Callable[..., Result]
ASK = ("bench", "--task", "tabular-cls", "--label", "fruit", "--executor", "inline", "--search", "bisect")
TABLE, EVERY = 200, 5  # rows; every fifth is of the rare class


def uneven() -> list[list[str]]:
    """Rows of two classes, one of them rare, that two of the columns tell apart."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(TABLE):
        rare = i % EVERY == 0
        age, size = rng.normal(size=2) + (2.5 if rare else 0.0)
        found.append([f"{age:.6f}", "red", f"{size:.6f}", "fig" if rare else "plum"])
    return found


def no_law(_: object, __: object, notes: list[str]) -> Procedure[Law]:
    """In the place of a law, which takes longer than all the rest."""
    notes.append(investigation.NO_LAW)
    yield from ()
    return Law(None, is_whole=True)


@pytest.fixture(scope="module")
def benched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A root with two records of one table: by balanced accuracy, made by a bench, and one by accuracy."""
    folder = tmp_path_factory.mktemp("balanced")
    path = own_files.table(folder / "fruit.csv", uneven())
    with pytest.MonkeyPatch.context() as patch:
        tiny_bench.shorten(patch.setattr)
        patch.setattr(investigation, "fit_law", no_law)
        patch.setattr(trees, "ROUNDS", 5)
        patch.setattr(roots, "shipped", list)
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        given = (*ASK, "--data", str(path), "--out", str(folder / "records"), "--quiet")
        assert cli.run([*given, "--target", "balanced-accuracy=0.8"]) == 0
        [made] = (folder / "records").glob("tabular-cls/own-*/mlp-balanced-accuracy")
        Store(folder / "records").publish(*example_record(f"tabular-cls/{made.parent.name}/mlp"))
        yield folder / "records"


@pytest.fixture
def place(benched: Path, tmp_path: Path) -> Path:
    """The folder of the balanced record in a copy of the root, free to be changed."""
    root = Path(shutil.copytree(benched, tmp_path / "records"))
    [folder] = root.glob("tabular-cls/own-*/mlp-balanced-accuracy/v1")
    return folder


def read(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "guideline.json").read_bytes())
    return values


def test_both_questions_have_a_record_and_no_rule_is_broken(benched: Path) -> None:
    found = sorted(path.parts[-3] for path in benched.glob("tabular-cls/own-*/*/v1/guideline.json"))

    assert found == ["mlp", "mlp-balanced-accuracy"]
    assert validate(benched) == []


def test_the_record_holds_what_balanced_accuracy_needs_and_no_label(place: Path) -> None:
    record = read(place)
    question, rows = record["question"], [*map(json.loads, (place / "trials.jsonl").read_text().splitlines())]
    sizes = question["dataset"]["n_test_by_class"]
    first = record["frontier"][0]["test"]
    bits = np.array([[*row] for row in unpack(first["outcomes"], first["n_seeds"], sum(sizes))], dtype=np.uint8)
    right = np.unpackbits(bits, axis=1)[:, : sum(sizes)]
    means = (right[:, : sizes[0]].mean(axis=1) + right[:, sizes[0] :].mean(axis=1)) / 2

    assert question["metric"] == {"name": "balanced-accuracy", "unit": "fraction", "direction": "higher", "chance": 0.5}
    assert sum(sizes) == question["dataset"]["n_test"]
    assert sorted(sizes) == [8, 32]
    assert float(np.median(means)) == pytest.approx(first["median"])
    assert {row["trial"]["metric"] for row in rows} == {"balanced-accuracy"}
    assert record["baselines"][0] == {**record["baselines"][0], "name": "majority", "metric": 0.5}
    assert "--target balanced-accuracy=0.8" in record["provenance"]["command"]
    assert any("plain mean of the cross-entropy" in note for note in record["notes"])


def test_the_harness_derives_every_figure_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "ROUNDS", 5)
    with found_in(place.parents[3] / ".runs" / "data"):
        assert disagreements(place) == []
        record = read(place)
        record["question"]["dataset"]["n_test_by_class"] = [30, 30]
        record["frontier"][0]["onnx"]["metric"] += 0.05
        (place / "guideline.json").write_bytes(json.dumps(record).encode())
        found = [line.partition(":")[0] for line in disagreements(place)]

    assert found == [
        "question.dataset.n_test_by_class.0", "question.dataset.n_test_by_class.1", "frontier.0.onnx.metric",
    ]  # fmt: skip


def wrong_metric(record: dict[str, Any]) -> None:
    record["question"]["metric"]["name"] = "accuracy"


def without_sizes(record: dict[str, Any]) -> None:
    del record["question"]["dataset"]["n_test_by_class"]


def other_sizes(record: dict[str, Any]) -> None:
    record["question"]["dataset"]["n_test_by_class"] = [30, 30]


def more_items(record: dict[str, Any]) -> None:
    record["question"]["dataset"]["n_test_by_class"][0] += 1


def more_classes(record: dict[str, Any]) -> None:
    record["question"]["dataset"]["n_test_by_class"].append(0)


def no_items(record: dict[str, Any]) -> None:
    record["question"]["dataset"]["n_test_by_class"] = [0, 0]


def better(record: dict[str, Any]) -> None:
    record["frontier"][0]["test"]["median"] = 1.0


def plain_id(record: dict[str, Any]) -> None:
    record["id"] = record["id"].removesuffix("-balanced-accuracy")


def no_metric(line: dict[str, Any]) -> None:
    del line["trial"]["metric"]


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (wrong_metric, {"R-PATH", "R-OUTCOMES", "R-EVIDENCE"}),
        (without_sizes, {"R-OUTCOMES"}),
        (other_sizes, {"R-OUTCOMES"}),
        (more_items, {"R-OUTCOMES"}),
        (more_classes, {"R-OUTCOMES"}),
        (no_items, {"R-OUTCOMES"}),
        (better, {"R-OUTCOMES"}),
        (plain_id, {"R-PATH"}),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_a_record_that_is_changed_is_found_out(
    place: Path, change: Callable[[dict[str, Any]], None], rules: set[str]
) -> None:
    record = read(place)
    change(record)
    (place / "guideline.json").write_bytes(canonical_json(record))

    assert rules <= {finding.rule for finding in validate(place)}


def test_runs_that_another_metric_chose_are_found_out(place: Path) -> None:
    record, lines = read(place), (place / "trials.jsonl").read_text().splitlines()
    rows = [copy.deepcopy(json.loads(line)) for line in lines]
    for row in rows:
        no_metric(row)
    data = b"".join(json.dumps(row, sort_keys=True, separators=(",", ":")).encode() + b"\n" for row in rows)
    (place / "trials.jsonl").write_bytes(data)
    record["trials"]["sha256"] = hashlib.sha256(data).hexdigest()
    (place / "guideline.json").write_bytes(canonical_json(record))
    found = [finding for finding in validate(place) if finding.rule == "R-EVIDENCE"]

    assert [finding.field for finding in found] == ["question.metric.name"]
    assert found[0].message == "is balanced-accuracy, but runs have None"


def test_lookup_answers_each_metric_from_its_own_record(guides: Guides, benched: Path) -> None:
    where = ("--task", "tabular-cls", "--registry", benched, "--json")
    balanced = json.loads(guides("lookup", "--target", "balanced-accuracy=0.8", "--family", "mlp", *where).out)
    plain = json.loads(guides("lookup", "--target-acc", "0.85", *where).out)

    assert "mlp-balanced-accuracy" in json.dumps(balanced)
    assert "mlp-balanced-accuracy" not in json.dumps(plain)


def test_other_commands_know_its_family(guides: Guides, place: Path) -> None:
    name = "/".join(place.parts[-4:-1])
    shown = guides("show", name, "--registry", place.parents[3])
    program = guides("export", name, "0.8", "--code", "--registry", place.parents[3])

    assert "metric: balanced-accuracy, higher is better, 0.500 by chance" in shown.out
    assert program.code == 0, program.err
    assert "class Mlp(nn.Module)" in program.out


def test_what_nobody_asked_yet_leads_to_the_command_that_asks(guides: Guides, filled: Path) -> None:
    ask = ("lookup", "--task", "tabular-cls", "--dataset", "wine", "--registry", filled)
    missing, impossible = (guides(*ask, "--target", f"balanced-accuracy={value}") for value in ("0.85", "85"))

    assert missing.code == 3
    assert missing.err == (
        "no guideline for tabular-cls on wine by balanced-accuracy is on record\n"
        "  Make one: guides bench --task tabular-cls --dataset wine --family mlp --target balanced-accuracy=0.85\n"
    )
    assert (impossible.code, impossible.err) == (2, "85 is not a fraction; did you mean 0.85?\n")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            ("--target", "r2=0.9"),
            "task tabular-cls is scored by accuracy or balanced-accuracy, not by r2\n"
            "  use --target accuracy=VALUE or --target balanced-accuracy=VALUE\n",
        ),
        (
            ("--target", "balanced-accuracy=0.9", "--target-acc", "0.9"),
            "targets and knee are in one metric at a time, got accuracy and balanced-accuracy\n"
            "  each is a question of its own: ask for one after the other\n",
        ),
        (
            ("--target-acc", "0.9", "--knee", "--metric", "balanced-accuracy"),
            "targets and knee are in one metric at a time, got accuracy and balanced-accuracy\n"
            "  each is a question of its own: ask for one after the other\n",
        ),
        (
            ("--target", "balanced-accuracy=0.3"),
            "target balanced-accuracy 0.3 needs no network: on wine the best constant answer reaches 0.333\n",
        ),
    ],
    ids=["wrong", "two", "knee", "chance"],
)
def test_a_metric_that_cannot_be_is_refused(guides: Guides, asked: tuple[str, ...], message: str) -> None:
    done = guides("bench", "--task", "tabular-cls", "--dataset", "wine", "--family", "mlp", *asked)

    assert (done.code, done.err) == (2, message)


def test_a_knee_is_asked_in_the_metric_of_the_targets_or_the_one_that_is_named(
    guides: Guides, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Study] = []
    monkeypatch.setattr(bench, "_bench", lambda study, *_, **__: asked.append(study))
    where = ("--task", "tabular-cls", "--dataset", "wine", "--family", "mlp", "--executor", "inline")
    for options in (("--metric", "balanced-accuracy"), ("--target", "balanced-accuracy=0.9"), ()):
        assert guides("bench", *where, "--knee", *options).code == 0
    words = shlex.split(bench._command(asked[0]))

    assert [one.metric for one in asked] == ["balanced-accuracy", "balanced-accuracy", None]
    assert words[words.index("--knee") + 1 :][:2] == ["--metric", "balanced-accuracy"]
    assert "--metric" not in bench._command(asked[1]) + bench._command(asked[2])
