"""The lock of a data directory: one run writes at a time, and the lock ends with its process, so none is ever stale."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from voxlake.errors import AlreadyRunning
from voxlake.files import storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(path: Path, *, holder: str) -> Iterator[None]:
    """Hold the lock file at `path`, which names its holder, for the length of the block.

    Raises:
        AlreadyRunning: another process holds it.
        StorageFull: the folder cannot be written.

    """
    with storage(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: bytes that do not fit on the disk would be written, and fail, once more when the file is closed.
        file = path.open("a+b", buffering=0)
    with file:
        _acquire(file, fcntl.LOCK_EX, path.parent)
        with storage(path.parent):
            file.truncate(0)
            file.write(holder.encode())
        yield


def require_unlocked(path: Path) -> None:
    """Return where no process holds the lock, or where there is no lock file.

    Raises:
        AlreadyRunning: another process holds it.

    """
    with suppress(OSError), path.open("rb") as file:
        _acquire(file, fcntl.LOCK_SH, path.parent)


def _acquire(file: IO[bytes], operation: int, root: Path) -> None:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(file, operation | fcntl.LOCK_NB)
            return
        try:
            # A process that only looks takes a shared lock, and holds it no longer than this.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(file, fcntl.LOCK_UN)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().decode(errors="replace").strip() or "unknown"
            raise AlreadyRunning(f"Another run is working in {root} ({holder}): wait until it ends.") from None
