"""No number of a record can be changed by hand unnoticed, but for those listed here with the reason."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from registry.rules.record import Record
from registry.store import canonical_json
from registry.validate import RULES
from tests.example_record import example_record, write_record
from tests.recount import Figure, agrees, at, figures, leaves, network_of, sizes
from tests.shipped import MEASURED

pytestmark = pytest.mark.whole_study

# Not even the harness can derive these again.
NOT_DERIVABLE = {
    "frontier.*.latency_ratio": "a time, measured on the machine that made the record",
    "frontier.*.onnx.max_abs_difference": "differs by processor in its last digits; held to the tolerance of parity",
    "baselines.*.metric": "of what is fitted by iteration: may differ by processor by an item, held to 0.01",
    "baselines.*.bytes": "of boosted trees: may differ by processor by a node, held to a fifth",
    "provenance.threads": "how the record was made: nothing in it depends on this",
}

# The registry alone cannot derive these again, as it has neither data, networks nor the fit; the harness does.
NEEDS_HARNESS = {
    "question.dataset.n_train": "at least what the runs trained on; counted on the data set",
    "question.dataset.n_val": "counted on the data set",
    "question.dataset.input_shape.*": "read from the data set",
    "question.dataset.n_classes": "read from the data set",
    "question.metric.chance": "counted on the data set",
    "frontier.*.flops": "counted on the network, built again",
    "frontier.*.weight_bytes_int8": "counted on the network, built again",
    "frontier.*.ram_bytes": "counted on the network's file",
    "frontier.*.ram_bytes_int8": "counted on the network's file",
    "frontier.*.target": "the seeds of its fresh runs are drawn from it again",
    "frontier.*.attempts.*.params": "counted on the network, built again",
    "frontier.*.reference.params": "of a knee; counted on the network, built again",
    "frontier.*.onnx.metric": "the network's file is run on the test split",
    "baselines.*.flops": "the baselines are fitted again",
    "cost.energy_estimate.kwh": "the estimate is made again from cost.wall_s",
    "law.forms.*.parameters.*": "the law is fitted again",
    "law.draws.*.*": "the law is fitted again",
    "law.backtest_error": "the law is fitted again",
    "law.irreducible_error.*": "the law is fitted again",
    "law.width_floor.*": "the law is fitted again",
    "provenance.seed": "the seeds of fresh runs are drawn from it again",
}


def test_no_number_of_a_record_changes_unnoticed_by_the_rules(root: Path) -> None:
    record, files = example_record()
    folder = write_record(root, record, files)
    found = {_pattern(field).replace("knee.", "frontier.") for field in _unnoticed(record, folder, ())}

    assert found == set(NEEDS_HARNESS | NOT_DERIVABLE)


@pytest.mark.xdist_group("small-study")
def test_no_number_of_a_record_changes_unnoticed_by_the_rules_and_the_harness(
    small_record: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(small_record, tmp_path / "records" / Path(*small_record.parts[-4:]))
    record = json.loads((folder / "guideline.json").read_bytes())
    derived = list(figures(record, folder))

    assert {_pattern(field) for field in _unnoticed(record, folder, derived)} <= set(NOT_DERIVABLE)


@pytest.mark.parametrize("shipped", MEASURED[:1])
def test_no_number_of_a_shipped_record_changes_unnoticed(shipped: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(shipped, tmp_path / "records" / Path(*shipped.parts[-4:]))
    record = json.loads((folder / "guideline.json").read_bytes())
    derived = list(figures(record, folder))

    unnoticed = {_pattern(field) for field in _unnoticed(record, folder, derived, alike=1)}
    assert {pattern.replace("knee.", "frontier.") for pattern in unnoticed} <= set(NOT_DERIVABLE)


def _unnoticed(
    record: dict[str, Any], folder: Path, derived: Sequence[Figure], alike: int | None = None
) -> Iterator[str]:
    """Yield each field with a number whose change neither a rule nor a figure derived again contradicts.

    Args:
        record: The record in ``folder``, whose file is changed on the way.
        folder: Its folder.
        derived: What the harness derives again; none leaves it to the rules alone.
        alike: How many fields of one pattern to change; None changes all.
    """
    again: dict[str, list[Figure]] = {}
    for figure in derived:
        again.setdefault(figure.field, []).append(figure)
    changed: dict[str, int] = {}
    for field, value in leaves(record):
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        changed[_pattern(field)] = changed.get(_pattern(field), 0) + 1
        if alike is not None and changed[_pattern(field)] > alike:
            continue
        for other in _others(value):
            edited = _with(record, field, other)
            if (
                all(agrees(other, figure.value, figure.within) for figure in again.get(field, ()))
                and not _breaks_a_rule(edited, folder)
                and not (derived and ".shape." in field and _is_of_other_size(edited))
            ):
                yield field
                break


def _is_of_other_size(record: dict[str, Any]) -> bool:
    """Say whether a shape of the record is not of the params it says: figures were derived for the shape it was."""
    found = sizes(record, *network_of(record))
    return any(not agrees(at(record, field), value, within) for field, value, within in found)


def _others(value: float) -> tuple[float, ...]:
    """Return what a number is changed to: one more and one less, or a hundredth of it where it is none or a sum."""
    if value == 0:
        return (1, 0.01)
    return (value + 1, value - 1) if isinstance(value, int) and value < 1e9 else (value * 1.01, value * 0.99)


def _with(record: dict[str, Any], field: str, value: float) -> dict[str, Any]:
    changed = copy.deepcopy(record)
    parent, _, key = field.rpartition(".")
    holder = at(changed, parent) if parent else changed
    holder[int(key) if isinstance(holder, list) else key] = value
    return changed


def _breaks_a_rule(record: dict[str, Any], folder: Path) -> bool:
    (folder / "guideline.json").write_bytes(canonical_json(record))
    seen = Record(folder)
    return any(True for rule in RULES for _ in rule.check(seen))


def _pattern(field: str) -> str:
    """Return the field with every list position, and the key of a bound or a parameter, as a star."""
    starred = re.sub(r"\.\d+", ".*", field)
    return re.sub(r"^(law\.(?:irreducible_error|width_floor|forms\.\*\.parameters))\..*", r"\1.*", starred)
