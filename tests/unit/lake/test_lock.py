"""One run writes a data directory at a time."""

import fcntl

import pytest

from voxlake.errors import AlreadyRunning
from voxlake.lake.lock import locked, require_unlocked


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


def test_who_only_looks_stops_nobody(tmp_path, monkeypatch):
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

    monkeypatch.setattr(fcntl, "flock", counting)
    with looker, locked(path, holder="process 7"):
        assert tried.count(fcntl.LOCK_EX | fcntl.LOCK_NB) > 1
