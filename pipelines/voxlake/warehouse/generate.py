"""Write the SQL files that follow from the declared fields: the table of each stream, its totals, and its checks.

`make schema` runs this module after a field or a stream was added; the files are committed, because analysts read
them, and a test holds them equal to what this module makes of the fields.
"""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.sql import folder
from voxlake.transform import STREAMS
from voxlake.warehouse.columns import all_columns, type_of, virtual_columns

if TYPE_CHECKING:
    from pathlib import Path

    from voxlake.transform import Field, Stream

_WIDTH = len("TIMESTAMP NOT NULL,")
"""Where the comments of a table begin after its types; a longer type pushes its own comment to the right."""

_FRESH = "(SELECT account_id, date FROM fresh WHERE stream = '{stream}') USING (account_id, date)"
"""The days of a stream in the table `fresh`, to be joined: DuckDB then reads no rows of other days."""

_TOTALS_TABLES = {
    "daily": """\
-- The messages of each UTC day, counted and added up by all that they have in common here, always equal to the rows.
CREATE TABLE meta.daily_totals (
    account_id          BIGINT NOT NULL,  -- The Voximplant account.
    date                DATE NOT NULL,    -- A UTC day.
    stream              VARCHAR NOT NULL, -- sms or a2p.
    direction           VARCHAR,          -- IN or OUT, and OUT for all of a2p.
    destination_country VARCHAR,          -- ISO 3166 code of the country of destination_number.
    status_id           INTEGER,          -- The vendor's number of the status.
    status              VARCHAR,          -- success, error or waiting, else unknown.
    delivery_status     VARCHAR,          -- What became of messages of a2p.
    messages            BIGINT NOT NULL,  -- How many.
    segments            BIGINT,           -- Segments that were billed.
    cost                {cost},   -- In the currency of the account.
    channel             VARCHAR GENERATED ALWAYS AS (stream) VIRTUAL,  -- Former name of stream, gone in 0.4.
    parts               BIGINT GENERATED ALWAYS AS (segments) VIRTUAL  -- Former name of segments, gone in 0.4.
);
""",
    "hourly": """\
-- The messages of each UTC hour, counted and added up as by day, but not by country, always equal to the rows.
CREATE TABLE meta.hourly_totals (
    account_id      BIGINT NOT NULL,    -- The Voximplant account.
    date            DATE NOT NULL,      -- The UTC day of the hour.
    hour            TIMESTAMP NOT NULL, -- The beginning of a UTC hour.
    stream          VARCHAR NOT NULL,   -- sms or a2p.
    direction       VARCHAR,            -- IN or OUT, and OUT for all of a2p.
    status_id       INTEGER,            -- The vendor's number of the status.
    status          VARCHAR,            -- success, error or waiting, else unknown.
    delivery_status VARCHAR,            -- What became of messages of a2p.
    messages        BIGINT NOT NULL,    -- How many.
    segments        BIGINT,             -- Segments that were billed.
    cost            {cost},     -- In the currency of the account.
    channel         VARCHAR GENERATED ALWAYS AS (stream) VIRTUAL,  -- Former name of stream, gone in 0.4.
    parts           BIGINT GENERATED ALWAYS AS (segments) VIRTUAL  -- Former name of segments, gone in 0.4.
);
""",
    "odd": """\
-- The messages of each UTC day that break a rule of the vendor's, counted by stream and warning, equal to the rows.
CREATE TABLE meta.odd_totals (
    account_id BIGINT NOT NULL,  -- The Voximplant account.
    date       DATE NOT NULL,    -- A UTC day.
    stream     VARCHAR NOT NULL, -- sms or a2p.
    warning    VARCHAR NOT NULL, -- The name of the warning.
    messages   BIGINT NOT NULL,  -- How many, at least one.
    channel    VARCHAR GENERATED ALWAYS AS (stream) VIRTUAL -- Former name of stream, gone in 0.4.
);
""",
}
"""Where they are kept, for all streams together."""

_TOTALS = {
    "daily": """\
-- What the messages of {table} of some days are in daily_totals.
SELECT
    account_id, date, '{stream}' AS stream, {direction}, destination_country, status_id, status, {delivery_status},
    count(*) AS messages, sum(segments)::BIGINT AS segments, sum(cost) AS cost
FROM {table}
SEMI JOIN {fresh}
GROUP BY ALL;
""",
    "hourly": """\
-- What the messages of {table} of some days are in hourly_totals.
SELECT
    account_id, date, date_trunc('hour', processed_at) AS hour, '{stream}' AS stream, {direction},
    status_id, status, {delivery_status}, count(*) AS messages, sum(segments)::BIGINT AS segments, sum(cost) AS cost
FROM {table}
SEMI JOIN {fresh}
GROUP BY ALL;
""",
    "odd": """\
-- What the messages of {table} of some days are in odd_totals.
SELECT account_id, date, '{stream}' AS stream, warning, messages
FROM (
    SELECT
        account_id, date,
        {odd}
    FROM {table}
    SEMI JOIN {fresh}
    GROUP BY ALL
) UNPIVOT (messages FOR warning IN ({warnings}))
WHERE messages > 0;
""",
}
"""What is counted and added up of a stream, by day, by hour, and by what is odd."""

_UNITS = {"daily": "day", "hourly": "hour", "odd": "warning"}
"""What one row of each counts for."""

_FORMER = {"daily": "channel, parts", "hourly": "channel, parts", "odd": "channel"}
"""The former names of columns in each, which are no columns of their own."""

_ODD = {
    "cost-without-segments": "status = 'success' AND cost > 0 AND coalesce(segments, 0) < 1",
    "negative-cost": "cost < 0",
    "no-number": "coalesce(source_number, '') = '' OR coalesce(destination_number, '') = ''",
    "segments-without-cost": "{outgoing}status = 'success' AND segments > 0 AND coalesce(cost, 0) = 0",
    "unknown-delivery": "delivery_status IS NULL OR delivery_status NOT IN ({delivery})",
    "unknown-direction": "direction IS NULL OR direction NOT IN ('IN', 'OUT')",
    "unknown-fields": "extra IS NOT NULL",
    "unknown-status": "status = 'unknown' OR status IS NULL",
}
"""What is odd about a message, by the names of the warnings; two ask for a column that not every stream has."""
_OF_COLUMN = {"unknown-delivery": "delivery_status", "unknown-direction": "direction"}
_DELIVERY = ("QUEUED", "DISPATCHED", "ABORTED", "REJECTED", "DELIVERED", "FAILED", "EXPIRED", "UNKNOWN")

_COUNTED_WITHOUT = {
    "direction": {"direction": "'OUT' AS direction"},
    "delivery_status": {"delivery_status": "NULL::VARCHAR AS delivery_status"},
}
"""What a stream counts that has no such column."""

_CHECKS = {
    "counts": """\
-- Every day of {table} has exactly the rows that its coverage says, and where it is verified, that the API counted.
SELECT account_id, date, c.row_count, c.forgotten, c.total_count, r.rows
FROM (
    SELECT account_id, date, count(*) AS rows
    FROM {table}
    SEMI JOIN {fresh}
    GROUP BY ALL
) AS r
FULL JOIN (
    SELECT account_id, date, row_count, forgotten, total_count, verified
    FROM coverage
    SEMI JOIN {fresh}
    WHERE stream = '{stream}'
) AS c USING (account_id, date)
WHERE coalesce(r.rows, 0) IS DISTINCT FROM c.row_count
    OR (c.verified AND c.row_count + c.forgotten IS DISTINCT FROM c.total_count);
""",
    "sums": """\
-- The days of {table} together have as many rows as their coverage says, those included that did not change.
SELECT covered, held
FROM (SELECT count(*) AS held FROM {table}), (
    SELECT coalesce(sum(row_count), 0) AS covered FROM coverage WHERE stream = '{stream}'
)
WHERE held <> covered;
""",
    "days": """\
-- Every row of {table} lies within its UTC day.
SELECT account_id, message_id, date, processed_at
FROM {table}
SEMI JOIN {fresh}
WHERE processed_at::DATE <> date;
""",
    "duplicates": """\
-- No account has a message of {table} twice.
SELECT account_id, message_id, count(*) AS times
FROM {table}
SEMI JOIN (
    -- DuckDB skips the row groups without an id between the least and the greatest of these.
    SELECT account_id, message_id
    FROM {table}
    SEMI JOIN {fresh}
) USING (account_id, message_id)
GROUP BY account_id, message_id
HAVING count(*) > 1;
""",
}

_TOTALS_CHECK = """\
-- The totals of each {unit} are what the messages of {table} add up to.
SELECT * EXCLUDE (found), sum(found) AS more
FROM (
    SELECT *, 1 AS found
    FROM (
{totals}
    )
    UNION ALL BY NAME
    SELECT * EXCLUDE ({former}), -1 AS found
    FROM meta.{name}_totals
    SEMI JOIN {fresh}
    WHERE stream = '{stream}'
)
GROUP BY ALL
HAVING sum(found) <> 0;
"""


def generated(stream: Stream) -> dict[str, str]:
    """Return the SQL files of a stream: their text by their path below `sql/`."""
    words = {"table": stream.table, "stream": stream.name, "fresh": _FRESH.format(stream=stream.name)}
    words |= {"direction": "direction", "delivery_status": "delivery_status"}
    for column, instead in _COUNTED_WITHOUT.items():
        words |= {} if column in stream.schema.names else instead
    words |= _odd(stream)
    totals = {name: statement.format_map(words) for name, statement in _TOTALS.items()}
    return {
        f"tables/{stream.table}.sql": table_of(stream),
        **{f"tables/{name}_totals.sql": table.format(cost=_sums("cost")) for name, table in _TOTALS_TABLES.items()},
        **{f"totals/{stream.name}-{name}.sql": statement for name, statement in totals.items()},
        **{f"checks/{stream.name}-{name}.sql": check.format_map(words) for name, check in _CHECKS.items()},
        **{
            f"checks/{stream.name}-{name}-totals.sql": _TOTALS_CHECK.format_map(
                words
                | {
                    "name": name,
                    "unit": _UNITS[name],
                    "former": _FORMER[name],
                    "totals": indent(statement.split("\n", 1)[1].rstrip(";\n"), " " * 8),
                }
            )
            for name, statement in totals.items()
        },
    }


def _odd(stream: Stream) -> dict[str, str]:
    """Return the words for what is odd about messages of a stream: counts by warning, and the names of these."""
    outgoing = "direction = 'OUT' AND " if "direction" in stream.schema.names else ""
    delivery = ", ".join(f"'{its}'" for its in _DELIVERY)
    counted = {
        f'"{name}"': condition.format(outgoing=outgoing, delivery=delivery)
        for name, condition in _ODD.items()
        if _OF_COLUMN.get(name) in (None, *stream.schema.names)
    }
    lines = (f"count(*) FILTER ({condition}) AS {name}" for name, condition in counted.items())
    return {"odd": ",\n        ".join(lines), "warnings": ", ".join(counted)}


def table_of(stream: Stream) -> str:
    """Return the statement that creates the table of a stream, with a comment for it and for every column."""
    columns, virtual = all_columns(stream), virtual_columns(stream)
    width = max(len(name) for name in [*(its.name for its in columns), *(its.name for its in virtual)])
    lines = [
        f"    {column.name:<{width}} {declaration:<{_WIDTH}} -- {column.comment}"
        for column, declaration in zip(columns, _declarations(columns), strict=True)
    ]
    lines += [f"    {its.name:<{width}} {its.declaration}, -- {its.comment}" for its in virtual]
    lines[-1] = lines[-1].replace(", -- ", " -- ", 1)
    return "\n".join(
        [
            f"-- Every message of {stream.method}, each once, in its latest known state, times are UTC.",
            f"CREATE TABLE {stream.table} (",
            *lines,
            ");\n",
        ]
    )


def _sums(column: str) -> str:
    """Return the type that holds sums of a column of decimals, of which one stream may have more digits than others."""
    scales = [field.type.scale for stream in STREAMS.values() for field in stream.fields if field.name == column]
    return type_of(pa.decimal128(38, max(scales)))


def _declarations(columns: tuple[Field, ...]) -> list[str]:
    """Return what follows the name of each column, with the comma that separates it from the next."""
    declarations = []
    for column in columns:
        words = [type_of(column.type)]
        if column.required:
            words.append("NOT NULL")
        if column.compression:
            words.append(f"USING COMPRESSION {column.compression}")
        declarations.append(" ".join(words) + ",")
    return declarations


def write(root: Path) -> None:
    """Write the SQL files of all streams below a folder that has those of `sql/`."""
    for stream in STREAMS.values():
        for path, text in generated(stream).items():
            (root / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(folder())
