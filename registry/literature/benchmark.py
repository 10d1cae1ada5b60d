"""What a folder of published results is about: ``benchmark.toml`` beside ``results.csv``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, final

from registry.fields import BOUNDS, Fields

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,40}")  # part of a record's id
_KEYS: Final = {"source", "licence", "note", "n_train", "n_test", "n_classes", "input_shape", "metrics"}
_GUESSES: Final = {"accuracy": 1, "accuracy-top-5": 5}  # classes that an answer names
_METRIC_KEYS: Final = {"unit", "direction", "chance"}


@final
@dataclass(frozen=True)
class Metric:
    """How a column of figures is meant; see ``registry.schema.Metric``.

    Attributes:
        name: Its name.
        unit: Its unit.
        direction: Which way is better.
        chance: Of the best constant answer; None where nobody says.
        least: What no figure can be worse than: chance or, where that is not known, a guess at random.
    """

    name: str
    unit: str
    direction: Literal["higher", "lower"]
    chance: float | None
    least: float | None

    def facts(self) -> dict[str, Any]:
        """Return the ``metric`` of a record."""
        return {"name": self.name, "unit": self.unit, "direction": self.direction, "chance": self.chance}


@final
@dataclass(frozen=True)
class Benchmark:
    """A data set and the metrics its figures are in, the main one first.

    Attributes:
        facts: The ``dataset`` of a record, without its id.
        metrics: By name.
        note: What a reader should know of all figures.
    """

    facts: Mapping[str, Any]
    metrics: Mapping[str, Metric]
    note: str | None

    @property
    def main(self) -> Metric:
        """The metric that the record of this benchmark is in."""
        return next(iter(self.metrics.values()))


def parse(text: str) -> Benchmark:
    """Read ``benchmark.toml``.

    Raises:
        ValueError: If it is no TOML, or a value is missing or cannot be.
    """
    values = tomllib.loads(text)
    fields = Fields(values)
    _refuse_unknown(values, _KEYS, "")
    stated = values.get("metrics")
    if not isinstance(stated, dict) or not stated:
        raise ValueError("metrics: there is none, expected [metrics.accuracy] with unit and direction")
    for name in stated:
        if not _NAME.fullmatch(name):
            raise ValueError(f"metrics: {name[:60]!a} is not in kebab-case: small letters, digits and hyphens")
    n_classes = fields.optional_count("n_classes")
    metrics = {name: _metric(name, part, n_classes) for name, part in stated.items()}
    if fields.get("input_shape") is not None:
        fields.size("input_shape")
    facts = {
        "source": fields.text("source"),
        "licence": fields.text("licence"),
        "sha256": None,
        "n_train": fields.optional_count("n_train"),
        "n_val": None,
        "n_test": fields.optional_count("n_test"),
        "input_shape": fields.get("input_shape"),
        "n_classes": n_classes,
        "group": None,
    }
    return Benchmark(facts, metrics, fields.optional_text("note"))


def _metric(name: str, values: object, n_classes: int | None) -> Metric:
    fields = Fields(values, f"metrics.{name}")
    _refuse_unknown(values, _METRIC_KEYS, f"metrics.{name}.")
    unit = fields.choice("unit", *BOUNDS)
    higher = fields.choice("direction", "higher", "lower") == "higher"
    chance = fields.optional_number("chance", *BOUNDS[unit])
    guesses = min(_GUESSES.get(name, 0) / n_classes, 1) if n_classes else 0
    return Metric(name, unit, "higher" if higher else "lower", chance, (guesses or None) if chance is None else chance)


def _refuse_unknown(values: object, known: set[str], place: str) -> None:
    unknown = sorted(set(values) - known) if isinstance(values, dict) else []
    if unknown:
        raise ValueError(f"{place}{unknown[0]!a}: is not known here, expected {', '.join(sorted(known))}")
