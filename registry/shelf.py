"""Find records by id across the roots, and read one; for the commands that name a record or list them all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from registry.errors import DamagedRegistry, InvalidRecord, NoAnswer, UnknownName

if TYPE_CHECKING:
    from registry.index import Index
    from registry.roots import Root


class Listed(NamedTuple):
    """One record version in one root.

    Args:
        id: ``task/dataset/family``.
        version: Its version.
        task: Its task.
        dataset: Its data set.
        family: Its family.
        metric: The metric's name.
        evidence: ``measured`` or ``published``.
        created: When, UTC.
        superseded: Whether a later version in this root replaces it.
        n_targets: Targets it answers.
        path: The record's file.
        root: The root it lies in.
        shadowed: Whether an earlier root has the same version, which wins.
    """

    id: str
    version: int
    task: str
    dataset: str
    family: str
    metric: str
    evidence: str
    created: str
    superseded: bool
    n_targets: int
    path: str
    root: Root
    shadowed: bool


def listed(indexes: list[Index], record_id: str | None = None) -> list[Listed]:
    """Return every record version of every root, or those of one id: by id, version and root."""
    select = (
        "SELECT id, version, task, dataset, records.family, metric, evidence, created, superseded, "
        "(SELECT COUNT(DISTINCT COALESCE(target, point)) FROM points "
        "WHERE points.record = records.record AND points.question = records.question AND kind = 'frontier' "
        "AND NOT of_knee), path "
        "FROM records JOIN questions USING (question)"
    )
    condition, parameters = ("", ()) if record_id is None else (" WHERE id = ?", (record_id,))
    seen: set[tuple[str, int]] = set()
    found = []
    for opened in indexes:
        mine = set()
        for *facts, superseded, n_targets, path in opened.rows(select + condition, parameters):
            name = (facts[0], facts[1])
            where = os.path.join(opened.root.path, path)
            one = (*facts, bool(superseded), n_targets, where, opened.root, name in seen)
            found.append(Listed._make(one))
            mine.add(name)
        seen |= mine
    return sorted(found, key=lambda one: (one.id, one.version, one.shadowed))


def pick(indexes: list[Index], record_id: str, version: int | None) -> list[Listed]:
    """Return one record version, the one that wins first, then where else it lies. Without a version: the latest.

    Raises:
        UnknownName: If there is no such id, or no such version of it.
        InvalidRecord: If its file is there but damaged.
        NoAnswer: If there is no record at all.
    """
    versions = listed(indexes, record_id)
    if not versions:
        _refuse_damaged(indexes, record_id, version)
        _refuse_damaged(indexes, record_id, None)
        refuse_nothing(indexes)
        known = {name for opened in indexes for (name,) in opened.rows("SELECT DISTINCT id FROM records")}
        raise UnknownName("guideline", record_id, known)
    wanted = max(one.version for one in versions) if version is None else version
    chosen = [one for one in versions if one.version == wanted]
    if not chosen:
        _refuse_damaged(indexes, record_id, wanted)
        raise UnknownName("version", f"{record_id}@{wanted}", {f"{one.id}@{one.version}" for one in versions})
    return chosen


def refuse_nothing(indexes: list[Index]) -> None:
    """Raise where the roots hold no record at all.

    Raises:
        NoAnswer: With the command that makes the first one.
        DamagedRegistry: If there are records, but all of them damaged.
    """
    if any(opened.n_records for opened in indexes):
        return
    damaged = [opened.root.path for opened in indexes if opened.damaged()]
    if damaged:
        where = ", ".join(damaged)
        raise DamagedRegistry(f"every guideline in {where} is damaged", f"See: guides validate {' '.join(damaged)}")
    where = ", ".join(opened.root.path for opened in indexes) or "any registry folder"
    raise NoAnswer(
        f"the registry is empty: there is no guideline in {where}",
        "Make the first one: guides bench --task image-cls --dataset digits --family mlp --target-acc 0.95",
    )


def _refuse_damaged(indexes: list[Index], record_id: str, version: int | None) -> None:
    for opened in indexes:
        for line in opened.damaged(*record_id.split("/"), None if version is None else f"v{version}"):
            raise InvalidRecord(line)


def read(one: Listed) -> dict[str, Any]:
    """Return the record as plain JSON values that follow the schema.

    Raises:
        BrokenRule: If its file is damaged.
    """
    from pathlib import Path

    from registry.loader import read_json
    from registry.store import parse_record

    values = read_json(Path(one.path))
    parse_record(values, one.path)
    return values
