"""Move fields out of `extra` into their own columns, in rows that were decoded before these fields were declared.

Each value is read by the reader that replies use. What it cannot read, and what contradicts the value that a column
already has, stays in `extra`, so nothing is lost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from voxlake.transform.streams import STATUSES
from voxlake.transform.values import exact_json, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from voxlake.transform.streams import Stream

Readers = dict[str, tuple[str, "Callable[[Any], Any]"]]
"""By the name of a field in replies, in the order of preference: its column and the reader of its values."""


@dataclass(slots=True)
class _Extra:
    """One text of `extra`: its object, the values that belong to columns, and the names under which these were sent."""

    sent: Mapping[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def left(self, refused: frozenset[str] = frozenset()) -> str | None:
        """Return the text without the fields that were moved; those of the columns `refused` stay in it."""
        moved = {name for column, names in self.names.items() if column not in refused for name in names}
        rest = {name: value for name, value in self.sent.items() if name not in moved}
        return exact_json(rest) if rest else None


def promote(table: pa.Table, stream: Stream) -> pa.Table:
    """Return rows in the schema of a stream with every declared field that `extra` holds in its column."""
    extra = table["extra"].combine_chunks()
    if extra.null_count == len(extra):
        return table
    # Few texts differ, and each is parsed once.
    encoded = extra.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    readers: Readers = {name: (f.name, reader_of(f)) for f in stream.fields for name in f.sent_names}
    found = [_read(text, readers) for text in texts]
    columns = {column: None for its in found if its for column in its.names}
    if not columns:
        return table
    refused: dict[int, set[str]] = {}
    for column in columns:
        values = [its.values.get(column) if its else None for its in found]
        candidates = pa.array(values, stream.schema.field(column).type).take(encoded.indices)
        table = _fill(table, column, candidates, refused)
    left = [its.left() if its else text for its, text in zip(found, texts, strict=True)]
    rest = pa.array(left, pa.string()).take(encoded.indices)
    if refused:
        rest = _with_refused(rest, encoded.indices, found, refused)
    return _with(table, "extra", rest)


def _read(text: str, readers: Readers) -> _Extra | None:
    """Read the fields of one text that are declared today; None where there are none, or where it is not an object."""
    try:
        sent = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    if not isinstance(sent, dict):
        return None
    found = _Extra(sent)
    for name, (column, read) in readers.items():
        if name not in sent:
            continue
        try:
            value = read(sent[name])
        except (ValueError, OverflowError):
            continue
        earlier = found.values.get(column)
        if earlier is None or value is None or value == earlier:
            found.values[column] = value if earlier is None else earlier
            found.names.setdefault(column, []).append(name)
    return found if found.names else None


def _fill(table: pa.Table, column: str, candidates: pa.Array, refused: dict[int, set[str]]) -> pa.Table:
    """Return the table with candidates where a column is null; note the rows that have another value in `refused`."""
    held = table[column].combine_chunks()
    for row in pc.indices_nonzero(pc.fill_null(pc.not_equal(held, candidates), fill_value=False)).to_pylist():
        refused.setdefault(row, set()).add(column)
    filled = pc.coalesce(held, candidates)
    if column == "status_id":
        names = [STATUSES.get(number, "unknown") for number in filled.to_pylist()]
        gained = pc.and_(pc.is_null(held), pc.is_valid(candidates))
        status = pc.if_else(gained, pa.array(names, pa.string()), table["status"].combine_chunks())
        table = _with(table, "status", status)
    return _with(table, column, filled)


def _with_refused(
    rest: pa.Array, indices: pa.Array, found: Sequence[_Extra | None], refused: Mapping[int, set[str]]
) -> pa.Array:
    """Return what is left of `extra` with the values that some rows could not take."""
    texts, numbers = rest.to_pylist(), indices.to_pylist()
    for row, columns in refused.items():
        its = found[numbers[row]]
        if its is not None:
            texts[row] = its.left(frozenset(columns))
    return pa.array(texts, pa.string())


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
