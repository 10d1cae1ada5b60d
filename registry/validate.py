"""Check records without training, running or trusting anything: every static rule, with its id.

What needs a network to run (parity, recounted params) is checked elsewhere; here nothing beyond the registry is loaded.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from registry.errors import BrokenRule, UsageError
from registry.literature import records, table
from registry.loader import parse_json, shown
from registry.rules import figures, folder, laws, published, reading
from registry.rules.evidence import evidence
from registry.rules.record import Record, Rule
from registry.schema import Guideline
from registry.store import RECORD_FILE, RELEASED_FILE, Store, canonical_json, names_fault, parse_record

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "R-JSON",
        "guideline.json is strict JSON of at most 32 levels, no key twice, no number beyond a double",
        reading.json,
    ),
    Rule("R-TEXT", "text is in NFC, visible, with no space around it", reading.text),
    Rule("R-SCHEMA", "the record follows the schema of its version", reading.schema),
    Rule("R-CANONICAL", "guideline.json is canonical JSON (RFC 8785)", reading.canonical),
    Rule("R-PATH", "the folder agrees with id and version, the id with task, data set and metric", folder.path),
    Rule("R-FILES", "each named file is there with its hash and size, nothing else is, and no links", folder.files),
    Rule("R-SIZE", "guideline.json holds at most 1 MB, its folder 5 MB", folder.size),
    Rule("R-TRIALS", "trials are one training run a line, none twice, as many as the record says", folder.trials),
    Rule("R-ONNX-STATIC", "networks are .onnx files of plain operators, with all weights inside", folder.onnx_static),
    Rule("R-SUPERSEDES", "version 1 supersedes nothing, a later one an earlier one", folder.supersedes),
    Rule("R-RELEASED", "a released file never changes", folder.released),
    Rule("R-RANGE", "metrics lie where their unit allows, an example has at most 2**53 - 1 numbers", figures.ranges),
    Rule("R-INTERVAL", "bounds enclose their value, and a certified bound meets its target", figures.intervals),
    Rule("R-REACH", "reach stands beside every target or limit, with its Clopper-Pearson bound", figures.reach),
    Rule("R-OUTCOMES", "median, mean, bounds, sd and reach follow from the outcomes", figures.outcomes),
    Rule(
        "R-BRACKET",
        "bracketing shapes are cheaper; those refuted miss the target, also at 4 x the steps, no others do",
        figures.bracket,
    ),
    Rule("R-ATTEMPTS", "attempts end as their counts say, and no cheaper one was certified", figures.attempts),
    Rule(
        "R-KNEE", "a knee's limit is 1.1 x the error of its reference's median run; one knee per n_train", figures.knee
    ),
    Rule("R-ORDER", "the frontier is sorted by target, then route", figures.order),
    Rule("R-PARAMS", "a shape has the same params everywhere, in its file too, 4 bytes each", figures.networks),
    Rule(
        "R-LAW",
        "a law can be evaluated, draws and all, its range is that of the points it was fitted to; none needs a note",
        laws.law,
    ),
    Rule(
        "R-PUBLISHED",
        "no figure stands twice, none is surer than the prior allows, train_flops say how they were obtained",
        published.figures,
    ),
    Rule(
        "R-BASELINES",
        "majority and, if it can be fitted, linear stand beside classifiers, no method twice",
        figures.baselines,
    ),
    Rule("R-EVIDENCE", "figures of networks, attempts, brackets, law and cost are found again in the trials", evidence),
)

_VERSION: Final = re.compile(r"v[1-9][0-9]*")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")  # as a record names files


@final
@dataclass(frozen=True)
class Finding:
    """One place where a rule does not hold; prints as ``file:field: RULE-ID message``."""

    file: str
    field: str
    rule: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.field}" if self.field else self.file
        return f"{shown(place, 1000)}: {self.rule} {self.message}"


def validate(path: Path) -> list[Finding]:
    """Check every record at ``path`` against every rule, and every table of published results below it.

    Args:
        path: A record's folder, its ``guideline.json``, or any folder above records (a root).

    Returns:
        What was found, in the order of records, then rules; empty if every rule holds.

    Raises:
        UsageError: If ``path`` is none of these.
    """
    if path.name == RECORD_FILE and os.path.lexists(path):
        return _check_all(path.parent)
    if not path.is_dir():
        state = "is not a folder or a guideline.json" if os.path.lexists(path) else "does not exist"
        raise UsageError(f"{path} {state}; expected a record folder, its guideline.json, or a folder of records")
    if os.path.lexists(path / RECORD_FILE) or _VERSION.fullmatch(path.name):
        return _check_all(path)
    found: list[Finding] = []
    for record in _below(path, found):
        found += [Finding(str(record), "", "R-FILES", "is a link")] if record.is_symlink() else _check_all(record)
    return found + list(_published(path)) + list(_missing(path))


def examine(guideline: Guideline | Mapping[str, Any], files: Mapping[str, bytes]) -> list[Finding]:
    """Check a record that is not written yet against every rule, as if it stood in an empty root.

    Args:
        guideline: The record, a model or plain JSON values.
        files: The content of its folder beside ``guideline.json``: path inside the folder -> content.

    Returns:
        What was found, in the order of rules; files are named by their path inside the record's folder.
    """
    values = (
        guideline.model_dump(mode="json", by_alias=True, exclude_unset=True)
        if isinstance(guideline, Guideline)
        else guideline
    )
    try:
        data = canonical_json(values)
        record = parse_record(parse_json(data, RECORD_FILE), RECORD_FILE)
    except BrokenRule as fault:
        return [Finding(fault.file, fault.field, fault.rule, fault.problem)]
    for name in files:
        if not _PLAIN.fullmatch(name):
            return [Finding(name, "", "R-FILES", "is not a plain path inside the record's folder")]
    if clash := names_fault({*files}):
        return [Finding(RECORD_FILE, "", "R-FILES", clash)]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch).resolve() / record.id / f"v{record.version}"
        for name, content in {**files, RECORD_FILE: data}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        seen = Record(folder)
        return [
            Finding(problem.file, problem.field, rule.id, problem.message)
            for rule in RULES
            for problem in rule.check(seen)
        ]


def check(rule: Rule, record: Path) -> list[Finding]:
    """Check one rule on the record in the folder ``record``."""
    return _check(rule, Record(record))


def _check(rule: Rule, record: Record) -> list[Finding]:
    return [
        Finding(str(record.folder / problem.file), problem.field, rule.id, problem.message)
        for problem in rule.check(record)
    ]


def _check_all(folder: Path) -> list[Finding]:
    record = Record(folder)
    return [finding for rule in RULES for finding in _check(rule, record)]


def _below(path: Path, unread: list[Finding]) -> Iterator[Path]:
    """Yield every folder v<N> below ``path``, and every link, which no record may be reached through.

    A folder that cannot be listed is added to ``unread``: there may be records in it.
    """

    def unreadable(error: OSError) -> None:
        unread.append(Finding(str(error.filename), "", "R-FILES", f"cannot be listed: {error.strerror}"))

    for parent, inner, _ in os.walk(path, onerror=unreadable):
        kept = []
        for name in sorted(inner):
            entry = Path(parent, name)
            if entry.is_symlink() or _VERSION.fullmatch(name):
                yield entry
            elif not name.startswith("."):
                kept.append(name)
        inner[:] = kept


def _published(path: Path) -> Iterator[Finding]:
    """Yield what is wrong in tables of published results, and where the records beside them are not what they give."""
    for place in table.folders(path):
        read = table.read(place)
        for fault in (*read.faults, *records.faults(read)):
            yield Finding(os.path.normpath(place / fault.file), fault.field, fault.rule, fault.message)


def _missing(root: Path) -> Iterator[Finding]:
    """Yield what is released but no longer there."""
    try:
        released = Store(root).released()
    except BrokenRule as fault:
        yield Finding(fault.file, fault.field, fault.rule, fault.problem)
        return
    for name in sorted(released):
        record_id, _, version = name.partition("@")
        if not (root / record_id / f"v{version}" / RECORD_FILE).is_file():
            yield Finding(str(root / RELEASED_FILE), name, "R-RELEASED", "is released but its record is missing")
