"""What a disk refuses is one sentence; what else goes wrong stays what it is."""

import errno
import os
from pathlib import Path

import pytest

from voxlake.errors import SettingsError, StorageFull
from voxlake.files import append, make, put, storage, temporary


@pytest.mark.parametrize("code", ["ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM"])
def test_no_room(code):
    """A full, limited, read-only or foreign disk is told with what to do."""
    number = getattr(errno, code)
    with pytest.raises(StorageFull, match=r"^Nothing more can be written to data .*: make room"), storage(Path("data")):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("code", ["EIO", "EBADF", "ENOENT", "EINVAL", "EMFILE"])
def test_what_is_no_full_disk(code):
    """Any other error keeps its name: it may be a bug."""
    error = OSError(getattr(errno, code), "x")
    with pytest.raises(OSError, match="x") as caught, storage(Path("data")):
        raise error
    assert caught.value is error


def test_a_file_in_the_way(tmp_path):
    """Named is the file that stands where a folder should be."""
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=f"^{tmp_path}/file is a file, not a folder"), storage(tmp_path):
        (tmp_path / "file" / "a" / "b").mkdir(parents=True)


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_temporary(tmp_path, error):
    """A file or a folder is gone after the block, however it ends; what was never made is no matter."""
    for name, fill in [("file", Path.touch), ("folder", lambda path: make(path / "inner")), ("none", lambda _: None)]:
        try:
            with temporary(tmp_path / name) as path:
                fill(path)
                if error:
                    raise error
        except (ValueError, KeyboardInterrupt):
            pass
    assert not list(tmp_path.iterdir())


def test_put_replaces_whole(tmp_path):
    """A finished file takes the place of another."""
    (tmp_path / "old").write_text("old")
    (tmp_path / "new").write_text("new")
    put(tmp_path / "new", tmp_path / "old")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"old": "new"}


class Narrow:
    """A file on a disk that takes three bytes at a time, and in all no more than its room."""

    def __init__(self, room):
        self.content, self.room = bytearray(b"before"), room

    def seek(self, _offset, _whence):
        """Go to the end."""
        return len(self.content)

    def write(self, data):
        """Take what there is room for."""
        if not self.room:
            raise OSError(errno.ENOSPC, "full")
        taken = bytes(data[: min(3, self.room)])
        self.room -= len(taken)
        self.content += taken
        return len(taken)

    def truncate(self, end):
        """Forget what follows."""
        del self.content[end:]


def test_append_is_all_or_nothing():
    """Bytes are appended whole, however little is taken at a time, or the file stays as it was."""
    wide, narrow = Narrow(100), Narrow(5)
    append(wide, b"0123456789")
    assert wide.content == b"before0123456789"
    with pytest.raises(OSError, match="full"):
        append(narrow, b"0123456789")
    assert narrow.content == b"before"
