"""Turn a JSON reply into a page: rows, rejects and the API's total."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from voxlake.model import Page
from voxlake.transform.columns import pages_of_json
from voxlake.transform.rows import BrokenReplyError, read_rows
from voxlake.transform.values import read_integer

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.transform.streams import Stream


def decode_json(
    body: bytes, stream: Stream, *, checked: Callable[[dict[str, Any]], dict[str, Any]] = lambda reply: reply
) -> Page:
    """Return the page that a JSON reply holds; amounts never pass through a float.

    A reply of the usual shape is read by columns, any other row by row. Of the latter, `checked` gets the parsed
    object first, so that the caller can raise the error that it may report.

    Raises:
        BrokenReplyError: the bytes are not JSON, or not a reply.

    """
    pages = pages_of_json([body], stream)
    return pages[0] if pages else page_of(checked(parse_json(body)), stream)


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the object that a JSON reply holds, its decimals exact.

    Raises:
        BrokenReplyError: the bytes are not JSON, or not an object.

    """
    try:
        reply = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BrokenReplyError(f"not JSON: {error}") from error
    if not isinstance(reply, dict):
        raise BrokenReplyError("JSON, but not an object")
    return reply


def page_of(reply: dict[str, Any], stream: Stream) -> Page:
    """Return the page of a parsed reply, read row by row.

    Raises:
        BrokenReplyError: the object is not a reply.

    """
    rows, total = _rows_and_total(reply)
    table, rejects = read_rows(rows, stream)
    return Page(table, total, rejects)


def total_of(reply: dict[str, Any]) -> int:
    """Return how many rows match in all, by a parsed reply.

    Raises:
        BrokenReplyError: the object is not a reply.

    """
    return _rows_and_total(reply)[1]


def _rows_and_total(reply: dict[str, Any]) -> tuple[list[Any], int]:
    """Return what a reply holds: `result` must be a list, and may be missing where `total_count`, a number, is 0."""
    try:
        total = read_integer(reply.get("total_count"))
    except ValueError as error:
        raise BrokenReplyError(f"total_count {error}") from error
    if total is None:
        raise BrokenReplyError("no total_count")
    rows = reply.get("result")
    if rows is None and total == 0:
        rows = []
    if not isinstance(rows, list):
        raise BrokenReplyError("no list of rows under 'result'")
    return rows, total


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser accepts and JSON does not have."""
    raise ValueError(f"{name} is not a JSON number")
