"""Turn rows of published results into records: the same rows give the same records, byte for byte.

A row in the benchmark's main metric is a point of ``<task>/<data set>/literature``; rows of the same network in other
metrics are its further figures. A network without a row in the main metric is a point of ``literature-<metric>``, by
the first of its metrics in ``benchmark.toml``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, final

from registry.errors import BrokenRule
from registry.heading import heading
from registry.literature.benchmark import Benchmark, Metric
from registry.literature.columns import HOW, PRECISIONS, Row
from registry.literature.table import FOLDER, TABLE, Fault, Table
from registry.loader import read_json
from registry.prior import published_bounds, size_of
from registry.store import RECORD_FILE, canonical_json

CITE: Final = "Published results collected by the sizing-guides authors from the sources that each point cites"
MAKE: Final = "python -m harness published literature"
_BYTES: Final = 4  # of a float32 weight


@final
class Built(NamedTuple):
    """A record without the time it was made, and how many rows are in it.

    Args:
        record: Its values.
        n_further: Rows that are further figures of its points.
    """

    record: dict[str, Any]
    n_further: int


def build(table: Table) -> list[Built]:
    """Return the records that a table gives, by metric; none where no row holds."""
    if table.benchmark is None:
        return []
    networks: dict[tuple[object, ...], list[Row]] = {}
    for row in table.rows:
        networks.setdefault(row.network, []).append(row)
    order = list(table.benchmark.metrics)
    groups: dict[str, list[list[Row]]] = {}
    for same in networks.values():
        first, *others = sorted(same, key=lambda row: order.index(row.metric))
        groups.setdefault(first.metric, []).append([first, *others])
    doubled = {model for model, n in Counter(same[0].model for same in networks.values()).items() if n > 1}
    return [
        _record(table, table.benchmark, table.benchmark.metrics[name], groups[name], doubled)
        for name in order
        if name in groups
    ]


def faults(table: Table) -> list[Fault]:
    """Return where the records beside a table are not what it gives; ``created`` is left out."""
    if table.faults and not table.rows:
        return []  # nothing is left to compare with
    found = []
    expected = {}
    for built in build(table):
        family = built.record["id"].rpartition("/")[2]
        expected[family] = built.record
    here = {file.parents[1].name for file in table.folder.parent.glob(f"{FOLDER}*/v1/{RECORD_FILE}")}
    here = {family for family in here if family == FOLDER or family.startswith(f"{FOLDER}-")}
    for family in sorted({*expected, *here}):
        name = f"../{family}/v1/{RECORD_FILE}"
        if family not in expected:
            found.append(Fault(name, 0, "", "L-RECORD", f"is given by no row of {TABLE}: remove it"))
        elif wrong := _differing(table, family, expected[family]):
            field, rule, message = wrong
            if table.faults:  # made now, the record would lack the rows that are refused
                message = message.replace(f": {MAKE}", f" when no row is refused any more: {MAKE}")
            found.append(Fault(name, 0, field, rule, message))
    return found


def _differing(table: Table, family: str, expected: dict[str, Any]) -> tuple[str, str, str] | None:
    """Return (field, rule, message) of the first value of a record that the rows do not give."""
    file = table.folder.parent / family / "v1" / RECORD_FILE
    if not file.exists():
        return "", "L-RECORD", f"is missing; make it: {MAKE}"
    try:
        kept = read_json(file)
    except BrokenRule as fault:
        return "", "L-RECORD", f"{fault.problem}; make it: {MAKE}"
    given = {**expected, "created": kept.get("created")}
    if canonical_json(given) == canonical_json(kept):
        return None
    field, had, gives = _first_difference(kept, given, "")
    return field, "L-RECORD", f"is {had!s:.80}, but {TABLE} gives {gives!s:.80}; make it again: {MAKE}"


def _first_difference(kept: Any, given: Any, field: str) -> tuple[str, Any, Any]:
    """Return the first place where two JSON values differ, and both values there."""
    if isinstance(kept, dict) and isinstance(given, dict):
        keys = sorted({*kept, *given})
        pairs = [(key, kept.get(key, "missing"), given.get(key, "missing")) for key in keys]
    elif isinstance(kept, list) and isinstance(given, list) and len(kept) == len(given):
        pairs = [(str(i), one, other) for i, (one, other) in enumerate(zip(kept, given, strict=True))]
    else:
        lengths = isinstance(kept, list) and isinstance(given, list)
        return (field, f"{len(kept)} entries", f"{len(given)}") if lengths else (field, kept, given)
    key, one, other = next(pair for pair in pairs if pair[1] != pair[2])
    return _first_difference(one, other, f"{field}.{key}" if field else key)


def _record(table: Table, about: Benchmark, metric: Metric, groups: Sequence[list[Row]], doubled: set[str]) -> Built:
    family = FOLDER if metric == about.main else f"{FOLDER}-{metric.name}"
    n_further = sum(len(same) - 1 for same in groups)
    points = [_point(table, about, metric, same, doubled) for same in groups]
    made_from = f"{len(groups)} networks, {n_further} further figures"
    notes = [
        "Each figure is one training as its source states it; low and high rest on a stated prior, not runs.",
        f"Made from {len(groups) + n_further} rows of {FOLDER}/{TABLE}: {made_from}.",
        *([about.note] if about.note else []),
    ]
    record = {
        **heading(f"{table.task}/{table.dataset}/{family}", "NOASSERTION"),
        "authors": ["The sizing-guides authors"],
        "cite": CITE,
        "question": {
            "task": table.task,
            "dataset": {"id": table.dataset, **about.facts},
            "metric": metric.facts(),
        },
        "notes": notes,
        "frontier": sorted(points, key=_order),
    }
    return Built(record, n_further)


def _order(point: dict[str, Any]) -> tuple[bool, int, str, str]:
    return (point["params"] is None, point["params"] or 0, point["name"], point["citation"])


def _point(table: Table, about: Benchmark, metric: Metric, same: list[Row], doubled: set[str]) -> dict[str, Any]:
    row, *others = same
    n_test = about.facts["n_test"]
    is_int8 = (row.precision or "").startswith("int8")
    derived = None if row.params is None or is_int8 else _BYTES * row.params
    weight_bytes = derived if is_int8 or row.flash_bytes is None else row.flash_bytes
    size = size_of(row.params, weight_bytes, row.flash_bytes if is_int8 else None) or _twin_size(table, row)
    bounds = published_bounds(row.value, metric.name, metric.unit, metric.direction, n_test, size)
    low, high = bounds if row.limit is None else (None, None)  # what is only a limit ranks nowhere
    return {
        "name": _name(row, row.model in doubled),
        "shape": None,
        "family_options": {"family": row.family},
        "route": row.route or "scratch",
        "params": row.params,
        "flops": row.flops,
        "train_flops": row.train_flops,
        "train_flops_source": None if row.train_flops_how is None else HOW[row.train_flops_how],
        "weight_bytes": weight_bytes,
        "weight_bytes_int8": row.flash_bytes if is_int8 else None,
        "ram_bytes": None if is_int8 else row.ram_bytes,
        "ram_bytes_int8": row.ram_bytes if is_int8 else None,
        "latency_ratio": None,
        "latency_s": row.latency_s,
        "board": row.board,
        "value": row.value,
        "low": low,
        "high": high,
        "year": row.year,
        "n_train": row.n_train,
        "resolution": row.resolution,
        "pretrained_on": row.pretrained_on,
        "citation": table.references[row.citation],
        "where": row.where,
        "precision": None if row.precision is None else PRECISIONS[row.precision],
        "metrics": {other.metric: other.value for other in others},
        "note": _note(row),
    }


def _twin_size(table: Table, row: Row) -> int | None:
    """Return the params of a network that stands in another precision, too, and is sized there."""
    for other in table.rows:
        if other.network[:2] == row.network[:2] and other.flash_bytes is not None:
            is_int8 = (other.precision or "").startswith("int8")
            return size_of(other.params, None if is_int8 else other.flash_bytes, other.flash_bytes)
    return None


def _name(row: Row, is_doubled: bool) -> str:
    """Return the model's name, with what tells it from others of that name where there are any."""
    side = "" if row.resolution is None else f" at {row.resolution}"
    precision = "" if row.precision is None else f" in {row.precision}"
    return f"{row.model}{side}{precision}" if is_doubled else row.model


def _note(row: Row) -> str | None:
    selected = None if row.selected_on is None else f"selected on the {row.selected_on}"
    mixed = f"{row.precision} weights" if row.precision and " and " in row.precision else None
    origin = None if row.pretrained_on is None else f"trained on {row.pretrained_on}, too"
    limit = None if row.limit is None else f"{row.limit} so much: a target that it meets, not its own result"
    text = "; ".join(part for part in (selected, limit, origin, mixed, row.notes) if part)
    first = text.partition(" ")[0]
    return f"{text if '_' in first else text[:1].upper() + text[1:]}." if text else None
