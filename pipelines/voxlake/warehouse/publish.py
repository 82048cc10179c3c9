"""The published DuckDB database: a projection of the lake, built aside, checked, and installed by one rename.

`voxlake.duckdb` is a link to a generation in `warehouse/`: an open reader keeps its generation, the next reader sees
the new one, and a `.wal` left behind by somebody's writing session lies beside its own generation, where it cannot be
taken for another's.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from voxlake.errors import DataError, SettingsError
from voxlake.files import make, point, put, storage, unsupported
from voxlake.model import DayKey
from voxlake.places import usable
from voxlake.sql import interruptible
from voxlake.transform import STREAMS
from voxlake.warehouse import checks
from voxlake.warehouse.build import DatabaseBuild
from voxlake.warehouse.day_rows import sources
from voxlake.warehouse.derived_columns import stored_rows
from voxlake.warehouse.generation import quoted
from voxlake.warehouse.own import is_own, remember

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from voxlake.errors import VoxlakeError
    from voxlake.model import Changes, DayFile, FinalityPolicy, Mark
    from voxlake.warehouse.day_rows import DayFiles

    Digests = dict[tuple[int, date], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class DatabaseUpdate:
    """How many days were loaded or removed, and how many rows there are now.

    `moved_aside` is a sentence where a foreign file was in the way.
    """

    changed: int
    rows: int
    moved_aside: str = ""


def restrict(connection: duckdb.DuckDBPyConnection) -> None:
    """Set a connection's time zone to UTC, and forbid it for good to open any other file and to change its settings.

    Connections of one process to one file share an instance of DuckDB: a second one finds itself restricted.
    """
    ((restricted,),) = connection.execute("SELECT current_setting('lock_configuration')").fetchall()
    if not restricted:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")


class Warehouse:
    """The published database of a data directory, at `path`."""

    def __init__(self, root: Path) -> None:
        self._root = root = usable(root)
        self.path = root / "voxlake.duckdb"
        self._generations = root / "warehouse"

    def begin(self, lake: DayFiles, *, rebuild: bool = False) -> DatabaseBuild:
        """Begin the next database: an update of the published one, or a `rebuild` from scratch.

        The caller holds the lock of the data directory, and closes the build.
        """
        file = lake.tmp / "next.duckdb"
        return DatabaseBuild(self._root, published=self.path, file=file, lake=lake, rebuild=rebuild)

    def complete(self, build: DatabaseBuild, changes: Changes, *, finality: FinalityPolicy) -> DatabaseUpdate:
        """Finish a build with what has changed, and install it unless the published database is up to date.

        `changes` are those since what the build `includes`.

        Raises:
            DataError: a check failed or a day file cannot be loaded; the last good database stays.
            StorageFull: the disk is full; the same.

        """
        with storage(self._root):
            make(self._generations)
        built = build.finish(changes, finality=finality)
        return DatabaseUpdate(built.changed, built.rows, self._install(build.file) if built.is_new else "")

    def publish(
        self,
        changes_since: Callable[[Mark | None], Changes],
        lake: DayFiles,
        *,
        finality: FinalityPolicy,
        rebuild: bool = False,
    ) -> DatabaseUpdate:
        """Begin and complete the next database in one step; raises what `complete` raises, and what is called.

        `changes_since` is called once, with what the build `includes`.
        """
        with closing(self.begin(lake, rebuild=rebuild)) as build:
            return self.complete(build, changes_since(build.includes(finality)), finality=finality)

    def days(self, account_ids: Collection[int] | None = None) -> set[DayKey]:
        """Return every day that the published database covers, of some accounts or of all; raises as `reader` does."""
        query = "SELECT account_id, stream, date FROM coverage WHERE $1 IS NULL OR list_contains($1, account_id)"
        with self.reader() as connection:
            rows = connection.execute(query, [None if account_ids is None else list(account_ids)]).fetchall()
        return {DayKey(*row) for row in rows}

    def differing(self, day_files: Iterable[DayFile], lake: DayFiles) -> list[DayKey]:
        """Return the days whose rows in the database are not those of their files; all days if it cannot be read."""
        by_stream: dict[str, list[DayKey]] = {}
        for day_file in day_files:
            by_stream.setdefault(day_file.key.stream, []).append(day_file.key)
        found: list[DayKey] = []
        with interruptible(duckdb.connect()) as connection:
            for stream, keys in by_stream.items():
                digests = self._digests(connection, stream, keys, lake)
                for key in keys:
                    day = key.account_id, key.date
                    if digests is None or digests[0].get(day) != digests[1].get(day):
                        found.append(key)
        return found

    def _digests(
        self, connection: duckdb.DuckDBPyConnection, stream: str, keys: Iterable[DayKey], lake: DayFiles
    ) -> tuple[Digests, Digests] | None:
        """Return row count and digest by account and day, in files and in the database; None if it cannot be read."""
        columns = ", ".join(("date", *STREAMS[stream].schema.names))
        digest = f"SELECT account_id, date, count(*), bit_xor(hash({columns})) FROM"
        in_files: Digests = {}
        try:
            connection.execute(f"ATTACH IF NOT EXISTS '{quoted(self.path.resolve())}' AS published (READ_ONLY)")
            rows = connection.execute(f"{digest} published.{STREAMS[stream].table} GROUP BY ALL").fetchall()
            for source, parameters in sources(connection, lake, keys):
                query = f"{digest} ({stored_rows(stream, source)}) GROUP BY ALL"
                for account, day, count, its in connection.execute(query, parameters).fetchall():
                    counted, other = in_files.get((account, day), (0, 0))
                    in_files[account, day] = counted + count, other ^ its
        except (duckdb.Error, DataError):
            return None
        return in_files, {(account, day): (count, its) for account, day, count, its in rows}

    @contextmanager
    def reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the published database for the length of a block, as `connect` does.

        Raises:
            SettingsError, DataError: what `connect` raises; and DataError where a DuckDB error leaves the block.

        """
        with self.connect() as connection, self.read_errors():
            yield connection

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open the published database read-only and restricted (see `restrict`), with UTC as its time zone.

        Raises:
            SettingsError: nothing was published yet, or the data directory is a file.
            DataError: the database cannot be read.

        """
        with storage(self._root, writing=False):
            if not self._is_there():
                lake = self._root / "lake"
                exported = lake.is_dir() and any(lake.iterdir())
                first = "'voxlake publish'" if exported else "'voxlake export' first"
                raise SettingsError(f"There is no database at {self.path} yet: run {first}, or give --data-dir.")
        with self.read_errors(), ExitStack() as stack:
            connection = stack.enter_context(self._connect())
            restrict(connection)
            # A foreign database in this place would otherwise answer that there are no messages.
            connection.execute("SELECT fingerprint FROM meta.built").fetchall()
            stack.pop_all()
            return connection

    @contextmanager
    def read_errors(self) -> Iterator[None]:
        """Turn a DuckDB error that leaves the block into the sentence that the database cannot be read.

        Raises:
            DataError: that sentence.

        """
        try:
            yield
        except duckdb.Error as error:
            reason = " ".join(str(error).split())
            raise DataError(f"The database {self.path} cannot be read ({reason}): run 'voxlake publish'.") from error

    def _is_there(self) -> bool:
        """Return whether a database is published; raises PermissionError where it may not be read."""
        try:
            with self.path.open("rb"):
                return True
        except (FileNotFoundError, IsADirectoryError):
            return os.path.lexists(self.path)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Open the current generation; try again where a publish removed it between resolving the link and opening."""
        while True:
            generation = self.path.resolve()
            try:
                return interruptible(duckdb.connect(str(self.path), read_only=True))
            except duckdb.Error:
                if self.path.resolve() == generation:
                    raise

    def damage(self) -> VoxlakeError | None:
        """Return why the published database cannot be read, or that there is none; None where it can be read."""
        try:
            with self.reader() as connection:
                checks.warnings(connection)
        except (SettingsError, DataError) as error:
            return error
        return None

    def failed_checks(self) -> dict[str, str]:
        """Run every check over the whole database; return what each failing one found, nothing if it cannot be read."""
        try:
            with self.reader() as connection:
                return checks.failed_checks(connection)
        except (SettingsError, DataError):
            return {}

    def warnings(self, *, accounts: Collection[int] | None = None) -> list[dict[str, Any]]:
        """Return what is odd in the vendor's data, as `checks.warnings` does; nothing where there is no database.

        Raises:
            DataError: the database cannot be read.

        """
        try:
            with self.reader() as connection:
                return checks.warnings(connection, accounts=accounts)
        except SettingsError:
            return []

    def _install(self, file: Path) -> str:
        """Make a finished file the current generation, and remove all but the last one before it.

        Returns a sentence if something foreign had the place of the link and was moved aside.
        """
        with storage(self._root):
            numbers = [int(path.stem) for path in self._generations.glob("*.duckdb") if path.stem.isdigit()]
            generation = self._generations / f"{max(numbers, default=0) + 1:08d}.duckdb"
            with unsupported():
                file.chmod(file.stat().st_mode & 0o444)
            put(file, generation)
            moved_aside = self._clear_link_path()
            # Whenever this is stopped, both are remembered; where links are not possible, the path gets a copy.
            remember(
                self.path, *([self.path.resolve()] if self.path.exists() and is_own(self.path) else []), generation
            )
            point(self.path, generation)
            remember(self.path, self.path.resolve())
            # The generation before stays for whoever has just resolved the link.
            for number in sorted(numbers)[:-1]:
                # With what a killed writing session left beside it.
                for name in (f"{number:08d}.duckdb", f"{number:08d}.duckdb.wal"):
                    with suppress(IsADirectoryError):
                        (self._generations / name).unlink(missing_ok=True)
        return moved_aside

    def _clear_link_path(self) -> str:
        """Move aside a file or folder that is not a database of voxlake's; return the sentence that says so, or ''."""
        if not os.path.lexists(self.path) or self.path.is_symlink() or self.damage() is None:
            return ""
        moved = self._root / "rejects" / "stray" / self.path.name
        moved.parent.mkdir(parents=True, exist_ok=True)
        while os.path.lexists(moved):
            moved = moved.with_name(f"{moved.name}.again")
        self.path.rename(moved)
        return f"{self.path} was not a database of voxlake's: it is {moved} now."
