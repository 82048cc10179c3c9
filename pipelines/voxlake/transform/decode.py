"""Turn the bytes of a reply into columns and rejects: the contract with Voximplant, in one place.

What the API reference calls possible is accepted and gives the same rows: numbers as numbers or strings, absent or
null fields, older field names, csv of any dialect seen in the sibling histories. What is not known is kept: an unknown
field goes to `extra`, an unreadable row to the rejects.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import simplejson

from voxlake.model import Page, Reject
from voxlake.transform.decode_arrow import page_of_json, table_of_csv
from voxlake.transform.streams import ALIASES, DELIVERY, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from voxlake.transform.streams import Stream

_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_HALF = re.compile("[\ud800-\udfff]")
_COST_DIGITS, _COST_SCALE = 18, 6
_NOISE = Decimal("1e-12")


class BrokenReplyError(ValueError):
    """The bytes are not a reply of the API at all: a fault of the wire, so ask again."""


def decode_json(
    body: bytes, stream: Stream, *, checked: Callable[[dict[str, Any]], dict[str, Any]] = lambda reply: reply
) -> Page:
    """Read a JSON reply without a float in sight; `checked` is given its object first, to look for errors in it.

    A reply of the usual shape is read as columns, any other one row by row.
    """
    return page_of_json(body, stream) or page_of(checked(parse_json(body)), stream)


def parse_json(body: bytes) -> dict[str, Any]:
    """Parse a reply with exact decimals, or say that it is no reply."""
    try:
        reply = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BrokenReplyError(f"not JSON: {error}") from error
    if not isinstance(reply, dict):
        raise BrokenReplyError("JSON, but no object")
    return reply


def page_of(reply: dict[str, Any], stream: Stream) -> Page:
    """Make the page of a parsed reply; `result` must be a list and `total_count` a number."""
    try:
        total = _integer(reply.get("total_count"))
    except ValueError as error:
        raise BrokenReplyError(f"total_count {error}") from error
    if total is None:
        raise BrokenReplyError("no total_count")
    rows = reply.get("result")
    if rows is None and total == 0:
        rows = []
    if not isinstance(rows, list):
        raise BrokenReplyError("no list of rows under 'result'")
    table, rejects = _columns(rows, stream)
    return Page(table, total, rejects)


def decode_csv(body: bytes, stream: Stream) -> Page:
    """Read a csv reply of unknown dialect; it cannot carry a total, so the page has none."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BrokenReplyError(f"csv that is not UTF-8: {error}") from error
    first_line = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=first_line.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [_field_name(name) for name in next(lines, [])]
        rows = [line for line in lines if line]
    except csv.Error as error:
        raise BrokenReplyError(f"broken csv: {error}") from error
    if not text or (names and not {"message_id", "sms_id", "id"} & set(names)):
        raise BrokenReplyError("csv without a column for the message id")
    table = table_of_csv(names, rows, stream)
    if table is not None:
        return Page(table, None)
    table, rejects = _columns((_csv_row(names, line) for line in rows), stream)
    return Page(table, None, rejects)


def _field_name(header: str) -> str:
    """Read "Message ID" and "message_id" alike."""
    return re.sub(r"[^0-9a-z]+", "_", header.strip().casefold()).strip("_")


def _csv_row(names: list[str], line: list[str]) -> dict[str, Any] | list[str]:
    """Pair a line with its header; a ragged line stays a list, which the reader of rows rejects."""
    if len(line) != len(names):
        return line
    return {name: value for name, value in zip(names, line, strict=True) if value != ""}


def _columns(rows: Iterable[Any], stream: Stream) -> tuple[pa.Table, tuple[Reject, ...]]:
    schema = stream.wire
    readers = {name: _READERS.get(name, _text) for name in schema.names if name != "extra"}
    known = {**{name: name for name in readers if name != "processed_at"}, **ALIASES}
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    rejects = []
    for raw in rows:
        try:
            row = _row(raw, known, readers)
        except (ValueError, OverflowError) as error:
            rejects.append(Reject(raw, str(error), _time_of(raw)))
            continue
        for name, values in columns.items():
            values.append(row.get(name))
    return pa.table(columns, schema=schema), tuple(rejects)


def _row(raw: Any, known: dict[str, str], readers: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("the row is no object of named fields")  # noqa: TRY004 - a reject, not a wrong call
    row: dict[str, Any] = {}
    extra = {}
    for field, value in raw.items():
        name = known.get(field)
        if name is None:
            extra[field] = value
            continue
        try:
            read = readers[name](value)
        except ValueError as error:
            raise ValueError(f"{field} {error}") from None
        if row.get(name) is None:
            row[name] = read
        elif read is not None and read != row[name]:
            raise ValueError(f"{field} contradicts another name of the same field")
    for name in REQUIRED:
        if row.get(name) is None:
            raise ValueError("the row has no " + ("message id" if name == "message_id" else "date"))
    row["extra"] = _exact_json(extra) if extra else None
    return row


def _time_of(raw: Any) -> datetime | None:
    """Find when a row that cannot be read happened, so that it is counted in one day only."""
    for name in (name for name, field in ALIASES.items() if field == "processed_at"):
        try:
            at = _instant(raw[name])
        except (ValueError, TypeError, KeyError, IndexError):
            continue
        if at is not None:
            return at
    return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _integer(value: Any, bits: int = 64) -> int | None:
    if value is None or value == "":
        return None
    number = value
    if (isinstance(value, str) and re.fullmatch(r"\s*[-+]?[0-9]+\s*", value)) or (
        isinstance(value, Decimal) and value == value.to_integral_value()
    ):
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError("is no whole number")  # noqa: TRY004 - a reject, not a wrong call
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise ValueError("is out of range")
    return number


def _text(value: Any) -> str | None:
    """Keep a text as sent; a number becomes its digits, the empty text is none (csv cannot tell them apart)."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return _unicode(value)
    if isinstance(value, bool | list | dict):
        raise ValueError("is no text")  # noqa: TRY004 - a reject, not a wrong call
    return (
        format(value.to_integral_value() if value == value.to_integral_value() else value, "f")
        if isinstance(value, Decimal)
        else str(value)
    )


def _direction(value: Any) -> str | None:
    text = _text(value)
    return text and text.upper()


def _delivery(value: Any) -> str | None:
    text = _direction(value)
    return text and DELIVERY.get(text, text)


def _cost(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueError("is no amount")  # noqa: TRY004 - a reject, not a wrong call
    if isinstance(value, str):
        value = value.strip()
        value = value.replace(",", ".") if _DECIMAL_COMMA.fullmatch(value) else value
    try:
        amount = _without_noise(Decimal(value))
        exact = amount.is_finite() and amount == round(amount, _COST_SCALE)
    except (InvalidOperation, TypeError) as error:
        raise ValueError("is no amount") from error
    if not exact:
        raise ValueError("has more than 6 decimals")
    if abs(amount) >= 10 ** (_COST_DIGITS - _COST_SCALE):
        raise ValueError("is out of range")
    return amount


def _without_noise(amount: Decimal) -> Decimal:
    """Give the amount that somebody meant who wrote 0.30000000000000004: what a binary float makes of 0.1 + 0.2."""
    if not amount.is_finite() or amount == (nearest := round(amount, _COST_SCALE)):
        return amount
    return nearest if abs(amount - nearest) <= max(_NOISE, 4 * Decimal(math.ulp(float(amount)))) else amount


def _instant(value: Any) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, AttributeError, OverflowError) as error:
        raise ValueError("is no date 'yyyy-MM-dd HH:mm:ss'") from error


_READERS: dict[str, Callable[[Any], Any]] = {
    "message_id": _integer,
    "transaction_id": _integer,
    "fragments": lambda value: _integer(value, 32),
    "status_id": lambda value: _integer(value, 8),
    "cost": _cost,
    "processed_at": _instant,
    "direction": _direction,
    "delivery_status": _delivery,
}


def _exact_json(value: Any) -> str:
    """Write JSON with decimals as they came, which the standard encoder cannot."""
    text = simplejson.dumps(value, use_decimal=True, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return _unicode(text)


def _unicode(text: str) -> str:
    r"""Put U+FFFD for half a surrogate pair, which JSON can say ("\ud83d") and no file of texts can hold."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)
