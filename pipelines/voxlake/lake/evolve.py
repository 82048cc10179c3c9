"""Read day files of an older schema as if they had been written today: they are older, not damaged.

A column that the file has under a former name is renamed, one of another type is converted exactly, one that the file
lacks is taken out of `extra` where the API sent it, and is null elsewhere. The files stay as they are until they are
written again anyway. What a newer version wrote is refused: to read it without its columns would lose them.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from voxlake.errors import SettingsError
from voxlake.transform import STREAMS, promote, reader_of
from voxlake.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlake.transform import Field, Stream

FORMAT = 1
"""The number of the format of day files; it grows when an older version could not read them."""

_ENTRY = b"voxlake.schema"
"""What the footer says of the schema; day files of version 0.1 do not have it."""


class ForeignSchemaError(ValueError):
    """The columns of a file are not those of any version of its stream."""


class MisfitError(ValueError):
    """A column holds values that its type of today cannot hold; the text is a clause that says so."""


@dataclass(frozen=True, slots=True)
class FileSchema:
    """How a day file was written: its columns, and what its version knew.

    `names` are the names of fields in replies that were known then: others are in `extra`. `version` is None for files
    of version 0.1, which do not say it.
    """

    columns: pa.Schema
    format: int
    version: str | None
    names: frozenset[str]

    @classmethod
    def of(cls, columns: pa.Schema, metadata: Mapping[bytes, bytes], stream: Stream) -> FileSchema:
        """Return the schema of a file by its columns and the key-value metadata of its footer.

        Raises:
            ValueError, TypeError, KeyError: the metadata is not what voxlake writes.

        """
        entry = json.loads(metadata.get(_ENTRY, b"{}"))
        if not entry:
            return cls(columns, 1, None, stream.names_of_0_1)
        return cls(columns, int(entry["format"]), str(entry["version"]), frozenset(entry["names"]))

    def is_current(self, stream: Stream) -> bool:
        """Return whether the rows of the file are what they would be if it was written today."""
        return self.columns.equals(stream.schema) and self.names.issuperset(stream.by_sent_name)

    def changes_types(self, stream: Stream) -> bool:
        """Return whether a column of the file has another type today."""
        columns = _columns_by_field(self.columns, stream)
        return any(
            self.columns.field(column).type != stream.schema.field(name).type for name, column in columns.items()
        )

    def newer(self, stream: Stream) -> str | None:
        """Return a clause that says what in the file a newer version must have written; None where nothing is."""
        if self.format > FORMAT:
            return f"has format {self.format}"
        known = _columns_by_field(self.columns, stream)
        if unknown := sorted(set(self.columns.names) - set(known.values())):
            return f"has the column {unknown[0]!r}"
        if self.version is not None and _number(self.version) > _number(__version__):
            for name, column in known.items():
                if (kind := self.columns.field(column).type) != stream.schema.field(name).type:
                    return f"has the column {column!r} as {kind}"
        return None


def schema_entry(stream: Stream) -> dict[bytes, str]:
    """Return what the footer of a day file that is written now says of its schema."""
    entry = {"format": FORMAT, "version": __version__, "names": sorted(stream.by_sent_name)}
    return {_ENTRY: json.dumps(entry)}


def declaration() -> str:
    """Return a digest of the fields that are declared, as 32 hexadecimal digits."""
    declared = [
        (stream.name, [(f.name, str(f.type), f.sent_names, f.formerly) for f in stream.fields])
        for stream in STREAMS.values()
    ]
    return hashlib.sha256(repr((FORMAT, declared)).encode()).hexdigest()[:32]


def newer_than_ours(name: str, what: str, version: str | None) -> SettingsError:
    """Return the error for a file that a newer version wrote; `what` is a clause, `version` is its own if known."""
    theirs = "the version that wrote it" if version is None else f"the version that wrote it, {version},"
    return SettingsError(
        f"{name} {what}, which this version of voxlake, {__version__}, does not know: install {theirs} or a later one."
    )


def evolve(table: pa.Table, stream: Stream) -> pa.Table:
    """Return rows of a day file, of any older schema, in the schema of today.

    Raises:
        MisfitError: a value does not fit the type that its column has today.
        ForeignSchemaError: the columns are not those of any older schema.

    """
    found = _columns_by_field(table.schema, stream)
    if set(table.schema.names) - set(found.values()):
        raise ForeignSchemaError("a column that is not declared")
    columns = {}
    for field in stream.fields:
        if field.name in found:
            columns[field.name] = _converted(table[found[field.name]], found[field.name], field)
        elif field.required:
            raise ForeignSchemaError(f"no column {field.name!r}")
        else:
            columns[field.name] = pa.nulls(table.num_rows, field.type)
    return promote(pa.table(columns, schema=stream.schema), stream)


def _columns_by_field(columns: pa.Schema, stream: Stream) -> dict[str, str]:
    """Return the column of each field that a file has, under the name of today or else under a former one."""
    found = {}
    for field in stream.fields:
        column = next((name for name in (field.name, *field.formerly) if name in columns.names), None)
        if column is not None:
            found[field.name] = column
    return found


def _converted(values: pa.ChunkedArray, column: str, field: Field) -> pa.ChunkedArray:
    """Return the values of a column in the type that it has today, exactly."""
    found, wanted = values.type, field.type
    if found == wanted:
        return values
    if not _is_convertible(found, wanted):
        raise ForeignSchemaError(f"the column {column!r} as {found}")
    try:
        if pa.types.is_string(found) and not pa.types.is_string(wanted):
            read: Any = reader_of(field)
            return pa.chunked_array([pa.array(map(read, values.to_pylist()), wanted)])
        if pa.types.is_integer(found) and pa.types.is_decimal(wanted):
            # Arrow asks for room for every integer that there is, not for those that are there.
            values = values.cast(pa.decimal128(38, 0))
        return values.cast(wanted)
    except (pa.ArrowInvalid, ValueError, OverflowError) as error:
        raise MisfitError(f"holds values in the column {column!r} that {wanted} cannot hold") from error


def _is_convertible(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Return whether a column of one type can have been declared as the other."""
    number = pa.types.is_integer(wanted) or pa.types.is_decimal(wanted)
    if pa.types.is_integer(found):
        return bool(number or pa.types.is_string(wanted))
    if pa.types.is_decimal(found):
        return bool(number)
    if pa.types.is_timestamp(found):
        return bool(pa.types.is_timestamp(wanted) and found.tz == wanted.tz)
    return bool(pa.types.is_string(found))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
