"""Find the plug-ins of a seam: one file in its folder, named like the plug-in, holding one ``PLUGIN`` object."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from registry.errors import UnknownName, UsageError

SEAMS: Final = {
    "tasks": "task",
    "datasets": "dataset",
    "sources": "source of data sets",
    "families": "family",
    "search": "search strategy",
    "executors": "executor",
}
_SOURCES: Final = {"datasets": ("sources",)}  # seams whose plug-ins answer for names of this one, and are none of it


@cache
def names(seam: str) -> tuple[str, ...]:
    """Return the names of every plug-in of ``seam``, sorted: files of its folder and third parties' entry points.

    A file ``breast_cancer.py`` is the plug-in ``breast-cancer``; ``base.py`` is the seam itself.
    Third parties register a ``PLUGIN`` object under the entry-point group ``sizing_guides.<seam>``.
    """
    return tuple(sorted({*_own(seam), *(point.name for point in _others(seam))}))


@cache
def load(seam: str, name: str) -> Any:
    """Return the plug-in ``name`` of ``seam``, or the variant so called. Only its own file is imported.

    A plug-in with a method ``variant`` answers for every name ``<its own>-<suffix>`` that is no plug-in itself; where
    several could, the one with the longest name does. A source of data sets answers for names of data sets.

    Raises:
        UnknownName: If there is none; carries the closest name.
        UsageError: If its file holds no ``PLUGIN``, its entry point cannot be loaded, or two plug-ins have this name.
    """
    if name not in names(seam):
        stems = {known: place for place in (*_SOURCES.get(seam, ()), seam) for known in names(place)}
        if stem := max((known for known in stems if name.startswith(f"{known}-")), key=len, default=None):
            plugin = load(stems[stem], stem)
            if hasattr(plugin, "variant"):
                return plugin.variant(name.removeprefix(f"{stem}-"))
        raise UnknownName(SEAMS[seam], name, names(seam))
    others = [point for point in _others(seam) if point.name == name]
    places = [*(_place(point) for point in others), *(["this package"] if name in _own(seam) else [])]
    if len(places) > 1:  # which one ran would depend on what happens to be installed
        raise UsageError(
            f"{len(places)} plug-ins are called {SEAMS[seam]} '{name}': {', '.join(places)}",
            "uninstall all but one of them",
        )
    return _load_entry_point(others[0]) if others else _load_file(seam, name)


def _own(seam: str) -> set[str]:
    package = importlib.import_module(f"harness.{seam}")
    return {file.name.replace("_", "-") for file in pkgutil.iter_modules(package.__path__) if file.name != "base"}


def _others(seam: str) -> tuple[EntryPoint, ...]:
    return tuple(installed().select(group=f"sizing_guides.{seam}"))


@cache
def installed() -> Any:
    """Return every entry point there is, of a type that Python's version decides: reading them takes some 30 ms."""
    return entry_points()


def _place(point: EntryPoint) -> str:
    return f"{point.value} of {point.dist.name}" if point.dist else point.value


def _load_entry_point(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"plug-in '{point.name}' ({_place(point)}) cannot be loaded: {error}", "reinstall or uninstall it"
        ) from error


def _load_file(seam: str, name: str) -> Any:
    module = importlib.import_module(f"harness.{seam}.{name.replace('-', '_')}")
    try:
        return module.PLUGIN
    except AttributeError:
        raise UsageError(
            f"{module.__name__} defines no PLUGIN object", "see the seam's base.py for its contract"
        ) from None
