"""Which objects there are, as far as is known: their keys with ETag and size, and which of them have a copy here.

The catalogue stands for a listing of the bucket, which nothing else makes every night.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_OBJECTS: Final = "CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, etag TEXT, size INTEGER) WITHOUT ROWID"


class Known(NamedTuple):
    """What is known of an object; an ETag of "" is not known."""

    etag: str
    size: int


class Catalogue:
    """Objects by their keys, in a file of SQLite at `path`; whatever a crash leaves of it is thrown away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._open: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file, which may be replaced then."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def get(self, key: str) -> Known | None:
        """Return what is known of an object; None where there is none."""
        with self._lock:
            row = self._connection().execute("SELECT etag, size FROM objects WHERE key = ?", [key]).fetchone()
        return None if row is None else Known(*row)

    def put(self, key: str, etag: str, size: int) -> None:
        """Remember an object, in place of what was known of it."""
        with self._lock:
            self._connection().execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", [key, etag, size])

    def remove(self, keys: Iterable[str]) -> None:
        """Forget objects that are gone."""
        with self._lock:
            self._connection().executemany("DELETE FROM objects WHERE key = ?", [[key] for key in keys])

    def below(self, folder: str) -> list[tuple[str, str, int]]:
        """Return key, ETag and size of the objects below a folder, by key; of all of them for ""."""
        query, bounds = "SELECT key, etag, size FROM objects", list[str]()
        if folder:
            # "0" follows "/".
            query, bounds = f"{query} WHERE key > ? AND key < ?", [f"{folder}/", f"{folder}0"]
        with self._lock:
            return self._connection().execute(f"{query} ORDER BY key", bounds).fetchall()

    def names_in(self, folder: str) -> list[str]:
        """Return the names of the objects and folders in a folder; none where there is no such folder."""
        begin = len(folder) + 1 if folder else 0
        query = (
            "SELECT DISTINCT CASE WHEN instr(substr(key, ?1), '/') = 0 THEN substr(key, ?1)"
            " ELSE substr(key, ?1, instr(substr(key, ?1), '/') - 1) END FROM objects WHERE key > ?2 AND key < ?3"
        )
        bounds = [begin + 1, f"{folder}/" if folder else "", f"{folder}0" if folder else "\U0010ffff"]
        with self._lock:
            return [name for (name,) in self._connection().execute(query, bounds)]

    def replace(self, folder: str, found: Iterable[tuple[str, str, int]]) -> None:
        """Take a listing of a folder in place of what was known of it."""
        known = {key: Known(etag, size) for key, etag, size in self.below(folder)}
        with self._lock:
            connection = self._connection()
            connection.execute("BEGIN")
            for key, etag, size in found:
                if known.pop(key, None) != (etag, size):
                    connection.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", [key, etag, size])
            connection.executemany("DELETE FROM objects WHERE key = ?", [[key] for key in known])
            connection.execute("COMMIT")

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = opened = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=60)
            opened.execute("PRAGMA page_size = 1024")
            opened.execute("PRAGMA synchronous = OFF")
            opened.execute(_OBJECTS)
        return self._open


def is_sound(path: Path) -> bool:
    """Return whether a file is a database of SQLite that can be opened, or is missing."""
    if not path.exists():
        return True
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite3.Error:
        return False
    return True
