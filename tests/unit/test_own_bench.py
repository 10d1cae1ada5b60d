"""`guides bench --data`: what it says first, what it refuses, what the record holds of the data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from harness import investigation, plugins, publish
from harness.baselines import trees
from harness.own import beside
from harness.own.aloud import Aloud
from harness.own.beside import Method, Point, comparison, n_rows, timed
from harness.own.place import found_in
from harness.own.read import Own, keep
from harness.procedure import Procedure
from harness.study_law import Law
from harness.tasks.base import Metric
from tests import own_files, tiny_bench
from tests.unit.conftest import Result

Guides = Callable[..., Result]
ACCURACY = Metric("accuracy", "fraction", "higher")
ASK = ("bench", "--task", "tabular-cls", "--data", "fruit.csv", "--label", "fruit")
METHOD_NAMES = ["majority", "linear", "1-nearest-neighbour", "nearest-neighbours", "boosted-trees"]
RUN = ("--executor", "inline", "--search", "bisect", "--workers", "1")


def fruit(n: int = 120) -> list[list[str]]:
    """Rows whose label depends on age and colour, and on nothing else."""
    rng = np.random.default_rng(0)
    found = []
    for row in own_files.rows(n):
        score = float(row[0]) + (row[1] == "red") + 0.3 * rng.normal()
        found.append([row[0], f"zq-{row[1]}", row[2], "quince" if score > 0.3 else "medlar"])
    return found


def no_law(_: object, __: object, notes: list[str]) -> Procedure[Law]:
    """In the place of a law, which takes longer than all the rest."""
    notes.append(investigation.NO_LAW)
    yield from ()
    return Law(None, is_whole=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--dataset", "wine", "--family", "mlp", "--data", "fruit.csv", "--knee"),
            "give --dataset or --data, not both",
        ),
        (
            ("--family", "mlp", "--knee"),
            "give a data set with --dataset D, or your own file or folder",
        ),
        (("--dataset", "wine", "--knee"), "give a network family with --family F\n  families: "),
        (
            ("--dataset", "wine", "--family", "mlp", "--label", "x", "--knee"),
            "--label names a column of your own data: it needs --data",
        ),
        (
            ("--dataset", "wine", "--family", "mlp", "--group", "x", "--knee"),
            "--group names a column of your own data: it needs --data",
        ),
        (("--data", "fruit.csv", "--label", "fruit"), "give a target with --target-acc A"),
        (("--data", "fruit.csv", "--label", "fruit", "--knee", "--family", "mpl"), "unknown family 'mpl'. Did you"),
        (
            ("--data", "fruit.csv", "--label", "fruit", "--knee", "--family", "cnn"),
            "family cnn does not fit tabular-cls on own-",
        ),
        (
            ("--data", "fruit.csv", "--label", "fruit", "--target-acc", "0.3"),
            "target accuracy 0.3 needs no network: on own-",
        ),
    ],
)
def test_a_question_without_an_answer_is_refused(
    guides: Guides, alone: Path, arguments: Sequence[str], message: str
) -> None:
    own_files.table(alone / "fruit.csv", fruit())
    done = guides("bench", "--task", "tabular-cls", *RUN, "--quiet", *arguments)

    assert done.code == 2
    assert message in done.err
    assert [path.name for path in alone.rglob("*") if path.is_file()] == ["fruit.csv"]  # no copy of the data


def test_bad_data_end_in_one_line_and_leave_nothing(guides: Guides, alone: Path) -> None:
    own_files.table(alone / "fruit.csv", [*fruit(), ["1"]])
    done = guides(*ASK, "--knee", *RUN)

    assert done.code == 1
    assert done.out == ""
    assert done.err == "fruit.csv, row 122: has 1 cell, expected 4 as in the first row\n"
    assert [path.name for path in alone.iterdir()] == ["fruit.csv"]


def test_a_bench_of_your_own_data_says_what_it_reads_and_what_is_to_be_beaten(
    guides: Guides, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its record holds nothing of the data: no name, no value, no path."""
    tiny_bench.shorten(monkeypatch.setattr)
    monkeypatch.setattr(investigation, "fit_law", no_law)
    monkeypatch.setattr(trees, "ROUNDS", 5)
    monkeypatch.setattr(beside, "MOST_ROWS", 60)
    monkeypatch.setattr(publish, "run_baselines", None)  # the record takes over what is said first
    own_files.table(alone / "fruit.csv", fruit())
    done = guides(*ASK, "--target-acc", "0.7", *RUN)
    said, answered = done.err.splitlines(), done.out.splitlines()

    assert done.code in (0, 3), done.err
    [record] = alone.glob("my-guidelines/tabular-cls/own-*/mlp/v1")
    facts = json.loads((record / "guideline.json").read_bytes())

    assert said[0] == "fruit.csv: 120 rows; 2 columns of numbers and 1 of categories become 5 inputs"
    assert said[1].startswith("  84 rows to train on, 12 to validate, 24 to test")
    assert said[2].startswith("  'fruit' has 2 classes: '")
    assert said[3].startswith("network family: mlp")
    assert said[4] == "without a network, fitted to 60 of 84 training examples:"
    assert [line.split()[0] for line in said[5:10]] == METHOD_NAMES
    assert any(line.startswith("phase ") for line in said[10:])
    assert " reaches 0." in answered[-1]
    assert answered[-1].partition(";")[0].endswith(" s, fitted to 60 of 84 training examples")
    assert [one["name"] for one in facts["baselines"]] == METHOD_NAMES
    assert "methods without a network, fitted to 60 of 84 training examples" in facts["notes"]
    assert facts["question"]["dataset"]["source"] == "private data"
    assert facts["question"]["dataset"]["licence"] == "NOASSERTION"
    assert facts["question"]["dataset"]["private"] is True
    assert facts["licence"] == {"code": "NOASSERTION", "data": "NOASSERTION"}
    assert (facts["authors"], facts["cite"]) == (["not stated"], "not published")
    assert facts["provenance"]["command"].startswith("guides bench --task tabular-cls --data PATH --family mlp ")
    for path in record.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for word in (b"fruit", b"quince", b"medlar", b"colour", b"zq-", str(alone).encode()):
            assert word not in content, (path, word)


def test_a_plan_of_your_own_data_trains_nothing(guides: Guides, alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_bench.shorten(monkeypatch.setattr)
    own_files.table(alone / "fruit.csv", fruit())
    done = guides(*ASK, "--target-acc", "0.7", "--dry-run", *RUN)

    assert done.code == 0
    assert done.out.startswith("tabular-cls on own-")
    assert done.err.startswith("fruit.csv: 120 rows;")
    assert [path.name for path in (alone / "my-guidelines" / ".runs").iterdir()] == ["data"]


def test_quiet_leaves_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = own_files.table(tmp_path / "fruit.csv", [[*row[:2], row[3], row[3]] for row in fruit()])
    Aloud(Own("tabular-cls", path, "fruit"), is_quiet=True).read(tmp_path / "kept")

    assert capsys.readouterr().err == (
        "warning: column 'size' alone predicts 'fruit' perfectly: would it be known when you ask? Else remove it\n"
    )


@pytest.fixture
def own_name(tmp_path: Path) -> str:
    own = Own("tabular-cls", own_files.table(tmp_path / "fruit.csv", fruit(200)), "fruit")
    return keep(own, tmp_path / "kept").name


def test_a_method_is_timed_on_the_examples_it_is_given(
    tmp_path: Path, own_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def spy(task: object, data: object) -> list[dict[str, object]]:
        seen.append(len(data.train()))  # type: ignore[attr-defined]
        return [{"metric": 0.75, "bytes": 8, "flops": None}]

    monkeypatch.setattr(beside, "run_baselines", spy)
    with found_in(tmp_path / "kept"):
        for n in (40, 140, 500):
            assert timed("tabular-cls", own_name, n, "linear").metric == 0.75

    assert seen == [40, 140, 140]


def test_part_of_the_data_has_the_same_val_and_test(tmp_path: Path, own_name: str) -> None:
    with found_in(tmp_path / "kept"):
        whole = plugins.load("datasets", own_name)
        part = beside._Part(whole, 40)

        assert len(part.train()) == 40
        assert np.array_equal(part.val().inputs, whole.val().inputs)
        assert np.array_equal(part.test().labels, whole.test().labels)
        known = {row.tobytes() for row in whole.train().inputs}
        assert all(row.tobytes() in known for row in part.train().inputs)


def test_part_of_a_regression_is_in_its_own_unit(tmp_path: Path) -> None:
    cells = [[*row[:3], f"{1000 + 7 * i}"] for i, row in enumerate(fruit(200))]
    own = Own("tabular-reg", own_files.table(tmp_path / "fruit.csv", cells), "fruit")
    with found_in(tmp_path / "kept"):
        whole = plugins.load("datasets", keep(own, tmp_path / "kept").name)
        part = beside._Part(whole, len(whole.train()))

        assert part.target_scale() == pytest.approx(whole.target_scale(), rel=1e-6)
        assert part.test().labels == pytest.approx(whole.test().labels, abs=1e-5)


@pytest.mark.parametrize(
    ("inputs", "minutes", "n"),
    [(30, np.inf, 10_000), (500, np.inf, 4_000), (3072, np.inf, 1_000), (100, 2.0, 4_000), (100, 0.1, 1_000)],
)
def test_the_more_inputs_and_the_less_time_the_fewer_examples(inputs: int, minutes: float, n: int) -> None:
    assert n_rows(50_000, inputs, minutes) == n


METHODS = [Method("linear", 0.9, 1.0), Method("boosted-trees", 0.93, 4.25), Method("slow-trees", 0.93, 9.0)]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([], "no network is certified yet"),
        (
            [Point(0.91, 500, "width 8, depth 1")],
            "no network certified here does: the nearest has a median of 0.9100 and 500 params (width 8, depth 1)",
        ),
        (
            [Point(0.95, 900, "width 9, depth 1"), Point(0.93, 400, "width 4, depth 1"), Point(0.9, 9, "depth 0")],
            "the smallest network certified here whose median run does has 400 params (width 4, depth 1)",
        ),
    ],
    ids=["none", "worse", "as-good"],
)
def test_the_last_line_compares_with_the_best_method(points: list[Point], said: str) -> None:
    assert comparison(METHODS, points, ACCURACY) == f"boosted-trees reaches 0.9300 in 4.2 s; {said}"


def test_the_last_line_says_what_methods_saw_and_which_are_missing() -> None:
    said = comparison(METHODS, [], ACCURACY, ", fitted to 60 of 84 training examples", ["could not be fitted: lzma"])

    assert said == (
        "boosted-trees reaches 0.9300 in 4.2 s, fitted to 60 of 84 training examples; no network is certified yet; "
        "could not be fitted: lzma"
    )


def test_of_a_metric_that_falls_the_lowest_is_best() -> None:
    said = comparison(METHODS, [Point(0.92, 5, "width 1, depth 1")], Metric("bits-per-byte", "bits-per-byte", "lower"))

    assert said.startswith("linear reaches 0.9000 in 1.0 s; no network certified here does")


def test_without_a_method_there_is_nothing_to_compare() -> None:
    assert comparison([], [Point(1.0, 1, "depth 0")], ACCURACY) == ""
