"""SQL that turns the rows of day files into the rows of our tables, with the columns that follow from other columns.

Derived are `destination_country` (see `countries`), `segments_expected`, how many SMS segments a text needs, and the
normal forms of numbers that are written otherwise. All are worked out by DuckDB, whole columns at a time, for millions
of rows. Their text is part of the database's fingerprint: with one character changed, every database is rebuilt.

Segments by 3GPP TS 23.038 and 23.040: one segment holds 160 septets or 70 UTF-16 units; of several, each holds 153 or
67. An extension character takes two septets and a character beyond U+FFFF two units, and neither is ever split, so the
segments of a long text with such characters must be filled in order; for all others a division is enough.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pyarrow as pa
from duckdb.func import ARROW

from voxlake.segments import BASIC, EXTENSION, segment_count
from voxlake.sql import statements
from voxlake.transform import STREAMS
from voxlake.warehouse.countries import calling_codes, country, country_of_treated, digits_of
from voxlake.warehouse.day_rows import FILES

if TYPE_CHECKING:
    import duckdb

    from voxlake.transform import Field

_SEPTETS, _UNITS = (160, 153), (70, 67)
"""How much fits into the only segment of a text, and into each of several."""

# GSM-7's alphabets as the inside of a regular expression's character class, within quotes of SQL.
_BASIC = BASIC.replace("'", "''").replace("-", r"\-")
_DOUBLE = "".join(rf"\{char}" if char.isascii() and char.isprintable() else char for char in EXTENSION)
_WIDE = r"[\x{10000}-\x{10FFFF}]"


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Register on a connection the table, the macro and the function that `table_rows` refers to."""
    connection.register("calling_codes", calling_codes())
    macro = statements("macros")["normal_number"]
    connection.execute(macro.replace("CREATE MACRO", "CREATE OR REPLACE TEMPORARY MACRO", 1))

    def fill_in_order(texts: pa.ChunkedArray) -> pa.Array:
        return pa.array([segment_count(text) for text in texts.to_pylist()], pa.int32())

    connection.create_function("segments_in_order", fill_in_order, ["VARCHAR"], "INTEGER", type=ARROW)


@functools.cache
def table_rows(stream: str, source: str = FILES) -> str:
    """Return the query for the rows of a stream's table, of a source of rows; the connection must be prepared."""
    destination = f"coalesce({country('digits')}, {country_of_treated('destination_number')})"
    expected = expected_segments("text")
    return f"""
        SELECT s.* EXCLUDE (digits), {destination} AS destination_country, {expected} AS segments_expected
        FROM (
            SELECT *, {digits_of("coalesce(normal_destination, destination_number)")} AS digits
            FROM (SELECT *, {_other("source")}, {_other("destination")} FROM ({stored_rows(stream, source)}))
        ) AS s
        LEFT JOIN calling_codes ON prefix = left(digits, 3)
    """  # noqa: S608 - our own words


def _other(who: str) -> str:
    """Return the expression for the normal form of a number; null where it is written so, as it mostly is.

    A column of all normal forms would be a third of the database more, and working them out again for each query would
    take twice as long.
    """
    return f"nullif(normal_number({who}_number), {who}_number) AS normal_{who}"


def stored_rows(stream: str, source: str = FILES) -> str:
    """Return the query for the rows of a source without derived columns; times are UTC without a zone."""
    columns = ", ".join(map(_stored, STREAMS[stream].fields))
    return f"SELECT account_id, date, {columns} FROM {source}"  # noqa: S608 - our own words


def _stored(field: Field) -> str:
    """Return the expression for a column of the lake under its name in the database."""
    if field.name == "processed_at":
        # Not a cast: that would follow the time zone of the session.
        return "make_timestamp(epoch_us(processed_at)) AS processed_at"
    return field.name if field.column == field.name else f"{field.name} AS {field.column}"


def expected_segments(text: str) -> str:
    """Return an SQL expression for the segments that a text needs, cheapest test first; null where the text is null."""
    characters = f"length({text})"
    return f"""CASE
        WHEN {text} IS NULL THEN NULL
        -- A digest, which says nothing of the text that it stands for.
        WHEN starts_with({text}, '#') AND regexp_full_match({text}, '#[0-9a-f]{{32}}') THEN NULL
        -- Whatever they mean, so few bytes fit.
        WHEN strlen({text}) <= {_UNITS[0]} THEN 1
        -- A character takes at most two septets; one of four bytes takes two units, all others one.
        WHEN 2 * {characters} + strlen({text}) <= 3 * {_UNITS[0]} THEN 1
        WHEN {characters} <= {_UNITS[0]} AND NOT regexp_matches({text}, '{_WIDE}') THEN 1
        WHEN regexp_full_match({text}, '[{_BASIC}]*') THEN {_divided(characters, *_SEPTETS)}
        WHEN regexp_full_match({text}, '[{_BASIC}{_DOUBLE}]*') THEN {_filled(text, f"[{_DOUBLE}]", _SEPTETS[0])}
        WHEN NOT regexp_matches({text}, '{_WIDE}') THEN {_divided(characters, *_UNITS)}
        ELSE {_filled(text, _WIDE, _UNITS[0])}
    END"""


def _divided(places: str, alone: int, joined: int) -> str:
    """Return the expression for a text whose characters can be split anywhere: `places` divided, rounded up."""
    return f"CASE WHEN {places} <= {alone} THEN 1 ELSE ({places} + {joined - 1}) // {joined} END"


def _filled(text: str, double: str, alone: int) -> str:
    """Return the expression for a text in which the characters of the class `double` take two places."""
    places = f"2 * length({text}) - length(regexp_replace({text}, '{double}', '', 'g'))"
    return f"CASE WHEN length({text}) <= {alone // 2} OR {places} <= {alone} THEN 1 ELSE segments_in_order({text}) END"
