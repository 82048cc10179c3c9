"""The table `accounts`: what is known of every account with a day in the database, from the facts of the lake."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

_FACTS = pa.schema(
    [
        ("account_id", pa.int64()),
        ("name", pa.string()),
        ("parent_id", pa.int64()),
        ("currency", pa.string()),
        ("time_zone", pa.string()),
        ("exported_since", pa.date32()),
        ("refreshed_at", pa.timestamp("us")),
    ]
)
_ROWS = """
SELECT
    covered.account_id, f.name, f.parent_id, f.currency, zone.name AS time_zone, covered.first_day, f.exported_since,
    f.refreshed_at
FROM (SELECT account_id, min(date) AS first_day FROM coverage GROUP BY account_id) AS covered
LEFT JOIN account_facts AS f ON f.account_id = covered.account_id
LEFT JOIN (SELECT DISTINCT name FROM pg_timezone_names()) AS zone ON lower(zone.name) = lower(f.time_zone)
"""
"""The rows of the table. A zone that DuckDB does not know would stop every report in it, so it counts as not known."""


def load_accounts(connection: duckdb.DuckDBPyConnection, facts: Iterable[Mapping[str, Any]]) -> None:
    """Make the table `accounts` of the current database that of its `coverage` and of these facts.

    `facts` have the columns of the table, one mapping for each account, of which all but `account_id` may be missing or
    null; `refreshed_at` is aware, or in UTC. Accounts without coverage are left out.
    """
    connection.register("account_facts", _facts_table(facts))
    connection.execute("DELETE FROM accounts")
    connection.execute(f"INSERT INTO accounts BY NAME {_ROWS}")
    connection.unregister("account_facts")


def accounts_differ(connection: duckdb.DuckDBPyConnection, facts: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a published database knows other facts of its accounts.

    When they were asked for is not news, else every night would publish once more.
    """
    connection.register("account_facts", _facts_table(facts))
    compared = "SELECT * EXCLUDE (refreshed_at)"
    try:
        return bool(
            connection.execute(f"({compared} FROM accounts) EXCEPT ({compared} FROM ({_ROWS})) LIMIT 1").fetchall()
        )
    finally:
        connection.unregister("account_facts")


def _facts_table(facts: Iterable[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([_plain(each) for each in facts], schema=_FACTS)


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts in the types of the table; texts that are empty are not known."""
    found = {name: facts.get(name) or None for name in _FACTS.names}
    if isinstance(at := found["refreshed_at"], datetime) and at.tzinfo is not None:
        found["refreshed_at"] = at.astimezone(UTC).replace(tzinfo=None)
    if isinstance(day := found["exported_since"], str):
        found["exported_since"] = date.fromisoformat(day)
    return found
