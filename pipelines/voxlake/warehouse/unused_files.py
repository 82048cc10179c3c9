"""Files that a database does not read any more: kept for whoever has opened an earlier one, then removed."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from voxlake.warehouse.generation_files import earlier_files, remove_empty_folders
from voxlake.warehouse.layout import rows_folder
from voxlake.warehouse.state import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    import duckdb

GRACE = timedelta(hours=72)
"""How long a file stays after the first publish of a database that does not read it: longer than anybody reads one."""

_DROPPED = pa.schema([("name", pa.string()), ("dropped_at", pa.timestamp("us"))])


def note_unused(
    connection: duckdb.DuckDBPyConnection, folder: Path, *, known: Mapping[str, datetime], now: datetime
) -> list[str]:
    """Note in the current database since when it and those before it do not read some files of a folder.

    `known` are times, in UTC without a zone, that an earlier database has noted. Returns the files whose time is over.
    Files that a killed publish has left there count as read until now.
    """
    now = now.astimezone(UTC).replace(tzinfo=None)
    used = {name for (name,) in connection.execute("SELECT DISTINCT file FROM meta.file_days").fetchall()}
    rows = connection.execute("SELECT name, dropped_at FROM meta.files WHERE dropped_at IS NOT NULL").fetchall()
    since = {**known, **dict(rows)}
    unused = {path.name: since.get(path.name, now) for path in folder.glob("*.parquet") if path.name not in used}
    connection.register("unused", pa.Table.from_pylist(
        [{"name": name, "dropped_at": at} for name, at in sorted(unused.items())], schema=_DROPPED
    ))  # fmt: skip
    connection.execute("DELETE FROM meta.files WHERE name NOT IN (SELECT file FROM meta.file_days)")
    connection.execute("INSERT INTO meta.files BY NAME SELECT name, dropped_at FROM unused")
    connection.unregister("unused")
    return [name for name, at in unused.items() if at + GRACE <= now]


def remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove files; what cannot be removed is tried again by the next publish."""
    for name in names:
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def remove_earlier(root: Path, database: Path) -> list[str]:
    """Remove at once all generations but the published `database`, and all files that it does not read.

    Whoever has an earlier one open may go on for as long as the system lets him. Returns what cannot be removed.
    """
    generations, current = root / "warehouse", database.resolve()
    used: set[str] = set()
    if current.exists():
        with reading(database) as connection:
            used = {name for (name,) in connection.execute("SELECT DISTINCT file FROM meta.file_days").fetchall()}
    others = earlier_files(generations, current)
    others += [path for path in rows_folder(root).glob("*") if path.name not in used]
    left = []
    for path in others:
        try:
            path.unlink()
        except OSError:
            left.append(str(path))
    remove_empty_folders(generations)
    return left
