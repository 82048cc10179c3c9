"""How many parts a text needs, as SQL: whole columns at a time, for millions of rows.

By 3GPP TS 23.038 and 23.040: one part holds 160 septets or 70 UTF-16 units; of several, each holds 153 or 67. An
extension character takes two septets and a character beyond U+FFFF two units, and neither is cut in half, so a long
text with such must be packed in order; for all others a division does it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from duckdb.func import ARROW

from voxlake.segments import BASIC, EXTENSION, segment_count

if TYPE_CHECKING:
    import duckdb

_SEPTETS, _UNITS = (160, 153), (70, 67)
# The same as regular expressions.
_BASIC = BASIC.replace("'", "''").replace("-", r"\-")
_DOUBLE = "".join(rf"\{char}" if char.isascii() and char.isprintable() else char for char in EXTENSION)
_WIDE = r"[\x{10000}-\x{10FFFF}]"


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the function that `expected` asks for the few texts that a division cannot do."""

    def several(texts: pa.ChunkedArray) -> pa.Array:
        return pa.array([segment_count(text) for text in texts.to_pylist()], pa.int32())

    connection.create_function("parts_in_order", several, ["VARCHAR"], "INTEGER", type=ARROW)


def expected(text: str) -> str:
    """Give SQL for the parts that a text needs, cheapest question first; null where there is none."""
    characters = f"length({text})"
    return f"""CASE
        WHEN {text} IS NULL THEN NULL
        -- Whatever they mean, so few bytes fit.
        WHEN strlen({text}) <= {_UNITS[0]} THEN 1
        -- A character takes at most two septets; one of four bytes takes two units, all others one.
        WHEN 2 * {characters} + strlen({text}) <= 3 * {_UNITS[0]} THEN 1
        WHEN {characters} <= {_UNITS[0]} AND NOT regexp_matches({text}, '{_WIDE}') THEN 1
        WHEN regexp_full_match({text}, '[{_BASIC}]*') THEN {_divided(characters, *_SEPTETS)}
        WHEN regexp_full_match({text}, '[{_BASIC}{_DOUBLE}]*') THEN {_packed(text, f"[{_DOUBLE}]", _SEPTETS[0])}
        WHEN NOT regexp_matches({text}, '{_WIDE}') THEN {_divided(characters, *_UNITS)}
        ELSE {_packed(text, _WIDE, _UNITS[0])}
    END"""


def _divided(places: str, one: int, many: int) -> str:
    return f"CASE WHEN {places} <= {one} THEN 1 ELSE ({places} + {many - 1}) // {many} END"


def _packed(text: str, double: str, one: int) -> str:
    """Count the parts of a text in which the characters of the class `double` take two places."""
    places = f"2 * length({text}) - length(regexp_replace({text}, '{double}', '', 'g'))"
    return f"CASE WHEN length({text}) <= {one // 2} OR {places} <= {one} THEN 1 ELSE parts_in_order({text}) END"
