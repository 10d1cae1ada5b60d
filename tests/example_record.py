"""A complete, valid record with its files, small enough to read: two certified networks on made-up digits.

The figures are invented but agree with each other, so every static rule passes; tests change one thing and see
which rule notices.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import rfc8785
from onnx import TensorProto, helper, numpy_helper

from registry.outcomes import encode_bits
from registry.schema import SCHEMA_ID, SCHEMA_VERSION
from registry.statistics import KNEE, best_of_3, knee_limit, summarise

N_SEEDS = 20
N_TEST = 40
N_TRAIN = 1000
BATCH = 32
INPUTS, CLASSES = 64, 10

Shape = dict[str, Any]


def example_record(
    record_id: str = "image-cls/digits/mlp",
    version: int = 1,
    targets: Sequence[float] = (0.9, 0.95),
    *,
    surface: bool = False,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a measured record as plain JSON values, and the bytes of every file it names.

    Args:
        record_id: ``task/dataset/family``.
        version: From 2 on it supersedes the one before.
        targets: Accuracies between chance and 0.975, ascending; the first is met by width 8, the next by 12, 16 ...
        surface: Whether its law is in n_train and params, else in n_train alone.
    """
    task, dataset, family = record_id.split("/")
    runs = Runs(dataset, family)
    files: dict[str, bytes] = {}
    frontier = []
    for position, target in enumerate(targets):
        width = 8 + 4 * position
        network = f"onnx/w{width}-d1.onnx"
        files[network] = tiny_network(width)
        frontier.append(_point(target, width, network, files[network], runs))
    knee = _knee(frontier[0], runs)
    law = _surface(runs) if surface else _law(runs)
    files["trials.jsonl"] = b"".join(json.dumps(line, sort_keys=True).encode() + b"\n" for line in runs.lines)
    record = {
        "$schema": SCHEMA_ID,
        "schema_version": SCHEMA_VERSION,
        "id": record_id,
        "version": version,
        "supersedes": version - 1 if version > 1 else None,
        "created": "2025-01-31T12:00:00Z",
        "licence": {"code": "Apache-2.0", "data": "CC-BY-4.0"},
        "authors": ["An Author"],
        "cite": "An Author (2025), an invented example",
        "evidence": "measured",
        "question": {
            "task": task,
            "dataset": {
                "id": dataset,
                "source": "invented for tests",
                "licence": "CC0-1.0",
                "sha256": "0" * 64,
                "n_train": N_TRAIN,
                "n_val": 200,
                "n_test": N_TEST,
                "input_shape": [INPUTS],
                "n_classes": CLASSES,
                "group": None,
            },
            "metric": {"name": "accuracy", "unit": "fraction", "direction": "higher", "chance": 0.1},
        },
        "notes": ["Invented figures: for tests only."],
        "frontier": frontier,
        "knee": [knee],
        "law": law,
        "baselines": [
            {"name": "majority", "metric": 0.1, "bytes": 1, "flops": 0},
            {"name": "nearest-neighbours", "metric": 0.975, "bytes": 256_000, "flops": 192_000},
            {"name": "linear", "metric": 0.85, "bytes": 2600, "flops": 1280},
        ],
        "recipe": {
            "optimiser": "Adam",
            "schedule": "cosine to 0",
            "batch_size": BATCH,
            "initialisation": "He normal",
            "tuning": "5 rates a factor 2 apart, best mean validation error of 2 seeds",
            "steps_rule": "doubled until validation error improves by less than 3 %",
            "augmentation": "none",
        },
        "cost": {
            "train_flops": math.fsum(line["outcome"]["train_flops"] for line in runs.lines),
            "wall_s": round(math.fsum(line["outcome"]["wall_s"] for line in runs.lines), 3),
            "n_trials": len(runs.lines),
            "energy_estimate": {"kwh": 0.0001, "assumption": "30 W a core"},
        },
        "provenance": {
            "git_sha": "unknown",
            "dirty": True,
            "versions": {"python": "3.12.0"},
            "hardware": {"cpu": "invented"},
            "threads": 1,
            "command": "guides bench --task image-cls --dataset digits --family mlp --target-acc 0.9",
            "seed": 0,
        },
        "trials": {
            "path": "trials.jsonl",
            "sha256": hashlib.sha256(files["trials.jsonl"]).hexdigest(),
            "n": len(runs.lines),
        },
    }
    return record, files


def published_record(record_id: str = "image-cls/digits/mlp", version: int = 1) -> dict[str, Any]:
    """Return a record of somebody's figures; it names no file."""
    record, _ = example_record(record_id, version)
    for key in ("knee", "law", "baselines", "recipe", "cost", "provenance", "trials"):
        del record[key]
    record["question"]["dataset"]["sha256"] = None
    point: dict[str, Any] = {
        "name": "A network of 1998",
        "shape": None,
        "family_options": {},
        "route": "scratch",
        "params": 2600,
        **dict.fromkeys(
            (
                "flops",
                "train_flops",
                "weight_bytes",
                "weight_bytes_int8",
                "ram_bytes",
                "ram_bytes_int8",
                "latency_ratio",
            )
        ),
        "value": 0.98,
        "low": 0.93,
        "high": 1.0,
        "year": 1998,
        "citation": "An Author 1998",
        "where": "table 2",
    }
    return {**record, "evidence": "published", "frontier": [point]}


class Runs:
    """The invented training runs of a record, one line of its trials file each."""

    def __init__(self, dataset: str, family: str) -> None:
        self.lines: list[dict[str, Any]] = []
        self._common = {"dataset": dataset, "family": family, "batch_size": BATCH, "weight_decay": 0.0}
        self._targets: list[float | None] = []

    def test(self, right: list[int], target: float | None, shape: Shape, steps: int, phase: str) -> list[float]:
        """Add runs with so many items right, their seeds the target's own; return each one's validation error."""
        if target not in self._targets:
            self._targets.append(target)
        first = 1000 * len(self._targets)
        val_errors = [round(0.02 + 0.001 * (7 * seed % 11), 6) for seed in range(len(right))]
        for seed, (k, val_error) in enumerate(zip(right, val_errors, strict=True), start=first):
            read = {"test_outcomes": encode_bits([_row(k)]), "test_error": round(1 - k / N_TEST, 12)}
            self._add(val_error, read, shape=shape, steps=steps, phase=phase, seed=seed, tested=True)
        return val_errors

    def tune(self, val_errors: list[float], shape: Shape, steps: int, n_train: int) -> None:
        """Add runs that did not read the test split."""
        unread = {"test_outcomes": None, "test_error": None}
        for seed, val_error in enumerate(val_errors):
            self._add(val_error, unread, shape=shape, steps=steps, phase="tune", seed=seed, n_train=n_train)

    def _add(self, val_error: float, read: dict[str, Any], **facts: Any) -> None:
        trial = {
            **self._common,
            "n_train": N_TRAIN,
            "learning_rate": 0.01,
            "route": "scratch",
            "pruned_from": None,
            "tested": False,
            **facts,
        }
        text = json.dumps(trial, sort_keys=True, separators=(",", ":"))
        shape, steps = trial["shape"], trial["steps"]
        outcome = {
            "status": "ok",
            "val_error": val_error,
            "train_flops": 3 * _flops(shape["width"], shape["depth"]) * steps * BATCH,
            "wall_s": 0.05,
            **read,
        }
        self.lines.append({"key": hashlib.sha256(text.encode()).hexdigest()[:24], "trial": trial, "outcome": outcome})


def write_record(root: Path, record: dict[str, Any], files: dict[str, bytes]) -> Path:
    """Write a record without checking anything, and return its folder."""
    folder = root / str(record["id"]) / f"v{record['version']}"
    folder.mkdir(parents=True)
    (folder / "guideline.json").write_bytes(rfc8785.dumps(record))
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def count_params(width: int, depth: int = 1) -> int:
    """Parameters of the example's dense network, weights and biases."""
    sizes = [INPUTS, *[width] * depth, CLASSES]
    return sum(before * after + after for before, after in itertools.pairwise(sizes))


@cache
def tiny_network(width: int) -> bytes:
    """Return a real ONNX file: a dense network with one hidden layer of ``width`` units, batch size free."""
    rng = np.random.default_rng(width)
    weights = {
        "hidden_weight": rng.normal(0, (2 / INPUTS) ** 0.5, (width, INPUTS)),
        "hidden_bias": np.zeros(width),
        "output_weight": rng.normal(0, (1 / width) ** 0.5, (CLASSES, width)),
        "output_bias": np.zeros(CLASSES),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["input", "hidden_weight", "hidden_bias"], ["sums"], transB=1),
            helper.make_node("Relu", ["sums"], ["hidden"]),
            helper.make_node("Gemm", ["hidden", "output_weight", "output_bias"], ["logits"], transB=1),
        ],
        "dense",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", INPUTS])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def _point(target: float, width: int, network: str, data: bytes, runs: Runs) -> dict[str, Any]:
    """A point that meets ``target`` at the second attempt, with cheaper shapes that do not meet it."""
    least = next(k for k in range(N_TEST + 1) if k / N_TEST >= target)
    shape, narrower = _shape(width, 1), _shape(width - 1, 1)
    flops, params = _flops(width, 1), count_params(width)
    cheaper = [(width - 2, 1), (0, 0)] if count_params(0, 0) < params else [(width - 2, 1)]
    attempt = {"steps": 2000, "learning_rate": 0.01, "n_seeds": N_SEEDS}
    runs.test([least] * 12 + [least - 1] * 8, target, narrower, 2000, "certify")
    return {
        "target": target,
        "shape": shape,
        "family_options": {"activation": "relu"},
        "route": "scratch",
        "n_train": N_TRAIN,
        "params": params,
        "flops": flops,
        "train_flops": 3 * flops * 2000 * BATCH,
        "weight_bytes": 4 * params,
        "weight_bytes_int8": params + 7 * (width + CLASSES),
        "ram_bytes": 4 * (INPUTS + width),
        "ram_bytes_int8": INPUTS + width,
        "latency_ratio": 0.9,
        "steps": 2000,
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "pruned_from": None,
        "test": _test(_about(least, N_SEEDS), target, shape, 2000, "certify", runs),
        "attempts": [
            {**attempt, "shape": narrower, "params": count_params(width - 1), "n_meeting": 12, "verdict": "failed"},
            {**attempt, "shape": shape, "params": params, "n_meeting": N_SEEDS, "verdict": "certified"},
            *(
                {**attempt, "shape": _shape(*one), "params": count_params(*one), "n_meeting": 0, "verdict": "failed"}
                for one in cheaper
            ),
        ],
        "bracket": [_bracket(least, target, _shape(*one), runs) for one in cheaper],
        "onnx": {
            "path": network,
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "opset": 18,
            "metric": least / N_TEST,
            "max_abs_difference": 1e-6,
            "int8": None,
        },
    }


def _knee(point: dict[str, Any], runs: Runs) -> dict[str, Any]:
    """The same point as a knee: as many items wrong as meet its target are within 1.1 x the error of the reference."""
    wrong = math.floor(N_TEST * (1 - point["target"]) + 1e-9)
    halves = next(h for h in range(2 * N_TEST) if math.floor(KNEE * (h / 2 + 0.5) * N_TEST / (N_TEST + 1)) == wrong)
    right = [N_TEST - halves // 2, N_TEST - (halves + 1) // 2] * (N_SEEDS // 2)
    shape = _shape(64, 1)
    runs.tune([0.02, 0.03], shape, 2000, N_TRAIN)
    reference = {
        "shape": shape,
        "params": count_params(64),
        "steps": 2000,
        "learning_rate": 0.01,
        "test": _test(right, None, shape, 2000, "certify", runs),
    }
    limit = knee_limit(reference["test"]["median"], "higher", N_TEST)
    return {**deepcopy(point), "target": None, "onnx": None, "limit": limit, "reference": reference}


def _bracket(least: int, target: float, shape: Shape, runs: Runs) -> dict[str, Any]:
    """A shape that misses the target with 20 seeds, and with 5 seeds at 4 x the steps."""
    return {
        "shape": shape,
        "params": count_params(shape["width"], shape["depth"]),
        "test": _test(_about(least - 6, N_SEEDS), target, shape, 2000, "bracket", runs),
        "test_longer": _test(_about(least - 5, 5), target, shape, 8000, "bracket", runs),
        "verdict": "refuted",
        "steps_tried": [2000, 8000],
    }


def _test(right: list[int], target: float | None, shape: Shape, steps: int, phase: str, runs: Runs) -> dict[str, Any]:
    """The test group of runs that have so many items right."""
    val_errors = runs.test(right, target, shape, steps, phase)
    values = [k / N_TEST for k in right]
    return {
        **summarise(values, target, "higher"),
        "n_diverged": 0,
        "best_of_3": best_of_3(values, val_errors),
        "outcomes": encode_bits([_row(k) for k in right]),
    }


def _about(least: int, n_seeds: int) -> list[int]:
    return [min(N_TEST, least + seed % 3) for seed in range(n_seeds)]


def _row(right: int) -> list[bool]:
    return [item < right for item in range(N_TEST)]


def _shape(width: int, depth: int) -> Shape:
    return {"width": width, "depth": depth, "resolution": None}


def _flops(width: int, depth: int) -> float:
    sizes = [INPUTS, *[width] * depth, CLASSES]
    return 2.0 * sum(before * after for before, after in itertools.pairwise(sizes))


def _law(runs: Runs) -> dict[str, Any]:
    shape = _shape(8, 1)
    errors = {n: 0.01 + 1.2 * n**-0.5 for n in (60, 120, 250, 500, N_TRAIN)}
    for n, error in errors.items():
        runs.tune([error - 0.01, error, error + 0.01], shape, 2000, n)
        runs.tune([error] * 3, shape, 4000, n)  # no better: 2000 steps are enough
    return {
        "shape": shape,
        "forms": [
            {
                "form": "power-law",
                "weight": 1.0,
                "parameters": {"floor": 0.01, "coefficient": 1.2, "exponent": 0.5},
            }
        ],
        "draws": [[1.1 + 0.01 * draw, 0.48 + 0.002 * draw, 0.01] for draw in range(20)],
        "valid_range": {"n_train": [60, N_TRAIN]},
        "points": [
            {"n_train": n, "error": error, "sd": 0.01, "n_seeds": 3, "steps": 2000, "capped": False}
            for n, error in errors.items()
        ],
        "backtest_error": 0.05,
        "width_floor": {"value": 0.01, "low": 0.0, "high": 0.02},
        "irreducible_error": {"value": 0.01, "low": None, "high": 0.02},
        "examples_seen_rule": "steps x 32",
    }


def _surface(runs: Runs) -> dict[str, Any]:
    """A law in n_train and params, calibrated, over a grid of 20 cells."""
    parameters = {
        "data_coefficient": 1.2,
        "data_exponent": 0.5,
        "size_coefficient": 0.8,
        "size_exponent": 0.6,
        "floor": 0.01,
    }
    points = []
    for n, width in itertools.product((60, 120, 250, 500, N_TRAIN), (2, 8, 16, 32)):
        params = count_params(width)
        error = 0.01 + 1.2 * n**-0.5 + 0.8 * params**-0.6
        steps = 1000 * round(n**0.5)
        runs.tune([error - 0.01, error, error + 0.01], _shape(width, 1), steps, n)
        runs.tune([error] * 3, _shape(width, 1), 2 * steps, n)
        size = {"n_train": n, "params": params, "width": width, "depth": 1}
        points.append({**size, "error": error, "sd": 0.01, "n_seeds": 3, "steps": steps, "capped": False})
    return {
        "variables": ["n_train", "params"],
        "shape": None,
        "forms": [{"form": "additive", "weight": 1.0, "parameters": parameters}],
        "draws": [
            [0, 1.2 + 0.01 * (draw - 10), 0.5, 0.8 - 0.01 * (draw % 5 - 2), 0.6, 0.01 + 0.0001 * (draw % 7)]
            for draw in range(20)
        ],
        "interval": {"factor80": 1.6, "factor90": 2.1, "noise": 0.02, "drift": 0.1, "run_sd": 0.08},
        "valid_range": {"n_train": [60, N_TRAIN], "params": [count_params(2), count_params(32)]},
        "points": points,
        "backtest_error": 0.04,
        "width_floor": {"value": 0.048, "low": 0.04, "high": 0.05},
        "irreducible_error": {"value": 0.01, "low": 0.004, "high": 0.02},
        "regions": {"small_data_end": None, "irreducible_start": None},
        "chance": 0.9,
        "examples_seen_rule": "steps x 32",
    }
