"""Runs of different accounts share a data directory; the same account is worked on by one run at a time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from voxlake.errors import AlreadyRunning, SettingsError
from voxlake.lake import Lake, claimed, indexing, others_work, publishing


def test_different_accounts_at_the_same_time(tmp_path):
    """Each run has files in the making of its own, and leaves nothing behind."""
    lake = Lake(tmp_path)
    with (
        claimed(lake, [1, 2], holder="process 7") as (first, one),
        claimed(lake, [3], holder="process 8") as (other, _),
    ):
        assert first.tmp != other.tmp
        assert first.tmp.is_dir()
        assert other.tmp.is_dir()
        assert one.account_ids == (1, 2)
        assert others_work(first.layout)
        assert not one.taken
    assert not others_work(lake.layout)
    assert not list((tmp_path / "tmp").iterdir())
    assert not list((tmp_path / "locks").glob("run-*"))


def test_the_same_account_twice(tmp_path):
    """Of the accounts that are asked for, those that another run has are named; without any other, that is all."""
    lake = Lake(tmp_path)
    with claimed(lake, [1, 2], holder="process 7"):
        with (
            pytest.raises(AlreadyRunning, match=r"on account 2 \(process 7\): wait until it ends\."),
            claimed(lake, [2], holder="process 8"),
        ):
            pytest.fail("two runs have one account")
        with claimed(lake, [2, 3], holder="process 8") as (_, claim):
            assert claim.account_ids == (3,)
            assert "account 2 (process 7)" in str(claim.taken[2])
    with claimed(lake, [2], holder="process 9") as (_, claim):
        assert claim.account_ids == (2,)


def test_everything_and_one_account(tmp_path):
    """What touches everything shares with nobody, and either names the other; who looks finds both."""
    lake = Lake(tmp_path)
    with claimed(lake, [1], holder="process 7"):
        with pytest.raises(AlreadyRunning, match=r"on account 1 \(process 7\)"), lake.locked(holder="process 8"):
            pytest.fail("a run of an account is disturbed")
        with pytest.raises(AlreadyRunning, match="process 7"):
            lake.require()
    with lake.locked(holder="process 8"), pytest.raises(AlreadyRunning, match=r"\(process 8\)"):
        claimed(lake, [1], holder="process 7").__enter__()
    with pytest.raises(SettingsError):
        lake.require()


def test_a_run_that_was_killed(tmp_path):
    """The next run, of whatever account, removes what it left, and nothing of a run that lives."""
    dead = tmp_path / "locks" / f"run-7-{'0' * 12}"
    with claimed(Lake(tmp_path), [2], holder="process 7") as (living, _):
        (living.tmp / "draft").touch()
        dead.write_text('{"holder": "process 7", "account_ids": [1]}')
        left = tmp_path / "tmp" / dead.name / "next.duckdb"
        left.parent.mkdir()
        left.touch()
        with claimed(Lake(tmp_path), [1], holder="process 8") as (_, claim):
            assert claim.account_ids == (1,)
            assert not dead.exists()
            assert not left.parent.exists()
            assert (living.tmp / "draft").exists()


def test_where_lock_files_are_the_locks(tmp_path):
    """There is one run at a time, as before, of whatever accounts."""
    (tmp_path / ".lock-by-file").touch()
    lake = Lake(tmp_path)
    with claimed(lake, [1], holder="process 7") as (mine, _):
        assert mine.tmp.is_dir()
        with pytest.raises(AlreadyRunning, match="process 7"):
            claimed(lake, [2], holder="process 8").__enter__()
    with claimed(lake, [2], holder="process 8"):
        pass


def test_what_all_accounts_share_is_written_by_one_after_the_other(tmp_path):
    """Threads and runs wait for each other; who has the lock already may take it again."""
    lake, inside, most = Lake(tmp_path), [], []

    def write(n):
        with publishing(lake), indexing(lake), indexing(lake):
            inside.append(n)
            most.append(len(inside))
            inside.remove(n)

    with claimed(lake, [1], holder="process 7"), ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(50)))
    assert most == [1] * 50
