"""The messages of a portable database: rows of its own tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.transform import STREAMS
from voxlake.warehouse.day_rows import sources
from voxlake.warehouse.derived_columns import table_rows
from voxlake.warehouse.state import key_table

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import duckdb

    from voxlake.model import DayFile, DayKey
    from voxlake.transform import Stream
    from voxlake.warehouse.day_rows import DayFiles


class RowTables:
    """The rows of the current database of a connection, which is in a transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: DayFiles) -> None:
        self._connection, self._lake = connection, lake

    def load(self, stream: Stream, day_files: Sequence[DayFile]) -> None:
        """Add the rows of some days. Raises DataError where a day file is damaged, and duckdb.Error."""
        for source, parameters in sources(self._connection, self._lake, [its.key for its in day_files]):
            query = f"INSERT INTO {stream.table} BY NAME {table_rows(stream.name, source)}"
            self._connection.execute(query, parameters)

    def remove(self, days: Collection[DayKey]) -> None:
        """Remove the rows of some days."""
        self._connection.register("stale", key_table(days))
        for stream in STREAMS.values():
            self._connection.execute(
                f"DELETE FROM {stream.table} WHERE (account_id, date) IN"  # noqa: S608 - a table of ours
                " (SELECT (account_id, date) FROM stale WHERE stream = $1)",
                [stream.name],
            )

    def settle(self) -> None:
        """Do what is left before the rows are asked for: nothing."""
