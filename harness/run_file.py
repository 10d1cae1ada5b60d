"""The file of a record that holds every run behind it, one a line, no larger than there is room for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from registry.errors import InvalidRecord
from registry.loader import JSON_LIMIT
from registry.store import FOLDER_LIMIT

ROOM: Final = FOLDER_LIMIT - JSON_LIMIT  # bytes of all files of a record but guideline.json


def run_file(rows: Sequence[dict[str, Any]], others: int) -> tuple[bytes, list[str]]:
    """Return runs as lines of JSON, and what a record has to say of them.

    Learning curves of runs that read no test split are left out where there is no room for them: nothing is derived
    from them.

    Args:
        rows: Runs as a ledger keeps them.
        others: Bytes of the record's networks.

    Raises:
        InvalidRecord: If there is no room without curves either.
    """
    data = _lines(rows)
    if others + len(data) <= ROOM:
        return data, []
    data = _lines([row if row["trial"]["tested"] else _without_curve(row) for row in rows])
    if others + len(data) > ROOM:
        raise InvalidRecord(
            f"{len(rows):,} runs are more than a record of {FOLDER_LIMIT:,} bytes can hold",
            "All runs of a question are in its record: ask for fewer targets with another --out",
        )
    return data, ["learning curves of runs that read no test split are left out: there are too many for one record"]


def _without_curve(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "outcome": {**row["outcome"], "curve": []}}


def _lines(rows: Sequence[dict[str, Any]]) -> bytes:
    lines = (json.dumps(row, sort_keys=True, separators=(",", ":"), allow_nan=False) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()
