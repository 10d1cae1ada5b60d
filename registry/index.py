"""Build and open the lookup index: one SQLite file beside each root, a cache that can always be made again.

The index lies beside its root, else in the user's cache folder, else in memory. It is written to a temporary file and
moved into place, so builds may race; it is opened read-only and immutable, so readers take no locks.

It is fresh while the root's ``.generation`` (new after each change made through ``store.py``) is the one it was built
from. Hand edits and ``git pull`` leave that file alone, so in a small root the stamps of all record files and folders
are compared too; in a large one, the root's tasks and the checkout's commit. After hand edits in a large root,
``guides index`` rebuilds, and so does ``guides validate``. Files beside a record are read when the index is built, and
not looked at again while the record itself stays as it is.

An index counts for the root it was built from and the version of this package that built it: one that came along with
a copied root is built again. It is no defence against somebody who may write to the root: they can write its cache too,
figures and stamps included, as well as the records. Run ``guides validate`` on a root from elsewhere.

Plain ``os.path``: importing ``pathlib`` alone would cost a tenth of a lookup.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Final, TypeVar, final

from registry import __version__, roots, stamps
from registry.errors import GuidesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from registry.roots import Root
    from registry.survey import Found, Given

T = TypeVar("T")

FORMAT: Final = "15"
FILE: Final = ".index.sqlite3"
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
        return int(self.rows("SELECT COUNT(*) FROM records").fetchone()[0])

    def damaged(self, *names: str | None) -> list[str]:
        """Return one line for each record that was left out: its file and what is wrong with it.

        Args:
            *names: Task, data set, family and version folder of those to return; None, or none given, for any.
        """
        rows = self.rows("SELECT path, problem FROM damaged ORDER BY path").fetchall()
        return [
            f"{os.path.join(self.root.path, path)}:{problem}"
            for path, problem in rows
            if all(wanted in (None, part) for wanted, part in zip(names, path.split("/"), strict=False))
        ]

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


def read(
    where: Iterable[Root], answer: Callable[[list[Index]], T], tell: Callable[[list[str]], None] | None = None
) -> T:
    """Return what ``answer`` makes of the indexes of all roots; a damaged index is rebuilt without a word.

    Args:
        where: The roots, first wins.
        answer: Gets one open index per root, in order; they are closed when it returns.
        tell: Gets one line for each record that was left out, once, also where ``answer`` raises GuidesError.

    Raises:
        DamagedRegistry: If a root cannot be read.
    """
    where = list(where)
    try:
        return _with_open(where, open_fresh, answer, tell)
    except (GuidesError, OSError, MemoryError):
        raise
    except Exception:  # anything may come out of a damaged file; what is wrong with ``answer`` itself shows again
        return _with_open(where, rebuild, answer, tell)


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
    from registry.survey import Found

    connection = sqlite3.connect(":memory:")
    _fill(connection, root, Found(root))
    return Index(root, connection, None)


def refresh(root: Root) -> None:
    """Rebuild the index of ``root`` where it has one; a folder without one is left as it is.

    Raises:
        DamagedRegistry: If the root cannot be read.
    """
    if any(map(os.path.lexists, _places(root))):
        rebuild(root).close()


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
    from registry.survey import Found, Given

    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    try:
        connection = sqlite3.connect(temporary)
        try:
            connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
            _fill(connection, root, Found(root) if records is None else Given(records))
        finally:
            connection.close()
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _with_open(
    where: list[Root],
    opened: Callable[[Root], Index],
    answer: Callable[[list[Index]], T],
    tell: Callable[[list[str]], None] | None,
) -> T:
    indexes: list[Index] = []
    try:
        indexes.extend(map(opened, where))
        left_out = [line for index in indexes for line in index.damaged()] if tell else []
        try:
            found = answer(indexes)
        except GuidesError:
            if tell:
                tell(left_out)
            raise
        if tell:
            tell(left_out)
        return found
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
        if meta["format"] != FORMAT or meta["code"] != __version__ or meta["settled"] != "1":
            return False
        if meta["generation"] != stamps.generation(root):
            return False
        # The wheel's index was built before anyone knew where it would lie; it came with the code that reads it.
        if not index.root.shipped and meta["root"] != stamps.readable(os.path.realpath(root)):
            return False
        if meta["large"] == "1":
            same = (meta["listing"], meta["commit"]) == (stamps.listing(root), stamps.commit(root))
            return same and stamps.is_large(root)
        return all(
            then == (stamps.stamp(os.path.join(root, path), is_file=" " in then) if path else stamps.listing(root))
            for path, then in index.rows("SELECT path, stamp FROM watched")
        )
    except (sqlite3.Error, LookupError, TypeError, ValueError):
        return False


def _fill(connection: sqlite3.Connection, root: Root, records: Found | Given) -> None:
    """Write all tables of an empty database."""
    import time

    from registry import rows

    started = time.time_ns()
    meta = {
        "format": FORMAT,
        "code": __version__,
        "root": stamps.readable(os.path.realpath(root.path)),
        "generation": stamps.generation(root.path),
        "commit": stamps.commit(root.path),
        "listing": stamps.listing(root.path),
    }
    connection.executescript(rows.TABLES)
    damaged = dict[str, str]()
    for path, values in records:
        try:
            rows.insert(connection, values, path)
        except ValueError as error:
            damaged[path] = str(error)
        except (ArithmeticError, AttributeError, LookupError, TypeError) as error:  # one record never ends a root
            damaged[path] = f" cannot be indexed: {type(error).__name__} {error}"
    connection.executescript(rows.INDEXES + rows.SUPERSEDE)
    large = stamps.is_large(root.path)
    meta["large"] = str(int(large))
    meta["settled"] = str(int(large or _settled(records.watched, started)))
    connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    connection.executemany("INSERT INTO watched VALUES (?, ?)", () if large else records.watched.items())
    connection.executemany("INSERT INTO damaged VALUES (?, ?)", {**damaged, **records.damaged}.items())
    connection.execute("PRAGMA optimize")
    connection.commit()


def _settled(watched: Mapping[str, str], started: int) -> bool:
    """Say whether every change is old enough that a later one must have another time stamp."""
    import time

    times = [int(stamp.partition(" ")[0]) for path, stamp in watched.items() if path and stamp != "missing"]
    return not any(started - _TICK_NS <= changed <= time.time_ns() for changed in times)
