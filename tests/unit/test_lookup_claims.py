"""What a lookup claims: no more than stated figures, within the limits asked for, can carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry import lookup, plain, report
from registry.answers import Query, Reply
from registry.errors import NoAnswer, UnknownName, UsageError
from registry.roots import Root
from registry.wording import no_answer
from tests.example_record import example_record, published_record
from tests.unit.conftest import write

pytestmark = pytest.mark.usefixtures("alone")


def ask(root: Path, *, task: str = "image-cls", targets: tuple[float, ...] = (0.9,), **limits: Any) -> Reply:
    return lookup.answer([Root(str(root))], Query(task, targets, **limits))


def text(reply: Reply, **limits: Any) -> str:
    return "\n".join(report.lines(Query("image-cls", (0.9,), **limits), reply))


def refusal(root: Path, *, targets: tuple[float, ...]) -> NoAnswer:
    query = Query("image-cls", targets)
    return no_answer(query, ask(root, targets=targets))


def several_published(root: Path, *changes: dict[str, Any], record_id: str = "image-cls/digits/lenet") -> Path:
    """Write one record of as many published networks, each named and changed so."""
    record = published_record(record_id)
    (point,) = record["frontier"]
    record["frontier"] = [{**point, "name": f"Network {i}", **change} for i, change in enumerate(changes)]
    write(root, record)
    return root


@pytest.mark.parametrize(
    ("others", "limits", "said"),
    [
        ([], {}, "no smaller network on record does."),
        ([{"params": None}], {}, "no network on record with fewer stated params does; 1 that meets it states none."),
        ([{"params": None}] * 2, {}, "no network on record with fewer stated params does; 2 that meet it state none."),
        ([{"params": None, "low": 0.5}], {}, "no smaller network on record does."),
        ([{"params": None}], {"max_params": 3000}, "no smaller network known to keep these limits does."),
        ([{"params": 9, "flops": None}], {"max_flops": 1e4}, "no smaller network known to keep these limits does."),
        ([], {"family": "lenet"}, "no smaller network with lenet does."),
        ([{"flops": None}], {"minimise": "flops"}, "no network on record with fewer stated flops does; 1 that meets"),
    ],
    ids=["none", "one", "two", "missing", "max-params", "max-flops", "family", "flops"],
)
def test_a_published_answer_claims_no_more_than_stated_sizes_within_the_limits_allow(
    root: Path, others: list[dict[str, Any]], limits: dict[str, Any], said: str
) -> None:
    several_published(root, {"flops": 5e3}, *({"flops": 5e3, **other} for other in others))

    (line,) = (
        line for line in report.lines(Query("image-cls", (0.9,), **limits), ask(root, **limits)) if "; no" in line
    )

    assert f"meets 0.9; {said}" in line


def test_where_no_network_states_params_the_others_are_counted(root: Path) -> None:
    several_published(root, {"params": None}, {"params": None}, {"params": None})
    said = text(ask(root))

    assert "no network with stated params does, and this one's are not, nor are those of 2 more that meet it." in said


def test_targets_stand_in_the_order_asked_whatever_evidence_answers(root: Path) -> None:
    several_published(root, {"low": 0.979, "params": 9000})
    write(root, example_record()[0])
    reply = ask(root, targets=(0.95, 0.97, 0.9))

    assert [answer.target for answer in reply.answers] == [0.95, 0.97, 0.9]
    assert reply.answers[1].network.evidence == "published"


def missed(root: Path, dataset: str, **limits: Any) -> str:
    """Return the line that says that nothing answers for a data set, beside one that has an answer."""
    said = report.lines(Query("image-cls", (0.9,), **limits), ask(root, **limits))
    (line,) = (line for line in said if line.startswith(f"image-cls on {dataset}: "))
    return line


def test_where_limits_alone_prevent_an_answer_the_line_says_so_and_what_there_is_without_them(root: Path) -> None:
    several_published(root, {"params": 100})
    several_published(root, {"params": 5000}, {"params": 50, "low": 0.5}, record_id="image-cls/fashion/lenet")

    assert missed(root, "fashion", max_params=1000) == (
        "image-cls on fashion: nothing known to keep these limits reaches 0.9; "
        "without them: lenet v1, 'Network 0', with 5,000 params; "
        "best within them: lenet v1, 'Network 1', with 0.980 as published, of which 0.500 is 95 % sure"
    )


def test_what_not_even_leaving_limits_out_brings_is_the_best_within_them(root: Path) -> None:
    several_published(root, {"params": 100})
    several_published(root, {"params": 50, "low": 0.5}, record_id="image-cls/fashion/lenet")

    assert "fashion: nothing reaches 0.9; best within these limits: " in missed(root, "fashion", max_params=1000)
    assert "fashion: nothing reaches 0.9; best on record: " in missed(root, "fashion")


def facts(root: Path, name: str, input_shape: list[int], n_classes: int, **change: Any) -> None:
    record = published_record(f"image-cls/{name}/lenet")
    record["question"]["dataset"].update(input_shape=input_shape, n_classes=n_classes)
    record["frontier"][0].update(change)
    write(root, record)


def test_a_near_data_set_that_limits_leave_out_is_named_before_far_answers(root: Path) -> None:
    facts(root, "digits", [1, 8, 8], 10, n_train=1000)
    facts(root, "photos", [3, 224, 224], 1000, n_train=None)
    limits: dict[str, Any] = {"n_train": 1000, "input_size": 150528, "n_classes": 1000}
    first, *_ = report.lines(Query("image-cls", (0.9,), **limits), ask(root, **limits))

    assert first == (
        "no answer is near your task: near it is photos, where nothing known to keep these limits is enough"
    )


def test_the_nearest_record_is_the_nearest_not_the_first(root: Path) -> None:
    facts(root, "digits", [1, 8, 8], 10)
    facts(root, "photos", [3, 224, 224], 100)
    limits: dict[str, Any] = {"input_size": 150528, "n_classes": 1000}
    first, *_ = report.lines(Query("image-cls", (0.9,), **limits), ask(root, **limits))

    assert first.startswith("no evidence near your task: the nearest record has 150,528 values an input, 100 classes.")


def test_a_limit_on_record_is_told_from_a_result(root: Path) -> None:
    several_published(root, {"value": 0.8, "low": None, "high": None})
    reply = ask(root, targets=(0.5,))
    said = "on record is a limit, at least 0.800 ('Network 0', An Author 1998): a required score, not a result"

    assert refusal(root, targets=(0.5,)).message == f"no guideline for image-cls reaches 0.500: {said}"
    (miss,) = plain.values(Query("image-cls", (0.5,)), reply)["misses"]
    assert miss["limit"] == {"name": "Network 0", "value": 0.8, "citation": "An Author 1998"}
    several_published(root, {"low": 0.95}, record_id="image-cls/fashion/lenet")
    assert missed(root, "digits") == f"image-cls on digits: nothing reaches 0.9; {said}"


def test_a_limit_beside_results_is_not_spoken_of(root: Path) -> None:
    several_published(root, {"value": 0.8, "low": None, "high": None}, {"low": 0.4})

    assert [miss.limit for miss in ask(root, targets=(0.5,)).misses] == [None]


@pytest.mark.parametrize("other", ["wine", "postcards"], ids=["of another task", "that the harness has not"])
def test_a_data_set_that_cannot_be_trained_for_the_task_is_answered_with_those_on_record(
    root: Path, other: str
) -> None:
    several_published(root, {})
    several_published(root, {}, record_id=f"tabular-cls/{other}/lenet")

    with pytest.raises(NoAnswer, match=f"no guideline for image-cls on {other} is on record") as caught:
        ask(root, dataset=other)
    assert caught.value.hint == "On record for image-cls: digits"


def test_memory_and_seconds_on_a_board_stand_in_text_and_json(root: Path) -> None:
    several_published(root, {"latency_s": 0.01773, "board": "Board 7", "ram_bytes": 60000, "ram_bytes_int8": 57508})
    query = Query("image-cls", (0.9,))
    reply = ask(root)
    said = "\n".join(report.lines(query, reply))
    (answered,) = plain.values(query, reply)["answers"]

    assert "Its live tensors take 60,000 bytes of RAM.\n  One inference takes 17.73 ms on Board 7.\n" in said
    assert (answered["latency_s"], answered["board"], answered["ram_bytes"]) == (0.01773, "Board 7", 60000)


def test_seconds_on_a_board_are_no_latency_ratio_and_not_denied(root: Path) -> None:
    several_published(root, {"latency_s": 0.5, "board": "Board 7"})
    said = text(ask(root, minimise="latency"), minimise="latency")

    assert "Of no network that meets it is the latency ratio on record: this one is the smallest by params." in said
    assert "takes 500 ms on Board 7: seconds, from which no latency ratio follows." in said


def test_memory_of_a_measured_network_is_told_where_asked(filled: Path) -> None:
    asked = text(ask(filled, dataset="digits", ram=10**6), ram=10**6)

    assert " bytes of RAM." in asked
    assert " bytes of RAM." not in text(ask(filled, dataset="digits"))


def test_a_family_of_the_source_is_told_from_one_of_guidelines(root: Path) -> None:
    several_published(root, {"family_options": {"family": "regnetx"}}, record_id="image-cls/digits/literature")

    with pytest.raises(UsageError) as caught:
        ask(root, family="regnetx")
    assert caught.value.message == "'regnetx' is no family of guidelines: networks of it are published under literature"
    assert caught.value.hint == "Ask with --family literature, or without; guides show image-cls/digits/literature"
    with pytest.raises(UnknownName):
        ask(root, family="regnet%")


def test_where_lower_is_better_the_bound_is_what_a_figure_is_at_most(root: Path) -> None:
    record = published_record("image-cls/digits/lenet")
    record["question"]["metric"] = {"name": "bits", "unit": "bits-per-byte", "direction": "lower", "chance": 4.0}
    record["frontier"][0].update(value=1.9, low=None, high=2.0)
    write(root, record)
    query = Query("image-cls", (1.5,), "bits")

    assert "the best on record is 1.900 as published, with 95 % confidence at most 2.000 (" in (
        no_answer(query, ask(root, targets=(1.5,), metric="bits")).message
    )
