"""What a reader's connection may open: the database, and of a linked one the files that it reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from voxlake.errors import DataError
from voxlake.spill import READER_MEMORY, bound
from voxlake.warehouse.generation import quoted
from voxlake.warehouse.layout import absolute, rows_folder

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date


def restrict(connection: duckdb.DuckDBPyConnection, *, but: Collection[Path] = (), tmp: Path | None = None) -> None:
    """Set a connection's time zone to UTC, and forbid it for good to open any other file and to change its settings.

    It may open the files `but`, which are those of a linked database. Its queries take `READER_MEMORY` at most, and put
    the rest into a folder in `tmp`, or in the system's folder of temporary files.
    Connections of one process to one file share an instance of DuckDB: a second one finds itself restricted.
    """
    ((restricted,),) = connection.execute("SELECT current_setting('lock_configuration')").fetchall()
    if not restricted:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        bound(connection, READER_MEMORY, tmp)
        if but:
            listed = ", ".join(f"'{quoted(path)}'" for path in but)
            connection.execute(f"SET allowed_paths = [{listed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")


def set_today(connection: duckdb.DuckDBPyConnection, today: date) -> None:
    """Set the UTC day with which the view `days` of this connection ends, that day excluded."""
    connection.execute(f"SET VARIABLE voxlake_today = DATE '{today.isoformat()}'")


def files_read(connection: duckdb.DuckDBPyConnection, published: Path) -> list[Path]:
    """Return the files that the views of a published database read; none of one that has its messages itself.

    Raises:
        DataError: they are those of another place, from where the data directory was moved or copied.

    """
    try:
        ((named,),) = connection.execute("SELECT rows_folder FROM meta.built").fetchall()
    except duckdb.BinderException:
        # An earlier version.
        return []
    if named is None:
        return []
    if named != absolute(rows_folder(published.parent)):
        raise DataError(
            f"The database {published} was published when its files were in {named}: run 'voxlake export' or 'voxlake"
            " publish', so that it finds them here."
        )
    names = connection.execute("SELECT name FROM meta.files WHERE dropped_at IS NULL").fetchall()
    return [Path(named) / name for (name,) in names]
