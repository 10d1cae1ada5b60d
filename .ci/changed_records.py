"""Name the record folders that a pull request touches, for the workflow that validates them.

Reads NUL-separated file names (``git diff -z``) from standard input and writes NUL-separated record folders, both
relative to the repository's root; folders that are no longer there are named on standard error. The names come from a
stranger: whatever does not look exactly like a path below a record folder is refused, so that nothing odd ever reaches
a command line. Standard library only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

SLUG: Final = r"[a-z0-9][a-z0-9-]{1,63}"
RECORD: Final = re.compile(rf"(guidelines/{SLUG}/{SLUG}/{SLUG}/v[1-9][0-9]{{0,5}})/(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/?)+")
AT_THE_TOP: Final = re.compile(r"guidelines/[A-Za-z0-9_.][A-Za-z0-9_.-]*")


def record_folders(names: Iterable[str]) -> list[str]:
    """Return the record folders that hold ``names``, sorted, each once.

    Files directly in ``guidelines/`` belong to no record and are left to the reviewer.

    Raises:
        ValueError: If a name is neither in a record folder nor directly in ``guidelines/``.
    """
    folders = set()
    for name in names:
        if match := RECORD.fullmatch(name):
            folders.add(match[1])
        elif not AT_THE_TOP.fullmatch(name):
            raise ValueError(f"{name!a} is not in guidelines/<task>/<dataset>/<family>/v<N>/")
    return sorted(folders)


if __name__ == "__main__":
    checkout = Path(sys.argv[1])
    received = sys.stdin.buffer.read().decode("utf-8", "backslashreplace")
    try:
        touched = record_folders(name for name in received.split("\0") if name)
    except ValueError as error:
        sys.exit(str(error))
    for folder in touched:
        if (checkout / folder).exists():
            sys.stdout.write(f"{folder}\0")
        else:
            print(f"removed: {folder}", file=sys.stderr)
