"""Each rule notices what it is there for, and no other rule is troubled by it."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import shutil
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from registry.errors import UsageError
from registry.outcomes import encode_bits
from registry.statistics import best_of_3, summarise
from registry.store import Store, canonical_json, record_hash
from registry.validate import RULES, check, examine, validate
from tests.example_record import example_record, published_record, tiny_network, write_record

Record = dict[str, Any]
Files = dict[str, bytes]
Change = Callable[[Record, Files], object]


def _test(record: Record) -> Record:
    """The first certified network's test group."""
    group: Record = record["frontier"][0]["test"]
    return group


def _trials(data: bytes) -> Change:
    def change(record: Record, files: Files) -> None:
        files["trials.jsonl"] = data
        record["trials"]["sha256"] = hashlib.sha256(data).hexdigest()

    return change


def _first_line(files: Files) -> bytes:
    return files["trials.jsonl"].split(b"\n")[0]


def _run(record: Record, files: Files, position: int, part: str, **values: Any) -> None:
    """Change one line of the trials file."""
    lines = files["trials.jsonl"].splitlines()
    line = json.loads(lines[position])
    line[part].update(values)
    lines[position] = json.dumps(line).encode()
    _trials(b"".join(each + b"\n" for each in lines))(record, files)


def _network(data: bytes) -> Change:
    def change(record: Record, files: Files) -> None:
        files["onnx/w8-d1.onnx"] = data
        stated = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        record["frontier"][0]["onnx"].update(stated)

    return change


def _with_integers(n: int) -> bytes:
    """The first network with an integer tensor of ``n`` elements."""
    model = onnx.load_from_string(tiny_network(8))
    model.graph.initializer.append(onnx.helper.make_tensor("integers", onnx.TensorProto.INT64, [n], list(range(n))))
    return bytes(model.SerializeToString())


def _unpadded(record: Record, files: Files) -> None:
    """Outcomes of one seed less than the record says."""
    _test(record)["outcomes"] = encode_bits([[True] * 40] * 19)


_CERTIFIED = 20  # the line of the first run that is claimed: the failed attempt comes before

# Rule, what to change, and how the finding reads after "<folder>/".
CHANGES: list[tuple[str, Change, str]] = [
    (
        "R-SCHEMA",
        lambda record, files: record.update(mood="good"),
        "guideline.json:mood: R-SCHEMA Extra inputs are not permitted",
    ),
    (
        "R-TEXT",
        lambda record, files: record.update(cite=" An Author"),
        "guideline.json:cite: R-TEXT has a space before or after its text",
    ),
    (
        "R-TEXT",
        lambda record, files: record["notes"].append("a\u200bb"),
        "guideline.json:notes.1: R-TEXT the text has the character U+200B, "
        "expected no control, bidirectional or invisible one",
    ),
    (
        "R-PATH",
        lambda record, files: record["question"].update(task="tabular-cls"),
        "guideline.json:question.task: R-PATH is tabular-cls, but the id says image-cls",
    ),
    (
        "R-FILES",
        lambda record, files: files.update({"readme.txt": b"hello"}),
        "readme.txt: R-FILES is not named in the record",
    ),
    (
        "R-FILES",
        lambda record, files: files.pop("onnx/w8-d1.onnx"),
        "onnx/w8-d1.onnx: R-FILES is named in the record but missing",
    ),
    (
        "R-FILES",
        lambda record, files: record["trials"].update(sha256="0" * 64),
        "trials.jsonl: R-FILES has another SHA-256 than the record says",
    ),
    (
        "R-FILES",
        lambda record, files: record["frontier"][0]["onnx"].update(bytes=7),
        "onnx/w8-d1.onnx: R-FILES has 2,768 bytes, the record says 7",
    ),
    (
        "R-TRIALS",
        lambda record, files: _trials(_first_line(files) + b'\n{"a": NaN}\n')(record, files),
        "trials.jsonl:line 2: R-TRIALS NaN is not a number JSON knows, expected a finite one",
    ),
    (
        "R-TRIALS",
        _trials(b'{"a": 1}'),
        "trials.jsonl: R-TRIALS does not end in a line break: the last trial may be torn",
    ),
    (
        "R-TRIALS",
        _trials(b'{"a": 1}\n'),
        "trials.jsonl:line 1: R-TRIALS key: Field required",
    ),
    (
        "R-TRIALS",
        lambda record, files: _trials((_first_line(files) + b"\n") * 2)(record, files),
        "trials.jsonl:line 2: R-TRIALS has the key of an earlier line, ",
    ),
    (
        "R-TRIALS",
        lambda record, files: _run(record, files, 0, "trial", tested=False),
        "trials.jsonl:line 1: R-TRIALS Value error, test_outcomes belong to runs that are tested and ok",
    ),
    (
        "R-TRIALS",
        lambda record, files: record["trials"].update(n=3),
        "guideline.json:trials.n: R-TRIALS is 3, but trials.jsonl has 207 lines",
    ),
    (
        "R-ONNX-STATIC",
        _network(b"not an onnx"),
        "onnx/w8-d1.onnx: R-ONNX-STATIC is not an ONNX file: wire type 6 in a model",
    ),
    (
        "R-ONNX-STATIC",
        lambda record, files: record["frontier"][0]["onnx"].update(opset=17),
        "guideline.json:frontier.0.onnx.opset: R-ONNX-STATIC is 17, but onnx/w8-d1.onnx has 18",
    ),
    (
        "R-SUPERSEDES",
        lambda record, files: record.update(supersedes=1),
        "guideline.json:supersedes: R-SUPERSEDES is 1, expected null in version 1",
    ),
    (
        "R-SUPERSEDES",
        lambda record, files: record.update(version=2),
        "guideline.json:supersedes: R-SUPERSEDES is None, expected a version before 2",
    ),
    (
        "R-RANGE",
        lambda record, files: record["baselines"][0].update(metric=1.7),
        "guideline.json:baselines.0.metric: R-RANGE 1.7 is not a fraction in [0, 1]",
    ),
    (
        "R-RANGE",
        lambda record, files: record["question"]["metric"].update(chance=-0.1),
        "guideline.json:question.metric.chance: R-RANGE -0.1 is not a fraction in [0, 1]",
    ),
    (
        "R-RANGE",
        lambda record, files: record["question"]["metric"].update(unit="r2") or _test(record).update(best_of_3=1.2),
        "guideline.json:frontier.0.test.best_of_3: R-RANGE 1.2 is not an R2 of at most 1",
    ),
    (
        "R-RANGE",
        lambda record, files: record["question"]["dataset"].update(input_shape=[2**27, 2**26]),
        "guideline.json:question.dataset.input_shape: R-RANGE is an example of more than 2**53 - 1 numbers",
    ),
    (
        "R-INTERVAL",
        lambda record, files: record["law"]["width_floor"].update(low=0.5),
        "guideline.json:law.width_floor.low: R-INTERVAL 0.5 is above the value 0.01",
    ),
    (
        "R-INTERVAL",
        lambda record, files: record["law"]["irreducible_error"].update(high=0.0),
        "guideline.json:law.irreducible_error.high: R-INTERVAL 0 is below the value 0.01",
    ),
    (
        "R-INTERVAL",
        lambda record, files: (
            record["question"]["metric"].update(name="auc") or record.update(knee=[]) or _test(record).update(low=0.89)
        ),
        "guideline.json:frontier.0.test: R-INTERVAL its bound 0.89 does not meet the target 0.9",
    ),
    (
        "R-INTERVAL",
        lambda record, files: (
            record["question"]["metric"].update(name="auc")
            or record.update(knee=[])
            or _test(record).update(median=0.99)
        ),
        "guideline.json:frontier.0.test.median: R-INTERVAL 0.99 is not between 0.9 and 0.95",
    ),
    (
        "R-REACH",
        lambda record, files: _test(record)["reach"].update(low=0.9),
        "guideline.json:frontier.0.test.reach.low: R-REACH is 0.9, but 20 of 20 give 0.860892",
    ),
    (
        "R-REACH",
        lambda record, files: _test(record).update(reach=None),
        "guideline.json:frontier.0.test.reach: R-REACH stands exactly beside a target",
    ),
    (
        "R-OUTCOMES",
        lambda record, files: _test(record).update(mean=0.93),
        "guideline.json:frontier.0.test.mean: R-OUTCOMES is 0.93, but the outcomes give 0.92375",
    ),
    (
        "R-OUTCOMES",
        lambda record, files: record.update(knee=[]) or record["question"]["dataset"].update(n_test=8_000_000),
        "guideline.json:question.dataset.n_test: R-OUTCOMES 8,000,000 items of all seeds and tested runs are "
        "2,320,000,000 answers, expected at most 200,000,000",
    ),
    (
        "R-OUTCOMES",
        _unpadded,
        "guideline.json:frontier.0.test.outcomes: R-OUTCOMES outcomes do not hold exactly 20 seeds x 40 items",
    ),
    (
        "R-OUTCOMES",
        lambda record, files: _test(record).update(n_diverged=1),
        "guideline.json:frontier.0.test.n_diverged: R-OUTCOMES is 1, but 0 seeds have every item wrong",
    ),
    (
        "R-BRACKET",
        lambda record, files: [
            record.update(knee=[]),
            *(record["frontier"][0][group][i].update(params=611) for group, i in (("bracket", 0), ("attempts", 2))),
        ],
        "guideline.json:frontier.0.bracket.0.params: R-BRACKET 611 is above the answer's 610",
    ),
    (
        "R-BRACKET",
        lambda record, files: record["frontier"][0]["bracket"][0].update(
            shape=record["frontier"][0]["shape"], params=610
        ),
        "guideline.json:frontier.0.bracket.0.shape: R-BRACKET is the answer's own, expected a cheaper one",
    ),
    (
        "R-BRACKET",
        lambda record, files: record["frontier"][0]["bracket"][0].update(steps_tried=[2000, 4000]),
        "guideline.json:frontier.0.bracket.0.steps_tried: R-BRACKET 4000 steps are not 4 x 2000",
    ),
    (
        "R-BRACKET",
        lambda record, files: record["frontier"][0]["bracket"].append(
            {**record["frontier"][0]["bracket"][0], "test": _test(record)}
        ),
        "guideline.json:frontier.0.bracket.1.verdict: R-BRACKET is refuted, but its bound 0.95 meets 0.9",
    ),
    (
        "R-BRACKET",
        lambda record, files: record["frontier"][0]["bracket"][0].update(test_longer=_test(record)),
        "guideline.json:frontier.0.bracket.0.verdict: R-BRACKET is refuted, but its bound 0.95 meets 0.9",
    ),
    (
        "R-BRACKET",
        lambda record, files: record["frontier"][0]["bracket"][0].update(verdict="undecided"),
        "guideline.json:frontier.0.bracket.0.verdict: R-BRACKET is undecided, but its bounds 0.8 and 0.825 miss 0.9",
    ),
    (
        "R-BRACKET",
        lambda record, files: record["frontier"][0]["bracket"][0].update(test_longer=None, steps_tried=[2000]),
        "guideline.json:frontier.0.bracket.0.verdict: R-BRACKET is refuted, but was not measured at 4 x the steps",
    ),
    (
        "R-BRACKET",
        lambda record, files: record["frontier"][0]["bracket"][0].update(
            test_longer=None, steps_tried=[2000], verdict="undecided"
        ),
        "guideline.json:frontier.0.bracket.0.verdict: R-BRACKET is undecided, but its bounds 0.8 miss 0.9",
    ),
    (
        "R-BRACKET",
        lambda record, files: record["frontier"][0]["bracket"][0].update(steps_tried=[2000]),
        "guideline.json:frontier.0.bracket.0.steps_tried: R-BRACKET has as many entries as there are measurements",
    ),
    (
        "R-ATTEMPTS",
        lambda record, files: record["frontier"][0].update(attempts=record["frontier"][0]["attempts"][:1]),
        "guideline.json:frontier.0.attempts: R-ATTEMPTS has no certified attempt of the answer's shape and params",
    ),
    (
        "R-ATTEMPTS",
        lambda record, files: record["frontier"][0]["attempts"][0].update(n_meeting=15),
        "guideline.json:frontier.0.attempts.0.verdict: R-ATTEMPTS is failed, "
        "but at attempt 1 15 of 20 seeds meet the target and 15 are enough",
    ),
    (
        "R-ATTEMPTS",
        lambda record, files: record["frontier"][0]["attempts"][1].update(n_meeting=15),
        "guideline.json:frontier.0.attempts.1.verdict: R-ATTEMPTS is certified, "
        "but 15 of 20 seeds meet the target and at attempt 2 16 are needed",
    ),
    (
        "R-ATTEMPTS",
        lambda record, files: record["frontier"][0]["attempts"][1].update(n_seeds=5, n_meeting=5),
        "guideline.json:frontier.0.attempts.1.verdict: R-ATTEMPTS is certified, "
        "but 5 of 5 seeds meet the target and at attempt 2 no such number is enough",
    ),
    (
        "R-ATTEMPTS",
        lambda record, files: record["frontier"][0]["attempts"][0].update(n_seeds=29),
        "guideline.json:frontier.0.attempts.0.n_seeds: R-ATTEMPTS is 29, expected one of 5, 20, 64: seeds of a look",
    ),
    (
        "R-ATTEMPTS",
        lambda record, files: record["frontier"][0]["attempts"][0].update(n_meeting=21),
        "guideline.json:frontier.0.attempts.0.n_meeting: R-ATTEMPTS 21 is above n_seeds 20",
    ),
    (
        "R-ATTEMPTS",
        lambda record, files: record["frontier"][0]["attempts"].insert(
            1, {**record["frontier"][0]["attempts"][1], "n_seeds": 5, "n_meeting": 1, "verdict": "failed"}
        ),
        "guideline.json:frontier.0.attempts.2.verdict: R-ATTEMPTS is certified, but the same shape has failed before",
    ),
    (
        "R-ATTEMPTS",
        lambda record, files: record["frontier"][0]["attempts"][2].update(n_meeting=20, verdict="certified"),
        "guideline.json:frontier.0.attempts.2.params: R-ATTEMPTS 460 was certified, which is below the answer's",
    ),
    (
        "R-ORDER",
        lambda record, files: record["frontier"].reverse(),
        "guideline.json:frontier.1: R-ORDER 0.9 scratch stands after 0.95 scratch",
    ),
    (
        "R-KNEE",
        lambda record, files: record["knee"][0].update(limit=0.88),
        "guideline.json:knee.0.limit: R-KNEE is 0.88, but 1.1 x the error of its reference's median run is 0.892682927",
    ),
    (
        "R-KNEE",
        lambda record, files: record["knee"].append(record["knee"][0]),
        "guideline.json:knee.1.n_train: R-KNEE is 1000, as of a knee before",
    ),
    (
        "R-ATTEMPTS",
        lambda record, files: record["knee"][0].update(attempts=record["knee"][0]["attempts"][:1]),
        "guideline.json:knee.0.attempts: R-ATTEMPTS has no certified attempt of the answer's shape and params",
    ),
    (
        "R-BRACKET",
        lambda record, files: record["knee"][0]["bracket"][0].update(verdict="undecided"),
        "guideline.json:knee.0.bracket.0.verdict: R-BRACKET is undecided, but its bounds",
    ),
    (
        "R-REACH",
        lambda record, files: record["knee"][0]["test"].update(reach=None),
        "guideline.json:knee.0.test.reach: R-REACH stands exactly beside a target or a knee's limit",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["knee"][0]["reference"].update(steps=4000),
        "guideline.json:knee.0.reference: R-EVIDENCE no runs that read validation alone have its shape, n_train, steps",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["knee"][0]["reference"]["test"].update(best_of_3=0.99),
        "guideline.json:knee.0.reference.test.best_of_3: R-EVIDENCE is 0.99, but its runs give",
    ),
    (
        "R-PARAMS",
        lambda record, files: (
            record["knee"][0].update(params=611, weight_bytes=2444)
            or record["knee"][0]["attempts"][1].update(params=611)
        ),
        "guideline.json:knee.0.params: R-PARAMS is 611, but 610 elsewhere for the same shape",
    ),
    (
        "R-PARAMS",
        lambda record, files: record["knee"][0].update(weight_bytes=2441),
        "guideline.json:knee.0.weight_bytes: R-PARAMS is 2441, but 4 x 610 params",
    ),
    (
        "R-PARAMS",
        lambda record, files: _network(tiny_network(9))(record, files),
        "guideline.json:frontier.0.params: R-PARAMS is 610, but its network's file holds 685",
    ),
    (
        "R-PARAMS",
        lambda record, files: _network(_with_integers(17))(record, files),
        "guideline.json:frontier.0.onnx: R-PARAMS holds a tensor of 17 integers, "
        "expected shapes alone: weights are floats and counted",
    ),
    (
        "R-LAW",
        lambda record, files: record["law"]["valid_range"].update(n_train=[60, 2000]),
        "guideline.json:law.valid_range.n_train: R-LAW is not 60 to 1000, the points it was fitted to",
    ),
    (
        "R-LAW",
        lambda record, files: record["law"]["forms"][0].update(weight=0.5),
        "guideline.json:law: R-LAW cannot be evaluated: a law's weights sum to 0.5, expected shares that sum to 1",
    ),
    (
        "R-LAW",
        lambda record, files: record["law"]["points"].reverse(),
        "guideline.json:law.points: R-LAW are not in ascending order of n_train",
    ),
    (
        "R-LAW",
        lambda record, files: record["law"]["draws"][3].pop(),
        "guideline.json:law: R-LAW cannot be evaluated: draw 3 has 2 numbers, "
        "expected the form's position and its 3 parameters",
    ),
    (
        "R-LAW",
        lambda record, files: record.update(law=None, notes=["There is no law: it was a bad day."]),
        "guideline.json:law: R-LAW is null, expected a note that says why and begins 'no law:'",
    ),
    (
        "R-BASELINES",
        lambda record, files: record["baselines"].pop(0),
        "guideline.json:baselines: R-BASELINES have no majority, expected majority and linear beside a classifier",
    ),
    (
        "R-BASELINES",
        lambda record, files: record["baselines"][1].update(name="linear"),
        "guideline.json:baselines.2.name: R-BASELINES linear stands twice",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["frontier"][0].update(bracket=[]),
        "guideline.json:frontier.0.bracket: R-EVIDENCE is empty, "
        "but runs have the cheaper shape of width 6 and depth 1",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: _test(record).update(best_of_3=0.93),
        "guideline.json:frontier.0.test.best_of_3: R-EVIDENCE is 0.93, but its runs give 0.929956",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["frontier"][0].update(steps=2001),
        "guideline.json:frontier.0: R-EVIDENCE no tested runs have its "
        "route, shape, n_train, steps, learning rate and weight decay",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["frontier"][0].update(train_flops=1e9),
        "guideline.json:frontier.0.train_flops: R-EVIDENCE is 1e+09, but its runs took 227328000",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["frontier"][0]["attempts"][0].update(n_meeting=11),
        "guideline.json:frontier.0.attempts.0.n_meeting: R-EVIDENCE is 11, but 12 of its runs meet the target",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["frontier"][0]["attempts"][0].update(learning_rate=0.02),
        "guideline.json:frontier.0.attempts.0.n_seeds: R-EVIDENCE is 20, but there are no such runs",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["frontier"][0]["bracket"][0].update(steps_tried=[4000, 16000]),
        "guideline.json:frontier.0.bracket.0: R-EVIDENCE no bracketing runs have its shape and 4000 steps",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["law"]["points"][2].update(error=0.08),
        "guideline.json:law.points.2: R-EVIDENCE no tuning runs have its n_train, steps, n_seeds, error and sd",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["law"]["points"][0].update(steps=4000, sd=0.0),
        "guideline.json:law.points.0.capped: R-EVIDENCE is false, but no more steps were tried",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["cost"].update(n_trials=206),
        "guideline.json:cost.n_trials: R-EVIDENCE is 206, but there are 207 runs",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["cost"].update(wall_s=9.0),
        "guideline.json:cost.wall_s: R-EVIDENCE is 9, but the runs sum to 10.350",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["recipe"].update(batch_size=64),
        "guideline.json:recipe.batch_size: R-EVIDENCE is 64, but runs have 32",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["question"]["dataset"].update(n_train=999),
        "guideline.json:question.dataset.n_train: R-EVIDENCE is 999, but a run trained on 1000",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: _run(record, files, _CERTIFIED, "outcome", test_outcomes=encode_bits([[True] * 40])),
        "guideline.json:frontier.0.test.outcomes: R-EVIDENCE are not those of its runs",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: _run(record, files, _CERTIFIED, "trial", seed=998),
        "guideline.json:frontier.0.test.n_seeds: R-EVIDENCE is 20, but there are 19 such runs",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: _run(record, files, _CERTIFIED, "trial", phase="search"),
        "guideline.json:frontier.0.test.n_seeds: R-EVIDENCE is 20, but there are 19 such runs",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["frontier"][0]["attempts"][1].update(n_meeting=16),
        "guideline.json:frontier.0.attempts.1.n_meeting: R-EVIDENCE is 16, but 20 of its runs meet the target",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: record["frontier"][0]["attempts"][2].update(n_meeting=1),
        "guideline.json:frontier.0.attempts.2.n_meeting: R-EVIDENCE is 1, but 0 of its runs meet the target",
    ),
    (
        "R-EVIDENCE",
        lambda record, files: _run(record, files, 0, "trial", dataset="fashion"),
        "guideline.json:question.dataset.id: R-EVIDENCE is digits, but runs have fashion",
    ),
]


@pytest.mark.parametrize(
    ("rule", "change", "finding"), CHANGES, ids=[f"{rule}-{i}" for i, (rule, *_) in enumerate(CHANGES)]
)
def test_a_rule_notices_its_own_fault_and_no_other_rule_but_that_on_evidence_does(
    root: Path, rule: str, change: Change, finding: str
) -> None:
    record, files = example_record()
    change(record, files)
    if rule == "R-TRIALS" and finding.startswith("trials"):
        record["trials"]["n"] = files["trials.jsonl"].count(b"\n")
    folder = write_record(root, record, files)
    found = [each for each in validate(folder) if rule == "R-EVIDENCE" or each.rule != "R-EVIDENCE"]

    assert {each.rule for each in found} == {rule}
    assert str(found[0]).startswith(f"{folder}/{finding}")


@pytest.mark.parametrize(
    ("rule", "data", "finding"),
    [
        ("R-JSON", b'{"a": 1, "a": 2}', "guideline.json:a: R-JSON stands twice in one object"),
        ("R-JSON", b'{"id": "image-cls/dig', "guideline.json: R-JSON is not JSON at line 1, column 8: Unterminated"),
        ("R-SIZE", b" " * 1_000_001, "guideline.json: R-SIZE is larger than 1,000,000 bytes"),
        ("R-CANONICAL", None, "guideline.json: R-CANONICAL is not canonical JSON (RFC 8785)"),
    ],
)
def test_a_file_that_cannot_be_read_in_one_way_is_found(
    root: Path, rule: str, data: bytes | None, finding: str
) -> None:
    record, files = example_record()
    folder = write_record(root, record, files)
    file = folder / "guideline.json"
    file.write_bytes(file.read_bytes() + b"\n" if data is None else data)

    assert [each.rule for each in validate(folder)] == [rule]
    assert str(validate(folder)[0]).startswith(f"{folder}/{finding}")


@pytest.mark.parametrize(
    ("points", "note", "rules"),
    [
        ("frontier", "no bracket: target 0.9, scratch: the time was up", set()),
        ("frontier", "no bracket: target 0.95, scratch: the time was up", {"R-EVIDENCE"}),
        ("frontier", "no bracket: target 0.9, pruned: the time was up", {"R-EVIDENCE"}),
        ("knee", "no bracket: knee, scratch: the time was up", set()),
        ("knee", "no bracket: target 0.9, scratch: the time was up", {"R-EVIDENCE"}),
    ],
)
def test_a_bracket_may_be_empty_where_a_note_says_that_it_was_left_out(
    root: Path, points: str, note: str, rules: set[str]
) -> None:
    record, files = example_record()
    record[points][0].update(bracket=[])
    record["notes"].append(note)

    assert {each.rule for each in validate(write_record(root, record, files))} == rules


def test_a_folder_above_5_mb_breaks_the_size_rule(root: Path) -> None:
    record, files = example_record()
    padded = files["trials.jsonl"].replace(b'"status": "ok"', b'"reason": "' + b"x" * 5000 + b'", "status": "ok"')
    _trials(padded)(record, files)
    for width in (8, 12):
        name = f"onnx/w{width}-d1.onnx"
        model = onnx.load_from_string(files[name])
        model.doc_string = "x" * 2_100_000
        files[name] = model.SerializeToString()
        point = record["frontier"][(width - 8) // 4]["onnx"]
        point.update(sha256=hashlib.sha256(files[name]).hexdigest(), bytes=len(files[name]))
    found = validate(write_record(root, record, files))

    assert [each.rule for each in found] == ["R-SIZE"]
    assert "bytes, expected at most 5,000,000" in found[0].message


@pytest.mark.parametrize("name", ["guideline.json", "trials.jsonl", "onnx"])
def test_a_link_in_a_record_is_found(root: Path, name: str) -> None:
    folder = write_record(root, *example_record())
    (folder / name).rename(root / "elsewhere")
    (folder / name).symlink_to(root / "elsewhere")

    assert {each.rule for each in validate(folder)} == {"R-FILES"}
    assert str(validate(folder)[0]).startswith(f"{folder}/{name}: R-FILES is a link")


def test_a_link_above_a_record_is_found(root: Path) -> None:
    write_record(root.parent / "outside", *example_record())
    (root / "image-cls").symlink_to(root.parent / "outside" / "image-cls")

    assert [str(each) for each in validate(root)] == [f"{root}/image-cls: R-FILES is a link"]


def test_a_record_in_the_wrong_folder_is_found(root: Path) -> None:
    folder = write_record(root, *example_record())
    moved = folder.rename(folder.with_name("v3"))

    assert [str(each) for each in validate(moved)] == [
        f"{moved}/guideline.json:id: R-PATH says image-cls/digits/mlp/v1, but the folder is image-cls/digits/mlp/v3"
    ]


def test_a_released_record_that_changed_or_vanished_is_found(root: Path) -> None:
    record, files = example_record()
    hashes = {"image-cls/digits/mlp@1": record_hash(record), "image-cls/digits/mlp@2": "0" * 64}
    (root / "RELEASED.json").write_bytes(canonical_json(hashes))
    folder = write_record(root, {**record, "notes": []}, files)

    assert [str(each) for each in validate(root)] == [
        f"{folder}/guideline.json: R-RELEASED is released and has changed, expected a new version that supersedes it",
        f"{root}/RELEASED.json:image-cls/digits/mlp@2: R-RELEASED is released but its record is missing",
    ]


def test_a_released_record_whose_list_is_damaged_is_found(root: Path) -> None:
    folder = write_record(root, *example_record())
    (root / "RELEASED.json").write_text("{")

    assert {each.rule for each in validate(folder)} == {"R-RELEASED"}


def test_every_rule_has_a_record_that_breaks_it() -> None:
    # tested on files rather than values, and on published evidence
    elsewhere = {"R-JSON", "R-SIZE", "R-CANONICAL", "R-RELEASED", "R-PUBLISHED"}

    assert {rule.id for rule in RULES} == {rule for rule, *_ in CHANGES} | elsewhere


def test_rule_ids_are_unique_and_say_what_holds() -> None:
    ids = [rule.id for rule in RULES]

    assert len(set(ids)) == len(ids)
    assert all(rule.id.startswith("R-") and rule.says for rule in RULES)


@pytest.mark.parametrize("given", ["folder", "file", "root", "task"])
def test_a_record_is_found_from_its_folder_its_file_and_from_above(root: Path, given: str) -> None:
    record, files = example_record()
    folder = write_record(root, {**record, "mood": "good"}, files)
    path = {"folder": folder, "file": folder / "guideline.json", "root": root, "task": root / "image-cls"}[given]

    assert [each.rule for each in validate(path)] == ["R-SCHEMA"]


def test_valid_records_of_both_kinds_have_no_findings_also_by_a_relative_path(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(root).publish(*example_record())
    record = published_record("image-cls/digits/lenet")
    folder = Store(root).publish(record, {})
    monkeypatch.chdir(folder)

    assert validate(root) == []
    assert validate(Path()) == []
    assert validate(Path("../../mlp/v1")) == []


@pytest.mark.parametrize(
    ("bounds", "finding"),
    [
        ({"low": 0.99}, "frontier.0.low: R-INTERVAL 0.99 is above the value 0.98"),
        ({"high": 0.97}, "frontier.0.high: R-INTERVAL 0.97 is below the value 0.98"),
        ({"high": 1.2}, "frontier.0.high: R-RANGE 1.2 is not a fraction in [0, 1]"),
    ],
)
def test_a_published_bound_encloses_its_figure_and_lies_in_range(
    root: Path, bounds: dict[str, float], finding: str
) -> None:
    record = published_record()
    record["frontier"][0].update(bounds)
    folder = write_record(root, record, {})

    assert [str(each) for each in validate(folder)] == [f"{folder}/guideline.json:{finding}"]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            {"low": 0.95},
            "frontier.0.low: R-PUBLISHED is 0.95, but the prior allows no more than 0.934264",
        ),
        (
            {"value": 0.9, "low": 0.7, "high": 0.91},
            "frontier.0.high: R-PUBLISHED is 0.91, but the prior allows no less than 0.983598",
        ),
        (
            {"train_flops": 1e12},
            "frontier.0.train_flops_source: R-PUBLISHED stands exactly beside train_flops: how it was obtained",
        ),
    ],
)
def test_a_published_figure_is_no_surer_than_the_prior_and_says_where_it_is_from(
    root: Path, change: dict[str, float], finding: str
) -> None:
    record = published_record()
    record["frontier"][0].update(change)
    folder = write_record(root, record, {})

    assert [str(each) for each in validate(folder)] == [f"{folder}/guideline.json:{finding}"]


def test_a_published_figure_stands_once(root: Path) -> None:
    record = published_record()
    record["frontier"].append({**record["frontier"][0], "params": 2601})
    folder = write_record(root, record, {})

    (finding,) = validate(folder)

    assert str(finding).endswith(
        "frontier.1.name: R-PUBLISHED 'A network of 1998' of this citation stands at frontier.0 already"
    )


def test_only_published_evidence_may_leave_chance_open(root: Path) -> None:
    measured, files = example_record()
    published = published_record("image-cls/digits/lenet")
    for record in (measured, published):
        record["question"]["metric"]["chance"] = None

    (finding,) = validate(write_record(root, measured, files))

    assert finding.message == "is null, expected the metric of the best constant answer"
    assert validate(write_record(root, published, {})) == []


def test_an_empty_root_has_no_findings_and_hidden_folders_are_passed_over(root: Path) -> None:
    (root / ".runs/a/b/v1").mkdir(parents=True)

    assert validate(root) == []


@pytest.mark.parametrize(
    ("name", "state"), [("none", "does not exist"), ("notes.txt", "is not a folder or a guideline")]
)
def test_what_is_no_place_of_records_is_a_usage_error(root: Path, name: str, state: str) -> None:
    (root / "notes.txt").write_text("")

    with pytest.raises(UsageError, match=f"{name} {state}"):
        validate(root / name)


def test_a_hostile_file_name_is_shown_escaped(root: Path) -> None:
    record, files = example_record()
    folder = write_record(root, record, {**files, "\x1b[31mred": b""})

    assert str(validate(folder)[0]) == f"{folder}/\\x1b[31mred: R-FILES is not named in the record"


def test_where_lower_is_better_the_bounds_change_sides(root: Path) -> None:
    record, files = example_record(targets=(0.9,))
    record["question"]["metric"].update(name="error-rate", direction="lower")
    record["knee"] = []
    point = record["frontier"][0]
    for cheaper in point["bracket"]:
        cheaper["verdict"] = "undecided"
    below = validate(write_record(root, record, files))
    point["target"] = 0.96
    record["version"], record["supersedes"] = 2, 1
    above = validate(write_record(root, record, files))

    assert [str(each).partition(": ")[2] for each in below] == [
        "R-INTERVAL its bound 0.95 does not meet the target 0.9"
    ]
    assert above == []


def test_a_shape_that_misses_stays_undecided_where_time_was_too_short_for_longer_runs(root: Path) -> None:
    record, files = example_record()
    record["frontier"][0]["bracket"][0].update(test_longer=None, steps_tried=[2000], verdict="undecided")
    [found] = validate(write_record(root, record, files))
    record["notes"].append("target 0.9, scratch: the bracket is not complete: the time was up")
    shutil.rmtree(root / "image-cls")

    assert found.rule == "R-BRACKET"
    assert validate(write_record(root, record, files)) == []


def test_a_cheaper_shape_that_did_not_miss_needs_no_longer_runs(root: Path) -> None:
    record, files = example_record()
    point = record["frontier"][0]
    failed = next(each for each in point["attempts"] if each["verdict"] == "failed")
    rows = [[item < 36 - (seed >= 12) for item in range(40)] for seed in range(20)]  # 12 of 20 meet 0.9
    values = [sum(row) / 40 for row in rows]
    lines = [json.loads(line) for line in files["trials.jsonl"].splitlines()[:20]]
    for number, line in enumerate(lines):
        line["trial"]["phase"] = "bracket"
        line["key"] = f"{number:024x}"
    _trials(files["trials.jsonl"] + b"".join(json.dumps(line).encode() + b"\n" for line in lines))(record, files)
    record["trials"]["n"] = record["cost"]["n_trials"] = 227
    record["cost"]["wall_s"] = 11.35
    record["cost"]["train_flops"] += sum(line["outcome"]["train_flops"] for line in lines)
    test = {
        **summarise(values, 0.9, "higher"),
        "n_diverged": 0,
        "best_of_3": best_of_3(values, [line["outcome"]["val_error"] for line in lines]),
        "outcomes": encode_bits(rows),
    }
    shared = {"shape": failed["shape"], "params": failed["params"]}
    point["bracket"].append(
        {**shared, "test": test, "test_longer": None, "verdict": "undecided", "steps_tried": [2000]}
    )
    folder = write_record(root, record, files)

    assert [str(each) for each in validate(folder)] == []


def surface_problems(root: Path, change: Callable[[dict[str, Any]], object]) -> list[str]:
    """Return what the rule on laws finds of a record whose law is in n_train and params, changed."""
    record, files = example_record(surface=True)
    change(record["law"])
    folder = write_record(root, record, files)
    return [f"{found.field}: {found.message}" for found in validate(folder) if found.rule == "R-LAW"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda law: law["valid_range"].pop("params"),
            "law.valid_range.params: is missing, expected the ranges of n_train, params",
        ),
        (
            lambda law: law["valid_range"].update(width=[2, 32]),
            "law.valid_range.width: is no variable of the law, expected the ranges of n_train, params",
        ),
        (
            lambda law: law["valid_range"].update(params=[160, 9000]),
            "law.valid_range.params: is not 160 to 2410, the points it was fitted to",
        ),
        (lambda law: law["points"][3].pop("params"), "law.points: have no params, but it is a variable of the law"),
        (
            lambda law: law["points"].insert(0, law["points"].pop(5)),
            "law.points: are not in ascending order of n_train, then width, depth, resolution, params",
        ),
        (
            lambda law: law["interval"].update(factor80=3.0),
            "law.interval.factor80: 3 is above factor90, 2.1",
        ),
        (
            lambda law: law["draws"][2].__setitem__(0, 1),
            "law: cannot be evaluated: draw 2 is of form 1, expected 0 to 0",
        ),
        (
            lambda law: law["forms"][0].update(form="envelope"),
            "law: cannot be evaluated: a envelope has data_coefficient, data_exponent, floor, size_coefficient, "
            "size_exponent, expected data_coefficient, data_exponent, size_coefficient, size_exponent, floor, chance, "
            "transition",
        ),
        (
            lambda law: law.update(variables=["n_train"]),
            "law: cannot be evaluated: a law of additive has 1 variables, expected 2",
        ),
    ],
)
def test_a_law_of_several_variables_is_held_to_them(
    root: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    assert problem in surface_problems(root, change)


def test_a_law_in_data_alone_has_a_shape(root: Path) -> None:
    record, files = example_record()
    record["law"]["shape"] = None

    found = validate(write_record(root, record, files))

    assert "law.shape: R-LAW is null, expected the one shape of a law in n_train alone" in str(found[0])


def test_a_surface_is_found_again_in_its_runs(root: Path) -> None:
    record, files = example_record(surface=True)
    sound = validate(write_record(root / "sound", record, files))
    record["law"]["points"][6].update(width=9)
    changed = validate(write_record(root / "changed", record, files))

    assert sound == []
    assert [(each.field, each.rule) for each in changed] == [
        ("law.points.6", "R-EVIDENCE"),
        ("law.points.6.capped", "R-EVIDENCE"),
    ]


@pytest.mark.parametrize(("missing", "rules"), [("linear", set()), ("majority", {"R-BASELINES"})])
def test_a_linear_model_may_be_missing_where_a_note_says_that_it_could_not_be_fitted(
    root: Path, missing: str, rules: set[str]
) -> None:
    record, files = example_record()
    record["baselines"] = [one for one in record["baselines"] if one["name"] != missing]
    record["notes"].append(f"could not be fitted: nearest-neighbours, {missing}")

    assert {each.rule for each in validate(write_record(root, record, files))} == rules


def test_without_a_law_a_note_that_says_why_will_do(root: Path) -> None:
    record, files = example_record()
    record.update(law=None, notes=["no law: it was a bad day"])

    assert validate(write_record(root, record, files)) == []


def _closed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let nobody list ``folder``, not even root."""
    scandir = os.scandir

    def refuse(path: Any = ".") -> Any:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


@pytest.mark.parametrize("closed", ["", "image-cls", "image-cls/digits"])
def test_a_folder_that_cannot_be_listed_is_found(root: Path, monkeypatch: pytest.MonkeyPatch, closed: str) -> None:
    write_record(root, *example_record())
    _closed(monkeypatch, root / closed)

    assert [str(each) for each in validate(root)] == [f"{root / closed}: R-FILES cannot be listed: Permission denied"]


def test_a_folder_in_a_record_that_cannot_be_listed_is_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_record(root, *example_record())
    _closed(monkeypatch, folder / "onnx")

    assert str(validate(folder)[0]) == f"{folder}/onnx: R-FILES cannot be read: Permission denied"


def test_a_record_not_yet_written_is_held_against_the_same_rules() -> None:
    record, files = example_record()
    changed = {**record, "supersedes": 1}

    assert examine(record, files) == []
    assert [str(each) for each in examine(changed, files)] == [
        "guideline.json:supersedes: R-SUPERSEDES is 1, expected null in version 1"
    ]


@pytest.mark.parametrize(
    ("changes", "more", "finding"),
    [
        ({"mood": "good"}, {}, "guideline.json:mood: R-SCHEMA Extra inputs are not permitted"),
        ({"cite": float("nan")}, {}, "guideline.json: R-CANONICAL cannot be written as canonical JSON"),
        ({"id": "../../etc"}, {}, "guideline.json:id: R-SCHEMA String should match pattern"),
        ({}, {"../escaped": b""}, "../escaped: R-FILES is not a plain path inside the record's folder"),
        ({}, {"onnx": b""}, "guideline.json: R-FILES onnx and onnx are one file on some disks"),
        ({}, {"more": b""}, "more: R-FILES is not named in the record"),
        ({}, {"trials.jsonl": b""}, "trials.jsonl: R-FILES has another SHA-256 than the record says"),
    ],
)
def test_a_record_that_could_not_be_written_is_refused_before(changes: Record, more: Files, finding: str) -> None:
    record, files = example_record()

    assert str(examine({**record, **changes}, {**files, **more})[0]).startswith(finding)


def test_outcomes_that_would_fill_the_memory_are_refused_without_unpacking_them(root: Path) -> None:
    record, files = example_record()
    record["question"]["dataset"]["n_test"] = 7_999_992
    record["knee"] = []
    packed = base64.b64encode(zlib.compress(bytes(999_999), 9)).decode()
    for position in range(100):
        _run(record, files, position, "outcome", test_outcomes=packed)
    folder = write_record(root, record, files)
    tracemalloc.start()
    found = validate(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert {each.rule for each in found} == {"R-OUTCOMES"}
    assert peak < 50e6


def test_one_rule_can_be_checked_alone(root: Path) -> None:
    record, files = example_record()
    folder = write_record(root, {**record, "mood": "good"}, files)

    assert {rule.id for rule in RULES if check(rule, folder)} == {"R-SCHEMA"}
