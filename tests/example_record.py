"""A complete, valid record with its files, small enough to read: two certified networks on made-up digits.

The figures are invented but agree with each other, so every static rule passes; tests change one thing and see
which rule notices.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import rfc8785
from onnx import TensorProto, helper, numpy_helper

from registry.outcomes import encode_bits
from registry.schema import SCHEMA_ID, SCHEMA_VERSION
from registry.statistics import best_of_3, summarise

N_SEEDS = 20
N_TEST = 40
INPUTS, CLASSES = 64, 10


def example_record(
    record_id: str = "image-cls/digits/mlp", version: int = 1, targets: Sequence[float] = (0.9, 0.95)
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return a measured record as plain JSON values, and the bytes of every file it names.

    Args:
        record_id: ``task/dataset/family``.
        version: From 2 on it supersedes the one before.
        targets: Accuracies between chance and 0.975, ascending; the first is met by width 8, the next by 12, 16 ...
    """
    task, dataset, _ = record_id.split("/")
    trials: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    frontier = []
    for position, target in enumerate(targets):
        width = 8 + 4 * position
        network = f"onnx/w{width}-d1.onnx"
        files[network] = tiny_network(width)
        frontier.append(_point(target, width, network, files[network], trials))
    knee = _point(None, 8, None, b"", trials)
    files["trials.jsonl"] = b"".join(json.dumps(trial, sort_keys=True).encode() + b"\n" for trial in trials)
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
                "n_train": 1000,
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
        "law": _law(),
        "baselines": [
            {"name": "majority", "metric": 0.1, "bytes": 1, "flops": 0},
            {"name": "nearest-neighbours", "metric": 0.975, "bytes": 256_000, "flops": 192_000},
        ],
        "recipe": {
            "optimiser": "Adam",
            "schedule": "cosine to 0",
            "batch_size": 32,
            "initialisation": "He normal",
            "tuning": "5 rates a factor 2 apart, best mean validation error of 2 seeds",
            "steps_rule": "doubled until validation error improves by less than 3 %",
            "augmentation": "none",
        },
        "cost": {
            "train_flops": 1e9,
            "wall_s": 12.5,
            "n_trials": len(trials),
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
            "n": len(trials),
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
        "low": 0.96,
        "year": 1998,
        "citation": "An Author 1998",
        "where": "table 2",
    }
    return {**record, "evidence": "published", "frontier": [point]}


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


def _point(
    target: float | None, width: int, network: str | None, data: bytes, trials: list[dict[str, Any]]
) -> dict[str, Any]:
    """A point whose seeds all meet ``target``, with two cheaper shapes that do not."""
    least = 37 if target is None else next(k for k in range(N_TEST + 1) if k / N_TEST >= target)
    shape = {"width": width, "depth": 1, "resolution": None}
    flops = 2.0 * (INPUTS * width + width * CLASSES)
    params = count_params(width)
    attempt = {"params": params, "steps": 2000, "learning_rate": 0.01, "n_seeds": N_SEEDS}
    cheaper = [] if target is None else [(width - 2, 1), (0, 0)] if count_params(0, 0) < params else [(width - 2, 1)]
    return {
        "target": target,
        "shape": shape,
        "family_options": {"activation": "relu"},
        "route": "scratch",
        "n_train": 1000,
        "params": params,
        "flops": flops,
        "train_flops": 3 * flops * 2000 * 32,
        "weight_bytes": 4 * params,
        "weight_bytes_int8": params + 7 * (width + CLASSES),
        "ram_bytes": 4 * (INPUTS + width),
        "ram_bytes_int8": INPUTS + width,
        "latency_ratio": 0.9,
        "steps": 2000,
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "pruned_from": None,
        "test": _test(least, target, shape, 2000, "certify", trials),
        "attempts": []
        if target is None
        else [
            {
                **attempt,
                "shape": {**shape, "width": width - 1},
                "params": count_params(width - 1),
                "n_meeting": 14,
                "verdict": "failed",
            },
            {**attempt, "shape": shape, "n_meeting": N_SEEDS, "verdict": "certified"},
        ],
        "bracket": [
            {
                "shape": {"width": narrow, "depth": depth, "resolution": None},
                "params": count_params(narrow, depth),
                "test": _test(
                    least - 6,
                    target,
                    {"width": narrow, "depth": depth, "resolution": None},
                    8000,
                    "bracket",
                    trials,
                ),
                "verdict": "refuted",
                "steps_tried": [2000, 8000],
            }
            for narrow, depth in cheaper
        ],
        "onnx": None
        if network is None
        else {
            "path": network,
            "sha256": hashlib.sha256(data).hexdigest(),
            "bytes": len(data),
            "opset": 18,
            "metric": least / N_TEST,
            "max_abs_difference": 1e-6,
            "int8": None,
        },
    }


def _test(
    least: int, target: float | None, shape: dict[str, Any], steps: int, phase: str, trials: list[dict[str, Any]]
) -> dict[str, Any]:
    """Twenty invented seeds with ``least`` to ``least + 2`` items right; their trials are appended to ``trials``."""
    right = [min(N_TEST, least + seed % 3) for seed in range(N_SEEDS)]
    rows = [[item < k for item in range(N_TEST)] for k in right]
    values = [k / N_TEST for k in right]
    val_errors = [round(0.02 + 0.001 * (7 * seed % 11), 6) for seed in range(N_SEEDS)]
    for seed, (row, val_error) in enumerate(zip(rows, val_errors, strict=True)):
        trial = {
            "shape": shape,
            "n_train": 1000,
            "seed": 1000 + seed,
            "learning_rate": 0.01,
            "steps": steps,
            "route": "scratch",
            "phase": phase,
            "tested": True,
        }
        outcome = {"status": "ok", "val_error": val_error, "test_outcomes": encode_bits([row])}
        trials.append({"trial": trial, "outcome": outcome})
    return {
        **summarise(values, target, "higher"),
        "n_diverged": 0,
        "best_of_3": best_of_3(values, val_errors),
        "outcomes": encode_bits(rows),
    }


def _law() -> dict[str, Any]:
    sizes = [60, 120, 250, 500, 1000]
    parameters = {"floor": 0.01, "coefficient": 1.2, "exponent": 0.5}
    return {
        "shape": {"width": 8, "depth": 1, "resolution": None},
        "forms": [{"form": "power-law", "weight": 1.0, "parameters": parameters}],
        "draws": [[1.1 + 0.01 * draw, 0.48 + 0.002 * draw, 0.01] for draw in range(20)],
        "valid_range": {"n_train": [60, 1000]},
        "points": [
            {
                "n_train": n,
                "error": 0.01 + 1.2 * n**-0.5,
                "sd": 0.01,
                "n_seeds": 3,
                "steps": 2000,
                "capped": False,
            }
            for n in sizes
        ],
        "backtest_error": 0.05,
        "width_floor": {"value": 0.01, "low": 0.0, "high": 0.02},
        "irreducible_error": {"value": 0.01, "low": None, "high": 0.02},
        "examples_seen_rule": "steps x 32",
    }
