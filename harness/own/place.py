"""Where prepared data lie, and how processes are told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

VARIABLE: Final = "GUIDES_OWN"  # names the folder of prepared data to whatever loads them
FOLDER: Final = "data"  # of prepared data, among the runs


@contextmanager
def found_in(folder: Path) -> Iterator[None]:
    """Tell this process, and those that it starts, where prepared data lie."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder.absolute())
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
