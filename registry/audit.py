"""Hold a record that was found on disk against the whole schema, and the files beside it against their hashes.

The index does so when it is built, never when it is read: this needs pydantic, which a lookup may not wait for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry.errors import BrokenRule
from registry.loader import read_bytes
from registry.store import FOLDER_LIMIT, file_fault, named_files, parse_record


def audit(values: Mapping[str, Any], path: Path, *, complete: bool = True) -> None:
    """Refuse a record that breaks the schema, or whose files are not those it was made with.

    Args:
        values: The record as plain JSON values.
        path: Its ``guideline.json``; the files it names lie beside it.
        complete: Whether every named file must be there. A wheel leaves the trials and large networks out.

    Raises:
        BrokenRule: R-SCHEMA with the first field at fault, or R-FILES with the file.
    """
    for mention in named_files(parse_record(values, str(path))):
        file = path.parent / mention.path
        if not complete and not os.path.lexists(file):
            continue
        if problem := file_fault(read_bytes(file, FOLDER_LIMIT, root=path.parent), mention):
            raise BrokenRule(str(file), "", "R-FILES", problem)
