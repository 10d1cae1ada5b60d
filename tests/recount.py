"""Derive a record's figures again from what it names: its data set, family, networks, runs; nothing it says is used
but the names, the sizes and the runs.

What the static rules can tell from the record alone is theirs; here is what needs the harness.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from harness import plugins
from harness.baselines import run_baselines
from harness.certify import fresh_trials, with_seed
from harness.datasets.base import Dataset
from harness.export import TOLERANCE, parity
from harness.families.base import Family
from harness.fit import fit_curve, fit_surface
from harness.inference import predict_onnx
from harness.laws.intervals import log_draws
from harness.laws.points import Point
from harness.laws.surface_cells import GridCell
from harness.laws.surface_law import draw_log_errors
from harness.measure import count_flops, count_params, weight_bytes, weight_bytes_int8
from harness.memory import ram_bytes
from harness.metrics import class_sizes, scored
from harness.provenance import energy
from harness.symbols import as_fed
from harness.tasks.base import Task
from harness.train import train_flops
from harness.trial import Shape, Trial
from registry.metrics import family_of
from registry.statistics import LOOKS
from tests.rebuilt import weights_of

# Fitted by iteration: another processor's rounding moves the fit in its last digits, a logistic regression by an item.
FIT = 1e-5
LARGE = 50_000  # training rows from which only the constant answer is fitted again: the others take a minute each
BEYOND = 16  # times the range: as far as draws are held against each other
SOLVED = {"linear": 0.01, "boosted-trees": 0.01}


class Figure(NamedTuple):
    """One figure derived again.

    Args:
        field: Its place in the record: keys and positions joined by dots.
        value: What the record should say.
        within: How far from it a number may be: relative, and absolute below 1.
    """

    field: str
    value: Any
    within: float = 1e-9


def disagreements(folder: Path) -> list[str]:
    """Return a line for each figure of the record in ``folder`` that is not what is derived again."""
    record = json.loads((folder / "guideline.json").read_bytes())
    return [
        f"{field}: is {said}, but {value} is derived again"
        for field, value, within in figures(record, folder)
        if not agrees(said := at(record, field), value, within)
    ]


def at(values: Any, field: str) -> Any:
    """Return the value at ``field``: keys and positions joined by dots."""
    for step in field.split("."):
        values = values[int(step) if isinstance(values, list) else step]
    return values


def figures(record: dict[str, Any], folder: Path) -> Iterator[Figure]:
    """Yield every figure that can be derived again with the harness."""
    task_name, dataset_name, _ = record["id"].split("/")
    metric = record["question"]["metric"]["name"]
    task, (family, data) = scored(task_name, metric), network_of(record)
    rows = [json.loads(line) for line in (folder / record["trials"]["path"]).read_bytes().splitlines()]
    yield from _question(record, task, data)
    yield from sizes(record, family, data)
    for group in ("frontier", "knee"):
        for i, point in enumerate(record[group]):
            if point["onnx"] is not None:
                yield from _files(f"{group}.{i}", point, folder, family, task, data)
    yield from _runs(record, [(row, Trial.from_json(row["trial"])) for row in rows])
    if record["law"] is not None:
        if record["law"]["chance"] is not None:
            yield Figure("law.chance", task.target_to_error(task.chance(data)), FIT)
        for i, point in enumerate(record["law"]["points"]):
            if point.get("params") is not None:
                shape = Shape(point["width"], point["depth"], point.get("resolution"))
                at = data.at(shape.resolution)
                yield Figure(f"law.points.{i}.params", family.params(at.input_shape, data.n_outputs, shape))
        yield from _law(record, rows, len(data.val()) if task.counts else None)
    for i, baseline in enumerate(_baselines(task_name, dataset_name, metric)):
        within = SOLVED.get(baseline["name"], 0.0)
        yield Figure(f"baselines.{i}.name", baseline["name"])
        yield Figure(f"baselines.{i}.metric", baseline["metric"], max(within, 1e-9))
        yield Figure(f"baselines.{i}.bytes", baseline["bytes"], 0.2 if baseline["flops"] is None else 0.0)
        yield Figure(f"baselines.{i}.flops", baseline["flops"])
    for key, value in energy(record["cost"]["wall_s"]).items():
        yield Figure(f"cost.energy_estimate.{key}", value)


def network_of(record: dict[str, Any]) -> tuple[Family, Dataset]:
    """Return the record's family and data set."""
    _, dataset_name, folder_name = record["id"].split("/")
    family = plugins.load("families", family_of(folder_name, record["question"]["metric"]["name"]))
    return family, plugins.load("datasets", dataset_name)


@cache
def _baselines(task_name: str, dataset_name: str, metric: str) -> list[dict[str, Any]]:
    """Fit what a data set's records stand against; of a large one the constant answer alone."""
    task, data = scored(task_name, metric), plugins.load("datasets", dataset_name)
    return run_baselines(task, data, task.baselines(data)[:1] if len(data.train()) > LARGE else None)


def _question(record: dict[str, Any], task: Task, data: Dataset) -> Iterator[Figure]:
    facts = {
        "sha256": data.sha256(),
        "n_train": len(data.train()),
        "n_val": len(data.val()),
        "n_test": len(data.test()),
        "n_classes": data.n_classes,
        "source": data.source,
        "licence": data.licence,
        "group": data.group,
    }
    for key, value in facts.items():
        yield Figure(f"question.dataset.{key}", value)
    for key in ("symbols", "per_position"):
        if key in record["question"]["dataset"]:
            yield Figure(f"question.dataset.{key}", getattr(data, key))
    sizes = record["question"]["dataset"].get("n_test_by_class") or ()
    for i, size in enumerate(class_sizes(data.test().labels, data.n_classes) if sizes else ()):
        yield Figure(f"question.dataset.n_test_by_class.{i}", size)
    for i, side in enumerate(data.input_shape):
        yield Figure(f"question.dataset.input_shape.{i}", side)
    for key, value in zip(("target_mean", "target_sd"), data.target_scale() or (), strict=False):
        yield Figure(f"question.dataset.{key}", value)
    yield Figure("question.metric.chance", task.chance(data))


def sizes(record: dict[str, Any], family: Family, data: Dataset) -> Iterator[Figure]:
    """Yield the sizes of every shape that the record's answers name: those that :func:`figures` counts."""
    for group in ("frontier", "knee"):
        for i, point in enumerate(record[group]):
            yield from _sizes(f"{group}.{i}", point, family, data)


def _sizes(field: str, point: dict[str, Any], family: Family, data: Dataset) -> Iterator[Figure]:
    """Build the point's network and count it; count what was attempted and what brackets it."""
    seen = data.at(point["shape"]["resolution"]).input_shape
    network = family.network(seen, data.n_outputs, Shape(**point["shape"]))
    yield Figure(f"{field}.params", count_params(network))
    yield Figure(f"{field}.flops", count_flops(network, seen))
    yield Figure(f"{field}.weight_bytes", weight_bytes(network))
    yield Figure(f"{field}.weight_bytes_int8", weight_bytes_int8(network))
    if "reference" in point:
        yield Figure(f"{field}.reference.params", _params(point["reference"]["shape"], family, data))
    for group in ("attempts", "bracket"):
        for i, part in enumerate(point[group]):
            yield Figure(f"{field}.{group}.{i}.params", _params(part["shape"], family, data))


def _params(shape: dict[str, Any], family: Family, data: Dataset) -> int:
    return family.params(data.at(shape["resolution"]).input_shape, data.n_outputs, Shape(**shape))


def _files(
    field: str, point: dict[str, Any], folder: Path, family: Family, task: Task, data: Dataset
) -> Iterator[Figure]:
    """Count and run the point's networks as files, and rebuild the float one in PyTorch from its weights."""
    data = data.at(point["shape"]["resolution"])
    path, test = folder / point["onnx"]["path"], data.test()
    model = onnx.load(path, load_external_data=False)
    network = family.network(data.input_shape, data.n_outputs, Shape(**point["shape"]))
    weights = weights_of(model, network, data.input_shape)
    yield Figure(f"{field}.params", sum(weight.numel() for weight in weights.values()))
    yield Figure(f"{field}.ram_bytes", ram_bytes(model))
    yield Figure(f"{field}.ram_bytes_int8", ram_bytes(model, int8=True))
    yield Figure(f"{field}.onnx.opset", model.opset_import[0].version)
    for key, file in (("onnx", point["onnx"]), ("onnx.int8", point["onnx"]["int8"])):
        if file is not None:
            outputs = predict_onnx(folder / file["path"], as_fed(test.inputs, family.one_hot(data)))
            error = float(task.error_from_outcomes(task.outcomes(outputs[np.newaxis], test.labels), test.labels)[0])
            yield Figure(f"{field}.{key}.metric", task.metric_from_error(error))
    network.load_state_dict(weights)
    yield Figure(
        f"{field}.onnx.max_abs_difference", parity(network, path, as_fed(test.inputs, family.one_hot(data))), TOLERANCE
    )


def _runs(record: dict[str, Any], rows: list[tuple[dict[str, Any], Trial]]) -> Iterator[Figure]:
    """Find each run's key from its content, and the seeds of fresh runs from the record's one seed and their target."""
    yield Figure("trials.n", sum(trial.key == row["key"] for row, trial in rows))
    seed, targets = record["provenance"]["seed"], _targets(record)
    fresh: dict[Trial, set[int]] = {}
    for _, trial in rows:
        if trial.tested:
            fresh.setdefault(with_seed(trial, 0), set()).add(trial.seed)
    drawn = {
        (trial, target): {one.seed for one in fresh_trials(trial, trial.phase, look, seed, target)}
        for trial, seeds in fresh.items()
        for target in targets
        for look in LOOKS
        if {one.seed for one in fresh_trials(trial, trial.phase, look, seed, target)} <= seeds
    }
    explained = {trial: set[int]().union(*(drawn.get((trial, target), ()) for target in targets)) for trial in fresh}
    yield Figure("provenance.seed", seed if explained == fresh else None)
    for i, point in enumerate(record["frontier"]):
        alike = [
            trial
            for trial in fresh
            if (trial.shape, trial.route, trial.steps, trial.n_train, trial.learning_rate)
            == (Shape(**point["shape"]), point["route"], point["steps"], point["n_train"], point["learning_rate"])
        ]
        own = [trial for trial in alike if (trial, point["target"]) in drawn]  # what it was pruned from may differ
        yield Figure(f"frontier.{i}.target", point["target"] if own else None)
        found = {float(train_flops(trial)) for trial in own}
        yield Figure(f"frontier.{i}.train_flops", point["train_flops"] if point["train_flops"] in found else None)


def _targets(record: dict[str, Any]) -> set[float | None]:
    """Return every target that was tried: those met, those that notes say were not, a knee's limit and reference."""
    missed = [re.match(r"target (\S+) not certified", note) for note in record["notes"]]
    held = re.compile(r"knee: (?:earlier, with less time, )?held to \S+ at (?:least|most) (\S+),")
    limits = [held.match(note) for note in record["notes"]]
    found = {float(each[1]) for each in (*missed, *limits) if each}
    reference = {None} if any(limits) else set()
    return {point["target"] for point in record["frontier"]} | found | reference


def _law(record: dict[str, Any], rows: list[dict[str, Any]], n_val: int | None) -> Iterator[Figure]:
    """Fit the law again to the tuning runs its points stand for."""
    law, chance, seed = record["law"], record["law"]["chance"], record["provenance"]["seed"]
    if len(law["variables"]) > 1:
        cells = [
            GridCell(
                n_train=point["n_train"], errors=_tuned(point, rows), params=point["params"], width=point["width"],
                depth=point["depth"], cost=_work(point, rows), steps=point["steps"],
                resolution=point.get("resolution"), learning_rate=point["learning_rate"],
            )
            for point in law["points"]
        ]  # fmt: skip
        fitted = fit_surface(cells, variables=law["variables"], chance=chance, n_val=n_val, seed=seed)
    else:
        points = [
            Point(point["n_train"], _tuned({**law["shape"], **point}, rows), None, n_val, point["steps"])
            for point in law["points"]
        ]  # fmt: skip
        fitted = fit_curve(points, chance=chance, seed=seed)
    for i, is_same in enumerate(_same_draws(law, fitted)):
        fitted["draws"][i] = law["draws"][i] if is_same else fitted["draws"][i]
    for field, value in leaves({key: fitted[key] for key in FITTED}):
        yield Figure(f"law.{field}", value, FIT)


def _same_draws(law: dict[str, Any], fitted: dict[str, Any]) -> list[bool]:
    """Say of each draw whether it is the same curve as the one fitted again, to 16 x beyond the range.

    The same curve may be written with other numbers: of a coefficient that has next to no effect the fit leaves open
    which value it ends at, and another processor's rounding decides.
    """
    if [draw[0] for draw in law["draws"]] != [draw[0] for draw in fitted["draws"]]:
        return [False] * len(fitted["draws"])
    ends = [np.geomspace(low / BEYOND, high * BEYOND, 9) for low, high in law["valid_range"].values()]
    logs = np.log(np.stack([axis.ravel() for axis in np.meshgrid(*ends)]))
    said, again = (
        draw_log_errors(one, logs) if len(logs) > 1 else log_draws(one, np.exp(logs[0])) for one in (law, fitted)
    )
    return [bool(far <= FIT) for far in np.abs(said - again).max(axis=1)]


FITTED = ("forms", "draws", "interval", "backtest_error", "irreducible_error", "width_floor", "regions")


def _work(point: dict[str, Any], rows: list[dict[str, Any]]) -> float:
    """Return forward flops of all examples that one run saw."""
    [flops, *_] = {
        row["outcome"]["train_flops"] / 3 for row in _tuning(point, rows) if row["outcome"]["val_error"] is not None
    }
    return float(flops)


def _tuning(point: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tuning runs with the point's shape, number of examples and steps."""
    shape = {key: point.get(key) for key in ("width", "depth", "resolution")}
    wanted = ["tune", shape, point["n_train"], point["steps"]]
    return [row for row in rows if wanted == [row["trial"][key] for key in ("phase", "shape", "n_train", "steps")]]


def _tuned(point: dict[str, Any], rows: list[dict[str, Any]]) -> tuple[float, ...]:
    """Return the validation errors, by seed, of the learning rate whose runs have the point's mean and spread."""
    rates: dict[float, dict[int, float]] = {}
    for row in _tuning(point, rows):
        if row["outcome"]["val_error"] is not None:
            rates.setdefault(row["trial"]["learning_rate"], {})[row["trial"]["seed"]] = row["outcome"]["val_error"]
    for errors in rates.values():
        values = [errors[one] for one in sorted(errors)]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        if math.isclose(float(np.mean(values)), point["error"]) and math.isclose(spread, point["sd"], abs_tol=1e-12):
            return tuple(values)
    raise ValueError(f"no tuning runs with n_train {point['n_train']} have the mean and spread of the law's point")


def leaves(values: Any, field: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (field, value) of everything in ``values`` that is no object and no list."""
    inner = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else None
    if inner is None:
        yield field, values
        return
    for key, part in inner:
        yield from leaves(part, f"{field}.{key}" if field else str(key))


def agrees(said: Any, value: Any, within: float) -> bool:
    if isinstance(value, int | float) and isinstance(said, int | float):
        return math.isclose(said, value, rel_tol=within, abs_tol=within)
    return bool(said == value)
