"""The DuckDB database: a projection of the lake, built aside, checked, and swapped in by one rename.

`voxlake.duckdb` is a link to a generation in `warehouse/`: whoever has one open keeps it, whoever opens next sees
the new one, and a `.wal` that somebody's writing session left behind lies beside its own generation, where it cannot
be taken for another's.
"""

from __future__ import annotations

import os
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import duckdb

from voxlake.errors import DataError, SettingsError
from voxlake.files import make, put, storage, sync
from voxlake.model import DayKey
from voxlake.transform import STREAMS
from voxlake.warehouse.build import DatabaseBuild, quoted
from voxlake.warehouse.checks import broken, oddities
from voxlake.warehouse.derived_columns import stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from voxlake.errors import VoxlakeError
    from voxlake.lake import Lake
    from voxlake.model import DayFile, FinalityPolicy


class Warehouse:
    """The published database of a data directory; `moved` says what became of something else in its place."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.path: Path = lake.database
        self._generations = lake.root / "warehouse"
        self.moved = ""

    def loading(self, *, anew: bool = False) -> DatabaseBuild:
        """Begin the next database: the published one brought up to the lake, or one that is built `anew`."""
        return DatabaseBuild(self._lake, published=self.path, aside=self._lake.tmp / "next.duckdb", anew=anew)

    def publish(self, day_files: Sequence[DayFile], *, finality: FinalityPolicy, anew: bool = False) -> int:
        """Bring the database up to the lake, and give the number of days that were loaded or taken out.

        Raises:
            DataError: a check failed; the last good database stays.

        """
        with closing(self.loading(anew=anew)) as loading:
            return self.swap(loading, day_files, finality=finality)

    def swap(self, loading: DatabaseBuild, day_files: Sequence[DayFile], *, finality: FinalityPolicy) -> int:
        """Finish the next database and put it in the place of the last one; raises what `publish` raises."""
        with storage(self._lake.root):
            make(self._generations)
        if loading.publish(day_files, finality=finality):
            self._swap(loading.aside)
        return loading.changed

    def days(self) -> set[DayKey]:
        """Give every day that the published database covers. Raises what `reader` raises."""
        with self.reader() as connection:
            rows = connection.execute("SELECT account_id, stream, date FROM coverage").fetchall()
        return {DayKey(*row) for row in rows}

    def differing(self, day_files: Iterable[DayFile]) -> list[DayKey]:
        """Compare days of the published database with their files, row by row through a hash of each."""
        by_stream: dict[str, dict[tuple[int, object], DayFile]] = {}
        for day_file in day_files:
            by_stream.setdefault(day_file.key.stream, {})[day_file.key.account_id, day_file.key.date] = day_file
        found: list[DayKey] = []
        with duckdb.connect() as connection:
            for name, its in by_stream.items():
                held = self._digests(connection, name, its.values())
                found += [
                    day_file.key
                    for key, day_file in its.items()
                    if held is None or held[0].get(key) != held[1].get(key)
                ]
        return found

    def _digests(
        self, connection: duckdb.DuckDBPyConnection, stream: str, day_files: Iterable[DayFile]
    ) -> tuple[dict[Any, Any], dict[Any, Any]] | None:
        """Digest the rows of each day in the lake and in the database; None where the database cannot tell."""
        columns = ", ".join(("date", *STREAMS[stream].schema.names))
        digest = f"SELECT account_id, date, count(*), bit_xor(hash({columns})) FROM"
        files = [str(self._lake.path(day_file.key)) for day_file in day_files]
        try:
            connection.execute(f"ATTACH IF NOT EXISTS '{quoted(self.path.resolve())}' AS published (READ_ONLY)")
            lake, database = (
                {(account, day): rest for account, day, *rest in connection.execute(*query).fetchall()}
                for query in (
                    (f"{digest} ({stored(stream)}) GROUP BY ALL", [files]),
                    (f"{digest} published.{STREAMS[stream].table} GROUP BY ALL",),
                )
            )
        except duckdb.Error:
            return None
        return lake, database

    @contextmanager
    def reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the published database for reading.

        Raises:
            SettingsError: nothing was published yet.
            DataError: it cannot be read, when it is opened or later; errors of what is asked of it are the caller's.

        """
        if not os.path.lexists(self.path):
            raise SettingsError(
                f"There is no database at {self.path} yet: run 'voxlake export' first, or give --data-dir."
            )
        try:
            with self._connect() as connection:
                connection.execute("SET TimeZone = 'UTC'")
                # A database of somebody else's in this place would answer that there are no messages.
                connection.execute("SELECT fingerprint FROM meta.built").fetchall()
                yield connection
        except duckdb.Error as error:
            told = " ".join(str(error).split())
            raise DataError(f"The database {self.path} cannot be read ({told}): run 'voxlake publish'.") from error

    def _connect(self) -> duckdb.DuckDBPyConnection:
        """Open what the link points to, also where publishing takes it away between reading the link and opening."""
        while True:
            generation = self.path.resolve()
            try:
                return duckdb.connect(str(self.path), read_only=True)
            except duckdb.Error:
                if self.path.resolve() == generation:
                    raise

    def damage(self) -> VoxlakeError | None:
        """Say why the published database cannot be read, or that there is none; None where all is well."""
        try:
            with self.reader() as connection:
                oddities(connection)
        except (SettingsError, DataError) as error:
            return error
        return None

    def broken(self) -> dict[str, str]:
        """Run every check over the whole of the published database; `damage` tells of one that cannot be read."""
        try:
            with self.reader() as connection:
                return broken(connection)
        except (SettingsError, DataError):
            return {}

    def oddities(self) -> list[dict[str, Any]]:
        """Give what is merely odd in the data; nothing where there is no database. Raises what `reader` raises else."""
        try:
            with self.reader() as connection:
                return oddities(connection)
        except SettingsError:
            return []

    def _swap(self, aside: Path) -> None:
        with storage(self._lake.root):
            numbers = [int(path.stem) for path in self._generations.glob("*.duckdb") if path.stem.isdigit()]
            generation = self._generations / f"{max(numbers, default=0) + 1:08d}.duckdb"
            aside.chmod(aside.stat().st_mode & 0o444)
            put(aside, generation)
            if os.path.lexists(self.path) and not self.path.is_symlink() and self.damage():
                self.moved = f"{self.path} was none of voxlake's: it is {self._lake.move_out(self.path)} now."
            link = self._lake.tmp / self.path.name
            link.symlink_to(os.path.join(generation.parent.name, generation.name))  # noqa: PTH118 - relative, so that the folder can move
            link.replace(self.path)
            sync(self.path.parent)
            # The one before stays for whoever has just read the link.
            for number in sorted(numbers)[:-1]:
                # With what a writing session that was killed left beside it.
                for name in (f"{number:08d}.duckdb", f"{number:08d}.duckdb.wal"):
                    with suppress(IsADirectoryError):
                        (self._generations / name).unlink(missing_ok=True)
