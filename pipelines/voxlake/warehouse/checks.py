"""What must hold before a database is published, and what is merely odd in the vendor's data.

A check is a query that must return no row. It looks at the days in the table `fresh`, and at every row elsewhere that
could clash with one of theirs. An update starts from a database that passed all checks, so checking the changed days is
enough: an untouched row is where it was, and a duplicated message has a row in a changed day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.errors import DataError, DuplicateMessage
from voxlake.sql import promise, statements
from voxlake.transform import STREAMS
from voxlake.warehouse.state import key_table
from voxlake.warehouse.totals import TOTALS

if TYPE_CHECKING:
    from collections.abc import Collection

    import duckdb
    import pyarrow as pa

    from voxlake.model import DayKey


def check(connection: duckdb.DuckDBPyConnection, *, changed: Collection[DayKey] | None = None) -> None:
    """Run the checks over the days that changed, or over all days.

    Raises:
        DuplicateMessage: a message is in two days.
        DataError: another check failed; the first failure is named.

    """
    failed = failed_checks(connection, changed=changed)
    if failed:
        name, found = next(iter(failed.items()))
        raise (DuplicateMessage if name.endswith("-duplicates") else DataError)(
            f"The check {name!r} failed ({found}): the last good database stays; run"
            f" {'voxlake audit --repair' if changed is None else 'voxlake publish'!r}, and report it if it fails again."
        )


def failed_checks(
    connection: duckdb.DuckDBPyConnection, *, changed: Collection[DayKey] | None = None
) -> dict[str, str]:
    """Return the failing checks by name, each with its promise and the first row that breaks it."""
    connection.register("fresh", _all_days(connection) if changed is None else key_table(changed))
    failed = {}
    for name, statement in statements("checks").items():
        row = connection.execute(statement).fetchone()
        if row is not None:
            failed[name] = f"{promise(statement)} Yet: {row}"
    return failed


def warnings(connection: duckdb.DuckDBPyConnection, *, accounts: Collection[int] | None = None) -> list[dict[str, Any]]:
    """Return what the warnings find in the messages of some accounts, or of all.

    One dict for a warning and a channel: `warning` (its name), `promise`, `channel`, `messages` (their number),
    `first_day` and `last_day` (UTC).
    """
    found = []
    bound = {"accounts": None if accounts is None else list(accounts)}
    for name, statement in statements("warnings").items():
        result = connection.execute(statement, bound)
        columns = [column[0] for column in result.description or []]
        rows = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
        found += [{"warning": name, "promise": promise(statement), **row} for row in rows]
    return found


def _all_days(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return the key of every day that has rows, totals or coverage."""
    tables = (f"SELECT account_id, '{stream.name}', date FROM {stream.table}" for stream in STREAMS.values())  # noqa: S608
    totals = (f"SELECT account_id, channel, date FROM meta.{name}_totals" for name in TOTALS)  # noqa: S608
    query = " UNION ".join(["SELECT account_id, stream, date FROM coverage", *tables, *totals])
    return connection.sql(query).to_arrow_table()
