"""Copy a large file cheaply where the file system can share its blocks until one of them is changed."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# From linux/fs.h; the standard library names it from Python 3.12 on.
_FICLONE = 0x40049409
_UNSUPPORTED = {errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EBADF}


def clone(source: Path, target: Path) -> None:
    """Copy `source` over `target`: share its blocks, else let the kernel copy, else read and write.

    Raises:
        OSError: the copy failed for another reason than that the file system does not support it.

    """
    with source.open("rb") as one, target.open("wb") as other:
        for method in (_share, _copy_in_kernel):
            try:
                method(one.fileno(), other.fileno())
            except (OSError, AttributeError) as error:
                if isinstance(error, OSError) and error.errno not in _UNSUPPORTED:
                    raise
                other.seek(0)
                other.truncate()
            else:
                return
        shutil.copyfileobj(one, other, 1 << 20)


def shares_blocks(folder: Path) -> bool:
    """Return whether the file system of a folder can share the blocks of two files; False where that is not known."""
    try:
        with tempfile.TemporaryFile(dir=folder) as one, tempfile.TemporaryFile(dir=folder) as other:
            one.write(b"0" * 4096)
            one.flush()
            _share(one.fileno(), other.fileno())
    except OSError:
        return False
    return True


def _share(source: int, target: int) -> None:
    fcntl.ioctl(target, _FICLONE, source)


def _copy_in_kernel(source: int, target: int) -> None:
    left, at = os.fstat(source).st_size, 0
    while left > 0:
        copied = os.copy_file_range(source, target, left, offset_src=at, offset_dst=at)
        if copied == 0:
            raise OSError(errno.EINVAL, "copy_file_range copied nothing")
        left, at = left - copied, at + copied
