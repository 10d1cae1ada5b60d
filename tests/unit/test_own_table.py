"""Tables of your own: what each column becomes, who trains and who tests, what is warned of."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from harness import plugins
from harness.datasets.base import Dataset, Split, Splits
from harness.own import checks, csv_file, csv_table, table
from harness.own.columns import Categories, Numbers, encode
from harness.own.parts import by_content, by_group, mixed, sizes
from harness.own.place import VARIABLE, found_in
from harness.own.prepared import Prepared
from harness.own.read import Own, forget, keep
from registry.errors import InvalidData
from tests import own_files
from tests.own_files import rows


def prepared(tmp_path: Path, cells: list[list[str]], task: str = "tabular-cls", group: str | None = None) -> Prepared:
    path = own_files.table(tmp_path / "data.csv", cells)
    named = tuple(name for name in (group, "fruit" if task == "tabular-cls" else None) if name)
    return table.prepare(csv_table.read(path, named), task, "fruit", group)


def everything(made: Prepared) -> np.ndarray:
    return np.concatenate([split.inputs for split in made.splits])


def kept(own: Own, folder: Path) -> Dataset:
    with found_in(folder):
        found: Dataset = plugins.load("datasets", keep(own, folder).name)
        found.train()
    return found


def is_mapped(array: np.ndarray) -> bool:
    while isinstance(array, np.ndarray) and not isinstance(array, np.memmap):
        array = array.base
    return isinstance(array, np.memmap)


def test_numbers_are_standardised_by_train_and_categories_are_one_of_each(tmp_path: Path) -> None:
    made = prepared(tmp_path, rows(200))
    train, test = made.splits.train.inputs.astype(np.float64), made.splits.test.inputs

    assert made.facts.input_shape == (5,)
    assert train[:, [0, 4]].mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert train[:, [0, 4]].std(axis=0) == pytest.approx([1, 1], abs=1e-6)
    assert np.abs(test[:, [0, 4]].mean(axis=0)).max() > 0.01
    assert set(np.unique(everything(made)[:, 1:4])) == {0.0, 1.0}
    assert (everything(made)[:, 1:4].sum(axis=1) == 1).all()


def test_two_categories_are_one_input(tmp_path: Path) -> None:
    made = prepared(tmp_path, [[row[0], row[1] if row[1] == "red" else "blue", *row[2:]] for row in rows()])

    assert made.facts.input_shape == (3,)
    assert set(np.unique(everything(made)[:, 1])) == {0.0, 1.0}


def test_a_missing_number_is_the_median_of_train_and_says_so(tmp_path: Path) -> None:
    cells = [["" if i % 5 == 0 else str(i % 7), *row[1:]] for i, row in enumerate(rows(100))]
    made = prepared(tmp_path, cells)
    numbers, missing = everything(made)[:, 0], everything(made)[:, 1]

    assert made.facts.input_shape == (6,)
    assert set(np.unique(missing)) == {0.0, 1.0}
    assert missing.sum() == 20
    assert len(set(numbers[missing == 1])) == 1
    train = made.splits.train.inputs
    assert numbers[missing == 1][0] == np.median(train[train[:, 1] == 0, 0])
    assert "20 values are missing in 'age': numbers become the median" in "\n".join(made.facts.notes)


@pytest.mark.parametrize("missing", ["", "NA", "nan", "NULL", "?", " "])
def test_many_spellings_of_nothing_are_missing(tmp_path: Path, missing: str) -> None:
    cells = [[missing if i < 30 else row[0], *row[1:]] for i, row in enumerate(rows())]

    assert everything(prepared(tmp_path, cells))[:, 1].sum() == 30


def test_rare_categories_share_an_input_with_unseen_ones(tmp_path: Path) -> None:
    cells = [[row[0], f"rare {i}" if i % 40 == 0 else row[1], *row[2:]] for i, row in enumerate(rows(4000))]
    made = prepared(tmp_path, cells)
    ones = everything(made)[:, 1:-1]

    assert made.facts.input_shape == (6,)  # two numbers, three colours, the pool
    assert (ones[:, -1].sum(), ones.sum()) == (100, 4000)
    assert "100 cells of rarer categories share an input in 'colour'" in "\n".join(made.facts.notes)


def test_a_category_that_train_has_not_lies_between_two_and_is_none_of_more() -> None:
    train = np.arange(4)
    two = Categories("colour", np.array([0, 1, 0, 1, 2]), ("blue", "green", "red"))
    three = Categories("colour", np.array([0, 1, 2, 1, 3]), ("blue", "green", "red", "white"))

    assert encode(two, train).inputs.ravel().tolist() == [0, 1, 0, 1, 0.5]
    assert encode(three, train).inputs.sum(axis=1).tolist() == [1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (str, "a number of its own for every row"),
        (lambda i: f"user {i}", "a different value in nearly every row"),
        (lambda i: "7", "the same in every row"),
        (lambda i: "", "no value in any row"),
    ],
    ids=["counted", "named", "constant", "empty"],
)
def test_a_column_that_cannot_help_is_left_out_and_said(tmp_path: Path, cell: object, reason: str) -> None:
    made = prepared(tmp_path, [[cell(i), *row[1:]] for i, row in enumerate(rows())])  # type: ignore[operator]

    assert made.facts.input_shape == (4,)
    assert f"left out: 'age', {reason}" in made.facts.notes


def test_long_text_is_left_out_and_said(tmp_path: Path) -> None:
    made = prepared(tmp_path, [[f"said {i % 1001}", *row[1:]] for i, row in enumerate(rows(2200))])

    assert "left out: 'age', text: more than 1,000 different values" in made.facts.notes


def test_no_value_of_test_decides_how_train_is_scaled(tmp_path: Path) -> None:
    """Change numbers of test rows alone, and nothing of train changes but who they are."""
    made = csv_table.read(own_files.table(tmp_path / "data.csv", rows(100)), ("fruit",))
    age = made.columns[0]
    assert isinstance(age, Numbers)
    before = table.prepare(made, "tabular-cls", "fruit")
    parts = table._parts(made, made.columns[:3], "fruit", None, table._right(made, "tabular-cls", "fruit")[0])
    values = age.values.copy()
    values[parts.test] = 1e6
    changed = encode(Numbers("age", values), parts.train).inputs

    assert np.array_equal(changed[parts.train, 0], before.splits.train.inputs[:, 0])


def test_a_number_that_is_always_the_same_in_train_is_no_input_elsewhere() -> None:
    train = np.arange(4)
    always = encode(Numbers("bytes", np.array([7, 7, 7, 7, 5e9])), train)
    missing = encode(Numbers("bytes", np.array([7, np.nan, 7, 7, 5e9])), train)

    assert (always.inputs.ravel().tolist(), always.is_flat) == ([0, 0, 0, 0, 0], True)
    assert missing.inputs.tolist() == [[0, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    assert not encode(Numbers("bytes", np.arange(5.0)), train).is_flat


def test_numbers_that_are_alike_in_train_are_said() -> None:
    columns = [Numbers("bytes", np.array([7, 7, 7, 7, 5e9])), Numbers("size", np.arange(5.0))]

    assert table._changed(columns, [encode(column, np.arange(4)) for column in columns]) == [
        "numbers to train on are all alike, and become 0, in 'bytes'"
    ]


def test_the_order_of_rows_means_nothing(tmp_path: Path) -> None:
    cells = rows(120)
    first = prepared(tmp_path, cells).splits
    second = prepared(tmp_path, cells[::-1]).splits

    for one, other in zip(first, second, strict=True):
        assert sorted(row.tobytes() for row in one.inputs) == sorted(row.tobytes() for row in other.inputs)


def test_every_split_has_every_class_by_its_share(tmp_path: Path) -> None:
    cells = [[*row[:3], "plum" if i % 10 == 0 else row[3]] for i, row in enumerate(rows(1000))]
    made = prepared(tmp_path, cells)

    assert list(map(len, made.splits)) == [700, 100, 200]
    assert [np.bincount(split.labels).tolist()[2] for split in made.splits] == [70, 10, 20]


def test_classes_that_are_numbers_are_sorted_by_size(tmp_path: Path) -> None:
    cells = [[*row[:3], str((2, 10, 9)[i % 3])] for i, row in enumerate(rows(90))]
    made = prepared(tmp_path, [[row[0], row[1], row[3], row[3]] for row in cells])
    labels = np.concatenate([split.labels for split in made.splits])
    sizes_ = everything(made)[:, 4]

    assert (np.diff([sizes_[labels == c].mean() for c in range(3)]) > 0).all()


def test_targets_stay_in_their_own_unit(tmp_path: Path) -> None:
    made = prepared(tmp_path, [[*row[:3], f"{1000 + i * i}"] for i, row in enumerate(rows())], "tabular-reg")
    targets = np.concatenate([split.labels for split in made.splits])

    assert made.facts.n_classes is None
    assert targets.dtype == np.float32
    assert sorted(targets) == [1000 + i * i for i in range(60)]
    assert made.facts.notes[-1].startswith("'fruit' has targets from 1000 to 4481, mean ")


def test_groups_are_kept_apart_and_are_no_input(tmp_path: Path) -> None:
    cells = [[str(i % 40), *row[1:]] for i, row in enumerate(rows(400))]
    path = own_files.table(tmp_path / "data.csv", cells)
    made = csv_table.read(path, ("fruit", "age"))
    labels, _ = table._right(made, "tabular-cls", "fruit")
    parts = table._parts(made, made.columns[1:3], "fruit", "age", labels)
    owners = [{made.columns[0].names[code] for code in made.columns[0].codes[part]} for part in parts]

    assert not owners[0] & owners[1]
    assert not owners[0] & owners[2]
    assert not owners[1] & owners[2]
    assert prepared(tmp_path, cells, group="age").facts.input_shape == (4,)
    assert prepared(tmp_path, cells, group="age").facts.group == "a column of the data"


def test_large_data_keep_most_to_train_on() -> None:
    hashes = mixed(np.arange(200_000, dtype=np.uint64), 0)
    parts = by_content(hashes, None)

    assert sizes(200_000) == (5_000, 10_000)
    assert list(map(len, parts)) == [185_000, 5_000, 10_000]


def test_rows_that_are_alike_stay_in_one_split() -> None:
    hashes = mixed(np.arange(1000, dtype=np.uint64) // np.uint64(7), 0)
    parts = by_content(hashes, None)
    found = [set(hashes[part].tolist()) for part in parts]

    assert not found[0] & found[1]
    assert not found[0] & found[2]
    assert not found[1] & found[2]
    assert 95 <= len(parts.val) <= 105


def test_groups_are_dealt_out_until_every_split_has_every_class() -> None:
    groups = np.arange(1000) % 50
    labels = (groups < 6).astype(np.int64)  # in six groups of fifty: most ways leave a split without
    for names in range(5):
        hashes = mixed(np.arange(50, dtype=np.uint64), names)
        parts = by_group(groups, hashes, labels, "data")

        assert all(set(labels[part]) == {0, 1} for part in parts)


def test_where_nearly_all_rows_are_alike_each_split_has_some_all_the_same() -> None:
    parts = by_content(np.zeros(100, dtype=np.uint64), None)

    assert list(map(len, parts)) == [70, 10, 20]


def test_dealing_groups_out_is_refused_where_one_has_nearly_everything() -> None:
    groups = np.array([0] * 90 + [1] * 5 + [2] * 5)
    with pytest.raises(InvalidData, match="its 3 groups cannot be dealt out so that"):
        by_group(groups, np.arange(3, dtype=np.uint64), None, "data")


def test_a_column_that_gives_the_label_away_is_warned_of(tmp_path: Path) -> None:
    code = {"apple": "-1.5", "pear": "2"}
    made = prepared(tmp_path, [[row[0], row[3][:2], code[row[3]], row[3]] for row in rows()])

    assert [warning.partition(":")[0] for warning in made.facts.warnings] == [
        "column 'colour' alone predicts 'fruit' perfectly",
        "column 'size' alone predicts 'fruit' perfectly",
    ]


def test_a_target_that_is_a_column_in_another_unit_is_warned_of(tmp_path: Path) -> None:
    made = prepared(tmp_path, [[*row[:3], f"{2.5 * float(row[0]) - 7:.9f}"] for row in rows()], "tabular-reg")

    assert [warning.partition(":")[0] for warning in made.facts.warnings] == [
        "column 'age' alone predicts 'fruit' perfectly"
    ]


def test_nothing_is_warned_of_where_nothing_is_wrong(tmp_path: Path) -> None:
    assert prepared(tmp_path, rows()).facts.warnings == ()


def test_repeats_of_train_and_of_validation_are_counted_once_each() -> None:
    def split(*values: float) -> Split:
        return Split(np.array(values, dtype=np.float32)[:, np.newaxis], np.zeros(len(values), dtype=np.int64))

    [said] = checks.repeats(Splits(split(1, 2, 3), split(4), split(1, 1, 4, 5)))

    assert said.startswith("3 of 4 test examples (75.0%) have the same inputs as one in train or validation")
    assert checks.repeats(Splits(split(1, 2, 3), split(1), split(4))) == []


@pytest.mark.parametrize(("n_alike", "warned"), [(6, ["6 of 100 training examples (6.0%)"]), (5, [])])
def test_repeats_within_train_are_told_where_there_are_many(n_alike: int, warned: list[str]) -> None:
    train = np.maximum(np.arange(100), n_alike).astype(np.float32)[:, np.newaxis]
    said = checks.repeats(
        Splits(*(Split(one, np.zeros(len(one), dtype=np.int64)) for one in (train, train[:1] - 10, train[:1] - 20)))
    )

    assert [one.partition(" have ")[0] for one in said] == warned


@pytest.mark.parametrize(("n_other", "is_told"), [(2, True), (1, False)])
def test_inputs_of_several_classes_are_told_with_what_can_be_right_at_most(n_other: int, is_told: bool) -> None:
    values = np.arange(300, dtype=np.float32)[:, np.newaxis]
    values[:4] = 0
    labels = (np.arange(300) < n_other).astype(np.int64)
    splits = Splits(*(Split(values[part], labels[part]) for part in (slice(200), slice(200, 250), slice(250, 300))))
    at_most = "whatever is learnt, at most 99.3% of all can be right"

    assert checks.repeats(splits) == (
        [f"4 of 300 examples (1.3%) have the same inputs as others of another class: {at_most}"] if is_told else []
    )


def test_inputs_with_several_targets_are_no_contradiction() -> None:
    sizes = ((20, 0), (1, 1), (1, 2))
    splits = (Split(np.full((n, 1), value, dtype=np.float32), np.arange(float(n))) for n, value in sizes)

    assert checks.repeats(Splits(*splits)) == []


def test_a_value_that_two_classes_share_gives_nothing_away() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    apart, shared = np.array([1.0, 1, 2, 3, 3, 4]), np.array([1.0, 1, 2, 2, 3, 4])
    colours = Categories("colour", np.array([0, 0, 1, 1, 2, 2]), ("blue", "green", "red"))

    assert len(checks.giveaways([Numbers("size", apart)], labels, "fruit")) == 1
    assert checks.giveaways([Numbers("size", shared), colours], labels, "fruit") == []


def test_repeats_across_splits_are_counted_and_warned_of(tmp_path: Path) -> None:
    cells = [[str(i % 8), row[1], "1", row[3]] for i, row in enumerate(rows(1000))]
    made = prepared(tmp_path, cells)
    known = {row.tobytes() for split in made.splits[:2] for row in split.inputs}
    n = sum(row.tobytes() in known for row in made.splits.test.inputs)

    assert n > 10
    assert any(said.startswith(f"{n:,} of {len(made.splits.test)} test examples (") for said in made.facts.warnings)


def test_a_class_that_is_nearly_all_is_warned_of(tmp_path: Path) -> None:
    made = prepared(tmp_path, [[*row[:3], "plum" if i % 20 else "fig"] for i, row in enumerate(rows(200))])

    assert made.facts.warnings[0].startswith("one class is nearly all there is, 95.0%: answering it always")


def test_a_class_so_rare_that_its_share_is_none_is_counted() -> None:
    labels = np.repeat(np.arange(6), [99_990, 2, 2, 2, 2, 2])

    assert checks.balance(labels[:99_992], ("plum", "fig")) == "2 classes: 'plum' 99,990 of 99,992, 'fig' 2 of 99,992"
    assert checks.balance(labels, tuple("abcdef")).endswith(" ... the rarest 2 of 100,000")
    assert checks.skew(labels)[0].startswith("one class is nearly all there is, 99,990 of 100,000: answering")
    assert checks.balance(labels * 0, ("plum",)) == "1 classes: 'plum' 100.0%"


@pytest.mark.parametrize("delimiter", ";\t|")
def test_other_delimiters_and_a_byte_order_mark_are_read(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text("\n".join(delimiter.join(row) for row in [own_files.HEADER, *rows()]), encoding="utf-8-sig")
    with csv_file.opened(path) as (header, found):
        assert header == list(own_files.HEADER)
        assert [cells for _, cells in found] == rows()


def test_empty_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('a,b\n\n1,"two\nlines"\n\n')
    with csv_file.opened(path) as (_, found):
        assert list(found) == [(3, ["1", "two\nlines"])]


def test_data_are_loaded_by_a_name_of_their_content_and_shared(tmp_path: Path) -> None:
    path = own_files.table(tmp_path / "data.csv")
    found = kept(Own("tabular-cls", path, "fruit"), tmp_path / "kept")

    assert found.name.startswith("own-")
    assert len(found.name) == len("own-") + 12
    assert (found.source, found.licence, found.private) == ("private data", "NOASSERTION", True)
    assert is_mapped(found.train().inputs)
    assert [file.name for file in (tmp_path / "kept").iterdir()] == [found.name]


@pytest.mark.parametrize("name", ["label", "Target", "CLASS", "y"])
def test_a_plain_label_need_not_be_named(tmp_path: Path, name: str) -> None:
    path = own_files.table(tmp_path / "data.csv", header=[*own_files.HEADER[:3], name])

    assert keep(Own("tabular-cls", path), tmp_path / "kept") == keep(Own("tabular-cls", path, name), tmp_path / "kept")


def test_the_name_changes_with_content_task_label_and_group(tmp_path: Path) -> None:
    path = own_files.table(tmp_path / "data.csv", [[*row[:3], str(i % 9)] for i, row in enumerate(rows(400))])
    other = own_files.table(tmp_path / "other.csv", rows(400))
    asked = [
        Own("tabular-cls", path, "fruit"),
        Own("tabular-reg", path, "fruit"),
        Own("tabular-cls", path, "colour"),
        Own("tabular-cls", path, "fruit", "age"),
        Own("tabular-cls", other, "fruit"),
    ]
    names = {keep(own, tmp_path / "kept").name for own in asked}
    moved = path.rename(tmp_path / "moved.csv")

    assert len(names) == len(asked)
    assert keep(Own("tabular-cls", moved, "fruit"), tmp_path / "kept").name in names


def test_what_was_read_once_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Own("tabular-cls", own_files.table(tmp_path / "data.csv"), "fruit")
    first = keep(own, tmp_path / "kept")
    monkeypatch.setattr(csv_table, "read", None)

    assert keep(own, tmp_path / "kept") == first


def test_data_that_are_not_here_say_how_to_prepare_them(tmp_path: Path) -> None:
    with found_in(tmp_path), pytest.raises(InvalidData, match="own-0123456789ab is somebody's own data"):
        plugins.load("datasets", "own-0123456789ab")


def test_damaged_data_say_what_to_remove(tmp_path: Path) -> None:
    own = Own("tabular-cls", own_files.table(tmp_path / "data.csv", rows(70)), "fruit")
    name = keep(own, tmp_path / "kept").name
    (tmp_path / "kept" / name / "val.labels.npy").write_bytes(b"\x93NUMPY")
    with found_in(tmp_path / "kept"), pytest.raises(InvalidData, match="prepared data are missing or damaged"):
        plugins.load("datasets", name).train()


def test_the_environment_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with found_in(tmp_path):
        assert os.environ[VARIABLE] == str(tmp_path)
    assert VARIABLE not in os.environ
    monkeypatch.setenv(VARIABLE, "mine")
    with found_in(tmp_path):
        pass
    assert os.environ[VARIABLE] == "mine"


def test_sources_are_no_data_sets_themselves() -> None:
    assert "own" not in plugins.names("datasets")
    assert "own" in plugins.names("sources")


def test_only_data_that_were_prepared_just_now_are_forgotten(tmp_path: Path) -> None:
    own, folder = Own("tabular-cls", own_files.table(tmp_path / "data.csv"), "fruit"), tmp_path / "out" / "data"
    first = keep(own, folder)
    again = keep(own, folder)
    forget(again, folder)

    assert [path.name for path in folder.iterdir()] == [first.name]  # an earlier run needs it to go on

    forget(first, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]
