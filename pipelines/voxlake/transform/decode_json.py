"""Turn a JSON reply into a page: rows, rejects and the API's total."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlake.model import Page
from voxlake.transform.columns import pages_of_json
from voxlake.transform.envelope import parse_json, rows_and_total
from voxlake.transform.rows import mark_of_rows, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxlake.model import DecimalMark
    from voxlake.transform.streams import Stream


def decode_json(
    body: bytes,
    stream: Stream,
    *,
    checked: Callable[[dict[str, Any]], dict[str, Any]] = lambda reply: reply,
    mark: DecimalMark | None = None,
) -> Page:
    """Return the page that a JSON reply holds; amounts never pass through a float.

    A reply of the usual shape is read by columns, any other row by row. Of the latter, `checked` gets the parsed
    object first, so that the caller can raise the error that it may report. `mark` is the decimal mark that earlier
    replies showed.

    Raises:
        BrokenReplyError: the bytes are not JSON, or not a reply.

    """
    pages = pages_of_json([body], stream, mark=mark)
    return pages[0] if pages else page_of(checked(parse_json(body)), stream, mark=mark)


def page_of(reply: dict[str, Any], stream: Stream, *, mark: DecimalMark | None = None) -> Page:
    """Return the page of a parsed reply, read row by row.

    Raises:
        BrokenReplyError: the object is not a reply.

    """
    rows, total = rows_and_total(reply)
    mark = mark_of_rows(rows, stream, mark)
    table, rejects = read_rows(rows, stream, mark=mark)
    return Page(table, total, rejects, mark)


def total_of(reply: dict[str, Any]) -> int:
    """Return how many rows match in all, by a parsed reply.

    Raises:
        BrokenReplyError: the object is not a reply.

    """
    return rows_and_total(reply)[1]
