"""The columns of the tables of messages: the declared fields of a stream, its keys, and what is derived from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

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
    Field("segments_expected", pa.int32(), "Segments that the stored text needs."),
    Field(
        "normal_source", pa.string(), "The normal form of source_number where that is written otherwise: see source."
    ),
    Field("normal_destination", pa.string(), "The same of destination_number: see destination."),
)
"""The columns that `derived_columns` computes."""


class Virtual(NamedTuple):
    """A column that is not stored: its name, its SQL type, its comment, and the expression that it stands for."""

    name: str
    type: str
    comment: str
    expression: str

    @property
    def declaration(self) -> str:
        """What follows the name of the column in the statement that creates its table."""
        return f"{self.type} GENERATED ALWAYS AS ({self.expression}) VIRTUAL"


_NORMAL = (
    ("source", "Who sent it: digits with the country code however they were written, or a SenderID."),
    ("destination", "Who it was sent to, in the same form."),
)


def all_columns(stream: Stream) -> tuple[Field, ...]:
    """Return the columns that the table of a stream stores, in their order and under their names there."""
    return (*KEYS, *(replace(field, name=field.column) for field in stream.fields), *DERIVED)


def virtual_columns(stream: Stream) -> tuple[Virtual, ...]:
    """Return the columns of the table of a stream that are not stored: they come after the others."""
    moving = ", ".join(f"'{its}'" for its in stream.moving)
    settled = f"{stream.own} NOT IN ({moving})" if moving else "status <> 'waiting'"
    return (
        *(Virtual(name, "VARCHAR", comment, f"coalesce(normal_{name}, {name}_number)") for name, comment in _NORMAL),
        Virtual(
            "settled", "BOOLEAN", "Whether its status can no longer change, null where the API gave none.", settled
        ),
        *(
            Virtual(its.name, type_of(its.type), f"Former name of {its.column}, gone in 0.4.", its.column)
            for its in stream.fields
            if its.shown_as
        ),
    )


def typed_columns(stream: Stream) -> list[tuple[str, str, bool]]:
    """Return name, SQL type and whether it is required, of every column that the table of a stream stores."""
    return [(its.name, type_of(its.type), its.required) for its in all_columns(stream)]


def type_of(kind: pa.DataType) -> str:
    """Return the type of DuckDB's for one of Arrow's."""
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    return _TYPES[kind]
