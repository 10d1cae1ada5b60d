"""What the laws on record predict, how much data they say a target takes, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import registry
from registry.errors import NoAnswer, OutsideRange, UnknownName, UsageError
from registry.store import Store
from tests.example_record import example_record
from tests.laws import stored
from tests.unit.conftest import Result, write

pytestmark = pytest.mark.usefixtures("alone")

Guides = Callable[..., Result]


def surface(n: float, params: float) -> float:
    return 0.01 + 1.2 * n**-0.5 + 0.8 * params**-0.6


def with_law(root: Path, law: dict[str, Any]) -> None:
    """Write an example record with another law; what its rules on evidence say of it does not matter here."""
    record, _ = example_record()
    record["law"].update(law)
    write(root, record)


def envelope(result: Result) -> dict[str, Any]:
    assert (result.code, result.err) == (0, "")
    values: dict[str, Any] = json.loads(result.out)
    return values


def test_predict_prints_a_table_what_binds_and_what_it_rests_on(guides: Guides, filled: Path) -> None:
    question = ("predict", "--task", "image-cls", "--dataset", "digits", "--n-train", "500", "--target-acc", "0.9")
    result = guides(*question, "--registry", filled)

    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "image-cls, validation accuracy after training on 500 examples, predicted, not measured:",
        "  guideline      predicted      mean, 80 %      mean, 90 %   one run, 80 %   one run, 90 %",
        "  digits/cnn v1      0.929  [0.924, 0.933]  [0.922, 0.935]  [0.920, 0.937]  [0.917, 0.939]",
        "  digits/mlp v1      0.936  [0.935, 0.938]  [0.934, 0.938]            open            open",
        "  digits/cnn v1, params 2,410 (the most in the range):",
        "    Fitted on n_train 60 to 1,000, params 160 to 2,410, at depth 1.",
        "    Fitted without its largest cells it missed their error by 4 %.",
        "    Examples bind: twice the examples 0.945.",
        "    0.900 is met by the whole 90 % interval of the mean.",
        "  digits/mlp v1, width 8, depth 1:",
        "    Fitted on n_train 60 to 1,000.",
        "    Fitted without its largest cells it missed their error by 5 %.",
        "    Examples bind: twice the examples 0.952.",
        "    0.900 is met by the whole 90 % interval of the mean.",
        "    Its intervals are not calibrated: they know the noise between runs alone and are too narrow.",
    ]


def test_predict_as_json_has_the_forecast_in_the_tasks_metric(guides: Guides, filled: Path) -> None:
    question = ("predict", "--task", "image-cls", "--n-train", "500", "--params", "700", "--target-acc", "0.9,0.92")
    values = envelope(guides(*question, "--json", "--registry", filled))

    assert values["schema"] == "guides.predict/1"
    assert values["query"]["params"] == 700
    assert values["refused"] == values["damaged"] == []
    (answer,) = values["answers"]
    assert (answer["id"], answer["predicted"], answer["binds"]) == ("image-cls/digits/cnn", True, "n_train")
    assert answer["value"] == pytest.approx(1 - surface(500, 700))
    assert answer["with_twice_as_much"]["params"] == pytest.approx(1 - surface(500, 1400))
    assert answer["with_endless_data"] == pytest.approx(1 - surface(1e300, 700))
    assert answer["one_run"]["90"][0] < answer["mean"]["90"][0] < answer["mean"]["80"][0] < answer["value"]
    assert answer["value"] < answer["mean"]["80"][1] < answer["mean"]["90"][1] < answer["one_run"]["90"][1]
    assert answer["targets"] == [{"target": 0.9, "verdict": "met"}, {"target": 0.92, "verdict": "undecided"}]
    assert answer["law"]["valid_range"] == {"n_train": [60, 1000], "params": [160, 2410]}


def test_where_lower_is_better_the_metric_is_the_error(guides: Guides, root: Path) -> None:
    metric = {"name": "bits", "unit": "bits-per-byte", "direction": "lower", "chance": 3.0}
    record, _ = example_record()
    record["question"]["metric"] = metric
    record["frontier"], record["knee"] = [], []
    record["law"].update(stored(n_draws=10, valid_range={"n_train": [60, 1000]}))
    write(root, record)
    question = ("predict", "--task", "image-cls", "--n-train", "100", "--target", "bits=0.3", "--target", "bits=0.1")
    (answer,) = envelope(guides(*question, "--json", "--registry", root))["answers"]

    assert answer["value"] == answer["error"] == pytest.approx(0.22)
    assert answer["mean"]["90"][0] < 0.22 < answer["mean"]["90"][1]
    assert [each["verdict"] for each in answer["targets"]] == ["met", "missed"]


def test_an_accuracy_is_never_below_0(guides: Guides, root: Path) -> None:
    with_law(root, stored(valid_range={"n_train": [1, 1000]}))
    (answer,) = envelope(guides("predict", "--task", "image-cls", "--n-train", "1", "--json", "--registry", root))[
        "answers"
    ]

    assert answer["error"] > 1
    assert answer["value"] == 0


def test_no_answer_is_worse_than_the_best_constant_one(guides: Guides, root: Path) -> None:
    with_law(root, {**stored(valid_range={"n_train": [60, 1000]}), "chance": 0.9})
    question = ("predict", "--task", "image-cls", "--n-train", "2", "--extrapolate", "--json", "--registry", root)
    (answer,) = envelope(guides(*question))["answers"]

    assert (answer["value"], answer["error"]) == (pytest.approx(0.1), 0.9)
    assert answer["mean"]["90"][0] == answer["one_run"]["90"][0] == pytest.approx(0.1)
    assert min(answer["with_twice_as_much"].values()) == pytest.approx(0.1)


def test_the_floor_binds_where_most_of_the_error_would_stay(root: Path) -> None:
    law = stored(valid_range={"n_train": [60, 1_000_000]})
    with_law(root, law)

    assert [registry.predict("image-cls", n, registry=[str(root)])[0].binds for n in (100, 1_000_000)] == [
        "n_train",
        "floor",
    ]


def test_predict_says_that_the_floor_binds(guides: Guides, root: Path) -> None:
    with_law(root, stored(valid_range={"n_train": [60, 1_000_000]}))

    out = guides("predict", "--task", "image-cls", "--n-train", "1M", "--registry", root).out

    assert "    The floor binds: by the law endless data, far outside the range, bring 0.980." in out.splitlines()
    assert "    Twice as much lies outside the range (--extrapolate)." in out.splitlines()


def test_outside_the_range_it_is_refused_or_widened_and_said(guides: Guides, filled: Path) -> None:
    question = ("predict", "--task", "image-cls", "--family", "cnn", "--n-train", "5000", "--registry", filled)
    refused, widened = guides(*question), guides(*question, "--extrapolate")

    assert (refused.code, refused.out) == (3, "")
    assert refused.err.splitlines() == [
        "image-cls/digits/cnn v1: n_train 5,000 lies outside the range 60 to 1,000 that the law was fitted on",
        "  --extrapolate answers all the same",
    ]
    assert widened.code == 0
    assert "    Outside that range: the interval is widened for the distance, and nothing there was measured." in (
        widened.out.splitlines()
    )


def test_of_several_laws_those_that_do_not_answer_are_named_with_the_reason(guides: Guides, root: Path) -> None:
    with_law(root, stored(valid_range={"n_train": [60, 20_000]}))
    Store(root).publish(*example_record("image-cls/fashion/mlp"))
    result = guides("predict", "--task", "image-cls", "--n-train", "5000", "--registry", root)

    assert result.code == 0
    assert result.out.splitlines()[-1] == (
        "  fashion/mlp v1 does not answer: n_train 5,000 lies outside the range 60 to 1,000 that the law was fitted on."
    )


def test_where_no_law_answers_the_others_are_counted(guides: Guides, filled: Path) -> None:
    result = guides("predict", "--task", "image-cls", "--n-train", "5000", "--registry", filled)

    assert "(and 2 more laws have no answer)" in result.err


def test_a_law_without_draws_has_no_interval_and_says_so(guides: Guides, root: Path) -> None:
    with_law(root, stored(n_draws=0, valid_range={"n_train": [60, 1000]}))
    result = guides("predict", "--task", "image-cls", "--n-train", "500", "--target-acc", "0.5", "--registry", root)

    assert "  digits/mlp v1      0.891        open        open           open           open" in result.out.splitlines()
    assert "    0.500 is undecided: the law has no interval." in result.out.splitlines()
    assert "    It has no interval: it was fitted to one run a cell, or to no more than its curve." in (
        result.out.splitlines()
    )


@pytest.mark.parametrize("members", [("power-law", "m4"), ("shifted-power-law",), ("broken-power-law", "power-law")])
def test_every_curve_answers(guides: Guides, root: Path, members: tuple[str, ...]) -> None:
    with_law(root, stored(*members, valid_range={"n_train": [60, 1000]}))
    predicted = envelope(guides("predict", "--task", "image-cls", "--n-train", "200", "--json", "--registry", root))
    accuracy = predicted["answers"][0]["value"]
    question = ("data-needed", "--task", "image-cls", "--target-acc", f"{accuracy!r}", "--json", "--registry", root)

    assert envelope(guides(*question))["answers"][0]["n_train"]["value"] == pytest.approx(200, rel=1e-6)


@pytest.mark.parametrize(
    ("form", "sizes"), [("envelope", {"params": 700}), ("additive-shape", {"width": 12, "depth": 3})]
)
def test_every_surface_answers(guides: Guides, root: Path, form: str, sizes: dict[str, int]) -> None:
    law = stored(form)
    law["valid_range"]["n_train"] = [60, 1000]
    points = example_record(surface=True)[0]["law"]["points"]
    with_law(root, {**law, "shape": None, "points": points})
    options = [word for name, value in sizes.items() for word in (f"--{name}", str(value))]
    question = ("--task", "image-cls", "--json", "--registry", root)
    (answer,) = envelope(guides("predict", "--n-train", "200", *options, *question))["answers"]
    (best,) = envelope(guides("predict", "--n-train", "200", *question))["answers"]
    target = ("--target-acc", repr(answer["value"]))
    (needed,) = envelope(guides("data-needed", *target, *options, *question))["answers"]

    assert (answer["sizes"], answer["sizes_chosen_here"]) == (pytest.approx(sizes), [])
    assert best["value"] > answer["value"]
    assert sorted(best["sizes_chosen_here"]) == sorted(sizes)
    assert needed["n_train"]["value"] == pytest.approx(200, rel=1e-6)


def test_a_size_that_no_law_has_is_refused_with_what_there_is(guides: Guides, filled: Path) -> None:
    result = guides("predict", "--task", "image-cls", "--n-train", "500", "--width", "8", "--registry", filled)

    assert (result.code, result.out) == (3, "")
    assert result.err.splitlines() == [
        "no law for image-cls is in width; that of image-cls/digits/cnn v1 is in n_train and params",
        "  guides predict and guides data-needed answer without width",
    ]


def test_without_any_law_the_command_that_makes_one_is_named(root: Path) -> None:
    record, _ = example_record()
    write(root, {**record, "law": None, "notes": ["no law: it was a bad day"]})

    with pytest.raises(NoAnswer) as caught:
        registry.predict("image-cls", 500, registry=[str(root)])

    assert caught.value.message == "no law for image-cls is on record"
    assert caught.value.hint == "Make one: guides bench --task image-cls --dataset digits --family mlp --knee"


def test_a_law_in_steps_says_nothing_of_data(root: Path) -> None:
    with_law(root, stored(variables=["steps"], valid_range={"steps": [100, 10_000]}))

    with pytest.raises(NoAnswer, match="no law for image-cls is on record"):
        registry.predict("image-cls", 500, registry=[str(root)])


def test_data_needed_prints_the_interval_and_what_is_certified(guides: Guides, filled: Path) -> None:
    question = (
        "data-needed",
        "--task",
        "image-cls",
        "--dataset",
        "digits",
        "--target-acc",
        "0.92",
        "--registry",
        filled,
    )
    result = guides(*question)

    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        "0.92 is certified in digits/cnn v1: 910 params, 1,000 examples.",
        "0.92 is certified in digits/mlp v1: 910 params, 1,000 examples.",
        "image-cls, training examples that validation accuracy takes, predicted, not measured:",
        "  target  guideline      examples  90 % interval    fitted on",
        "    0.92  digits/cnn v1       369     293 to 464  60 to 1,000",
        "    0.92  digits/mlp v1       294     279 to 312  60 to 1,000",
        "  digits/cnn v1, params 2,410 (the most in the range):",
        "    Fitted on n_train 60 to 1,000, params 160 to 2,410, at depth 1.",
        "    Fitted without its largest cells it missed their error by 4 %.",
        "  digits/mlp v1, width 8, depth 1:",
        "    Fitted on n_train 60 to 1,000.",
        "    Fitted without its largest cells it missed their error by 5 %.",
        "    Its intervals are not calibrated: they know the noise between runs alone and are too narrow.",
    ]


def test_data_needed_as_json_may_be_open(guides: Guides, filled: Path) -> None:
    question = ("data-needed", "--task", "image-cls", "--family", "cnn", "--target-acc", "0.98", "--extrapolate")
    values = envelope(guides(*question, "--json", "--registry", filled))
    (answer,) = values["answers"]

    assert values["schema"] == "guides.data-needed/1"
    assert 1 - surface(answer["n_train"]["value"], 2410) == pytest.approx(0.98)
    assert answer["n_train"]["low"] < answer["n_train"]["value"]
    assert answer["n_train"]["high"] is None
    assert answer["certified"] is None


def test_data_needed_says_what_is_open_and_what_was_not_measured(guides: Guides, filled: Path) -> None:
    question = ("data-needed", "--task", "image-cls", "--family", "cnn", "--target-acc", "0.98", "--extrapolate")
    lines = guides(*question, "--registry", filled).out.splitlines()

    assert lines[2].split("  ")[3:] == [
        "digits/cnn v1",
        "far outside: more than 100,000",
        "7,880 to open",
        "60 to 1,000",
    ]
    assert "  0.98 is open above in digits/cnn v1: the upper end of the interval never gets there." in lines
    assert "  0.98 lies far outside the range of digits/cnn v1: nothing there was measured." in lines


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (
            ("--target-acc", "0.999"),
            "image-cls/digits/cnn v1: no amount of data reaches accuracy 0.999: "
            "the floor's 90 % interval is accuracy 0.980 to 0.996",
            "other inputs, resolution, labels or family may; more data will not",
        ),
        (
            ("--target-acc", "1"),
            "image-cls/digits/cnn v1: no amount of data reaches accuracy 1.000: "
            "the floor's 90 % interval is accuracy 0.980 to 0.996",
            "other inputs, resolution, labels or family may; more data will not",
        ),
        (
            ("--target-acc", "0.98", "--params", "200"),
            "image-cls/digits/cnn v1: 0.980 takes a larger network: at this size the law levels off at accuracy 0.957",
            "with params 2,410 it levels off at 0.983",
        ),
        (
            ("--target-acc", "0.99"),
            "image-cls/digits/cnn v1: accuracy 0.990 is undecided: the law levels off at accuracy 0.983, "
            "and the floor may lie on either side of it (90 % sure: 0.980 to 0.996)",
            "search on, with other families, inputs, resolution or labels too",
        ),
        (
            ("--target-acc", "0.96"),
            "image-cls/digits/cnn v1: accuracy 0.960 needs about 2,840 training examples, "
            "outside the range 60 to 1,000 that the law was fitted on",
            "--extrapolate answers all the same",
        ),
        (
            ("--target-acc", "0.96", "--params", "9999"),
            "image-cls/digits/cnn v1: params 9,999 lies outside the range 160 to 2,410 that the law was fitted on",
            "--extrapolate answers all the same",
        ),
    ],
)
def test_what_no_data_reach_is_refused_with_what_stands_in_the_way(
    guides: Guides, filled: Path, options: tuple[str, ...], message: str, hint: str
) -> None:
    result = guides("data-needed", "--task", "image-cls", "--family", "cnn", *options, "--registry", filled)

    assert (result.code, result.out) == (3, "")
    assert result.err.splitlines() == [message, f"  {hint}"]


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ((), "by the law 0.9999 takes more than 1e30 examples: far outside the range 60 to 1,000 that", "undecided: "),
        (
            ("--params", "300"),
            "0.9999 takes a larger network: at this size the law takes more than 1e30 examples",
            "with params 4,000 it takes more than 100,000 examples",
        ),
    ],
)
def test_what_takes_more_than_1e30_examples_is_never_said_to_level_off(
    guides: Guides, root: Path, options: tuple[str, ...], message: str, hint: str
) -> None:
    slow = stored("product", n_draws=0)  # endless data bring no error, but hardly
    slow["forms"][0]["parameters"] = {"coefficient": 1.0, "data_exponent": 0.11, "size_exponent": 0.25, "floor": 0.0}
    if not options:
        slow["forms"][0]["parameters"]["data_exponent"] = 0.05
    slow["valid_range"] = {"n_train": [60, 1000], "params": [200, 4000]}
    floors = {"irreducible_error": {"value": 0.0, "low": None, "high": None}, "shape": None}
    with_law(root, {**slow, **floors, "points": example_record(surface=True)[0]["law"]["points"]})
    question = ("data-needed", "--task", "image-cls", "--target-acc", "0.9999", "--extrapolate", *options)
    said, advised = guides(*question, "--registry", root).err.splitlines()

    assert said.startswith(f"image-cls/digits/mlp v1: {message}")
    assert advised.startswith(f"  {hint}")


@pytest.mark.parametrize(
    ("ends", "message", "hint"),
    [
        (
            (None, None),
            "accuracy 1.000 is undecided: a law gets there with no number of examples, and the floor is open "
            "(90 % sure: open to open)",
            "ask for a little less",
        ),
        (
            (None, 0.03),
            "accuracy 1.000 is undecided: a law gets there with no number of examples, and the floor is open "
            "(90 % sure: 0.970 to open)",
            "ask for a little less",
        ),
        (
            (0.01, None),
            "probably no amount of data reaches accuracy 1.000: the floor's 90 % interval is accuracy open to 0.990",
            "undecided: other inputs",
        ),
    ],
)
def test_of_what_is_irreducible_nothing_is_sure_where_its_interval_is_open(
    guides: Guides, root: Path, ends: tuple[float | None, float | None], message: str, hint: str
) -> None:
    floor = {"value": 0.02, "low": ends[0], "high": ends[1]}
    with_law(root, {**stored(valid_range={"n_train": [60, 1000]}), "irreducible_error": floor})
    said, advised = guides(
        "data-needed", "--task", "image-cls", "--target-acc", "1", "--registry", root
    ).err.splitlines()

    assert said == f"image-cls/digits/mlp v1: {message}"
    assert advised.startswith(f"  {hint}")


def test_a_target_far_outside_keeps_its_number_in_json_alone(guides: Guides, root: Path) -> None:
    with_law(root, stored(n_draws=0, valid_range={"n_train": [60, 1000]}))
    question = (
        "data-needed",
        "--task",
        "image-cls",
        "--target-acc",
        "0.979,0.975",
        "--extrapolate",
        "--registry",
        root,
    )
    far, near = envelope(guides(*question, "--json"))["answers"]
    lines = guides(*question).out.splitlines()

    assert far["n_train"]["value"] == pytest.approx(4e6)
    assert near["n_train"]["value"] == pytest.approx(160_000)
    assert [line.split("  ")[-3] for line in lines[2:4]] == ["far outside: more than 100,000"] * 2
    assert "4,000,000" not in "".join(lines)


def test_a_large_number_has_3_figures_in_text(guides: Guides, root: Path) -> None:
    with_law(root, stored(n_draws=0, valid_range={"n_train": [60, 1000]}))
    out = guides(
        "data-needed", "--task", "image-cls", "--target-acc", "0.9633", "--extrapolate", "--registry", root
    ).out

    assert out.splitlines()[2].split()[3] == "14,400"  # (2 / 0.0167)**2 is 14,343


def test_what_twice_as_much_brings_is_left_out_or_marked_outside_the_range(guides: Guides, filled: Path) -> None:
    question = ("predict", "--task", "image-cls", "--family", "cnn", "--n-train", "800", "--params", "700")
    inside, told = guides(*question, "--registry", filled), guides(*question, "--extrapolate", "--registry", filled)
    (answer,) = envelope(guides(*question, "--json", "--registry", filled))["answers"]

    params = f"twice the params {1 - surface(800, 1400):.3f}."
    binds = "Examples bind, twice as much lies outside the range (--extrapolate)"
    assert f"    {binds}; {params}" in inside.out.splitlines()
    assert told.out.count("    Examples bind.\n") == told.out.count(f"    {params.capitalize()}\n") == 1
    assert f"    Outside the range twice the examples {1 - surface(1600, 700):.3f}." in told.out.splitlines()
    assert list(answer["with_twice_as_much"]) == ["params"]
    assert answer["binds"] == "n_train"


def small_and_large_pictures(root: Path, **changes: Any) -> None:
    """Write a law fitted at resolution 8 whose certified networks have resolution 16, with other cells at choice."""
    record, _ = example_record()
    record["law"] = example_record(surface=True)[0]["law"]
    for point in record["law"]["points"]:
        point |= {"resolution": 8, **(changes if point["n_train"] == 1000 else {})}
    for point in record["frontier"]:
        point["shape"]["resolution"] = 16
        point["n_train"] = 400
    write(root, record)


def test_what_is_certified_stands_beside_a_law_that_says_otherwise(guides: Guides, root: Path) -> None:
    small_and_large_pictures(root)
    question = ("predict", "--task", "image-cls", "--n-train", "400", "--params", "910", "--target-acc", "0.95")
    lines = guides(*question, "--registry", root).out.splitlines()
    (answer,) = envelope(guides(*question, "--json", "--registry", root))["answers"]

    assert lines[4:6] == [
        "    0.975 is certified on the test split: 910 params, depth 1, resolution 16, 400 examples.",
        "    Fitted on n_train 60 to 1,000, params 160 to 2,410, at depth 1, resolution 8.",
    ]
    assert lines[-2:] == [
        "    0.950 is missed by the whole 90 % interval of the mean,",
        "    but the certified network meets it: the law is of depth 1, resolution 8.",
    ]
    size = {"n_train": 400, "params": 910, "depth": 1, "resolution": 16}
    assert answer["certified"] == {**size, "test_median": 0.975}
    assert answer["law"]["cells"] == {"depth": [1], "resolution": [8], "still_improving": None}


@pytest.mark.parametrize(("n_train", "params", "median"), [(400, 909, 0.925), (399, 910, None), (400, 609, None)])
def test_only_what_is_certified_with_no_more_examples_or_params_stands_there(
    guides: Guides, root: Path, n_train: int, params: int, median: float | None
) -> None:
    small_and_large_pictures(root)
    question = ("predict", "--task", "image-cls", "--n-train", str(n_train), "--params", str(params))
    (answer,) = envelope(guides(*question, "--json", "--registry", root))["answers"]

    assert (answer["certified"] or {}).get("test_median") == median


def test_a_target_met_on_validation_but_not_surely_on_the_test_split_says_so(guides: Guides, root: Path) -> None:
    small_and_large_pictures(root)
    question = ("predict", "--task", "image-cls", "--n-train", "500", "--params", "700", "--target-acc", "0.905")
    lines = guides(*question, "--registry", root).out.splitlines()

    assert lines[-2:] == [
        "    0.905 is met by the whole 90 % interval of the mean, on validation examples,",
        "    but the certified network is not sure to meet it on the test split.",
    ]


@pytest.mark.parametrize("command", [("predict", "--n-train", "400"), ("data-needed", "--target-acc", "0.92"),
                                     ("tradeoff", "--target-acc", "0.92")], ids=lambda each: each[0])  # fmt: skip
def test_cells_that_were_still_improving_are_told(guides: Guides, root: Path, command: tuple[str, ...]) -> None:
    small_and_large_pictures(root, capped=True)
    question = (*command, "--task", "image-cls", "--registry", root)
    (answer,) = envelope(guides(*question, "--json"))["answers"]

    assert "At 1,000 examples 4 of 4 cells were still improving at the most steps." in guides(*question).out
    assert answer["law"]["cells"]["still_improving"] == {"n_train": 1000, "cells": 4, "improving": 4}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--params", "9999"), "params 9,999 lies outside the range 160 to 2,410 that the law was fitted on."),
        (("--params", "910"), "accuracy 0.950 needs about 2,040 training examples, outside the range 60 to 1,000"),
    ],
)
def test_what_is_certified_answers_where_the_law_was_asked_outside_its_range(
    guides: Guides, root: Path, options: tuple[str, ...], why: str
) -> None:
    small_and_large_pictures(root)
    question = ("data-needed", "--task", "image-cls", "--target-acc", "0.95", *options, "--registry", root)
    result = guides(*question)
    (answer,) = envelope(guides(*question, "--json"))["answers"]

    assert (result.code, result.out.splitlines()[0]) == (
        0,
        "0.95 is certified in digits/mlp v1: 910 params, 400 examples.",
    )
    assert "  0.95: the law of digits/mlp v1 does not answer:" in result.out.splitlines()
    assert why in result.out
    assert answer["n_train"] is None
    assert why.rstrip(".") in answer["law_refuses"]


@pytest.mark.parametrize(("resolution", "is_foretold"), [(8, False), (16, True)])
def test_a_law_foretells_networks_of_the_shape_of_its_cells_alone(
    guides: Guides, root: Path, resolution: int, is_foretold: bool
) -> None:
    small_and_large_pictures(root, resolution=resolution)
    asked = ("lookup", "--task", "image-cls", "--dataset", "digits", "--target-acc", "0.9", "--n-train", "300")

    assert ("; predicted with 300: " in guides(*asked, "--registry", root).err) == is_foretold


def test_a_certified_network_larger_than_asked_for_is_no_answer(guides: Guides, root: Path) -> None:
    small_and_large_pictures(root)
    question = ("data-needed", "--task", "image-cls", "--target-acc", "0.95", "--params", "800", "--registry", root)

    assert guides(*question).code == 3


@pytest.mark.parametrize(("highest", "is_measured"), [(500, True), (1000, False)])
def test_where_cells_lie_outside_the_range_nothing_is_said_to_be_unmeasured(
    guides: Guides, root: Path, highest: int, is_measured: bool
) -> None:
    law = example_record(surface=True)[0]["law"]
    with_law(root, {**law, "valid_range": {**law["valid_range"], "n_train": [60, highest]}})
    at = str(1000 if is_measured else 1001)
    question = ("predict", "--task", "image-cls", "--n-train", at, "--extrapolate", "--registry", root)
    changed = ("tradeoff", "--task", "image-cls", "--at", f"{at},200", "--compare", "params*2", "--extrapolate")

    assert ("nothing there was measured" not in guides(*question).out) == is_measured
    assert ("nothing was measured" not in guides(*changed, "--registry", root).out) == is_measured


def test_a_target_that_the_floor_allows_takes_larger_networks_than_were_measured(guides: Guides, root: Path) -> None:
    law = example_record(surface=True)[0]["law"]
    with_law(root, {**law, "irreducible_error": {"value": 0.01, "low": None, "high": 0.012}})
    asked = ("data-needed", "--task", "image-cls", "--target-acc", "0.985", "--registry", root)
    result = guides(*asked)

    assert result.code == 3
    assert result.err.splitlines() == [
        "image-cls/digits/mlp v1: 0.985 takes a larger network: at params 2,410 the law levels off at accuracy 0.983, "
        "and the floor lies beyond the target (90 % sure: 0.988 to open)",
        "  measure larger networks; more data alone will not do",
    ]


def test_at_chance_nothing_is_said_to_bind(guides: Guides, root: Path) -> None:
    with_law(root, {**stored(valid_range={"n_train": [60, 1000]}), "chance": 0.9})
    out = guides("predict", "--task", "image-cls", "--n-train", "2", "--extrapolate", "--registry", root).out

    assert "    The law says chance here: what binds cannot be told." in out.splitlines()


def test_a_certified_network_wins_over_a_floor(guides: Guides, root: Path) -> None:
    floors = {"irreducible_error": {"value": 0.2, "low": 0.15, "high": 0.25}}
    with_law(root, {**stored(valid_range={"n_train": [60, 1000]}), **floors})
    question = ("data-needed", "--task", "image-cls", "--target-acc", "0.9", "--registry", root)
    result = guides(*question)
    (answer,) = envelope(guides(*question, "--json"))["answers"]

    assert result.code == 0
    assert "  0.9: the law of digits/mlp v1 never gets there, but a certified network does." in result.out.splitlines()
    assert result.out.splitlines()[0] == "0.9 is certified in digits/mlp v1: 610 params, 1,000 examples."
    size = {"n_train": 1000, "params": 610, "depth": 1, "resolution": None}
    assert (answer["n_train"], answer["certified"]) == (None, {**size, "test_median": 0.925})


def test_the_version_that_supersedes_answers(root: Path) -> None:
    with_law(root, stored(valid_range={"n_train": [60, 1000]}))
    newer, files = example_record(version=2)
    Store(root).publish(newer, files)

    (answer,) = registry.predict("image-cls", 500, registry=[str(root)])

    assert (answer.source.version, answer.source.superseded) == (2, False)


def test_a_superseded_law_answers_where_no_newer_one_is(guides: Guides, root: Path) -> None:
    Store(root).publish(*example_record())
    newer, files = example_record(version=2)
    newer.update(law=None, notes=["no law: it was a bad day"])
    Store(root).publish(newer, files)
    result = guides("predict", "--task", "image-cls", "--n-train", "500", "--registry", root)

    assert "    This version is superseded; no newer one has a law." in result.out.splitlines()


def test_the_first_root_with_a_version_wins(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    with_law(root, stored(valid_range={"n_train": [60, 1000]}))
    Store(other).publish(*example_record())

    for first, second in ((root, other), (other, root)):
        (answer,) = registry.predict("image-cls", 500, registry=[str(first), str(second)])
        assert answer.source.root.path == str(first)


def test_python_asks_the_same_questions(filled: Path) -> None:
    where = [str(filled)]
    (forecast,) = registry.predict("image-cls", 500, family="cnn", target=0.9, params=700, registry=where)
    (needed,) = registry.data_needed("image-cls", 0.92, family="cnn", params=700, registry=where)

    assert forecast.error.value == pytest.approx(surface(500, 700))
    assert forecast.verdicts == {0.9: "met"}
    assert surface(needed.bounds.value, 700) == pytest.approx(0.08)
    with pytest.raises(OutsideRange):
        registry.data_needed("image-cls", 0.96, family="cnn", registry=where)
    with pytest.raises(UnknownName, match="Did you mean 'image-cls'"):
        registry.data_needed("image-clss", 0.96, registry=where)
    with pytest.raises(UsageError, match=r"did you mean 0\.97"):
        registry.data_needed("image-cls", 97, registry=where)


def test_a_line_fits_100_columns(guides: Guides, filled: Path) -> None:
    answers = [
        guides("predict", "--task", "image-cls", "--n-train", "5000", "--extrapolate", "--registry", filled),
        guides("data-needed", "--task", "image-cls", "--target-acc", "0.98", "--extrapolate", "--registry", filled),
        guides("tradeoff", "--task", "image-cls", "--target-acc", "0.96", "--extrapolate", "--registry", filled),
        guides("tradeoff", "--task", "image-cls", "--at", "200,500", "--compare", "data*2", "--registry", filled),
    ]

    assert [answer.code for answer in answers] == [0, 0, 0, 0]
    assert [line for answer in answers for line in answer.out.splitlines() if len(line) > 100] == []
