"""Compare the rows of day files with those of a published database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from voxlake.errors import DataError
from voxlake.spill import READER_MEMORY, bound, require_room
from voxlake.sql import interruptible
from voxlake.transform import STREAMS
from voxlake.warehouse.day_rows import sources
from voxlake.warehouse.derived_columns import stored_rows
from voxlake.warehouse.generation import quoted
from voxlake.warehouse.state import key_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from voxlake.model import DayFile, DayKey
    from voxlake.warehouse.day_rows import DayFiles

    Digests = dict[tuple[int, date], tuple[int, int]]


def differing_days(database: Path, day_files: Iterable[DayFile], lake: DayFiles) -> list[DayKey]:
    """Return the days whose rows in a database are not those of their files; all days if it cannot be read."""
    by_stream: dict[str, list[DayKey]] = {}
    for day_file in day_files:
        by_stream.setdefault(day_file.key.stream, []).append(day_file.key)
    found: list[DayKey] = []
    with interruptible(duckdb.connect()) as connection:
        bound(connection, READER_MEMORY, lake.tmp)
        for stream, keys in by_stream.items():
            digests = _digests(connection, database, stream, keys, lake)
            for key in keys:
                day = key.account_id, key.date
                if digests is None or digests[0].get(day) != digests[1].get(day):
                    found.append(key)
    return found


def _digests(
    connection: duckdb.DuckDBPyConnection, database: Path, stream: str, keys: Sequence[DayKey], lake: DayFiles
) -> tuple[Digests, Digests] | None:
    """Return row count and digest by account and day, in files and in the database; None if it cannot be read."""
    columns = ", ".join(("date", *(field.column for field in STREAMS[stream].fields)))
    digest = f"SELECT account_id, date, count(*), bit_xor(hash({columns})) FROM"
    in_files: Digests = {}
    try:
        connection.execute(f"ATTACH IF NOT EXISTS '{quoted(database)}' AS published (READ_ONLY)")
        connection.register("asked", key_table(keys))
        table = f"published.{STREAMS[stream].table}"
        rows = connection.execute(f"{digest} {table} SEMI JOIN asked USING (account_id, date) GROUP BY ALL").fetchall()
        for source, parameters in sources(connection, lake, keys):
            query = f"{digest} ({stored_rows(stream, source)}) GROUP BY ALL"
            for account, day, count, its in connection.execute(query, parameters).fetchall():
                counted, other = in_files.get((account, day), (0, 0))
                in_files[account, day] = counted + count, other ^ its
    except (duckdb.Error, DataError) as error:
        require_room(error, lake.tmp)
        return None
    return in_files, {(account, day): (count, its) for account, day, count, its in rows}
