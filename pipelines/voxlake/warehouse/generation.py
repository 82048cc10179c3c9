"""Which file is published, so that a run notices that another one has published meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


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


def quoted(path: Path) -> str:
    """Return a path as it stands between single quotes in SQL."""
    return str(path).replace("'", "''")
