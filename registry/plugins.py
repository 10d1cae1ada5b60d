"""Name the harness's plug-ins and read their text without importing, and so without running, any of it."""

from __future__ import annotations

import os
from typing import Final

from registry.errors import MissingDependency

_FETCHED: Final = ".fetched import"  # what the file of such a data set says
_FOLDERS: Final = {"task": "tasks", "dataset": "datasets", "family": "families"}


def folder() -> str | None:
    """Return the harness's folder, or None where it is not installed."""
    from importlib.util import find_spec

    spec = find_spec("harness")
    places = spec.submodule_search_locations if spec else None
    return next(iter(places), None) if places else None


def known(kind: str) -> set[str]:
    """Return the names of the ``task``, ``dataset`` or ``family`` plug-ins; none where the harness is not installed."""
    here = folder()
    seam = os.path.join(here, _FOLDERS[kind]) if here else ""
    if not os.path.isdir(seam):
        return set()
    files = (name.removesuffix(".py") for name in os.listdir(seam) if name.endswith(".py"))
    return {name.replace("_", "-") for name in files if name not in ("__init__", "base")}


def datasets(task: str) -> list[str]:
    """Return the names of the data sets whose files say ``task = "..."`` of this task; none without the harness.

    Those that have to be fetched come after those that the package brings.
    """
    here = folder()
    if here is None:
        return []
    line = f'    task = "{task}"\n'
    files = (
        (name, os.path.join(here, "datasets", f"{name.replace('-', '_')}.py")) for name in sorted(known("dataset"))
    )
    found = [(_FETCHED in text, name) for name, path in files if line in (text := _text(path))]
    return [name for _, name in sorted(found)]


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def family_source(family: str) -> str:
    """Return the source text of a family's file.

    Raises:
        MissingDependency: If the harness, or this family of it, is not installed.
    """
    here = folder()
    if here is None:
        raise MissingDependency("the harness is not installed: pip install 'sizing-guides[harness]'")
    try:
        with open(os.path.join(here, "families", f"{family.replace('-', '_')}.py"), encoding="utf-8") as file:
            return file.read()
    except OSError:
        known_here = ", ".join(sorted(known("family"))) or "none"
        raise MissingDependency(f"the family '{family}' is not installed", f"installed: {known_here}") from None
