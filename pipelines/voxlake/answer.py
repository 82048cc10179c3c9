"""Ask the database a question, and give the answer as text or as a file that is there as a whole or not at all."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq

from voxlake.draft import storage
from voxlake.errors import SettingsError
from voxlake.sheet import save
from voxlake.show import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Rows = list[tuple[Any, ...]]
_PIVOT = re.compile(r"^\s*pivot\b", re.IGNORECASE)
_EXPLAIN = re.compile(r"^\s*explain\s+(?:analyze\s+)?(?:\([^)]*\)\s*)?", re.IGNORECASE)


def answer(
    connection: duckdb.DuckDBPyConnection, sql: str, bound: Mapping[str, Any], *, form: str, limit: int | None
) -> str:
    """Give the answer as text."""
    return show(*_rows(connection, sql, bound, limit), form)


def written(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    bound: Mapping[str, Any],
    *,
    form: str,
    limit: int | None,
    path: Path,
) -> int:
    """Write the answer to a file and give its number of rows; a file that was there stays until the answer is whole."""
    aside = path.with_name(f".{path.name}.tmp")
    try:
        with storage(path.parent):
            if form == "parquet":
                rows = _parquet(connection, sql, bound, limit, aside)
            else:
                names, found = _rows(connection, sql, bound, limit)
                rows = len(found)
                if form == "xlsx":
                    save(aside, names, found)
                else:
                    aside.write_text(show(names, found, form), encoding="utf-8", newline="")
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return rows


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, bound: Mapping[str, Any], limit: int | None
) -> tuple[list[str], Rows]:
    _only_reads(sql)
    with _asking():
        result = connection.execute(sql, dict(bound))
        names = [column[0] for column in result.description or []]
        return names, result.fetchmany(limit) if limit else result.fetchall()


def _parquet(
    connection: duckdb.DuckDBPyConnection, sql: str, bound: Mapping[str, Any], limit: int | None, path: Path
) -> int:
    """Write straight from columns: types and amounts stay as the database has them."""
    _only_reads(sql)
    with _asking():
        relation = connection.sql(sql, params=dict(bound))
        if relation is None:
            raise SettingsError("The query has no answer to write: ask with SELECT.")
        table = (relation.limit(limit) if limit else relation).to_arrow_table()
    pq.write_table(table, path, compression="zstd")
    return int(table.num_rows)


def _only_reads(sql: str) -> None:
    """Refuse what could write: the database is opened read-only, but COPY and EXPORT would still write files."""
    with _asking():
        found = duckdb.extract_statements(sql)
    # A PIVOT is several statements to DuckDB.
    reading = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
    if len(found) == 1 and _PIVOT.match(sql):
        reading.add(duckdb.StatementType.MULTI)
    if any(one.type not in reading or _runs_another(one) for one in found):
        raise SettingsError("The database is read-only: ask with SELECT, and write the answer with --out FILE.")


def _runs_another(statement: duckdb.Statement) -> bool:
    """Whether an EXPLAIN explains anything but a question; EXPLAIN ANALYZE would run it."""
    if statement.type != duckdb.StatementType.EXPLAIN:
        return False
    inner = _EXPLAIN.sub("", statement.query)
    return any(one.type != duckdb.StatementType.SELECT for one in duckdb.extract_statements(inner))


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
