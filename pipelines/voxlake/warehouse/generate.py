"""Write the SQL files that follow from the declared fields: the table of each stream, and its three checks.

`make schema` runs this module after a field or a stream was added; the files are committed, because analysts read
them, and a test holds them equal to what this module makes of the fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.sql import folder
from voxlake.transform import STREAMS, Field

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.transform import Stream

_TYPES = {
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP",
}

_KEYS = (
    Field("account_id", pa.int64(), "The Voximplant account.", required=True),
    Field("date", pa.date32(), "The UTC day of processed_at.", required=True),
)
"""The columns that a day file has in its path."""

_DERIVED = (
    Field(
        "destination_country",
        pa.string(),
        "ISO 3166 code of the country of destination_number, where it is an international number.",
    ),
    Field("segments_expected", pa.int32(), "Parts that the stored text needs."),
)
"""The columns that `derived_columns` computes."""

_WIDTH = len("TIMESTAMP NOT NULL,")
"""Where the comments of a table begin after its types; a longer type pushes its own comment to the right."""

_CHECKS = {
    "counts": """\
-- Every day of {table} has exactly the rows that its coverage says, and where it is verified, that the API counted.
SELECT account_id, date, c.row_count, c.total_count, r.rows
FROM (
    SELECT account_id, date, count(*) AS rows
    FROM {table}
    WHERE (account_id, date) IN (SELECT (account_id, date) FROM fresh WHERE stream = '{stream}')
    GROUP BY ALL
) AS r
FULL JOIN (
    SELECT account_id, date, row_count, total_count, verified
    FROM coverage
    WHERE (account_id, date) IN (SELECT (account_id, date) FROM fresh WHERE stream = '{stream}') AND stream = '{stream}'
) AS c USING (account_id, date)
WHERE coalesce(r.rows, 0) IS DISTINCT FROM c.row_count OR (c.verified AND c.row_count IS DISTINCT FROM c.total_count)
UNION ALL
-- Of all other days, only the sum is compared: that costs nothing, and notices what else may have happened to the file.
SELECT NULL, NULL, covered, NULL, held
FROM (SELECT count(*) AS held FROM {table}), (
    SELECT coalesce(sum(row_count), 0) AS covered FROM coverage WHERE stream = '{stream}'
)
WHERE held <> covered;
""",
    "days": """\
-- Every row of {table} lies within its UTC day.
SELECT account_id, message_id, date, processed_at
FROM {table}
WHERE (account_id, date) IN (SELECT (account_id, date) FROM fresh WHERE stream = '{stream}')\
 AND processed_at::DATE <> date;
""",
    "duplicates": """\
-- No account has a message of {table} twice.
WITH ids AS (
    SELECT min(message_id) AS least, max(message_id) AS most
    FROM {table}
    WHERE (account_id, date) IN (SELECT (account_id, date) FROM fresh WHERE stream = '{stream}')
)
SELECT account_id, message_id, count(*) AS times
FROM {table}, ids
WHERE message_id BETWEEN least AND most
GROUP BY account_id, message_id
HAVING count(*) > 1;
""",
}


def generated(stream: Stream) -> dict[str, str]:
    """Return the SQL files of a stream: their text by their path below `sql/`."""
    return {
        f"tables/{stream.table}.sql": table_of(stream),
        **{
            f"checks/{stream.name}-{name}.sql": check.format(table=stream.table, stream=stream.name)
            for name, check in _CHECKS.items()
        },
    }


def table_of(stream: Stream) -> str:
    """Return the statement that creates the table of a stream, with a comment for it and for every column."""
    columns = (*_KEYS, *stream.fields, *_DERIVED)
    width = max(len(column.name) for column in columns)
    lines = [
        f"    {column.name:<{width}} {declaration:<{_WIDTH}} -- {column.comment}"
        for column, declaration in zip(columns, _declarations(columns), strict=True)
    ]
    return "\n".join(
        [
            f"-- Every message of {stream.method}, each once, in its latest known state, times are UTC.",
            f"CREATE TABLE {stream.table} (",
            *lines,
            ");\n",
        ]
    )


def _declarations(columns: tuple[Field, ...]) -> list[str]:
    """Return what follows the name of each column, with the comma that separates it from the next."""
    declarations = []
    for column in columns:
        words = [_type_of(column.type)]
        if column.required:
            words.append("NOT NULL")
        if column.compression:
            words.append(f"USING COMPRESSION {column.compression}")
        declarations.append(" ".join(words) + ",")
    return [*declarations[:-1], declarations[-1].removesuffix(",")]


def _type_of(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    return _TYPES[kind]


def write(root: Path) -> None:
    """Write the SQL files of all streams below a folder that has those of `sql/`."""
    for stream in STREAMS.values():
        for path, text in generated(stream).items():
            (root / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(folder())
