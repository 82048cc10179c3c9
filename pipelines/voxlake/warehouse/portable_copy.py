"""A copy of a published database that needs no other file, to be sent or carried somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from voxlake.spill import WRITER_MEMORY
from voxlake.sql import interruptible, statements
from voxlake.warehouse.ddl import virtual_columns
from voxlake.warehouse.empty import ATTACH_OPTIONS, write_empty
from voxlake.warehouse.generation import quoted

if TYPE_CHECKING:
    from pathlib import Path

_ONLY_LINKED = ("files", "file_days")
"""The tables that say which files a linked database reads."""


def write_portable_copy(database: Path, path: Path) -> None:
    """Write a database with the rows of another one, whatever its layout, to a new file.

    Raises:
        OSError, duckdb.Error: it cannot be written.

    """
    with interruptible(duckdb.connect()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{WRITER_MEMORY}'")
        connection.execute(f"SET temp_directory = '{quoted(path.with_name(f'{path.name}.spill'))}'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"ATTACH '{quoted(database)}' AS published (READ_ONLY)")
        write_empty(connection, path, linked=False)
        connection.execute(f"ATTACH '{quoted(path)}' AS copied ({ATTACH_OPTIONS})")
        connection.execute("USE copied")
        tables = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'copied' ORDER BY ALL"
        for schema, name in connection.execute(tables).fetchall():
            if name not in _ONLY_LINKED:
                table, virtual = f"{schema}.{name}", virtual_columns(statements("tables")[name])
                stored = f"* EXCLUDE ({', '.join(virtual)})" if virtual else "*"
                connection.execute(f"INSERT INTO copied.{table} BY NAME SELECT {stored} FROM published.{table}")  # noqa: S608
        connection.execute("UPDATE meta.built SET rows_folder = NULL")
        connection.execute("USE memory")
        connection.execute("DETACH copied")
