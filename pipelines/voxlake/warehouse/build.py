"""The next database while it is being built: days are loaded as soon as their files are in place.

An export loads days while it still reads others. Nobody sees the database before it is finished: all loading is one
transaction on a file of its own, so that an early failure costs only the time to load again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pyarrow as pa

from voxlake.errors import DataError, StorageFull
from voxlake.files import storage
from voxlake.sql import interruptible
from voxlake.transform import STREAMS
from voxlake.warehouse.accounts import load_accounts
from voxlake.warehouse.checks import check
from voxlake.warehouse.clone import clone
from voxlake.warehouse.day_rows import sources
from voxlake.warehouse.ddl import create
from voxlake.warehouse.derived_columns import prepare, table_rows
from voxlake.warehouse.state import checksum_table, coverage_table, fingerprint, key_table, read_state

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxlake.model import DayFile, DayKey, FinalityPolicy
    from voxlake.warehouse.day_rows import DayFiles

# DuckDB 2.0 writes files that 1.4 and 1.5 cannot open unless it is asked for an older format.
_STORAGE_VERSION = "v1.2.0"
# Ten million rows are loaded and checked in 0.5 GB of the process with this limit, and in 1.1 GB, no faster, without.
_MEMORY_LIMIT = "256MB"
# A quarter of DuckDB's default, for 5 % more bytes and no slower reports: a thread compresses a full row group at once,
# while the incomplete ones that early loads leave are compressed at the end, one after the other.
_ROW_GROUP_SIZE = 30_720


class DatabaseBuild:
    """One database being built: a clone of the published one with the days that differ, or a new one with all days.

    The caller holds the lock of the data directory `root`, installs `file` after `finish`, and closes the build in any
    case. `lake` has the day files.
    """

    def __init__(self, root: Path, *, published: Path, file: Path, lake: DayFiles, rebuild: bool) -> None:
        self.file = file
        self._root, self._published, self._lake = root, published, lake
        self._facts = lake.account_facts()
        # Another run may publish meanwhile: what is cloned is the file whose state was read.
        self._generation = generation_of(published)
        state = None if rebuild else read_state(published, self._facts)
        self._from_scratch = state is None
        self._published_checksums = dict(state.checksums) if state else {}
        self._published_coverage = state.coverage if state else None
        self._knows_accounts = state is not None and state.knows_accounts
        self._checksums = dict(self._published_checksums)
        self._changed: set[DayKey] = set()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._loads_early = True

    def is_of_published(self) -> bool:
        """Return whether the published database is still the one that this is an update of."""
        return generation_of(self._published) == self._generation

    def prepare(self) -> None:
        """Create the tables of a new database ahead of the first load, while the caller waits for something else."""
        if self._from_scratch and self._loads_early:
            try:
                self._open()
            except (duckdb.Error, StorageFull):
                self._abandon_early_loads()

    def load(self, day_files: Sequence[DayFile]) -> None:
        """Load days early; a failure is not raised here: `finish` loads all days again, and raises it if it stays."""
        if self._loads_early:
            try:
                self._load(day_files)
            except (duckdb.Error, DataError, StorageFull):
                self._abandon_early_loads()

    def finish(self, day_files: Sequence[DayFile], *, finality: FinalityPolicy) -> int | None:
        """Load the days that are missing, remove those that are not in `day_files`, and check the result.

        Returns how many days were loaded or removed; None where the published database is up to date, so that there is
        no file to install.

        Raises:
            DataError: a check failed, or a day file cannot be loaded.
            StorageFull: the disk is full.

        """
        # What the run has learned of accounts since the build was begun.
        facts = self._lake.account_facts()
        self._knows_accounts, self._facts = self._knows_accounts and facts == self._facts, facts
        coverage = coverage_table(day_files, finality=finality)
        removed = self._checksums.keys() - {day_file.key for day_file in day_files}
        unchanged = not (self._from_scratch or self._changed or removed or self._differing(day_files))
        if unchanged and self._knows_accounts and coverage.equals(self._published_coverage):
            return None
        # DuckDB can use the memory that the pages of the API's replies took.
        pa.default_memory_pool().release_unused()
        try:
            self._finish(day_files, removed, coverage)
        except duckdb.Error as error:
            raise self._failure(error) from error
        finally:
            self.close()
        return len(self._changed | removed)

    def close(self) -> None:
        """Close the file; an unfinished one stays in the folder of temporary files, which the next run empties."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _failure(self, error: duckdb.Error) -> StorageFull | DataError:
        reason = " ".join(str(error).split())
        if "No space left" in reason or "out of disk space" in reason:
            return StorageFull(
                f"{self._root} has no room for the database ({reason}): make some, then run 'voxlake publish'."
            )
        return DataError(
            f"The database cannot be built ({reason}): run 'voxlake audit --repair', and report it if it fails again."
        )

    def _differing(self, day_files: Sequence[DayFile]) -> list[DayFile]:
        return [day_file for day_file in day_files if self._checksums.get(day_file.key) != day_file.checksum]

    def _load(self, day_files: Sequence[DayFile]) -> None:
        """Replace the rows of every day whose file differs from what is loaded."""
        differing = self._differing(day_files)
        if not differing:
            return
        connection = self._open()
        self._remove(connection, {day_file.key for day_file in differing} & self._checksums.keys())
        for stream in STREAMS.values():
            keys = [day_file.key for day_file in differing if day_file.key.stream == stream.name]
            for source, parameters in sources(connection, self._lake, keys):
                query = f"INSERT INTO {stream.table} BY NAME {table_rows(stream.name, source)}"
                connection.execute(query, parameters)
        self._checksums |= {day_file.key: day_file.checksum for day_file in differing}
        self._changed |= {day_file.key for day_file in differing}

    def _remove(self, connection: duckdb.DuckDBPyConnection, day_keys: set[DayKey]) -> None:
        if not day_keys:
            return
        connection.register("stale", key_table(day_keys))
        for stream in STREAMS.values():
            connection.execute(
                f"DELETE FROM {stream.table} WHERE (account_id, date) IN"  # noqa: S608 - a table of ours
                " (SELECT (account_id, date) FROM stale WHERE stream = $1)",
                [stream.name],
            )

    def _finish(self, day_files: Sequence[DayFile], removed: set[DayKey], coverage: pa.Table) -> None:
        self._load(day_files)
        connection = self._open()
        self._remove(connection, removed)
        connection.execute("DELETE FROM meta.parts")
        connection.register("loaded", checksum_table(day_files))
        connection.execute("INSERT INTO meta.parts SELECT * FROM loaded")
        connection.execute("DELETE FROM coverage")
        connection.register("covered", coverage)
        connection.execute("INSERT INTO coverage BY NAME SELECT * FROM covered")
        load_accounts(connection, self._facts)
        connection.execute("COMMIT")
        check(connection, changed=None if self._from_scratch else self._changed)
        connection.execute("USE memory")
        connection.execute("DETACH next")

    def _open(self) -> duckdb.DuckDBPyConnection:
        """Return the connection to the next database with its transaction begun, after creating both if needed."""
        if self._connection is not None:
            return self._connection
        with storage(self._root):
            for leftover in (self.file, self.file.with_name(f"{self.file.name}.wal")):
                leftover.unlink(missing_ok=True)
            if not self._from_scratch:
                self._clone()
        connection = self._connection = interruptible(duckdb.connect())
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{_MEMORY_LIMIT}'")
        connection.execute(f"SET temp_directory = '{quoted(self.file.with_name('spill'))}'")
        # The order of rows means nothing, and keeping it would cost memory.
        connection.execute("SET preserve_insertion_order = false")
        if self._from_scratch:
            # Small row groups of several loads are good enough: merging them would take as long as loading them.
            connection.execute("SET max_vacuum_tasks = 0")
        options = f"STORAGE_VERSION '{_STORAGE_VERSION}', ROW_GROUP_SIZE {_ROW_GROUP_SIZE}"
        connection.execute(f"ATTACH '{quoted(self.file)}' AS next ({options})")
        connection.execute("USE next")
        prepare(connection)
        if self._from_scratch:
            create(connection)
        connection.execute("BEGIN")
        if self._from_scratch:
            connection.execute("INSERT INTO meta.built VALUES ($1)", [fingerprint(self._published)])
        return connection

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
        self._connection, self._loads_early = None, False
        with suppress(OSError):
            self.file.unlink(missing_ok=True)
        self._checksums, self._changed = dict(self._published_checksums), set()


class Generation(NamedTuple):
    """A published database: its file, and what changes when another takes its place under the same name."""

    file: Path
    stamp: tuple[int, int, int]


def generation_of(published: Path) -> Generation | None:
    """Return which file is published; None where none is."""
    try:
        file = published.resolve()
        stat = file.stat()
    except OSError:
        return None
    return Generation(file, (stat.st_ino, stat.st_size, stat.st_mtime_ns))


def quoted(path: Path) -> str:
    """Return a path as it stands between single quotes in SQL."""
    return str(path).replace("'", "''")
