"""What a published database records about itself: what shaped it, and up to which change of the index it goes."""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from voxlake.model import FinalityPolicy, Mark
from voxlake.spill import READER_MEMORY, bound
from voxlake.sql import interruptible, statements
from voxlake.transform import STREAMS
from voxlake.warehouse.day_rows import FILES_OF_0_1
from voxlake.warehouse.ddl import KINDS
from voxlake.warehouse.derived_columns import table_rows
from voxlake.warehouse.generation import quoted
from voxlake.warehouse.layout import rows_folder
from voxlake.warehouse.own import is_own

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from voxlake.model import DayFile, DayKey, DaySpan

_KEY_FIELDS = [("account_id", pa.int64()), ("stream", pa.string()), ("date", pa.date32())]
_KEYS = pa.schema(_KEY_FIELDS)
_SPANS = pa.schema([*_KEY_FIELDS[:2], ("first", pa.date32()), ("ending", pa.date32())])
_CHECKSUMS = pa.schema([*_KEY_FIELDS, ("checksum", pa.string())])
COVERAGE_COLUMNS = pa.schema(
    [
        *_KEY_FIELDS,
        ("row_count", pa.int64()),
        ("total_count", pa.int64()),
        ("forgotten", pa.int64()),
        ("verified", pa.bool_()),
        ("final", pa.bool_()),
        ("problem", pa.string()),
        ("proof", pa.string()),
        ("exported_at", pa.timestamp("us")),
        ("checksum", pa.string()),
    ]
)
"""The columns of `coverage`, and the checksum of the rows of a day."""
_BUILT = "SELECT index_id, sequence, settled_after, given_up_after, rows_folder FROM meta.built"


@dataclass(frozen=True, slots=True)
class PublishedState:
    """What a published database says of itself as a whole.

    `mark` is how far it includes the changes of an index, with `finality` as the rule for its table `coverage`; `rows`
    are its messages. A linked one has them in `rows_folder`, whose files it has `dropped` at these times, in UTC.
    """

    mark: Mark | None
    finality: FinalityPolicy
    rows: int
    rows_folder: str | None = None
    dropped: Mapping[str, datetime] = field(default_factory=dict)


def read_state(reader: Reader, database: Path) -> PublishedState | None:
    """Return the state of a published database, or None where it must be built from scratch.

    That is so where there is none, where it cannot be read, where other statements shaped it, and where somebody else
    has written to it.
    """
    if not database.exists() or not is_own(database):
        return None
    try:
        with reader.open(database) as connection:
            # The columns of another one may be others.
            if connection.execute("SELECT fingerprint FROM meta.built").fetchall() != [(fingerprint(database),)]:
                return None
            index_id, sequence, settled, given_up, folder = connection.execute(_BUILT).fetchall()[0]
            files = connection.execute("SELECT name, size, dropped_at FROM meta.files").fetchall()
            ((rows,),) = connection.execute("SELECT coalesce(sum(row_count), 0)::BIGINT FROM coverage").fetchall()
    except duckdb.Error:
        return None
    used = [(name, size) for name, size, dropped_at in files if dropped_at is None]
    if not all(_is_file(rows_folder(database.parent) / name, size) for name, size in used):
        return None
    mark = None if index_id is None else Mark(index_id, sequence)
    finality = FinalityPolicy(timedelta(seconds=settled), timedelta(seconds=given_up))
    return PublishedState(mark, finality, rows, folder, {name: at for name, _, at in files if at is not None})


def _is_file(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


class Reader:
    """Opens published databases, one at a time. DuckDB is started once: that takes 17 ms, and to open a file 3 ms.

    Close it in any case; it can be used again after that. `tmp` is the folder for what does not fit into memory.
    """

    def __init__(self, tmp: Path) -> None:
        self._tmp = tmp
        self._duckdb: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def open(self, database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a published database, read-only, for the length of the block; raises duckdb.Error."""
        if self._duckdb is None:
            self._duckdb = interruptible(duckdb.connect())
            bound(self._duckdb, READER_MEMORY, self._tmp)
        with interruptible(self._duckdb.cursor()) as connection:
            connection.execute(f"ATTACH '{quoted(database.resolve())}' AS published (READ_ONLY)")
            try:
                connection.execute("USE published")
                yield connection
            finally:
                connection.execute("USE memory")
                connection.execute("DETACH published")

    def close(self) -> None:
        """End DuckDB."""
        if self._duckdb is not None:
            self._duckdb.close()
            self._duckdb = None


@contextmanager
def reading(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a published database once, for the length of the block; raises duckdb.Error."""
    with closing(Reader(database.parent / "tmp")) as reader, reader.open(database) as connection:
        yield connection


def remember_state(
    connection: duckdb.DuckDBPyConnection,
    published: Path,
    mark: Mark | None,
    finality: FinalityPolicy,
    folder: str | None,
) -> None:
    """Write into the database that is being built what it includes; it will be `published` there.

    Its messages are in a `folder` of files, or in itself.
    """
    index_id, sequence = (None, None) if mark is None else (mark.index_id, mark.sequence)
    rule = [finality.time.total_seconds(), finality.give_up.total_seconds()]
    connection.execute("DELETE FROM meta.built")
    row = [fingerprint(published), index_id, sequence, *rule, folder]
    connection.execute("INSERT INTO meta.built VALUES ($1, $2, $3, $4, $5, $6)", row)


def fingerprint(database: Path | None = None) -> str:
    """Return a digest of every statement that shapes the rows or checks them, as 32 hexadecimal digits.

    Where `database` lies below a folder with `=` in its name, version 0.1 read wrong columns: there it is another one.
    A database with another fingerprint is built and checked from scratch. Names of fields in replies count, too: under
    a new one, older day files may hold values in `extra`. Those that version 0.1 knew are no news to any database.
    """
    shaping: list[object] = [
        *(statements(kind) for kind in (*KINDS, "totals", "checks")),
        *(table_rows(stream, FILES_OF_0_1) for stream in STREAMS),
    ]
    if database is not None and any("=" in name for name in database.absolute().parent.parts):
        shaping.append("columns come from no path")
    added = {stream.name: sorted(stream.by_sent_name.keys() - stream.names_of_0_1) for stream in STREAMS.values()}
    shaping += [its for its in added.items() if its[1]]
    return hashlib.sha256(repr(shaping).encode()).hexdigest()[:32]


def day_table(day_files: Sequence[DayFile], *, finality: FinalityPolicy) -> pa.Table:
    """Return the rows of `coverage`, and of each day the checksum of the file that it is loaded from.

    Times are UTC without a zone, as everywhere in the database.
    """
    values = {
        **_key_columns([day_file.key for day_file in day_files]),
        "row_count": [day_file.row_count for day_file in day_files],
        "total_count": [day_file.total_count for day_file in day_files],
        "forgotten": [day_file.forgotten for day_file in day_files],
        "verified": [day_file.verified for day_file in day_files],
        "final": [day_file.final(finality) for day_file in day_files],
        "problem": [None if day_file.verified else day_file.problem or "not verified" for day_file in day_files],
        "proof": [day_file.proof if day_file.verified else None for day_file in day_files],
        "exported_at": [day_file.exported_at.astimezone(UTC).replace(tzinfo=None) for day_file in day_files],
        "checksum": [day_file.checksum for day_file in day_files],
    }
    return pa.table(values, schema=COVERAGE_COLUMNS)


def checksum_table(day_files: Sequence[DayFile]) -> pa.Table:
    """Return the rows of `meta.parts`: which version of each day file is in the database."""
    keys = _key_columns([day_file.key for day_file in day_files])
    return pa.table(keys | {"checksum": [day_file.checksum for day_file in day_files]}, schema=_CHECKSUMS)


def key_table(day_keys: Collection[DayKey]) -> pa.Table:
    """Return day keys as a table with the columns account_id, stream and date."""
    return pa.table(_key_columns(day_keys), schema=_KEYS)


def span_table(spans: Sequence[DaySpan]) -> pa.Table:
    """Return spans of days as a table with the columns account_id, stream, first and ending."""
    return pa.Table.from_pylist([dict(zip(_SPANS.names, span, strict=True)) for span in spans], schema=_SPANS)


def _key_columns(day_keys: Collection[DayKey]) -> dict[str, list[Any]]:
    return {
        "account_id": [key.account_id for key in day_keys],
        "stream": [key.stream for key in day_keys],
        "date": [key.date for key in day_keys],
    }
