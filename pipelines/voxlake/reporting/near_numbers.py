"""What is said of a number that no message of an answer is from or to: where it has some, or which numbers are near."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from voxlake.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_ROWS = 2_000_000
"""Messages of which the numbers are compared, at most, which takes a second or two."""
_TAIL = 7
"""Digits at the end by which a number is near that was written without its country code, or with another one."""
_MOST_CHANGED, _LEAST_KEPT = 2, 3
"""Characters that differ in a near number, and how many there are for each that does."""

_FOUND = "SELECT 1 FROM messages_of($first, $end, $number, $accounts, $tz) LIMIT 1"
_ELSEWHERE = "SELECT count(*), min(date), max(date) FROM messages_of(number := $1)"
_IS_NARROW = "SELECT count(*) > len($accounts::BIGINT[]) FROM accounts"
_ROWS = """
SELECT coalesce(sum(row_count), 0) FROM coverage
WHERE $accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id)
"""
_NEAR = """
WITH numbers AS MATERIALIZED (
    SELECT number, sum(messages) AS messages
    FROM (
        SELECT source AS number, account_id, count(*) AS messages FROM messages GROUP BY ALL
        UNION ALL
        SELECT destination AS number, account_id, count(*) AS messages FROM messages GROUP BY ALL
    )
    WHERE number IS NOT NULL AND ($accounts::BIGINT[] IS NULL OR list_contains($accounts::BIGINT[], account_id))
    GROUP BY number
)

SELECT number, is_digest
FROM (
    SELECT
        number, messages, regexp_matches(number, '#[0-9a-f]{32}$') AS is_digest,
        CASE
            WHEN abs(length(number) - length($number)) <= $most
                THEN damerau_levenshtein(lower(number), lower($number))
        END AS changed,
        $tail <> '' AND right(number, length($tail)) = $tail AS ends_alike
    FROM numbers
    WHERE NOT contains(number, '***')
)
WHERE is_digest OR changed <= $most OR ends_alike
ORDER BY is_digest DESC, CASE WHEN ends_alike THEN 1 ELSE changed END, messages DESC, number
LIMIT 3
"""


def number_note(
    connection: duckdb.DuckDBPyConnection, bound: Mapping[str, Any], *, has_key: bool = False
) -> str | None:
    """Return a sentence where no message of an answer is from or to the number that it was asked for, else None.

    `bound` are the parameters of the query by name. The sentence says whether other days or accounts have messages of
    the number, and otherwise names at most three that are near it: never where numbers are kept as digests, which are
    found with the privacy key alone (`has_key`), and not of more messages than can be compared in a moment.
    """
    number, first, end = bound["number"], bound.get("from"), bound.get("to")
    asked = {"number": number, "first": first, "end": end, "tz": bound.get("tz"), "accounts": bound.get("accounts")}
    try:
        if connection.execute(_FOUND, asked).fetchall():
            return None
        given = {
            "days": (first or date.min) > date.min or (end or date.max) < date.max,
            "accounts": connection.execute(_IS_NARROW, {"accounts": asked["accounts"]}).fetchall() == [(True,)],
        }
        kinds = " and ".join(kind for kind, is_given in given.items() if is_given)
        said = f"No message{kinds and f' of these {kinds}'} is from or to {number}"
        ((messages, oldest, newest),) = connection.execute(_ELSEWHERE, [number]).fetchall() if kinds else ((0, "", ""),)
        if messages:
            return f"{said}: it has {counted(messages, 'message')}, of {oldest} to {newest}."
        near = _near(connection, number, asked["accounts"])
    except duckdb.Error:
        # An earlier version published this database.
        return None
    if near is None:
        how = "and none is of this one" if has_key else "which are found with the privacy key alone"
        return f"{said}: numbers are kept as digests here, {how}."
    return f"{said}{_listed(near)}."


def _near(connection: duckdb.DuckDBPyConnection, number: str, accounts: Sequence[int] | None) -> list[str] | None:
    """Return numbers of the database that are near one, nearest first; None where there are digests."""
    ((rows,),) = connection.execute(_ROWS, {"accounts": accounts}).fetchall()
    if rows > _MOST_ROWS:
        return []
    digits = re.sub(r"[^0-9]", "", number)
    is_number = len(digits) >= _TAIL and not any(character.isalpha() for character in number)
    most = min(_MOST_CHANGED, len(number) // _LEAST_KEPT)
    tail = digits[-_TAIL:] if is_number else ""
    found = connection.execute(_NEAR, {"number": number, "accounts": accounts, "tail": tail, "most": most}).fetchall()
    return None if any(is_digest for _, is_digest in found) else [name for name, _ in found]


def _listed(numbers: list[str]) -> str:
    if not numbers:
        return ""
    *others, last = numbers
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"; near it {'are' if others else 'is'} {listed}"
