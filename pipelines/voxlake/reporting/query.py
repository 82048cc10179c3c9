"""Run one query on the database, and return the answer as text or write it to a file that is whole or not there.

Nothing here inspects SQL for what it might do: the connection comes from `Warehouse.reader`, on which DuckDB itself
refuses to change the database, to open any other file, and to change its settings. All that is checked is that there is
one statement, of a kind that has an answer; the kind is what DuckDB's parser says.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.errors import SettingsError
from voxlake.files import beside, storage, target_of
from voxlake.reporting.caret import explain
from voxlake.reporting.formats import render_pieces, render_rows
from voxlake.reporting.scope import PARAMETERS, shown_columns
from voxlake.reporting.xlsx import write_workbook
from voxlake.spill import lacks_room

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from voxlake.reporting.scope import Scope

Rows = list[tuple[Any, ...]]
_ROWS, _GROUP = 10_000, 122_880
"""Rows of an answer that are in memory at a time, and those of a row group of Parquet."""
# DESCRIBE, SHOW and SUMMARIZE are SELECT to DuckDB, and PIVOT is MULTI: several statements in one.
_QUESTIONS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI}
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
    _require_one_question(sql)
    with _query_errors():
        result = connection.execute(sql, dict(bound))
        names = [column[0] for column in result.description or []]
        _require_distinct_names(names, form)
    shown = shown_columns(names, report_of)

    def chunks() -> Iterator[Rows]:
        left = limit or sys.maxsize
        while left:
            with _query_errors():
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
    _require_one_question(sql)
    with _query_errors():
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
    _require_one_question(sql)
    with _query_errors():
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
            with _query_errors():
                batch = next(reader, None)
            if batch is None:
                return count
            count += batch.num_rows
            writer.write_batch(batch.select(shown))


def scope_parameters(sql: str) -> dict[str, None]:
    """Return the parameters of a query that a scope sets, `$accounts` and `$tz`; none of what is not valid SQL."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error:
        return {}
    return {name: None for name in PARAMETERS if any(name in its.named_parameters for its in statements)}


def _require_one_question(sql: str) -> None:
    with _query_errors():
        parts = duckdb.extract_statements(sql)
    # DuckDB 1.5 puts before a PIVOT the creation of a temporary type, as a statement without a text.
    statements = [part for part in parts if part.query or part.type != duckdb.StatementType.CREATE]
    for statement in statements:
        kind = _explained(statement.query) if statement.type == duckdb.StatementType.EXPLAIN else statement.type
        if kind not in _QUESTIONS:
            name = kind.name.removeprefix("VARIABLE_")
            raise SettingsError(
                f"The database is read-only, and {name} is not a question: ask with SELECT, DESCRIBE, SHOW or"
                " SUMMARIZE, and write the answer with --out FILE."
            )
    if not statements:
        raise SettingsError("The query is empty: ask with SELECT.")
    if len(statements) > 1:
        raise SettingsError(f"The query has {len(statements)} statements, and only one is answered: ask one by one.")


def _explained(sql: str) -> duckdb.StatementType:
    """Return the kind of the statement that an EXPLAIN is about, which EXPLAIN ANALYZE runs.

    It is the first end of the text, from one of its words on, that is a statement of another kind.
    """
    for offset, _ in duckdb.tokenize(sql):
        try:
            (statement,) = duckdb.extract_statements(sql.encode()[offset:].decode())
        except (duckdb.Error, ValueError):
            continue
        if statement.type != duckdb.StatementType.EXPLAIN:
            return statement.type
    return duckdb.StatementType.EXPLAIN


def _require_distinct_names(names: Sequence[str], form: str) -> None:
    """Refuse two columns of one name in a format that would lose one of them."""
    for name in names:
        if form in _BY_NAME and names.count(name) > 1:
            raise SettingsError(
                f"The answer has {names.count(name)} columns {name!r}, and {form} holds one: name the others with AS."
            )


@contextmanager
def _query_errors() -> Iterator[None]:
    """Turn an error of the query into a SettingsError; one of a damaged database is left to whoever opened it."""
    try:
        yield
    except duckdb.Error as error:
        reason = " ".join(str(error).split())
        # Left to whoever opened the database, too: the query may be right, and there is no room.
        if lacks_room(error):
            raise
        if "Corrupt database file" in reason or ("Could not read" in reason and ".duckdb" in reason):
            raise
        if isinstance(error, duckdb.PermissionException) or "read-only mode" in reason:
            raise SettingsError(
                f"The query was refused ({reason}): the database is read-only and a query opens no files, so ask its"
                " tables and views with SELECT, and write the answer with --out FILE."
            ) from error
        reason, place = explain(error)
        raise SettingsError(f"The query failed ({reason}): mend it and run it again.{place}") from error
    except OverflowError as error:
        raise SettingsError(f"A value of the answer is out of range ({error}): cast it to text.") from error
