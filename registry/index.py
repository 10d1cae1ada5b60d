"""Build and open the lookup index: one SQLite file beside each root, a cache that can always be made again.

The index lies beside its root, else in the user's cache folder, else in memory. It is written to a temporary file and
moved into place, so builds may race; it is opened read-only and immutable, so readers take no locks.

It is fresh while the root's ``.generation`` (new after each change made through ``store.py``) is the one it was built
from. Hand edits and ``git pull`` leave that file alone, so below ``SMALL`` records the stamps of all record files and
folders are compared too; above, the root's tasks and the checkout's commit. After hand edits in a large root,
``guides index`` rebuilds.

Plain ``os.path``: importing ``pathlib`` alone would cost a tenth of a lookup.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Final, TypeVar, final

from registry import roots
from registry.errors import BrokenRule, DamagedRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from registry.roots import Root

T = TypeVar("T")

FORMAT: Final = "2"
FILE: Final = ".index.sqlite3"
RECORD: Final = "guideline.json"
SMALL: Final = 200  # records
# A file changed this shortly before it was read may change again without a new time stamp.
_TICK_NS: Final = 50_000_000


@final
class Index:
    """An open index of one root. Close it with :meth:`close`.

    Args:
        root: The root it was built from.
        connection: The open database.
        path: The index file; None where it is in memory.
    """

    def __init__(self, root: Root, connection: sqlite3.Connection, path: str | None) -> None:
        self.root = root
        self.path = path
        self._connection = connection

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a query; rows come as tuples, read as they are asked for."""
        return self._connection.execute(query, parameters)

    @property
    def n_records(self) -> int:
        """How many records are indexed."""
        return int(self.rows("SELECT value FROM meta WHERE key = 'n_records'").fetchone()[0])

    def damaged(self, below: str = "") -> list[str]:
        """Return one line for each record that was left out: its file and what is wrong with it.

        Args:
            below: A folder relative to the root; only records inside it.
        """
        rows = self.rows("SELECT path, problem FROM damaged ORDER BY path").fetchall()
        chosen = [(path, problem) for path, problem in rows if not below or path.startswith(f"{below}/")]
        return [f"{os.path.join(self.root.path, path)}:{problem}" for path, problem in chosen]

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


def read(where: Iterable[Root], answer: Callable[[list[Index]], T]) -> T:
    """Return what ``answer`` makes of the indexes of all roots; a damaged index is rebuilt without a word.

    Args:
        where: The roots, first wins.
        answer: Gets one open index per root, in order; they are closed when it returns.

    Raises:
        DamagedRegistry: If a root cannot be read.
    """
    where = list(where)
    try:
        return _with_open(where, open_fresh, answer)
    except sqlite3.DatabaseError:  # found damaged only now: its header was whole
        return _with_open(where, rebuild, answer)


def open_fresh(root: Root) -> Index:
    """Open the index of ``root``; build it first where there is none, or none that is fresh.

    Raises:
        DamagedRegistry: If the root cannot be read.
    """
    for place in _places(root):
        index = _open(root, place)
        if index is not None:
            if _is_fresh(index):
                return index
            index.close()
    return rebuild(root)


def rebuild(root: Root) -> Index:
    """Build the index of ``root`` from its records and open it.

    Raises:
        DamagedRegistry: If the root cannot be read.
    """
    for place in _places(root):
        try:
            build(root, place)
        except (OSError, sqlite3.OperationalError):  # read-only folder, full disk: the next place
            continue
        if index := _open(root, place):
            return index
    connection = sqlite3.connect(":memory:")
    _fill(connection, root, _records(root))
    return Index(root, connection, None)


def build(root: Root, path: str, records: Iterable[tuple[str, Mapping[str, Any]]] | None = None) -> None:
    """Write the index of ``root`` to ``path``, whole or not at all.

    Args:
        root: The root.
        path: The index file; replaced at the end. Its folder is made where missing.
        records: Pairs of a file relative to the root and the record in it; by default those in the root.

    Raises:
        OSError: If the file cannot be written.
        sqlite3.OperationalError: If the file cannot be written.
        DamagedRegistry: If the root cannot be read.
    """
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    try:
        connection = sqlite3.connect(temporary)
        try:
            connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
            _fill(connection, root, _records(root) if records is None else _Given(records))
        finally:
            connection.close()
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


@final
class _Given:
    """Records handed in, with nothing to watch."""

    def __init__(self, records: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        self.watched: dict[str, str] = {}
        self.damaged: dict[str, str] = {}
        self._records = records

    def __iter__(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        return iter(self._records)


@final
class _Found:
    """The records in a root's folders; what was seen on the way is watched, what cannot be read is damaged."""

    def __init__(self, root: Root) -> None:
        self.watched: dict[str, str] = {}
        self.damaged: dict[str, str] = {}
        self._root = root.path

    def __iter__(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        from pathlib import Path

        from registry.loader import read_json

        for folder in self._versions():
            path = f"{folder}/{RECORD}"
            self.watched[path] = _stamp(os.path.join(self._root, path), is_file=True)
            try:
                yield path, read_json(Path(self._root, path))
            except BrokenRule as error:
                self.damaged[path] = (
                    f"{error.field}: {error.rule} {error.problem}" if error.field else f" {error.rule} {error.problem}"
                )

    def _versions(self) -> Iterator[str]:
        folders = [""]
        for _ in ("task", "dataset", "family"):
            folders = [inner for folder in folders for inner in self._inside(folder)]
        for family in folders:
            yield from (version for version in self._inside(family) if _is_version(version))

    def _inside(self, folder: str) -> list[str]:
        path = os.path.join(self._root, folder)
        self.watched[folder] = _stamp(path, is_file=False) if folder else _listing(path)
        try:
            return [f"{folder}/{name}" if folder else name for name in roots.folders(path)]
        except DamagedRegistry as error:
            if not folder:
                raise
            self.damaged[folder] = f" {error.message}"
            return []


def _records(root: Root) -> _Found:
    return _Found(root)


def _with_open(where: list[Root], opened: Callable[[Root], Index], answer: Callable[[list[Index]], T]) -> T:
    indexes: list[Index] = []
    try:
        indexes.extend(map(opened, where))
        return answer(indexes)
    finally:
        for index in indexes:
            index.close()


def _places(root: Root) -> Iterator[str]:
    yield os.path.join(root.path, FILE)
    from zlib import crc32  # only where the first place will not do

    path = os.path.realpath(root.path)
    yield os.path.join(roots.cache_folder(), f"{os.path.basename(path)}-{crc32(os.fsencode(path)):08x}.sqlite3")


def _open(root: Root, path: str) -> Index | None:
    quoted = os.path.abspath(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        connection = sqlite3.connect(f"file:{quoted}?mode=ro&immutable=1", uri=True)
        connection.execute("SELECT 1 FROM meta")
    except sqlite3.Error:
        return None
    return Index(root, connection, path)


def _is_fresh(index: Index) -> bool:
    """Say whether nothing that the index was built from has changed. Damaged: not fresh."""
    root = index.root.path
    try:
        meta = dict(index.rows("SELECT key, value FROM meta"))
        beside = index.path == os.path.join(root, FILE)
        if meta["format"] != FORMAT or meta["settled"] != "1" or meta["generation"] != _generation(root):
            return False
        if not beside and meta["root"] != os.path.realpath(root):  # two roots may share a name in the cache folder
            return False
        if int(meta["n_records"]) >= SMALL:
            return (meta["listing"], meta["commit"]) == (_listing(root), _commit(root))
        return all(
            stamp == (_stamp(os.path.join(root, path), is_file=path.endswith(".json")) if path else _listing(root))
            for path, stamp in index.rows("SELECT path, stamp FROM watched")
        )
    except (sqlite3.Error, KeyError, ValueError):
        return False


def _fill(connection: sqlite3.Connection, root: Root, records: _Found | _Given) -> None:
    """Write all tables of an empty database."""
    import time

    from registry import rows

    started = time.time_ns()
    meta = {
        "format": FORMAT,
        "root": os.path.realpath(root.path),
        "generation": _generation(root.path),
        "commit": _commit(root.path),
        "listing": _listing(root.path),
    }
    connection.executescript(rows.TABLES)
    damaged, n_records = dict[str, str](), 0
    for path, values in records:
        try:
            rows.insert(connection, values, path)
            n_records += 1
        except ValueError as error:
            damaged[path] = str(error)
    connection.executescript(rows.INDEXES + rows.SUPERSEDE)
    meta["n_records"] = str(n_records)
    meta["settled"] = str(int(n_records >= SMALL or _settled(records.watched, started)))
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.executemany("INSERT INTO watched VALUES (?, ?)", records.watched.items() if n_records < SMALL else ())
    connection.executemany("INSERT INTO damaged VALUES (?, ?)", {**damaged, **records.damaged}.items())
    connection.execute("PRAGMA optimize")
    connection.commit()


def _settled(watched: Mapping[str, str], started: int) -> bool:
    """Say whether every change is old enough that a later one must have another time stamp."""
    import time

    times = [int(stamp.partition(" ")[0]) for path, stamp in watched.items() if path and stamp != "missing"]
    return not any(started - _TICK_NS <= changed <= time.time_ns() for changed in times)


def _stamp(path: str, *, is_file: bool) -> str:
    """Return what changes when a file is edited, or a folder gains or loses an entry."""
    try:
        status = os.lstat(path)
    except OSError:
        return "missing"
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ino}" if is_file else f"{status.st_mtime_ns}"


def _listing(root: str) -> str:
    """Return the root's task folders. Its own time stamp changes whenever an index is written."""
    return "/".join(roots.folders(root))


def _generation(root: str) -> str:
    try:
        with open(os.path.join(root, ".generation"), encoding="utf-8", errors="replace") as file:
            return file.read(200)
    except OSError:
        return ""


def _commit(root: str) -> str:
    """Return a stamp of the checkout that holds the root: a pull, a switch or a commit changes it."""
    return _stamp(os.path.join(os.path.dirname(os.path.realpath(root)), ".git", "logs", "HEAD"), is_file=True)


def _is_version(folder: str) -> bool:
    name = folder.rpartition("/")[2]
    return name[0] == "v" and name[1:].isdecimal() and name[1] != "0"
