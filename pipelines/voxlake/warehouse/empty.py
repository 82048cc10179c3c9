"""The file that a new database begins with: everything that `sql/` declares, commented, and no row.

DuckDB takes 0.15 s of processor time for its four hundred statements, so a process runs them once: the next database
that it begins, of another data directory or anew, begins with a copy of 0.3 MB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.sql import statements
from voxlake.transform import STREAMS
from voxlake.warehouse.ddl import KINDS, create
from voxlake.warehouse.generation import quoted
from voxlake.warehouse.row_files import no_rows

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

# A quarter of DuckDB's default, for 5 % more bytes and no slower reports: a thread compresses a full row group at once,
# while the incomplete ones that early loads leave are compressed at the end, one after the other.
_ROW_GROUP_SIZE = 30_720
# DuckDB 2.0 writes files that 1.4 and 1.5 cannot open unless it is asked for an older format.
ATTACH_OPTIONS = f"STORAGE_VERSION 'v1.2.0', ROW_GROUP_SIZE {_ROW_GROUP_SIZE}"

_FILES: dict[object, bytes] = {}
"""The files that this process has made, by the statements that they come from."""


def write_empty(connection: duckdb.DuckDBPyConnection, file: Path, *, linked: bool) -> None:
    """Write the file of an empty database, of either layout; there must be none, and no database `new` is attached.

    Raises:
        OSError, duckdb.Error: the file cannot be written.

    """
    key = (linked, *(text for kind in KINDS for text in statements(kind).items()))
    if key in _FILES:
        file.write_bytes(_FILES[key])
        return
    connection.execute(f"ATTACH '{quoted(file)}' AS new ({ATTACH_OPTIONS})")
    connection.execute("USE new")
    create(connection, instead={stream.table: no_rows(stream) for stream in STREAMS.values()} if linked else None)
    connection.execute("USE memory")
    connection.execute("DETACH new")
    _FILES[key] = file.read_bytes()
