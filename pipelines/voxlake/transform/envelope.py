"""Read what surrounds the rows of a JSON reply, and bound its shape before any parser sees it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final, NoReturn

import numpy as np

from voxlake.transform.rows import BrokenReplyError
from voxlake.transform.values import read_integer

DEEPEST: Final = 32
"""Containers within containers, at most: the documented replies have three. Parsers that call themselves for each one
take time in the square of them, or end the process."""
MOST_ROWS: Final = 100_000
"""Rows of a page, at most: a hundred times what an API may give that keeps to its reference."""
_LONGEST_INTEGER: Final = 40
"""Digits of a number that is read as an integer; with more of them Python takes time in their square, or refuses."""

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[^"\[\]{}]++', re.DOTALL)


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the object that a JSON reply holds, its decimals exact.

    Raises:
        BrokenReplyError: the bytes are not JSON, not an object, or nested deeper than any reply.

    """
    if body.count(b"[") + body.count(b"{") > DEEPEST and _depth(brackets(body)) > DEEPEST:
        raise BrokenReplyError("JSON that is nested too deeply")
    try:
        reply = json.loads(body, parse_float=Decimal, parse_int=_integer, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BrokenReplyError(f"not JSON: {error}") from error
    if not isinstance(reply, dict):
        raise BrokenReplyError("JSON, but not an object")
    return reply


def rows_and_total(reply: dict[str, Any]) -> tuple[list[Any], int]:
    """Return what a reply holds: `result` must be a list, and may be missing where `total_count`, a number, is 0.

    Raises:
        BrokenReplyError: the object is not a reply.

    """
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
    if len(rows) > MOST_ROWS:
        raise BrokenReplyError(f"more than {MOST_ROWS:,} rows")
    return rows, total


def has_flat_rows(body: bytes) -> bool:
    """Whether JSON can hold no containers but one object, one list in it, and objects in that: `{..[{..},{..}]..}`.

    The usual reply has one bracket, and its braces follow it or a comma, with at most one blank between; a comma
    before a brace is never within an object. Anything else, like a bracket in a text, costs a closer look.
    """
    characters = np.frombuffer(body, np.uint8)
    braces = np.flatnonzero(characters == ord("{"))[1:]
    before = characters[braces - 1]
    before = np.where(before == ord(" "), characters[braces - 2], before)
    if body.count(b"[") == 1 and ((before == ord(",")) | (before == ord("["))).all():
        return True
    found = brackets(body)
    return found == b"{[" + b"{}" * ((len(found) - 4) // 2) + b"]}"


def brackets(body: bytes) -> bytes:
    """Return the brackets and braces of JSON that are not within its texts, in one pass."""
    return _STRING_OR_BRACKET.sub(b"", body)


def _depth(found: bytes) -> int:
    """Return how many containers are within one another, at most."""
    characters = np.frombuffer(found, np.uint8)
    steps = np.where((characters == ord("[")) | (characters == ord("{")), np.int8(1), np.int8(-1))
    return int(np.cumsum(steps, dtype=np.int32).max(initial=0))


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else Decimal(digits)


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser accepts and JSON does not have."""
    raise ValueError(f"{name} is not a JSON number")
