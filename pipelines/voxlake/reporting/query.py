"""Run one query on the database, and return the answer as text or write it to a file that is whole or not there.

Nothing here inspects SQL for what it might do: the connection comes from `Warehouse.reader`, on which DuckDB itself
refuses to change the database, to open any other file, and to change its settings. All that is checked is that there is
one statement, of a kind that has an answer; the kind is what DuckDB's parser says.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.errors import SettingsError
from voxlake.files import beside, storage, target_of
from voxlake.reporting.formats import render_pieces, render_rows
from voxlake.reporting.question import query_errors, require_one_question
from voxlake.reporting.scope import shown_columns
from voxlake.reporting.table import USUAL, fit_columns, fits
from voxlake.reporting.xlsx import write_workbook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from voxlake.reporting.scope import Scope

Rows = list[tuple[Any, ...]]
_ROWS, _GROUP = 10_000, 122_880
"""Rows of an answer that are in memory at a time, and those of a row group of Parquet."""
# These formats hold each column under its name; the table and csv can have two columns of one name.
_BY_NAME = ("json", "parquet", "xlsx", "DataFrame")


def query_text(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    *,
    form: str,
    limit: int | None,
    screen: int | None = None,
    report_of: Scope | None = None,
) -> str:
    """Return what `query_pieces` yields as one text."""
    return "".join(query_pieces(connection, sql, bound, form=form, limit=limit, screen=screen, report_of=report_of))


def query_pieces(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    *,
    form: str,
    limit: int | None,
    screen: int | None = None,
    report_of: Scope | None = None,
) -> Iterator[str]:
    """Yield the answer as a table, csv or JSON, at most `limit` rows of it; `bound` are the parameters by name.

    A table, whose columns are as wide as their widest values, comes as a whole, and fits a `screen` of so many columns.
    csv and JSON come in pieces, so that an answer takes no memory for each of its rows. Of a `report_of` one account,
    no column says whose the rows are.

    Raises:
        SettingsError: the query is not one question, fails, or does not fit the format; of csv and JSON, a query may
            fail after some pieces.

    """
    names, chunks = _fetch(connection, sql, bound, form, limit, report_of)
    if form == "table":
        yield render_rows(names, [row for rows in chunks for row in rows], form, screen=screen)
    else:
        yield from render_pieces(names, chunks, form)


def report_table(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    *,
    limit: int | None,
    spare: Sequence[str],
    screen: int | None = None,
    report_of: Scope | None = None,
) -> tuple[str, list[str], int]:
    """Return a report as a table for people, the names of the columns that it leaves out to fit, and how many rows.

    It fits a `screen` of so many columns, or 80, as far as that can be had: the currency goes behind the name of the
    account, and the columns in `spare` are left out, in their order. Where there is a name, or one account, its number
    is not shown. The other parameters are those of `query_text`, and so is what is raised.
    """
    names, chunks = _fetch(connection, sql, bound, "table", limit, report_of)
    found = [row for rows in chunks for row in rows]
    columns = {name: [row[n] for row in found] for n, name in enumerate(names)}
    room = screen or USUAL
    if "account" in columns or (report_of is not None and report_of.of_one_account):
        columns.pop("account_id", None)
    if {"account", "currency"} <= columns.keys() and not fits(list(columns), _rows(columns), room=room):
        units = zip(columns["account"], columns.pop("currency"), strict=True)
        columns["account"] = [name if unit is None else f"{name} ({unit})" for name, unit in units]
    shown = fit_columns(list(columns), _rows(columns), spare=spare, room=room)
    kept = {name: columns[name] for name in shown}
    text = render_rows(shown, _rows(kept), "table", screen=screen, room=USUAL)
    return text, [name for name in columns if name not in kept], len(found)


def _rows(columns: Mapping[str, Sequence[Any]]) -> Rows:
    return list(zip(*columns.values(), strict=True))


def write_answer(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    *,
    form: str,
    limit: int | None,
    path: Path,
    report_of: Scope | None = None,
) -> int:
    """Write the answer to a file, replacing the old one only with a whole new one, and return its number of rows.

    The parameters are those of `query_text`.

    Raises:
        SettingsError: the query is not one question, fails, or does not fit the format; or there is no such folder.
        StorageFull: the file cannot be written.

    """
    if not path.parent.is_dir():
        raise SettingsError(f"{path.parent} is not a folder: create it first.")
    with storage(path.parent), beside(path) as aside:
        if form == "parquet":
            count = _write_parquet(connection, sql, bound, limit, aside, report_of)
        else:
            names, chunks = _fetch(connection, sql, bound, form, limit, report_of)
            count = 0

            def counted() -> Iterator[Rows]:
                nonlocal count
                for rows in chunks:
                    count += len(rows)
                    yield rows

            if form in ("xlsx", "table"):
                rows = [row for its in counted() for row in its]
            if form == "xlsx":
                write_workbook(aside, names, rows)
            elif form == "table":
                aside.write_text(render_rows(names, rows, form), encoding="utf-8", newline="")
            else:
                with aside.open("w", encoding="utf-8", newline="") as file:
                    file.writelines(render_pieces(names, counted(), form))
        aside.replace(target_of(path))
    return count


def _fetch(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    form: str,
    limit: int | None,
    report_of: Scope | None,
) -> tuple[list[str], Iterator[Rows]]:
    """Return the names of the columns, and the rows by some thousands; raises SettingsError, also while these come."""
    require_one_question(sql)
    with query_errors():
        result = connection.execute(sql, dict(bound))
        names = [column[0] for column in result.description or []]
        _require_distinct_names(names, form)
    shown = shown_columns(names, report_of)

    def chunks() -> Iterator[Rows]:
        left = limit or sys.maxsize
        while left:
            with query_errors():
                rows = result.fetchmany(min(left, _ROWS))
            if not rows:
                return
            left -= len(rows)
            yield rows if len(shown) == len(names) else [tuple(row[n] for n in shown) for row in rows]

    return [names[n] for n in shown], chunks()


def query_table(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    *,
    limit: int | None = None,
    form: str,
    report_of: Scope | None = None,
) -> pa.Table:
    """Return the answer as DuckDB gives it in Arrow: types and amounts stay as they are in the database.

    Of a `report_of` one account, no column says whose the rows are.

    Raises:
        SettingsError: the query is not one question, fails, or has two columns of one name.

    """
    require_one_question(sql)
    with query_errors():
        table = _relation(connection, sql, bound, limit, form).to_arrow_table()
    return table.select(shown_columns(table.column_names, report_of))


def _relation(
    connection: duckdb.DuckDBPyConnection, sql: str, bound: Mapping[str, Any], limit: int | None, form: str
) -> duckdb.DuckDBPyRelation:
    """Return a question as a relation of DuckDB's; raises SettingsError where it has two columns of one name."""
    relation = connection.sql(sql, params=dict(bound))
    if relation is None:
        raise SettingsError("The query has no answer to write: ask with SELECT.")
    _require_distinct_names(relation.columns, form)
    return relation.limit(limit) if limit else relation


def _write_parquet(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    limit: int | None,
    path: Path,
    report_of: Scope | None,
) -> int:
    """Write columns as DuckDB returns them in Arrow, some thousand rows at a time."""
    require_one_question(sql)
    with query_errors():
        relation = _relation(connection, sql, bound, limit, "parquet")
        shown = shown_columns(relation.columns, report_of)
        reader = relation.to_arrow_reader(_GROUP)
    schema = pa.schema([reader.schema.field(n) for n in shown])
    for field in schema:
        try:
            pq.ParquetWriter(pa.BufferOutputStream(), pa.schema([field])).close()
        except pa.ArrowNotImplementedError:
            raise SettingsError(
                f"Parquet cannot hold the type of the column {field.name!r}: make it text with CAST(... AS VARCHAR)."
            ) from None
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while True:
            with query_errors():
                batch = next(reader, None)
            if batch is None:
                return count
            count += batch.num_rows
            writer.write_batch(batch.select(shown))


def _require_distinct_names(names: Sequence[str], form: str) -> None:
    """Refuse two columns of one name in a format that would lose one of them."""
    for name in names:
        if form in _BY_NAME and names.count(name) > 1:
            raise SettingsError(
                f"The answer has {names.count(name)} columns {name!r}, and {form} holds one: name the others with AS."
            )
