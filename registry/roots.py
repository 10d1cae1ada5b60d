"""Where records live: the folders that are searched, in order, and the user's cache folder.

Plain ``os.path``: importing ``pathlib`` alone would cost a tenth of a lookup.
"""

import os
import sys
from collections.abc import Iterable
from typing import Final

from registry.errors import DamagedRegistry, UsageError
from registry.tuples import NamedTuple

OWN_FOLDER: Final = "my-guidelines"


class Root(NamedTuple):
    """A folder of records, ``<task>/<dataset>/<family>/v<N>/guideline.json``.

    Args:
        path: The folder, as the user would open it.
        shipped: Whether it came with this package.
    """

    path: str
    shipped: bool = False


def find(explicit: Iterable[str] = ()) -> list[Root]:
    """Return every root, first wins: ``explicit``, ``GUIDES_PATH``, ``./my-guidelines``, the shipped records.

    Raises:
        UsageError: If a folder that was asked for is not one.
    """
    asked = [(path, "--registry") for path in explicit]
    asked += [(path, "GUIDES_PATH") for path in os.environ.get("GUIDES_PATH", "").split(os.pathsep) if path]
    for path, origin in asked:
        if not os.path.isdir(path):
            fault = "is not a folder" if os.path.exists(path) else "does not exist"
            raise UsageError(f"the registry folder '{path}' {fault}", f"it was named by {origin}")
    roots = [Root(path) for path, _ in asked]
    if os.path.isdir(OWN_FOLDER):
        roots.append(Root(OWN_FOLDER))
    roots += shipped()
    unique = {os.path.realpath(root.path): root for root in reversed(roots)}
    return [root for root in roots if unique[os.path.realpath(root.path)] is root]


def shipped() -> list[Root]:
    """Return the checkout's ``guidelines/`` where this package runs from one, or else the wheel's; at most one."""
    package = os.path.dirname(os.path.abspath(__file__))
    checkout = os.path.dirname(package)
    if os.path.isfile(os.path.join(checkout, "pyproject.toml")):
        folder = os.path.join(checkout, "guidelines")
    else:
        folder = os.path.join(package, "_guidelines")
    return [Root(folder, shipped=True)] if os.path.isdir(folder) else []


def cache_folder() -> str:
    """Return the folder for this program's caches; it need not exist."""
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(chosen):
        return os.path.join(chosen, "sizing-guides")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/sizing-guides")
    if sys.platform == "win32":
        return os.path.join(os.environ.get("LOCALAPPDATA", os.path.expanduser("~")), "sizing-guides", "Cache")
    return os.path.expanduser("~/.cache/sizing-guides")


def folders(path: str) -> list[str]:
    """Return the names of the plain folders inside ``path``, sorted; hidden ones and links are left out.

    Raises:
        DamagedRegistry: If the folder cannot be read.
    """
    try:
        with os.scandir(path) as entries:
            return sorted(
                entry.name for entry in entries if entry.name[0] not in "._" and entry.is_dir(follow_symlinks=False)
            )
    except OSError as error:
        raise DamagedRegistry(f"cannot read the registry folder '{path}': {error.strerror}") from None
