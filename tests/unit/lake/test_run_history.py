"""The history of runs: lines that are only appended, whatever becomes of who appends them."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from voxlake.lake import KILLED, MOST, RUNNING, Layout, LivingRun, RunHistory
from voxlake.locks import BY_FILE

START = datetime(2026, 1, 1, 2, tzinfo=UTC)
KNOWN = {"command": "export", "version": "9.9"}
ENDED = {"finished_at": START + timedelta(seconds=3), "exit_code": 0, "requests": 7, "seconds": 3.25}


@pytest.fixture
def history(tmp_path):
    """Return the history of a data directory that exists."""
    (tmp_path / "lake").mkdir()
    return RunHistory(Layout(tmp_path))


def begin(history, *, hour=0):
    """Begin a run."""
    living = LivingRun(history)
    living.begin(started_at=START + timedelta(hours=hour), **KNOWN)
    return living


def kill(living):
    """Let go of what says that a run lives, as the end of its process does."""
    living._file.close()


def ends(runs):
    """Return how runs ended."""
    return [(run.exit_code, run.problem) for run in runs]


def test_a_run(history, tmp_path):
    """A run is running until it says how it ended; times come back in UTC, and its file is gone."""
    living = begin(history)
    assert ends(history.runs()) == [(None, RUNNING)]
    assert history.settled() == []
    living.note(accounts=2, account_id=None)
    living.end(**ENDED)
    (run,) = history.runs()
    assert (run.command, run.version, run.accounts, run.requests) == ("export", "9.9", 2, 7)
    assert (run.started_at, run.finished_at, run.seconds) == (START, START + timedelta(seconds=3), 3.25)
    assert run.to_json()["finished_at"] == "2026-01-01T02:00:03.000Z"
    assert not list((tmp_path / "locks").glob("record-*"))


def test_a_killed_run(history):
    """What let go of its file without a word was killed: readers see it at once, the next run writes it down."""
    kill(begin(history))
    alive = begin(history, hour=1)
    assert ends(history.runs()) == [(None, KILLED), (None, RUNNING)]
    assert ends(history.settled()) == [(None, KILLED)]
    assert KILLED in history._layout.runs.read_text()
    alive.end(**ENDED)
    assert ends(history.runs()) == [(None, KILLED), (0, None)]
    # How it would have ended is not how it ended.
    doomed = begin(history, hour=2)
    doomed.note(days=3, **ENDED)
    assert ends(history.runs())[2:] == [(None, RUNNING)]
    assert ends(history.settled())[2:] == [(0, None)]
    kill(doomed)
    (run,) = history.settled()[2:]
    assert (run.exit_code, run.problem, run.finished_at, run.days) == (None, KILLED, None, 3)


def test_damage(history):
    """A torn or foreign line costs itself alone, and so does one that says nonsense."""
    begin(history).end(**ENDED)
    for line in (b'{"run": "x", "started', b"\xff\xfe", b"[1]", b'{"run": 1}', b'{"run": "y"}', b"[" * 100_000):
        with history._layout.runs.open("ab") as file:
            file.write(line)
        begin(history, hour=1).end(**ENDED)
    begin(history).end(**ENDED | {"exit_code": "some", "requests": []})
    assert ends(history.runs()) == [(0, None)] * 7
    history._layout.runs.unlink()
    history._layout.runs.mkdir()
    assert history.runs() == []
    begin(history).end(**ENDED)


def test_the_last_thousand(history):
    """There are always the last thousand, and never more than twice as many."""
    layout = history._layout
    old = [
        json.dumps({"run": str(n), "started_at": (START + timedelta(minutes=n)).isoformat(), **KNOWN, "ended": True})
        for n in range(MOST)
    ]
    layout.runs.write_text("\n".join(old))
    begin(history, hour=100).end(**ENDED)
    assert layout.earlier_runs.exists()
    assert len(layout.runs.read_bytes().split()) < 100
    runs = history.runs()
    assert (len(runs), runs[0].started_at, runs[-1].exit_code) == (MOST, START + timedelta(minutes=1), 0)
    assert history.runs(limit=1) == runs[-1:]


def test_no_place(tmp_path):
    """Nothing is made where there is no data directory; once there is one, the run is recorded from its begin on."""
    history = RunHistory(Layout(tmp_path / "data"))
    living = LivingRun(history)
    living.begin(started_at=START, **KNOWN)
    assert not (tmp_path / "data").exists()
    living.end(started_at=START, **KNOWN, **ENDED)
    assert not (tmp_path / "data").exists()
    (tmp_path / "data" / "lake").mkdir(parents=True)
    living = LivingRun(history)
    living.end(started_at=START, **KNOWN, **ENDED)
    assert ends(history.runs()) == [(0, None)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(history, tmp_path):
    """A history that cannot be written is no reason to fail."""
    tmp_path.chmod(0o555)
    try:
        begin(history).end(**ENDED)
        assert history.runs() == []
    finally:
        tmp_path.chmod(0o755)


def test_locks_by_file(history, tmp_path):
    """Where lock files are the locks, a run lives as long as the directory is held."""
    (tmp_path / BY_FILE).touch()
    held = tmp_path / ".lock.held"
    held.touch()
    kill(begin(history))
    assert ends(history.runs()) == [(None, RUNNING)]
    held.unlink()
    assert ends(history.runs()) == [(None, KILLED)]
