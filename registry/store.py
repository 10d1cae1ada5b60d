"""Record folders: one per version, canonical JSON, written whole or not at all, never changed once released.

Writers of one root take turns by a lock on its ``.generation`` file, whose content changes with every record written:
that is what a lookup index compares. What a killed writer left behind is hidden, and the next writer clears it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple, final

import rfc8785
from pydantic import ValidationError
from pydantic.config import ExtraValues

from registry.atomic import listed, occupied, sweep, write_folder
from registry.errors import BrokenRule, DamagedRegistry, GuidesError, NoSpace, UsageError, VersionExists
from registry.loader import parse_json, read_json, refuse_links, shown
from registry.schema import ADAPTER, SCHEMA_ID, SCHEMA_VERSION, Guideline, MeasuredGuideline, PublishedGuideline

RECORD_FILE: Final = "guideline.json"
RELEASED_FILE: Final = "RELEASED.json"
GENERATION_FILE: Final = ".generation"
FOLDER_LIMIT: Final = 5_000_000  # bytes of all files of one record

_VERSION: Final = re.compile(r"v[1-9][0-9]{0,15}")
_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_SEMVER: Final = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})")


def canonical_json(values: Mapping[str, Any]) -> bytes:
    """Return ``values`` as RFC 8785 canonical JSON: the same values give the same bytes everywhere.

    Raises:
        BrokenRule: R-CANONICAL if a value is not JSON: not finite, beyond +-(2**53 - 1), of another type.
    """
    try:
        return rfc8785.dumps(dict(values))
    except rfc8785.CanonicalizationError as error:
        raise BrokenRule(RECORD_FILE, "", "R-CANONICAL", f"cannot be written as canonical JSON: {error}") from None


def record_hash(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical bytes: what ``RELEASED.json`` lists."""
    return hashlib.sha256(canonical_json(values)).hexdigest()


def schema_faults(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return every (field, problem) by which ``values`` break the schema; none for a valid record.

    At this minor version of the schema an unknown field is a fault; those of a newer minor are left alone.
    """
    major, version = SCHEMA_VERSION.split(".")[0], str(values.get("schema_version"))
    if _SEMVER.fullmatch(version) and version.split(".")[0] != major:
        problem = f"a sizing-guides with schema {version.split('.')[0]}.x reads {version}; this one reads {major}.x"
        return [("schema_version", problem)]
    try:
        ADAPTER.validate_python(values, extra=_extra(values))
    except ValidationError as error:
        # The first step of a place is the kind of evidence, which picks the model: no key of the file.
        return [
            (".".join(shown(str(step)) for step in detail["loc"][1:]), shown(detail["msg"], 300))
            for detail in error.errors(include_url=False)
        ]
    if values["$schema"] != SCHEMA_ID.removesuffix(SCHEMA_VERSION) + version:
        return [("$schema", f"does not name schema_version {version}")]
    return []


def parse_record(values: Mapping[str, Any], where: str) -> MeasuredGuideline | PublishedGuideline:
    """Turn plain JSON values into a record; unknown fields of a newer minor schema are kept (``model_extra``).

    Args:
        values: What :func:`~registry.loader.read_json` returned.
        where: What to call their source in errors.

    Raises:
        BrokenRule: R-SCHEMA, at the first of :func:`schema_faults`.
    """
    faults = schema_faults(values)
    if faults:
        field, problem = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise BrokenRule(where, field, "R-SCHEMA", f"{problem}{more}")
    return ADAPTER.validate_python(values, extra=_extra(values))


@final
class NamedFile(NamedTuple):
    """What a record says of one file beside it; ``bytes`` is None where it does not say."""

    path: str
    sha256: str
    bytes: int | None


def named_files(record: MeasuredGuideline | PublishedGuideline) -> list[NamedFile]:
    """Return every mention of a file in ``record``; one file may be mentioned more than once."""
    if isinstance(record, PublishedGuideline):
        return []
    mentions = [NamedFile(record.trials.path, record.trials.sha256, None)]
    for point in (*record.frontier, *record.knee):
        if point.onnx is not None:
            mentions.append(NamedFile(point.onnx.path, point.onnx.sha256, point.onnx.bytes))
            if point.onnx.int8 is not None:
                mentions.append(NamedFile(point.onnx.int8.path, point.onnx.int8.sha256, point.onnx.int8.bytes))
    return mentions


def names_fault(names: Collection[str]) -> str | None:
    """Say which two names of a record's files a disk could take for one (by case, or a file for a folder), if any."""
    files = [RECORD_FILE, *names]
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents} - {"."}
    seen: dict[str, str] = {}
    for path in sorted([*files, *folders]):
        if path.lower() in seen:
            return f"{path} and {seen[path.lower()]} are one file on some disks"
        seen[path.lower()] = path
    return None


def file_fault(data: bytes, mention: NamedFile) -> str | None:
    """Say how ``data`` differs from what the record says of the file, if it does."""
    if mention.bytes is not None and len(data) != mention.bytes:
        return f"has {len(data):,} bytes, the record says {mention.bytes:,}"
    if hashlib.sha256(data).hexdigest() != mention.sha256:
        return "has another SHA-256 than the record says"
    return None


@final
class Store:
    """The records below one root: ``<task>/<dataset>/<family>/v<N>/guideline.json`` and the files it names.

    Args:
        root: The folder; it is made when the first record is published.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(self, guideline: Guideline | Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
        """Write a new version: all of it, or nothing.

        Args:
            guideline: The record, a model or plain JSON values.
            files: Every file the record names, and no other: path inside its folder -> content.

        Returns:
            The record's folder.

        Raises:
            VersionExists: If the root has that version already.
            BrokenRule: If the record breaks the schema, or does not agree with ``files``.
            NoSpace: If the disk is full; nothing is left behind.
            UsageError: If the root cannot be written to.
        """
        record, content = _checked(guideline, files)
        with self._writing(record) as folder:
            if occupied(folder):
                raise _exists(record, self)
            try:
                write_folder(folder, content, self._touch)
            except OSError as error:
                if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # by a writer that does not take our lock
                    raise _exists(record, self) from None
                raise
        return folder

    def replace(self, guideline: Guideline | Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
        """Write a version in place of the one that is there, if any; a released one is refused.

        A reader sees the old version, for an instant none, then the new one. A writer killed in that instant leaves the
        old one hidden; the next writer puts it back.

        Args:
            guideline: As for :meth:`publish`.
            files: As for :meth:`publish`.

        Returns:
            The record's folder.

        Raises:
            BrokenRule: R-RELEASED if that version is released; otherwise as :meth:`publish`.
            NoSpace: If the disk is full; the old version stays.
            UsageError: If the root cannot be written to.
        """
        record, content = _checked(guideline, files)
        with self._writing(record) as folder:
            if f"{record.id}@{record.version}" in self.released():
                hint = f"publish version {self.next_version(record.id)} with supersedes {record.version}"
                raise BrokenRule(str(folder), "", "R-RELEASED", "is released and never changes", hint)
            try:
                write_folder(folder, content, self._touch, replace=True)
            finally:  # the old version goes, or comes back
                sweep(folder.parent)
        return folder

    def next_version(self, record_id: str) -> int:
        """Return the version a new record of ``record_id`` would have: one above any that is there, or 1."""
        taken = [int(path.name[1:]) for path in listed(self.root / record_id) if _VERSION.fullmatch(path.name)]
        return 1 + max(taken, default=0)

    def records(self) -> Iterator[Path]:
        """Yield the folder of every version, in the order of their paths (v2 before v10).

        Hidden folders, links to folders and names that cannot be an id are passed over. A root that does not exist
        holds nothing.

        Raises:
            DamagedRegistry: If the root, or a folder in it, cannot be listed.
        """
        for task in _folders(self.root):
            for dataset in _folders(task):
                for family in _folders(dataset):
                    versions = [path for path in listed(family) if _VERSION.fullmatch(path.name)]
                    yield from sorted(versions, key=lambda path: int(path.name[1:]))

    def read(self, path: Path) -> MeasuredGuideline | PublishedGuideline:
        """Read the record in the folder ``path``, one of :meth:`records`.

        Raises:
            BrokenRule: If its JSON or its content breaks a rule of loading or of the schema, or a link leads to it.
        """
        file = path / RECORD_FILE
        return parse_record(read_json(file, root=self.root), str(file))

    def released(self) -> dict[str, str]:
        """Return what is released: ``id@version`` -> record hash. Empty where the root has no list.

        Raises:
            BrokenRule: If the list is there but cannot be read.
        """
        file = self.root / RELEASED_FILE
        if not file.exists() and not file.is_symlink():
            return {}
        hashes = read_json(file, root=self.root)
        for name, value in hashes.items():
            if not isinstance(value, str) or not _HASH.fullmatch(value):
                raise BrokenRule(str(file), shown(name), "R-RELEASED", "is not a SHA-256 of 64 hex digits")
        return hashes

    @contextlib.contextmanager
    def _writing(self, record: Guideline) -> Iterator[Path]:
        """Hold the root's lock, clear what killed writers left, and yield the folder of ``record``'s version."""
        folder = self.root / record.id / f"v{record.version}"
        try:
            refuse_links(folder, self.root)
            self.root.mkdir(parents=True, exist_ok=True)
            with self._lock():
                try:
                    folder.parent.mkdir(parents=True, exist_ok=True)
                    sweep(folder.parent)
                    yield folder
                finally:
                    for parent in folder.parents[:3]:
                        with contextlib.suppress(OSError):  # it holds something, or was never made
                            parent.rmdir()
        except OSError as error:
            raise _refused(self.root, error) from error

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.root / GENERATION_FILE, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _touch(self) -> None:
        """Change the content of ``.generation``, in place: a new file would not carry the lock that is held."""
        descriptor = os.open(self.root / GENERATION_FILE, os.O_WRONLY | os.O_NOFOLLOW)
        try:
            os.pwrite(descriptor, f"{uuid.uuid4().hex}\n".encode(), 0)
        finally:
            os.close(descriptor)


def _extra(values: Mapping[str, Any]) -> ExtraValues:
    """Whether fields that the models do not know are kept: only those of a newer minor schema."""
    match = _SEMVER.fullmatch(str(values.get("schema_version")))
    own = _SEMVER.fullmatch(SCHEMA_VERSION)
    newer = match is not None and own is not None and int(match[2]) > int(own[2])
    return "allow" if newer else "forbid"


def _checked(
    guideline: Guideline | Mapping[str, Any], files: Mapping[str, bytes]
) -> tuple[Guideline, dict[str, bytes]]:
    """Return the record and the content of its folder, as they will be read back, or say what disagrees."""
    values = (
        guideline.model_dump(mode="json", by_alias=True, exclude_unset=True)
        if isinstance(guideline, Guideline)
        else guideline
    )
    data = canonical_json(values)
    record = parse_record(parse_json(data, RECORD_FILE), RECORD_FILE)
    mentions = named_files(record)
    named = {mention.path for mention in mentions}
    if problem := names_fault(named):
        raise BrokenRule(RECORD_FILE, "", "R-FILES", problem)
    for name in sorted(named ^ files.keys()):
        problem = "is named in the record but was not given" if name in named else "is not named in the record"
        raise BrokenRule(shown(name), "", "R-FILES", problem)
    for mention in mentions:
        if problem := file_fault(files[mention.path], mention):
            raise BrokenRule(mention.path, "", "R-FILES", problem)
    content = {RECORD_FILE: data, **files}
    size = sum(map(len, content.values()))
    if size > FOLDER_LIMIT:
        raise BrokenRule(
            RECORD_FILE, "", "R-SIZE", f"its folder would hold {size:,} bytes, at most {FOLDER_LIMIT:,} fit"
        )
    return record, content


def _folders(folder: Path) -> list[Path]:
    return [path for path in listed(folder) if _SLUG.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]


def _exists(record: Guideline, store: Store) -> VersionExists:
    following = store.next_version(record.id)
    return VersionExists(
        f"{record.id} version {record.version} is already in {store.root}; a version is written once",
        f"publish it as version {following} with supersedes {following - 1}",
    )


def _refused(root: Path, error: OSError) -> GuidesError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(
            f"no space left to write a record to {root}; nothing was written", "free some space and try again"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return UsageError(f"cannot write to {root}: {error.strerror}", "choose a folder you may write to")
    return DamagedRegistry(f"cannot write a record to {root}: {error.strerror}")
