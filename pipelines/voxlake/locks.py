"""The lock of a data directory: one run writes at a time, and the lock ends with its process, so none is ever stale.

Some network file systems and containers have no such locks. There a file that is made exclusively is the lock, if the
data directory says so by holding a file `.lock-by-file`: for all machines that use it, because runs with different
locks would not see each other. A lock file outlives a run that is killed, and only `--break-lock` removes it.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Final

from voxlake.errors import AlreadyRunning, SettingsError
from voxlake.files import storage
from voxlake.places import NO_LOCKS

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator
    from pathlib import Path

BY_FILE: Final = ".lock-by-file"
"""The file that makes lock files the locks of a data directory."""
_HELD = ".held"
"""What ends the name of a lock file."""


@contextmanager
def locked(
    path: Path, *, holder: str, busy: str | None = None, flock: Callable[[IO[bytes], int], None] = fcntl.flock
) -> Iterator[io.FileIO]:
    """Hold the lock of the file at `path` for the length of the block, and yield the file, open to append.

    The file is made to name its `holder`; with the sentence `busy`, for when another process holds it, its content
    stays.

    Raises:
        AlreadyRunning: another process holds it.
        SettingsError: the file system has no locks, and lock files were not asked for.
        StorageFull: the folder cannot be written.

    """
    root = path.parent
    with storage(root):
        root.mkdir(parents=True, exist_ok=True)
        by_file = (root / BY_FILE).exists()
        # Unbuffered: bytes that do not fit on the disk would be written, and fail, once more when the file is closed.
        file = path.open("a+b", buffering=0)
    with file:
        try:
            _acquire(file, fcntl.LOCK_EX, root, flock, busy)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            if not by_file:
                raise SettingsError(
                    f"The file system of {root} has no locks ({error.strerror}): use a --data-dir on another disk, or"
                    f" make the file {root / BY_FILE}, so that voxlake works with a lock file there."
                ) from error
        with _held(path, holder) if by_file else _unheld(path):
            if busy is None:
                with storage(root):
                    file.truncate(0)
                    file.write(holder.encode())
            yield file


def require_unlocked(path: Path, *, flock: Callable[[IO[bytes], int], None] = fcntl.flock) -> None:
    """Return where no process holds the lock, or where there is no lock file.

    Raises:
        AlreadyRunning: another process holds it.

    """
    with _unheld(path), suppress(OSError), path.open("rb") as file:
        _acquire(file, fcntl.LOCK_SH, path.parent, flock, None)


def break_locks(root: Path) -> list[str]:
    """Remove the lock files of a data directory, and return who held them."""
    found = []
    with storage(root):
        for path in sorted(root.glob(f"*{_HELD}")):
            found.append(_owner(path))
            path.unlink(missing_ok=True)
    return found


@contextmanager
def _held(path: Path, holder: str) -> Iterator[None]:
    """Hold a file that one process alone can make, for the length of the block."""
    held = path.with_name(f"{path.name}{_HELD}")
    with storage(path.parent):
        try:
            opened = os.open(held, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            raise _busy(held) from None
    try:
        with os.fdopen(opened, "wb") as file, storage(path.parent):
            file.write(holder.encode())
        yield
    finally:
        held.unlink(missing_ok=True)


@contextmanager
def _unheld(path: Path) -> Iterator[None]:
    """Refuse to go on beside a lock file, which a run under another lock would not see."""
    held = path.with_name(f"{path.name}{_HELD}")
    if os.path.lexists(held):
        raise _busy(held)
    yield


def _busy(held: Path) -> AlreadyRunning:
    return AlreadyRunning(
        f"Another run is working in {held.parent} ({_owner(held)}): wait until it ends, or if it is dead, run the same"
        " command with --break-lock."
    )


def _owner(held: Path) -> str:
    """Return who made a lock file, and when."""
    try:
        at = datetime.fromtimestamp(held.stat().st_mtime, UTC)
        owner = held.read_bytes()[:200].decode(errors="replace").strip() or "unknown"
    except OSError:
        return "unknown"
    return owner if "since" in owner else f"{owner}, since {at:%Y-%m-%d %H:%M:%S} UTC"


def _acquire(
    file: IO[bytes], operation: int, root: Path, flock: Callable[[IO[bytes], int], None], busy: str | None
) -> None:
    while True:
        with suppress(BlockingIOError):
            flock(file, operation | fcntl.LOCK_NB)
            return
        try:
            # A process that only looks takes a shared lock, and holds it no longer than this.
            flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            flock(file, fcntl.LOCK_UN)
        except BlockingIOError:
            if busy is not None:
                raise AlreadyRunning(busy) from None
            file.seek(0)
            holder = file.read().decode(errors="replace").strip() or "unknown"
            raise AlreadyRunning(f"Another run is working in {root} ({holder}): wait until it ends.") from None
