"""Find the plug-ins of a seam: one file in its folder, named like the plug-in, holding one ``PLUGIN`` object."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final

from registry.errors import UnknownName, UsageError

SEAMS: Final = {
    "tasks": "task",
    "datasets": "dataset",
    "families": "family",
    "search": "search strategy",
    "executors": "executor",
}


@cache
def names(seam: str) -> tuple[str, ...]:
    """Return the names of every plug-in of ``seam``, sorted: files of its folder and third parties' entry points.

    A file ``breast_cancer.py`` is the plug-in ``breast-cancer``; ``base.py`` is the seam itself.
    Third parties register under the entry-point group ``sizing_guides.<seam>``.
    """
    package = importlib.import_module(f"harness.{seam}")
    own = {m.name.replace("_", "-") for m in pkgutil.iter_modules(package.__path__) if m.name != "base"}
    others = {point.name for point in entry_points(group=f"sizing_guides.{seam}")}
    return tuple(sorted(own | others))


@cache
def load(seam: str, name: str) -> Any:
    """Return the plug-in ``name`` of ``seam``.

    Raises:
        UnknownName: If there is none; carries the closest name.
        UsageError: If its file holds no ``PLUGIN``.
    """
    if name not in names(seam):
        raise UnknownName(SEAMS[seam], name, names(seam))
    for point in entry_points(group=f"sizing_guides.{seam}"):
        if point.name == name:
            return point.load()
    module = importlib.import_module(f"harness.{seam}.{name.replace('-', '_')}")
    try:
        return module.PLUGIN
    except AttributeError:
        raise UsageError(
            f"{module.__name__} defines no PLUGIN object", "see the seam's base.py for its contract"
        ) from None
