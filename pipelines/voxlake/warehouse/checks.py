"""What must hold before a database is published, and what is merely odd in the vendor's data.

A check is a query that must find nothing; it looks at the days in `fresh`, whichever those are, and wherever a row of
such a day could clash with another. A database grows from one that passed, so the days that changed since are enough:
a row that nobody touched lies where it lay, and a message that is there twice has a row in a changed day. How many rows
each day has is counted for all days all the same, for that is cheap and notices whatever else may happen to a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from voxlake.errors import DataError, DuplicateMessage
from voxlake.sql import promise, statements
from voxlake.transform import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb

    from voxlake.model import DayKey

_FRESH = pa.schema([("account_id", pa.int64()), ("stream", pa.string()), ("date", pa.date32())])


def check(connection: duckdb.DuckDBPyConnection, *, changed: Collection[DayKey] | None = None) -> None:
    """Run the checks over the days that changed, or over all.

    Raises:
        DataError: a check found something.

    """
    for name, told in broken(connection, changed=changed).items():
        raise (DuplicateMessage if name.endswith("-duplicates") else DataError)(
            f"The check {name!r} failed ({told}): the last good database stays;"
            " run 'voxlake backfill --force' over the day, and tell us if it fails again."
        )


def broken(connection: duckdb.DuckDBPyConnection, *, changed: Collection[DayKey] | None = None) -> dict[str, str]:
    """Give the checks that find something, with their promise and the first row that breaks it."""
    connection.register("fresh", _all(connection) if changed is None else _table(changed))
    found = {}
    for name, statement in statements("checks").items():
        row = connection.execute(statement).fetchone()
        if row is not None:
            found[name] = f"{promise(statement)} Yet: {row}"
    return found


def oddities(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Give what the warnings find: name, promise, channel, messages, and their first and last day."""
    found = []
    for name, statement in statements("warnings").items():
        result = connection.execute(statement)
        columns = [column[0] for column in result.description or []]
        rows = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
        found += [{"warning": name, "promise": promise(statement), **row} for row in rows]
    return found


def _table(day_keys: Collection[DayKey]) -> pa.Table:
    rows = [{"account_id": day_key.account_id, "stream": day_key.stream, "date": day_key.date} for day_key in day_keys]
    return pa.Table.from_pylist(rows, schema=_FRESH)


def _all(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    from voxlake.model import DayKey  # noqa: PLC0415

    return _table(
        {
            DayKey(account, stream.name, day)
            for stream in STREAMS.values()
            for account, day in connection.execute(f"SELECT DISTINCT account_id, date FROM {stream.table}").fetchall()  # noqa: S608
        }
    )
