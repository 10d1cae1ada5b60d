"""What was counted of torchvision's networks, kept as a table, beside what torchvision states of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from harness import vision
from harness.published.zoo import networks, sizes
from harness.published.zoo.networks import Counted, Regions
from registry.errors import InvalidData

FILE: Final = Path(__file__).parent / "counts.csv"
COLUMNS: Final = ("weights", "params", "flops", "input_shape", "width", "depth", "rule", "explained")
FLOPS_PER_OP: Final = 2e9  # torchvision states 1e9 multiply-adds
WITHIN: Final = 0.02


@final
@dataclass(frozen=True)
class Row:
    """One entry of a weights enumeration: what was counted, and what explains a difference from what is stated."""

    weights: str
    counted: Counted
    explained: str


def every() -> Iterator[Any]:
    """Yield all weights that torchvision has, by builder and then as they are listed."""
    models = vision.load().models
    for name in models.list_models():
        yield from models.get_model_weights(name)


def has_figure(weights: Any) -> bool:
    """Say whether the metadata state a figure: weights made for other tasks have NaN where it would stand."""
    return all(math.isfinite(value) for values in weights.meta["_metrics"].values() for value in values.values())


def stated_flops(weights: Any) -> float:
    """Return the flops of one example that the metadata state: twice the multiply-adds."""
    return round(float(weights.meta["_ops"]) * FLOPS_PER_OP, -6)  # stated to 0.001 of 1e9


def same_params(weights: Any, counted: Counted) -> bool:
    """Say whether as many params were counted as are stated."""
    return counted.params == int(weights.meta["num_params"])


def same_flops(weights: Any, counted: Counted) -> bool:
    """Say whether the flops counted are within 2 % of those stated."""
    return abs(counted.flops / stated_flops(weights) - 1) <= WITHIN


def count(weights: Any) -> Row:
    """Build and count one network; look for what explains a difference from what is stated."""
    counted = networks.count(weights)
    found = []
    if not same_params(weights, counted):
        found.append(_params_explained(weights))
    if not same_flops(weights, counted):
        found.append(_flops_explained(weights))
    return Row(str(weights), counted, "; ".join(found))


def _params_explained(weights: Any) -> str:
    plain = weights.meta.get("unquantized")
    if plain is not None and same_params(weights, networks.count(plain)):
        return "params are stated of the network before quantisation, with the auxiliary classifier its builder drops"
    return "params: not explained"


def _flops_explained(weights: Any) -> str:
    if sizes.kind(weights) == "detection":
        for regions in (Regions(0, 0), Regions(None, 1), Regions(None, 100)):
            tried = networks.count(weights, regions)
            if same_flops(weights, tried):
                return f"flops are stated of {tried.rule.rpartition('flops with ')[2]}"
    return "flops: not explained"


def write(rows: Iterable[Row], path: Path = FILE) -> None:
    """Write the table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            one = row.counted
            shape = "x".join(map(str, one.input_shape))
            sizes = ("" if size is None else size for size in (one.width, one.depth))
            writer.writerow((row.weights, one.params, f"{one.flops:.0f}", shape, *sizes, one.rule, row.explained))


def read(path: Path = FILE) -> dict[str, Row]:
    """Return the rows of the table by the name of their weights.

    Raises:
        InvalidData: If the file is missing or is no such table; names the command that makes it.
    """
    hint = "make it: python -m harness published torchvision --check"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row.weights: row for row in map(_row, csv.DictReader(file))}
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InvalidData(f"{path.name} is no table of counts: {type(error).__name__} {error}", hint) from None


def _row(texts: dict[str, str]) -> Row:
    counted = Counted(
        params=int(texts["params"]),
        flops=float(texts["flops"]),
        input_shape=tuple(map(int, texts["input_shape"].split("x"))),
        width=int(texts["width"]) if texts["width"] else None,
        depth=int(texts["depth"]) if texts["depth"] else None,
        rule=texts["rule"],
    )
    return Row(texts["weights"], counted, texts["explained"])
