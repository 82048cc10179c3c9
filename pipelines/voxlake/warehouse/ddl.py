"""Create the tables, macros and views of the database, commented, and describe them as a page.

The comments are those of the statements in `sql/`: the first line of a file describes the whole, and each column has
its comment at the end of its line, after ` -- `. Which columns there are, and in which order, DuckDB says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from voxlake.sql import interruptible, promise, statements
from voxlake.warehouse.glossary import glossary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INTRODUCTION = """\
# The database

Made by `make schema` from the statements in [`sql/`](../sql/); a test keeps it current. The same words are in the
database as comments, so that a BI tool shows them. All times are UTC.

There is no latency: the API gives one time of a message, `processed_at`, and neither when it reached the phone nor when
its status last changed. [For analysts](analysts.md#latency-there-is-none) says what can be said instead.
"""

_MACROS_OF = """\
## Macros

They are in the database itself, so that whoever opens it has them, in any language; a session that attaches it under
another name has them after `USE`. A parameter with `:=` can be left out. Below each is an example with its answer, from
a database of nine messages of the first days of 2026, asked as if it were 2026-01-05 (`SET VARIABLE voxlake_today`).
"""

KINDS = {"tables": "TABLE", "macros": "MACRO", "views": "VIEW", "table_macros": "MACRO TABLE"}
"""The folders of the statements, each with what its statements create."""

_WORDS = {"tables": "table", "macros": "macro", "views": "view", "table_macros": "table macro"}
_MACROS = ("macros", "table_macros")

_BASES = ("messages", "totals", "messages_of", "hours_of")
"""The views and table macros that others read, which are therefore created before them."""
_ORDER = ("tables", "macros", "bases", "table_macros", "views")
"""In which order the statements are run: table macros read views, which are bases, and views read table macros."""

_OBJECTS = """
SELECT 'tables' AS kind, schema_name AS schema, table_name AS name, comment
FROM duckdb_tables() WHERE database_name = current_database()
UNION ALL
SELECT 'views', schema_name, view_name, comment
FROM duckdb_views() WHERE database_name = current_database() AND NOT internal
UNION ALL
SELECT function_type || 's', schema_name, function_name, comment
FROM duckdb_functions()
WHERE database_name = current_database() AND function_type IN ('macro', 'table_macro') AND NOT internal
"""

_COLUMNS = """
SELECT schema_name, table_name, column_name, data_type, comment
FROM duckdb_columns()
WHERE database_name = current_database()
ORDER BY schema_name, table_name, column_index
"""


def create(connection: duckdb.DuckDBPyConnection, *, instead: Mapping[str, str] | None = None) -> None:
    """Create everything that `sql/` declares, empty and commented, in the connection's current database.

    In place of some tables, `instead` has queries of views by their names.
    """
    queries = instead or {}
    connection.execute("BEGIN")
    connection.execute("CREATE SCHEMA meta")
    found = {(folder, name): text for folder in KINDS for name, text in statements(folder).items()}
    for folder, name in sorted(found, key=_turn):
        view = folder == "tables" and name in queries
        connection.execute(f"CREATE VIEW {name} AS {queries[name]}" if view else found[folder, name])
    connection.execute(";".join(_comments(connection)))
    connection.execute("COMMIT")


def _turn(thing: tuple[str, str]) -> tuple[int, bool, str]:
    """Return what sorts a folder and a name into the order in which statements are run."""
    folder, name = thing
    is_base = name in _BASES
    return _ORDER.index("bases" if is_base and folder == "views" else folder), not is_base, name


def replace_view(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    """Make a view that stands for a table one of another query, with the comments of the table."""
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")
    connection.execute(";".join(_comments(connection, only=name)))


def _comments(connection: duckdb.DuckDBPyConnection, *, only: str | None = None) -> Iterator[str]:
    """Yield the statements that comment everything that was created, or one thing."""
    columns = _columns(connection)
    for folder, schema, name, _ in connection.execute(_OBJECTS).fetchall():
        if only not in {None, name}:
            continue
        # A view may stand for a table.
        statement = statements(folder).get(name) or statements("tables")[name]
        yield f"COMMENT ON {KINDS[folder]} {schema}.{name} IS '{_quoted(promise(statement))}'"
        if folder not in _MACROS:
            for (column, *_), comment in zip(columns[schema, name], column_comments(statement), strict=True):
                yield f"COMMENT ON COLUMN {schema}.{name}.{column} IS '{_quoted(comment)}'"


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Return the columns of each table and view (name, type, comment), by its schema and its name."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for schema, name, *column in connection.execute(_COLUMNS).fetchall():
        found.setdefault((schema, name), []).append(tuple(column))
    return found


def column_comments(statement: str) -> list[str]:
    """Return the comments of the columns that a statement creates, in their order.

    One form is read: a line that describes a column ends in ` -- ` and the comment, and no other line has a comment.
    The first line of a statement, which begins with `--`, describes the whole.
    """
    _, *lines = statement.splitlines()
    return [comment for _, mark, comment in (line.partition(" -- ") for line in lines) if mark]


def virtual_columns(statement: str) -> list[str]:
    """Return the columns of a table that are not stored, by the statement that creates it."""
    return [line.split()[0] for line in statement.splitlines() if " GENERATED ALWAYS AS " in line]


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def described() -> list[dict[str, Any]]:
    """Return every table, view and macro: kind, name, comment and columns (name, type, comment), in this order.

    A macro has no columns, but a `signature`, and an `example` with the lines of its `answer`.
    """
    with interruptible(duckdb.connect()) as connection:
        create(connection)
        columns = _columns(connection)
        return [
            {
                "kind": _WORDS[folder],
                "name": name if schema == "main" else f"{schema}.{name}",
                "comment": comment,
                "columns": [] if folder in _MACROS else columns[schema, name],
                **(described_macro(statements(folder)[name]) if folder in _MACROS else {}),
            }
            for kind in ("tables", "views", *_MACROS)
            for folder, schema, name, comment in sorted(connection.execute(_OBJECTS).fetchall())
            if folder == kind
        ]


def described_macro(statement: str) -> dict[str, Any]:
    """Return the `signature` of a macro, and its `example`, a query, with the lines of its `answer`.

    Both are comments of the statement, after its first line, which begin with `-- Example: ` and `-- Answer: `; an
    answer has a line for each row, with ` | ` between values.
    """
    lines = [
        line.partition(": ") for line in statement.splitlines() if line.startswith(("-- Example: ", "-- Answer: "))
    ]
    return {
        "signature": f"{statement.partition('CREATE MACRO ')[2].partition(') AS')[0]})",
        "example": "".join(text for mark, _, text in lines if mark == "-- Example"),
        "answer": [text for mark, _, text in lines if mark == "-- Answer"],
    }


def markdown() -> str:
    """Return the description of the database as a page, with its words, reports, checks and warnings."""
    pieces = [_INTRODUCTION, glossary()]
    things = described()
    for thing in things:
        if "macro" not in thing["kind"]:
            rows = "".join(f"| `{name}` | {kind} | {comment} |\n" for name, kind, comment in thing["columns"])
            pieces.append(f"## {thing['name']} ({thing['kind']})\n\n{thing['comment']}\n")
            pieces.append(f"| column | type | |\n|---|---|---|\n{rows}")
    pieces.append(_MACROS_OF)
    for thing in things:
        if "macro" in thing["kind"]:
            answer = "\n".join(f"-- {line}" for line in thing["answer"])
            pieces.append(f"### {thing['name']} ({thing['kind']})\n\n`{thing['signature']}`\n\n{thing['comment']}\n")
            pieces.append(f"```sql\n{thing['example']};\n{answer}\n```\n")
    for folder, what in (
        ("reports", "Answered by `voxlake report NAME`."),
        ("checks", "Must find nothing: otherwise the last good database stays and the exit code is 4."),
        ("warnings", "What the vendor's data should be; shown by `voxlake status` where it is not, and nothing stops."),
    ):
        rows = "".join(f"| `{name}` | {promise(statement)} |\n" for name, statement in statements(folder).items())
        pieces.append(f"## {folder.capitalize()}\n\n{what}\n\n| name | |\n|---|---|\n{rows}")
    return "\n".join(pieces)
