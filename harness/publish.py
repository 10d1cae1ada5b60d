"""Turn a study's findings into a guideline record: networks exported and measured, figures derived, files named."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final
from zipfile import BadZipFile

import numpy as np
import onnx
import torch

from harness.baselines import run_baselines
from harness.bracket import Answer
from harness.certify import Attempt, Refutation, Tested
from harness.datasets.base import Dataset
from harness.export import export_onnx, parity
from harness.families.base import State
from harness.inference import predict_onnx
from harness.investigation import Investigation
from harness.knee import Knee
from harness.latency import latency_ratio
from harness.ledger import Ledger
from harness.measure import weight_bytes, weight_bytes_int8
from harness.memory import ram_bytes
from harness.metrics import class_sizes, gaps, scored
from harness.provenance import energy, provenance
from harness.quantise import quantise_static
from harness.recipe import recipe
from harness.run_file import run_file
from harness.study import Findings, Study
from harness.symbols import as_fed
from harness.train import flops, load_weights, run_pack, train_flops
from harness.trial import Shape, Trial
from registry.errors import GuidesError
from registry.heading import RECORD_LICENCE
from registry.metrics import BALANCED, folder_of
from registry.schema import SCHEMA_ID, SCHEMA_VERSION
from registry.statistics import best_of_3, meets, summarise

AUTHORS = ("The sizing-guides authors",)
CALIBRATION = 200  # training examples that set the int8 ranges


@final
@dataclass(frozen=True)
class Publication:
    """A record and the files it names, ready for the store."""

    record: dict[str, Any]
    files: dict[str, bytes]


def publication(
    investigation: Investigation,
    findings: Findings,
    ledger: Ledger,
    weights: Path,
    *,
    version: int,
    command: str,
    baselines: list[dict[str, Any]] | None = None,
) -> Publication:
    """Build the record of a finished study.

    Args:
        investigation: The study and what it settled.
        findings: What it found.
        ledger: Every training run behind it.
        weights: Folder with ``<key>.npz`` of each tested run.
        version: Version of the record.
        command: The command that makes this record again.
        baselines: Methods without a network, where they were fitted already; else they are now.

    Raises:
        InvalidRecord: If an exported network differs from its PyTorch original, or the runs are too many for a record.
    """
    files: dict[str, bytes] = {}
    if baselines is None:
        baselines = run_baselines(investigation.task, investigation.dataset)
    frontier = [_point(investigation, answer, weights, files) for answer in findings.answers]
    frontier.sort(key=lambda point: (point["target"], point["route"]))
    rows = list(ledger.rows())
    knee = _knee(investigation, findings.knee, weights, files)
    files["trials.jsonl"], left_out = run_file(rows, sum(map(len, files.values())))
    outcomes = ledger.results.values()
    wall_s = round(sum(o.wall_s for o in outcomes), 3)
    record = {
        "$schema": SCHEMA_ID,
        "schema_version": SCHEMA_VERSION,
        "id": record_id(investigation.study),
        "version": version,
        "supersedes": version - 1 if version > 1 else None,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **_whose(investigation.dataset),
        "evidence": "measured",
        "question": _question(investigation),
        "notes": [*_notes(investigation, findings, baselines, sum(one.tested for one in ledger.trials())), *left_out],
        "frontier": frontier,
        "knee": knee,
        "law": findings.law,
        "baselines": baselines,
        "recipe": recipe(investigation.family, investigation.dataset),
        "cost": {
            "train_flops": float(sum(o.train_flops for o in outcomes)),
            "wall_s": wall_s,
            "n_trials": len(rows),
            "energy_estimate": energy(wall_s),
        },
        "provenance": provenance(command, investigation.study.seed),
        "trials": {
            "path": "trials.jsonl",
            "sha256": hashlib.sha256(files["trials.jsonl"]).hexdigest(),
            "n": len(rows),
        },
    }
    return Publication(record, files)


def record_id(study: Study) -> str:
    """Return the id of a study's record."""
    metric = scored(study.task, study.metric).metric.name
    return f"{study.task}/{study.dataset}/{folder_of(study.family, metric)}"


def _whose(data: Dataset) -> dict[str, Any]:
    """Say whose the record is: of somebody's own data theirs alone, and nothing is granted."""
    if data.private:
        unsaid = "NOASSERTION"
        return {"licence": {"code": unsaid, "data": unsaid}, "authors": ["not stated"], "cite": "not published"}
    return {
        "licence": {"code": "Apache-2.0", "data": RECORD_LICENCE},
        "authors": list(AUTHORS),
        "cite": f"The sizing-guides authors ({datetime.now(UTC).year}), sizing-guides",
    }


def _question(investigation: Investigation) -> dict[str, Any]:
    data, metric = investigation.dataset, investigation.task.metric
    return {
        "task": investigation.study.task,
        "dataset": {
            "id": data.name,
            "source": data.source,
            "licence": data.licence,
            "sha256": data.sha256(),
            "n_train": len(data.train()),
            "n_val": len(data.val()),
            "n_test": len(data.test()),
            "input_shape": list(data.input_shape),
            "n_classes": data.n_classes,
            "group": data.group,
            **_further_facts(data),
            **_test_by_class(data, metric.name),
        },
        "metric": {
            "name": metric.name,
            "unit": metric.unit,
            "direction": metric.direction,
            "chance": investigation.task.chance(data),
        },
    }


def _further_facts(data: Dataset) -> dict[str, Any]:
    """Return what is said of some data sets alone: where inputs are symbols, or labels are targets."""
    facts: dict[str, Any] = {name: True for name in ("symbols", "per_position", "private") if getattr(data, name)}
    if (scale := data.target_scale()) is not None:
        facts["target_mean"], facts["target_sd"] = scale
    return facts


def _test_by_class(data: Dataset, metric: str) -> dict[str, Any]:
    """Return what balanced accuracy needs beside right and wrong answers: how many items of each class test has."""
    return {"n_test_by_class": class_sizes(data.test().labels, data.n_classes)} if metric == BALANCED else {}


def _notes(
    investigation: Investigation, findings: Findings, baselines: Sequence[dict[str, Any]], reads: int
) -> list[str]:
    """Say what a reader should know before trusting a number; ``reads`` runs read the test split."""
    notes = []
    metric = investigation.task.metric
    answers = [*findings.answers, *([findings.knee.answer] if findings.knee and findings.knee.answer else [])]
    best = max((m for a in answers for m in [float(np.median(a.test.values))]), default=None)
    for baseline in baselines:
        if best is not None and meets(baseline["metric"], best, metric.direction):
            notes.append(
                f"{baseline['name']} reaches {baseline['metric']:.4f}, no less than any network certified here (median)"
            )
    if investigation.dataset.group is None:
        notes.append("train, validation and test are of the same source: the claims are for this test split")
    if metric.name == BALANCED:
        notes.append("trained on the plain mean of the cross-entropy; chosen, and certified, by balanced accuracy")
        notes += gaps(investigation.dataset)
    items = len(investigation.dataset.test())
    notes.append(f"the {items:,} test items were read by {reads:,} runs, which decided only what is certified")
    notes += [
        f"target {miss.target:g} not certified: {miss.reason}; nearest {miss.nearest.trial.shape} with median "
        f"{np.median(miss.nearest.values):.4f}"
        for miss in findings.misses
    ]
    if any(answer.test.trial.route == "pruned" for answer in findings.answers):
        notes.append("pruned networks are bracketed at their own depth only")
    return notes + findings.notes


def _knee(
    investigation: Investigation, knee: Knee | None, weights: Path, files: dict[str, bytes]
) -> list[dict[str, Any]]:
    """Build the knee's point, with what it is held to and why; empty where there is none."""
    if knee is None or knee.answer is None:
        return []
    trial = knee.reference.trial
    reference = {
        "shape": _shape(trial.shape),
        "params": investigation.params(trial.shape),
        "steps": trial.steps,
        "learning_rate": trial.learning_rate,
        "test": _test(investigation, knee.reference, None),
    }
    point = _point(investigation, knee.answer, weights, files)
    return [{**point, "target": None, "limit": knee.limit, "reference": reference}]


def _point(investigation: Investigation, answer: Answer, weights: Path, files: dict[str, bytes]) -> dict[str, Any]:
    """Build one frontier point and add its networks to ``files``."""
    trial = answer.test.trial
    family, data = investigation.family, investigation.dataset.at(trial.shape.resolution)
    network = family.network(data.input_shape, data.n_outputs, trial.shape)
    median = _median_run(answer.test)
    network.load_state_dict(_state(median, weights))
    exported = _export(investigation, network, median)
    files.update(exported.files)
    return {
        "target": answer.target,
        "shape": _shape(trial.shape),
        "family_options": {},
        "route": trial.route,
        "pruned_from": None if trial.pruned_from is None else _shape(trial.pruned_from.shape),
        "n_train": trial.n_train,
        "params": investigation.params(trial.shape),
        "flops": float(flops(trial.family, trial.dataset, trial.shape)),
        "train_flops": float(train_flops(trial)),
        "weight_bytes": weight_bytes(network),
        "weight_bytes_int8": weight_bytes_int8(network),
        "ram_bytes": exported.ram_bytes,
        "ram_bytes_int8": exported.ram_bytes_int8,
        "latency_ratio": exported.latency_ratio,
        "steps": trial.steps,
        "learning_rate": trial.learning_rate,
        "weight_decay": trial.weight_decay,
        "test": _test(investigation, answer.test, answer.target),
        "attempts": [_attempt(investigation, attempt, answer.target) for attempt in answer.attempts],
        "bracket": [_bracket(investigation, refutation, answer.target) for refutation in answer.bracket],
        "onnx": exported.onnx,
    }


def _median_run(test: Tested) -> Trial:
    """Return the run in the middle by validation: the test split has no say in which network is shipped."""
    ranked = sorted(
        (o.val_error, o.val_loss, i)
        for i, o in enumerate(test.outcomes)
        if o.val_error is not None and o.val_loss is not None
    )
    return test.trials[ranked[(len(ranked) - 1) // 2][2]]


def _state(run: Trial, weights: Path) -> State:
    """Return the weights of a tested run; where they are lost or damaged it is run again, and comes out the same."""
    path = weights / f"{run.key}.npz"
    try:
        return load_weights(path)
    except (OSError, ValueError, BadZipFile):
        run_pack([run], weights=weights)
    return load_weights(path)


def _shape(shape: Shape) -> dict[str, Any]:
    return {"width": shape.width, "depth": shape.depth, "resolution": shape.resolution}


def _test(investigation: Investigation, test: Tested, target: float | None) -> dict[str, Any]:
    labels, task = investigation.dataset.test().labels, investigation.task
    # a diverged run has the worst of outcomes on all items, which is what it was counted with
    outcomes = np.concatenate([task.decode(one.test_outcomes, labels) for one in test.outcomes])
    val_errors = [o.val_error for o in test.outcomes]
    return {
        **summarise(test.values, target, task.metric.direction),
        "n_diverged": sum(o.status != "ok" for o in test.outcomes),
        "best_of_3": best_of_3(test.values, val_errors),
        "outcomes": task.encode(outcomes, labels),
    }


def _attempt(investigation: Investigation, attempt: Attempt, target: float) -> dict[str, Any]:
    trial = attempt.test.trial
    return {
        "shape": _shape(trial.shape),
        "params": investigation.params(trial.shape),
        "steps": trial.steps,
        "learning_rate": trial.learning_rate,
        "n_seeds": len(attempt.test.trials),
        "n_meeting": attempt.test.n_meeting(target, investigation.task),
        "verdict": "certified" if attempt.certified else "failed",
    }


def _bracket(investigation: Investigation, refutation: Refutation, target: float) -> dict[str, Any]:
    trial = refutation.settled.trial
    return {
        "shape": _shape(trial.shape),
        "params": investigation.params(trial.shape),
        "test": _test(investigation, refutation.settled, target),
        "test_longer": None if refutation.longer is None else _test(investigation, refutation.longer, target),
        "verdict": refutation.verdict(target, investigation.task),
        "steps_tried": [test.trial.steps for test in refutation.tests],
    }


@final
@dataclass(frozen=True)
class _Exported:
    """One network as files, and what can be measured of the files."""

    onnx: dict[str, Any]
    files: dict[str, bytes]
    ram_bytes: int
    ram_bytes_int8: int
    latency_ratio: float


def _export(investigation: Investigation, network: torch.nn.Module, run: Trial) -> _Exported:
    """Export one run's network, float and int8, and measure both on the test split."""
    shape = run.shape
    data = investigation.dataset.at(shape.resolution)
    test, train = data.test(), data.train()
    stem = f"{run.route}-w{shape.width}-d{shape.depth}-{run.key[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / f"{stem}.onnx", Path(folder) / f"{stem}-int8.onnx"
        exported = export_onnx(network, data.input_shape, path)
        n_symbols = investigation.family.one_hot(data)
        difference = parity(network, path, as_fed(test.inputs, n_symbols))
        files = {f"onnx/{path.name}": path.read_bytes()}
        int8: dict[str, Any] | None = None
        try:
            quantised = quantise_static(path, as_fed(train.inputs[:CALIBRATION], n_symbols), small)
        except GuidesError:  # some networks have no static int8 form: the record says null
            pass
        else:
            files[f"onnx/{small.name}"] = small.read_bytes()
            int8 = {
                "path": f"onnx/{small.name}",
                "sha256": quantised.sha256,
                "bytes": quantised.bytes,
                "metric": _metric(investigation, small, data),
            }
        model = onnx.load(path, load_external_data=False)
        return _Exported(
            onnx={
                "path": f"onnx/{path.name}",
                "sha256": exported.sha256,
                "bytes": exported.bytes,
                "opset": exported.opset,
                "metric": _metric(investigation, path, data),
                "max_abs_difference": difference,
                "int8": int8,
            },
            files=files,
            ram_bytes=ram_bytes(model),
            ram_bytes_int8=ram_bytes(model, int8=True),
            latency_ratio=latency_ratio(path),
        )


def _metric(investigation: Investigation, path: Path, data: Dataset) -> float:
    """Return the test metric of a file in onnxruntime."""
    test, task = data.test(), investigation.task
    outputs = predict_onnx(path, as_fed(test.inputs, investigation.family.one_hot(data)))
    outcomes = task.outcomes(outputs[np.newaxis], test.labels)
    return task.metric_from_error(float(task.error_from_outcomes(outcomes, test.labels)[0]))
