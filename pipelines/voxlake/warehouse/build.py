"""The next database while it is being built: days are loaded as soon as their files are in place.

An export loads days while it still reads others. Nobody sees the database before it is finished: all loading is one
transaction on a file of its own, so that an early failure costs only the time to load again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pyarrow as pa

from voxlake.errors import DataError, StorageFull
from voxlake.files import storage
from voxlake.spill import WRITER_MEMORY, lacks_room
from voxlake.sql import interruptible
from voxlake.transform import STREAMS
from voxlake.warehouse.accounts import load_accounts
from voxlake.warehouse.checks import check
from voxlake.warehouse.clone import clone
from voxlake.warehouse.derived_columns import prepare
from voxlake.warehouse.differences import Differences, find_differences, find_other_rows
from voxlake.warehouse.empty import ATTACH_OPTIONS, write_empty
from voxlake.warehouse.generation import generation_of, quoted
from voxlake.warehouse.layout import absolute, is_linked, rows_folder
from voxlake.warehouse.news import record_changes, remember_rows
from voxlake.warehouse.row_files import RowFiles
from voxlake.warehouse.row_tables import RowTables
from voxlake.warehouse.runs import load_runs
from voxlake.warehouse.state import Reader, day_table, key_table, read_state, remember_state
from voxlake.warehouse.totals import load_totals
from voxlake.warehouse.unused_files import note_unused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from voxlake.clock import Clock
    from voxlake.model import Changes, DayFile, DayKey, FinalityPolicy, Mark
    from voxlake.warehouse.day_rows import DayFiles

_NO_LONGER_TRUE = """
    (account_id, stream, date) IN (
        SELECT (account_id, stream, date) FROM given UNION ALL SELECT (account_id, stream, date) FROM removed
    )
"""


class Built(NamedTuple):
    """How many days were loaded or removed, and the rows that there are; the file is a new one, or as it was.

    Once a new one is installed, the files `unneeded` in the folder of rows may be removed.
    """

    changed: int
    rows: int
    is_new: bool
    unneeded: Sequence[str] = ()


class DatabaseBuild:
    """One database being built: a clone of the published one with the days that differ, or a new one with all days.

    The caller holds the lock of the data directory `root`, installs `file` after `finish`, and closes the build in any
    case. `lake` has the day files, and `layout` says where the messages are.
    """

    def __init__(
        self,
        root: Path,
        *,
        published: Path,
        file: Path,
        lake: DayFiles,
        rebuild: bool,
        layout: str,
        clock: Clock,
    ) -> None:
        self.file, self._clock = file, clock
        self._root, self._published, self._lake = root, published, lake
        # Another run may publish meanwhile: what is cloned is the file whose state was read.
        self._generation = generation_of(published)
        self._reader = Reader(root / "tmp")
        self._before = read_state(self._reader, published)
        self._folder = rows_folder(root)
        self._linked = is_linked(layout, self._before, root)
        self._state = self._before
        if rebuild or self._before is None or bool(self._before.rows_folder) is not self._linked:
            self._state = None
        self._rows: RowTables | RowFiles | None = None
        self._loaded: dict[DayKey, str] = {}
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._loads_early = True

    def is_of_published(self) -> bool:
        """Return whether the published database is still the one that this is an update of."""
        return generation_of(self._published) == self._generation

    def includes(self, finality: FinalityPolicy) -> Mark | None:
        """Return up to where the build begins with the changes of an index; None where it needs all days."""
        return self._state.mark if self._state is not None and self._state.finality == finality else None

    def prepare(self) -> None:
        """Create the tables of a new database ahead of the first load, while the caller waits for something else."""
        if self._state is None and self._loads_early:
            try:
                self._open()
            except (duckdb.Error, StorageFull):
                self._abandon_early_loads()

    def load(self, day_files: Sequence[DayFile]) -> None:
        """Load days early; a failure is not raised here: `finish` loads all days again, and raises it if it stays."""
        if self._loads_early:
            try:
                self._load_early(day_files)
            except (duckdb.Error, DataError, StorageFull):
                self._abandon_early_loads()

    def finish(self, changes: Changes, *, finality: FinalityPolicy) -> Built:
        """Load the days that have changed, remove those that are no more, and check the result.

        Raises:
            DataError: a check failed, or a day file cannot be loaded.
            StorageFull: the disk is full.

        """
        # DuckDB can use the memory that the pages of the API's replies took.
        pa.default_memory_pool().release_unused()
        try:
            differences = self._differences(changes, finality)
            if self._state is not None and not self._loaded and not differences and not self._has_moved():
                return Built(0, self._state.rows, is_new=False)
            return self._finish(changes, differences, finality)
        except duckdb.Error as error:
            raise self._failure(error) from error
        finally:
            self.close()

    def close(self) -> None:
        """Close the file; an unfinished one stays in the folder of temporary files, which the next run empties."""
        self._reader.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = self._rows = None

    def _has_moved(self) -> bool:
        """Return whether the views of the published database look for their files in another place."""
        return self._linked and self._before is not None and self._before.rows_folder != absolute(self._folder)

    def _failure(self, error: duckdb.Error) -> StorageFull | DataError:
        reason = " ".join(str(error).split())
        if lacks_room(error):
            return StorageFull(
                f"{self._root} has no room for the database ({reason}): make some, then run 'voxlake publish'."
            )
        return DataError(
            f"The database cannot be built ({reason}): run 'voxlake audit --repair', and report it if it fails again."
        )

    def _differences(self, changes: Changes, finality: FinalityPolicy) -> Differences:
        """Compare changes with the published database, and with what was loaded early."""
        if self._state is None:
            found = Differences(rows=frozenset(day_file.key for day_file in changes.day_files))
        else:
            found = find_differences(self._reader, self._base(), changes, finality, self._lake.account_facts())
        gone = frozenset(changes.removed)
        if changes.whole:
            gone = frozenset(self._loaded.keys() - {day_file.key for day_file in changes.day_files})
        return replace(found, removed=found.removed | (self._loaded.keys() & gone))

    def _base(self) -> Path:
        """Return the file that this is an update of."""
        return self._published if self._generation is None else self._generation.file

    def _load_early(self, day_files: Sequence[DayFile]) -> None:
        """Replace the rows of every day whose file differs from what is loaded."""
        new = [day_file for day_file in day_files if day_file.key not in self._loaded]
        if self._state is None:
            self._load(day_files, frozenset(day_file.key for day_file in new), frozenset())
        else:
            self._load(day_files, *find_other_rows(self._reader, self._base(), new))

    def _load(self, day_files: Sequence[DayFile], rows: frozenset[DayKey], known: frozenset[DayKey]) -> None:
        """Load days whose `rows` differ from those of the published database, in place of those that it has of them.

        What was loaded already is loaded again where its file is another one now.
        """
        differing = []
        for day_file in day_files:
            loaded = self._loaded.get(day_file.key)
            if day_file.key in rows if loaded is None else loaded != day_file.checksum:
                differing.append(day_file)
        if not differing:
            return
        self._lake.fetch(day_file.key for day_file in differing)
        connection, rows_of = self._open()
        if replaced := {day_file.key for day_file in differing} & (known | self._loaded.keys()):
            self._remember(connection, replaced)
            rows_of.remove(replaced)
        for stream in STREAMS.values():
            if its := [day_file for day_file in differing if day_file.key.stream == stream.name]:
                rows_of.load(stream, its)
        self._loaded |= {day_file.key: day_file.checksum for day_file in differing}

    def _finish(self, changes: Changes, differences: Differences, finality: FinalityPolicy) -> Built:
        self._load(changes.day_files, differences.rows, differences.known)
        (connection, rows_of), removed = self._open(), differences.removed
        if removed:
            self._remember(connection, removed)
            rows_of.remove(removed)
        rows_of.settle()
        known, now = {} if self._before is None else self._before.dropped, self._clock.now()
        unneeded = note_unused(connection, self._folder, known=known, now=now)
        connection.register("given", day_table(changes.day_files, finality=finality))
        connection.register("removed", key_table(removed))
        for table in ("meta.parts", "coverage"):
            connection.execute(f"DELETE FROM {table} WHERE {_NO_LONGER_TRUE}")  # noqa: S608 - tables of ours
        connection.execute("INSERT INTO meta.parts BY NAME SELECT account_id, stream, date, checksum FROM given")
        connection.execute("INSERT INTO coverage BY NAME SELECT * EXCLUDE (checksum) FROM given")
        changed = self._loaded.keys() | removed
        load_totals(connection, changed, folder=(files := self._files()))
        record_changes(connection, changed if self._state else None, published=self._published, at=now, folder=files)
        load_accounts(connection, self._lake.account_facts())
        load_runs(connection, self._lake.runs())
        folder = absolute(self._folder) if self._linked else None
        remember_state(connection, self._published, changes.mark, finality, folder)
        connection.execute("COMMIT")
        check(connection, changed=None if self._state is None else changed | differences.coverage, folder=files)
        ((rows,),) = connection.execute("SELECT coalesce(sum(row_count), 0)::BIGINT FROM coverage").fetchall()
        connection.execute("USE memory")
        connection.execute("DETACH next")
        return Built(len(changed), rows, is_new=True, unneeded=unneeded)

    def _remember(self, connection: duckdb.DuckDBPyConnection, days: AbstractSet[DayKey]) -> None:
        """Remember what the published database has of days, before it is replaced for the first time."""
        if self._state is not None and (published := days - self._loaded.keys()):
            remember_rows(connection, published, folder=self._files())

    def _files(self) -> Path | None:
        """Return the folder of the files of a linked database that is updated."""
        return self._folder if self._linked and self._state is not None else None

    def _open(self) -> tuple[duckdb.DuckDBPyConnection, RowTables | RowFiles]:
        """Return the next database with its transaction begun, and its rows, after creating them if needed."""
        if self._connection is not None and self._rows is not None:
            return self._connection, self._rows
        with storage(self._root):
            for leftover in (self.file, self.file.with_name(f"{self.file.name}.wal")):
                leftover.unlink(missing_ok=True)
            if self._state is not None:
                self._clone()
        connection = self._connection = interruptible(duckdb.connect())
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{WRITER_MEMORY}'")
        connection.execute(f"SET temp_directory = '{quoted(self.file.with_name('spill'))}'")
        # The order of rows means nothing, and keeping it would cost memory.
        connection.execute("SET preserve_insertion_order = false")
        if self._state is None:
            # Small row groups of several loads are good enough: merging them would take as long as loading them.
            connection.execute("SET max_vacuum_tasks = 0")
            with storage(self._root):
                write_empty(connection, self.file, linked=self._linked)
        connection.execute(f"ATTACH '{quoted(self.file)}' AS next ({ATTACH_OPTIONS})")
        connection.execute("USE next")
        prepare(connection)
        connection.execute("BEGIN")
        aside = self.file.with_name("rows")
        self._rows = (
            RowFiles(connection, self._lake, folder=self._folder, aside=aside)
            if self._linked
            else RowTables(connection, self._lake)
        )
        return connection, self._rows

    def _clone(self) -> None:
        generation = self._generation
        try:
            if generation is not None and self.is_of_published():
                clone(generation.file, self.file)
                return
        except FileNotFoundError:
            # Removed, after others were published.
            self.file.unlink(missing_ok=True)
        raise DataError("Another run has published the database meanwhile: run the same command again.")

    def _abandon_early_loads(self) -> None:
        """Discard what was loaded early, and leave all loading to `finish`."""
        with suppress(duckdb.Error):
            self.close()
        self._connection, self._rows, self._loads_early = None, None, False
        with suppress(OSError):
            self.file.unlink(missing_ok=True)
        self._loaded = {}
