"""Who may read what is written, and what was written before."""

import grp
import os
import stat

import pytest

from voxlake.errors import SettingsError
from voxlake.modes import Readers, find_readers, private, tighten


def modes(root):
    """Return the modes of a folder and all in it, by name."""
    return {path.name: stat.S_IMODE(path.lstat().st_mode) for path in (root, *root.rglob("*"))}


@pytest.fixture
def data(tmp_path):
    """Make a folder as a umask of 022 makes it, with a link and an outbox."""
    root = tmp_path / "data"
    (root / "lake").mkdir(parents=True)
    for name, mode in (("lake/part", 0o644), ("ledger.sqlite", 0o444), ("outbox.jsonl", 0o600)):
        (root / name).write_text(name)
        (root / name).chmod(mode)
    (root / "voxlake.duckdb").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "elsewhere").chmod(0o644)
    for folder in (root, root / "lake"):
        folder.chmod(0o755)
    return root


def test_the_owner_alone(data, tmp_path):
    """What others could read is theirs no more, once; a link's target is not ours to change."""
    assert tighten(data, Readers()) == 4
    assert modes(data) | {"voxlake.duckdb": 0} == {
        "data": 0o700, "lake": 0o700, "part": 0o600, "ledger.sqlite": 0o400, "outbox.jsonl": 0o600, "voxlake.duckdb": 0,
    }  # fmt: skip
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == 0o644
    (data / "lake" / "part").chmod(0o644)
    assert tighten(data, Readers()) == 0
    assert tighten(data / "nowhere", Readers()) == 0


def test_what_is_not_ours_stays(data):
    """In a folder of other things, these and the folder stay as they are, and what is ours is closed, once."""
    (data / "project").mkdir(mode=0o755)
    (data / "project" / "lake").write_text("")
    (data / "README.md").write_text("")
    for path in (data / "project" / "lake", data / "README.md"):
        path.chmod(0o644)
    assert tighten(data, Readers()) == 3
    found = modes(data)
    assert (found["data"], found["project"], found["README.md"]) == (0o755, 0o755, 0o644)
    assert (found["part"], found["ledger.sqlite"]) == (0o600, 0o400)
    assert stat.S_IMODE((data / "project" / "lake").stat().st_mode) == 0o644
    assert tighten(data, Readers()) == 0


def test_a_group(data):
    """A group reads what is there, and what is made in its folders, and nobody else does."""
    group = grp.getgrgid(os.getegid()).gr_name
    readers = find_readers(group)
    assert tighten(data, readers) > 0
    found = modes(data)
    assert (found["data"], found["lake"], found["part"]) == (0o2750, 0o2750, 0o640)
    assert (found["ledger.sqlite"], found["outbox.jsonl"]) == (0o440, 0o600)
    with private(group=True):
        (data / "lake" / "new").mkdir()
        (data / "lake" / "new" / "file").write_text("")
    assert modes(data)["new"] & 0o777 == 0o750
    assert modes(data)["file"] == 0o640
    assert tighten(data, readers) == 0
    assert tighten(data, Readers()) > 0
    assert modes(data)["part"] == 0o600


def test_new_files_are_the_owners():
    """The mask of the process is what it was after the block."""
    before = os.umask(0o022)
    try:
        with private(group=False):
            assert os.umask(0o077) == 0o077
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_group_that_cannot_be_given_anything(monkeypatch):
    """A group that does not exist, or that one is not in, is refused by name."""
    assert find_readers(None) == Readers()
    with pytest.raises(SettingsError, match=r"There is no group 'no-such-group'"):
        find_readers("no-such-group")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(os, "getegid", lambda: 12345)
    monkeypatch.setattr(os, "getgroups", list)
    with pytest.raises(SettingsError, match="You are not in the group"):
        find_readers(grp.getgrgid(0).gr_name)
