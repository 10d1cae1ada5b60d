"""Records of published figures with training compute, invented for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness import cited
from registry.heading import heading
from registry.prior import published_bounds

Point = dict[str, Any]


def point(name: str, error: float, train_flops: float | None, **changes: Any) -> Point:
    """Return a published point with an accuracy of 1 - error; ``changes`` replace any of its fields."""
    value = round(1 - error, 9)
    low, high = published_bounds(value, "accuracy", "fraction", "higher", None, changes.get("params", 1000))
    return {
        "name": name,
        "shape": None,
        "route": "scratch",
        "params": 1000,
        "flops": None,
        "train_flops": train_flops,
        "train_flops_source": None if train_flops is None else "stated",
        "weight_bytes": None,
        "weight_bytes_int8": None,
        "ram_bytes": None,
        "ram_bytes_int8": None,
        "latency_ratio": None,
        "value": value,
        "low": low,
        "high": high,
        "year": None,
        "citation": "An Author 2020",
        "where": "Table 1",
        **changes,
    }


def record(points: Sequence[Point], family: str = "literature", metric: str = "accuracy") -> dict[str, Any]:
    """Return a record of ``image-cls/blobs`` with these points; without ``created``, as writers make them."""
    return {
        **heading(f"image-cls/blobs/{family}", "CC-BY-4.0"),
        "authors": ["An Author"],
        "cite": "An Author (2020), invented for tests",
        "question": {
            "task": "image-cls",
            "dataset": {
                "id": "blobs", "source": "invented", "licence": "CC0-1.0", "sha256": None, "n_train": None,
                "n_val": None, "n_test": None, "input_shape": None, "n_classes": None, "group": None,
            },
            "metric": {"name": metric, "unit": "fraction", "direction": "higher", "chance": None},
        },
        "notes": [],
        "frontier": list(points),
    }  # fmt: skip


def power_law(n: int, exponent: float, *, noise: float = 0.1, seed: int = 0, **changes: Any) -> list[Point]:
    """Return ``n`` points whose compute grows as (1 / error) ** exponent, errors scattered by so much in logarithm.

    Each has a source of its own.
    """
    rng = np.random.default_rng(seed)
    compute = np.geomspace(1e15, 1e20, n)
    error = 0.4 * (compute / compute[0]) ** (-1 / exponent) * np.exp(noise * rng.standard_normal(n))
    return [
        point(f"net {i}", float(e), float(c), **{"citation": f"Author {i}", **changes})
        for i, (e, c) in enumerate(zip(error, compute, strict=True))
    ]


def write(root: Path, *records: dict[str, Any]) -> Path:
    """Write records into a root, as if published; return the root."""
    for one in records:
        cited.write(root, one)
    return root
