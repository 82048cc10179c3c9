"""The histories that voxlake exports, and their fields: each is declared here, once.

The Arrow schema, the readers of replies, the Parquet encodings, the database's tables with their comments, the checks
and `docs/schema.md` follow from these declarations (`make schema` writes the files among them). Names, types and roles
are those of the vendor's reference pages; older names are those of its SDKs and of replies seen by third parties.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping

DELIVERY = {
    "1": "QUEUED",
    "2": "DISPATCHED",
    "3": "ABORTED",
    "4": "REJECTED",
    "5": "DELIVERED",
    "6": "FAILED",
    "7": "EXPIRED",
    "8": "UNKNOWN",
}
"""The delivery statuses: rows hold the names and filters the numbers, so a number in a row means the name."""

STATUSES = {1: "success", 2: "error", 3: "waiting"}
"""The names of `status_id`; every other number, and none, is called "unknown"."""

SUCCESS, WAITING = 1, 3
DELIVERED = "DELIVERED"

_FIRST_NAMES = frozenset(
    {
        *("message_id", "sms_id", "id", "source_number", "destination_number", "fragments", "cost", "status_id"),
        *("error_message", "processed_date", "processing_date", "transaction_id", "text"),
    }
)
"""The names of fields in replies that version 0.1 knew, beside a stream's own: its day files do not list them."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a history, from the reply to the database.

    `comment` describes it to analysts. `sent_as` are the names under which replies send it (its own, unless stated; an
    empty tuple marks a column that voxlake adds); a row without a value for a `required` field is rejected. `words`
    maps what the API may send to what it means; such a text is in capitals, and a word not listed stays.
    `shown_as` is its name in the database, where that is not the one it has in the lake.
    `formerly` are the names that the column had in older day files; none may be the name of another column.
    `encoding` and `statistics` (the least and greatest value of every page) are those of its Parquet column: statistics
    only where they help a query and hold nobody's words. `compression` is DuckDB's, where its own choice is worse.
    """

    name: str
    type: pa.DataType
    comment: str
    sent_as: tuple[str, ...] | None = None
    formerly: tuple[str, ...] = ()
    required: bool = False
    words: Mapping[str, str] | None = None
    shown_as: str | None = None
    encoding: Literal["plain", "dictionary", "delta"] = "plain"
    statistics: bool = False
    compression: str | None = None

    @property
    def sent_names(self) -> tuple[str, ...]:
        """The names of the field in replies, today's first; none for a column that voxlake adds."""
        return (self.name,) if self.sent_as is None else self.sent_as

    @property
    def column(self) -> str:
        """The name of the column in the database's tables."""
        return self.shown_as or self.name


@dataclass(frozen=True)
class Stream:
    """One history method of the API: its name, its table, its fields, and the roles that may call it.

    `own` is the column that no other stream has, `moving` are its values that can still change, and `filters` those by
    which the API selects rows.
    """

    name: str
    method: str
    table: str
    fields: tuple[Field, ...]
    own: str
    roles: tuple[str, ...]
    moving: tuple[str, ...]
    filters: tuple[str, ...]

    def __hash__(self) -> int:
        return hash(self.name)

    @functools.cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of normalised rows and of the Parquet files; times are UTC in microseconds."""
        return pa.schema([(column.name, column.type) for column in self.fields])

    @functools.cached_property
    def wire(self) -> pa.Schema:
        """The Arrow schema of a decoded reply: without the columns that normalising adds."""
        return pa.schema([(column.name, column.type) for column in self.fields if column.name != "status"])

    @functools.cached_property
    def by_sent_name(self) -> dict[str, Field]:
        """The fields by every name under which replies send them."""
        return {name: column for column in self.fields for name in column.sent_names}

    @property
    def names_of_0_1(self) -> frozenset[str]:
        """The names under which version 0.1 knew fields in replies, so that they are not in the `extra` of its days."""
        return _FIRST_NAMES | {self.own}

    @functools.cached_property
    def parquet(self) -> dict[str, Any]:
        """The arguments of `pyarrow.parquet.ParquetWriter` that say how each column is written."""
        return {
            "use_dictionary": [column.name for column in self.fields if column.encoding == "dictionary"],
            "column_encoding": {
                column.name: "DELTA_BINARY_PACKED" for column in self.fields if column.encoding == "delta"
            },
            "write_statistics": [column.name for column in self.fields if column.statistics],
        }

    @property
    def state_columns(self) -> tuple[str, ...]:
        """The columns that `moves` looks at."""
        return ("status_id", self.own, "fragments", "cost")

    def moves(self, table: pa.Table) -> pa.ChunkedArray:
        """Mark the rows that can still change, as booleans without nulls.

        Those are rows whose status can, and rows that succeeded and were billed segments but have no price yet.
        """
        status, own = table["status_id"], table[self.own]
        moving = pc.or_(_equal(status, WAITING), pc.is_in(own, pa.array(self.moving, pa.string())))
        succeeded = pc.or_(_equal(status, SUCCESS), _equal(own, DELIVERED))
        billed = pc.fill_null(pc.greater(table["fragments"], 0), fill_value=False)
        return pc.or_(moving, pc.and_(pc.and_(succeeded, billed), pc.is_null(table["cost"])))


def _equal(column: pa.ChunkedArray, value: int | str) -> pa.ChunkedArray:
    return pc.fill_null(pc.equal(column, value), fill_value=False)


_DIRECTION = Field("direction", pa.string(), "IN or OUT.", words={}, encoding="dictionary", statistics=True)
_DELIVERY_STATUS = Field(
    "delivery_status",
    pa.string(),
    "QUEUED, DISPATCHED, ABORTED, REJECTED, DELIVERED, FAILED, EXPIRED or UNKNOWN.",
    words=DELIVERY,
    encoding="dictionary",
    statistics=True,
)


def _fields(own: Field) -> tuple[Field, ...]:
    """List the fields of a history in the order of its table; all but one are the same in every history.

    Dictionaries only for columns that repeat themselves: a million rows take 18.9 MB so, and 29.4 with all of them.
    """
    return (
        Field(
            "message_id",
            pa.int64(),
            "The vendor's number of the message, unique in this table for an account.",
            sent_as=("message_id", "sms_id", "id"),
            required=True,
            encoding="delta",
            statistics=True,
        ),
        Field(
            "source_number",
            pa.string(),
            "Who sent it: a number as the API gives it, or an alphanumeric SenderID.",
            encoding="dictionary",
        ),
        Field(
            "destination_number",
            pa.string(),
            "Who it was sent to, as the API gives it.",
            compression="fsst",
        ),
        own,
        Field(
            "fragments",
            pa.int32(),
            "Segments that were billed.",
            shown_as="segments",
            encoding="dictionary",
            statistics=True,
        ),
        Field("cost", pa.decimal128(18, 6), "In the currency of the account.", encoding="dictionary", statistics=True),
        Field("status_id", pa.int8(), "The vendor's number of the status.", encoding="dictionary", statistics=True),
        Field(
            "status",
            pa.string(),
            "success, error or waiting, else unknown.",
            sent_as=(),
            encoding="dictionary",
            statistics=True,
        ),
        Field("error_message", pa.string(), "What the vendor says went wrong.", encoding="dictionary"),
        Field(
            "processed_at",
            pa.timestamp("us", tz="UTC"),
            "When it was processed, in UTC, the only time that the API gives.",
            sent_as=("processed_date", "processing_date"),
            required=True,
            encoding="delta",
            statistics=True,
        ),
        Field("transaction_id", pa.int64(), "The vendor's number of the payment.", encoding="delta", statistics=True),
        Field("text", pa.string(), "What was written, where the account had storing on."),
        Field("extra", pa.string(), "A JSON object of fields that voxlake does not know.", sent_as=()),
    )


SMS = Stream(
    name="sms",
    method="GetSmsHistory",
    table="sms_history",
    fields=_fields(_DIRECTION),
    own=_DIRECTION.name,
    roles=("Owner", "Admin", "Developer", "Supervisor", "Accountant", "CallsSMS"),
    moving=(),
    filters=("IN", "OUT"),
)
A2P = Stream(
    name="a2p",
    method="A2PGetSmsHistory",
    table="a2p_sms_history",
    fields=_fields(_DELIVERY_STATUS),
    own=_DELIVERY_STATUS.name,
    roles=("Owner", "Admin", "CallsSMS"),
    moving=("QUEUED", "DISPATCHED"),
    filters=tuple(DELIVERY),
)
STREAMS = {stream.name: stream for stream in (SMS, A2P)}
"""Every history, by the name that commands and files use."""
