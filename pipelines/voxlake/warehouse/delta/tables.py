"""The Delta tables: their columns with comments, how they are partitioned, and what their log may say of a file."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import duckdb
import pyarrow as pa

from voxlake.transform import STREAMS
from voxlake.warehouse.accounts import ACCOUNT_COLUMNS, STREAM_COLUMNS
from voxlake.warehouse.ddl import create
from voxlake.warehouse.derived_columns import prepare
from voxlake.warehouse.relations import Relation, read_relations
from voxlake.warehouse.state import COVERAGE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.transform import Stream

MONTH: Final = "month"
"""The column by which histories are partitioned, as a text such as 2026-11."""
COVERAGE, ACCOUNTS, STREAM_TABLE = "coverage", "accounts", "streams"
CHECKSUM: Final = "checksum"
"""The column of `coverage` that says which rows of a day the histories have."""
_OWN_COMMENTS: Final = {
    MONTH: "The month of date, as YYYY-MM: the table is partitioned by it.",
    CHECKSUM: "The checksum of the day's rows: a day whose rows are the same has the same.",
}
_SETTINGS: Final = {
    # To travel to any night, the log of every night has to be there.
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.enableExpiredLogCleanup": "false",
    "delta.deletedFileRetentionDuration": "interval 7 days",
}


@dataclass(frozen=True)
class Table:
    """A Delta table: its name, what it is, its columns; `keys` are those whose least and greatest value the log has.

    A log outlives the files of which it tells, so it must hold nobody's number or words.
    """

    name: str
    comment: str
    schema: pa.Schema
    keys: tuple[str, ...]
    stream: Stream | None = None
    parquet: Mapping[str, Any] = field(default_factory=dict)

    @property
    def partitions(self) -> list[str]:
        """The columns by which the table is partitioned."""
        return [MONTH] if self.stream is not None else []

    @functools.cached_property
    def stored(self) -> pa.Schema:
        """The columns of its data files: those of partitions are in the log."""
        return pa.schema([column for column in self.schema if column.name not in self.partitions])

    @property
    def settings(self) -> dict[str, str]:
        """The properties of the table."""
        return {**_SETTINGS, "delta.dataSkippingStatsColumns": ",".join(self.keys)}


def message_table(stream: Stream) -> Table:
    """Return the table of a history: the columns of its day files, after those that these have in their paths."""
    first = [("account_id", pa.int64()), ("date", pa.date32()), (MONTH, pa.string())]
    columns = [*first, *((column.name, column.type) for column in stream.fields)]
    parquet = dict(stream.parquet)
    for name in ("use_dictionary", "write_statistics"):
        parquet[name] = ["account_id", "date", *parquet[name]]
    keys = ("account_id", "date", "message_id")
    return Table(stream.table, *_described(stream.table, columns), keys, stream, parquet)


def coverage_table() -> Table:
    """Return the table that says what is proved of each day."""
    columns = [(column.name, _zoned(column.type)) for column in COVERAGE_COLUMNS]
    return Table(COVERAGE, *_described(COVERAGE, columns), ("account_id", "date"))


def fact_tables() -> list[Table]:
    """Return the tables `accounts` and `streams`, as far as what they say is the same until something happens."""
    its = ((ACCOUNTS, ACCOUNT_COLUMNS), (STREAM_TABLE, STREAM_COLUMNS))
    return [
        Table(name, *_described(name, [(column.name, column.type) for column in columns]), ("account_id",))
        for name, columns in its
    ]


def all_tables() -> list[Table]:
    """Return every table, in the order in which they are written: what proves a day comes after its rows."""
    return [*map(message_table, STREAMS.values()), coverage_table(), *fact_tables()]


def _zoned(kind: pa.DataType) -> pa.DataType:
    """Return a type of a time as Delta's `timestamp`, which is in UTC: one without zone needs a newer protocol."""
    return pa.timestamp("us", tz="UTC") if pa.types.is_timestamp(kind) else kind


def _described(name: str, columns: list[tuple[str, pa.DataType]]) -> tuple[str, pa.Schema]:
    """Return the comment of a table of the database, and columns with the comments that they have there."""
    relation = _relations()[name]
    comments = {column: comment for column, _, comment in relation.columns if comment} | _OWN_COMMENTS
    fields = [pa.field(column, kind, metadata={"comment": comments[column]}) for column, kind in columns]
    return relation.comment or "", pa.schema(fields)


@functools.cache
def _relations() -> dict[str, Relation]:
    """Return the tables of the database, which say what their columns mean."""
    with duckdb.connect() as connection:
        prepare(connection)
        create(connection)
        return {relation.name: relation for relation in read_relations(connection)}
