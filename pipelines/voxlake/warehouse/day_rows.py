"""Offer the rows of day files to DuckDB: it reads those of today's schema itself, and gets the others as Arrow tables.

How a file of an older schema is read is the lake's business; doing it again in SQL could only differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from voxlake.model import DayFile, DayKey

FILES = (
    "(SELECT *, ($2)[file_index::BIGINT + 1]::BIGINT AS account_id, ($3)[file_index::BIGINT + 1]::DATE AS date"
    " FROM read_parquet($1, hive_partitioning = false))"
)
"""The source of the rows of day files in $1, which are of the accounts in $2 and the UTC days in $3.

Never does a path say that: in `status=prod/data`, DuckDB would find a status for every row.
"""

MONTHS = (
    "(SELECT *, ($2)[file_index::BIGINT + 1]::BIGINT AS account_id,"
    " make_timestamp(epoch_us(processed_at))::DATE AS date FROM read_parquet($1, hive_partitioning = false)"
    " WHERE list_contains(($3)[file_index::BIGINT + 1], make_timestamp(epoch_us(processed_at))::DATE))"
)
"""The source of rows in the files of months in $1, which are of the accounts in $2: those of the UTC days in $3."""

FILES_OF_0_1 = "read_parquet($1, hive_partitioning = true, hive_types = {'account_id': BIGINT, 'date': DATE})"
"""The source that version 0.1 used. It gave the same rows, except below a folder with `=` in its name."""

_OLDER = "older_rows"
"""The source of the rows that are registered under this name."""

_BATCH = 122_880
"""Rows that are offered at a time: those of a row group, of one day or of many."""


class DayFiles(Protocol):
    """What the database needs of a lake."""

    @property
    def tmp(self) -> Path:
        """The folder of files in the making, which is the run's own."""

    def path(self, key: DayKey) -> Path:
        """Return the path of a day's file."""

    def fetch(self, keys: Iterable[DayKey]) -> None:
        """Bring the files of many days to this machine, before they are read one by one."""

    def month(self, key: DayKey) -> Path | None:
        """Return the file of a month that has a day's rows among others, and can be read as it is; None for others.

        Raises DataError where it is damaged.
        """

    def is_current(self, key: DayKey) -> bool:
        """Return whether a day's file can be read as it is. Raises DataError where it is damaged."""

    def read_footer(self, key: DayKey) -> DayFile:
        """Return what a day's file says of itself. Raises DataError where it cannot be read."""

    def read_rows(self, key: DayKey) -> Iterator[pa.Table]:
        """Yield a day's rows in the schema of today. Raises DataError where that fails."""

    def account_facts(self) -> Sequence[Mapping[str, Any]]:
        """Return what is known of accounts, as `load_accounts` takes it."""

    def runs(self) -> Sequence[Mapping[str, Any]]:
        """Return what is known of runs, as `load_runs` takes it."""


def sources(
    connection: duckdb.DuckDBPyConnection, lake: DayFiles, keys: Iterable[DayKey]
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the sources that together have the rows of some days of one stream, each with its parameters.

    A source is what `FROM` names in a query; it is there until the next one is asked for. Its rows also have the
    columns `account_id` and `date`.

    Raises:
        DataError: a day file is damaged.

    """
    current: list[DayKey] = []
    older: list[DayKey] = []
    months: dict[Path, list[DayKey]] = {}
    for key in keys:
        if (month := lake.month(key)) is not None:
            months.setdefault(month, []).append(key)
        else:
            (current if lake.is_current(key) else older).append(key)
    if months:
        accounts = [its[0].account_id for its in months.values()]
        yield MONTHS, [list(map(str, months)), accounts, [[key.date for key in its] for its in months.values()]]
    if current:
        accounts, days = [key.account_id for key in current], [key.date for key in current]
        yield FILES, [[str(lake.path(key)) for key in current], accounts, days]
    for batch in _batches(table for key in older for table in _tables(lake, key)):
        connection.register(_OLDER, batch)
        yield _OLDER, []
        connection.unregister(_OLDER)


def _tables(lake: DayFiles, key: DayKey) -> Iterator[pa.Table]:
    """Yield the rows of a day with the columns that its file has in its path."""
    for table in lake.read_rows(key):
        accounts = pa.repeat(pa.scalar(key.account_id, pa.int64()), table.num_rows)
        dates = pa.repeat(pa.scalar(key.date, pa.date32()), table.num_rows)
        yield table.append_column("account_id", accounts).append_column("date", dates)


def _batches(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield tables joined until they have the rows of a batch: a statement for each small day would cost more."""
    pending: list[pa.Table] = []
    for table in tables:
        pending.append(table)
        if sum(its.num_rows for its in pending) >= _BATCH:
            yield pa.concat_tables(pending)
            pending = []
    if pending:
        yield pa.concat_tables(pending)
