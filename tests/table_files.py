"""Small files in the form of published tables: California housing's archive, what OpenML sends."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SPECIES = ("setosa", "virginica")


def california(folder: Path, monkeypatch: pytest.MonkeyPatch, n: int = 200) -> np.ndarray:
    """Write an archive of so many block groups, and tell scikit-learn that it is the official one; return its rows."""
    from sklearn.datasets import _california_housing as sklearn_file
    from sklearn.datasets._base import RemoteFileMetadata

    rng = np.random.default_rng(0)
    households = rng.integers(50, 900, size=n).astype(float)
    rows = np.stack(
        [
            rng.uniform(-124, -114, n), rng.uniform(32, 42, n), rng.integers(1, 52, n).astype(float),
            households * rng.uniform(3, 8, n), households * rng.uniform(0.9, 1.3, n),
            households * rng.uniform(2, 4, n), households, rng.uniform(0.5, 15, n),
            rng.integers(15_000, 500_001, n).astype(float),
        ],
        axis=1,
    ).round(4)  # fmt: skip
    text = "\n".join(",".join(f"{value:.6f}" for value in row) for row in rows).encode() + b"\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "cal_housing.tgz"
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("CaliforniaHousing/cal_housing.data")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(sklearn_file, "ARCHIVE", RemoteFileMetadata(path.name, path.as_uri(), checksum))
    return rows


def openml(folder: Path, number: int = 61, n: int = 90, *, target: str = "class", **described: Any) -> bytes:
    """Put what OpenML sends for a table where scikit-learn keeps it; return the table as ARFF.

    Two numbers, some of them missing, a category, a class of two, and an ignored number of each row.
    """
    rng = np.random.default_rng(number)
    lines = ["@RELATION iris", ""]
    lines += ["@ATTRIBUTE row INTEGER", "@ATTRIBUTE length REAL", "@ATTRIBUTE width REAL"]
    lines += ["@ATTRIBUTE colour {white,blue,'deep blue'}", f"@ATTRIBUTE class {{{','.join(SPECIES)}}}", "@DATA"]
    for i in range(n):
        width = "?" if i % 9 == 0 else f"{rng.normal():.3f}"
        colour = ("white", "blue", "'deep blue'", "?")[int(rng.integers(4))]
        lines.append(f"{i},{rng.normal():.3f},{width},{colour},{SPECIES[i % 2]}")
    table = "\n".join(lines).encode() + b"\n"
    kinds = {"row": "numeric", "length": "numeric", "width": "numeric", "colour": "nominal", "class": "nominal"}
    features = [
        {
            "index": str(i), "name": name, "data_type": kind, "is_target": str(name == target).lower(),
            "is_ignore": "false", "is_row_identifier": str(name == "row").lower(),
            "number_of_missing_values": str(n // 9 if name == "width" else 0),
        }
        for i, (name, kind) in enumerate(kinds.items())
    ]  # fmt: skip
    address = f"https://www.openml.org/data/v1/download/{number}/iris.arff"
    description = {
        "id": str(number), "name": "iris", "version": "1", "description": "small", "format": "ARFF",
        "licence": "CC BY 4.0", "url": address, "status": "active", "default_target_attribute": target,
        "md5_checksum": hashlib.md5(table, usedforsecurity=False).hexdigest(), **described,
    }  # fmt: skip
    api = "openml/openml.org/api/v1/json/data"
    sent = {
        f"{api}/{number}": json.dumps({"data_set_description": description}).encode(),
        f"{api}/features/{number}": json.dumps({"data_features": {"feature": features}}).encode(),
        f"{api}/qualities/{number}": json.dumps(
            {"data_qualities": {"quality": [{"name": "NumberOfInstances", "value": str(float(n))}]}}
        ).encode(),
        f"openml/openml.org/data/v1/download/{number}/iris.arff": table,
    }
    for place, content in sent.items():
        path = folder / f"{place}.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content, mtime=0))
    return table
