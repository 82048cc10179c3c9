"""What a publish changes: the table `changes`, from the rows of the days that are replaced, before and after.

Only these days are read, so that it costs what has changed: of each message that is replaced, a digest is kept until
the new rows are there, in a temporary table, which goes to the disk where it is large.
"""

# ruff: noqa: S608 - statements are put together of our own words
from __future__ import annotations

from contextlib import suppress
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import duckdb

from voxlake.transform import STREAMS
from voxlake.warehouse.row_files import only_files_of
from voxlake.warehouse.state import key_table, reading

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from voxlake.model import DayKey

KEPT = timedelta(days=31)
"""How long it is remembered what a publish changed."""
_BEFORE = "temp.rows_before"
_CREATE = """
    CREATE TEMP TABLE IF NOT EXISTS rows_before (
        stream VARCHAR, account_id BIGINT, date DATE, message_id BIGINT, digest UBIGINT
    )
"""
_COMPARE = f"""
    INSERT INTO changes BY NAME
    SELECT
        $1::TIMESTAMP AS published_at, account_id, stream, date,
        count(*) FILTER (b.digest IS NULL) AS rows_new,
        count(*) FILTER (n.digest <> b.digest) AS rows_changed,
        count(*) FILTER (n.digest IS NULL) AS rows_gone
    FROM ({{rows}}) AS n
    FULL JOIN {_BEFORE} AS b USING (stream, account_id, date, message_id)
    GROUP BY account_id, stream, date
    HAVING count(*) FILTER (n.digest IS DISTINCT FROM b.digest) > 0
"""


def remember_rows(connection: duckdb.DuckDBPyConnection, days: Collection[DayKey], *, folder: Path | None) -> None:
    """Remember the rows that the current database has of some days, which are about to be replaced or removed.

    `folder` has the files of a linked database. Raises duckdb.Error.
    """
    connection.execute(_CREATE)
    keys = key_table(days)
    connection.register("fresh", keys)
    with only_files_of(connection, keys, folder):
        connection.execute(f"INSERT INTO {_BEFORE} {_digests()}")
    connection.unregister("fresh")


def record_changes(
    connection: duckdb.DuckDBPyConnection,
    days: Collection[DayKey] | None,
    *,
    published: Path,
    at: datetime,
    folder: Path | None,
) -> None:
    """Compare the rows of days that were loaded or removed with those remembered, and forget what is old.

    Where `days` is None, the database was built anew: then it takes over what the `published` one knows of earlier
    publishes. `folder` has the files of a linked database. Raises duckdb.Error.
    """
    if days is None:
        if (known := _remembered(published)) is not None:
            connection.register("known_changes", known)
            connection.execute("INSERT INTO changes BY NAME FROM known_changes")
            connection.unregister("known_changes")
        return
    connection.execute(_CREATE)
    keys, now = key_table(days), at.astimezone(UTC).replace(tzinfo=None)
    connection.register("fresh", keys)
    with only_files_of(connection, keys, folder):
        connection.execute(_COMPARE.format(rows=_digests()), [now])
    connection.unregister("fresh")
    connection.execute(f"DROP TABLE {_BEFORE}")
    connection.execute("DELETE FROM changes WHERE published_at < $1", [now - KEPT])


def _remembered(published: Path) -> pa.Table | None:
    with suppress(duckdb.Error, OSError):
        if published.exists():
            with reading(published) as connection:
                columns = "published_at, account_id, stream, date, rows_new, rows_changed, rows_gone"
                return connection.sql(f"SELECT {columns} FROM changes").to_arrow_table()
    return None


def _digests() -> str:
    """Return the query for the messages of the days in `fresh`, each with a digest of all that it holds."""
    queries = []
    for stream in STREAMS.values():
        columns = ", ".join(field.column for field in stream.fields)
        queries.append(
            f"SELECT '{stream.name}' AS stream, account_id, date, message_id, hash({columns}) AS digest"
            f" FROM {stream.table}"
            f" SEMI JOIN (SELECT account_id, date FROM fresh WHERE stream = '{stream.name}') USING (account_id, date)"
        )
    return " UNION ALL ".join(queries)
