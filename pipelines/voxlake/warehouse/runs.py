"""The table `runs`: what is known of the runs of the data directory when the database is published."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

_RUNS = pa.schema(
    [
        ("started_at", pa.timestamp("us")),
        ("finished_at", pa.timestamp("us")),
        ("command", pa.string()),
        ("account_id", pa.int64()),
        ("account", pa.string()),
        ("accounts", pa.int64()),
        ("days", pa.int64()),
        ("rows_new", pa.int64()),
        ("rows_changed", pa.int64()),
        ("rows_gone", pa.int64()),
        ("requests", pa.int64()),
        ("least_requests", pa.int64()),
        ("retries", pa.int64()),
        ("seconds", pa.float64()),
        ("exit_code", pa.int32()),
        ("problem", pa.string()),
        ("version", pa.string()),
    ]
)


def load_runs(connection: duckdb.DuckDBPyConnection, runs: Iterable[Mapping[str, Any]]) -> None:
    """Make the table `runs` of the current database that of these runs: a mapping each, with the table's columns."""
    connection.register("known_runs", pa.Table.from_pylist([_plain(run) for run in runs], schema=_RUNS))
    connection.execute("DELETE FROM runs")
    connection.execute("INSERT INTO runs BY NAME FROM known_runs ORDER BY started_at")
    connection.unregister("known_runs")


def _plain(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run with its times in UTC, without a zone, as everywhere in the database."""
    return {
        name: value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
        for name, value in run.items()
    }
