"""Turn a csv reply of an undocumented dialect into a page.

The vendor documents no layout for the csv of the SMS histories. Its other histories use semicolons, UTF-8 (some with a
byte order mark), quotes as in RFC 4180, a header row, lines that end in CRLF or LF, and decimal marks of the account's
locale; headers may be titles ("Message ID"). All of these are accepted, and commas and tabs between fields as well.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from typing import TYPE_CHECKING, Any

from voxlake.model import Page
from voxlake.transform.columns import table_of_csv
from voxlake.transform.envelope import MOST_ROWS
from voxlake.transform.rows import BrokenReplyError, mark_of_rows, read_rows

if TYPE_CHECKING:
    from voxlake.model import DecimalMark
    from voxlake.transform.streams import Stream

_SAMPLE = 50
"""Rows whose amounts are looked at for their decimal mark, where none of them needs it."""

_SEVERAL = 2
"""Lines of which none can be read, and it is not one line that is odd."""

_NOTHING = frozenset({"NULL", "null", "None", "\\N"})
"""Words by which programs write an absent value; a text may be such a word, too."""


def decode_csv(body: bytes, stream: Stream, *, mark: DecimalMark | None = None) -> Page:
    """Return the page that a csv reply holds; its total is None, because csv has no place for one.

    `mark` is the decimal mark that earlier replies showed.

    Raises:
        BrokenReplyError: the bytes are not csv in UTF-8, have no column for the message's id or one name twice, leave
            open what is a word and what is nothing, or no line has the fields of the header and an id.

    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BrokenReplyError(f"csv that is not UTF-8: {error}") from error
    names, lines = _parsed(text)
    if not text or (names and not any(_is_id(name, stream) for name in names)):
        raise BrokenReplyError("csv without a column for the message id")
    if any(not _NOTHING.isdisjoint(line) for line in lines):
        _require_empty_fields(names, lines)
    table = table_of_csv(names, lines, stream, mark=mark)
    if table is not None:
        some = [_row(names, line) for line in lines[:_SAMPLE]]
        return Page(table, None, decimal_mark=mark_of_rows(some, stream, mark))
    rows = [_row(names, line) for line in lines]
    mark = mark_of_rows(rows, stream, mark)
    table, rejects = read_rows(rows, stream, mark=mark)
    odd = sum(isinstance(its.raw, list) or its.reason.startswith("message_id ") for its in rejects)
    if not table.num_rows and odd == len(rejects) >= _SEVERAL:
        # Its quotes or delimiters are others than ours.
        raise BrokenReplyError("csv of which no line has the fields of its header and the number of a message")
    return Page(table, None, rejects, mark)


def _require_certain_names(header: list[str], names: list[str]) -> None:
    """Raise BrokenReplyError where one name stands twice, or blanks around names may stand around values, too."""
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise BrokenReplyError(f"csv with the column {twice[0]} twice")
    if any(name != name.strip() for name in header):
        raise BrokenReplyError("csv with blanks around the names of its columns")


def _require_empty_fields(names: list[str], lines: list[list[str]]) -> None:
    """Raise BrokenReplyError where a column has a word for nothing, and no empty field that shows it to be a text."""
    for name, values in zip(names, zip(*lines, strict=False), strict=False):
        words = _NOTHING.intersection(values)
        if words and "" not in values:
            raise BrokenReplyError(f"csv with the word {min(words)} as {name}, which may stand for nothing")


def _parsed(text: str) -> tuple[list[str], list[list[str]]]:
    """Return the names of the header and the lines below it; the delimiter is what the header has most of."""
    header = text.split("\n", 1)[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(";,\t", key=header.count), strict=True)
    try:
        first = next(lines, [])
        names = [_field_name(name) for name in first]
        _require_certain_names(first, names)
        rows = list(itertools.islice((line for line in lines if line), MOST_ROWS + 1))
    except csv.Error as error:
        raise BrokenReplyError(f"broken csv: {error}") from error
    if len(rows) > MOST_ROWS:
        raise BrokenReplyError(f"more than {MOST_ROWS:,} rows")
    return names, rows


def _field_name(header: str) -> str:
    """Read "Message ID" and "message_id" alike."""
    return re.sub(r"[^0-9a-z]+", "_", header.strip().casefold()).strip("_")


def _is_id(name: str, stream: Stream) -> bool:
    field = stream.by_sent_name.get(name)
    return field is not None and field.name == "message_id"


def _row(names: list[str], line: list[str]) -> dict[str, Any] | list[str]:
    """Pair a line with its header; one with too many or too few values stays a list, which becomes a reject."""
    if len(line) != len(names):
        return line
    return {name: value for name, value in zip(names, line, strict=True) if value != ""}
