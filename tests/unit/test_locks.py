"""One run writes a data directory at a time."""

import errno
import fcntl
import os

import pytest

from voxlake.errors import AlreadyRunning, SettingsError
from voxlake.locks import break_locks, locked, require_unlocked


def test_a_second_run_learns_who_is_first(tmp_path):
    """While a run holds the lock, another is refused, with the name of the first; afterwards it is free."""
    path = tmp_path / "data" / ".lock"
    with (
        locked(path, holder="process 7"),
        pytest.raises(AlreadyRunning, match=r"data \(process 7\): wait"),
        locked(path, holder="process 8"),
    ):
        pytest.fail("two runs hold one lock")
    with locked(path, holder="process 9"):
        assert path.read_text() == "process 9"


def test_looking_needs_no_lock_file(tmp_path):
    """Where there is none, nobody holds it; where there is one, its holder is named."""
    path = tmp_path / ".lock"
    require_unlocked(path)
    assert not path.exists()
    with locked(path, holder="process 7"), pytest.raises(AlreadyRunning):
        require_unlocked(path)
    require_unlocked(path)


def test_who_only_looks_stops_nobody(tmp_path):
    """A run that comes while somebody looks tries again in place of giving up."""
    path = tmp_path / ".lock"
    path.touch()
    flock, looker = fcntl.flock, path.open("rb")
    flock(looker, fcntl.LOCK_SH)
    tried = []

    def counting(file, operation):
        tried.append(operation)
        if len(tried) == 4:
            flock(looker, fcntl.LOCK_UN)
        return flock(file, operation)

    with looker, locked(path, holder="process 7", flock=counting):
        assert tried.count(fcntl.LOCK_EX | fcntl.LOCK_NB) > 1


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_locks(tmp_path, code):
    """It is said, with what can be done: a lock file that one run alone can make, and that names its owner."""
    path = tmp_path / ".lock"

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    with pytest.raises(SettingsError, match=r"has no locks .*\.lock-by-file"), locked(path, holder="1", flock=refuse):
        pytest.fail("nobody is kept out")
    require_unlocked(path, flock=refuse)
    (tmp_path / ".lock-by-file").touch()
    with locked(path, holder="process 7 on here", flock=refuse):
        for flock in (refuse, fcntl.flock):
            with (
                pytest.raises(AlreadyRunning, match=r"\(process 7 on here, since 2.*--break-lock"),
                locked(path, holder="process 8", flock=flock),
            ):
                pytest.fail("two runs hold one lock")
            with pytest.raises(AlreadyRunning):
                require_unlocked(path, flock=flock)
    with locked(path, holder="process 9", flock=refuse):
        pass


def test_the_lock_file_of_a_dead_run(tmp_path):
    """It stays until somebody says that the run is dead; also for runs under another lock."""
    path = tmp_path / ".lock"
    (tmp_path / ".lock.held").write_text("process 7 on gone, since yesterday")
    with pytest.raises(AlreadyRunning, match="since yesterday"), locked(path, holder="process 8"):
        pytest.fail("two runs hold one lock")
    assert break_locks(tmp_path) == ["process 7 on gone, since yesterday"]
    with locked(path, holder="process 8"):
        assert break_locks(tmp_path) == []


def test_a_file_that_is_locked_keeps_its_content(tmp_path):
    """A journal is locked as well, and neither overwritten nor quoted."""
    path = tmp_path / "journal"
    path.write_text("secret")
    with (
        locked(path, holder="process 7", busy="Another send is under way."),
        pytest.raises(AlreadyRunning, match=r"^Another send is under way\.$"),
        locked(path, holder="process 8", busy="Another send is under way."),
    ):
        pytest.fail("two runs hold one lock")
    assert path.read_text() == "secret"
