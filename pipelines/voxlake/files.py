"""Writing that survives a power cut, and says in one sentence when there is no room."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from voxlake.errors import SettingsError, StorageFull

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM})
"""What a disk that is full, limited or read-only answers, and one that is somebody else's."""


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
def storage(root: Path) -> Iterator[None]:
    """Turn what a disk refuses in the block into one sentence about the data directory; any other error stays.

    Raises:
        SettingsError: a file is in the place of a folder.
        StorageFull: there is no room, or no permission to write.

    """
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        # Named is what could not be made; what is in the way may lie above it.
        wanted = Path(error.filename or root)
        file = next((one for one in (wanted, *wanted.parents) if one.is_file()), wanted)
        raise SettingsError(f"{file} is a file, not a folder: move it away, or use another --data-dir.") from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageFull(
            f"Nothing more can be written to {root} ({error.strerror or error}): make room or change its permissions,"
            " then run the same command again."
        ) from error


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
    """Move a finished file into place so that it survives a power cut: its bytes first, then its name."""
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(path)
    sync(path.parent)


def make(folder: Path) -> None:
    """Make a folder and those above it that are missing, so that their names survive a power cut."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync(one.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
