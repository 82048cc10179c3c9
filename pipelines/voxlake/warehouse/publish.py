"""The published DuckDB database: a projection of the lake, built aside, checked, and installed by one rename.

`voxlake.duckdb` is a link to a file of the same name in the folder of its generation in `warehouse/`: an open reader
keeps its generation, the next reader sees the new one, and a `.wal` left behind by somebody's writing session lies
beside its own generation, where it cannot be taken for another's.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from voxlake.clock import SYSTEM
from voxlake.errors import DataError, SettingsError
from voxlake.files import beside, carry, make, storage, target_of, temporary
from voxlake.model import DayKey
from voxlake.places import usable
from voxlake.remote import begin_publishing, newer_database, publish_database, remote_of, remove_earlier_database
from voxlake.spill import require_room
from voxlake.sql import interruptible
from voxlake.warehouse import checks
from voxlake.warehouse.access import files_read, restrict
from voxlake.warehouse.build import DatabaseBuild
from voxlake.warehouse.digests import differing_days
from voxlake.warehouse.examine import Examination, examine
from voxlake.warehouse.generation import open_published
from voxlake.warehouse.install import install
from voxlake.warehouse.layout import AUTO, PORTABLE, require_layout, require_portable, rows_folder
from voxlake.warehouse.portable_copy import write_portable_copy
from voxlake.warehouse.unused_files import remove_earlier, remove_files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from voxlake.clock import Clock
    from voxlake.errors import VoxlakeError
    from voxlake.model import Changes, DayFile, DaySpan, FinalityPolicy, Mark
    from voxlake.warehouse.day_rows import DayFiles


@dataclass(frozen=True, slots=True)
class DatabaseUpdate:
    """How many days were loaded or removed, and how many rows there are now.

    `moved_aside` is a sentence where a foreign file was in the way.
    """

    changed: int
    rows: int
    moved_aside: str = ""


class Warehouse:
    """The published database of a data directory, at `path`.

    `database` says what the next one is: `portable`, `linked`, or `auto`; see `layout`. The clock says how long files
    that a linked one does not need any more have been there.

    Raises:
        SettingsError: there is no such layout.

    """

    def __init__(self, root: Path, *, database: str = AUTO, clock: Clock = SYSTEM) -> None:
        self._root = root = usable(root)
        self._layout, self._clock = require_layout(database), clock
        self._remote = remote_of(root)
        if self._remote is not None:
            require_portable(database, self._remote.url)
            self._layout = PORTABLE
        self.path = root / "voxlake.duckdb"
        self._generations = root / "warehouse"

    def begin(self, lake: DayFiles, *, rebuild: bool = False) -> DatabaseBuild:
        """Begin the next database: an update of the published one, or a `rebuild` from scratch.

        The caller holds the lock of the data directory, and closes the build.
        """
        self.bring()
        file = lake.tmp / "next.duckdb"
        return DatabaseBuild(
            self._root,
            published=self.path,
            file=file,
            lake=lake,
            rebuild=rebuild,
            layout=self._layout,
            clock=self._clock,
        )

    def complete(self, build: DatabaseBuild, changes: Changes, *, finality: FinalityPolicy) -> DatabaseUpdate:
        """Finish a build with what has changed, and install it unless the published database is up to date.

        `changes` are those since what the build `includes`.

        Raises:
            DataError: a check failed or a day file cannot be loaded; the last good database stays.
            StorageFull: the disk is full; the same.

        """
        with storage(self._root):
            make(self._generations)
        if self._remote is not None:
            begin_publishing(self._remote)
        built = build.finish(changes, finality=finality)
        moved_aside = self.install(build.file) if built.is_new else ""
        if built.is_new and self._remote is not None:
            publish_database(self._remote, self.path.resolve(), at=self._clock.now())
        remove_files(rows_folder(self._root), built.unneeded)
        return DatabaseUpdate(built.changed, built.rows, moved_aside)

    def publish(
        self,
        changes_since: Callable[[Mark | None], Changes],
        lake: DayFiles,
        *,
        finality: FinalityPolicy,
        rebuild: bool = False,
    ) -> DatabaseUpdate:
        """Begin and complete the next database; `changes_since` is called once, with what the build `includes`.

        Raises what `complete` raises, and what is called.
        """
        with closing(self.begin(lake, rebuild=rebuild)) as build:
            return self.complete(build, changes_since(build.includes(finality)), finality=finality)

    def bring(self) -> bool:
        """Install the database that counts in the store of the data directory; returns whether that was another one.

        Raises DataError where it is gone, and StoreUnavailable where the store cannot be reached in time.
        """
        if self._remote is None:
            return False
        with newer_database(self._remote, self.path) as file:
            if file is not None:
                with storage(self._root):
                    make(self._generations)
                self.install(file)
        return file is not None

    def install(self, file: Path) -> str:
        """Make a finished file the published database; see the function `install`."""
        return install(self._root, self.path, file, is_database=lambda: self.damage() is None)

    def published_at(self) -> float | None:
        """Return when the published database was written, in seconds since 1970, UTC; None where there is none."""
        with suppress(OSError):
            return self.path.stat().st_mtime
        return None

    def remove_earlier(self) -> list[str]:
        """Remove earlier generations and their files at once; returns what cannot be removed. Raises duckdb.Error."""
        if self._remote is not None:
            remove_earlier_database(self._remote)
        return remove_earlier(self._root, self.path)

    def days(self, account_ids: Collection[int] | None = None) -> set[DayKey]:
        """Return every day that the published database covers, of some accounts or of all; raises as `reader` does."""
        query = "SELECT account_id, stream, date FROM coverage WHERE $1 IS NULL OR list_contains($1, account_id)"
        with self.reader(newest=False) as connection:
            rows = connection.execute(query, [None if account_ids is None else list(account_ids)]).fetchall()
        return {DayKey(*row) for row in rows}

    def differing(self, day_files: Iterable[DayFile], lake: DayFiles) -> list[DayKey]:
        """Return the days whose rows in the database are not those of their files; all days if it cannot be read."""
        return differing_days(self.path.resolve(), day_files, lake)

    @contextmanager
    def reader(self, *, newest: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the published database for the length of a block, as `connect` does.

        Raises:
            SettingsError, DataError: what `connect` raises; and DataError where a DuckDB error leaves the block.

        """
        with self.connect(newest=newest) as connection, self.read_errors():
            yield connection

    def connect(self, *, newest: bool = True) -> duckdb.DuckDBPyConnection:
        """Open the published database read-only and restricted (see `restrict`), with UTC as its time zone.

        Where the data directory is in a store, the `newest` is brought first, or the one that is here is taken.

        Raises:
            SettingsError: nothing was published yet, or the data directory is a file.
            DataError: the database cannot be read.

        """
        if newest:
            self.bring()
        with storage(self._root, writing=False):
            if not self._is_there():
                lake = self._root / "lake"
                exported = lake.is_dir() and any(lake.iterdir())
                first = "'voxlake publish'" if exported else "'voxlake export' first"
                where = self.path if self._remote is None else self._remote.url
                raise SettingsError(f"There is no database at {where} yet: run {first}, or give --data-dir.")
        with self.read_errors(), ExitStack() as stack:
            connection = stack.enter_context(interruptible(open_published(self.path)))
            # A foreign database in this place would otherwise answer that there are no messages.
            connection.execute("SELECT fingerprint FROM meta.built").fetchall()
            restrict(connection, but=files_read(connection, self.path), tmp=self._root / "tmp")
            stack.pop_all()
            return connection

    @contextmanager
    def read_errors(self) -> Iterator[None]:
        """Turn a DuckDB error that leaves the block into the sentence that the database cannot be read.

        Raises:
            DataError: that sentence.
            StorageFull: what does not fit into memory has no room on the disk.

        """
        try:
            yield
        except duckdb.Error as error:
            require_room(error, self._root / "tmp")
            reason = " ".join(str(error).split())
            raise DataError(f"The database {self.path} cannot be read ({reason}): run 'voxlake publish'.") from error

    def _is_there(self) -> bool:
        """Return whether a database is published; raises PermissionError where it may not be read."""
        try:
            with self.path.open("rb"):
                return True
        except (FileNotFoundError, IsADirectoryError):
            return os.path.lexists(self.path)

    def write_copy(self, path: Path) -> int:
        """Write the published database to a file that needs no other one, and return how many rows it has.

        Raises what `reader` raises, SettingsError where there is no such folder, and StorageFull.
        """
        if not path.parent.is_dir():
            raise SettingsError(f"{path.parent} is not a folder: create it first.")
        with self.reader() as connection:
            ((rows,),) = connection.execute("SELECT coalesce(sum(row_count), 0)::BIGINT FROM coverage").fetchall()
            # As long as it is open here, its generation is the one that is copied.
            with storage(path.parent), beside(path) as aside:
                aside.unlink()
                write_portable_copy(self.path.resolve(), aside)
                aside.replace(target_of(path))
        return int(rows)

    def copy_to(self, folder: Path, *, mark: str) -> tuple[Path, bool]:
        """Put the published database in place in another folder, where that has one with another mark, or none.

        Returns its path there, and whether it was put. Raises StorageFull where it cannot be written.
        """
        its, known = Warehouse(folder, clock=self._clock), folder / "warehouse" / "pulled"
        with suppress(OSError):
            if known.read_text() == mark and its.path.exists():
                return its.path, False
        with storage(folder):
            make(known.parent)
            with temporary(known.with_name("pulled.duckdb.new")) as aside:
                carry(self.path.resolve(), aside)
                its.install(aside)
            known.write_text(mark)
        return its.path, True

    def damage(self) -> VoxlakeError | None:
        """Return why the published database cannot be read, or that there is none; None where it can be read."""
        try:
            with self.reader(newest=False) as connection:
                checks.warnings(connection)
        except (SettingsError, DataError) as error:
            return error
        return None

    def examine(self, spans: Iterable[DaySpan] | None = None) -> Examination:
        """Check the rows of some days, or of all, and return what is wrong with the database, as `Examination` says.

        Raises:
            StorageFull: there is no room for what does not fit into memory.

        """
        return examine(self.reader, spans)

    def warnings(self, *, accounts: Collection[int] | None = None) -> list[dict[str, Any]]:
        """Return what is odd in the vendor's data, as `checks.warnings` does; nothing where there is no database.

        Raises:
            DataError: the database cannot be read.

        """
        try:
            with self.reader(newest=False) as connection:
                return checks.warnings(connection, accounts=accounts)
        except SettingsError:
            return []
