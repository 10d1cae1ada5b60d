"""Read published learning curves, each split into what is fitted and what is held out."""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float64

from registry.errors import InvalidData

CURVES: Final = ("curve", "domain", "n", "loss", "split")
LCDB: Final = ("openml_id", "learner", "n_train", "err_test", "err_test_stderr")
HORIZONS: Final = (2, 4)  # of LCDB; the other files say themselves what is held out, the next factor 2
FRACTIONS: Final = ("IC", "BB")  # domains whose loss is an error rate, which no guess exceeds
ERR_0: Final[Mapping[str, float]] = {"BB": 1.001}  # source: arXiv:2209.06640, released settings of M4
# LCDB's curves that are scored: long enough, not solved, and they fall
_LEAST_LARGEST: Final = 1000
_LEAST_ERROR: Final = 0.005
_LEAST_FALL: Final = 0.1


class HeldOut(NamedTuple):
    """One curve: ``n`` and ``error`` are fitted, ``later_n`` and ``later_error`` predicted.

    ``stderr`` is the standard error of each fitted error, where known; ``chance`` bounds the error, where known;
    ``err_0`` is where M4's chance level starts.
    """

    dataset: str
    domain: str
    name: str
    horizon: float
    n: Float64[np.ndarray, " points"]
    error: Float64[np.ndarray, " points"]
    stderr: Float64[np.ndarray, " points"] | None
    later_n: Float64[np.ndarray, " later"]
    later_error: Float64[np.ndarray, " later"]
    chance: float | None
    err_0: float


def read_curves(path: Path, say: Callable[[str], None] | None = None) -> list[HeldOut]:
    """Read a file of curves, of either kind; LCDB's come once a horizon.

    Args:
        path: The file.
        say: Takes a line for each curve that has a cell which cannot be read; such a curve is left out. None: the first
            such cell is an error.

    Raises:
        InvalidData: If the columns are neither's, the file is no text, or, without ``say``, a number is not one.
    """
    columns, lines = _table(path)
    if set(CURVES) <= set(columns):
        return list(_curves(stem(path), path.name, lines, say))
    if set(LCDB) <= set(columns):
        return list(_lcdb(stem(path), path.name, lines, say))
    raise InvalidData(
        f"{path.name} has columns {', '.join(columns)}, expected {', '.join(CURVES)} or {', '.join(LCDB)}"
    )


def holds_curves(path: Path) -> bool:
    """Say whether a file has the columns of curves.

    Raises:
        InvalidData: If it is no text.
    """
    columns, _ = _table(path)
    return set(CURVES) <= set(columns) or set(LCDB) <= set(columns)


def read_baselines(path: Path) -> dict[str, dict[str, float]]:
    """Return the errors of other estimators on the curves of ``path``, by curve; empty where nobody gave them.

    They are in ``<stem>_baselines.csv`` beside it, in the columns M4 and BNSL1.

    Raises:
        InvalidData: If a column is missing or a number is not one.
    """
    beside = path.with_name(f"{stem(path)}_baselines.csv")
    if not beside.exists():
        return {}
    columns, lines = _table(beside)
    if missing := {"curve", "M4", "BNSL1"} - set(columns):
        raise InvalidData(f"{beside.name} has no column {', '.join(sorted(missing))}, expected curve, M4, BNSL1")
    return {
        line["curve"]: {
            method: _number(beside.name, at, line[column]) for method, column in (("m4", "M4"), ("bnsl", "BNSL1"))
        }
        for at, line in lines
    }


def stem(path: Path) -> str:
    """Return a file's name without ``.csv`` or ``.csv.gz``."""
    return path.name.removesuffix(".gz").removesuffix(".csv")


def _table(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    raw = path.read_bytes()
    try:
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InvalidData(f"{path.name} is no text that can be read: {error}") from None
    reader = csv.DictReader(io.StringIO(text))
    return list(reader.fieldnames or ()), enumerate(reader, start=2)


def _curves(
    dataset: str, file: str, lines: Iterator[tuple[int, dict[str, str]]], say: Callable[[str], None] | None
) -> Iterator[HeldOut]:
    found: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    refused: set[tuple[str, str]] = set()
    for at, line in lines:
        key = (line["domain"], line["curve"])
        parts = found.setdefault(key, {"fit": [], "test": []})
        with _left_out(key, refused, say):
            if line["split"] not in ("fit", "test"):
                raise InvalidData(f"{file}, line {at}: split '{line['split']}' is unknown, expected fit or test")
            parts[line["split"]].append((_number(file, at, line["n"]), _number(file, at, line["loss"])))
    for key in refused:
        del found[key]
    for (domain, name), parts in found.items():
        if not (parts["fit"] and parts["test"]):
            continue
        fitted, later = _averaged(parts["fit"]), np.array(sorted(parts["test"]))
        chance = 1.0 if domain in FRACTIONS else None
        top = float(fitted[:, 1].max())
        err_0 = ERR_0.get(domain, 1.0 if top < 1 else top + 1e-3)
        n, error = fitted.T
        yield HeldOut(dataset, domain, name, 2.0, n, error, None, later[:, 0], later[:, 1], chance, err_0)


def _averaged(points: list[tuple[float, float]]) -> Float64[np.ndarray, " points 2"]:
    """Return points with n ascending, those at the same n averaged."""
    at: dict[float, list[float]] = {}
    for n, loss in sorted(points):
        at.setdefault(n, []).append(loss)
    return np.array([(n, math.fsum(losses) / len(losses)) for n, losses in at.items()])


def _lcdb(
    dataset: str, file: str, lines: Iterator[tuple[int, dict[str, str]]], say: Callable[[str], None] | None
) -> Iterator[HeldOut]:
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    refused: set[tuple[str, str]] = set()
    for at, line in lines:
        key = (line["learner"], line["openml_id"])
        points = found.setdefault(key, [])
        with _left_out(key, refused, say):
            points.append(tuple(_number(file, at, line[column]) for column in LCDB[2:]))
    for key in refused:
        del found[key]
    for (learner, name), points in found.items():
        n, error, stderr = np.array(sorted(points)).T
        if n[-1] < _LEAST_LARGEST or error.min() < _LEAST_ERROR or error.min() > (1 - _LEAST_FALL) * error[0]:
            continue
        for horizon in HORIZONS:
            fitted = n <= n[-1] / horizon
            yield HeldOut(
                dataset=dataset,
                domain=learner,
                name=name,
                horizon=float(horizon),
                n=n[fitted],
                error=error[fitted],
                stderr=stderr[fitted],
                later_n=n[~fitted],
                later_error=error[~fitted],
                chance=1.0,
                err_0=1.0,
            )


@contextmanager
def _left_out(key: tuple[str, str], refused: set[tuple[str, str]], say: Callable[[str], None] | None) -> Iterator[None]:
    """Put a curve with a cell that cannot be read among those refused, and say so once; without ``say``, raise."""
    try:
        yield
    except InvalidData as error:
        if say is None:
            raise
        if key not in refused:
            say(f"{' '.join(map(str, key))}: refused: {error.message}")
        refused.add(key)


def _number(file: str, at: int, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidData(f"{file}, line {at}: '{text or ''}' is not a number")
    return value
