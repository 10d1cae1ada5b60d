"""Rules on a record's folder: where it stands, what it holds, and that a released one stays as it was."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from registry.errors import BrokenRule, InvalidRecord
from registry.metrics import FURTHER
from registry.onnx_wire import Network
from registry.rules.record import LEVELS, Problem, Record
from registry.rules.runs import read_runs
from registry.store import (
    FOLDER_LIMIT,
    RECORD_FILE,
    RELEASED_FILE,
    NamedFile,
    Store,
    file_fault,
    named_files,
    names_fault,
)


def path(record: Record) -> Iterator[Problem]:
    """The folder is named after id and version, the id after task and data set, and a metric not the task's own."""
    guideline = record.guideline
    if guideline is None:
        return
    expected = f"{guideline.id}/v{guideline.version}"
    if record.place.parts[-LEVELS:] != tuple(expected.split("/")):
        yield Problem("id", f"says {expected}, but the folder is {'/'.join(record.place.parts[-LEVELS:])}")
    task, dataset, family = guideline.id.split("/")
    if guideline.question.task != task:
        yield Problem("question.task", f"is {guideline.question.task}, but the id says {task}")
    if guideline.question.dataset.id != dataset:
        yield Problem("question.dataset.id", f"is {guideline.question.dataset.id}, but the id says {dataset}")
    metric = guideline.question.metric.name
    for further in FURTHER:
        if record.measured is not None and family.endswith(f"-{further}") != (metric == further):
            yield Problem("id", f"ends in -{further} exactly where that is the metric, which is {metric}")


def files(record: Record) -> Iterator[Problem]:
    """Each named file is there with its hash and size, and nothing else is; no links."""
    yield from record.load_faults("R-FILES")
    if record.guideline is None:
        return
    mentions = named_files(record.guideline)
    named = {mention.path for mention in mentions}
    if problem := names_fault(named):
        yield Problem("", problem)
    present = {}
    unread: list[OSError] = []
    for name, mode, _ in _content(record.folder, unread):
        present[name] = mode
        if not stat.S_ISREG(mode):
            yield Problem("", "is a link or no regular file", name)
        elif name not in named | {RECORD_FILE}:
            yield Problem("", "is not named in the record", name)
    for error in unread:
        place = os.path.relpath(os.fsdecode(error.filename), record.folder)
        yield Problem("", f"cannot be read: {error.strerror}", place)
    for mention in mentions:
        if mention.path not in present:
            yield Problem("", "is named in the record but missing", mention.path)
        elif stat.S_ISREG(present[mention.path]):
            yield from _compared(record, mention)


def size(record: Record) -> Iterator[Problem]:
    """The folder holds at most 5 MB."""
    yield from record.load_faults("R-SIZE")
    total = sum(n_bytes for _, _, n_bytes in _content(record.folder, []))  # R-FILES says what is unread
    if total > FOLDER_LIMIT:
        yield Problem("", f"its folder holds {total:,} bytes, expected at most {FOLDER_LIMIT:,}")


def trials(record: Record) -> Iterator[Problem]:
    """The trials are one training run a line, none twice, as many as the record says."""
    if record.measured is None:
        return
    said = record.measured.trials
    data = record.file(said.path)
    if data is None:
        return
    try:
        runs = read_runs(data, said.path)
    except BrokenRule as fault:
        yield Problem(fault.field, fault.problem, said.path)
        return
    if len(runs) != said.n:
        yield Problem("trials.n", f"is {said.n}, but {said.path} has {len(runs)} lines")


def onnx_static(record: Record) -> Iterator[Problem]:
    """Networks are .onnx files of plain operators, with all weights inside and the operator set that is stated."""
    if record.measured is None:
        return
    for name in sorted({mention.path for mention in named_files(record.measured)} - {record.measured.trials.path}):
        if not name.endswith(".onnx"):
            yield Problem("", "is named as a network, expected a name that ends in .onnx", name)
    reported = set()
    for field, point in record.points():
        if point.onnx is None:
            continue
        stated = [(point.onnx.path, record.network(point.onnx.path, "float"))]
        if point.onnx.int8 is not None:
            stated.append((point.onnx.int8.path, record.network(point.onnx.int8.path, "int8")))
        for name, network in stated:
            if isinstance(network, InvalidRecord) and (name, network.message) not in reported:
                reported.add((name, network.message))
                yield Problem("", network.message, name)
            elif isinstance(network, Network) and network.opset != point.onnx.opset:
                yield Problem(f"{field}.onnx.opset", f"is {point.onnx.opset}, but {name} has {network.opset}")


def supersedes(record: Record) -> Iterator[Problem]:
    """Version 1 supersedes nothing, a later one an earlier one."""
    guideline = record.guideline
    if guideline is None:
        return
    if guideline.version == 1 and guideline.supersedes is not None:
        yield Problem("supersedes", f"is {guideline.supersedes}, expected null in version 1")
    elif guideline.version > 1 and (guideline.supersedes is None or guideline.supersedes >= guideline.version):
        yield Problem("supersedes", f"is {guideline.supersedes}, expected a version before {guideline.version}")


def released(record: Record) -> Iterator[Problem]:
    """A released file never changes."""
    if record.root is None:
        return
    try:
        hashes = Store(record.root).released()
    except BrokenRule as fault:
        yield Problem(fault.field, fault.problem, os.path.relpath(record.root / RELEASED_FILE, record.place))
        return
    name = "{}@{}".format("/".join(record.place.parts[-LEVELS:-1]), record.place.name.removeprefix("v"))
    if name in hashes and hashlib.sha256(record.data).hexdigest() != hashes[name]:
        yield Problem("", "is released and has changed, expected a new version that supersedes it")


def _compared(record: Record, mention: NamedFile) -> Iterator[Problem]:
    data = record.file(mention.path)
    if data is None:
        yield Problem("", f"cannot be read, or is larger than {FOLDER_LIMIT:,} bytes", mention.path)
    elif problem := file_fault(data, mention):
        yield Problem("", problem, mention.path)


def _content(folder: Path, unread: list[OSError]) -> Iterator[tuple[str, int, int]]:
    """Yield (path inside ``folder``, mode, bytes) of everything in it that is not a plain folder.

    What cannot be read is added to ``unread``.
    """
    for parent, inner, names in os.walk(folder, onerror=unread.append):
        for name in sorted(inner + names):
            entry = Path(parent, name)
            try:
                status = entry.lstat()
            except OSError as error:
                unread.append(error)
                continue
            if not stat.S_ISDIR(status.st_mode):
                yield entry.relative_to(folder).as_posix(), status.st_mode, status.st_size
