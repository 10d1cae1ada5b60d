"""`guides like`: the words of the answer, JSON, no record near, and what a file is taken for."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.like import answer
from harness.like.asked import task_of
from registry.errors import InvalidData, UsageError
from tests import own_files
from tests.unit.conftest import Result

Guides = Callable[..., Result]


def table(path: Path, n: int = 2400, inputs: int = 20) -> Path:
    """Rows of two classes that differ in mean, as those of twonorm."""
    rng = np.random.default_rng(0)
    classes = np.arange(n) % 2
    numbers = rng.normal(size=(n, inputs)) + np.where(classes, 0.4, -0.4)[:, np.newaxis]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*(f"x{i}" for i in range(inputs)), "kind"])
        writer.writerows([*(f"{value:.5f}" for value in row), "ab"[k]] for row, k in zip(numbers, classes, strict=True))
    return path


def columns(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    return own_files.table(path, rows, header)


def test_the_answer_tells_what_is_near_why_and_a_size(guides: Guides, alone: Path) -> None:
    result = guides("like", table(alone / "two.csv"), "--label", "kind")

    assert result.code == 0, result.err
    assert result.err.startswith(f"{alone / 'two.csv'}: taken for tabular-cls; --task T says otherwise")
    lines = result.out.splitlines()
    assert lines[0].startswith("table: 2 classes, 20 inputs, 1,68")
    assert lines[0].endswith(" examples to train on, balance 1.00")
    assert lines[1].startswith("errors of probes fitted to 1,68")
    assert "  twonorm (knee measured)" in lines
    because = lines[lines.index("  twonorm (knee measured)") + 1]
    assert because.startswith("    because: 2 classes, 20 inputs, 5,000 examples against 1,68")
    suggested = next(line for line in lines if line.startswith("suggested knee: "))
    assert suggested.endswith(", depth 1")
    assert " either way held for " in lines[lines.index(suggested) + 1]
    assert lines[-1] == (
        f"find out: guides bench --task tabular-cls --data {alone / 'two.csv'} --label kind --knee --minutes 10"
    )


def test_json_holds_the_same(guides: Guides, alone: Path) -> None:
    result = guides("like", table(alone / "two.csv"), "--label", "kind", "--json", "--quiet")
    said = json.loads(result.out)

    assert (result.code, result.err) == (0, "")
    assert said["schema"] == "guides.like/1"
    assert said["advice"] is None
    assert said["data"]["n_inputs"] == 20
    assert said["near"][0]["distance"] < said["near"][-1]["distance"]
    assert said["suggestion"]["n_within"] >= 0.8 * said["suggestion"]["n"]
    assert said["bench"].endswith("--knee --minutes 10")


def test_no_record_near_names_the_command_that_makes_one(guides: Guides, alone: Path) -> None:
    result = guides("like", table(alone / "two.csv", 200, 2), "--label", "kind")

    assert result.code == 3
    assert result.out.startswith("table: 2 classes, 2 inputs, 140 examples to train on")
    assert "no record near: no table data on record are within 4 x of 140 examples, 2 inputs, 2 classes at once" in (
        result.err
    )
    assert result.err.rstrip().endswith("--label kind --knee --minutes 10")
    assert "suggested" not in result.out


def test_few_pictures_in_colour_are_better_fine_tuned(guides: Guides, alone: Path) -> None:
    result = guides("like", own_files.pictures(alone / "pictures"))

    assert result.code == 3
    assert result.out.splitlines()[0] == answer.ADVICE
    assert "fine-tuning a pretrained network is likely better" in answer.ADVICE
    assert result.out.splitlines()[1].startswith("image: 2 classes, 768 inputs, ")


def test_grey_pictures_saved_in_colour_get_no_such_advice(guides: Guides, alone: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (alone / "scans" / name).mkdir(parents=True)
        for i in range(30):
            grey = Image.fromarray(rng.integers(256, size=(8, 8), dtype=np.uint8))
            grey.convert("RGB").save(alone / "scans" / name / f"{i}.png")
    result = guides("like", alone / "scans")

    assert result.code == 3
    assert result.out.startswith("image: 2 classes, ")


def test_nothing_is_left_behind(guides: Guides, alone: Path) -> None:
    guides("like", table(alone / "two.csv", 200, 2), "--label", "kind")

    assert [path.name for path in alone.iterdir()] == ["two.csv"]


def test_an_unknown_task_is_refused(guides: Guides, alone: Path) -> None:
    result = guides("like", table(alone / "two.csv", 50, 3), "--task", "tabular-clss")

    assert result.code == 2
    assert "unknown task 'tabular-clss'. Did you mean 'tabular-cls'?" in result.err


def test_what_is_not_there_is_refused(alone: Path) -> None:
    with pytest.raises(InvalidData, match=r"gone.csv: there is no such file or folder"):
        task_of(alone / "gone.csv", None)


@pytest.mark.parametrize("place", [".", "photos", "train/cat", "a/b/c/d"])
def test_pictures_are_found_at_every_depth(alone: Path, place: str) -> None:
    own_files.pictures(alone / "pictures", n=2, classes=[place])
    own_files.text(alone / "pictures" / "a.txt")

    assert task_of(alone / "pictures", None) == "image-cls"


def test_one_picture_is_told_that_folders_are_expected(guides: Guides, alone: Path) -> None:
    own_files.pictures(alone / "data", n=1)
    result = guides("like", alone / "data" / "cat" / "000.png")

    assert result.code == 1
    assert "000.png: is a file, expected a folder with one folder of pictures for each class\n" in result.err


def test_texts_with_a_few_figures_are_texts(alone: Path) -> None:
    own_files.pictures(alone / "prose", n=2)
    for i in range(9):
        own_files.text(alone / "prose" / f"{i}.md")

    assert task_of(alone / "prose", None) == "lang-model"


def test_a_folder_of_pictures_in_folders_is_to_be_classified(alone: Path) -> None:
    own_files.pictures(alone / "pictures", n=2)
    (alone / "prose").mkdir()
    own_files.text(alone / "prose" / "a.txt")

    assert task_of(alone / "pictures", None) == "image-cls"
    assert task_of(alone / "prose", None) == "lang-model"


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (("a", "y"), [(f"{i}", f"{i / 7:.3f}") for i in range(40)], "tabular-reg"),
        (("a", "y"), [(f"{i}", f"{i}") for i in range(21)], "tabular-reg"),
        (("a", "y"), [(f"{i}", f"{i % 20}") for i in range(60)], "tabular-cls"),
        (("a", "b", "y"), [(f"{i}", "x", "yes") for i in range(60)], "tabular-cls"),
        (("a", "y"), [("a fine film it was", "good")] * 9, "text-cls"),
        (("a", "y"), [("http://example.org/a/long/address", "good")] * 9, "text-cls"),
        (("a", "b", "y"), [("a fine film it was", "1", "good")] * 9, "tabular-cls"),
        (("a", "y"), [("red", "good")] * 9, "tabular-cls"),
        (("a", "y"), [("这部电影真的很精彩，推荐", "good")] * 9, "text-cls"),
        (("a", "y"), [("红色", "good")] * 9, "tabular-cls"),
        (("a", "y"), [(f"so {word}", "good") for word in ("bad", "dull", "fine")] * 3, "tabular-cls"),
        (
            ("a", "y"),
            [(f"so {word}", "good") for word in ("bad", "dull", "fine", "fun")] + [("so-so", "bad")],
            "text-cls",
        ),
        (("a", "y"), [("", "good")] * 9, "tabular-cls"),
    ],
)
def test_the_label_and_the_cells_decide_what_a_table_is_for(
    alone: Path, header: Sequence[str], rows: Sequence[Sequence[str]], expected: str
) -> None:
    assert task_of(columns(alone / "one.csv", header, rows), None) == expected


def test_a_table_without_a_plain_label_asks_for_one(alone: Path) -> None:
    with pytest.raises(UsageError, match=r"which column of .* is the label\? Give --label COLUMN"):
        task_of(table(alone / "two.csv", 20, 3), None)


def test_the_command_that_finds_out_can_be_pasted() -> None:
    said = answer.bench_command("tabular-cls", Path("my data.csv"), "the kind")

    assert said == ("guides bench --task tabular-cls --data 'my data.csv' --label 'the kind' --knee --minutes 10")


def test_a_group_is_kept_apart_is_no_input_and_stays_in_the_command(guides: Guides, alone: Path) -> None:
    words = ("a fine film it was", "a poor film it was")
    cells = [[f"{words[i % 2]} {i}", f"author {i % 30}", "ab"[i // 30 % 2]] for i in range(300)]
    result = guides("like", columns(alone / "films.csv", ("text", "author", "label"), cells), "--group", "author")

    assert "films.csv: taken for text-cls" in result.err
    assert result.out.startswith("text: 2 classes, 32 symbols, ")
    assert "32 symbols, 2 classes at once" in result.err
    assert result.err.rstrip().endswith("films.csv --group author --knee --minutes 10")


def test_what_was_left_out_is_said_unless_quiet(guides: Guides, alone: Path) -> None:
    cells = [[str(i), str(i % 7), "x", "ab"[i % 2]] for i in range(90)]
    path = columns(alone / "one.csv", ("id", "n", "same", "y"), cells)
    aloud, quiet = guides("like", path), guides("like", path, "--quiet")

    assert "  left out: 'id', a number of its own for every row\n  left out: 'same', the same in every row" in aloud.err
    assert "left out" not in quiet.err


@pytest.mark.parametrize(
    ("cells", "delimiter", "expected"),
    [
        ([("1", f"{i},5") for i in range(30)], ";", "tabular-reg"),
        ([(f"{i}", ("NA", f"{i}.5")[i % 2]) for i in range(40)], ",", "tabular-reg"),
        ([("1", f"a{i},5") for i in range(30)], ";", "tabular-cls"),
        ([(f"{i},5", "ab"[i % 2]) for i in range(30)], ";", "tabular-cls"),
        ([(("NA", f"{i}.5")[i % 9 > 0], "ab"[i % 2]) for i in range(30)], ",", "tabular-cls"),
        ([(f"{i}%", "ab"[i % 2]) for i in range(30)], ",", "text-cls"),
        ([(f"{i},5", ("900", "1.000")[i % 2]) for i in range(30)], ";", "tabular-cls"),
        ([(f"{i},5", ("900", "1.250")[i % 2]) for i in range(30)], ";", "tabular-cls"),
        ([(f"{i}", ("900", "1.250")[i % 2]) for i in range(30)], ";", "tabular-reg"),
    ],
    ids=[
        "commas", "missing", "names", "inputs-with-commas", "inputs-missing", "inputs-in-percent", "one-thousand",
        "thousands", "decimals",
    ],
)  # fmt: skip
def test_targets_are_known_by_what_is_a_number(
    alone: Path, cells: Sequence[Sequence[str]], delimiter: str, expected: str
) -> None:
    path = alone / "one.csv"
    path.write_text("\n".join(delimiter.join(row) for row in [("a", "y"), *cells]), encoding="utf-8")

    assert task_of(path, None) == expected


@pytest.mark.parametrize(("label", "expected"), [("few", "tabular-cls"), ("many", "tabular-reg")])
def test_numbers_that_are_missing_decide_nothing(alone: Path, label: str, expected: str) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    answers = {"few": [None, *range(19)] * 2, "many": [None, *range(39)]}
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(answers), alone / "one.parquet")

    assert task_of(alone / "one.parquet", label) == expected


def test_hidden_folders_of_pictures_are_no_classes(alone: Path) -> None:
    own_files.pictures(alone / "prose", n=2, classes=[".thumbnails"])
    own_files.text(alone / "prose" / "a.txt")

    assert task_of(alone / "prose", None) == "lang-model"
