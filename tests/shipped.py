"""The records that ship with the repository, as parameters of tests about each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from registry.store import Store

ROOT: Final = Path(__file__).parents[1] / "guidelines"
NO_RECORD: Final = pytest.param(None, marks=pytest.mark.skip(reason="guidelines/ holds no record yet"), id="no-record")
FOLDERS: Final = [*Store(ROOT).records()]
RECORDS: Final = [pytest.param(path, id=path.relative_to(ROOT).as_posix()) for path in FOLDERS] or [NO_RECORD]
MEASURED: Final = [
    pytest.param(path, id=path.relative_to(ROOT).as_posix())
    for path in FOLDERS
    if b'"evidence":"measured"' in (path / "guideline.json").read_bytes()
] or [NO_RECORD]
