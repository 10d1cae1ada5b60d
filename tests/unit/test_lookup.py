"""The smallest network for a target: what qualifies, what wins, and what is said beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.plugins import load
from registry import index, lookup, plain, report, shelf, smallest_for
from registry.answers import NO_BRACKET, Answer, Query, Question, Reply
from registry.errors import NoAnswer, UnknownName, UsageError
from registry.plugins import datasets, known
from registry.prior import published_bounds
from registry.roots import Root
from registry.wording import bench_command, further, no_answer
from tests.example_record import N_TEST, example_record, published_record, write_record
from tests.unit.conftest import write

pytestmark = pytest.mark.usefixtures("alone")


def ask(*folders: Path, task: str = "image-cls", targets: tuple[float, ...] = (0.9,), **limits: Any) -> Reply:
    return lookup.answer([Root(str(folder)) for folder in folders], Query(task, targets, **limits))


def only(reply: Reply) -> Answer:
    assert len(reply.answers) == 1
    return reply.answers[0]


def text(reply: Reply, **limits: Any) -> str:
    return "\n".join(report.lines(Query("image-cls", (0.9,), **limits), reply))


def refusal(*folders: Path, **limits: Any) -> NoAnswer:
    targets = limits.pop("targets", (0.9,))
    query = Query("image-cls", targets, **limits)
    return no_answer(query, lookup.answer([Root(str(folder)) for folder in folders], query))


def edited(
    root: Path, change: Callable[[dict[str, Any]], None], record_id: str = "image-cls/digits/mlp", version: int = 1
) -> Path:
    """Write an example record with one thing changed; its knee, which would answer targets, too, is left out."""
    record, _ = example_record(record_id, version)
    record["knee"] = []
    change(record)
    write(root, record)
    return root


def set_tests(record: dict[str, Any], low: float, median: float, high: float) -> None:
    for point in record["frontier"]:
        set_test(point, low, median, high)


def set_test(point: dict[str, Any], low: float, median: float, high: float) -> None:
    point["test"].update(low=low, median=median, high=high)


def test_the_smallest_that_reaches_the_target_answers(filled: Path) -> None:
    reply = ask(filled, targets=(0.9, 0.95), dataset="fashion")

    assert [(answer.target, answer.network.width) for answer in reply.answers] == [(0.9, 8), (0.95, 12)]


def test_a_point_certified_for_more_answers_for_less(filled: Path) -> None:
    answer = only(ask(filled, targets=(0.93,), dataset="fashion"))

    assert answer.network.target == 0.95
    assert "(at least 20 of 20 runs do)" in text(Reply((answer,), (), False, ()))


def test_the_bound_decides_not_the_median(root: Path) -> None:
    edited(root, lambda record: set_tests(record, 0.8, 0.99, 0.99))

    assert ask(root).answers == ()


def test_where_lower_is_better_the_upper_bound_decides(root: Path) -> None:
    def bits(record: dict[str, Any]) -> None:
        record["question"]["metric"] = {"name": "bits", "unit": "bits-per-byte", "direction": "lower", "chance": 4.0}
        record["frontier"] = record["frontier"][:1]
        record["frontier"][0]["target"] = 2.0
        set_test(record["frontier"][0], 1.8, 1.9, 2.0)

    edited(root, bits)

    assert ask(root, targets=(2.0,), metric="bits").answers
    assert not ask(root, targets=(1.9,), metric="bits").answers


def test_each_data_set_has_its_own_answer(filled: Path) -> None:
    reply = ask(filled)

    assert [answer.question.dataset for answer in reply.answers] == ["digits", "fashion"]
    assert text(reply).endswith("Sizes for different data sets are not comparable.")


def test_ties_go_to_fewer_flops_whatever_the_root(root: Path, tmp_path: Path) -> None:
    edited(root, lambda record: None, "image-cls/digits/aa")
    edited(tmp_path / "two", lambda record: record["frontier"][0].update(flops=3.0), "image-cls/digits/zz")

    assert only(ask(root, tmp_path / "two")).network.family == "zz"
    assert only(ask(tmp_path / "two", root)).network.family == "zz"


@pytest.mark.parametrize(
    ("minimise", "field"),
    [("flops", "flops"), ("weight-bytes", "weight_bytes"), ("ram-bytes", "ram_bytes"), ("latency", "latency_ratio")],
)
def test_smallest_may_mean_something_else_first(root: Path, minimise: str, field: str) -> None:
    edited(root, lambda record: None)
    edited(
        root,
        lambda record: record["frontier"][1].update({field: 0 if "bytes" in field else 0.0}),
        "image-cls/digits/cnn",
    )

    assert only(ask(root)).network.width == 8
    assert only(ask(root, minimise=minimise)).network.width == 12


@pytest.mark.parametrize(
    "limit", [{"max_params": 700}, {"max_flops": 1200}, {"flash": 2500}, {"max_latency_ratio": 0.5}, {"ram": 1}]
)
def test_a_limit_that_no_network_meets_is_named_with_what_would_do(filled: Path, limit: dict[str, Any]) -> None:
    error = refusal(filled, targets=(0.95,), dataset="digits", **limit)

    assert str(error) == (
        "no guideline for image-cls reaches 0.950 within these limits; "
        "without them the smallest is image-cls/digits/cnn v1, width 12, depth 1 with 910 params\n"
        "  Ask for less, or measure: guides bench --task image-cls --dataset digits --family mlp --target-acc 0.95"
    )


@pytest.mark.parametrize(
    "limit", [{"max_params": 610}, {"max_flops": 1184}, {"flash": 2440}, {"max_latency_ratio": 5.0}]
)
def test_a_limit_that_is_just_met_is_no_obstacle(filled: Path, limit: dict[str, Any]) -> None:
    assert only(ask(filled, dataset="digits", **limit)).network.width == 8


def test_int8_counts_int8_bytes_and_holds_the_int8_file_to_the_target(root: Path) -> None:
    def with_int8(record: dict[str, Any]) -> None:
        for point, metric in zip(record["frontier"], (0.89, 0.96), strict=True):
            same = {key: point["onnx"][key] for key in ("path", "sha256", "bytes")}
            point["onnx"]["int8"] = {**same, "metric": metric}

    edited(root, with_int8)
    answer = only(ask(root, int8=True, flash=1064))

    assert answer.network.width == 12
    assert "Its int8 file makes 0.960 (one network, no interval)" in text(Reply((answer,), (), False, ()), int8=True)
    assert not ask(root, int8=True, flash=1063).answers


def test_reach_holds_for_the_points_own_target_and_easier_ones_only(filled: Path) -> None:
    answer = only(ask(filled, targets=(0.94,), reach=0.86, dataset="digits"))

    assert answer.network.target == 0.95
    assert "At least 0.861 of fresh runs meet 0.95 (95 % bound), so as many meet 0.94" in text(
        Reply((answer,), (), False, ()), reach=0.86
    )
    assert not ask(filled, targets=(0.95,), reach=0.87, dataset="digits").answers


def test_reach_of_an_easier_target_says_nothing_of_a_harder_one(root: Path) -> None:
    edited(root, lambda record: record["frontier"][1].update(target=0.9))

    assert ask(root, targets=(0.95,)).answers
    assert not ask(root, targets=(0.95,), reach=0.5).answers


def test_points_trained_on_more_examples_than_the_asker_has_do_not_answer(filled: Path) -> None:
    error = refusal(filled, n_train=999, dataset="digits")

    assert error.message == (
        "no guideline for image-cls reaches 0.900 with at most 999 training examples; "
        "image-cls/digits/cnn v1, width 8, depth 1 was trained on 1,000; "
        "predicted with 999: 0.935 [0.930, 0.940] by the law for 610 params"
    )


@pytest.mark.parametrize(
    "far", [{"n_train": 4001}, {"input_size": 15}, {"input_size": 257}, {"n_classes": 41}, {"n_classes": 2}]
)
def test_a_task_more_than_four_times_off_is_told_so_first(filled: Path, far: dict[str, Any]) -> None:
    reply = ask(filled, dataset="digits", **far)
    first = text(reply, **far).splitlines()[0]

    assert not only(reply).near
    assert first.startswith("no evidence near your task: the nearest record has 1,000 training examples")
    assert "guides bench --task image-cls" in first


@pytest.mark.parametrize("near", [{"n_train": 4000}, {"input_size": 16}, {"input_size": 256}, {"n_classes": 40}])
def test_a_task_at_most_four_times_off_is_near(filled: Path, near: dict[str, Any]) -> None:
    assert only(ask(filled, dataset="digits", **near)).near


def test_far_too_few_examples_are_no_evidence(filled: Path) -> None:
    assert refusal(filled, n_train=100).message.startswith("no evidence near your task: no guideline for image-cls")


def test_a_superseded_version_answers_only_where_nothing_else_does(root: Path) -> None:
    edited(root, lambda record: record["frontier"][0].update(params=1))
    edited(root, lambda record: record.update(frontier=record["frontier"][:1]), version=2)

    assert only(ask(root)).network.version == 2
    last = only(ask(root, targets=(0.95,)))
    assert last.network.version == 1
    assert "This version is superseded" in text(Reply((last,), (), False, ()))


def test_a_version_in_another_root_supersedes_too(root: Path, tmp_path: Path) -> None:
    edited(root, lambda record: record["frontier"][0].update(params=1))
    edited(tmp_path / "mine", lambda record: None, version=2)

    assert only(ask(root, tmp_path / "mine")).network.version == 2
    assert only(ask(tmp_path / "mine", root)).network.version == 2


def test_the_same_version_in_two_roots_answers_from_the_first(root: Path, tmp_path: Path) -> None:
    edited(root, lambda record: record["frontier"][0].update(params=700))
    edited(tmp_path / "mine", lambda record: record["frontier"][0].update(params=1))

    answer = only(ask(root, tmp_path / "mine"))

    assert (answer.network.params, answer.root.path) == (700, str(root))
    assert only(ask(tmp_path / "mine", root)).network.params == 1


def test_published_evidence_ranks_by_its_lower_bound(root: Path) -> None:
    write(root, published_record("image-cls/digits/lenet"))
    answer = only(ask(root, targets=(0.93,)))

    assert (answer.network.name, answer.network.median, answer.network.low) == ("A network of 1998", 0.98, 0.93)
    assert "is published evidence (An Author 1998, table 2)" in text(Reply((answer,), (), False, ()))
    assert not ask(root, targets=(0.94,)).answers


def test_beside_a_published_answer_stands_the_smallest_that_was_measured(filled: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    record["frontier"][0].update(params=500)
    write(filled, record)
    beside, nothing = (only(ask(filled, targets=(target,), dataset="digits")) for target in (0.9, 0.93))

    assert (beside.network.name, beside.measured and beside.measured.params) == ("A network of 1998", 610)
    assert "Measured here, it takes 610 params (cnn v1, width 8, depth 1)." in text(Reply((beside,), (), False, ()))
    assert nothing.measured is not None
    assert nothing.measured.width == 12  # certified for 0.95


def test_where_nothing_was_measured_a_published_answer_says_so(root: Path) -> None:
    write(root, published_record("image-cls/digits/lenet"))
    answer = only(ask(root, targets=(0.93,)))

    assert answer.measured is None
    assert "No measured network on record for digits meets 0.93." in text(Reply((answer,), (), False, ()))


def test_a_published_answer_says_its_recipe_file_and_note(root: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    record["frontier"][0].update(
        precision="int8", file_bytes=1234, note="Trained on more.", links={"recipe": "https://example.org/recipe"}
    )
    write(root, record)
    reply = ask(root, targets=(0.93,), int8=True, flash=1234)
    said = text(reply)

    assert "It has int8 weights, a file of 1,234 bytes." in said
    assert "Note: Trained on more." in said
    assert "Recipe: https://example.org/recipe" in said
    assert "Its int8 file" not in said  # it is the answer itself
    assert not ask(root, targets=(0.93,), int8=True, flash=1233).answers


def test_of_one_network_published_twice_the_better_figure_answers(root: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    (point,) = record["frontier"]
    again = {**point, "name": "the same, trained longer", "value": 0.985, "low": 0.935}
    record["frontier"] = [point, again, {**point, "name": "the same, int8", "value": 0.97, "low": 0.91}]
    write(root, record)

    assert only(ask(root, targets=(0.9,))).network.name == "the same, trained longer"


def test_an_input_far_from_that_of_a_published_network_is_told_so(root: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    record["question"]["dataset"]["input_shape"] = None
    record["frontier"][0]["input_shape"] = [3, 224, 224]
    write(root, record)

    assert only(ask(root, input_size=3 * 160 * 160)).near
    assert not only(ask(root, input_size=3 * 32 * 32)).near


def test_the_knee_is_asked_of_measured_families_alone(root: Path) -> None:
    write(root, example_record()[0])
    write(root, published_record("image-cls/digits/lenet"))
    reply = ask(root, targets=())

    assert [answer.network.family for answer in reply.answers] == ["mlp"]
    assert reply.misses == ()


def test_where_all_is_published_no_knee_is_on_record(root: Path) -> None:
    write(root, published_record("image-cls/postcards/lenet"))
    somewhere = no_answer(Query("image-cls", dataset="postcards"), ask(root, targets=(), dataset="postcards"))

    assert somewhere.message == "no knee is on record for image-cls on postcards"
    assert (somewhere.hint or "").startswith("Published figures have none: ask for a target")
    with pytest.raises(NoAnswer, match="no knee is on record for image-cls"):
        smallest_for("image-cls", registry=[str(root)])


def test_where_all_is_published_but_can_be_trained_on_the_hint_measures_a_knee(root: Path) -> None:
    write(root, published_record("image-cls/digits/lenet"))
    said = no_answer(Query("image-cls"), ask(root, targets=()))

    assert said.hint == "Measure one: guides bench --task image-cls --dataset digits --family mlp --knee"


def with_top_5(root: Path, *values: float, **changes: Any) -> Path:
    """Write published networks of 1,000, 1,001 ... params, each with one of these top-5 accuracies beside top-1."""
    record = published_record("image-cls/digits/lenet")
    (point,) = record["frontier"]
    record["frontier"] = [
        {**point, "name": f"net {i}", "params": 1000 + i, "metrics": {"accuracy-top-5": value}, **changes}
        for i, value in enumerate(values)
    ]
    write(root, record)
    return root


def test_what_was_measured_comes_before_what_was_published_on_another_data_set(root: Path) -> None:
    record = published_record("image-cls/a-first-name/lenet")
    record["question"]["dataset"]["id"] = "a-first-name"
    write(root, record)
    write_record(root, *example_record())

    assert [one.network.evidence for one in ask(root, targets=(0.9,)).answers] == ["measured", "published"]


def test_a_published_lower_limit_is_no_result(root: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    record["frontier"][0].update(low=None, high=None)
    write(root, record)
    (miss,) = ask(root, targets=(0.5,)).misses

    assert miss.best is None


def test_a_further_figure_answers_with_bounds_of_its_own(root: Path) -> None:
    with_top_5(root, 0.9, 0.99)
    answer = only(ask(root, targets=(0.95,), metric="accuracy-top-5"))
    params = answer.network.params
    low, high = published_bounds(0.99, "accuracy-top-5", "fraction", "higher", N_TEST, params)

    assert answer.question == Question("image-cls", "digits", "accuracy-top-5", "fraction", "higher")
    assert (answer.network.name, answer.network.median) == ("net 1", 0.99)
    assert (answer.network.low, answer.network.high) == (low, high)
    assert answer.best == 0.99  # of this metric alone
    assert not ask(root, targets=(low + 1e-6,), metric="accuracy-top-5").answers
    assert only(ask(root, targets=(0.93,))).network.name == "net 0"  # the figure that the record asks is as it was


def test_a_network_with_params_comes_before_one_without_in_a_further_metric_too(root: Path) -> None:
    with_top_5(root, 0.99)
    beside = published_record("image-cls/digits/literature-top-5")
    beside["question"]["metric"]["name"] = "accuracy-top-5"
    beside["frontier"][0].update(name="params unknown", params=None)
    write(root, beside)

    assert only(ask(root, targets=(0.9,), metric="accuracy-top-5")).network.name == "net 0"
    assert only(ask(root, targets=(0.9,), metric="accuracy-top-5", family="literature-top-5")).network.params is None


def test_a_further_figure_of_an_int8_network_answers_for_int8(root: Path) -> None:
    with_top_5(root, 0.99, precision="int8", file_bytes=700)

    assert only(ask(root, targets=(0.9,), metric="accuracy-top-5", int8=True, flash=700)).network.int8_metric == 0.99
    assert not ask(root, targets=(0.9,), metric="accuracy-top-5", int8=True, flash=699).answers


@pytest.mark.parametrize(
    ("name", "value", "target"),
    [("epe-final", 2.5, 3.0), ("fl-all-kitti-train", 0.1, 0.2)],
)
def test_a_further_figure_may_be_better_where_lower(root: Path, name: str, value: float, target: float) -> None:
    with_top_5(root, 0.99, metrics={name: value})
    network = only(ask(root, targets=(target,), metric=name)).network

    assert network.high is not None
    assert value < network.high < target
    assert not ask(root, targets=(value,), metric=name).answers


def test_a_further_figure_whose_name_says_no_unit_answers_nothing(root: Path) -> None:
    with_top_5(root, 0.99, metrics={"speed": 0.9})

    with pytest.raises(UsageError, match="image-cls is measured by accuracy, not by speed"):
        ask(root, metric="speed")


def test_an_unknown_metric_names_the_records_own_before_further_ones(root: Path) -> None:
    with_top_5(root, 0.99, metrics={"accuracy-top-5": 0.99, "a-map": 0.5})

    with pytest.raises(UsageError) as refused:
        ask(root, metric="speed")
    assert (refused.value.message, refused.value.hint) == (
        "image-cls is measured by accuracy, not by speed",
        "Ask with: --target accuracy=VALUE or --target a-map=VALUE or --target accuracy-top-5=VALUE",
    )


def test_a_further_figure_that_cannot_be_leaves_its_record_out(root: Path) -> None:
    with_top_5(root, 97.0)

    (line,) = index.read([Root(str(root))], lambda opened: opened[0].damaged())
    assert "frontier.0.metrics.accuracy-top-5: 97 is not in [0, 1]" in line


def test_further_figures_are_no_further_targets_of_a_record(root: Path) -> None:
    with_top_5(root, 0.9, 0.99)

    (listed,) = index.read([Root(str(root))], shelf.listed)
    assert (listed.metric, listed.n_targets) == ("accuracy", 2)


def test_a_published_network_without_n_train_is_not_given_that_of_the_data_set(root: Path) -> None:
    write(root, published_record("image-cls/digits/lenet"))
    answer = only(ask(root))

    assert answer.network.n_train is None
    assert "Trained on more than the 1,000 examples of digits, or its source does not say." in text(
        Reply((answer,), (), False, ())
    )
    assert not ask(root, n_train=10**9).answers
    assert "'A network of 1998' it is not known: trained on more than the 1,000 examples" in (
        refusal(root, n_train=2000).message
    )


def test_a_published_network_with_n_train_answers_for_as_many(root: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    record["frontier"][0]["n_train"] = 1000
    write(root, record)
    answer = only(ask(root, n_train=1000))

    assert answer.network.n_train == 1000
    assert "Trained on more" not in text(Reply((answer,), (), False, ()))
    assert not ask(root, n_train=999).answers


def test_what_fits_with_int8_alone_is_hinted_at(root: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    (point,) = record["frontier"]
    small = {"name": "LeNet, int8", "precision": "int8", "weight_bytes_int8": 2700, "ram_bytes_int8": 1024}
    record["frontier"] = [point, {**point, **small}]
    write(root, record)
    hint = "With --int8, image-cls/digits/lenet v1, 'LeNet, int8' is on record: "

    said = refusal(root, ram=2000)
    assert said.hint == f"{hint}2,700 bytes of weights and 1,024 bytes of live tensors"
    assert refusal(root, flash=2700).hint == said.hint
    assert "With --int8" not in (refusal(root, ram=1000).hint or "")  # nor does it fit in less
    assert "With --int8" not in (refusal(root, max_params=1).hint or "")
    assert only(ask(root, ram=2000, int8=True)).network.name == "LeNet, int8"
    write(root, example_record("image-cls/fashion/mlp")[0])
    beside = ask(root, ram=2000)
    assert "; with --int8: lenet v1, 'LeNet, int8'" in text(beside)
    (values,) = plain.values(Query("image-cls", (0.9,)), beside)["misses"]
    assert values["smallest_with_int8"]["name"] == "LeNet, int8"


@pytest.mark.parametrize("make", [example_record, lambda: (published_record(), {})], ids=["measured", "published"])
def test_an_answer_without_the_figure_asked_for_says_what_ranked_it(
    root: Path, make: Callable[[], tuple[dict[str, Any], Any]]
) -> None:
    record, _ = make()
    for point in [*record["frontier"], *record.get("knee", [])]:
        point["latency_ratio"] = None
    write(root, record)
    query = Query("image-cls", (0.9,), minimise="latency")
    reply = ask(root, minimise="latency")
    said = "\n".join(report.lines(query, reply))

    assert "Of no network that meets it is the latency ratio on record: this one is the smallest by params." in said
    assert "smaller network on record" not in said
    assert plain.values(query, reply)["answers"][0]["ranked_by"] == "params"


def test_an_answer_with_the_figure_asked_for_is_the_smallest_by_it(root: Path) -> None:
    record = published_record()
    record["frontier"][0]["flops"] = 5000.0
    write(root, record)
    query = Query("image-cls", (0.9,), minimise="flops")
    said = "\n".join(report.lines(query, ask(root, minimise="flops")))

    assert "meets 0.9; no network on record with fewer flops does." in said
    assert "Of no network" not in said


def test_one_published_figure_is_not_called_a_median(root: Path) -> None:
    write(root, published_record("image-cls/digits/lenet"))
    alone = ask(root)
    heading = report.lines(Query("image-cls", (0.9,)), alone)[1]

    assert "published [low, high]" in heading
    assert "median" not in heading
    assert refusal(root, targets=(0.95,)).message.endswith(
        "the best on record is 0.980 as published, of which 0.930 is 95 % sure "
        "(image-cls/digits/lenet v1, 'A network of 1998')"
    )
    record = published_record("image-cls/fashion/lenet")
    record["frontier"][0].update(params=500)
    write(root, record)
    write(root, example_record("image-cls/fashion/mlp")[0])
    assert "median or published [low, high]" in text(ask(root, dataset="fashion"))


def test_a_miss_on_published_evidence_reads_no_law(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, published_record("image-cls/digits/lenet"))
    monkeypatch.setitem(sys.modules, "registry.laws.misses", None)  # importing it is an error now
    (miss,) = ask(root, targets=(0.99,)).misses

    assert miss.best is not None
    assert miss.advice is None


def test_what_the_harness_cannot_train_on_is_not_offered_to_be_measured(root: Path) -> None:
    record = published_record("image-cls/postcards/lenet")
    write(root, record)
    reply = ask(root, targets=(0.99,))

    assert no_answer(Query("image-cls", (0.99,)), reply).hint == (
        "The harness cannot train on postcards; a published figure is added as a record: see CONTRIBUTING.md"
    )


def test_a_published_figure_without_a_bound_claims_nothing(root: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    record["frontier"][0]["low"] = None
    write(root, record)

    assert not ask(root, targets=(0.5,)).answers


def test_where_lower_is_better_published_evidence_ranks_by_its_upper_bound(root: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    record["question"]["metric"] = {"name": "bits", "unit": "bits-per-byte", "direction": "lower", "chance": 4.0}
    record["frontier"][0].update(value=1.9, low=None, high=2.0)
    write(root, record)
    answer = only(ask(root, targets=(2.0,), metric="bits"))

    assert "its upper bound, 2.000, meets 2; no smaller network on record does." in text(
        Reply((answer,), (), False, ())
    )
    assert not ask(root, targets=(1.95,), metric="bits").answers


def test_beside_a_pruned_answer_stands_the_best_from_scratch(root: Path) -> None:
    edited(root, lambda record: record["frontier"][0].update(route="pruned"))
    answer = only(ask(root))
    lines = text(Reply((answer,), (), False, ()))

    assert answer.scratch is not None
    assert answer.scratch.width == 12
    assert (
        "  This network was pruned; from scratch it takes 910 params (mlp v1, width 12, depth 1)." in lines.splitlines()
    )


def test_a_baseline_that_beats_every_network_comes_first(root: Path) -> None:
    edited(root, lambda record: record["baselines"][1].update(metric=0.985))

    assert text(ask(root)).splitlines()[0] == (
        "nearest-neighbours (0.985, 256,000 bytes) beats every network on record for digits (best: 0.975)"
    )


def test_a_baseline_that_beats_only_an_answer_is_named_once_with_the_targets(root: Path) -> None:
    edited(root, lambda record: None)
    lines = text(ask(root, targets=(0.8, 0.9))).splitlines()

    assert lines[0] == "nearest-neighbours (0.975, 256,000 bytes) beats the answer for 0.8, 0.9"
    assert lines[1] == f"image-cls on digits, by accuracy (records in {root}):"
    assert sum("nearest-neighbours" in line for line in lines) == 1


def test_of_baselines_with_the_same_figures_the_first_is_named(root: Path) -> None:
    def same(record: dict[str, Any]) -> None:
        record["baselines"].insert(1, {**record["baselines"][1], "name": "1-nearest-neighbour"})

    edited(root, same)

    assert text(ask(root)).splitlines()[0].startswith("1-nearest-neighbour (0.975, 256,000 bytes) beats the answer")


def test_a_linear_baseline_beside_a_linear_answer_is_said_to_be_another_fit_of_it(root: Path) -> None:
    def linear(record: dict[str, Any]) -> None:
        record["frontier"][0]["shape"].update(width=0, depth=0)
        record["baselines"] = [{"name": "linear", "metric": 0.93, "bytes": 2600, "flops": 1280}]

    edited(root, linear)

    assert text(ask(root)).splitlines()[0] == (
        "linear (0.930, 2,600 bytes, another fit of depth 0) beats the answer for 0.9"
    )


def test_an_easier_target_that_the_same_network_answers_takes_one_line(root: Path) -> None:
    edited(root, lambda record: None)
    lines = text(ask(root, targets=(0.93, 0.95))).splitlines()

    assert "  0.93 is met by the answer for 0.95: nothing smaller was tried for it." in lines
    assert sum("with 95 % confidence" in line for line in lines) == 1


def test_a_line_fits_100_columns(filled: Path) -> None:
    lines = text(ask(filled, targets=(0.9, 0.95))).splitlines()

    assert [line for line in lines if len(line) > 100 and "(records in " not in line] == []


def test_the_sentence_says_how_sure_and_what_was_refuted(root: Path) -> None:
    edited(root, lambda record: None)

    lines = text(ask(root)).splitlines()

    assert lines[-2:] == [
        "  The median fresh run meets 0.9 with 95 % confidence (20 of 20 runs do); 1.33 x smaller does not:",
        "    width 6, depth 1 (460 params) is refuted: 0 of 20 runs meet 0.9, 0 of 5 at 4 x the steps",
    ]


def test_an_undecided_bracket_is_said_to_be(root: Path) -> None:
    def undecided(record: dict[str, Any]) -> None:
        part = record["frontier"][0]["bracket"][0]
        part["verdict"] = "undecided"
        part["test"]["reach"]["value"] = 0.7

    edited(root, undecided)
    lines = text(ask(root)).splitlines()

    assert lines[-2].endswith("(20 of 20 runs do); 1.33 x smaller may do:")
    assert lines[-1] == (
        "    width 6, depth 1 (460 params) is undecided: 14 of 20 runs meet 0.9, 0 of 5 at 4 x the steps"
    )


def test_what_was_not_measured_for_longer_is_not_said_to_be(root: Path) -> None:
    def unmeasured(record: dict[str, Any]) -> None:
        part = record["frontier"][0]["bracket"][0]
        part.update(verdict="undecided", test_longer=None)
        part["test"]["reach"]["value"] = 0.7

    edited(root, unmeasured)
    lines = text(ask(root)).splitlines()

    assert lines[-1] == "    width 6, depth 1 (460 params) is undecided: 14 of 20 runs meet 0.9"


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("target 0.9, scratch", "nothing smaller was tried for it, for want of time."),
        ("target 0.95, scratch", "nothing smaller could be tried."),
        ("target 0.9, pruned", "nothing smaller could be tried."),
    ],
)
def test_a_bracket_for_which_there_was_no_time_is_told_from_one_with_nothing_in_it(
    root: Path, note: str, said: str
) -> None:
    def change(record: dict[str, Any]) -> None:
        record["frontier"] = record["frontier"][:1]
        record["frontier"][0]["bracket"] = []
        record["notes"].append(f"{NO_BRACKET} {note}: the time was up")

    reply = ask(edited(root, change))

    assert text(reply).splitlines()[-1].endswith(said)
    (values,) = plain.values(Query("image-cls", (0.9,)), reply)["answers"]
    assert values["hasty"] == ("want of time" in said)


def test_what_was_not_tried_is_said_of_the_target_it_was_not_tried_for(root: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        record["frontier"] = record["frontier"][:1]
        record["frontier"][0]["bracket"] = []
        record["notes"].append(f"{NO_BRACKET} target 0.9, scratch: the time was up")

    reply = ask(edited(root, change), targets=(0.8,))

    assert text(reply).splitlines()[-1].endswith("nothing smaller was tried for 0.9, for want of time.")


def test_of_targets_that_one_size_answers_the_asked_one_is_shown(root: Path) -> None:
    def change(record: dict[str, Any]) -> None:
        first = record["frontier"][0]
        record["frontier"] = [{**first, "target": target} for target in (0.9, 0.7, 0.8)]

    edited(root, change)

    assert [only(ask(root, targets=(target,))).network.target for target in (0.7, 0.8, 0.9)] == [0.7, 0.8, 0.9]


def test_what_a_record_says_against_a_knees_reference_stands_beside_the_knee(root: Path) -> None:
    doubts = [
        "for want of time its reference is at most 8 wide, where the ladders end at 64",
        "width 3, depth 1 has less test error than its reference: the width floor is lower",
    ]

    def change(record: dict[str, Any]) -> None:
        record["knee"] = example_record()[0]["knee"]
        record["notes"] += [*(f"knee: {doubt}" for doubt in doubts), "knee: held to less", "its reference is elsewhere"]

    edited(root, change)
    reply, query = ask(root, targets=()), Query("image-cls")
    beside = [line for line in text(reply).splitlines() if line.startswith("  But ")]

    assert beside == [f"  But {doubt}." for doubt in doubts]
    assert plain.values(query, reply)["answers"][0]["doubts"] == doubts
    assert "But" not in text(ask(root))


def test_a_shape_refuted_for_a_harder_target_is_undecided_for_an_easier_one(root: Path) -> None:
    edited(root, lambda record: record.update(frontier=record["frontier"][1:]))
    reply = ask(root, targets=(0.8,))
    values = plain.values(Query("image-cls", (0.8,)), reply)

    assert "refuted only for 0.95" in text(reply)
    assert {part["verdict"] for part in values["answers"][0]["bracket"]} == {"undecided"}


def test_without_a_target_each_family_shows_its_knee(filled: Path) -> None:
    reply = ask(filled, targets=(), dataset="digits")

    assert [(answer.network.family, answer.target) for answer in reply.answers] == [("cnn", None), ("mlp", None)]
    assert (
        "The error of cnn's median run is within 1.1 x of that of width 64, depth 1, the best by validation with 1,000"
        in text(reply)
    )
    assert plain.values(Query("image-cls"), reply)["answers"][0]["reference"]["width"] == 64


def test_nothing_that_reaches_names_the_best_on_record(filled: Path) -> None:
    assert str(refusal(filled, targets=(0.99,), dataset="digits", family="mlp")) == (
        "no guideline for image-cls with mlp reaches 0.990; the best on record is 0.975 in the median run, "
        "of which 0.950 is 95 % sure (image-cls/digits/mlp v1, width 12, depth 1)\n"
        "  Measure more: guides bench --task image-cls --dataset digits --family mlp --target-acc 0.99"
    )


@pytest.mark.parametrize(
    ("target", "hint"),
    [
        (
            0.98,
            "More data (more than 100,000 examples) would help more than more width: "
            "guides data-needed --task image-cls --dataset digits --target-acc 0.98 --extrapolate",
        ),
        (
            0.984,
            "More data would help more than more width: "
            "guides data-needed --task image-cls --dataset digits --target-acc 0.984 --extrapolate",
        ),
        (
            0.999,
            "Below the irreducible error of its law: other inputs, resolution, labels or family may reach it",
        ),
        (0.955, "Measure more: guides bench --task image-cls --dataset digits --family cnn --target-acc 0.955"),
    ],
)
def test_a_floor_in_the_way_is_named_with_what_may_help(filled: Path, target: float, hint: str) -> None:
    assert refusal(filled, targets=(target,), family="cnn").hint == hint


def test_below_what_is_irreducible_is_probable_only_where_its_interval_is_open(root: Path) -> None:
    record, files = example_record(surface=True)
    record["law"]["irreducible_error"] = {"value": 0.01, "low": 0.004, "high": None}
    write_record(root, record, files)

    assert (refusal(root, targets=(0.999,)).hint or "").startswith("Probably below the irreducible error of its law: ")


def test_what_a_law_predicts_for_fewer_examples_is_said_and_marked(filled: Path) -> None:
    error = refusal(filled, n_train=300, dataset="digits", family="mlp")
    miss = ask(filled, n_train=300, dataset="digits", family="mlp").misses[0]

    assert error.message.endswith(
        "was trained on 1,000; predicted with 300: 0.921 [0.919, 0.923] by the law for width 8, depth 1"
    )
    assert miss.predicted is not None
    assert miss.predicted.value == pytest.approx(1 - 0.01 - 1.2 * 300**-0.5)
    assert plain.values(Query("image-cls", (0.9,)), Reply((), (miss,), False, ()))["misses"][0]["predicted"] == (
        miss.predicted._asdict()
    )


@pytest.mark.parametrize("n_train", [30, 1000])
def test_outside_its_range_or_with_enough_examples_a_law_predicts_nothing(filled: Path, n_train: int) -> None:
    reply = ask(filled, targets=(0.99,), n_train=n_train, dataset="digits", family="mlp")

    assert [miss.predicted for miss in reply.misses] == [None]


def test_a_record_without_a_law_predicts_nothing(root: Path) -> None:
    edited(root, lambda record: record.update(law=None, notes=["no law: it was a bad day"]))

    assert refusal(root, n_train=300).message.endswith("was trained on 1,000")
    assert refusal(root, targets=(0.999,)).hint.startswith("Measure more:")


def test_a_best_that_misses_by_a_hair_is_shown_with_enough_decimals(root: Path) -> None:
    edited(root, lambda record: set_tests(record, 0.9496, 0.96, 0.97))

    assert (
        "the best on record is 0.960 in the median run, of which 0.9496 is 95 % sure ("
        in refusal(root, targets=(0.95,)).message
    )


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"task": "image-clss"}, "unknown task 'image-clss'. Did you mean 'image-cls'?"),
        ({"dataset": "digitz"}, "unknown data set 'digitz'. Did you mean 'digits'?"),
        ({"family": "mpl"}, "unknown family 'mpl'. Did you mean 'mlp'?"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_one_meant(filled: Path, limits: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownName) as refused:
        ask(filled, **limits)  # type: ignore[arg-type]

    assert str(refused.value) == message


def test_a_name_without_records_is_no_answer_rather_than_unknown(filled: Path) -> None:
    with pytest.raises(NoAnswer, match="no guideline for image-cls on wine is on record"):
        ask(filled, dataset="wine")
    with pytest.raises(NoAnswer, match="no guideline for tabular-cls with cnn is on record"):
        ask(filled, task="tabular-cls", family="cnn")


def test_another_metric_than_the_tasks_names_the_tasks(root: Path) -> None:
    def bits(record: dict[str, Any]) -> None:
        record["question"]["metric"] = {"name": "r2", "unit": "r2", "direction": "higher", "chance": 0.0}

    edited(root, bits)

    with pytest.raises(UsageError) as refused:
        ask(root)
    assert str(refused.value) == "image-cls is measured by r2, not by accuracy\n  Ask with: --target r2=VALUE"


@pytest.mark.parametrize(
    ("target", "message"), [(97.0, "97 is not a fraction; did you mean 0.97?"), (1.01, "1.01 is not a fraction")]
)
def test_an_impossible_target_is_refused(filled: Path, target: float, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        ask(filled, targets=(target,))


def test_enough_answers_end_the_search(filled: Path) -> None:
    reply = index.read([Root(str(filled))], lambda opened: lookup.reply(opened, Query("image-cls", (0.9,)), most=1))

    assert [answer.question.dataset for answer in reply.answers] == ["digits"]
    assert reply.more
    assert "Only the first 1 data sets are here" in text(reply)


def test_python_asks_the_same_question(filled: Path) -> None:
    (answer,) = smallest_for("image-cls", 0.95, dataset="digits", registry=[str(filled)])

    assert answer.network.width == 12
    with pytest.raises(NoAnswer):
        smallest_for("image-cls", [0.99], registry=[str(filled)])


def test_a_lookup_is_read_from_the_index_in_order(filled: Path) -> None:
    """No table is scanned, and points come in order of size, so that the first that qualifies ends the search."""
    from registry.index import Index

    plans: list[tuple[str, str]] = []

    def explain(indexes: list[Index]) -> None:
        original = Index.rows

        def rows(self: Index, query: str, parameters: Any = ()) -> Any:
            plans.extend((query, step[3]) for step in original(self, f"EXPLAIN QUERY PLAN {query}", parameters))
            return original(self, query, parameters)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Index, "rows", rows)
            lookup.reply(indexes, Query("image-cls", (0.9,)), 10)
            lookup.reply(indexes, Query("image-cls", (0.9999,)), 10)

    index.read([Root(str(filled))], explain)

    assert [step for query, step in plans if step.startswith("SCAN") and "damaged" not in query] == []
    assert any("points_by_size" in step for _, step in plans)
    by_score = [step for query, step in plans if "ORDER BY points.score" in query and "points USING" in step]
    # All that the condition says of them is in the index, so that no statistics of the database favour another one.
    whole = "points_by_score (question=? AND kind=? AND superseded=?)"
    assert {whole in step for step in by_score} == {True}


def test_a_knee_answers_the_targets_that_its_limit_meets(root: Path) -> None:
    edited(root, lambda record: record.update(frontier=[], knee=example_record()[0]["knee"]))
    knee = only(ask(root, targets=())).network
    assert knee.low is not None
    easy = only(ask(root, targets=(knee.low - 0.001,)))

    assert (easy.network.width, easy.network.params) == (knee.width, knee.params)
    assert "The median fresh run meets" in text(Reply((easy,), (), False, ()))
    assert not ask(root, targets=(knee.low + 0.001,)).answers


def test_symbols_are_counted_once_not_as_one_hot_rows(root: Path) -> None:
    edited(root, lambda record: record["question"]["dataset"].update(input_shape=[80, 97], symbols=True))

    assert only(ask(root, input_size=80)).near
    assert not only(ask(root, input_size=80 * 97)).near


@pytest.mark.parametrize(
    ("query", "command"),
    [
        (
            Query("text-cls", targets=(0.9,), dataset="own-70ee1830b055"),
            "guides bench --task text-cls --data PATH --label COL --target-acc 0.9",
        ),
        (
            Query("image-cls", dataset="own-70ee1830b055", family="cnn"),
            "guides bench --task image-cls --data PATH --family cnn --knee",
        ),
        (
            Query("lang-model", targets=(2.0,), metric="bits-per-byte", dataset="bytes-sympy-1-14"),
            "guides bench --task lang-model --dataset bytes-sympy-1-14 --family gru --target bits-per-byte=2",
        ),
        (
            Query("text-cls", targets=(0.9,), dataset="cloze-sympy-1-14"),
            "guides bench --task text-cls --dataset cloze-sympy-1-14 --family ngram-mlp --target-acc 0.9",
        ),
    ],
    ids=["own texts", "own pictures", "language", "texts"],
)
def test_the_command_that_makes_evidence_is_for_what_was_asked(query: Query, command: str) -> None:
    assert further(query, query.dataset, "Make one") == f"Make one: {command}"


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        (
            "not enough fresh runs are within the limit",
            "Its notes say what it was held to: guides show image-cls/digits/mlp",
        ),
        ("the time was up", "Measure one: guides bench --task image-cls --dataset digits --family mlp --knee"),
    ],
)
def test_a_knee_that_was_looked_for_in_vain_is_said_to_be_so(root: Path, reason: str, hint: str) -> None:
    def change(record: dict[str, Any]) -> None:
        record["notes"] += [f"no knee: {reason}", "no knee: a second reason"]

    said = refusal(edited(root, change), targets=())
    assert said.message == f"no knee is on record; image-cls/digits/mlp v1 was to have one: {reason}"
    assert said.hint == hint


def test_a_knee_looked_for_in_vain_is_said_beside_one_that_was_found(root: Path) -> None:
    write(
        edited(root, lambda record: record["notes"].append("no knee: bad luck")),
        example_record("image-cls/fashion/mlp")[0],
    )
    reply = ask(root, targets=())

    assert only(reply).question.dataset == "fashion"
    assert "nothing with mlp has a knee; image-cls/digits/mlp v1 was to have one: bad luck" in text(reply)
    (miss,) = plain.values(Query("image-cls"), reply)["misses"]
    assert miss["family"] == "mlp"
    assert miss["no_knee"] == {"id": "image-cls/digits/mlp", "version": 1, "reason": "bad luck"}


def test_the_command_that_makes_evidence_names_a_family_that_fits() -> None:
    pairs = [(task, dataset) for task in sorted(known("task")) for dataset in datasets(task)]
    assert pairs
    for task, dataset in pairs:
        words = bench_command(Query(task), dataset).split()
        family = load("families", words[words.index("--family") + 1])

        assert family.takes(load("datasets", dataset)), f"{task} on {dataset}: {family.name}"
