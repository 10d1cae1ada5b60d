"""Write records of published figures: those that changed, and only those."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from registry.errors import BrokenRule, InvalidRecord
from registry.loader import read_json
from registry.store import RECORD_FILE, Store, canonical_json
from registry.validate import examine


def write(root: Path, record: dict[str, Any]) -> bool:
    """Write a record in place of the one that is there; say whether it differs in more than when it was made.

    Raises:
        InvalidRecord: If it breaks a rule of validation.
        BrokenRule: If that version is released.
    """
    file = root / record["id"] / f"v{record['version']}" / RECORD_FILE
    try:
        before = read_json(file)
    except BrokenRule:  # none yet, or a damaged one
        before = {}
    created = before.get("created")
    if created and canonical_json({**record, "created": created}) == canonical_json(before):
        return False
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = {**record, "created": now}
    found = examine(made, {})
    if found:
        raise InvalidRecord(f"{record['id']} v{record['version']}: {found[0]}")
    Store(root).replace(made, {})
    return True
