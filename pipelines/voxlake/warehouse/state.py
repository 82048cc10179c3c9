"""What a published database records about itself: what shaped it, the day files it was loaded from, their coverage."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from voxlake.model import DayKey
from voxlake.sql import interruptible, statements
from voxlake.transform import STREAMS
from voxlake.warehouse.accounts import accounts_differ
from voxlake.warehouse.day_rows import FILES_OF_0_1
from voxlake.warehouse.ddl import KINDS
from voxlake.warehouse.derived_columns import table_rows
from voxlake.warehouse.own import is_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from voxlake.model import DayFile, FinalityPolicy

_KEY_FIELDS = [("account_id", pa.int64()), ("stream", pa.string()), ("date", pa.date32())]
_KEYS = pa.schema(_KEY_FIELDS)
_CHECKSUMS = pa.schema([*_KEY_FIELDS, ("checksum", pa.string())])
_COVERAGE = pa.schema(
    [
        *_KEY_FIELDS,
        ("row_count", pa.int64()),
        ("total_count", pa.int64()),
        ("verified", pa.bool_()),
        ("final", pa.bool_()),
        ("exported_at", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True, slots=True)
class PublishedState:
    """The checksum of every day file that a database was loaded from, and its table `coverage`, ordered by day.

    `knows_accounts` says whether its table `accounts` is still what is known of them.
    """

    checksums: Mapping[DayKey, str]
    coverage: pa.Table
    knows_accounts: bool


def read_state(database: Path, facts: Iterable[Mapping[str, Any]] = ()) -> PublishedState | None:
    """Return the state of a published database, or None where it must be built from scratch.

    `facts` are what is known of accounts, as `load_accounts` takes them.

    That is so where there is none, where it cannot be read, where other statements shaped it, and where somebody else
    has written to it.
    """
    if not database.exists() or not is_own(database):
        return None
    try:
        with interruptible(duckdb.connect(str(database.resolve()), read_only=True)) as connection:
            if connection.execute("SELECT fingerprint FROM meta.built").fetchall() != [(fingerprint(database),)]:
                return None
            rows = connection.execute("SELECT account_id, stream, date, checksum FROM meta.parts").fetchall()
            coverage = connection.sql("SELECT * FROM coverage ORDER BY account_id, stream, date").to_arrow_table()
            knows_accounts = not accounts_differ(connection, facts)
    except duckdb.Error:
        return None
    checksums = {DayKey(account, stream, day): checksum for account, stream, day, checksum in rows}
    return PublishedState(checksums, coverage.cast(_COVERAGE), knows_accounts)


def fingerprint(database: Path | None = None) -> str:
    """Return a digest of every statement that shapes the rows or checks them, as 32 hexadecimal digits.

    Where `database` lies below a folder with `=` in its name, version 0.1 read wrong columns: there it is another one.
    A database with another fingerprint is built and checked from scratch. Names of fields in replies count, too: under
    a new one, older day files may hold values in `extra`. Those that version 0.1 knew are no news to any database.
    """
    shaping: list[object] = [
        *(statements(kind) for kind in (*KINDS, "checks")),
        *(table_rows(stream, FILES_OF_0_1) for stream in STREAMS),
    ]
    if database is not None and any("=" in name for name in database.absolute().parent.parts):
        shaping.append("columns come from no path")
    added = {stream.name: sorted(stream.by_sent_name.keys() - stream.names_of_0_1) for stream in STREAMS.values()}
    shaping += [its for its in added.items() if its[1]]
    return hashlib.sha256(repr(shaping).encode()).hexdigest()[:32]


def coverage_table(day_files: Iterable[DayFile], *, finality: FinalityPolicy) -> pa.Table:
    """Return the rows of `coverage`, ordered by day; times are UTC without a zone, as everywhere in the database."""
    rows = [
        {
            **_key_columns(day_file.key),
            "row_count": day_file.row_count,
            "total_count": day_file.total_count,
            "verified": day_file.verified,
            "final": day_file.final(finality),
            "exported_at": day_file.exported_at.astimezone(UTC).replace(tzinfo=None),
        }
        for day_file in sorted(day_files, key=lambda day_file: day_file.key)
    ]
    return pa.Table.from_pylist(rows, schema=_COVERAGE)


def checksum_table(day_files: Iterable[DayFile]) -> pa.Table:
    """Return the rows of `meta.parts`: which version of each day file is in the database."""
    rows = [{**_key_columns(day_file.key), "checksum": day_file.checksum} for day_file in day_files]
    return pa.Table.from_pylist(rows, schema=_CHECKSUMS)


def key_table(day_keys: Iterable[DayKey]) -> pa.Table:
    """Return day keys as a table with the columns account_id, stream and date."""
    return pa.Table.from_pylist([_key_columns(day_key) for day_key in day_keys], schema=_KEYS)


def _key_columns(day_key: DayKey) -> dict[str, object]:
    return {"account_id": day_key.account_id, "stream": day_key.stream, "date": day_key.date}
