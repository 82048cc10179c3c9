"""Totals by day and by hour in the database, so that answers which need no single message read none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.sql import statements
from voxlake.warehouse.row_files import only_files_of
from voxlake.warehouse.state import key_table

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import duckdb

    from voxlake.model import DayKey

TOTALS = ("daily", "hourly", "odd")
"""The tables of totals: `meta.daily_totals`, `meta.hourly_totals`, and `meta.odd_totals` of what warnings count."""


def load_totals(connection: duckdb.DuckDBPyConnection, days: Collection[DayKey], *, folder: Path | None = None) -> None:
    """Count and add up the messages of some days in the current database, in place of what its totals had of them.

    `folder` has the files of a linked database.
    """
    fresh = key_table(days)
    connection.register("fresh", fresh)
    for name in TOTALS:
        connection.execute(
            f"DELETE FROM meta.{name}_totals"  # noqa: S608 - a table of ours
            " WHERE (account_id, stream, date) IN (SELECT (account_id, stream, date) FROM fresh)"
        )
    with only_files_of(connection, fresh, folder):
        for name, query in statements("totals").items():
            connection.execute(f"INSERT INTO meta.{name.rpartition('-')[2]}_totals BY NAME {query}")
    connection.unregister("fresh")
