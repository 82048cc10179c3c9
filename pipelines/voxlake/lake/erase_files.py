"""Take a number out of files that are not day files: rejects, files kept aside, the index, and whatever lies beside."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from voxlake.files import storage
from voxlake.remote import remote_of
from voxlake.transform import MARK, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from voxlake.lake.directory import Lake
    from voxlake.transform import Forgotten

_TABLES = ("ledger", "accounts", "day_files", "runs", "learned")
"""The tables of the index."""


def erase_in_text(lake: Lake, path: Path, forgotten: Forgotten, on_file: Callable[[Path, Path], None]) -> bool:
    """Write a file of text again with marks in place of numbers; returns whether it is one, and has none any more.

    Lines of `rejects/` that mention a number lose the row that they hold. Raises StorageFull where the disk is full.
    """
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    if path.suffix == ".jsonl":
        after = "".join(_reject_line(line, forgotten) for line in text.splitlines(keepends=True))
    elif path.suffix == ".json":
        after = forgotten.redact_json(text)
    else:
        after = forgotten.redact(text)
    if forgotten.bytes_pattern.search(after.encode()):
        return False
    aside = lake.tmp / f"erased-{path.name}"
    with storage(lake.root):
        aside.write_bytes(after.encode())
        aside.chmod(path.stat().st_mode & 0o777)
        on_file(path, aside)
    lake.store.put(aside, path)
    return True


def _reject_line(line: str, forgotten: Forgotten) -> str:
    if forgotten.redact_json(line) == line and forgotten.redact(line) == line:
        return line
    try:
        held = json.loads(line)
        reason = held.get("reason") if isinstance(held, dict) else None
    except (ValueError, RecursionError):
        reason = None
    return json.dumps({"reason": forgotten.redact(str(reason or "")), "raw": MARK}) + "\n"


def erase_in_parquet(lake: Lake, path: Path, forgotten: Forgotten, on_file: Callable[[Path, Path], None]) -> bool:
    """Write a Parquet file of whatever columns again without the rows of numbers; returns whether that is possible.

    Raises StorageFull where the disk is full.
    """
    aside = lake.tmp / f"erased-{path.name}"
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            metadata = {k: forgotten.redact(v.decode()).encode() for k, v in (schema.metadata or {}).items()}
            schema = schema.with_metadata(metadata)
            with storage(lake.root), pq.ParquetWriter(aside, schema, compression="zstd") as writer:
                for n in range(file.num_row_groups):
                    table = file.read_row_group(n)
                    for name in NUMBERS:
                        if name not in table.column_names:
                            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
                    writer.write_table(forgotten.treat(table).table.select(schema.names).cast(schema))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        aside.unlink(missing_ok=True)
        return False
    with storage(lake.root):
        aside.chmod(path.stat().st_mode & 0o777)
        on_file(path, aside)
    lake.store.put(aside, path)
    return True


def erase_in_index(lake: Lake, forgotten: Forgotten) -> None:
    """Take numbers out of what the index says, and out of the pages that it does not use; the caller holds the lake."""
    path = lake.layout.index
    if (remote := remote_of(lake.root)) is not None:
        remote.leave_nothing_old()
    if not path.is_file() or not forgotten.bytes_pattern.search(path.read_bytes()):
        return
    with storage(lake.root), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})").fetchall()]
            for name in names:
                _redact_column(connection, table, name, forgotten)
        connection.execute("COMMIT")
        connection.execute("VACUUM")


def _redact_column(connection: sqlite3.Connection, table: str, name: str, forgotten: Forgotten) -> None:
    query = f"SELECT DISTINCT {name} FROM {table} WHERE typeof({name}) = 'text'"  # noqa: S608 - names of ours
    for (value,) in connection.execute(query).fetchall():
        redacted: Any = forgotten.redact_json(value)
        if redacted != value:
            connection.execute(f"UPDATE {table} SET {name} = ? WHERE {name} = ?", [redacted, value])  # noqa: S608


def remove_folder_of(path: Path, root: Path) -> None:
    """Remove the folders above a file that are empty now, up to a root."""
    folder = path.parent
    while folder != root and root in folder.parents:
        try:
            os.rmdir(folder)  # noqa: PTH106 - as the loop reads
        except OSError:
            return
        folder = folder.parent
