"""Read replies of the usual shape by columns, with Arrow, without a Python object for any of their values.

This reader takes only what it is sure of and returns None for everything else, which `rows` then reads exactly: rows
that differ in their fields or types, unknown fields, an old and a new name side by side, broken rows, broken bytes.
What it does read is what `rows` would have read; a property test holds the two against each other.
"""

from __future__ import annotations

import functools
import itertools
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from voxlake.model import Page
from voxlake.transform.amounts import EITHER_POINT, SURE
from voxlake.transform.envelope import MOST_ROWS, has_flat_rows, parse_json, rows_and_total
from voxlake.transform.values import LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlake.model import DecimalMark
    from voxlake.transform.streams import Field, Stream

_HEAD = 16_384
"""Bytes in which the first row is looked for."""

_LARGEST_BLOCK = 1 << 30
"""Bytes of replies that are read together, at most: Arrow counts them in 32 bits."""

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""Within these, no offset of a time zone can leave the years that Python's datetime has."""

_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"

Shape = tuple[tuple[str, str], ...]
"""The fields of a row as they are sent, each with the name of the Python type that JSON gives it."""


class _UnusualError(ValueError):
    """Something is not as it usually is: only the exact reader can judge it."""


def pages_of_json(bodies: Sequence[bytes], stream: Stream, *, mark: DecimalMark | None = None) -> list[Page] | None:
    """Return the pages of replies whose rows all look like the first row of the first; None where in any doubt.

    Replies read together cost less than one by one, because each call of Arrow has its price. Where earlier replies
    showed another decimal `mark` than a point, a text that looks like an amount with a point may mean another.
    """
    if sum(map(len, bodies)) > _LARGEST_BLOCK or mark not in {None, "."}:
        return None
    # Arrow stops reading at a NUL, skips the bytes of a byte order mark wherever they are, and ends the process where
    # containers are nested deeply.
    if any(b"\0" in body or not body.startswith(b"{") or not has_flat_rows(body) for body in bodies):
        return None
    try:
        totals, rows_of = zip(*map(_total_and_rows, bodies), strict=True)
        results = _parsed(rows_of, _reply_schema(_first_row(bodies[0]), stream))
        ends = results.offsets.to_pylist()
        if max(end - start for start, end in itertools.pairwise(ends)) > MOST_ROWS:
            raise _UnusualError("many rows")
        rows = results.flatten()
        table = _table(dict(zip(rows.type.names, rows.flatten(), strict=True)), stream)
    except (pa.ArrowException, ValueError, KeyError, RecursionError):
        return None
    return [
        Page(table.slice(start, end - start), total)
        for (start, end), total in zip(itertools.pairwise(ends), totals, strict=True)
    ]


def table_of_csv(
    names: Sequence[str], lines: Sequence[Sequence[str]], stream: Stream, *, mark: DecimalMark | None = None
) -> pa.Table | None:
    """Return the lines of a csv reply as a table of the stream's wire schema; None where in any doubt."""
    if not lines or set(map(len, lines)) != {len(names)} or len(set(names)) != len(names):
        return None
    texts = (pa.array(column, pa.string()) for column in zip(*lines, strict=True))
    try:
        return _table(dict(zip(names, texts, strict=True)), stream, mark)
    except (pa.ArrowException, ValueError, KeyError):
        return None


def _first_row(body: bytes) -> Shape:
    """Return the shape of a reply's first row; that of a reply without rows is empty."""
    start = body.index(b"[")
    head = body[start + 1 : start + _HEAD].lstrip().decode(errors="ignore")
    if head.startswith("]"):
        return ()
    row, _ = json.JSONDecoder().raw_decode(head)
    if not isinstance(row, dict):
        raise _UnusualError("not an object")
    return tuple((name, type(value).__name__) for name, value in row.items())


def _total_and_rows(body: bytes) -> tuple[int, memoryview]:
    """Return what the exact reader makes of a reply without its rows, and the bytes of these, in their brackets."""
    start, end = body.index(b"["), body.rindex(b"]") + 1
    outside = body[:start] + b"[]" + body[end:]
    envelope = parse_json(outside)
    if envelope.get("result") != [] or "error" in envelope or "errors" in envelope:
        raise _UnusualError("the list is not that of the rows, or an error")
    if outside.count(b'"total_count"') != 1:
        raise _UnusualError("two totals")
    _, total = rows_and_total(envelope)
    return total, memoryview(body)[start:end]


@functools.lru_cache(maxsize=64)
def _reply_schema(shape: Shape, stream: Stream) -> pa.Schema:
    """Return the schema by which Arrow is to read the rows of replies, of which the first has a shape.

    It holds the fields of the first row that are known, each with the type under which it was sent; a field that
    only a later row has is one that the stream documents, under its own name.
    """
    sent = dict(shape)
    fields = {}
    for name in (*(name for name in stream.by_sent_name if name not in sent and _may_come_later(name, stream)), *sent):
        field = stream.by_sent_name.get(name)
        if field is not None:
            fields[name] = _type_as_sent(field, sent.get(name, "NoneType"), ids=_kind_of_ids(sent, stream))
    row = pa.struct(list(fields.items()))
    return pa.schema([("result", pa.list_(row))])


def _may_come_later(name: str, stream: Stream) -> bool:
    """Whether a field that the first row lacks may be in later ones: optional fields are left out where empty."""
    field = stream.by_sent_name[name]
    return not field.required and name == field.name


def _kind_of_ids(sent: Mapping[str, str], stream: Stream) -> str:
    """Return the type under which the first row sends its message id."""
    names = (name for name, field in stream.by_sent_name.items() if field.name == "message_id")
    return next((sent[name] for name in names if name in sent), "NoneType")


def _type_as_sent(field: Field, kind: str, *, ids: str) -> pa.DataType:
    """Return the type by which Arrow is to read a field that the first row sends as a `kind` of Python value."""
    if pa.types.is_timestamp(field.type):
        return pa.timestamp("us")
    if pa.types.is_decimal(field.type):
        # Arrow reads the digits of a number and of a text alike.
        return field.type
    if kind == "str":
        return pa.string()
    if kind == "int" and pa.types.is_string(field.type):
        return pa.int64()
    if kind == "NoneType" and field.type == pa.int64() and ids == "str":
        # An API that writes ids as texts does so for all of them.
        return pa.string()
    return field.type


def _parsed(rows_of: Sequence[memoryview], schema: pa.Schema) -> Any:
    """Return the rows of replies as an array of lists, one a reply; Arrow refuses fields that are not in the schema."""
    body = b"".join(piece for rows in rows_of for piece in (b'{"result":', rows, b"}\n"))
    # As a stream: to read it as a table, Arrow would start a thread for every reply.
    replies = pj.open_json(
        pa.BufferReader(body),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
    ).read_all()
    if replies.num_rows != len(rows_of):
        raise _UnusualError("not that many replies")
    return _no_nulls(replies["result"].combine_chunks())


def _table(sent: Mapping[str, Any], stream: Stream, mark: DecimalMark | None = None) -> pa.Table:
    """Return columns, by the names under which they were sent, as a table of the stream's wire schema."""
    columns: dict[str, Any] = {}
    for sent_name, values in sent.items():
        field = stream.by_sent_name.get(sent_name)
        if field is None or field.name in columns:
            raise _UnusualError(sent_name)
        columns[field.name] = _column(field, values, mark)
    rows = max(map(len, columns.values()))
    for field in stream.fields:
        if field.required and rows:
            _no_nulls(columns[field.name])
    table = pa.table(
        [columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in stream.wire],
        schema=stream.wire,
    )
    table.validate(full=True)
    return table


def _column(field: Field, values: Any, mark: DecimalMark | None) -> Any:
    """Return the values of a field in its Arrow type."""
    kind = field.type
    if pa.types.is_string(values.type) and (pc.max(pc.binary_length(values)).as_py() or 0) > LONGEST_TEXT:
        raise _UnusualError("a long text")
    if pa.types.is_string(kind):
        texts = values.cast(kind) if pa.types.is_integer(values.type) else values
        return _no_empty(texts) if field.words is None else _words(texts, field.words)
    if pa.types.is_string(values.type):
        values = _no_empty(values)
    if pa.types.is_timestamp(kind):
        return _instants(values, kind)
    if pa.types.is_decimal(kind):
        return _amounts(values, kind, mark)
    return _digits(values).cast(kind)


def _no_nulls(values: Any) -> Any:
    if values.null_count:
        raise _UnusualError("a null")
    return values


def _no_empty(values: Any) -> Any:
    """Replace empty texts by nulls, because csv cannot tell the two apart."""
    lengths = pc.binary_length(values)
    return pc.if_else(pc.equal(lengths, 0), None, values) if pc.min(lengths).as_py() == 0 else values


def _words(values: Any, meanings: Mapping[str, str]) -> Any:
    """Replace words by what they mean, or by their capitals as Python writes them: a column has few different ones."""
    words = values.dictionary_encode()
    sent = words.dictionary.to_pylist()
    meant = [meanings.get(word.upper(), word.upper()) or None for word in sent]
    return values if meant == sent else pa.array(meant, pa.string()).take(words.indices)


def _digits(values: Any) -> Any:
    """Return integers as they are, and texts of nothing but digits as integers."""
    if not pa.types.is_string(values.type):
        return values
    if not pc.all(pc.ascii_is_decimal(values), min_count=0).as_py():
        raise _UnusualError("more than digits")
    return values.cast(pa.int64())


def _amounts(values: Any, kind: pa.DataType, mark: DecimalMark | None) -> Any:
    """Return amounts of the usual form; the exact reader judges the others: exponents, thousands, what is too large."""
    if pa.types.is_string(values.type):
        if not pc.all(pc.match_substring_regex(values, SURE), min_count=0).as_py():
            raise _UnusualError("an amount of another form")
        has_commas = mark not in {None, "."} or pc.any(pc.match_substring(values, ",")).as_py()
        if has_commas and pc.any(pc.match_substring_regex(values, EITHER_POINT)).as_py():
            raise _UnusualError("points among commas")
        values = pc.replace_substring(values, ",", ".").cast(kind)
    least, most = pc.min_max(values).as_py().values()
    limit = Decimal(10 ** (kind.precision - kind.scale))
    if least is not None and not -limit < least <= most < limit:
        raise _UnusualError("an amount out of range")
    return values


def _instants(values: Any, kind: pa.DataType) -> Any:
    """Return times of the documented form, which are UTC."""
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
