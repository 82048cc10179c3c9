"""The tables `accounts` and `streams`: what is known of every account with a day in the database, from the lake."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FACTS = pa.schema(
    [
        ("account_id", pa.int64()),
        ("name", pa.string()),
        ("parent_id", pa.int64()),
        ("currency", pa.string()),
        ("time_zone", pa.string()),
        ("exported_since", pa.date32()),
        ("vanished_on", pa.date32()),
        ("refreshed_at", pa.timestamp("us")),
    ]
)
_SINCE = ("exported_since", "retained_from", "kept_since")
"""Days by stream."""
_STREAM_FACTS = pa.schema(
    [("account_id", pa.int64()), ("stream", pa.string()), *((name, pa.date32()) for name in _SINCE)]
)
_ACCOUNTS = """
SELECT
    covered.account_id, f.name, f.parent_id, f.currency, zone.name AS time_zone, covered.first_day, f.exported_since,
    f.vanished_on, f.refreshed_at
FROM (SELECT account_id, min(date) AS first_day FROM coverage GROUP BY account_id) AS covered
LEFT JOIN account_facts AS f ON f.account_id = covered.account_id
LEFT JOIN (SELECT DISTINCT name FROM pg_timezone_names()) AS zone ON lower(zone.name) = lower(f.time_zone)
"""
"""The rows of `accounts`. A zone that DuckDB does not know would stop every report in it, so it counts as not known."""
_STREAMS = """
SELECT account_id, stream, covered.first_day, f.exported_since, f.retained_from, f.kept_since
FROM (SELECT account_id, stream, min(date) AS first_day FROM coverage GROUP BY account_id, stream) AS covered
FULL JOIN stream_facts AS f USING (account_id, stream)
WHERE account_id IN (SELECT account_id FROM coverage)
"""
"""The rows of `streams`: a stream of which no day is left is among them, as all its days are missing."""
_ROWS = {"accounts": _ACCOUNTS, "streams": _STREAMS}

ACCOUNT_COLUMNS = pa.schema(
    [
        *(_FACTS.field(name) for name in ("account_id", "name", "parent_id", "currency", "time_zone")),
        ("first_day", pa.date32()),
        *(_FACTS.field(name) for name in ("exported_since", "vanished_on")),
    ]
)
"""The columns of `accounts` but for when its facts were asked for, which is not news."""
STREAM_COLUMNS = pa.schema(
    [
        ("account_id", pa.int64()),
        ("stream", pa.string()),
        ("first_day", pa.date32()),
        *((n, pa.date32()) for n in _SINCE),
    ]
)
"""The columns of `streams`."""


def load_accounts(connection: duckdb.DuckDBPyConnection, facts: Iterable[Mapping[str, Any]]) -> None:
    """Make the tables `accounts` and `streams` of the current database those of its `coverage` and of these facts.

    `facts` have the columns of `accounts`, one mapping for each account, of which all but `account_id` may be missing
    or null; in place of `exported_since` and `vanished_on`, they have the first day of each stream by its name, and the
    time `vanished_at`; `retained_from` and `kept_since` are by stream, too. Times are aware, or in UTC. Accounts
    without coverage are left out.
    """
    _register(connection, facts)
    for table, rows in _ROWS.items():
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - tables of ours
        connection.execute(f"INSERT INTO {table} BY NAME {rows}")
    _unregister(connection)


def accounts_differ(connection: duckdb.DuckDBPyConnection, facts: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a published database knows other facts of its accounts and streams.

    When they were asked for is not news, else every night would publish once more.
    """
    _register(connection, facts)
    try:
        return any(
            connection.execute(f"({first}) EXCEPT ({second}) LIMIT 1").fetchall()
            for table, rows in _ROWS.items()
            for first, second in _both_ways(table, rows)
        )
    finally:
        _unregister(connection)


def account_tables(coverage: Sequence[pa.Table], facts: Iterable[Mapping[str, Any]]) -> dict[str, pa.Table]:
    """Return the rows of `accounts` and `streams` for a `coverage` and these facts, in order, without a database.

    Of `coverage`, account_id, stream and date are needed.
    """
    keys = pa.schema([("account_id", pa.int64()), ("stream", pa.string()), ("date", pa.date32())])
    with duckdb.connect() as connection:
        connection.register("coverage", pa.concat_tables([keys.empty_table(), *coverage]))
        _register(connection, facts)
        return {
            name: _select(connection, _ROWS[name], columns)
            for name, columns in (("accounts", ACCOUNT_COLUMNS), ("streams", STREAM_COLUMNS))
        }


def _select(connection: duckdb.DuckDBPyConnection, rows: str, columns: pa.Schema) -> pa.Table:
    names = ", ".join(columns.names)
    query = f"SELECT {names} FROM ({rows}) ORDER BY ALL"  # noqa: S608 - our own words
    return connection.sql(query).to_arrow_table().cast(columns)


def _both_ways(table: str, rows: str) -> list[tuple[str, str]]:
    columns = "* EXCLUDE (refreshed_at)" if table == "accounts" else "*"
    known, now = (f"SELECT {columns} FROM {source}" for source in (table, f"({rows})"))  # noqa: S608 - tables of ours
    return [(known, now), (now, known)]


def _register(connection: duckdb.DuckDBPyConnection, facts: Iterable[Mapping[str, Any]]) -> None:
    known = list(facts)
    connection.register("account_facts", pa.Table.from_pylist([_account(each) for each in known], schema=_FACTS))
    streams = [
        {"account_id": each["account_id"], "stream": stream}
        | {name: (each.get(name) or {}).get(stream) for name in _SINCE}
        for each in known
        for stream in sorted({stream for name in _SINCE for stream in each.get(name) or {}})
    ]
    connection.register("stream_facts", pa.Table.from_pylist(streams, schema=_STREAM_FACTS))


def _unregister(connection: duckdb.DuckDBPyConnection) -> None:
    for name in ("account_facts", "stream_facts"):
        connection.unregister(name)


def _account(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts in the types of the table; texts that are empty are not known."""
    vanished_at, since = facts.get("vanished_at"), facts.get("exported_since") or {}
    found = {name: facts.get(name) or None for name in _FACTS.names} | {
        "exported_since": min(since.values(), default=None),
        "vanished_on": None if vanished_at is None else _utc(vanished_at).date(),
    }
    if isinstance(at := found["refreshed_at"], datetime):
        found["refreshed_at"] = _utc(at)
    return found


def _utc(at: datetime) -> datetime:
    """Return a time without its zone."""
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
