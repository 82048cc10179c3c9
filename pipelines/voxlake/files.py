"""Writing that survives a power cut, on whatever file system, and says in one sentence what that refuses."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.places import UNSUPPORTED, explain

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

_HERE, _EXCHANGE = -100, 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux."""
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
"""Make a file, and follow no link that somebody has put in its place."""


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """Yield a path, and remove the file or the folder that is there at the end of the block."""
    try:
        yield path
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def storage(root: Path, *, writing: bool = True) -> Iterator[None]:
    """Turn what a place refuses in the block into one sentence about the data directory; any other error stays.

    Raises:
        SettingsError: a file is in the place of a folder, a name is too long, or something may not be read.
        StorageFull: there is no room, no permission to write, or the disk fails.

    """
    try:
        yield
    except OSError as error:
        if (explained := explain(error, root, writing=writing)) is None:
            raise
        raise explained from error


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a new file beside the target of a path, under a name that nobody knows; it is gone after the block.

    Where `path` is a link, its target is meant: people put links where files are to go. Move the file there with
    `replace` on `target_of(path)`. No link is followed at the new name itself.
    """
    target = target_of(path)
    with temporary(target.with_name(f".voxlake-{secrets.token_hex(8)}.tmp")) as aside:
        os.close(os.open(aside, _NEW_FILE, 0o666))
        yield aside


def write_private(path: Path, content: str, *, replace: bool) -> None:
    """Write a file that its owner alone may read or change: whole, or not at all.

    Raises:
        FileExistsError: there is one, unless it is to be replaced.
        OSError: it cannot be written.

    """
    with beside(path) as aside:
        with unsupported():
            aside.chmod(0o600)
        aside.write_bytes(content.encode())
        target = target_of(path)
        if not replace:
            with aside.open("rb") as file:
                _sync(file.fileno())
            _claim(aside, target)
        put(aside, target)


def _claim(file: Path, path: Path) -> None:
    """Take a name that nobody has; whoever comes at the same time finds it taken.

    Raises:
        FileExistsError: somebody has it.

    """
    try:
        os.link(file, path)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        os.close(os.open(path, _NEW_FILE, 0o600))


def target_of(path: Path) -> Path:
    """Return the path that a chain of links leads to, which may not exist; any other path is its own target."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def append(file: io.FileIO, data: bytes) -> None:
    """Append all of some bytes to an unbuffered file, or nothing of them where there is no room."""
    end = file.seek(0, os.SEEK_END)
    left = memoryview(data)
    try:
        while left:
            left = left[file.write(left) or 0 :]
    except OSError:
        with suppress(OSError):
            file.truncate(end)
        raise


def put(aside: Path, path: Path) -> None:
    """Move a finished file into place so that it survives a power cut: its bytes first, then its name.

    Where the two lie on different disks, because somebody put a link there, the file is copied beside its place first.
    """
    with aside.open("rb") as file:
        _sync(file.fileno())
    try:
        aside.replace(path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        carry(aside, path)
        aside.unlink()
    sync(path.parent)


def carry(source: Path, path: Path) -> None:
    """Copy a file into place as a whole, from whatever disk."""
    with temporary(path.with_name(f".{path.name}.new")) as new:
        new.unlink(missing_ok=True)
        with source.open("rb") as file, os.fdopen(os.open(new, _NEW_FILE, 0o666), "wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
            copy.flush()
            with unsupported():
                os.fchmod(copy.fileno(), os.fstat(file.fileno()).st_mode & 0o777)
            _sync(copy.fileno())
        new.replace(path)


def make(folder: Path) -> None:
    """Make a folder and those above it that are missing, so that their names survive a power cut.

    The target of a link that leads to no folder yet is made, too.
    """
    if folder.is_dir():
        return
    target = target_of(folder)
    missing = [one for one in (target, *target.parents) if not one.exists()]
    target.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync(one.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where its file system can do that."""
    with unsupported():
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@contextmanager
def unsupported() -> Iterator[None]:
    """Leave out what a file system cannot do: sync a folder, set a mode. It is tried each time, which costs nothing."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def link(path: Path, copy: Path, *, hard_link: Callable[[Path, Path], None] = os.link) -> None:
    """Make a second name for a file, or where there are no hard links, a copy."""
    try:
        hard_link(path, copy)
    except OSError as error:
        if error.errno not in {*UNSUPPORTED, errno.EXDEV}:
            raise
        carry(path, copy)


def point(path: Path, file: Path, *, symlink: Callable[[str, Path], None] = os.symlink) -> None:
    """Make `path` mean a finished file below its folder, from one moment to the next.

    It becomes a link, relative, so that the folder can move; where there are none, the file itself takes its place.
    """
    with temporary(path.with_name(f".{path.name}.new")) as new:
        new.unlink(missing_ok=True)
        try:
            symlink(os.path.relpath(file, path.parent), new)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            # What a killed writing session has left there belongs to the file before.
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
            put(file, path)
            return
        new.replace(path)
    sync(path.parent)


def _renameat2(one: Path, other: Path) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(one))
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(one))


def exchange(one: Path, other: Path) -> None:
    """Exchange two folders of one file system, in one step that everybody sees as a whole.

    Raises:
        OSError: one is missing, or with one of `UNSUPPORTED` or EXDEV, system or file system cannot do that.

    """
    _renameat2(one, other)
    sync(one.parent)
    sync(other.parent)


def can_exchange(folder: Path) -> bool:
    """Return whether folders in a folder can take each other's place, by trying it."""
    with temporary(folder / f"exchange-{secrets.token_hex(8)}") as trial:
        one, other = trial / "one", trial / "other"
        for made in (one / "first", other / "second"):
            made.mkdir(parents=True)
        try:
            exchange(one, other)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            return False
        return (one / "second").exists()


def _sync(opened: int) -> None:
    with unsupported():
        os.fsync(opened)
