"""The tables and views of the published database, in the words of PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

SCHEMA = "voxlake"
"""The schema of the copy."""
MESSAGES = "messages"
"""The view over the messages of every stream is a view there, too: its rows are in the tables."""
LEFT_OUT = frozenset({"conversations", "duplicates", "number_days"})
"""The views that are not copied: to find what they answer takes all messages, each time, or gives nearly as many."""
_TYPES = {
    "BIGINT": "bigint", "INTEGER": "integer", "SMALLINT": "smallint", "TINYINT": "smallint", "BOOLEAN": "boolean",
    "DATE": "date", "DOUBLE": "double precision", "TIMESTAMP": "timestamp", "VARCHAR": "text", "HUGEINT": "numeric",
}  # fmt: skip
"""PostgreSQL's types for DuckDB's; a DECIMAL keeps its digits, and any other type is text."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view of the database with its columns: name, type in DuckDB, comment."""

    name: str
    comment: str | None
    columns: tuple[tuple[str, str, str | None], ...]

    def select(self, where: str = "true") -> str:
        """Return a query for its rows in types that PostgreSQL has; a text there holds no NUL."""
        columns = ", ".join(f"{_sent(name, kind)} AS {quoted(name)}" for name, kind, _ in self.columns)
        return f"SELECT {columns} FROM {quoted(self.name)} WHERE {where}"  # noqa: S608 - names of the database

    def create(self) -> Iterator[str]:
        """Yield the statements that make a table of it, with its comments."""
        columns = ", ".join(f"{quoted(name)} {postgres_type(kind)}" for name, kind, _ in self.columns)
        yield f"CREATE TABLE {place(self.name)} ({columns})"
        yield from self.comments("TABLE")

    def comments(self, kind: str) -> Iterator[str]:
        """Yield the statements that write its comments."""
        if self.comment is not None:
            yield f"COMMENT ON {kind} {place(self.name)} IS {literal(self.comment)}"
        for name, _, comment in self.columns:
            if comment is not None:
                yield f"COMMENT ON COLUMN {place(self.name)}.{quoted(name)} IS {literal(comment)}"


def read_relations(connection: duckdb.DuckDBPyConnection) -> list[Relation]:
    """Return the tables of a database and then its views, those left out that are not copied, with their comments."""
    listed = connection.execute(
        "SELECT table_name, comment, 1 AS place FROM duckdb_tables()"
        " WHERE database_name = current_database() AND schema_name = 'main'"
        " UNION ALL SELECT view_name, comment, 2 FROM duckdb_views()"
        " WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal"
        " ORDER BY place, table_name"
    ).fetchall()
    found = []
    for name, comment, _ in listed:
        if name in LEFT_OUT:
            continue
        columns = connection.execute(
            "SELECT column_name, data_type, comment FROM duckdb_columns()"
            " WHERE database_name = current_database() AND schema_name = 'main' AND table_name = ?"
            " ORDER BY column_index",
            [name],
        ).fetchall()
        found.append(Relation(name, comment, tuple(columns)))
    # What it is made of has to be there before it; in a linked database, that is views, too.
    return sorted(found, key=lambda relation: relation.name == MESSAGES)


def _sent(name: str, kind: str) -> str:
    column = quoted(name)
    if kind == "VARCHAR":
        return f"replace({column}, chr(0), '\N{SYMBOL FOR NULL}')"
    if kind in ("TINYINT", "UTINYINT"):
        return f"{column}::SMALLINT"
    if kind == "HUGEINT":
        return f"{column}::DECIMAL(38, 0)"
    return column if kind in _TYPES or kind.startswith("DECIMAL") else f"{column}::VARCHAR"


def postgres_type(kind: str) -> str:
    """Return the type in PostgreSQL for one of DuckDB."""
    return kind.replace("DECIMAL", "numeric") if kind.startswith("DECIMAL") else _TYPES.get(kind, "text")


def place(name: str) -> str:
    """Return the name of a table within the schema of the copy."""
    return f"{quoted(SCHEMA)}.{quoted(name)}"


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
