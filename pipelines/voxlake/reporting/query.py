"""Ask the database a question, and give the answer as text or as a file that is there as a whole or not at all."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.errors import SettingsError
from voxlake.files import passing, storage
from voxlake.reporting.formats import render_rows
from voxlake.reporting.xlsx import save

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Rows = list[tuple[Any, ...]]
# Comments that have no comment in them: DuckDB nests them, so that what follows one could be inside of another.
_COMMENTS = r"^(?:\s|--[^\r\n]*(?:[\r\n]|$)|/\*(?:(?!/\*).)*?\*/)*"
_ASKS = re.compile(_COMMENTS + r"(?:\(|(?:pivot|pivot_wider|select|with|from)\b)", re.IGNORECASE | re.DOTALL)
_EXPLAIN = re.compile(_COMMENTS + r"explain\s+(?:analyze\s+)?(?:\([^)]*\)\s*)?", re.IGNORECASE | re.DOTALL)
_KIND = duckdb.StatementType
# These change nothing in the database, and are no questions either.
_OTHER = {_KIND.SET, _KIND.VARIABLE_SET, _KIND.PRAGMA, _KIND.CALL, _KIND.LOAD, _KIND.TRANSACTION, _KIND.PREPARE}
# What can hold two columns of one name are a table for people and csv.
_BY_NAME = ("json", "parquet", "xlsx")


def query_text(
    connection: duckdb.DuckDBPyConnection, sql: str, bound: Mapping[str, Any], *, form: str, limit: int | None
) -> str:
    """Give the answer as text."""
    return render_rows(*_rows(connection, sql, bound, form, limit), form)


def write_answer(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    *,
    form: str,
    limit: int | None,
    path: Path,
) -> int:
    """Write the answer to a file and give its number of rows; a file that was there stays until the answer is whole."""
    with passing(path.with_name(f".{path.name}.tmp")) as aside, storage(path.parent):
        if form == "parquet":
            rows = _parquet(connection, sql, bound, limit, aside)
        else:
            names, found = _rows(connection, sql, bound, form, limit)
            rows = len(found)
            if form == "xlsx":
                save(aside, names, found)
            else:
                aside.write_text(render_rows(names, found, form), encoding="utf-8", newline="")
        aside.replace(path)
    return rows


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, bound: Mapping[str, Any], form: str, limit: int | None
) -> tuple[list[str], Rows]:
    _one_question(sql)
    with _asking():
        result = connection.execute(sql, dict(bound))
        names = [column[0] for column in result.description or []]
        _no_twins(names, form)
        return names, result.fetchmany(limit) if limit else result.fetchall()


def _parquet(
    connection: duckdb.DuckDBPyConnection, sql: str, bound: Mapping[str, Any], limit: int | None, path: Path
) -> int:
    """Write straight from columns: types and amounts stay as the database has them."""
    _one_question(sql)
    with _asking():
        relation = connection.sql(sql, params=dict(bound))
        if relation is None:
            raise SettingsError("The query has no answer to write: ask with SELECT.")
        _no_twins(relation.columns, "parquet")
        table = (relation.limit(limit) if limit else relation).to_arrow_table()
    for field in table.schema:
        try:
            pq.ParquetWriter(pa.BufferOutputStream(), pa.schema([field])).close()
        except pa.ArrowNotImplementedError:
            raise SettingsError(
                f"Parquet cannot hold the type of the column {field.name!r}: make it text with CAST(... AS VARCHAR)."
            ) from None
    pq.write_table(table, path, compression="zstd")
    return int(table.num_rows)


def _one_question(sql: str) -> None:
    """Refuse what is not one question, and what could write.

    The database is opened read-only, but COPY and EXPORT would still write files.
    """
    with _asking():
        found = duckdb.extract_statements(sql)
    for one in found:
        # A PIVOT is several statements to DuckDB.
        asks = one.type in (_KIND.SELECT, _KIND.EXPLAIN) or (one.type == _KIND.MULTI and _ASKS.match(one.query))
        if one.type in _OTHER:
            raise SettingsError(
                f"{one.type.name.removeprefix('VARIABLE_')} is no question to the data: ask with SELECT, DESCRIBE, SHOW"
                " or SUMMARIZE, or open the file in DuckDB's own shell."
            )
        if not asks or _runs_another(one):
            raise SettingsError("The database is read-only: ask with SELECT, and write the answer with --out FILE.")
    if not found:
        raise SettingsError("The query is empty: ask with SELECT.")
    if len(found) > 1:
        raise SettingsError(f"The query has {len(found)} statements, and only one is answered: ask one by one.")


def _runs_another(statement: duckdb.Statement) -> bool:
    """Whether an EXPLAIN explains anything but a question; EXPLAIN ANALYZE would run it."""
    if statement.type != _KIND.EXPLAIN:
        return False
    inner = _EXPLAIN.sub("", statement.query)
    return any(one.type != _KIND.SELECT for one in duckdb.extract_statements(inner))


def _no_twins(names: Sequence[str], form: str) -> None:
    """Refuse two columns of one name where a column is found by it, and one would be lost."""
    for name in names:
        if form in _BY_NAME and names.count(name) > 1:
            raise SettingsError(
                f"The answer has {names.count(name)} columns {name!r}, and {form} holds one: name the others with AS."
            )


@contextmanager
def _asking() -> Iterator[None]:
    """Say what is wrong with a query; a damaged database is no fault of it, and is for whoever opened that to tell."""
    try:
        yield
    except duckdb.Error as error:
        told = " ".join(str(error).split())
        if "Corrupt database file" in told or ("Could not read" in told and ".duckdb" in told):
            raise
        raise SettingsError(f"The query failed ({told}): mend it and run it again.") from error
    except OverflowError as error:
        raise SettingsError(f"A value of the answer is out of range ({error}): cast it to text.") from error
