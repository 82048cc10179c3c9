"""The locks of a data directory, each of which ends with the process that holds it, so that none is ever stale.

What touches everything holds the directory alone; runs of accounts share it, and say which accounts are theirs (see
`lake/claims.py`). What such runs write together is written by one after the other, which is short and waited for.

Some network file systems and containers have no such locks. There a file that is made exclusively is the lock, if the
data directory says so by holding a file `.lock-by-file`: for all machines that use it, because runs with different
locks would not see each other. A lock file outlives a run that is killed, and only `--break-lock` removes it.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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

_LONG = 3.0
"""Seconds after which `on_wait` is called."""
_GLANCES, _PAUSE = 500, 0.01
"""How often, and after how many seconds, a lock is tried again while others share it of whom nothing is known."""


@contextmanager
def locked(
    path: Path,
    *,
    holder: str,
    busy: str | None = None,
    shared: bool = False,
    sharers: Callable[[], str | None] = lambda: None,
    flock: Callable[[IO[bytes], int], None] = fcntl.flock,
) -> Iterator[io.FileIO]:
    """Hold the lock of the file at `path` for the length of the block, and yield the file, open to append.

    The file is made to name its `holder`; with the sentence `busy`, for when another process holds it, its content
    stays. A lock that is `shared` may be held by several at once, and names none of them: `sharers` returns a sentence
    about those who share it, for whoever wants it alone. Where lock files are the locks, nobody shares.

    Raises:
        AlreadyRunning: another process holds it.
        SettingsError: the file system has no locks, and lock files were not asked for.
        StorageFull: the folder cannot be written.

    """
    root = path.parent
    with storage(root):
        root.mkdir(parents=True, exist_ok=True)
        by_file = is_locked_by_file(root)
        # Unbuffered: bytes that do not fit on the disk would be written, and fail, once more when the file is closed.
        file = path.open("a+b", buffering=0)
    with file:
        try:
            _acquire(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, root, flock, busy, sharers)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            if not by_file:
                raise SettingsError(
                    f"The file system of {root} has no locks ({error.strerror}): use a --data-dir on another disk, or"
                    f" make the file {root / BY_FILE}, so that voxlake works with a lock file there."
                ) from error
        with _held(path, holder) if by_file else _unheld(path):
            if busy is None and not shared:
                with storage(root):
                    file.truncate(0)
                    file.write(holder.encode())
            yield file


def is_locked_by_file(root: Path) -> bool:
    """Return whether lock files are the locks of a data directory, so that nobody shares it."""
    return (root / BY_FILE).exists()


@dataclass(slots=True)
class _Gate:
    """Who of this process is at a lock that is waited for: a thread that has it may take it again."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    depth: int = 0


_GATES: Final[dict[str, _Gate]] = {}


@contextmanager
def waiting(path: Path, *, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock that is held shortly for the length of the block, after waiting for it as long as that takes.

    `on_wait` is called once where it takes long. The caller holds the directory, alone or shared; a thread may nest
    blocks of one lock. Where lock files are the locks, the directory is held alone, and no other process is near.

    Raises:
        StorageFull: the folder cannot be written.

    """
    gate = _GATES.setdefault(str(path), _Gate())
    with gate.lock:
        if gate.depth:
            yield
            return
        with storage(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
        with file:
            _wait(file, on_wait)
            gate.depth += 1
            try:
                yield
            finally:
                gate.depth -= 1


def _wait(file: IO[bytes], on_wait: Callable[[], None]) -> None:
    began, pause, said = time.monotonic(), 0.002, False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not said and time.monotonic() - began > _LONG:
                said = True
                on_wait()
            time.sleep(pause)
            pause = min(2 * pause, 0.1)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            return
        else:
            return


def require_unlocked(path: Path, *, flock: Callable[[IO[bytes], int], None] = fcntl.flock) -> None:
    """Return where no process holds the lock, or where there is no lock file.

    Raises:
        AlreadyRunning: another process holds it.

    """
    with _unheld(path), suppress(OSError), path.open("rb") as file:
        _acquire(file, fcntl.LOCK_SH, path.parent, flock, None)


def held_by_file(path: Path) -> bool:
    """Return whether there is a lock file that says that somebody holds the lock of a file."""
    return os.path.lexists(path.with_name(f"{path.name}{_HELD}"))


def is_held(path: Path) -> bool:
    """Return whether another open file, of whatever process, holds the lock of a file alone."""
    with suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


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
    file: IO[bytes],
    operation: int,
    root: Path,
    flock: Callable[[IO[bytes], int], None],
    busy: str | None,
    sharers: Callable[[], str | None] = lambda: None,
) -> None:
    for _ in range(_GLANCES):
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
        if (sentence := sharers()) is not None:
            raise AlreadyRunning(sentence)
        time.sleep(_PAUSE)
    raise AlreadyRunning(f"Another run is working in {root}: wait until it ends.")
