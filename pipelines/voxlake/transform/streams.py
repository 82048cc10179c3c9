"""The two histories as data: they differ in the name of a date and in one column, so a stream adds no code."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

ALIASES = {
    "sms_id": "message_id",
    "id": "message_id",
    "processed_date": "processed_at",
    "processing_date": "processed_at",
}
"""What fields are or were called in replies, where that is not their column's name."""

REQUIRED = ("message_id", "processed_at")
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
"""The delivery statuses: rows name them, filters number them; a number in a row means its name."""

STATUSES = {1: "success", 2: "error", 3: "waiting"}
WAITING = 3


@dataclass(frozen=True, slots=True)
class Stream:
    """One history method of the API: what it is called, which column it alone has, who may call it.

    `moving` are the values of the `own` column that can still change, `filters` those that the API selects by.
    Source of `roles` and fields: the vendor's reference pages.
    """

    name: str
    method: str
    table: str
    own: str
    roles: tuple[str, ...]
    moving: tuple[str, ...]
    filters: tuple[str, ...]

    @property
    def schema(self) -> pa.Schema:
        """The one Arrow schema of this stream, from the first byte to the Parquet file."""
        return _schema(self.own)

    @property
    def wire(self) -> pa.Schema:
        """What a decoded reply holds: the schema without the columns that normalising adds."""
        return _wire(self.own)

    def moves(self, table: pa.Table) -> pa.ChunkedArray:
        """Mark the rows whose status can still change; never null."""
        moving = pc.is_in(table[self.own], pa.array(self.moving, pa.string()))
        return pc.or_(pc.fill_null(pc.equal(table["status_id"], WAITING), fill_value=False), moving)


@functools.cache
def _schema(own: str) -> pa.Schema:
    return pa.schema(
        [
            ("message_id", pa.int64()),
            ("source_number", pa.string()),
            ("destination_number", pa.string()),
            (own, pa.string()),
            ("fragments", pa.int32()),
            ("cost", pa.decimal128(18, 6)),
            ("status_id", pa.int8()),
            ("status", pa.string()),
            ("error_message", pa.string()),
            ("processed_at", pa.timestamp("us", tz="UTC")),
            ("transaction_id", pa.int64()),
            ("text", pa.string()),
            ("extra", pa.string()),
        ]
    )


@functools.cache
def _wire(own: str) -> pa.Schema:
    return pa.schema([field for field in _schema(own) if field.name != "status"])


SMS = Stream(
    name="sms",
    method="GetSmsHistory",
    table="sms_history",
    own="direction",
    roles=("Owner", "Admin", "Developer", "Supervisor", "Accountant", "CallsSMS"),
    moving=(),
    filters=("IN", "OUT"),
)
A2P = Stream(
    name="a2p",
    method="A2PGetSmsHistory",
    table="a2p_sms_history",
    own="delivery_status",
    roles=("Owner", "Admin", "CallsSMS"),
    moving=("QUEUED", "DISPATCHED"),
    filters=tuple(DELIVERY),
)
STREAMS = {stream.name: stream for stream in (SMS, A2P)}
