"""What every record of published figures begins with, and the licence that any record's figures are under."""

from __future__ import annotations

from typing import Any, Final

from registry.schema import SCHEMA_ID, SCHEMA_VERSION

RECORD_LICENCE: Final = "CC-BY-4.0"


def heading(record_id: str, code_licence: str) -> dict[str, Any]:
    """Return the first fields of a record of published figures; whoever writes it adds ``created``.

    Args:
        record_id: ``task/dataset/family``.
        code_licence: SPDX id of the source's code and networks.
    """
    return {
        "$schema": SCHEMA_ID,
        "schema_version": SCHEMA_VERSION,
        "id": record_id,
        "version": 1,
        "supersedes": None,
        "licence": {"code": code_licence, "data": RECORD_LICENCE},
        "evidence": "published",
    }
