"""The DuckDB database: a projection of the lake, built aside, checked, and swapped in by one rename.

`voxlake.duckdb` is a link to a generation in `warehouse/`: whoever has one open keeps it, whoever opens next sees
the new one, and a `.wal` that somebody's writing session left behind lies beside its own generation, where it cannot
be taken for another's.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from voxlake.clone import clone
from voxlake.draft import storage
from voxlake.errors import DataError, SettingsError, StorageFull
from voxlake.gate import broken, check, oddities
from voxlake.lake import put
from voxlake.model import Cell
from voxlake.rows import prepare, stored, whole
from voxlake.schema import create
from voxlake.statements import statements
from voxlake.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from voxlake.lake import Lake
    from voxlake.model import Part, Settling

NAME = "voxlake.duckdb"
# DuckDB 2.0 writes files that 1.4 and 1.5 cannot open unless it is told not to.
_STORAGE = "v1.2.0"
# Ten million rows are loaded and checked in 0.6 GB of the process with it, and in 1.1 GB, no faster, without.
_MEMORY = "400MB"
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


class Warehouse:
    """The published database of a data directory."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.path: Path = lake.root / NAME
        self._generations = lake.root / "warehouse"

    def publish(self, parts: Sequence[Part], *, settling: Settling, anew: bool = False) -> int:
        """Bring the database up to the lake, or build it `anew`, and give the number of days that were loaded.

        Raises:
            DataError: a check failed; the last good database stays.

        """
        with storage(self._lake.root):
            self._generations.mkdir(exist_ok=True)
        # What the pages took is DuckDB's to use now.
        pa.default_memory_pool().release_unused()
        aside = self._lake.tmp / "next.duckdb"
        covered = _coverage(parts, settling=settling)
        loaded, told = (None, None) if anew else self._published()
        current = {part.cell: part.checksum for part in parts}
        changed = {cell for cell, digest in current.items() if (loaded or {}).get(cell) != digest}
        gone = set(loaded or {}) - set(current)
        if loaded is not None and not changed and not gone and covered.equals(told):
            return 0
        with storage(self._lake.root):
            if loaded is not None:
                clone(self.path, aside)
        try:
            with _opened(aside) as connection:
                if loaded is None:
                    create(connection)
                    connection.execute("INSERT INTO meta.built VALUES ($1)", [_fingerprint()])
                self._load(connection, parts, changed=changed, gone=gone)
                connection.execute("DELETE FROM coverage")
                connection.register("covered", covered)
                connection.execute("INSERT INTO coverage BY NAME SELECT * FROM covered")
                check(connection, changed=None if loaded is None else changed)
        except duckdb.Error as error:
            told = " ".join(str(error).split())
            if "No space left" in told or "out of disk space" in told:
                raise StorageFull(
                    f"{self._lake.root} has no room for the database ({told}): make some, then run 'voxlake publish'."
                ) from error
            raise DataError(
                f"The database cannot be built ({told}): run 'voxlake audit --repair', and tell us if it fails again."
            ) from error
        self._swap(aside)
        return len(changed | gone)

    def differing(self, parts: Iterable[Part]) -> list[Cell]:
        """Compare days of the published database with their files, row by row through a hash of each."""
        by_stream: dict[str, dict[tuple[int, object], Part]] = {}
        for part in parts:
            by_stream.setdefault(part.cell.stream, {})[part.cell.account_id, part.cell.date] = part
        found: list[Cell] = []
        with duckdb.connect() as connection:
            for name, its in by_stream.items():
                held = self._digests(connection, name, its.values())
                found += [
                    part.cell for key, part in its.items() if held is None or held[0].get(key) != held[1].get(key)
                ]
        return found

    def _digests(
        self, connection: duckdb.DuckDBPyConnection, stream: str, parts: Iterable[Part]
    ) -> tuple[dict[Any, Any], dict[Any, Any]] | None:
        """Digest the rows of each day in the lake and in the database; None where the database cannot tell."""
        columns = ", ".join(("date", *STREAMS[stream].schema.names))
        digest = f"SELECT account_id, date, count(*), bit_xor(hash({columns})) FROM"
        files = [str(self._lake.path(part.cell)) for part in parts]
        try:
            connection.execute(f"ATTACH IF NOT EXISTS '{_quoted(self.path.resolve())}' AS published (READ_ONLY)")
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
        """Open the published database for reading."""
        if not self.path.exists():
            raise SettingsError(
                f"There is no database at {self.path} yet: run 'voxlake export' first, or give --data-dir."
            )
        with duckdb.connect(str(self.path), read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection

    def broken(self) -> dict[str, str]:
        """Run every check over the whole of the published database; `differing` tells of one that cannot be read."""
        try:
            with self.reader() as connection:
                return broken(connection)
        except (SettingsError, duckdb.Error):
            return {}

    def oddities(self) -> list[dict[str, Any]]:
        """Give what is merely odd in the data; nothing where there is no database that this version can ask."""
        try:
            with self.reader() as connection:
                return oddities(connection)
        except (SettingsError, duckdb.Error):
            return []

    def _published(self) -> tuple[dict[Cell, str], pa.Table] | tuple[None, None]:
        """Give checksums by cell and the coverage of the published database, or None where it must be built anew."""
        if not self.path.exists():
            return None, None
        try:
            with duckdb.connect(str(self.path.resolve()), read_only=True) as connection:
                if connection.execute("SELECT fingerprint FROM meta.built").fetchall() != [(_fingerprint(),)]:
                    return None, None
                rows = connection.execute("SELECT account_id, stream, date, checksum FROM meta.parts").fetchall()
                told = connection.sql("SELECT * FROM coverage ORDER BY account_id, stream, date").to_arrow_table()
        except duckdb.Error:
            return None, None
        return {Cell(account, stream, day): digest for account, stream, day, digest in rows}, told.cast(_COVERAGE)

    def _load(
        self,
        connection: duckdb.DuckDBPyConnection,
        parts: Sequence[Part],
        *,
        changed: set[Cell],
        gone: set[Cell],
    ) -> None:
        connection.register("stale", _rows((cell.account_id, cell.stream, cell.date, "") for cell in changed | gone))
        for stream in STREAMS.values():
            connection.execute(
                f"DELETE FROM {stream.table} WHERE (account_id, date) IN"  # noqa: S608 - our own name
                " (SELECT (account_id, date) FROM stale WHERE stream = $1)",
                [stream.name],
            )
            files = [
                str(self._lake.path(part.cell))
                for part in parts
                if part.cell in changed and part.cell.stream == stream.name
            ]
            if files:
                connection.execute(f"INSERT INTO {stream.table} BY NAME {whole(stream.name)}", [files])
        connection.execute("DELETE FROM meta.parts")
        connection.register(
            "current", _rows((p.cell.account_id, p.cell.stream, p.cell.date, p.checksum) for p in parts)
        )
        connection.execute("INSERT INTO meta.parts SELECT * FROM current")

    def _swap(self, aside: Path) -> None:
        with storage(self._lake.root):
            numbers = [int(path.stem) for path in self._generations.glob("*.duckdb") if path.stem.isdigit()]
            generation = self._generations / f"{max(numbers, default=0) + 1:08d}.duckdb"
            aside.chmod(0o444)
            put(aside, generation)
            link = self._lake.tmp / NAME
            link.symlink_to(os.path.join(generation.parent.name, generation.name))  # noqa: PTH118 - relative, so that the folder can move
            link.replace(self.path)
            # The one before stays for whoever has just read the link.
            for number in sorted(numbers)[:-1]:
                (self._generations / f"{number:08d}.duckdb").unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = '{_quoted(path.with_name('spill'))}'")
        # The order of rows means nothing, and to keep it would cost memory.
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"ATTACH '{_quoted(path)}' AS next (STORAGE_VERSION '{_STORAGE}')")
        connection.execute("USE next")
        prepare(connection)
        yield connection
        connection.execute("USE memory")
        connection.execute("DETACH next")


def _fingerprint() -> str:
    """Digest what shapes the rows and what they were checked for: where it differs, all is to be built and checked."""
    kinds = ("tables", "macros", "views", "checks")
    shaping = [*(statements(kind) for kind in kinds), *(whole(stream) for stream in STREAMS)]
    return hashlib.sha256(repr(shaping).encode()).hexdigest()[:32]


def _coverage(parts: Iterable[Part], *, settling: Settling) -> pa.Table:
    rows = [
        {
            "account_id": p.cell.account_id,
            "stream": p.cell.stream,
            "date": p.cell.date,
            "row_count": p.row_count,
            "total_count": p.total_count,
            "verified": p.verified,
            "final": p.final(settling),
            "exported_at": p.exported_at.astimezone(UTC).replace(tzinfo=None),
        }
        for p in sorted(parts, key=lambda part: part.cell)
    ]
    return pa.Table.from_pylist(rows, schema=_COVERAGE)


def _rows(rows: Iterable[tuple[object, ...]]) -> pa.Table:
    values = list(zip(*rows, strict=True)) or [()] * len(_PARTS.names)
    return pa.table([pa.array(v, f.type) for v, f in zip(values, _PARTS, strict=True)], schema=_PARTS)
