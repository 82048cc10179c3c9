"""The columns of the tables of messages: the declared fields of a stream, its keys, and what is derived from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.transform import Field

if TYPE_CHECKING:
    from voxlake.transform import Stream

_TYPES = {
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}

KEYS = (
    Field("account_id", pa.int64(), "The Voximplant account.", required=True),
    Field("date", pa.date32(), "The UTC day of processed_at.", required=True),
)
"""The columns that a day file has in its path."""

DERIVED = (
    Field(
        "destination_country",
        pa.string(),
        "ISO 3166 code of the country of destination_number, where it is an international number.",
    ),
    Field("segments_expected", pa.int32(), "Parts that the stored text needs."),
)
"""The columns that `derived_columns` computes."""


def all_columns(stream: Stream) -> tuple[Field, ...]:
    """Return the columns of the table of a stream, in their order."""
    return (*KEYS, *stream.fields, *DERIVED)


def typed_columns(stream: Stream) -> list[tuple[str, str, bool]]:
    """Return name, SQL type and whether it is required, of every column of the table of a stream."""
    return [(its.name, type_of(its.type), its.required) for its in all_columns(stream)]


def type_of(kind: pa.DataType) -> str:
    """Return the type of DuckDB's for one of Arrow's."""
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    return _TYPES[kind]
