"""The file of the index, `ledger.sqlite`: opened, made anew where it is damaged or missing, and changed as a whole.

Whoever writes holds a lock of voxlake's, so that SQLite's own only keep readers from half a change. Where a data
directory is locked by files because its file system has no locks, SQLite takes none either: there a reader that finds
a change under way tries again, and in the end does without the index. `ledger.json`, which held the index before, says
to earlier versions that this one is newer than they are.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from voxlake.errors import StorageFull
from voxlake.files import storage
from voxlake.lake.entries import ADDED, ERASED, FACTS, add_columns
from voxlake.lake.evolve import newer_than_ours
from voxlake.lake.old_ledger import bring_over
from voxlake.lake.scan import scan
from voxlake.locks import BY_FILE
from voxlake.places import explain
from voxlake.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.lake.directory import Lake

T = TypeVar("T")

FORMAT: Final = 2
"""The number of the format: 1 was `ledger.json`."""

MONTHS: Final = 3
"""The number where days of the lake lie in the files of months, so that earlier versions refuse it."""

_WAIT = 60
"""Seconds that a change waits for readers, and a reader for a change; either takes a small part of one."""

_PAGE = 1024
"""Bytes of a page: a night changes a few entries of each account, and writes their pages twice."""

_LOOKS, _PAUSE = 20, 0.05
"""How often, and after how many seconds, a reader without locks looks again while a change is under way."""

_DAMAGE = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_EMPTY}
)
"""What SQLite answers where a file is not one of ours: no database, a damaged one, one with other tables."""

_TABLES = f"""
CREATE TABLE ledger (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE accounts (account_id INTEGER PRIMARY KEY, declared TEXT NOT NULL);
CREATE TABLE day_files (
    account_id INTEGER NOT NULL, stream TEXT NOT NULL, date TEXT NOT NULL, sequence INTEGER NOT NULL,
    state TEXT NOT NULL, stamp TEXT, compared INTEGER, least INTEGER, greatest INTEGER, ahead INTEGER,
    {", ".join(name for name in FACTS if name not in ADDED)},
    PRIMARY KEY (account_id, stream, date)
) WITHOUT ROWID;
CREATE INDEX by_sequence ON day_files (sequence);
CREATE TABLE runs (account_id INTEGER PRIMARY KEY, result TEXT NOT NULL);
CREATE TABLE learned (
    account_id INTEGER NOT NULL, stream TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    learned_on TEXT NOT NULL, PRIMARY KEY (account_id, stream, name)
) WITHOUT ROWID;
"""


class Index:
    """The index of a lake, as a file that is opened for each question and each change."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._path = lake.layout.index
        self._journal = self._path.with_name(f"{self._path.name}-journal")
        self._unusable: str | None = None
        """The stamp of a file that was found to be damaged."""
        self._written = FORMAT

    def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Return the answer to a question, which is asked of one state of the index.

        A damaged or missing index is empty; or holds what `ledger.json` does where that is the index still. The
        question may be asked twice, and raises a ValueError where what it finds is not what was written.

        Raises:
            SettingsError: a newer version wrote the index, or it may not be read.

        """
        old, self._unusable = self._old(), None
        for look in range(_LOOKS):
            before = self._unlocked_state()
            try:
                with closing(self._open()) as connection:
                    self._require_ours(connection)
                    connection.execute("BEGIN")
                    answer = question(connection)
            except (sqlite3.Error, ValueError, TypeError, LookupError, OverflowError) as error:
                if before is None or before == self._unlocked_state():
                    self._unusable = self._stamp() if _is_damage(error) else None
                    break
            else:
                if before is None or before == self._unlocked_state():
                    return answer
            time.sleep(_PAUSE if look + 1 < _LOOKS else 0)
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            _fill(connection, self._lake, old)
            return question(connection)

    def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Make a change as a whole, and return what it returns; a damaged or missing index is made anew before.

        The caller holds a lock under which nobody else writes.

        Raises:
            SettingsError: a newer version wrote the index, or a folder lies in its place.
            StorageFull: it cannot be written.

        """
        old = self._old()
        try:
            try:
                if self._unusable is not None and self._unusable == self._stamp():
                    raise sqlite3.DatabaseError("it could not be read")
                answer = self._change(change)
            except sqlite3.Error as error:
                if self._path.is_file() and not _is_damage(error):
                    raise
                with storage(self._lake.root):
                    # A journal without its database is of no use, and beside another one does harm.
                    self._path.unlink(missing_ok=True)
                    self._journal.unlink(missing_ok=True)
                answer = self._change(change, create=old)
        except sqlite3.Error as error:
            raise self._refused(error) from error
        self._retire(old)
        return answer

    def allow_months(self) -> None:
        """Make earlier versions refuse the directory from now on: they would look for days in files of their own.

        Raises what `write` raises.
        """
        self._allow(MONTHS, lambda connection: connection.execute(f"PRAGMA user_version = {MONTHS}"))

    def allow_erased(self) -> None:
        """Make earlier versions refuse the directory from now on: they would bring back what was erased.

        Raises what `write` raises.
        """
        self._allow(ERASED, add_columns)

    def _allow(self, version: int, change: Callable[[sqlite3.Connection], object]) -> None:
        if self.read(_version) < version or self._old().get("version", 0) < version:
            self.write(lambda connection: None if _version(connection) >= version else change(connection))

    def _change(self, change: Callable[[sqlite3.Connection], T], *, create: dict[str, Any] | None = None) -> T:
        with closing(self._open(writing=True, create=create is not None)) as connection:
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute(f"PRAGMA page_size = {_PAGE}")
            if create is None:
                self._require_ours(connection)
            connection.execute("BEGIN IMMEDIATE")
            if create is not None:
                _fill(connection, self._lake, create, months=any(its.in_months for its in scan(self._lake.layout)))
            answer = change(connection)
            self._written = _version(connection)
            connection.execute("COMMIT")
            return answer

    def _open(self, *, writing: bool = False, create: bool = False) -> sqlite3.Connection:
        # A reader, too, takes back what a writer that died has left half done, where it may.
        options = f"mode={'rwc' if create else 'rw'}"
        if (self._lake.root / BY_FILE).exists():
            options = f"{options}&vfs=unix-none" if writing else "mode=ro&immutable=1"
        name = quote(os.fsencode(self._path.absolute()))
        try:
            return sqlite3.connect(f"file:{name}?{options}", uri=True, isolation_level=None, timeout=_WAIT)
        except sqlite3.Error:
            self._require_readable()
            raise

    def _unlocked_state(self) -> object:
        """Return what differs while somebody changes the index or has changed it; None where SQLite takes locks."""
        if not (self._lake.root / BY_FILE).exists():
            return None
        # An object differs from every other.
        return object() if os.path.lexists(self._journal) else self._stamp()

    def _stamp(self) -> str:
        """Return what differs after every change, "" where there is no file."""
        try:
            return self._lake.store.stamp(self._path)
        except OSError:
            return ""

    def _require_ours(self, connection: sqlite3.Connection) -> None:
        try:
            ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        except sqlite3.Error:
            self._require_readable()
            raise
        if version > ERASED:
            by = connection.execute("SELECT value FROM ledger WHERE name = 'voxlake'").fetchone()
            raise newer_than_ours(self._path.name, f"has format {version}", by and str(by[0]))
        if version not in {FORMAT, MONTHS, ERASED}:
            raise sqlite3.DatabaseError("not an index of ours")

    def _require_readable(self) -> None:
        """Raise SettingsError where the index may not be read: that is not damage."""
        try:
            self._path.open("rb").close()
        except PermissionError as error:
            raise explain(error, self._lake.root, writing=False) or error from error
        except OSError:
            return

    def _old(self) -> dict[str, Any]:
        """Return what `ledger.json` says, or nothing where it is missing or damaged."""
        path = self._lake.layout.old_index
        try:
            said = json.loads(path.read_bytes())
            version = int(said["version"])
        except PermissionError as error:
            raise explain(error, self._lake.root, writing=False) or error from error
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return {}
        if version > ERASED:
            raise newer_than_ours(path.name, f"has format {version}", said.get("voxlake"))
        return dict(said)

    def _retire(self, old: dict[str, Any]) -> None:
        """Leave in `ledger.json` nothing but what makes earlier versions refuse the directory."""
        layout = self._lake.layout
        if old.get("version") != self._written:
            text = json.dumps({"version": self._written, "voxlake": __version__, "index": layout.index.name})
            self._lake.store.write_text(layout.old_index, text, aside=self._lake.tmp / layout.old_index.name)
        self._lake.store.remove(layout.old_learned)

    def _refused(self, error: sqlite3.Error) -> Exception:
        """Return what SQLite could not do as an error that says what to do."""
        if self._path.is_dir():
            return explain(IsADirectoryError(errno.EISDIR, "", str(self._path)), self._lake.root) or error
        return StorageFull(
            f"{self._path} cannot be written ({error}): make room, or change its permissions, then run the same command"
            " again."
        )


def allow_erased(lake: Lake) -> None:
    """Do what `Index.allow_erased` does; the caller holds the lake."""
    Index(lake).allow_erased()


def _version(connection: sqlite3.Connection) -> int:
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    return int(version)


def _is_damage(error: Exception) -> bool:
    """Return whether a file is not what we wrote, rather than that it cannot be read or written just now."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in _DAMAGE


def _fill(connection: sqlite3.Connection, lake: Lake, old: dict[str, Any], *, months: bool = False) -> None:
    """Make the tables, and bring over what earlier versions have left."""
    for statement in _TABLES.split(";")[:-1]:
        connection.execute(statement)
    written = int(old.get("version", 0))
    connection.execute(f"PRAGMA user_version = {MONTHS if months or written >= MONTHS else FORMAT}")
    if written >= ERASED:
        add_columns(connection)
    facts = {"index_id": secrets.token_hex(16), "sequence": 0, "whole": 0, "voxlake": __version__}
    connection.executemany("INSERT INTO ledger VALUES (?, ?)", facts.items())
    bring_over(connection, lake.layout, old)
