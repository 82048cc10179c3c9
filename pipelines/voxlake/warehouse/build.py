"""The next database in the making: days go in as soon as they are in place, and nobody sees it before it is whole.

An export loads while it still reads. Everything up to `publish` is one transaction on a file of its own, so that what
goes wrong early costs nothing but the time to load again.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from voxlake.errors import DataError, StorageFull
from voxlake.files import storage
from voxlake.model import DayKey
from voxlake.sql import statements
from voxlake.transform import STREAMS
from voxlake.warehouse.checks import check
from voxlake.warehouse.clone import clone
from voxlake.warehouse.ddl import create
from voxlake.warehouse.derived_columns import prepare, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from voxlake.lake import Lake
    from voxlake.model import DayFile, FinalityPolicy

# DuckDB 2.0 writes files that 1.4 and 1.5 cannot open unless it is told not to.
_STORAGE = "v1.2.0"
# Ten million rows are loaded and checked in 0.5 GB of the process with it, and in 1.1 GB, no faster, without.
_MEMORY = "256MB"
# A quarter of DuckDB's own, for 5 % more bytes and no slower reports: a thread compresses at once what fills one, and
# what an early load leaves over is compressed alone, at the end.
_GROUP = 30_720
_PARTS = pa.schema(
    [("account_id", pa.int64()), ("stream", pa.string()), ("date", pa.date32()), ("checksum", pa.string())]
)
_COVERAGE = pa.schema(
    [
        *((field.name, field.type) for field in _PARTS if field.name != "checksum"),
        ("row_count", pa.int64()),
        ("total_count", pa.int64()),
        ("verified", pa.bool_()),
        ("final", pa.bool_()),
        ("exported_at", pa.timestamp("us")),
    ]
)


class DatabaseBuild:
    """One database being brought up to the lake: what is `published` and the days that differ, or all of them `anew`.

    `aside` is where it is made; the caller puts it in place when `publish` says so, and closes it in any case.
    """

    def __init__(self, lake: Lake, *, published: Path, aside: Path, anew: bool) -> None:
        self._lake, self._published, self.aside = lake, published, aside
        self._covered: pa.Table | None
        held, self._covered = (None, None) if anew else _read(published)
        self._anew = held is None
        self._held: dict[DayKey, str] = held or {}
        self._digests = dict(self._held)
        self._changed: set[DayKey] = set()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._early = True

    def prepare(self) -> None:
        """Make what a new database needs before its first day, while there is nothing else to do."""
        if self._anew and self._early:
            try:
                self._begun()
            except (duckdb.Error, StorageFull):
                self._give_up()

    def load(self, day_files: Sequence[DayFile]) -> None:
        """Load days while others are still read; what goes wrong here is tried again by `publish`, and told there."""
        if not self._early:
            return
        try:
            self._load(day_files)
        except (duckdb.Error, StorageFull):
            self._give_up()

    def publish(self, day_files: Sequence[DayFile], *, finality: FinalityPolicy) -> bool:
        """Load what is missing, take out what is gone, check, and finish the file; false where there is nothing new.

        Raises:
            DataError: a check failed.

        """
        covered = _coverage(day_files, finality=finality)
        day_keys = {day_file.key for day_file in day_files}
        gone = self._digests.keys() - day_keys
        if not (self._anew or self._changed or gone or self._differing(day_files)) and covered.equals(self._covered):
            return False
        # What the pages took is DuckDB's to use now.
        pa.default_memory_pool().release_unused()
        try:
            self._finish(day_files, gone, covered)
        except duckdb.Error as error:
            told = " ".join(str(error).split())
            if "No space left" in told or "out of disk space" in told:
                raise StorageFull(
                    f"{self._lake.root} has no room for the database ({told}): make some, then run 'voxlake publish'."
                ) from error
            raise DataError(
                f"The database cannot be built ({told}): run 'voxlake audit --repair', and tell us if it fails again."
            ) from error
        finally:
            self.close()
        self._changed |= gone
        return True

    @property
    def changed(self) -> int:
        """How many days were loaded or taken out."""
        return len(self._changed)

    def close(self) -> None:
        """Let go of the file; what was not published goes with the folder that it lies in."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _differing(self, day_files: Sequence[DayFile]) -> list[DayFile]:
        return [day_file for day_file in day_files if self._digests.get(day_file.key) != day_file.checksum]

    def _load(self, day_files: Sequence[DayFile]) -> None:
        """Put the rows of those days that differ in the place of what is held of them."""
        differing = self._differing(day_files)
        if not differing:
            return
        connection = self._begun()
        self._remove(connection, {day_file.key for day_file in differing} & self._digests.keys())
        for stream in STREAMS.values():
            files = [str(self._lake.path(day_file.key)) for day_file in differing if day_file.key.stream == stream.name]
            if files:
                connection.execute(f"INSERT INTO {stream.table} BY NAME {whole(stream.name)}", [files])
        self._digests |= {day_file.key: day_file.checksum for day_file in differing}
        self._changed |= {day_file.key for day_file in differing}

    def _remove(self, connection: duckdb.DuckDBPyConnection, day_keys: set[DayKey]) -> None:
        if not day_keys:
            return
        connection.register(
            "stale", _rows((day_key.account_id, day_key.stream, day_key.date, "") for day_key in day_keys)
        )
        for stream in STREAMS.values():
            connection.execute(
                f"DELETE FROM {stream.table} WHERE (account_id, date) IN"  # noqa: S608 - our own name
                " (SELECT (account_id, date) FROM stale WHERE stream = $1)",
                [stream.name],
            )

    def _finish(self, day_files: Sequence[DayFile], gone: set[DayKey], covered: pa.Table) -> None:
        self._load(day_files)
        connection = self._begun()
        self._remove(connection, gone)
        connection.execute("DELETE FROM meta.parts")
        connection.register(
            "current", _rows((p.key.account_id, p.key.stream, p.key.date, p.checksum) for p in day_files)
        )
        connection.execute("INSERT INTO meta.parts SELECT * FROM current")
        connection.execute("DELETE FROM coverage")
        connection.register("covered", covered)
        connection.execute("INSERT INTO coverage BY NAME SELECT * FROM covered")
        connection.execute("COMMIT")
        check(connection, changed=None if self._anew else self._changed)
        connection.execute("USE memory")
        connection.execute("DETACH next")

    def _begun(self) -> duckdb.DuckDBPyConnection:
        """Give the database aside: a clone of the published one, or a new one; its transaction is open."""
        if self._connection is not None:
            return self._connection
        with storage(self._lake.root):
            for left in (self.aside, self.aside.with_name(f"{self.aside.name}.wal")):
                left.unlink(missing_ok=True)
            if not self._anew:
                clone(self._published, self.aside)
        connection = self._connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = '{quoted(self.aside.with_name('spill'))}'")
        # The order of rows means nothing, and to keep it would cost memory.
        connection.execute("SET preserve_insertion_order = false")
        if self._anew:
            # What several loads left in small row groups is good enough: to merge them takes as long as to load them.
            connection.execute("SET max_vacuum_tasks = 0")
        how = f"(STORAGE_VERSION '{_STORAGE}', ROW_GROUP_SIZE {_GROUP})"
        connection.execute(f"ATTACH '{quoted(self.aside)}' AS next {how}")
        connection.execute("USE next")
        prepare(connection)
        if self._anew:
            create(connection)
        connection.execute("BEGIN")
        if self._anew:
            connection.execute("INSERT INTO meta.built VALUES ($1)", [_fingerprint()])
        return connection

    def _give_up(self) -> None:
        """Forget what was loaded early, and load nothing before its time any more."""
        with suppress(duckdb.Error):
            self.close()
        self._connection, self._early = None, False
        with suppress(OSError):
            self.aside.unlink(missing_ok=True)
        self._digests, self._changed = dict(self._held), set()


def quoted(path: Path) -> str:
    """Give a path as it stands in SQL between quotes."""
    return str(path).replace("'", "''")


def _read(path: Path) -> tuple[dict[DayKey, str], pa.Table] | tuple[None, None]:
    """Give checksums by cell and the coverage of a published database, or None where it must be built anew."""
    if not path.exists():
        return None, None
    try:
        with duckdb.connect(str(path.resolve()), read_only=True) as connection:
            if connection.execute("SELECT fingerprint FROM meta.built").fetchall() != [(_fingerprint(),)]:
                return None, None
            rows = connection.execute("SELECT account_id, stream, date, checksum FROM meta.parts").fetchall()
            told = connection.sql("SELECT * FROM coverage ORDER BY account_id, stream, date").to_arrow_table()
    except duckdb.Error:
        return None, None
    return {DayKey(account, stream, day): digest for account, stream, day, digest in rows}, told.cast(_COVERAGE)


def _fingerprint() -> str:
    """Digest what shapes the rows and what they were checked for: where it differs, all is to be built and checked."""
    kinds = ("tables", "macros", "views", "checks")
    shaping = [*(statements(kind) for kind in kinds), *(whole(stream) for stream in STREAMS)]
    return hashlib.sha256(repr(shaping).encode()).hexdigest()[:32]


def _coverage(day_files: Iterable[DayFile], *, finality: FinalityPolicy) -> pa.Table:
    rows = [
        {
            "account_id": p.key.account_id,
            "stream": p.key.stream,
            "date": p.key.date,
            "row_count": p.row_count,
            "total_count": p.total_count,
            "verified": p.verified,
            "final": p.final(finality),
            "exported_at": p.exported_at.astimezone(UTC).replace(tzinfo=None),
        }
        for p in sorted(day_files, key=lambda day_file: day_file.key)
    ]
    return pa.Table.from_pylist(rows, schema=_COVERAGE)


def _rows(rows: Iterable[tuple[object, ...]]) -> pa.Table:
    values = list(zip(*rows, strict=True)) or [()] * len(_PARTS.names)
    return pa.table([pa.array(v, f.type) for v, f in zip(values, _PARTS, strict=True)], schema=_PARTS)
