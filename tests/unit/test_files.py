"""What a disk refuses is one sentence; what else goes wrong stays what it is."""

import errno
import os
from pathlib import Path

import pytest

from voxlake.errors import SettingsError, StorageFull
from voxlake.files import append, beside, carry, link, make, point, put, storage, sync, target_of, temporary


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("ENOSPC", StorageFull, "^Nothing more can be written to data .*: make room"),
        ("EDQUOT", StorageFull, "make room"),
        ("EFBIG", StorageFull, "make room"),
        ("EROFS", StorageFull, "^data cannot be written .*: run as its owner or change its permissions"),
        ("EACCES", StorageFull, "change its permissions"),
        ("EPERM", StorageFull, "change its permissions"),
        ("EIO", StorageFull, "^data cannot be used .*: look after its disk"),
        ("ESTALE", StorageFull, "look after its disk"),
        ("EMFILE", StorageFull, "ulimit -n"),
        ("ENAMETOOLONG", SettingsError, "too long a name"),
        ("ELOOP", SettingsError, "leads back to itself"),
        ("EISDIR", SettingsError, "data is a folder, not a file"),
    ],
)
def test_what_a_place_refuses(code, kind, said):
    """Each refusal is one sentence with what to do, and the exit code that says whether to try again."""
    number = getattr(errno, code)
    with pytest.raises(kind, match=said) as caught, storage(Path("data")):
        raise OSError(number, os.strerror(number))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("code", ["EACCES", "EPERM"])
def test_what_may_not_be_read(code):
    """Reading is no matter of room or of trying again."""
    with pytest.raises(SettingsError, match=r"^x/y cannot be read"), storage(Path("x"), writing=False):
        raise OSError(getattr(errno, code), "no", "x/y")


@pytest.mark.parametrize("code", ["EBADF", "ENOENT", "EINVAL"])
def test_what_may_be_a_bug(code):
    """Any other error keeps its name."""
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


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_folder_that_cannot_be_synced():
    """A file system that cannot sync a folder is used without; what else goes wrong is said."""
    sync(Path("/proc"))
    with pytest.raises(FileNotFoundError):
        sync(Path("/proc/nowhere"))


def refuse(code):
    """Return a call that a file system refuses."""

    def refused(*_):
        raise OSError(code, os.strerror(code))

    return refused


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK])
def test_without_hard_links(tmp_path, code):
    """A copy stands in for a second name; a full disk is still a full disk."""
    (tmp_path / "file").write_text("content")
    link(tmp_path / "file", tmp_path / "copy", hard_link=refuse(code))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "content", "copy": "content"}
    with pytest.raises(OSError, match="No space"):
        link(tmp_path / "file", tmp_path / "other", hard_link=refuse(errno.ENOSPC))


@pytest.mark.parametrize("code", [None, errno.EPERM, errno.ENOTSUP])
def test_without_symbolic_links(tmp_path, code):
    """A link leads to the newest file; where there are none, the file takes the link's place, and its wal is gone."""
    (tmp_path / "folder").mkdir()
    for content in ("one", "two"):
        (tmp_path / "folder" / content).write_text(content)
        (tmp_path / "now.wal").write_text("of the one before")
        point(tmp_path / "now", tmp_path / "folder" / content, **({"symlink": refuse(code)} if code else {}))
        assert (tmp_path / "now").read_text() == content
        assert (tmp_path / "now").is_symlink() is (code is None)
        assert (tmp_path / "now.wal").exists() is (code is None)
    tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-moved"))
    assert tmp_path.with_name(f"{tmp_path.name}-moved").joinpath("now").read_text() == "two"


def test_a_file_beside_the_target_of_a_link(tmp_path):
    """What is made beside a path lies beside the file that it leads to, is new, and is gone at the end."""
    (tmp_path / "far").mkdir()
    (tmp_path / "out").symlink_to("far/out")
    with beside(tmp_path / "out") as one, beside(tmp_path / "out") as other:
        assert {one.parent, other.parent} == {(tmp_path / "far").resolve()}
        assert one.exists()
        assert one != other
        one.replace(target_of(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "far").iterdir()] == ["out"]


def test_carried_over_a_planted_link(tmp_path):
    """A copy from another disk follows nothing that lies where it is made."""
    (tmp_path / "victim").write_text("theirs")
    (tmp_path / ".file.new").symlink_to("victim")
    (tmp_path / "source").write_text("ours")
    carry(tmp_path / "source", tmp_path / "file")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "victim": "theirs",
        "source": "ours",
        "file": "ours",
    }
