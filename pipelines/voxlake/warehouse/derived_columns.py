"""The rows of the lake's files as the tables of the database have them, as SQL."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from voxlake.transform import STREAMS
from voxlake.warehouse.countries import DIGITS, calling_codes, country
from voxlake.warehouse.packing import expected
from voxlake.warehouse.packing import prepare as _prepare

if TYPE_CHECKING:
    import duckdb


def stored_rows(stream: str) -> str:
    """Select the rows of the files in $1 with the columns that the API gives."""
    columns = ", ".join(
        # Not a cast: that would follow the time zone of the session.
        "make_timestamp(epoch_us(processed_at)) AS processed_at" if name == "processed_at" else name
        for name in STREAMS[stream].schema.names
    )
    return (
        f"SELECT account_id, date, {columns} FROM read_parquet($1, hive_partitioning = true,"  # noqa: S608
        " hive_types = {'account_id': BIGINT, 'date': DATE})"
    )


@functools.cache
def table_rows(stream: str) -> str:
    """Select the same with the columns that follow from them; the connection was prepared."""
    return f"""
        SELECT s.* EXCLUDE (digits), {country("digits")} AS destination_country, {expected("text")} AS segments_expected
        FROM (SELECT *, {DIGITS} AS digits FROM ({stored_rows(stream)})) AS s
        LEFT JOIN calling_codes ON prefix = left(digits, 3)
    """  # noqa: S608 - our own words


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection what `table_rows` needs."""
    connection.register("calling_codes", calling_codes())
    _prepare(connection)
