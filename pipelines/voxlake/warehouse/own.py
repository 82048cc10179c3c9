"""Whether a published database is still as voxlake wrote it: what somebody else has changed is built again.

`warehouse/published` remembers the size and the time of the file that readers open. A database of a version that
remembered nothing is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlake.files import storage

if TYPE_CHECKING:
    from pathlib import Path


def is_own(database: Path) -> bool:
    """Return whether nobody but voxlake has written to a published database, as far as one can see."""
    try:
        stamps = _stamps(database).read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return True
    file = database.resolve()
    # A session that was killed leaves what it wrote beside the file, and every reader sees it.
    return _stamp(file) in stamps and not file.with_name(f"{file.name}.wal").exists()


def remember(database: Path, *files: Path) -> None:
    """Remember files as voxlake's own: those to which `database` may lead from now on.

    Raises:
        StorageFull: that cannot be written.

    """
    with storage(database.parent):
        _stamps(database).write_text("\n".join(map(_stamp, files)), encoding="utf-8")


def _stamps(database: Path) -> Path:
    return database.parent / "warehouse" / "published"


def _stamp(file: Path) -> str:
    # Not the inode, which a copy of the data directory does not keep, and no finer than archives keep times.
    stat = file.stat()
    return f"{stat.st_size}-{stat.st_mtime_ns // 1_000_000}"
