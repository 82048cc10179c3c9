"""Read day files that were written before a column was declared: they are older, not damaged.

A column that a stream gains is null in the days that were exported before. Their files stay as they are; who wants its
values reads these days again ('voxlake backfill --force').
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from voxlake.transform import Stream


def is_older(found: pa.Schema, stream: Stream) -> bool:
    """Return whether a file has the columns of a stream in their order and types, but for some optional ones."""
    required = {field.name for field in stream.fields if field.required}
    shared = pa.schema([field for field in stream.schema if field.name in found.names])
    return found.equals(shared) and required <= set(found.names) and len(found) < len(stream.schema)


def upgrade(table: pa.Table, wanted: pa.Schema) -> pa.Table:
    """Return the rows of an older file with all `wanted` columns, null where the file has none."""
    if set(wanted.names) <= set(table.schema.names):
        return table
    columns = [
        table[field.name] if field.name in table.schema.names else pa.nulls(table.num_rows, field.type)
        for field in wanted
    ]
    return pa.table(columns, schema=wanted)
