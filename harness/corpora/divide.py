"""Put files into train, val and test: whole files, and those that are near copies of each other together.

A random split of snippets would leak: the same file answers for its own test snippets.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations
from typing import Final, Literal

Part = Literal["train", "val", "test"]

SHARES: Final = 10  # one of ten files is for val, one for test
LINES: Final = 4  # a run of so many lines is what is compared
SHORTEST: Final = 6  # characters of a line that counts: closing brackets, "else:" and blank lines do not
FEWEST: Final = 20  # runs that two files have in common ...
SHARE: Final = 0.25  # ... and their share of the shorter file's, from which they are near copies


def part_of(files: Mapping[str, bytes]) -> dict[str, Part]:
    """Return the part of each file: by a hash of its path, or of the first path among its near copies.

    Args:
        files: Content by path.
    """
    parts: dict[str, Part] = {}
    for path, first in together(files).items():
        drawn = int.from_bytes(hashlib.sha256(first.encode()).digest()[:8], "big") % SHARES
        parts[path] = "val" if drawn == 0 else "test" if drawn == 1 else "train"
    return parts


def together(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return for each file the first path, in alphabetical order, among those it is a near copy of, and theirs.

    Two files are near copies if they share at least 20 runs of 4 consecutive lines, and these are at least a quarter of
    the runs of the shorter one. Lines are compared without indentation; lines below 6 characters are left out.
    """
    runs = {path: _runs(content) for path, content in files.items()}
    holders: dict[bytes, list[str]] = defaultdict(list)
    for path in sorted(files):
        for run in runs[path]:
            holders[run].append(path)
    shared: dict[tuple[str, str], int] = defaultdict(int)
    for paths in holders.values():
        for pair in combinations(paths, 2):
            shared[pair] += 1
    first = {path: path for path in files}
    for (one, other), n in sorted(shared.items()):
        if n >= FEWEST and n >= SHARE * min(len(runs[one]), len(runs[other])):
            joined = {first[one], first[other]}
            first.update({path: min(joined) for path, old in first.items() if old in joined})
    return first


def _runs(content: bytes) -> set[bytes]:
    lines = [line for line in map(bytes.strip, content.split(b"\n")) if len(line) >= SHORTEST]
    return {b"\n".join(lines[at : at + LINES]) for at in range(len(lines) - LINES + 1)}
