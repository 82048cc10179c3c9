"""Read replies of the usual shape straight into columns, without a Python object for any of their values.

It reads what it is sure of and gives None for everything else, which `decode` then reads exactly and row by row: rows
that differ in their fields or types, unknown fields, old and new names side by side, broken rows, broken bytes. What
it does read is what `decode` would have read; a property test holds the two against each other.
"""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from voxlake.model import Page
from voxlake.transform.streams import ALIASES, DELIVERY, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlake.transform.streams import Stream

_HEAD = 16_384
"""Bytes in which the first row is looked for."""

_MOST = Decimal(10**12)
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_COST = r"^-?[0-9]{1,11}([.,][0-9]{1,6})?$"
_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"
_WORDS: dict[str, Mapping[str, str]] = {"direction": {}, "delivery_status": DELIVERY}

Shape = tuple[tuple[str, str], ...]
"""The fields of a row as they are sent, each with the name of its JSON type."""


class _UnusualError(ValueError):
    """Something is not as it usually is: let the exact reader see."""


def page_of_json(body: bytes, stream: Stream) -> Page | None:
    """Read a JSON reply whose rows all look like the first; None where any doubt is left."""
    pages = pages_of_json([body], stream)
    return pages[0] if pages else None


def pages_of_json(bodies: Sequence[bytes], stream: Stream) -> list[Page] | None:
    """Read replies whose rows all look like the first of all, at the price of few calls; None where a doubt is left."""
    # Arrow reads up to a NUL, and past the pieces of a byte order mark.
    if any(b"\0" in body or not body.startswith(b"{") for body in bodies):
        return None
    first = bodies[0]
    try:
        schema = _schema(_first_row(first), stream, text_total=b'"total_count":"' in first[-400:])
        replies = _parsed(b"\n".join(bodies), schema, len(bodies))
        totals = _no_nulls(replies["total_count"]).to_pylist()
        results = _no_nulls(replies["result"].combine_chunks())
        rows = results.flatten()
        table = _typed(dict(zip(rows.type.names, rows.flatten(), strict=True)), stream)
    except (pa.ArrowException, ValueError, KeyError, RecursionError):
        return None
    ends = results.offsets.to_pylist()
    return [
        Page(table.slice(start, end - start), total)
        for start, end, total in zip(ends[:-1], ends[1:], totals, strict=True)
    ]


def table_of_csv(names: Sequence[str], lines: Sequence[Sequence[str]], stream: Stream) -> pa.Table | None:
    """Make columns of csv lines; None where any doubt is left."""
    if not lines or set(map(len, lines)) != {len(names)}:
        return None
    columns = zip(*lines, strict=True)
    try:
        return _typed({name: pa.array(column, pa.string()) for name, column in _once(names, columns).items()}, stream)
    except (pa.ArrowException, ValueError, KeyError):
        return None


def _once(names: Sequence[str], columns: Any) -> dict[str, Any]:
    if len(set(names)) != len(names):
        raise _UnusualError("a column twice")
    return dict(zip(names, columns, strict=True))


def _first_row(body: bytes) -> Shape:
    """Give the shape of the first row; a reply without rows has none."""
    start = body.index(b"[")
    head = body[start + 1 : start + _HEAD].lstrip().decode(errors="ignore")
    if head.startswith("]"):
        return ()
    row, _ = json.JSONDecoder().raw_decode(head)
    if not isinstance(row, dict):
        raise _UnusualError("no object")
    return tuple((name, type(value).__name__) for name, value in row.items())


@functools.lru_cache(maxsize=64)
def _schema(shape: Shape, stream: Stream, *, text_total: bool) -> pa.Schema:
    """Say how Arrow is to read rows of a shape: numbers as numbers, texts as texts, absent fields as documented."""
    sent = dict(shape)
    texts = sent.get(next((name for name in sent if ALIASES.get(name, name) == "message_id"), "")) == "str"
    fields: dict[str, pa.DataType] = {}
    for name in {**dict.fromkeys(stream.wire.names), **sent}:
        known = ALIASES.get(name, name)
        if (known != name or known in REQUIRED) and name not in sent:
            continue
        if known not in stream.wire.names or name == "extra":
            continue
        wanted, kind = stream.wire.field(known).type, sent.get(name, "NoneType")
        if known == "processed_at":
            wanted = pa.timestamp("us")
        elif kind == "str" and known != "cost":
            wanted = pa.string()
        elif kind == "int" and pa.types.is_string(wanted):
            wanted = pa.int64()
        elif kind == "NoneType" and known == "transaction_id" and texts:
            wanted = pa.string()
        fields[name] = wanted
    row = pa.struct(list(fields.items()))
    return pa.schema([("result", pa.list_(row)), ("total_count", pa.string() if text_total else pa.int64())])


def _parsed(body: bytes, schema: pa.Schema, replies: int) -> pa.Table:
    """Let Arrow read so many replies; each must be one object, of what we know and harmless values beside."""
    # As a stream: to read it as a table, Arrow starts a thread for every reply.
    reply = pj.open_json(
        pa.BufferReader(body),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer"),
    ).read_all()
    if reply.num_rows != replies or reply.schema.field("result").type != schema.field("result").type:
        raise _UnusualError("not that many replies of known fields")
    for field in reply.schema:
        # Arrow takes NaN, which is no JSON, for a number; and an error is not ours to judge.
        if field.name not in schema.names and not (pa.types.is_integer(field.type) or pa.types.is_string(field.type)):
            raise _UnusualError("an envelope with more in it")
        if field.name in ("error", "errors"):
            raise _UnusualError("an error")
    if not pa.types.is_integer(schema.field("total_count").type):
        reply = reply.set_column(
            reply.schema.get_field_index("total_count"), "total_count", _whole(reply["total_count"])
        )
    return reply


def _typed(fields: Mapping[str, Any], stream: Stream) -> pa.Table:
    """Bring the columns that were sent into the wire schema of the stream, or refuse."""
    columns: dict[str, Any] = {}
    for sent, values in fields.items():
        name = ALIASES.get(sent, sent)
        if name in columns or name == "extra" or sent == "processed_at" or name not in stream.wire.names:
            raise _UnusualError(sent)
        columns[name] = _column(name, values, stream.wire.field(name).type)
    rows = max(map(len, columns.values()))
    for name in REQUIRED if rows else ():
        _no_nulls(columns[name])
    table = pa.table(
        [columns[name] if name in columns else pa.nulls(rows, kind) for name, kind in _kinds(stream)],
        schema=stream.wire,
    )
    table.validate(full=True)
    return table


def _kinds(stream: Stream) -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in stream.wire]


def _column(name: str, values: Any, kind: pa.DataType) -> Any:
    if pa.types.is_string(kind):
        if pa.types.is_integer(values.type):
            values = values.cast(kind)
        return _words(values, _WORDS[name]) if name in _WORDS else _no_empty(values)
    if pa.types.is_string(values.type):
        values = _no_empty(values)
    if pa.types.is_timestamp(kind):
        return _instants(values, kind)
    if pa.types.is_decimal(kind):
        return _amounts(values, kind)
    return _whole(values).cast(kind)


def _no_nulls(values: Any) -> Any:
    if values.null_count:
        raise _UnusualError("a null")
    return values


def _no_empty(values: Any) -> Any:
    """Make none of the empty text; csv cannot tell them apart."""
    lengths = pc.binary_length(values)
    return pc.if_else(pc.equal(lengths, 0), None, values) if pc.min(lengths).as_py() == 0 else values


def _words(values: Any, meanings: Mapping[str, str]) -> Any:
    """Write few different words in capitals, as Python does, or as what they mean."""
    words = values.dictionary_encode()
    told = words.dictionary.to_pylist()
    meant = [meanings.get(word.upper(), word.upper()) or None for word in told]
    return values if meant == told else pa.array(meant, pa.string()).take(words.indices)


def _whole(values: Any) -> Any:
    """Make integers of digits."""
    if not pa.types.is_string(values.type):
        return values
    if not pc.all(pc.ascii_is_decimal(values), min_count=0).as_py():
        raise _UnusualError("more than digits")
    return values.cast(pa.int64())


def _amounts(values: Any, kind: pa.DataType) -> Any:
    if pa.types.is_string(values.type):
        if not pc.all(pc.match_substring_regex(values, _COST), min_count=0).as_py():
            raise _UnusualError("an amount of another form")
        values = pc.replace_substring(values, ",", ".").cast(kind)
    least, most = pc.min_max(values).as_py().values()
    if least is not None and not -_MOST < least <= most < _MOST:
        raise _UnusualError("an amount out of range")
    return values


def _instants(values: Any, kind: pa.DataType) -> Any:
    if pa.types.is_string(values.type):
        if not pc.all(pc.match_substring_regex(values, _INSTANT), min_count=0).as_py():
            raise _UnusualError("a date of another form")
        values = values.cast(pa.timestamp("us"))
    values = values.cast(kind)
    least, most = (scalar for scalar in pc.min_max(values).values())
    if least.is_valid and (least.value < _micros(_FIRST) or most.value > _micros(_LAST)):
        raise _UnusualError("a date out of range")
    return values


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000
