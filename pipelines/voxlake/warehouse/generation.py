"""Which file is published, so that a run notices that another one has published meanwhile, and that file opened."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import duckdb

from voxlake.errors import SettingsError

_OPEN_FILES = Path("/proc/self/fd")
"""Where Linux lists what a process has open."""


class Generation(NamedTuple):
    """A published database: its file, and what changes when another takes its place under the same name."""

    file: Path
    stamp: tuple[int, int, int]


def generation_of(published: Path) -> Generation | None:
    """Return which file is published; None where none is."""
    try:
        file = published.resolve()
        stat = file.stat()
    except OSError:
        return None
    return Generation(file, (stat.st_ino, stat.st_size, stat.st_mtime_ns))


def open_published(published: Path) -> duckdb.DuckDBPyConnection:
    """Open the published database read-only, as it is now; try again where a publish replaces it meanwhile.

    DuckDB has one instance of a file in a process, by its path without links, as long as anything uses it. Each publish
    makes a file of another name, so that this one is always the newest. Only where links are not possible, or where the
    data directory was made anew, can a new file have the name of one that this process still reads.

    Raises:
        SettingsError: that is so, and DuckDB would answer from the old file.
        duckdb.Error: the file cannot be read.

    """
    while True:
        generation = generation_of(published)
        try:
            connection = duckdb.connect(str(published), read_only=True)
        except duckdb.Error:
            if generation_of(published) == generation:
                raise
            continue
        if generation is None or not _is_replaced(generation.file):
            return connection
        connection.close()
        if generation_of(published) == generation:
            raise SettingsError(
                f"This process still reads what {published} was before another file took its place: close that"
                " database first, then open it again."
            )


def _is_replaced(file: Path) -> bool:
    """Return whether DuckDB gave a database of this path without opening the file that has it now."""
    if not _OPEN_FILES.is_dir():
        return False
    for link in _OPEN_FILES.iterdir():
        # One that was closed meanwhile, or a file that a publish has just removed.
        with suppress(OSError):
            if link.readlink() == file or link.samefile(file):
                return False
    return file.exists()


def quoted(path: Path) -> str:
    """Return a path as it stands between single quotes in SQL."""
    return str(path).replace("'", "''")
