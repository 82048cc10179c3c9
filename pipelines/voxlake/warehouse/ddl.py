"""What is in the database, from the statements in `sql/` alone: their comments become the database's own comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import duckdb

from voxlake.sql import promise, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

_INTRODUCTION = """\
# The database

Made by `voxlake schema` from the statements in [`sql/`](../sql/); a test keeps it current. The same words are in the
database as comments, so that a BI tool shows them. All times are UTC.
"""
# In a table the name comes first, in a view last: both before the comment at the end of the line.
_NAMES = {
    "tables": re.compile(r"^ +(\w+) .*?-- (.+)$", re.MULTILINE),
    "views": re.compile(r"(\w+),? *-- (.+)$", re.MULTILINE),
}

_THINGS = {
    "table": "SELECT schema_name, table_name, comment FROM duckdb_tables() ORDER BY ALL",
    "view": "SELECT schema_name, view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
    "macro": """
        SELECT schema_name, function_name, comment FROM duckdb_functions()
        WHERE function_type = 'macro' AND NOT internal ORDER BY ALL
    """,
}


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make empty tables, macros and views with their comments in the database in use."""
    connection.execute("BEGIN")
    connection.execute("CREATE SCHEMA meta")
    for kind in ("tables", "macros", "views"):
        waiting = statements(kind)
        while waiting:
            for name in _ready(waiting) or list(waiting):
                statement = waiting.pop(name)
                connection.execute(statement)
                connection.execute(";".join(_comments(kind, name, statement)))
    connection.execute("COMMIT")


def _ready(waiting: dict[str, str]) -> list[str]:
    """Name those that read none of the others: a view may read one that comes later in the alphabet."""
    return [
        name
        for name, statement in waiting.items()
        if not any(re.search(rf"(FROM|JOIN) {other}\b", statement) for other in waiting if other != name)
    ]


def _comments(kind: str, name: str, statement: str) -> Iterator[str]:
    thing = {"tables": "TABLE", "views": "VIEW", "macros": "MACRO"}[kind]
    created = re.search(rf"CREATE {thing} ([\w.]+)", statement)
    assert created is not None, name  # noqa: S101 - a statement of ours
    yield f"COMMENT ON {thing} {created[1]} IS '{_quoted(promise(statement))}'"
    if kind in _NAMES:
        for column, told in _NAMES[kind].findall(statement.partition("\n")[2]):
            yield f"COMMENT ON COLUMN {created[1]}.{column} IS '{_quoted(told)}'"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def described() -> list[dict[str, Any]]:
    """Give every table, view and macro with its comment and its columns: name, type and comment."""
    with duckdb.connect() as connection:
        create(connection)
        return [
            {
                "kind": kind,
                "name": name if schema == "main" else f"{schema}.{name}",
                "comment": told,
                "columns": connection.execute(
                    "SELECT column_name, data_type, comment FROM duckdb_columns()"
                    " WHERE schema_name = $1 AND table_name = $2 ORDER BY column_index",
                    [schema, name],
                ).fetchall(),
            }
            for kind, query in _THINGS.items()
            for schema, name, told in connection.execute(query).fetchall()
        ]


def markdown() -> str:
    """Give the same as a page, with the reports, checks and warnings."""
    pieces = [_INTRODUCTION]
    for thing in described():
        pieces.append(f"## {thing['name']} ({thing['kind']})\n\n{thing['comment']}\n")
        if thing["columns"]:
            rows = "".join(f"| `{name}` | {kind} | {told} |\n" for name, kind, told in thing["columns"])
            pieces.append(f"| column | type | |\n|---|---|---|\n{rows}")
    for kind, told in (
        ("reports", "Answered by `voxlake report NAME`."),
        ("checks", "Must find nothing: otherwise the last good database stays and the exit code is 4."),
        ("warnings", "What the vendor's data should be; shown by `voxlake status` where it is not, and nothing stops."),
    ):
        rows = "".join(f"| `{name}` | {promise(statement)} |\n" for name, statement in statements(kind).items())
        pieces.append(f"## {kind.capitalize()}\n\n{told}\n\n| name | |\n|---|---|\n{rows}")
    return "\n".join(pieces)
