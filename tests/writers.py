"""Writers in processes of their own, to be raced or killed: ``python -m tests.writers KIND ROOT ...``."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from registry.errors import VersionExists
from registry.store import Store
from tests.example_record import example_record, published_record

CALLS = ("mkdir", "open", "write", "fsync", "pwrite", "rename", "rmdir", "unlink", "close")


def race(root: Path, n_ids: int) -> dict[str, int]:
    """Publish version 1 of ``n_ids`` ids, and count wins and clear refusals."""
    record = published_record()
    counts = {"won": 0, "refused": 0}
    for number in range(n_ids):
        name = f"data-{number}"
        record["id"] = f"image-cls/{name}/mlp"
        record["question"]["dataset"]["id"] = name
        try:
            Store(root).publish(record, {})
        except VersionExists:
            counts["refused"] += 1
        else:
            counts["won"] += 1
    return counts


def die_at_every_call(roots: Path, action: str) -> list[list[str]]:
    """Fork writers that are killed at their 1st, 2nd ... system call, each in a root of its own, until one lives.

    Before each, its root holds nothing (``publish``) or the old version (``replace``).

    Returns:
        The first notes of the records that a reader found in each root.
    """
    old, files = example_record()
    new = {**old, "notes": ["the new one"]}
    seen = []
    for deadly in itertools.count(1):
        store = Store(roots / str(deadly))
        if action == "replace":
            store.replace(old, files)
        child = os.fork()
        if child == 0:
            _kill_self_at(deadly)
            (store.replace if action == "replace" else store.publish)(new, files)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        seen.append([store.read(path).notes[0] for path in store.records()])
        if not os.WIFSIGNALED(status):
            break
    return seen


def _kill_self_at(deadly: int) -> None:
    """Replace this process's system calls by ones that count, and kill it at the ``deadly``-th."""
    count = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return made

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))


def write_for_ever(root: Path) -> None:
    """Publish versions 1, 2 ... and replace each, until killed."""
    record, files = example_record()
    store = Store(root)
    print("ready", flush=True)
    while True:
        record["version"] = store.next_version(record["id"])
        record["supersedes"] = record["version"] - 1 or None
        store.publish(record, files)
        store.replace(record, files)


if __name__ == "__main__":
    kind, place = sys.argv[1], Path(sys.argv[2])
    if kind == "race":
        print(json.dumps(race(place, int(sys.argv[3]))))
    elif kind == "die":
        print(json.dumps(die_at_every_call(place, sys.argv[3])))
    else:
        write_for_ever(place)
