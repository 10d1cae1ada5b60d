"""The ledger of a run: one line of JSON a trial, kept across crashes, never rewritten.

The first line is a header with the run's configuration, so that results of two configurations never mix::

    {"ledger": 1, "hash": "<16 hex digits>", "configuration": {...}}
    {"key": "<24 hex digits>", "trial": {...}, "outcome": {...}}

A result counts from the moment its line, newline included, is on disk. Whatever stands behind the last newline is the
trace of an interrupted write, and is cut off when the ledger is opened again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, NoReturn, final

from harness.trial import Outcome, Trial, check_result
from registry.errors import InvalidData, NoSpace, UsageError
from registry.loader import shown

FORMAT: Final = 1
ROW: Final = frozenset({"key", "trial", "outcome"})
SPACE_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class _Refused(ValueError):
    """JSON to the standard library, but not to us."""


def configuration_hash(configuration: Mapping[str, Any]) -> str:
    """Hash a configuration of plain JSON values; the order of its keys does not matter (16 hex digits of SHA-256)."""
    return hashlib.sha256(_line(dict(configuration), sort_keys=True)).hexdigest()[:16]


@final
class Ledger:
    """The trials of one run and what came of them, on disk and in memory. Made by :meth:`open`.

    One process at a time: the file is locked until :meth:`close`, or until the process ends in whatever way.

    Attributes:
        path: The file.
        note: What the caller should tell the user: that a torn last line was cut off. Empty if nothing happened.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.note = ""
        self._descriptor = descriptor
        self._trials: dict[str, Trial] = {}
        self._outcomes: dict[str, Outcome] = {}

    @classmethod
    def open(cls, path: Path, configuration: Mapping[str, Any], resume: bool) -> Ledger:
        """Open the ledger at ``path``, or start it; its folder is made where missing.

        Args:
            path: The file.
            configuration: What all trials of this run share, in plain JSON values.
            resume: Whether results that are already there are welcome.

        Raises:
            UsageError: If the ledger belongs to another configuration, holds results although ``resume`` is false,
                is open in another process, or cannot be written to.
            InvalidData: If a line other than the last is damaged, or the file is no ledger.
            NoSpace: If the disk is full.
        """
        descriptor = _open_locked(path)
        try:
            ledger = cls(path, descriptor)
            ledger._load(configuration)
            if ledger._outcomes and not resume:
                raise UsageError(
                    f"{path} already holds {len(ledger._outcomes)} results of this configuration",
                    f"add --resume to go on from them, choose another --out, or remove {path.parent}",
                )
        except BaseException:
            os.close(descriptor)
            raise
        return ledger

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file and its lock; what is in memory stays readable."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @property
    def results(self) -> Mapping[str, Outcome]:
        """Outcome of each recorded trial by its key, oldest first: a read-only, live view."""
        return MappingProxyType(self._outcomes)

    def trials(self) -> list[Trial]:
        """Return the recorded trials, oldest first."""
        return list(self._trials.values())

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each recorded line's values (``key``, ``trial``, ``outcome``), oldest first."""
        for key, trial in self._trials.items():
            yield _row(key, trial, self._outcomes[key])

    def record(self, trial: Trial, outcome: Outcome) -> None:
        """Write a result to disk; when this returns, a crash cannot lose it any more.

        Afterwards :attr:`results` holds the outcome as a later process will read it.

        Raises:
            UsageError: If the trial already has a result.
            NoSpace: If the disk is full; every earlier result is intact, this one is not recorded.
            ValueError: If a value of the outcome is not finite, out of its range or does not fit the trial; nothing is
                written.
        """
        key = trial.key
        if key in self._outcomes:
            raise UsageError(f"trial {key} already has a result in {self.path}; a result never changes")
        line = _line(_row(key, trial, outcome))
        result = _read(line)
        self._append(line)
        self._remember(*result)

    def _append(self, line: bytes) -> None:
        """Append a line in one write and wait until it is on disk; leave nothing of it where that fails."""
        end = os.fstat(self._descriptor).st_size
        try:
            if os.write(self._descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._descriptor)
        except OSError as error:
            os.ftruncate(self._descriptor, end)
            _raise_if_full(error, self.path, f"its {len(self._outcomes)} results are safe")
            raise

    def _remember(self, trial: Trial, outcome: Outcome) -> None:
        """Take a result over into memory.

        Raises:
            ValueError: If its trial has one already.
        """
        key = trial.key
        if key in self._outcomes:
            raise ValueError(f"trial {key} has an earlier result")
        self._trials[key] = trial
        self._outcomes[key] = outcome

    def _load(self, configuration: Mapping[str, Any]) -> None:
        """Read what the file holds, cut a torn tail off, and write the header where there is none."""
        header = _line({"ledger": FORMAT, "hash": configuration_hash(configuration), "configuration": configuration})
        data = self.path.read_bytes()
        *lines, tail = data.split(b"\n")
        torn = len(tail)
        if len(lines) > 1 and not _is_json(lines[-1]):  # the newline of a torn line can reach the disk before the rest
            torn += len(lines.pop()) + 1
        if not lines and not header.startswith(tail):
            self._refuse(1, "it is not the header of a ledger")
        if lines:
            self._check_header(lines[0], json.loads(header))
        for number, line in enumerate(lines[1:], start=2):
            try:
                self._remember(*_read(line))
            except ValueError as error:
                self._refuse(number, str(error))
        if torn:
            os.ftruncate(self._descriptor, len(data) - torn)
            os.fsync(self._descriptor)
            self.note = f"{self.path}: cut off {torn} bytes of a last line that an interrupted write left unfinished"
        if not lines:
            self._append(header)
            sync_folder(self.path.parent)

    def _check_header(self, line: bytes, expected: dict[str, Any]) -> None:
        """Refuse a file that is no ledger, that a newer version wrote, or that another configuration filled."""
        try:
            found = _parse(line)
            if found["ledger"] != FORMAT:
                there = shown(str(found["ledger"]))
                raise UsageError(
                    f"{self.path} is a ledger of format {there}, but this version reads format {FORMAT}",
                    "use the version that began this run, or another --out",
                )
            if found["hash"] != configuration_hash(found["configuration"]):
                self._refuse(1, "its configuration does not match its hash")
        except (KeyError, TypeError, ValueError):
            self._refuse(1, "it is not the header of a ledger")
        if found["hash"] != expected["hash"]:
            changes = _differences(found["configuration"], expected["configuration"])
            raise UsageError(
                f"{self.path} belongs to another configuration: {'; '.join(changes)}",
                f"choose another --out, or remove {self.path.parent} to begin anew",
            )

    def _refuse(self, number: int, what: str) -> NoReturn:
        raise InvalidData(
            f"{self.path}: line {number} is damaged: {what}",
            f"restore the file from a copy, or remove {self.path.parent} to begin anew",
        )


def _line(values: object, sort_keys: bool = False) -> bytes:
    """Write values as one line: ASCII, so that no byte of it looks like a line's end, and without NaN."""
    return json.dumps(values, separators=(",", ":"), allow_nan=False, sort_keys=sort_keys).encode() + b"\n"


def _row(key: str, trial: Trial, outcome: Outcome) -> dict[str, Any]:
    return {"key": key, "trial": trial.to_json(), "outcome": outcome.to_json()}


def _read(line: bytes) -> tuple[Trial, Outcome]:
    """Read one result, every value of it checked.

    Raises:
        ValueError: If it is no strict JSON, or no result; the message says what is wrong.
    """
    values = _parse(line)
    if set(values) != ROW:
        raise ValueError(f"it is not a result: expected key, trial and outcome, got {shown(', '.join(values))}")
    try:
        trial, outcome = Trial.from_json(values["trial"]), Outcome.from_json(values["outcome"])
    except RecursionError:
        raise ValueError("its trial is nested too deeply") from None
    check_result(trial, outcome)
    if values["key"] != trial.key:
        raise ValueError(f"its key is {shown(repr(values['key']))}, but its trial has the key '{trial.key}'")
    return trial, outcome


def _parse(line: bytes) -> dict[str, Any]:
    """Parse one JSON object, refusing a key that stands twice and what is no number to JSON."""
    try:
        values = json.loads(line.decode(), object_pairs_hook=_distinct, parse_constant=_no_number)
    except _Refused:
        raise
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(values, dict):
        raise ValueError("it is not a JSON object")
    return values


def _is_json(line: bytes) -> bool:
    """Whether a line is a whole JSON object, even one that :func:`_parse` refuses: an interrupted write makes none."""
    try:
        return isinstance(json.loads(line.decode()), dict)
    except (ValueError, RecursionError):
        return False


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Refused(f"the key '{shown(twice)}' stands twice in one object")
    return values


def _no_number(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a number JSON knows, expected a finite one")


def _open_locked(path: Path) -> int:
    """Open a file for appending, alone; make its folder where missing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        _raise_if_full(error, path, "nothing was run")
        raise UsageError(f"cannot write {path}: {error.strerror}", "choose another folder with --out") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UsageError(
            f"{path} is in use: another run of the same configuration is writing it",
            "wait until it ends, or choose another --out",
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise UsageError(f"cannot lock {path}: {error.strerror}", "choose a local folder with --out") from None
    return descriptor


def sync_folder(folder: Path) -> None:
    """Wait until the names of new files in ``folder`` are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _raise_if_full(error: OSError, path: Path, kept: str) -> None:
    if error.errno in SPACE_ERRORS:
        raise NoSpace(
            f"no space left to write {path} ({error.strerror}); {kept}",
            "make room, then run the same command with --resume",
        ) from None


def _differences(there: object, here: object, shown: int = 6) -> list[str]:
    """Say field by field how two configurations differ, for example ``steps is 100 there, 200 here``."""
    before, after = dict(_fields(there)), dict(_fields(here))
    changes = [
        f"{field} is {before.get(field, 'absent')} there, {after.get(field, 'absent')} here"
        for field in sorted(before.keys() | after.keys())
        if before.get(field) != after.get(field)
    ]
    return [*changes[:shown], f"and {len(changes) - shown} more"] if len(changes) > shown else changes


def _fields(values: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of nested values as (dotted name, JSON text)."""
    if isinstance(values, dict) and (values or not name):
        for key, value in values.items():
            yield from _fields(value, f"{name}.{key}" if name else key)
    else:
        yield name, json.dumps(values)
