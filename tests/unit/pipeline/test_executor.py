"""An executor that fails: one clear error, everything read is kept, and what still runs is waited for."""

import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime, timedelta

import pytest
from support.contexts import FINALITY, StandingClock
from support.rows import messages
from support.scripted_api import ScriptedApi

from voxlake.errors import ExecutorFailed
from voxlake.lake import Lake
from voxlake.library.executors import Borrowed
from voxlake.pipeline import Context, DayRange, export
from voxlake.transform import SMS
from voxlake.warehouse import Warehouse

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAYS = [NOW.date() - timedelta(days=n) for n in range(30, 0, -1)]


class Failing(ThreadPoolExecutor):
    """Threads, of which task number `at` fails, and all after it, in one of the ways in which executors do."""

    def __init__(self, at, how):
        super().__init__(2)
        self.at, self.how, self.submitted = at, how, 0

    def submit(self, fn, /, *args, **kwargs):
        """Run a task, or fail."""
        self.submitted += 1
        if self.submitted < self.at:
            return super().submit(fn, *args, **kwargs)
        if self.how is RuntimeError:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = Future()
        future.set_exception(self.how("a child process terminated abruptly"))
        return future


@pytest.fixture
def night(tmp_path):
    """Export thirty days with an executor; each call is another run."""
    rows = [row for n, day in enumerate(DAYS) for row in messages(day, 400, first=1000 * (n + 1))]

    def run(executor, **options):
        clock = StandingClock(NOW)
        history = ScriptedApi(rows, **options)
        lake = Lake(tmp_path)
        with lake.locked(holder="a test"), executor:
            context = Context(history, lake, Warehouse(tmp_path), clock, executor, FINALITY)
            return export(context, [SMS], DayRange(DAYS[0], NOW.date()))

    return run


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("at", "how"), [(1, BrokenProcessPool), (3, RuntimeError), (4, RuntimeError), (4, CancelledError)]
)
def test_what_was_read_is_kept(night, at, how):
    """The run ends with 75 and one error, the days that were read are verified, and the next run brings the rest."""
    result = night(Failing(at, how))
    (error,) = result.errors
    assert isinstance(error, ExecutorFailed)
    assert str(error).startswith(f"The executor failed ({how.__name__}: ")
    assert result.exit_code == 75
    (stream,) = result.streams
    assert (stream.rows > 0) == (at > 3)
    assert len(stream.day_files) == len(DAYS)
    assert str(error) in stream.unverified.values()
    again = night(ThreadPoolExecutor(2))
    assert (again.exit_code, again.streams[0].rows) == (0, 400 * len(DAYS) - stream.rows)


def test_a_bug_is_not_the_executors(night):
    """What a task raises itself is raised, and not called the executor's failure."""
    with pytest.raises(ZeroDivisionError):
        night(ThreadPoolExecutor(2), before=lambda _: 1 / 0)


def test_a_borrowed_executor():
    """Of an executor that was passed in, the tasks of a run are waited for, and it goes on working."""
    with ThreadPoolExecutor(1) as executor:
        borrowed, go = Borrowed(executor), threading.Event()
        running, queued = borrowed.submit(go.wait), borrowed.submit(int)
        threading.Timer(0.05, go.set).start()
        borrowed.shutdown(cancel_futures=True)
        assert (running.done(), queued.cancelled(), executor.submit(int).result()) == (True, True, 0)
