"""Name the record folders that a pull request touches, for the workflow that validates them; refuse released ones.

Usage: ``changed_records.py TRUSTED CONTRIBUTION``, two checkouts: the branch the pull request aims at, and the result.

Reads NUL-separated file names (``git diff -z``) from standard input and writes NUL-separated record folders, both
relative to the repository's root; folders that are no longer there are named on standard error. The names come from a
stranger: whatever does not look exactly like a path below a record folder is refused, so that nothing odd ever reaches
a command line. What is released is read from the trusted checkout: nothing in such a folder may be touched, and the
list may only grow, by records that are there with that hash. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

SLUG: Final = r"[a-z0-9][a-z0-9-]{1,63}"
RECORD: Final = re.compile(rf"(guidelines/{SLUG}/{SLUG}/{SLUG}/v[1-9][0-9]{{0,5}})/(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/?)+")
TABLE: Final = re.compile(rf"(guidelines/{SLUG}/{SLUG}/literature)/(?:results\.csv|references\.bib|benchmark\.toml)")
MADE_OF_TABLE: Final = re.compile(rf"(guidelines/{SLUG}/{SLUG}/literature)(?:-[a-z0-9-]+)?/")
RELEASE: Final = re.compile(rf"({SLUG}/{SLUG}/{SLUG})@([1-9][0-9]{{0,5}})")
AT_THE_TOP: Final = re.compile(r"guidelines/[A-Za-z0-9_.][A-Za-z0-9_.-]*")
FILE_LIMIT: Final = 1_000_000  # bytes of the list and of a record


def record_folders(names: Iterable[str]) -> list[str]:
    """Return the record folders that hold ``names``, sorted, each once.

    With a table of published results goes its folder: it is held against the records that are made of it.

    Files directly in ``guidelines/`` belong to no record and are left to the reviewer.

    Raises:
        ValueError: If a name is neither in a record folder nor directly in ``guidelines/``.
    """
    folders = set()
    for name in names:
        if match := RECORD.fullmatch(name) or TABLE.fullmatch(name):
            folders.add(match[1])
            if of_table := MADE_OF_TABLE.match(match[1]):
                folders.add(of_table[1])
        elif not AT_THE_TOP.fullmatch(name):
            raise ValueError(f"{name!a} is not in guidelines/<task>/<dataset>/<family>/v<N>/")
    return sorted(folders)


def released(checkout: Path) -> dict[str, Any]:
    """Return the list of released records, ``id@version`` -> hash; empty where there is none.

    Raises:
        ValueError: If it is there but is no such list.
    """
    file = checkout / "guidelines" / "RELEASED.json"
    if not file.exists() and not file.is_symlink():
        return {}
    try:
        hashes = json.loads(_content(file))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        hashes = None
    if not isinstance(hashes, dict):
        raise ValueError("guidelines/RELEASED.json is not a JSON object")
    return hashes


def check_released(folders: Iterable[str], trusted: Path, contribution: Path) -> None:
    """Pass if the contribution leaves what is released alone.

    Args:
        folders: The record folders it touches.
        trusted: A checkout of the branch it aims at: its list counts.
        contribution: A checkout of the result, as data.

    Raises:
        ValueError: If it touches a released folder, drops or changes an entry of the list, or adds one whose record is
            not there with that hash.
    """
    before, after = released(trusted), released(contribution)
    for folder in folders:
        record_id, _, version = folder.removeprefix("guidelines/").rpartition("/v")
        if f"{record_id}@{version}" in before:
            raise ValueError(f"{folder} is released and never changes; publish a new version that supersedes it")
    for name, value in before.items():
        if after.get(name) != value:
            raise ValueError(f"guidelines/RELEASED.json: {name!a} is released and its entry never changes")
    for name in sorted(after.keys() - before.keys()):
        match = RELEASE.fullmatch(name)
        if match is None:
            raise ValueError(f"guidelines/RELEASED.json: {name!a} is not <task>/<dataset>/<family>@<N>")
        record = contribution / "guidelines" / match[1] / f"v{match[2]}" / "guideline.json"
        if not record.is_file() or hashlib.sha256(_content(record)).hexdigest() != after[name]:
            raise ValueError(f"guidelines/RELEASED.json: {name!a} is not there with that hash")


def _content(file: Path) -> bytes:
    if file.is_symlink() or not file.is_file():
        raise ValueError(f"{file.name} is not a plain file")
    with file.open("rb") as opened:
        data = opened.read(FILE_LIMIT + 1)
    if len(data) > FILE_LIMIT:
        raise ValueError(f"{file.name} is larger than {FILE_LIMIT:,} bytes")
    return data


if __name__ == "__main__":
    trusted_checkout, contributed_checkout = map(Path, sys.argv[1:])
    received = sys.stdin.buffer.read().decode("utf-8", "backslashreplace")
    try:
        touched = record_folders(name for name in received.split("\0") if name)
        check_released(touched, trusted_checkout, contributed_checkout)
    except ValueError as error:
        sys.exit(str(error))
    for folder in touched:
        if (contributed_checkout / folder).exists():
            sys.stdout.write(f"{folder}\0")
        else:
            print(f"removed: {folder}", file=sys.stderr)
