"""Read replies row by row: slower than by columns, and exact about every shape that a row can have.

What is not known is kept: an unknown field goes to `extra`, and a row that cannot be read to the rejects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from voxlake.model import Reject
from voxlake.transform.amounts import decimal_mark
from voxlake.transform.values import LONGEST_TEXT, exact_json, read_instant, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from voxlake.model import DecimalMark
    from voxlake.transform.streams import Stream

_LONGEST_AMOUNT = 60
_MOST_FIELDS = 1000
"""Fields of a row, at most; the documented ones are twelve."""

Readers = dict[str, tuple[str, "Callable[[Any], Any]"]]
"""By the name of a field in replies: its column and the reader of its values."""


class BrokenReplyError(ValueError):
    """The bytes are not a reply of the API at all: a fault of the connection, so the request is worth repeating."""


def read_rows(
    rows: Iterable[Any], stream: Stream, *, mark: DecimalMark | None = None
) -> tuple[pa.Table, tuple[Reject, ...]]:
    """Return the rows that can be read as a table of the stream's wire schema, and the others as rejects.

    A row is an object of named fields as JSON gives it; anything else is a reject, with the reason. `mark` is the
    decimal mark of amounts that are texts, see `mark_of_rows`.
    """
    readers = {name: (field.name, reader_of(field, mark)) for name, field in stream.by_sent_name.items()}
    required = [field.name for field in stream.fields if field.required]
    columns: dict[str, list[Any]] = {name: [] for name in stream.wire.names}
    rejects = []
    for raw in rows:
        try:
            row = _row(raw, readers)
            _require(row, required)
        except (ValueError, OverflowError) as error:
            rejects.append(Reject(raw, str(error), _time_of(raw, stream)))
            continue
        for name, values in columns.items():
            values.append(row.get(name))
    return pa.table(columns, schema=stream.wire), tuple(rejects)


def mark_of_rows(rows: Iterable[Any], stream: Stream, before: DecimalMark | None) -> DecimalMark | None:
    """Return the decimal mark that the amounts in rows show, else the one that was seen `before`, if any."""
    names = [name for name, field in stream.by_sent_name.items() if pa.types.is_decimal(field.type)]
    amounts = (row.get(name) for row in rows if isinstance(row, dict) for name in names)
    return decimal_mark((text for text in amounts if isinstance(text, str) and len(text) <= _LONGEST_AMOUNT), before)


def _row(raw: Any, readers: Readers) -> dict[str, Any]:
    """Read the values of one row by column; two names of one field may both be there if they agree."""
    if not isinstance(raw, dict):
        raise ValueError("the row is not an object of named fields")  # noqa: TRY004 - bad data, not a wrong call
    if len(raw) > _MOST_FIELDS:
        raise ValueError(f"the row has {len(raw):,} fields, more than {_MOST_FIELDS:,}")
    row: dict[str, Any] = {}
    extra = {}
    for sent_name, value in raw.items():
        if sent_name not in readers:
            extra[sent_name] = value
            continue
        column, read = readers[sent_name]
        try:
            found = read(value)
        except ValueError as error:
            raise ValueError(f"{sent_name} {error}") from None
        if row.get(column) is None:
            row[column] = found
        elif found is not None and found != row[column]:
            raise ValueError(f"{sent_name} contradicts another name of the same field")
    row["extra"] = exact_json(extra) if extra else None
    if len(row["extra"] or "") > LONGEST_TEXT:
        raise ValueError(f"the unknown fields have {len(row['extra']):,} characters, more than {LONGEST_TEXT:,}")
    return row


def _require(row: dict[str, Any], required: Iterable[str]) -> None:
    for name in required:
        if row.get(name) is None:
            raise ValueError("the row has no " + {"message_id": "message id", "processed_at": "date"}.get(name, name))


def _time_of(raw: Any, stream: Stream) -> datetime | None:
    """Find when a row that cannot be read was processed, so that it is counted in one day only."""
    for name, field in stream.by_sent_name.items():
        if field.name != "processed_at":
            continue
        try:
            at = read_instant(raw[name])
        except (ValueError, TypeError, KeyError, IndexError):
            continue
        if at is not None:
            return at
    return None
