"""A copy of a published database that needs no other file, to be sent or carried somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from voxlake.spill import WRITER_MEMORY
from voxlake.sql import interruptible, statements
from voxlake.warehouse.ddl import create, virtual_columns
from voxlake.warehouse.generation import quoted

if TYPE_CHECKING:
    from pathlib import Path

_ONLY_LINKED = ("files", "file_days")
"""The tables that say which files a linked database reads."""


def write_portable_copy(database: Path, path: Path, *, options: str) -> None:
    """Write a database with the rows of another one, whatever its layout, to a new file.

    `options` are those with which it is attached. Raises duckdb.Error.
    """
    with interruptible(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{WRITER_MEMORY}'")
        connection.execute(f"SET temp_directory = '{quoted(path.with_name(f'{path.name}.spill'))}'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"ATTACH '{quoted(database)}' AS published (READ_ONLY)")
        connection.execute(f"ATTACH '{quoted(path)}' AS copied ({options})")
        connection.execute("USE copied")
        create(connection)
        tables = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'copied' ORDER BY ALL"
        for schema, name in connection.execute(tables).fetchall():
            if name not in _ONLY_LINKED:
                table, virtual = f"{schema}.{name}", virtual_columns(statements("tables")[name])
                stored = f"* EXCLUDE ({', '.join(virtual)})" if virtual else "*"
                connection.execute(f"INSERT INTO copied.{table} BY NAME SELECT {stored} FROM published.{table}")  # noqa: S608
        connection.execute("UPDATE meta.built SET rows_folder = NULL")
        connection.execute("USE memory")
        connection.execute("DETACH copied")
