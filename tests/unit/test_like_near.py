"""What is near: of the same kind and within 4 x in examples, inputs and classes; the reason in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.knee import too_coarse
from harness.like import near
from harness.like.descriptors import Descriptors
from harness.like.near import nearest, of_ladder, of_registry, reason, times_apart
from harness.like.recorded import Recorded, sizes_of
from registry.roots import Root
from registry.store import Store
from tests.example_record import example_record
from tests.like_data import DESCRIPTORS, ladder

PROBED = {"linear": 0.25, "nearest neighbour": 0.1}


def recorded(name: str = "one", **changed: Any) -> Recorded:
    values = {
        "where": "ladder", "modality": "table", "n_train": 1000, "n_inputs": 20, "n_classes": 3, "errors": PROBED,
        "sizes": ("knee: 100 params",), **changed,
    }  # fmt: skip
    return Recorded(name, **values)


def test_what_agrees_is_told_once_and_what_differs_twice() -> None:
    said = reason(DESCRIPTORS, recorded(n_train=1700, n_inputs=64))

    assert said == (
        "3 classes, 64 inputs against 20, 1,700 examples against 1,000, within 1.7 x, "
        "linear probe error 0.25 against 0.20, nearest neighbour probe error 0.10 against 0.10"
    )


def test_a_record_without_probes_is_told_without() -> None:
    assert reason(DESCRIPTORS, recorded(errors={})) == "3 classes, 20 inputs, 1,000 examples"


@pytest.mark.parametrize(
    "changed",
    [
        {"n_train": 4001},
        {"n_train": 249},
        {"n_inputs": 81},
        {"n_inputs": 4},
        {"n_classes": 13},
        {"modality": "image"},
        {"n_classes": None},
    ],
)
def test_nothing_beyond_four_times_in_any_count_is_near(changed: dict[str, Any]) -> None:
    assert nearest(DESCRIPTORS, [recorded(**changed)]) == []


@pytest.mark.parametrize("changed", [{"n_train": 4000}, {"n_train": 250}, {"n_inputs": 80}, {"n_classes": 12}])
def test_four_times_in_one_count_is_near(changed: dict[str, Any]) -> None:
    assert len(nearest(DESCRIPTORS, [recorded(**changed)])) == 1


def test_the_nearest_come_first_and_no_more_than_three() -> None:
    every = [
        recorded("far", n_train=3500),
        recorded("unlike", errors={"linear": 0.01, "nearest neighbour": 0.4}),
        recorded("same", errors={"linear": 0.2, "nearest neighbour": 0.1}),
        recorded("unknown", errors={}),
        recorded("fair", n_train=1400),
    ]

    assert [one.recorded.name for one in nearest(DESCRIPTORS, every)] == ["same", "fair", "far"]
    assert nearest(DESCRIPTORS, every)[0].distance == 0


def test_no_error_at_all_is_a_finite_distance_away() -> None:
    [one] = nearest(DESCRIPTORS, [recorded(errors={"linear": 0.0, "nearest neighbour": 0.0})])

    assert 5 < one.distance < 20


def test_targets_are_near_targets() -> None:
    numbers = replace(DESCRIPTORS, n_classes=None, balance=None)

    assert [one.recorded.name for one in nearest(numbers, [recorded(n_classes=None), recorded("two")])] == ["one"]


def test_a_ladder_tells_its_knee() -> None:
    closed = of_ladder(ladder({4: (0.3,), 16: (0.1,), 64: (0.1,)}))
    still_falling = of_ladder(ladder({4: (0.3,), 16: (0.2,), 64: (0.1,)}))

    assert closed.sizes == ("knee: 387 params (mlp of width 16, depth 1)",)
    assert still_falling.sizes == ("knee: at least 1,539 params (mlp of width 64, depth 1)",)
    assert closed.errors == {"linear": 0.2, "nearest neighbour": 0.1}


def test_records_give_their_sizes_and_what_their_baselines_say(root: Path) -> None:
    Store(root).publish(*example_record("tabular-cls/wine/mlp"))
    [found] = of_registry([Root(str(root))])

    assert found.name == "tabular-cls/wine/mlp v1"
    assert found.modality == "table"
    assert found.sizes[0].startswith("knee: ") or found.sizes[0].startswith("accuracy 0.9: ")
    assert all("params (width" in size for size in found.sizes)


def test_of_several_routes_the_smallest_is_told() -> None:
    points = [{"target": 0.9, "params": 300}, {"target": 0.9, "params": 200}, {"target": 0.8, "params": 250}]
    record = {"question": {"metric": {"name": "accuracy"}}, "frontier": points}

    assert sizes_of(record, "frontier") == ("accuracy 0.9: 200 params", "accuracy 0.8: 250 params")


def test_a_record_that_does_not_say_what_its_inputs_are_is_passed_over(root: Path) -> None:
    record, *_ = example_record("tabular-cls/wine/mlp")
    question = {**record["question"], "dataset": {**record["question"]["dataset"], "input_shape": None}}

    assert near.of_record("a v1", "", {**record, "question": question}) is None
    assert near.of_record("a v1", "", record) is not None


def test_records_of_other_tasks_are_passed_over(root: Path) -> None:
    record, *_ = example_record("tabular-cls/wine/mlp")
    question = {**record["question"], "task": "audio-cls"}

    assert near.of_record("a v1", "", {**record, "question": question}) is None


TEXT = replace(
    DESCRIPTORS, task="text-cls", modality="text", n_inputs=128 * 256, n_train=20_000, n_classes=67, length=128,
    intrinsic_dimension=None,
)  # fmt: skip


def test_texts_are_as_near_as_their_lengths_whatever_the_kinds_of_symbols() -> None:
    """Of 128 bytes the one-hot rows are 4.2 x those of 80 of 97 symbols."""
    one = recorded(modality="text", n_train=20_000, n_inputs=80 * 97, n_classes=67, length=80)
    far = replace(one, length=31)

    [found] = nearest(TEXT, [one, far])
    assert found.recorded == one
    assert found.reason.startswith("67 classes, 80 symbols against 128, 20,000 examples")
    assert times_apart(TEXT, replace(one, length=None)) == [1.0, pytest.approx(128 * 256 / 7760), 1.0]


def test_a_ladder_of_texts_has_the_length_of_its_data_set() -> None:
    cloze, unknown = (
        of_ladder(replace(ladder({1: (0.4,), 64: (0.2,)}, dataset=name), descriptors=replace(TEXT, length=None)))
        for name in ("cloze-sympy-1-14", "of-somebody-else")
    )

    assert (cloze.length, unknown.length) == (80, None)


def test_a_record_of_texts_gives_their_length() -> None:
    record, *_ = example_record("tabular-cls/wine/mlp")
    dataset = {**record["question"]["dataset"], "input_shape": [80, 97], "symbols": True}
    found = near.of_record("a v1", "", {**record, "question": {**record["question"], "dataset": dataset}})

    assert found is not None
    assert (found.length, found.n_inputs) == (80, 7760)


def test_a_length_is_written_down_where_there_is_one() -> None:
    assert Descriptors.from_json(TEXT.to_json(), "text") == TEXT
    assert "length" not in DESCRIPTORS.to_json()
    with pytest.raises(ValueError, match="text"):
        Descriptors.from_json({**TEXT.to_json(), "length": 0}, "text")


def test_a_recorded_knee_is_at_least_so_large_where_a_better_reference_may_ask_for_more() -> None:
    record, _ = example_record()
    size = f"{record['knee'][0]['params']:,} params"
    said = {}
    for note in (
        *too_coarse(0, 58),
        "knee: validation error was still falling at the ladder's end: the width floor may be",
    ):
        [said[note]] = sizes_of({**record, "notes": [note]}, "knee")

    assert [one.partition(" (")[0] for one in said.values()] == [f"knee: {size}", f"knee: at least {size}"]
