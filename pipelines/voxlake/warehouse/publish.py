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

from voxlake.clock import SYSTEM
from voxlake.errors import DataError, SettingsError
from voxlake.files import beside, make, point, put, storage, target_of, unsupported
from voxlake.model import DayKey
from voxlake.places import usable
from voxlake.spill import require_room
from voxlake.sql import interruptible
from voxlake.warehouse import checks
from voxlake.warehouse.access import files_read, restrict
from voxlake.warehouse.build import DatabaseBuild
from voxlake.warehouse.digests import differing_days
from voxlake.warehouse.examine import Examination, examine
from voxlake.warehouse.generation import open_published
from voxlake.warehouse.layout import AUTO, require_layout, rows_folder
from voxlake.warehouse.own import is_own, remember
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
        self.path = root / "voxlake.duckdb"
        self._generations = root / "warehouse"

    def begin(self, lake: DayFiles, *, rebuild: bool = False) -> DatabaseBuild:
        """Begin the next database: an update of the published one, or a `rebuild` from scratch.

        The caller holds the lock of the data directory, and closes the build.
        """
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
        built = build.finish(changes, finality=finality)
        moved_aside = self._install(build.file) if built.is_new else ""
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
        """Begin and complete the next database in one step; raises what `complete` raises, and what is called.

        `changes_since` is called once, with what the build `includes`.
        """
        with closing(self.begin(lake, rebuild=rebuild)) as build:
            return self.complete(build, changes_since(build.includes(finality)), finality=finality)

    def published_at(self) -> float | None:
        """Return when the published database was written, in seconds since 1970, UTC; None where there is none."""
        with suppress(OSError):
            return self.path.stat().st_mtime
        return None

    def remove_earlier(self) -> list[str]:
        """Remove earlier generations and their files at once; returns what cannot be removed. Raises duckdb.Error."""
        return remove_earlier(self._root, self.path)

    def days(self, account_ids: Collection[int] | None = None) -> set[DayKey]:
        """Return every day that the published database covers, of some accounts or of all; raises as `reader` does."""
        query = "SELECT account_id, stream, date FROM coverage WHERE $1 IS NULL OR list_contains($1, account_id)"
        with self.reader() as connection:
            rows = connection.execute(query, [None if account_ids is None else list(account_ids)]).fetchall()
        return {DayKey(*row) for row in rows}

    def differing(self, day_files: Iterable[DayFile], lake: DayFiles) -> list[DayKey]:
        """Return the days whose rows in the database are not those of their files; all days if it cannot be read."""
        return differing_days(self.path.resolve(), day_files, lake)

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

        Raises:
            SettingsError: nothing was published yet, or there is no such folder.
            DataError: the database cannot be read.
            StorageFull: the file cannot be written.

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

    def damage(self) -> VoxlakeError | None:
        """Return why the published database cannot be read, or that there is none; None where it can be read."""
        try:
            with self.reader() as connection:
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
