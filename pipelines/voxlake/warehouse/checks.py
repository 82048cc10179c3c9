"""What must hold before a database is published, and what is merely odd in the vendor's data.

A check is a query that must return no row. It looks at the days in the table `fresh`, and at every row elsewhere that
could clash with one of theirs. An update starts from a database that passed all checks, so checking the changed days is
enough: an untouched row is where it was, and a duplicated message has a row in a changed day.

Ids are held in memory to be compared, those of a limited number of rows at a time: days that follow each other have ids
that do, as far as anybody knows, so that the rows of all others are skipped. Where ids are random, they are read again
each time.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from voxlake.errors import DataError, DuplicateMessage
from voxlake.sql import promise, statements
from voxlake.transform import STREAMS
from voxlake.warehouse.row_files import only_files_of
from voxlake.warehouse.state import key_table, span_table
from voxlake.warehouse.totals import TOTALS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from voxlake.model import DayKey, DaySpan

_DUPLICATES, _SUMS = "-duplicates", "-sums"
"""How the checks end that compare ids, and those that count all rows."""
_OF_ALL_ROWS = (_DUPLICATES, _SUMS)
"""Checks of days that changed that look elsewhere, too."""
ID_ROWS = 2_000_000
"""The rows whose ids are compared at a time: together with their hash tables about 150 MB."""
_HAS_ODD_TOTALS = "SELECT 1 FROM duckdb_columns() WHERE table_name = 'odd_totals' AND column_name = 'stream'"
_BATCHES = """
    SELECT d.account_id, d.stream, d.date, (sum(coalesce(row_count, 0)) OVER (
        ORDER BY d.date, d.account_id, d.stream ROWS UNBOUNDED PRECEDING
    ) // $1)::BIGINT AS batch
    FROM days AS d LEFT JOIN coverage USING (account_id, stream, date)
    ORDER BY batch
"""


def check(
    connection: duckdb.DuckDBPyConnection, *, changed: Collection[DayKey] | None = None, folder: Path | None = None
) -> None:
    """Run the checks over the days that changed, or over all days; `folder` has the files of a linked database.

    Raises:
        DuplicateMessage: a message is in two days.
        DataError: another check failed; the first failure is named.

    """
    failed = failed_checks(connection, changed=changed, folder=folder)
    if failed:
        name, found = next(iter(failed.items()))
        raise (DuplicateMessage if name.endswith(_DUPLICATES) else DataError)(
            f"The check {name!r} failed ({found}): the last good database stays; run"
            f" {'voxlake audit --repair' if changed is None else 'voxlake publish'!r}, and report it if it fails again."
        )


def failed_checks(
    connection: duckdb.DuckDBPyConnection,
    *,
    changed: Collection[DayKey] | None = None,
    spans: Iterable[DaySpan] | None = None,
    folder: Path | None = None,
) -> dict[str, str]:
    """Return the failing checks by name, each with its promise and the first row that breaks it.

    They look at the days that `changed`, or at all days, or at those of some `spans`. `folder` has the files of a
    linked database: where not all days are asked for, only the files of some are read.
    """
    days = _days(connection, spans) if changed is None else key_table(changed)
    failed = {}
    for whole in (False, True):
        everything = changed is None and spans is None
        with only_files_of(connection, days, None if whole or everything else folder):
            for name, statement in statements("checks").items():
                if name.endswith(_OF_ALL_ROWS) is whole:
                    fresh = _batches(connection, days) if name.endswith(_DUPLICATES) else [days]
                    if (row := _first(connection, statement, fresh)) is not None:
                        failed[name] = f"{promise(statement)} Yet: {row}"
    return {name: failed[name] for name in sorted(failed)}


def _first(
    connection: duckdb.DuckDBPyConnection, statement: str, batches: Iterable[pa.Table]
) -> tuple[Any, ...] | None:
    """Return the first row that a check finds among some days, or among others."""
    for fresh in batches:
        connection.register("fresh", fresh)
        rows = connection.execute(f"FROM ({statement.rstrip().removesuffix(';')}) LIMIT 1").fetchall()
        if rows:
            return tuple(rows[0])
    return None


def warnings(
    connection: duckdb.DuckDBPyConnection,
    *,
    accounts: Collection[int] | None = None,
    first: date | None = None,
    end: date | None = None,
) -> list[dict[str, Any]]:
    """Return what the warnings find in the messages of the UTC days `[first, end)` of some accounts, or of all.

    One dict for a warning and a stream: `warning` (its name), `promise`, `stream`, `messages` (their number),
    `first_day` and `last_day` (UTC). Nothing where an earlier version published the database, until the next publish.
    """
    found = []
    if not connection.execute(_HAS_ODD_TOTALS).fetchall():
        return []
    bound = {"accounts": None if accounts is None else list(accounts), "first": first, "end": end}
    for name, statement in statements("warnings").items():
        result = connection.execute(statement, bound)
        columns = [column[0] for column in result.description or []]
        rows = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
        found += [{"warning": name, "promise": promise(statement), **row} for row in rows]
    return found


def _days(connection: duckdb.DuckDBPyConnection, spans: Iterable[DaySpan] | None) -> pa.Table:
    """Return the key of every day that has rows, totals or coverage, or of those in some spans."""
    tables = (f"SELECT account_id, '{stream.name}' AS stream, date FROM {stream.table}" for stream in STREAMS.values())  # noqa: S608
    totals = (f"SELECT account_id, stream, date FROM meta.{name}_totals" for name in TOTALS)  # noqa: S608
    every = " UNION ALL ".join([*tables, *totals, "SELECT account_id, stream, date FROM coverage"])
    if spans is None:
        return connection.sql(f"SELECT DISTINCT * FROM ({every})").to_arrow_table()  # noqa: S608
    asked = list(spans)
    connection.register("asked", span_table(asked))
    # Constants, so that DuckDB skips what lies outside all of them.
    within = [f"date < DATE '{max((span.end for span in asked), default=date.min)}'"]
    if all(span.first is not None for span in asked):
        within.append(f"date >= DATE '{min((span.first for span in asked if span.first), default=date.min)}'")
    return connection.sql(
        f"SELECT DISTINCT d.* FROM (SELECT * FROM ({every}) WHERE {' AND '.join(within)}) AS d"  # noqa: S608
        " SEMI JOIN asked AS a ON a.account_id = d.account_id AND a.stream = d.stream AND d.date < a.ending"
        " AND (a.first IS NULL OR d.date >= a.first)"
    ).to_arrow_table()


def _batches(connection: duckdb.DuckDBPyConnection, days: pa.Table) -> Iterator[pa.Table]:
    """Yield days in their order, as many as have a limited number of rows, or one."""
    connection.register("days", days)
    found = connection.sql(_BATCHES, params=[ID_ROWS]).to_arrow_table()
    for n in found["batch"].unique().to_pylist():
        yield found.filter(pc.equal(found["batch"], n)).select(["account_id", "stream", "date"])
