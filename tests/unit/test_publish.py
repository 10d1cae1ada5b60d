"""The record of a real, short study of wine: every figure derived again from its trials and files."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import onnx
import pytest

from harness import publish, run_file
from harness.certify import Attempt
from harness.inference import predict_onnx
from harness.investigation import Investigation
from harness.ledger import Ledger
from harness.procedure import drive
from harness.publish import Publication, publication
from harness.study import Findings, Miss, Study
from harness.trial import Outcome, Trial
from registry.errors import InvalidData, InvalidRecord
from registry.outcomes import decode_bits
from registry.schema import json_schema
from registry.statistics import summarise
from registry.store import Store
from registry.validate import examine, validate
from tests import tiny_bench
from tests.fake_outcomes import DIVERGED

pytestmark = [pytest.mark.xdist_group("wine"), pytest.mark.whole_study]
N_TEST = 58


@pytest.fixture(scope="module")
def run_folder(wine_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the study's run folder: ledger and weights."""
    [folder] = (wine_root / ".runs").iterdir()
    return Path(shutil.copytree(folder, tmp_path_factory.mktemp("publish") / "run"))


@pytest.fixture(scope="module")
def ledger(run_folder: Path) -> Iterator[Ledger]:
    configuration = Study("tabular-cls", "wine", "mlp", (0.9,), "bisect").configuration()
    with Ledger.open(run_folder / "ledger.jsonl", configuration, resume=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def studied(ledger: Ledger) -> tuple[Investigation, Findings]:
    """The finished study, replayed over its ledger."""
    with pytest.MonkeyPatch.context() as patch:
        tiny_bench.shorten(patch.setattr)
        investigation = Investigation(Study("tabular-cls", "wine", "mlp", (0.9,), "bisect"))
        findings = drive(investigation.run(), lambda trials: [ledger.results[trial.key] for trial in trials])
    return investigation, findings


@pytest.fixture(scope="module")
def made(studied: tuple[Investigation, Findings], ledger: Ledger, run_folder: Path) -> Publication:
    return publication(*studied, ledger, run_folder / "weights", version=1, command="guides bench")


@pytest.fixture(scope="module")
def record(made: Publication) -> dict[str, Any]:
    return made.record


def fresh_runs(made: Publication, point: dict[str, Any]) -> list[tuple[Trial, Outcome]]:
    """The runs behind a point, found among the trials without the study's help, in the order of their seeds."""
    rows = [json.loads(line) for line in made.files["trials.jsonl"].splitlines()]
    pairs = [(Trial.from_json(row["trial"]), Outcome.from_json(row["outcome"])) for row in rows]
    found = [
        (trial, outcome)
        for trial, outcome in pairs
        if trial.tested
        and trial.route == point["route"]
        and (trial.shape.width, trial.shape.depth) == (point["shape"]["width"], point["shape"]["depth"])
        and (trial.steps, trial.learning_rate) == (point["steps"], point["learning_rate"])
    ]
    assert len({trial.phase for trial, _ in found}) == 1  # certified at once, or promoted by the bracket
    return sorted(found, key=lambda pair: pair[0].seed)


def points(record: dict[str, Any]) -> list[dict[str, Any]]:
    assert {point["route"] for point in record["frontier"]} == {"scratch", "pruned"}
    return list(record["frontier"])


def test_record_passes_every_rule_and_the_schema(made: Publication, tmp_path: Path) -> None:
    Store(tmp_path).publish(made.record, made.files)
    jsonschema.Draft202012Validator(json_schema()).validate(made.record)

    assert validate(tmp_path) == []


def test_record_says_the_question(record: dict[str, Any], studied: tuple[Investigation, Findings]) -> None:
    data = studied[0].dataset

    assert record["id"] == "tabular-cls/wine/mlp"
    assert (record["version"], record["supersedes"]) == (1, None)
    assert record["question"]["dataset"]["sha256"] == data.sha256()
    assert [record["question"]["dataset"][key] for key in ("n_train", "n_val", "n_test")] == [90, 30, N_TEST]
    assert record["question"]["metric"]["chance"] == studied[0].task.chance(data)


def test_later_version_supersedes_the_one_before(
    studied: tuple[Investigation, Findings], ledger: Ledger, run_folder: Path
) -> None:
    nothing = replace(studied[1], answers=[])
    found = publication(studied[0], nothing, ledger, run_folder / "weights", version=3, command="guides bench").record

    assert (found["version"], found["supersedes"]) == (3, 2)
    assert found["frontier"] == []


def test_trials_are_attached_as_the_ledger_holds_them(made: Publication, ledger: Ledger) -> None:
    lines = made.files["trials.jsonl"].splitlines()

    assert [json.loads(line) for line in lines] == list(ledger.rows())
    assert made.record["trials"] == {
        "path": "trials.jsonl",
        "sha256": hashlib.sha256(made.files["trials.jsonl"]).hexdigest(),
        "n": len(lines),
    }


def test_cost_is_that_of_every_trial(made: Publication) -> None:
    outcomes = [json.loads(line)["outcome"] for line in made.files["trials.jsonl"].splitlines()]
    cost = made.record["cost"]

    assert cost["n_trials"] == len(outcomes)
    assert cost["train_flops"] == pytest.approx(sum(outcome["train_flops"] for outcome in outcomes))
    assert cost["wall_s"] == pytest.approx(sum(outcome["wall_s"] for outcome in outcomes), abs=0.001)


def test_size_and_cost_of_a_point_by_hand(record: dict[str, Any]) -> None:
    for point in points(record):
        sizes = [13, *[point["shape"]["width"]] * point["shape"]["depth"], 3]
        forward = 2 * sum(before * after for before, after in pairwise(sizes))

        assert point["params"] == forward / 2 + sum(sizes[1:])
        assert point["flops"] == forward
        assert point["weight_bytes"] == 4 * point["params"]
        if point["route"] == "scratch":
            assert point["train_flops"] == 3 * forward * point["steps"] * 32


def test_test_results_are_those_of_the_fresh_runs(made: Publication) -> None:
    for point in points(made.record):
        runs = fresh_runs(made, point)
        bits = [decode_bits(outcome.test_outcomes or "", 1, N_TEST)[0] for _, outcome in runs]
        values = [round(1 - (N_TEST - sum(row)) / N_TEST, 12) for row in bits]

        assert len(runs) == point["test"]["n_seeds"]
        assert decode_bits(point["test"]["outcomes"], len(runs), N_TEST) == bits
        assert {key: point["test"][key] for key in summarise(values, 0.9, "higher")} == summarise(values, 0.9, "higher")
        assert point["test"]["n_diverged"] == 0


def test_shipped_network_is_the_validation_median_run(
    made: Publication, studied: tuple[Investigation, Findings]
) -> None:
    test = studied[0].dataset.test()
    for point in points(made.record):
        runs = fresh_runs(made, point)
        ranked = sorted(runs, key=lambda pair: (pair[1].val_error, pair[1].val_loss))
        median, outcome = ranked[(len(ranked) - 1) // 2]
        content = made.files[point["onnx"]["path"]]
        right = predict_onnx(content, test.inputs).argmax(axis=1) == test.labels

        assert median.key[:8] in point["onnx"]["path"]
        assert right.tolist() == decode_bits(outcome.test_outcomes or "", 1, N_TEST)[0]
        assert point["onnx"]["metric"] == pytest.approx(right.mean())
        assert point["onnx"]["max_abs_difference"] < 1e-4


def test_files_are_the_ones_the_record_names(made: Publication, studied: tuple[Investigation, Findings]) -> None:
    test = studied[0].dataset.test()
    named = {"trials.jsonl"}
    for point in points(made.record):
        small = point["onnx"]["int8"]
        named |= {point["onnx"]["path"], small["path"]}
        for mention in (point["onnx"], small):
            content = made.files[mention["path"]]

            assert (mention["bytes"], mention["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        right = predict_onnx(made.files[small["path"]], test.inputs).argmax(axis=1) == test.labels

        assert small["metric"] == pytest.approx(right.mean())

    assert named == made.files.keys()


def test_shipped_weights_are_counted_by_params(made: Publication) -> None:
    for point in points(made.record):
        model = onnx.load_from_string(made.files[point["onnx"]["path"]])
        floats = [tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]

        assert sum(int(np.prod(tensor.dims)) for tensor in floats) == point["params"]


def test_attempts_and_bracket_say_what_was_tried(made: Publication) -> None:
    for point in points(made.record):
        certified = [each for each in point["attempts"] if each["verdict"] == "certified"]
        [own] = [each for each in certified if each["shape"] == point["shape"]]

        assert own["params"] == min(each["params"] for each in certified)
        assert own["n_meeting"] == round(point["test"]["reach"]["value"] * own["n_seeds"])
        assert point["bracket"]
        for cheaper in point["bracket"]:
            settled, *longer = cheaper["steps_tried"]

            assert cheaper["shape"] in [each["shape"] for each in point["attempts"]]
            assert cheaper["params"] <= point["params"]
            assert longer == ([] if cheaper["test_longer"] is None else [4 * settled])
            assert cheaper["verdict"] == "undecided" or longer


def test_baselines_stand_beside_the_answers(record: dict[str, Any]) -> None:
    assert {"majority", "nearest-neighbours", "boosted-trees"} <= {baseline["name"] for baseline in record["baselines"]}


# --- what the notes say


def notes(studied: tuple[Investigation, Findings], baseline: float = 0.5, **changes: Any) -> list[str]:
    baselines = [{"name": "nearest-neighbours", "metric": baseline, "bytes": 1, "flops": None}]
    return publish._notes(studied[0], replace(studied[1], **{"notes": [], **changes}), baselines, reads=40)


def test_notes_name_a_baseline_that_no_network_beats(studied: tuple[Investigation, Findings]) -> None:
    best = max(float(np.median(answer.test.values)) for answer in studied[1].answers)
    said = "nearest-neighbours reaches"

    assert any(note.startswith(said) for note in notes(studied, best))
    assert not any(note.startswith(said) for note in notes(studied, best - 0.001))
    assert not any(note.startswith(said) for note in notes(studied, 0.99, answers=[]))


def test_notes_say_that_all_data_are_of_one_source(studied: tuple[Investigation, Findings]) -> None:
    assert studied[0].dataset.group is None
    assert "train, validation and test are of the same source: the claims are for this test split" in notes(studied)


def test_notes_name_each_missed_target_with_its_nearest(studied: tuple[Investigation, Findings]) -> None:
    test = studied[1].answers[0].test
    miss = Miss(0.999, test, "stopped after 12 certifications", [Attempt(test, 1, certified=False)])
    median = float(np.median(test.values))

    assert (
        f"target 0.999 not certified: stopped after 12 certifications; nearest {test.trial.shape} "
        f"with median {median:.4f}"
    ) in notes(studied, misses=[miss])


def test_notes_pass_on_why_there_is_no_law(studied: tuple[Investigation, Findings]) -> None:
    assert notes(studied, notes=["no law: too few points"])[-1] == "no law: too few points"


def test_note_on_pruned_brackets_needs_a_pruned_answer(studied: tuple[Investigation, Findings]) -> None:
    said = "pruned networks are bracketed at their own depth only"
    scratch = [answer for answer in studied[1].answers if answer.test.trial.route == "scratch"]

    assert said in notes(studied)
    assert said not in notes(studied, answers=scratch)


# --- what can go wrong


def test_diverged_run_is_all_wrong_and_never_shipped(studied: tuple[Investigation, Findings]) -> None:
    investigation, findings = studied
    test = findings.answers[0].test
    outcomes = (DIVERGED, *test.outcomes[1:])
    spoilt = replace(test, outcomes=outcomes, values=(0.0, *test.values[1:]))
    group = publish._test(investigation, spoilt, 0.9)

    assert group["n_diverged"] == 1
    assert decode_bits(group["outcomes"], len(test.trials), N_TEST)[0] == [False] * N_TEST
    for i in range(len(test.trials)):
        lost = replace(test, outcomes=tuple(DIVERGED if j != i else o for j, o in enumerate(test.outcomes)))

        assert publish._median_run(lost) == test.trials[i]


def test_median_run_does_not_depend_on_the_test_split(studied: tuple[Investigation, Findings]) -> None:
    test = studied[1].answers[0].test
    turned = tuple(replace(outcome, test_error=1.0, test_outcomes=None) for outcome in test.outcomes)

    assert publish._median_run(replace(test, outcomes=turned, values=(0.0,) * len(test.values))) == publish._median_run(
        test
    )


def test_weights_that_were_lost_are_made_again(
    made: Publication, studied: tuple[Investigation, Findings], ledger: Ledger, tmp_path: Path
) -> None:
    again = publication(*studied, ledger, tmp_path / "weights", version=1, command="guides bench")

    assert again.files == made.files


def test_network_without_int8_form_ships_as_float_alone(
    studied: tuple[Investigation, Findings], ledger: Ledger, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise InvalidData("no static form")

    monkeypatch.setattr(publish, "quantise_static", refuse)
    findings = replace(studied[1], answers=studied[1].answers[:1])
    found = publication(studied[0], findings, ledger, run_folder / "weights", version=1, command="guides bench")

    assert found.record["frontier"][0]["onnx"]["int8"] is None
    assert sorted(found.files) == sorted([found.record["frontier"][0]["onnx"]["path"], "trials.jsonl"])


def test_learning_curves_are_left_out_where_a_record_has_no_room_for_them(
    studied: tuple[Investigation, Findings],
    made: Publication,
    ledger: Ledger,
    run_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = [json.loads(line) for line in made.files["trials.jsonl"].splitlines()]
    n_bytes = sum(map(len, made.files.values()))
    monkeypatch.setattr(run_file, "ROOM", n_bytes - 1)
    again = publication(*studied, ledger, run_folder / "weights", version=1, command="guides bench")
    rows = [json.loads(line) for line in again.files["trials.jsonl"].splitlines()]

    assert len(rows) == len(whole) == len(ledger.results)
    for row, before in zip(rows, whole, strict=True):
        assert row["outcome"]["curve"] == (before["outcome"]["curve"] if row["trial"]["tested"] else [])
        assert {**row["outcome"], "curve": 0} == {**before["outcome"], "curve": 0}
    assert any(row["outcome"]["curve"] for row in rows)
    assert not any("learning curves" in note for note in made.record["notes"])
    assert sum("learning curves" in note for note in again.record["notes"]) == 1
    assert examine(again.record, again.files) == []

    monkeypatch.setattr(run_file, "ROOM", n_bytes // 4)
    with pytest.raises(InvalidRecord, match=r"^\d+ runs are more than a record of 5,000,000 bytes can hold"):
        run_file.run_file(whole, 0)
