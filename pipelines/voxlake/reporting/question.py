"""What may be asked: one statement, of a kind that has an answer; and what is said of one that fails."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from voxlake.errors import SettingsError
from voxlake.reporting.caret import explain
from voxlake.reporting.scope import PARAMETERS
from voxlake.spill import lacks_room

if TYPE_CHECKING:
    from collections.abc import Iterator

# DESCRIBE, SHOW and SUMMARIZE are SELECT to DuckDB, and PIVOT is MULTI: several statements in one.
_QUESTIONS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI}


def scope_parameters(sql: str) -> dict[str, None]:
    """Return the parameters of a query that a scope sets, `$accounts` and `$tz`; none of what is not valid SQL."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error:
        return {}
    return {name: None for name in PARAMETERS if any(name in its.named_parameters for its in statements)}


def require_one_question(sql: str) -> None:
    """Raise SettingsError where a text is not one statement of a kind that has an answer."""
    with query_errors():
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


@contextmanager
def query_errors() -> Iterator[None]:
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
            reason, place = explain(error)
            raise SettingsError(
                f"The query was refused ({reason}): the database is read-only and a query opens no files, so ask its"
                f" tables and views with SELECT, and write the answer with --out FILE.{place}"
            ) from error
        reason, place = explain(error)
        raise SettingsError(f"The query failed ({reason}): mend it and run it again.{place}") from error
    except OverflowError as error:
        raise SettingsError(f"A value of the answer is out of range ({error}): cast it to text.") from error
